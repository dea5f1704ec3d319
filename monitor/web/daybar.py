"""A point's last days as a bar each, for its page. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from monitor.language.words import Words
from monitor.ledger import Uptime
from monitor.model import Status

BAR_HEIGHT = 44
BAR_LEAST = 8
"""Trouble shows at least so high in a day's bar (of BAR_HEIGHT)."""

DAY_GROUPS = (
    ("down", (Status.DOWN, Status.UNREACHABLE)),
    ("faulty", (Status.FAULTY,)),
    ("maintenance", ()),
    ("unmeasured", (Status.UNOBSERVED, Status.UNKNOWN)),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a day's bar: its kind, its upper edge and height of BAR_HEIGHT."""

    kind: str
    top: float
    height: float


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the bar."""

    short: str
    label: str
    pieces: tuple[Piece, ...]


def days(uptimes: Mapping[date, Uptime], words: Words) -> tuple[Day, ...]:
    """The bar of days: trouble stands at the bottom, at least BAR_LEAST high; what was not measured is above it."""
    return tuple(_day(day, each, words) for day, each in sorted(uptimes.items()))


def _day(day: date, uptime: Uptime, words: Words) -> Day:
    total = sum(uptime.by_status.values(), timedelta())
    top = float(BAR_HEIGHT)
    pieces = []
    for kind, statuses in DAY_GROUPS:
        spent = sum(
            (
                uptime.by_status.get(status, timedelta()) - uptime.in_maintenance.get(status, timedelta())
                for status in statuses
            ),
            timedelta(),
        )
        if kind == "maintenance":
            spent = uptime.maintenance
        if spent and total:
            height = min(top, max(BAR_LEAST, BAR_HEIGHT * (spent / total)))
            top -= height
            pieces.append(Piece(kind, round(top, 1), round(height, 1)))
    if top > 0:
        pieces.append(Piece("up", 0, round(top, 1)))
    label = words.gettext("%(day)s: kết nối %(ratio)s %%, đo được %(coverage)s %%") % {
        "day": day.strftime("%d/%m/%Y"),
        "ratio": words.ratio(uptime.connectivity),
        "coverage": words.ratio(uptime.coverage, 1),
    }
    return Day(day.strftime("%d/%m"), label, tuple(pieces))
