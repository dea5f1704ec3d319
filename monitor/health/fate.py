"""A common fate: points that share a value of a label and begin to fail together have one cause.

The rule, with the figures that it was chosen by, is in docs/decisions/causes.md.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import combinations
from math import exp, lgamma, log, log1p
from typing import Final, NamedTuple

from monitor.model import Fault, FaultKind

AT_LEAST: Final = 3
"""Fewer points have no common fate."""
SHARE_PERCENT: Final = 80
"""So many of the points under one value must have begun to fail together."""
NEARLY_ALL_PERCENT: Final = 90
"""So many of all points are the whole network."""
CHANCE: Final = 1e-6
"""When others fail as well: how improbable it must be that the points under a value fail together by accident."""
EXACT: Final = 12
"""Up to so many values the smallest cover is searched for, beyond it is approached."""


class Seen(NamedTuple):
    """A point that was asked, with its labels; ``failing_since`` is the begin of its first failure, None: it is well.

    Under the label ``area`` goes its area. A point that is unknown, or cut off because of another point, is not to be
    among them, nor one that was not asked since the first of the failures began.
    """

    point: str
    labels: Mapping[str, str]
    failing_since: datetime | None


class Fate(NamedTuple):
    """What failing points have in common, and which ones these are."""

    fault: Fault
    points: frozenset[str]


class _Value(NamedTuple):
    """A value of a label that explains failures: how many points are observed under it, and those that failed."""

    name: str
    observed: int
    failing: frozenset[str]


def common_fate(seen: Iterable[Seen], *, labels: Sequence[str], window: timedelta, around: datetime) -> list[Fate]:
    """What the failures that began together with one at ``around`` have in common; empty: nothing, by all we know.

    Points begin to fail together when their first failures lie in one ``window`` with ``around``. Of those that are
    failing since longer than a window before the last of these nothing is concluded; one that began later than a
    window after the first was well then.

    A value qualifies when at least max(3, 80 %) of the points observed under it began to fail together, more than half
    of those outside it did not, and it is no accident; so do several of one label together, of which more than half of
    those outside all of them did not. Of several the fewest that cover the failures (but for one or
    two) are named; on a tie those with the fewest points, then in the order of ``labels``. Nearly all points and no
    value that tells them from the rest: the network. A point is in one fate at most: of two, that with the most
    failures, which comes first; one that is left with fewer than three is none.
    """
    points = list(seen)
    times = _Times(points)
    hit = [(label, list(_hit(points, label, window, around))) for label in labels]
    found = [each.value for _, values in hit for each in values if _explains([each], times, window)]
    found = _of_one_label(hit, found, times, window) or found
    if not found:
        return _whole_network(points, times, window, around)
    fates = []
    taken: frozenset[str] = frozenset()
    for value in sorted(_cover(found), key=lambda value: -len(value.failing)):
        left = value.failing - taken
        if len(left) >= AT_LEAST:
            fates.append(Fate(Fault(FaultKind.LABEL, value.name), left))
            taken |= left
    return fates


class _Span(NamedTuple):
    """First failures from ``begin`` to ``end`` are said to have begun together."""

    begin: datetime
    end: datetime


class _Count(NamedTuple):
    """How many points failed, of how many that say anything about it."""

    failing: int
    observed: int

    def without(self, part: _Count) -> _Count:
        return _Count(self.failing - part.failing, self.observed - part.observed)


class _Times:
    """The first failures of some points in order, and how many points are well."""

    def __init__(self, points: Sequence[Seen]) -> None:
        self.failing = sorted(point.failing_since for point in points if point.failing_since is not None)
        self.well = len(points) - len(self.failing)

    def count(self, span: _Span) -> _Count:
        """How many began to fail in the span; those that failed before it say nothing."""
        earlier = bisect_left(self.failing, span.begin)
        within = bisect_right(self.failing, span.end) - earlier
        return _Count(within, self.well + len(self.failing) - earlier)

    def together(self, window: timedelta, around: datetime) -> _Span | None:
        """The most first failures that lie in one window with ``around`` (of several the earliest), as the span of
        what is no more than a window away from each of them and from ``around``."""
        times, last = self.failing, 0
        most, best = 0, None
        for first in range(bisect_left(times, around - window), bisect_right(times, around)):
            last = max(last, bisect_right(times, times[first] + window, lo=first))
            if last - first > most:
                most = last - first
                best = _Span(max(times[last - 1], around) - window, min(times[first], around) + window)
        return best


class _Hit(NamedTuple):
    """A value of which enough points began to fail together, in ``span``, to be a common cause of theirs."""

    value: _Value
    times: _Times
    span: _Span


def _hit(points: Sequence[Seen], label: str, window: timedelta, around: datetime) -> Iterator[_Hit]:
    """The values of a label of which enough points began to fail together, in order."""
    failures = Counter(point.labels.get(label) for point in points if point.failing_since is not None)
    members: dict[str, list[Seen]] = {value: [] for value, count in failures.items() if value and count >= AT_LEAST}
    for point in points if members else ():
        if (value := point.labels.get(label)) in members:
            members[value].append(point)
    for value, inside in sorted(members.items()):
        own = _Times(inside)
        span = own.together(window, around)
        if span is not None:
            failing, observed = own.count(span)
            if failing >= AT_LEAST and 100 * failing >= SHARE_PERCENT * observed:
                names = frozenset(
                    p.point for p in inside if p.failing_since and span.begin <= p.failing_since <= span.end
                )
                yield _Hit(_Value(f"{label}={value}", observed, names), own, span)


def _of_one_label(
    hit: Iterable[tuple[str, Sequence[_Hit]]], found: Sequence[_Value], times: _Times, window: timedelta
) -> list[_Value]:
    """Several values of one label that were hit at once, each hiding from the other that most points outside are well:
    two of three providers. Only if they leave fewer failures to themselves than AT_LEAST, and the others don't."""
    for _, values in hit:
        if len(values) < 2:
            continue
        failures = frozenset(_union(each.value for each in values))
        everyone = max(times.count(each.span).failing for each in values)
        missing = everyone - len(failures) < AT_LEAST <= len(failures - _union(found))
        if missing and _explains(values, times, window):
            return [each.value for each in values]
    return []


