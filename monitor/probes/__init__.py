"""How to ask: one module a protocol. base.py holds the contract."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import cast

from monitor.discovery import declared_in
from monitor.probes.base import Prober

_MARKS = ("name", "options", "phase_metric", "phases", "probe")


@cache
def find_probers() -> Mapping[str, type[Prober]]:
    """Every prober by its name: the classes in this package's modules that declare what :class:`Prober` does."""
    found = [cast("type[Prober]", each) for each in declared_in(__name__, __path__, _MARKS)]
    return MappingProxyType({each.name: each for each in sorted(found, key=lambda each: each.name)})
