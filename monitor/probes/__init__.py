"""How to ask: one module a protocol. base.py holds the contract."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import cast

from monitor.probes.base import Prober

_MARKS = ("name", "options", "phase_metric", "phases", "probe")


@cache
def find_probers() -> Mapping[str, type[Prober]]:
    """Every prober by its name: the classes in this package's modules that declare what :class:`Prober` does."""
    found: dict[str, type[Prober]] = {}
    for module_info in iter_modules(__path__, f"{__name__}."):
        module = import_module(module_info.name)
        for _, member in inspect.getmembers(module, inspect.isclass):
            if member.__module__ == module.__name__ and all(hasattr(member, mark) for mark in _MARKS):
                prober = cast("type[Prober]", member)
                found[prober.name] = prober
    return MappingProxyType(dict(sorted(found.items())))
