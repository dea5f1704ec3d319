"""What a package's modules declare: a new protocol, or a new channel, is one file and no list to add it to."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from importlib import import_module
from pkgutil import iter_modules


def declared_in(package: str, path: Iterable[str], marks: Iterable[str]) -> Iterator[type]:
    """The classes that the modules of ``package`` (at ``path``) define themselves and that have all of ``marks``."""
    wanted = tuple(marks)
    for module_info in iter_modules(path, f"{package}."):
        module = import_module(module_info.name)
        for _, member in inspect.getmembers(module, inspect.isclass):
            if member.__module__ == module.__name__ and all(hasattr(member, mark) for mark in wanted):
                yield member
