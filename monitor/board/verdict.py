"""The sentence above the wall, counted from what is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from types import MappingProxyType

from monitor.board.views import PointView, Tone, Verdict
from monitor.health.stability import BUCKETS, Bucket
from monitor.model import Status

_DOWN: tuple[Bucket, ...] = ("down", "unreachable")
_AMBER: tuple[Bucket, ...] = ("flapping", "degraded")
_BAD: tuple[Bucket, ...] = ("down", "unreachable", "faulty", "flapping", "degraded")
_RANK = {name: rank for rank, name in enumerate(BUCKETS[1:])} | {"maintenance": len(BUCKETS)}


def reckon(views: Iterable[PointView], *, started: datetime, now: datetime, grace: timedelta) -> Verdict:
    """Count the views. A point of which nothing is known yet is troubled only ``grace`` after ``started``."""
    views = tuple(views)
    declared = [view for view in views if view.point.declared]
    counted = [view for view in declared if view.point.counted]
    services = tuple(view for view in declared if view.point.kind == "service")
    infrastructure = tuple(view for view in declared if not view.point.counted and view.point.kind != "service")
    tally = Counter(view.bucket for view in counted)
    settled = now - started >= grace
    return Verdict(
        total=len(counted),
        stable=tally["stable"],
        fresh=tally["fresh"],
        counts=MappingProxyType({name: tally[name] for name in BUCKETS}),
        troubled=_troubled(declared, settled=settled),
        services=services,
        infrastructure=infrastructure,
        undeclared=tuple(view.point for view in views if not view.point.declared),
        started=started,
        tone=_tone(
            {view.bucket for view in counted},
            {view.bucket for view in (*services, *infrastructure)},
        ),
    )


def _troubled(views: Iterable[PointView], *, settled: bool) -> tuple[PointView, ...]:
    """Worst first, then newest first, then by id."""
    found = [
        view
        for view in views
        if view.status is not Status.UP and not view.maintenance and (settled or view.since is not None)
    ]
    return tuple(
        sorted(
            found,
            key=lambda view: (
                _RANK[view.bucket],
                -(view.since.timestamp() if view.since else 0.0),
                view.point.id,
            ),
        )
    )


def _tone(points: Collection[Bucket], others: Collection[Bucket]) -> Tone:
    """The colour of the verdict: by the worst of the counted points; the others make it amber at worst."""
    looked_at = [name for name in points if name != "maintenance"]
    if any(name in _DOWN for name in looked_at):
        return "down"
    if "faulty" in looked_at:
        return "faulty"
    if any(name in _AMBER for name in looked_at) or any(name in _BAD for name in others):
        return "amber"
    if not points or "unknown" in looked_at or "unknown" in others:
        return "unknown"
    return "fresh" if "fresh" in looked_at else "stable"
