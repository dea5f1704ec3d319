"""When a maintenance window is in force, and what it covers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from monitor.calendar.model import Window
from monitor.calendar.rules import problems, starts

Span = tuple[datetime, datetime]

_YEARS = (2000, 3000)
_LONGEST = timedelta(days=366)


class Place(Protocol):
    """What a window covers: a point."""

    @property
    def id(self) -> str: ...
    @property
    def area(self) -> str: ...
    @property
    def labels(self) -> Mapping[str, str]: ...


def spans(window: Window, begin: datetime, end: datetime) -> list[Span]:
    """When ``window`` is in force within [``begin``, ``end``): (begin, end) pairs in UTC, cut to that, in order.

    Times that overlap or touch are one, so that a window longer than its period is always in force.
    """
    if window.created_at is not None:
        begin = max(begin, window.created_at)
    if window.cancelled_at is not None:
        end = min(end, window.cancelled_at)
    if end <= begin:
        return []
    found: list[Span] = []
    for start in _starts(window, begin, end):
        first, last = max(start, begin).astimezone(UTC), min(start + window.duration, end).astimezone(UTC)
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def in_force(window: Window, at: datetime) -> bool:
    """Whether it is in force at ``at``."""
    return bool(spans(window, at, at + timedelta.resolution))


def covers(window: Window, point: Place) -> bool:
    """Whether the point is named, lies in a named area, or has all of the window's labels."""
    if point.id in window.points or (point.area and point.area in window.areas):
        return True
    return bool(window.labels) and window.labels.items() <= point.labels.items()


def validate(window: Window) -> list[str]:
    """What is wrong with it, each as ``what; what to write instead``; empty when nothing is.

    Whether what it names exists is not known here: a window may outlive a point, and then covers one less.
    """
    if not _YEARS[0] <= window.begin.year < _YEARS[1]:
        return [f"begins in the year {window.begin.year}; write one from {_YEARS[0]} on"]
    wrong = []
    if window.duration <= timedelta(0):
        wrong.append("ends before it begins; write an end after the begin")
    elif window.duration > _LONGEST:
        wrong.append("lasts longer than a year; write a shorter one, or take the points out of the file")
    if not (window.points or window.areas or window.labels):
        wrong.append("covers nothing; name points, areas or labels")
    if window.rule:
        wrong += [f"rule: {text}" for text in problems(window.rule, window.begin)]
    return wrong


def _starts(window: Window, begin: datetime, end: datetime) -> Iterable[datetime]:
    """Starts of the times that touch [``begin``, ``end``)."""
    earliest = begin - window.duration
    if window.rule:
        return starts(window.rule, window.begin, earliest, end)
    return [window.begin] if earliest < window.begin < end else []
