"""Ways to tell people, a file each. A channel is its options plus one verb, as a prober is."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import cast

from monitor.channels.base import Channel

_MARKS = ("name", "options", "send")


@cache
def find_channels() -> Mapping[str, type[Channel]]:
    """Every channel by its name: the classes in this package's modules that declare what :class:`Channel` does."""
    found: dict[str, type[Channel]] = {}
    for module_info in iter_modules(__path__, f"{__name__}."):
        module = import_module(module_info.name)
        for _, member in inspect.getmembers(module, inspect.isclass):
            if member.__module__ == module.__name__ and all(hasattr(member, mark) for mark in _MARKS):
                channel = cast("type[Channel]", member)
                found[channel.name] = channel
    return MappingProxyType(dict(sorted(found.items())))
