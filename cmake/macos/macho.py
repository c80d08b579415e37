"""The symbols that a Mach-O file imports and exports."""

import pathlib

import lief

lief.logging.disable()

ANYWHERE = ""  # the library of symbols that are looked up in everything that is loaded


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
    """Return the imported symbols by library."""
    libraries = loaded(binary)
    result: dict[str, set[str]] = {}
    for symbol in binary.imported_symbols:
        ordinal = symbol.library_ordinal
        library = libraries[ordinal - 1] if 0 < ordinal <= len(libraries) else ANYWHERE
        result.setdefault(library, set()).add(str(symbol.name))
    result[ANYWHERE] = result.get(ANYWHERE, set()) - given(binary) - own_copies(binary)
    return result


def own_copies(binary: lief.MachO.Binary) -> set[str]:
    """Return weak symbols that point at the file's own copy until dyld finds another. No library has to export them."""
    pointing = {relocation.address for relocation in binary.relocations}
    return {
        str(binding.symbol.name)
        for binding in binary.bindings
        if isinstance(binding, lief.MachO.DyldBindingInfo)  # newer files use chained fixups, and export weak symbols
        and binding.binding_class == lief.MachO.DyldBindingInfo.CLASS.WEAK
        and binding.address in pointing
    }
