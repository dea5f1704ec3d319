"""The file's calendar and planned work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC

from monitor.calendar.model import Calendar, Window
from monitor.calendar.windows import validate
from monitor.config.document import Document, Path
from monitor.config.explain import unknown
from monitor.config.rules import check_once
from monitor.config.schema import KindSection, PointSection
from monitor.config.schema_calendar import CalendarSection, WindowSection

_RULE = "rule: "


def read_calendar(document: Document, section: CalendarSection) -> Calendar:
    """The calendar; a day that is both added and removed goes into the document."""
    added, removed = frozenset(section.holidays.add), frozenset(section.holidays.remove)
    for day in sorted(added & removed):
        text = f"{day} is both added and removed; keep one of them"
        document.complain(("calendar", "holidays"), text)
    return Calendar(office_hours=section.office_hours, added=added, removed=removed)


def read_windows(
    document: Document,
    windows: Iterable[tuple[Path, WindowSection]],
    *,
    points: Iterable[str],
    areas: Iterable[str],
    labels: Sequence[Mapping[str, str]],
) -> tuple[Window, ...]:
    """The windows; what makes no sense, or is nowhere in the file, goes into the document.

    ``points`` and ``areas`` are all ids, those of broken sections too; ``labels`` are each point's.
    """
    known_points, known_areas = set(points), set(areas)
    lines: dict[str, int] = {}
    made = []
    for path, section in windows:
        check_once(document, path, section.id, lines, "id", "window")
        _check_names(document, (*path, "points"), section.points, known_points, "point")
        _check_names(document, (*path, "areas"), section.areas, known_areas, "area")
        _check_labels(document, (*path, "labels"), section.labels, labels)
        window = _window(section)
        for text in validate(window):
            document.complain((*path, "rule") if text.startswith(_RULE) else path, text.removeprefix(_RULE))
        made.append(window)
    return tuple(made)


def labels_of(points: Iterable[PointSection], kinds: Mapping[str, KindSection]) -> list[dict[str, str]]:
    """Each point's labels, its kind's among them."""
    return [{**(kinds[point.kind].labels if point.kind in kinds else {}), **point.labels} for point in points]


def _window(section: WindowSection) -> Window:
    return Window(
        id=section.id,
        name=section.name,
        begin=section.begin.astimezone(UTC),
        duration=section.length,
        rule=section.rule,
        points=tuple(section.points),
        areas=tuple(section.areas),
        labels=section.labels,
    )


def _check_names(document: Document, path: Path, names: Sequence[str], known: Iterable[str], noun: str) -> None:
    for number, name in enumerate(names):
        if name not in known:
            document.complain((*path, number), unknown(name, known, noun))


def _check_labels(
    document: Document, path: Path, wanted: Mapping[str, str], labels: Sequence[Mapping[str, str]]
) -> None:
    names = {name for each in labels for name in each}
    for name, value in wanted.items():
        if name not in names:
            document.complain((*path, name), unknown(name, names, "label"))
        elif not any(each.get(name) == value for each in labels):
            values = {each[name] for each in labels if name in each}
            document.complain((*path, name), unknown(value, values, "value"))
    single = all(any(each.get(name) == value for each in labels) for name, value in wanted.items())
    if wanted and single and not any(wanted.items() <= each.items() for each in labels):
        document.complain(path, "no point has all of these labels; write a window for each")
