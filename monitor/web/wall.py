"""The wall: what the board says, arranged as the page shows it. Pure; the template only places it.

Nothing moves: areas and tiles keep their place in every state. Only the panel changes its content.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor.config.model import Area, Config, Point
from monitor.language.words import BUCKETS, Words
from monitor.model import Outcome, Reason, Status
from monitor.web.search import fold

if TYPE_CHECKING:
    from monitor.board import PointView
    from monitor.ledger import Uptime

TILE_ROWS = 3
"""Rows of tiles that a cell has room for; an area with more grows one upward, into a free cell."""

WIDE_NAME = 16
LONG_NAME = 10
ALARM = 3
"""So many points down in an area make its header solid."""

FRAMES = ("down", "unreachable", "faulty", "flapping", "degraded")
"""Buckets that frame an area, worst first."""

CUT_OFF = ("down", "unreachable")
SHARED = ("hub", "circuit")
"""Kinds of points that others hang on, the widest first."""

TROUBLE = (*FRAMES, "unknown")
PREFIXES = ("Phường ", "Xã ", "Thị trấn ")


@dataclass(frozen=True, slots=True)
class Tile:
    """A point on the map. ``label`` is what a screen reader says, ``words`` what the search looks in."""

    id: str
    name: str
    bucket: str
    label: str
    words: str
    wide: bool = False
    number: int = 0
    """The incident that touches it; 0: none."""

    @property
    def long(self) -> bool:
        """Whether the name needs the smaller type; beside a glyph it also breaks into two lines."""
        return not self.wide and len(self.name) > LONG_NAME - (self.bucket not in ("stable", "undeclared"))


@dataclass(frozen=True, slots=True)
class Cell:
    """An area of the map with its wards in reading order and its branches."""

    area: Area
    tiles: tuple[Tile, ...]
    branches: tuple[Tile, ...]
    tall: bool
    frame: str
    alarm: bool
    troubled: str
    """ "8/9" when several points but not all are troubled."""
    number: int = 0
    """The worst open incident that touches it; 0: none."""

    @property
    def all_tiles(self) -> tuple[Tile, ...]:
        return (*self.tiles, *self.branches)


@dataclass(frozen=True, slots=True)
class Count:
    """One entry of the legend, which is also a filter; ``key`` is the digit that presses it."""

    bucket: str
    name: str
    number: int
    key: str


@dataclass(frozen=True, slots=True)
class Line:
    """A point in a list: a shared service, the hub, a circuit. ``value`` says how it is, in a few words."""

    id: str
    name: str
    bucket: str
    value: str
    since: datetime | None = field(default=None)


def bucket(view: PointView) -> str:
    """The one bucket that the point is counted in: the first that holds."""
    if not view.point.declared:
        return "undeclared"
    return view.bucket


def short_name(point: Point) -> str:
    """The name on a tile, without the unit's type."""
    for prefix in PREFIXES:
        if point.name.startswith(prefix):
            return point.name.removeprefix(prefix)
    return point.name


def counts(views: Iterable[PointView], words: Words, config: Config) -> tuple[Count, ...]:
    """The legend: exclusive buckets that sum to N. "Under five minutes" joins it only when it isn't zero."""
    numbers = dict.fromkeys(BUCKETS, 0)
    for view in views:
        if view.point.counted:
            numbers[bucket(view)] += 1
    shown = [name for name in BUCKETS if name != "fresh" or numbers["fresh"]]
    keys = iter("123456789")
    return tuple(
        Count(name, words.bucket(name, config.stable_after), numbers[name], "" if name == "fresh" else next(keys))
        for name in shown
    )


def cells(
    views: Mapping[str, PointView], words: Words, config: Config, now: datetime, numbers: Mapping[str, int]
) -> tuple[Cell, ...]:
    """The areas of the map, each with its tiles, in the configuration's order from north-west to south-east.

    ``numbers`` are those of the open incidents by the points that they touch, the worst incident's in front.
    """
    by_area: dict[str, list[PointView]] = {}
    for view in views.values():
        by_area.setdefault(view.point.area, []).append(view)
    areas = sorted(config.areas, key=lambda area: (area.row, area.column))
    return tuple(_cell(area, by_area.get(area.id, []), words, config, now, numbers) for area in areas)


def _cell(
    area: Area, members: list[PointView], words: Words, config: Config, now: datetime, numbers: Mapping[str, int]
) -> Cell:
    def tile(view: PointView) -> Tile:
        return _tile(view, area, words, config.stable_after, now, numbers.get(view.point.id, 0))

    columns = 2 * area.column_span
    wards = [view for view in members if view.point.kind == "ward"]
    tiles = arrange([(tile(view), *_position(view.point)) for view in wards], columns)
    branches = tuple(tile(view) for view in members if view.point.kind == "branch")
    buckets = [one.bucket for one in (*tiles, *branches)]
    troubled = sum(name in FRAMES for name in buckets)
    slots = sum(2 if one.wide else 1 for one in tiles)
    return Cell(
        area=area,
        tiles=tiles,
        branches=branches,
        tall=slots > columns * TILE_ROWS,
        frame=next((name for name in FRAMES if name in buckets), ""),
        alarm=sum(name in CUT_OFF for name in buckets) >= ALARM,
        troubled=f"{troubled}/{len(buckets)}" if 1 < troubled < len(buckets) else "",
        number=next(
            (number for point, number in numbers.items() if any(point == each.id for each in (*tiles, *branches))), 0
        ),
    )


