"""When a point is stable, and the one bucket that each point is counted under."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

from monitor.model import Status

Bucket = Literal["maintenance", "down", "unreachable", "faulty", "flapping", "degraded", "unknown", "fresh", "stable"]

BUCKETS: Final[tuple[Bucket, ...]] = (
    "maintenance",
    "down",
    "unreachable",
    "faulty",
    "flapping",
    "degraded",
    "unknown",
    "fresh",
    "stable",
)
"""Exclusive, in the order in which the first that holds is taken. ``fresh`` is up for less than ``stable_after``."""

_BY_STATUS: Final[dict[Status, Bucket]] = {
    Status.DOWN: "down",
    Status.UNREACHABLE: "unreachable",
    Status.FAULTY: "faulty",
    Status.DEGRADED: "degraded",
    Status.UNKNOWN: "unknown",
    Status.UNOBSERVED: "unknown",
}


def is_stable(
    status: Status, since: datetime | None, now: datetime, stable_after: timedelta, *, flapping: bool = False
) -> bool:
    """Stable ("hoạt động ổn định"): up, not flapping, for at least ``stable_after``."""
    return status is Status.UP and not flapping and since is not None and now - since >= stable_after


def bucket(status: Status, *, stable: bool, flapping: bool = False, maintenance: bool = False) -> Bucket:
    """The first bucket that holds."""
    if maintenance:
        return "maintenance"
    if status in (Status.DOWN, Status.UNREACHABLE, Status.FAULTY):
        return _BY_STATUS[status]
    if flapping:
        return "flapping"
    if status is Status.UP:
        return "stable" if stable else "fresh"
    return _BY_STATUS[status]
