"""What a Mach-O file takes from others, and gives."""

import pathlib

import lief

lief.logging.disable()

ANYWHERE = ""  # looked up at load time in whatever is loaded


def read(path: pathlib.Path) -> lief.MachO.Binary:
    fat = lief.MachO.parse(path)
    if fat is None:
        raise SystemExit(f"{path} is no Mach-O file")
    return fat.at(0)


def loaded(binary: lief.MachO.Binary) -> list[str]:
    return [str(x.name) for x in binary.libraries if x.command != lief.MachO.LoadCommand.TYPE.ID_DYLIB]


def given(binary: lief.MachO.Binary) -> set[str]:
    return {str(symbol.name) for symbol in binary.exported_symbols}


def taken(binary: lief.MachO.Binary) -> dict[str, set[str]]:
    """The symbols it takes, by library."""
    libraries = loaded(binary)
    result: dict[str, set[str]] = {}
    for symbol in binary.imported_symbols:
        ordinal = symbol.library_ordinal
        library = libraries[ordinal - 1] if 0 < ordinal <= len(libraries) else ANYWHERE
        result.setdefault(library, set()).add(str(symbol.name))
    result[ANYWHERE] = result.get(ANYWHERE, set()) - given(binary) - own_copies(binary)
    return result


def own_copies(binary: lief.MachO.Binary) -> set[str]:
    """Weak symbols that point at the file's own copy until dyld finds another: nothing has to give them."""
    pointing = {relocation.address for relocation in binary.relocations}
    return {
        str(binding.symbol.name)
        for binding in binary.bindings
        if isinstance(binding, lief.MachO.DyldBindingInfo)  # newer files bind by chains, and export what is weak
        and binding.binding_class == lief.MachO.DyldBindingInfo.CLASS.WEAK
        and binding.address in pointing
    }
