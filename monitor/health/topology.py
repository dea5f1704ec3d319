"""Who is cut off because of whom, by what points declare that they need.

A dependency is a tuple of points of which any one will do; it is lost when all of them fail. That a point fails is
told by its own probes: one that answers is evidence enough that what it needs itself is there.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime

Needs = Mapping[str, Sequence[tuple[str, ...]]]
"""By point id its dependencies, each the ids of which any one will do."""


def root(point: str, needs: Needs, failing: Mapping[str, datetime], *, planned: Container[str] = ()) -> str | None:
    """The topmost failing ancestor because of which ``point`` is cut off; None: none of its dependencies is lost.

    ``failing`` tells since when each failing point fails. Of several the one that failed first, then the first by id;
    one whose failing was ``planned`` last of all, for without the others it would have cut nobody off. Never the point
    itself. Where points need each other in a ring, none is topmost: all of the ring are weighed.
    """
    reached = _lost(point, needs, failing)
    tops = [each for each in reached if not any(_lost_members(each, needs, failing))] or reached
    return min(tops, key=lambda each: (each in planned, failing[each], each), default=None)


def spares_lost(point: str, needs: Needs, failing: Mapping[str, datetime]) -> tuple[str, ...]:
    """The failing members of the point's own dependencies that stand all the same, in the order of failing."""
    members = {
        member
        for dependency in needs.get(point, ())
        if not all(member in failing for member in dependency)
        for member in dependency
        if member in failing and member != point
    }
    return tuple(sorted(members, key=lambda each: (failing[each], each)))


def ancestors(point: str, needs: Needs) -> frozenset[str]:
    """Every point that it needs, directly or through others; of redundant ones all. Never the point itself."""
    found: set[str] = set()
    waiting = [point]
    while waiting:
        for dependency in needs.get(waiting.pop(), ()):
            fresh = set(dependency) - found
            found |= fresh
            waiting += fresh
    return frozenset(found - {point})


def dependants(point: str, needs: Needs) -> frozenset[str]:
    """Every point that needs it, directly or through others. Never the point itself."""
    children: dict[str, set[str]] = {}
    for child, dependencies in needs.items():
        for dependency in dependencies:
            for member in dependency:
                children.setdefault(member, set()).add(child)
    found: set[str] = set()
    waiting = [point]
    while waiting:
        fresh = children.get(waiting.pop(), set()) - found
        found |= fresh
        waiting += fresh
    return frozenset(found - {point})


def _lost(point: str, needs: Needs, failing: Mapping[str, datetime]) -> list[str]:
    """The failing ancestors that lost dependencies lead to."""
    found: dict[str, None] = {}
    waiting = [point]
    while waiting:
        for member in _lost_members(waiting.pop(), needs, failing):
            if member != point and member not in found:
                found[member] = None
                waiting.append(member)
    return list(found)


def _lost_members(point: str, needs: Needs, failing: Mapping[str, datetime]) -> Iterator[str]:
    for dependency in needs.get(point, ()):
        if all(member in failing for member in dependency):
            yield from dependency
