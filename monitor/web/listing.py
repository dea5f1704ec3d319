"""The list of points: what a phone, a screen reader or "+ 9 điểm nữa" leads to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from monitor.config.model import Config
from monitor.language.words import BUCKETS, Words, sentence
from monitor.web import wall
from monitor.web.search import matches
from monitor.web.telling import reason, when

if TYPE_CHECKING:
    from monitor.board import PointView

ORDER = (*wall.TROUBLE, "maintenance", "fresh", "stable", "undeclared")


@dataclass(frozen=True, slots=True)
class Row:
    """One point: how it is, since when and why."""

    id: str
    name: str
    place: str
    code: str
    bucket: str
    status: str
    since: str
    reason: str
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to narrow the list."""

    value: str
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows that fit, worst first, and the ways to narrow them. ``status`` and ``area`` are those in force."""

    rows: tuple[Row, ...]
    choices: tuple[Choice, ...]
    status: str
    area: str
    text: str


def listing(
    views: Mapping[str, PointView], config: Config, words: Words, query: Mapping[str, str], now: datetime
) -> Listing:
    """What the list shows for ``query``: ``q`` (words, diacritics or not), ``area`` (an id), ``status`` (a bucket)."""
    areas = {area.id: area.name for area in config.areas}
    text, area, status = query.get("q", ""), query.get("area", ""), query.get("status", "")
    near = [
        view
        for view in views.values()
        if (not area or view.point.area == area)
        and matches(text, view.point.name, view.point.id, view.point.code, areas.get(view.point.area, ""))
    ]
    fitting = [view for view in near if not status or _fits(wall.bucket(view), status)]
    return Listing(
        rows=tuple(_row(view, areas, words, config, now) for view in sorted(fitting, key=partial(_rank, now))),
        choices=tuple(_choices(near, words, config)),
        status=status,
        area=areas.get(area, ""),
        text=text,
    )


def _fits(bucket: str, status: str) -> bool:
    return bucket in wall.TROUBLE if status == "trouble" else bucket == status


def _rank(now: datetime, view: PointView) -> tuple[int, timedelta]:
    """Worst first; among those in trouble the newest first, the others in the configuration's order."""
    bucket = wall.bucket(view)
    age = now - view.since if bucket in wall.TROUBLE and view.since else timedelta()
    return ORDER.index(bucket), age


def _choices(views: list[PointView], words: Words, config: Config) -> list[Choice]:
    buckets = [wall.bucket(view) for view in views]
    choices = [Choice("", words.gettext("Tất cả"), len(buckets))]
    choices.append(Choice("trouble", words.gettext("Cần xử lý"), sum(each in wall.TROUBLE for each in buckets)))
    choices.extend(
        Choice(bucket, words.bucket(bucket, config.stable_after), buckets.count(bucket))
        for bucket in (*BUCKETS, "undeclared")
        if bucket in buckets
    )
    return choices


def _row(view: PointView, areas: Mapping[str, str], words: Words, config: Config, now: datetime) -> Row:
    point, bucket = view.point, wall.bucket(view)
    return Row(
        id=point.id,
        name=point.name,
        place=" · ".join(part for part in (words.kind(point.kind), areas.get(point.area, "")) if part),
        code=point.code,
        bucket=bucket,
        status=words.bucket(bucket, config.stable_after),
        since="" if bucket == "undeclared" else when(view, words, now),
        reason=sentence(reason(view, words)) if bucket in wall.TROUBLE else "",
        hosts=tuple(each.target for each in point.endpoints if not each.declared),
    )
