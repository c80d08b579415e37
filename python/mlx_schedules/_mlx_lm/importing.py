"""Changes other packages' modules right after they are imported, by whatever code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any


def after_import(changes: dict[str, Callable[[ModuleType], None]]) -> None:
    """Apply each change after the module of that name is imported. None of them may be imported yet."""
    sys.meta_path.insert(0, _Finder(dict(changes)))


class _Finder(MetaPathFinder):
    def __init__(self, changes: dict[str, Callable[[ModuleType], None]]) -> None:
        self.changes = changes

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        change = self.changes.pop(name, None)  # removed, so that find_spec below asks the other finders
        spec = find_spec(name) if change else None
        if spec and spec.loader and change:
            spec.loader = _Changed(spec.loader, change)
        return spec


class _Changed(Loader):
    def __init__(self, loader: Loader, change: Callable[[ModuleType], None]) -> None:
        self.loader, self.change = loader, change

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        self.change(module)

    def __getattr__(self, name: str) -> Any:  # get_source and the like, for tracebacks and runpy
        return getattr(self.loader, name)
