"""What is said of points, as text: made from the board's views when asked, uptimes when they were reckoned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

from monitor.board import PointView
from monitor.calendar.hours import is_open
from monitor.calendar.model import Calendar
from monitor.config.model import Config, Point
from monitor.health.stability import Bucket
from monitor.ledger import Uptime
from monitor.metrics.catalogue import FAMILIES
from monitor.metrics.text import label_text, sample
from monitor.model import Status

T = TypeVar("T")

STATUSES: Final = tuple(status for status in Status if status is not Status.UNOBSERVED)
AT_ONCE: Final = 500
"""Points whose lines are made in one go."""

TRUTHS: Final[Mapping[str, Callable[[PointView], bool]]] = {
    "lienthong_point_stable": lambda view: view.stable,
    "lienthong_point_maintenance": lambda view: view.maintenance,
    "lienthong_point_flapping": lambda view: view.flapping,
    "lienthong_point_never_up": lambda view: view.never,
}
"""What holds of a point or doesn't, by the family that says so."""

OPEN: Final = "lienthong_point_open"
RATIO: Final = "lienthong_point_uptime_ratio"
COVERAGE: Final = "lienthong_point_uptime_coverage_ratio"


class PointSamples:
    """Lines of the point families."""

    def __init__(self) -> None:
        self._calendar = Calendar()
        self._areas: list[str] = []
        self._wall: list[str] = []
        self._objectives: list[str] = []
        self._info: list[str] = []
        self._status: dict[str, dict[Status, str]] = {}
        self._truths: dict[str, dict[str, tuple[str, str]]] = {}
        self._ratios: dict[str, str] = {}
        self._coverage: dict[str, str] = {}

    def load(self, config: Config) -> None:
        """Take the configuration over; points that are gone disappear."""
        declared = [point for point in config.points if point.declared]
        self._calendar = config.calendar
        self._areas = [sample("lienthong_area_info", {"area": area.id, "name": area.name}, 1) for area in config.areas]
        self._wall = _wall(config)
        self._objectives = _objectives(config)
        self._info = [_info(point) for point in config.points]
        self._status = {point.id: {status: _status(point, status) for status in STATUSES} for point in declared}
        self._truths = {
            name: {point.id: (_truth(name, point, 0), _truth(name, point, 1)) for point in declared}
            for name in (*TRUTHS, OPEN)
        }
        for lines in (self._ratios, self._coverage):
            for gone in lines.keys() - self._status.keys():
                del lines[gone]

    def on_uptime(self, point: str, windows: Mapping[str, Uptime]) -> None:
        """Take the uptimes of a point by window."""
        if point not in self._status:
            return
        self._ratios[point] = "".join(
            sample(RATIO, {"point": point, "measure": measure, "window": window}, ratio)
            for window, up in windows.items()
            for measure, ratio in (("connectivity", up.connectivity), ("service", up.service))
            if ratio is not None
        )
        self._coverage[point] = "".join(
            sample(COVERAGE, {"point": point, "window": window}, up.coverage) for window, up in windows.items()
        )

    def slices(
        self, views: Sequence[PointView], counts: Mapping[Bucket, int], now: datetime
    ) -> Iterator[Iterable[str]]:
        """Every family, in pieces that each take a few milliseconds at most."""
        yield _head("lienthong_points")
        yield [sample("lienthong_points", {"status": name}, count) for name, count in counts.items()]
        yield (*_head("lienthong_area_info"), *self._areas)
        yield (*_head("lienthong_wall_info"), *self._wall)
        yield (*_head("lienthong_slo_ratio"), *self._objectives)
        yield _head("lienthong_point_info")
        yield from _batches(self._info)
        yield _head("lienthong_point_status")
        known = [view for view in views if view.point.id in self._status]
        for some in _batches(known):
            yield [self._status[view.point.id].get(view.status, "") for view in some]
        opens = {hours: is_open(hours, now, self._calendar) for hours in {view.point.hours for view in known}}
        truths: dict[str, Callable[[PointView], bool]] = {**TRUTHS, OPEN: lambda view: opens[view.point.hours]}
        for name, holds in truths.items():
            yield _head(name)
            for some in _batches(known):
                yield [self._truths[name][view.point.id][holds(view)] for view in some]
        for name, lines in ((COVERAGE, self._coverage), (RATIO, self._ratios)):
            if any(lines.values()):
                yield _head(name)
                yield from _batches(list(lines.values()))


def _head(name: str) -> tuple[str]:
    return (FAMILIES[name].head,)


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for begin in range(0, len(items), AT_ONCE):
        yield items[begin : begin + AT_ONCE]


def _labels(point: Point) -> dict[str, str]:
    return {"point": point.id, "kind": point.kind, "area": point.area}


def _wall(config: Config) -> list[str]:
    url = config.alerts.url.rstrip("/") or f"http://localhost:{config.server.port}"
    return [sample("lienthong_wall_info", {"url": url}, 1)]


def _objectives(config: Config) -> list[str]:
    promised = {"connectivity": config.objectives.connectivity, "service": config.objectives.service}
    return [sample("lienthong_slo_ratio", {"measure": measure}, ratio) for measure, ratio in promised.items()]


def _status(point: Point, present: Status) -> str:
    return "".join(
        sample("lienthong_point_status", {**_labels(point), "status": status}, status is present) for status in STATUSES
    )


def _truth(name: str, point: Point, value: int) -> str:
    return sample(name, _labels(point), value)


def _info(point: Point) -> str:
    location = point.location
    labels = {
        "point": point.id,
        "name": point.name,
        "code": point.code,
        "kind": point.kind,
        "area": point.area,
        "latitude": "" if location is None else str(location.latitude),
        "longitude": "" if location is None else str(location.longitude),
        "unit_type": point.unit_type,
    }
    return f"lienthong_point_info{{{label_text(labels)}}} 1.0\n"