def _tile(view: PointView, area: Area, words: Words, stable_after: timedelta, now: datetime, number: int) -> Tile:
    point = view.point
    name = words.gettext("CN") if point.kind == "branch" else short_name(point)
    kind = bucket(view)
    spoken = f"{name}, {point.name}" if point.kind == "branch" else point.name
    label = f"{spoken}, {words.bucket(kind, stable_after).lower()}"
    if number:
        label += ", " + words.gettext("sự cố %s") % number
    if kind in TROUBLE and view.since is not None:
        label += ", " + words.gettext("từ %s") % words.moment(view.since, now, seconds=False)
    return Tile(
        id=point.id,
        name=name,
        bucket=kind,
        label=label,
        words=fold(f"{point.name} {area.name} {point.id.replace('-', ' ')} {point.code}"),
        wide=point.kind == "ward" and len(name) > WIDE_NAME,
        number=number,
    )


def _position(point: Point) -> tuple[float, float]:
    if point.location is None:
        return (0.0, 0.0)
    return (point.location.latitude, point.location.longitude)


def arrange(tiles: Sequence[tuple[Tile, float, float]], columns: int) -> tuple[Tile, ...]:
    """Wards in a cell's reading order: from north to south, each row from west to east. A wide tile takes two places.

    ``tiles`` are (tile, latitude, longitude).
    """
    rows: list[list[tuple[Tile, float, float]]] = []
    room = 0
    for entry in sorted(tiles, key=lambda entry: -entry[1]):
        width = 2 if entry[0].wide else 1
        if width > room:
            rows.append([])
            room = columns
        rows[-1].append(entry)
        room -= width
    return tuple(entry[0] for row in rows for entry in sorted(row, key=lambda entry: entry[2]))


def line(view: PointView, words: Words, now: datetime) -> Line:
    """A shared service, the hub or a circuit: how it is, and for how long when it isn't well."""
    _ = words.gettext
    kind = bucket(view)
    if kind == "undeclared":
        return Line(view.point.id, view.point.name, kind, _("chưa khai báo"))
    latency = link_latency(view)
    value = words.status(view.status).lower()
    if kind in ("stable", "fresh"):
        value = _("ổn định") if kind == "stable" else _("hoạt động")
        if latency is not None:
            value = f"{value} · {words.latency(latency)}"
        return Line(view.point.id, view.point.name, kind, value)
    if kind == "degraded" and latency is not None:
        value = _("chậm %s") % words.latency(latency) if view.reason is Reason.LATENCY else value
    return Line(view.point.id, view.point.name, kind, value, view.since)


def link_latency(view: PointView) -> float | None:
    """How long the link's last probe took, None when it did not succeed."""
    for one in view.endpoints:
        if one.endpoint.link and one.last is not None and one.last.outcome is Outcome.UP:
            return one.last.latency_seconds
    return None


def late_after(config: Config) -> timedelta:
    """How old the newest result may be before the picture counts as late: ten seconds, and more where few are due."""
    due_a_second = sum(1 / each.interval.total_seconds() for each in config.endpoints() if each.declared)
    return timedelta(seconds=10 + (3 / due_a_second if due_a_second else 0))


@dataclass(frozen=True, slots=True)
class Together:
    """The uptime of many points as one."""

    connectivity: float | None
    service: float | None
    coverage: float


def together(uptimes: Sequence[Uptime]) -> Together | None:
    """Times in each status outside maintenance added up over the points, then the two measures; None without points."""
    if not uptimes:
        return None
    spent: dict[Status, timedelta] = {}
    for each in uptimes:
        for status, time in each.by_status.items():
            left_out = each.in_maintenance.get(status, timedelta())
            spent[status] = spent.get(status, timedelta()) + time - left_out

    def total(*statuses: Status) -> timedelta:
        return sum((spent.get(status, timedelta()) for status in statuses), timedelta())

    cut_off = total(Status.DOWN, Status.UNREACHABLE)
    faulty = total(Status.FAULTY)
    known = cut_off + faulty + total(Status.UP, Status.DEGRADED)
    return Together(
        connectivity=1 - cut_off / known if known else None,
        service=1 - (cut_off + faulty) / known if known else None,
        coverage=sum(each.coverage for each in uptimes) / len(uptimes),
    )