def _explains(hit: Sequence[_Hit], everyone: _Times, window: timedelta) -> bool:
    """Whether so many failures inside, and so few outside of all of these, speak for a common cause of each.

    How often points fail by themselves these minutes is taken from the others over a time that is a window longer on
    either side: a storm that has been going for a while is a storm still.
    """
    for each in hit:
        failing, observed = each.times.count(each.span)
        others_failing, others = _outside(hit, everyone, each.span)
        if 2 * others_failing >= others:
            return False
        longer = _Span(each.span.begin - window, each.span.end + window)
        others_failing, others = _outside(hit, everyone, longer)
        if others_failing and accident(failing, observed, others_failing, others) > CHANCE:
            return False
    return True


def _outside(hit: Sequence[_Hit], everyone: _Times, span: _Span) -> _Count:
    count = everyone.count(span)
    for each in hit:
        count = count.without(each.times.count(span))
    return count


def accident(failing: int, observed: int, others_failing: int, others: int) -> float:
    """How probable it is that at least ``failing`` of ``observed`` points fail when each does as often as the others.

    The binomial distribution's upper tail, with the rate that Laplace's rule of succession gives for the others.
    """
    rate = (others_failing + 1) / (others + 2)
    logarithms = (
        _log_choices(observed, k) + k * log(rate) + (observed - k) * log1p(-rate) for k in range(failing, observed + 1)
    )
    return sum(map(exp, logarithms))


def _log_choices(observed: int, chosen: int) -> float:
    """The logarithm of the binomial coefficient: itself it outgrows a float."""
    return lgamma(observed + 1) - lgamma(chosen + 1) - lgamma(observed - chosen + 1)


def _cover(values: Sequence[_Value]) -> Sequence[_Value]:
    """The fewest values that leave fewer than three of their failures uncovered; of several those that cover the most,
    then the narrowest, then the first."""
    failures = _union(values)
    if len(values) > EXACT:
        return _approached(values, failures)
    for size in range(1, len(values)):
        covers = [some for some in combinations(values, size) if len(failures - _union(some)) < AT_LEAST]
        if covers:
            return min(covers, key=lambda some: (-len(_union(some)), sum(value.observed for value in some)))
    return values


def _approached(values: Sequence[_Value], failures: frozenset[str]) -> list[_Value]:
    """A small cover, by taking again and again the value that covers the most of what is left."""
    chosen = []
    while len(failures) >= AT_LEAST:
        left = failures
        best = min(values, key=lambda value: (-len(value.failing & left), value.observed))
        chosen.append(best)
        failures -= best.failing
    return chosen


def _union(values: Iterable[_Value]) -> frozenset[str]:
    return frozenset(point for value in values for point in value.failing)


def _whole_network(points: Sequence[Seen], times: _Times, window: timedelta, around: datetime) -> list[Fate]:
    span = times.together(window, around)
    if span is None:
        return []
    failing, observed = times.count(span)
    if failing < AT_LEAST or 100 * failing < NEARLY_ALL_PERCENT * observed:
        return []
    names = frozenset(p.point for p in points if p.failing_since and span.begin <= p.failing_since <= span.end)
    return [Fate(Fault(FaultKind.NETWORK), names)]
