"""Maintenance on the wall: what is in force, and what comes next. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from monitor.calendar.model import Window
from monitor.calendar.windows import covers, spans
from monitor.web.incident import Setting

AHEAD = timedelta(days=7)
"""How far ahead planned work is told."""


@dataclass(frozen=True, slots=True)
class Work:
    """A window: what it is about, when in a few words, and the page of its point or area ("" when it has several)."""

    id: str
    name: str
    url: str
    text: str


def under_way(windows: Sequence[Window], setting: Setting) -> tuple[Work, ...]:
    """Windows in force, the first to end in front."""
    words, now = setting.words, setting.now
    found = []
    for window in windows:
        for begin, end in spans(window, now, now + AHEAD)[:1]:
            if begin <= now:
                text = (
                    words.gettext("đến %s") % words.ahead(end, now) if end < now + AHEAD else words.gettext("còn dài")
                )
                found.append((end, window, text))
    return tuple(_work(window, text, setting) for _, window, text in sorted(found, key=lambda entry: entry[0]))


def coming(windows: Sequence[Window], setting: Setting) -> Work | None:
    """The next window that isn't in force yet."""
    words, now = setting.words, setting.now
    ahead = [
        (begin, end, window) for window in windows for begin, end in spans(window, now, now + AHEAD) if begin > now
    ]
    if not ahead:
        return None
    begin, end, window = min(ahead, key=lambda entry: entry[0])
    form = words.gettext("%(begin)s, trong %(time)s")
    return _work(window, form % {"begin": words.ahead(begin, now), "time": words.duration(end - begin)}, setting)


def _work(window: Window, text: str, setting: Setting) -> Work:
    covered = [point for point in setting.config.points if covers(window, point)]
    if len(covered) == 1:
        return Work(window.id, covered[0].name, f"/points/{covered[0].id}", text)
    if len(window.areas) == 1 and not window.points and not window.labels and window.areas[0] in setting.areas:
        name = setting.words.gettext("Khu vực %s") % setting.areas[window.areas[0]]
        return Work(window.id, name, f"/points?area={window.areas[0]}", text)
    return Work(window.id, window.name or window.id, "", text)
