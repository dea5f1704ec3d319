"""The calendar's values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The Centre's office hours ("Mon-Fri 08:00-11:30,13:30-17:00") and Vietnam's holidays, with days ``added`` or
    ``removed``: decrees come late."""

    office_hours: str = "Mon-Fri 08:00-11:30,13:30-17:00"
    added: frozenset[date] = frozenset()
    removed: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Planned work on some points, once or again and again.

    It covers the points named in ``points``, those of ``areas``, and those that have all of ``labels``. The first time
    is [``begin``, ``begin`` + ``duration``); ``rule`` is an RFC 5545 RRULE ("FREQ=WEEKLY;BYDAY=SU") reckoned in
    Asia/Ho_Chi_Minh, "" for once. It covers nothing before ``created_at``, for work isn't planned afterwards, and
    nothing from ``cancelled_at`` on.
    """

    id: str
    name: str
    begin: datetime
    duration: timedelta
    rule: str = ""
    points: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    created_by: str = ""
    created_at: datetime | None = None
    cancelled_at: datetime | None = None
