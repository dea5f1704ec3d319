"""Ways to tell people, a file each. A channel is its options plus one verb, as a prober is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import cast

from monitor.channels.base import Channel
from monitor.discovery import declared_in

_MARKS = ("name", "options", "send")


@cache
def find_channels() -> Mapping[str, type[Channel]]:
    """Every channel by its name: the classes in this package's modules that declare what :class:`Channel` does."""
    found = [cast("type[Channel]", each) for each in declared_in(__name__, __path__, _MARKS)]
    return MappingProxyType({each.name: each for each in sorted(found, key=lambda each: each.name)})
