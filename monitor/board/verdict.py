"""The sentence above the wall, counted from what is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from monitor.board.views import PointView, Tone, Verdict
from monitor.config.model import Point
from monitor.health.stability import BUCKETS, Bucket

_DOWN: tuple[Bucket, ...] = ("down", "unreachable")
_AMBER: tuple[Bucket, ...] = ("flapping", "degraded")
_BAD: tuple[Bucket, ...] = (*_DOWN, "faulty", *_AMBER)
_TROUBLE: tuple[Bucket, ...] = (*_BAD, "unknown")


class Tally:
    """The views and their counts, kept view by view: a verdict costs as much as there is wrong, not as there is."""

    def __init__(self, views: Iterable[PointView]) -> None:
        self._views: dict[str, PointView] = {}
        self._counts: Counter[Bucket] = Counter()
        self._troubled: dict[str, PointView] = {}
        self._counted: set[str] = set()
        self._services: list[str] = []
        self._infrastructure: list[str] = []
        self._undeclared: list[Point] = []
        for view in views:
            self._place(view.point)
            self.put(view)

    @property
    def views(self) -> Mapping[str, PointView]:
        """Every view by its point's id, in the order in which they were first put; live."""
        return MappingProxyType(self._views)

    def put(self, view: PointView) -> None:
        """Replace a point's view."""
        name, bucket = view.point.id, view.bucket
        before = self._views.get(name)
        self._views[name] = view
        if name in self._counted:
            if before is not None:
                self._counts[before.bucket] -= 1
            self._counts[bucket] += 1
        if bucket in _TROUBLE and view.point.declared:
            self._troubled[name] = view
        else:
            self._troubled.pop(name, None)

    def verdict(self, *, started: datetime, now: datetime, grace: timedelta) -> Verdict:
        """What the views add up to at ``now``.

        A point of which nothing is known yet is troubled only ``grace`` after ``started``.
        """
        settled = now - started >= grace
        troubled = (view for view in self._troubled.values() if settled or view.since is not None)
        services = tuple(self._views[name] for name in self._services)
        infrastructure = tuple(self._views[name] for name in self._infrastructure)
        counts = {name: self._counts[name] for name in BUCKETS}
        return Verdict(
            total=len(self._counted),
            stable=counts["stable"],
            fresh=counts["fresh"],
            counts=MappingProxyType(counts),
            troubled=tuple(sorted(troubled, key=_rank)),
            services=services,
            infrastructure=infrastructure,
            undeclared=tuple(self._undeclared),
            started=started,
            tone=_tone(
                {name for name in BUCKETS if counts[name]}, {view.bucket for view in (*services, *infrastructure)}
            ),
        )

    def _place(self, point: Point) -> None:
        if not point.declared:
            self._undeclared.append(point)
        elif point.counted:
            self._counted.add(point.id)
        else:
            (self._services if point.kind == "service" else self._infrastructure).append(point.id)


def _rank(view: PointView) -> tuple[int, float, str]:
    """Worst first, then newest first, then by id."""
    return _TROUBLE.index(view.bucket), -view.since.timestamp() if view.since else 0.0, view.point.id


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
