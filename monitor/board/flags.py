"""What is said of points beside their status: that they flap, and that they are in maintenance."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from monitor.board.endpoint import LONG_AGO
from monitor.calendar.model import Window
from monitor.calendar.windows import covers, spans
from monitor.config.model import Config, Point
from monitor.health.flapping import flaps
from monitor.model import EndpointKey, Fault, FaultKind, Flag, FlagChange, Row, Status, Transition

_WELL = (Status.UP, Status.DEGRADED)
_BAD = (Status.DOWN, Status.FAULTY)
_AHEAD = timedelta(days=1)
"""How far ahead boundaries of windows are looked for."""


class _Cover(NamedTuple):
    """Since when a point is in maintenance, and the window that says so."""

    begin: datetime
    source: str


class Flags:
    """The flags as decided. ``follow`` and ``age`` hand out the rows by which they change."""

    def __init__(self) -> None:
        self._on: dict[tuple[str, Flag], FlagChange] = {}
        self._changes: dict[str, deque[datetime]] = {}
        self._bad: dict[str, bool] = {}
        self._because: dict[str, tuple[str, datetime]] = {}
        self._windows: tuple[Window, ...] | None = None
        self._due = LONG_AGO

    def arrange(self, config: Config) -> None:
        self._config = config
        self._points: Mapping[str, Point] = {point.id: point for point in config.points}
        self._due = LONG_AGO

    def plan(self, windows: Sequence[Window]) -> None:
        """All windows in force or to come; until they are told, nothing begins or ends."""
        self._windows, self._due = tuple(windows), LONG_AGO

    def is_planned(self, name: str) -> bool:
        """Whether a point is in maintenance."""
        return (name, Flag.MAINTENANCE) in self._on

    def restore(self, changes: Iterable[FlagChange], rows: Iterable[Transition]) -> list[FlagChange]:
        """Take up what was true when the program last ran; the changes that stand."""
        last = {row.key.point: row for row in rows if row.key.is_point}
        for name, row in last.items():
            self._note(row)
            self._changes.pop(name, None)
        for change in changes:
            name = change.key.point
            if not change.on or name not in self._points:
                continue
            self._on[name, change.flag] = change
            if change.flag is Flag.FLAPPING:
                latest = max(change.at, last[name].at) if name in last else change.at
                self._changes[name] = deque([latest] * (self._config.flapping.leave + 1), self._config.flapping.enter)
        return list(self._on.values())

    def close(self, now: datetime) -> list[Row]:
        """After a reload: what is gone has no flags."""
        gone = [key for key in self._on if key[0] not in self._points]
        rows: list[Row] = [self._set(name, flag, False, now, now) for name, flag in gone]
        for known in (self._changes, self._bad, self._because):
            for name in [name for name in known if name not in self._points]:
                del known[name]
        return rows

    def rewind(self, now: datetime) -> None:
        """The wall clock was set back."""
        self._due = LONG_AGO
        for changes in self._changes.values():
            for position, moment in enumerate(changes):
                changes[position] = min(moment, now)

    def follow(self, rows: Sequence[Row], now: datetime) -> list[Row]:
        """The rows with the changes of flags that they cause: a flag begins before what it excuses."""
        found: list[Row] = []
        for row in rows:
            if isinstance(row, Transition) and row.key.is_point:
                name, was_on = row.key.point, (row.key.point, Flag.MAINTENANCE) in self._on
                self._note(row)
                changes = [*self._maintain(name, row.at, row.recorded_at), *self._flap(name, row.at, row.recorded_at)]
                found += [row, *changes] if was_on else [*changes, row]
            else:
                found.append(row)
        return found

    def age(self, now: datetime, recorded_at: datetime) -> list[Row]:
        """What time alone changes: windows that begin or end, points that hold again."""
        rows: list[Row] = []
        if self._windows is not None and now >= self._due:
            self._due = self._next_boundary(now)
            for name in self._points:
                rows += self._maintain(name, now, recorded_at)
        for name, flag in tuple(self._on):
            if flag is Flag.FLAPPING:
                rows += self._flap(name, now, recorded_at)
        return rows

    # -- flapping -----------------------------------------------------------------------------------------------------

    def _note(self, row: Transition) -> None:
        """Count a change between bad by its own fault and well, and note because of whom it is unreachable."""
        name = row.key.point
        fault = Fault.parse(row.fault) if row.fault else None
        if row.status is Status.UNREACHABLE and fault is not None and fault.kind is FaultKind.POINT:
            self._because[name] = (fault.subject, row.at)
        else:
            self._because.pop(name, None)
        changes = self._changes.get(name)
        while changes and changes[-1] >= row.at:
            changes.pop()  # overruled
            self._bad[name] = not self._bad[name]
        bad = row.status in _BAD and fault is None
        if not bad and row.status not in _WELL:
            return
        before = self._bad.get(name)
        self._bad[name] = bad
        if before is not None and before is not bad and (name, Flag.MAINTENANCE) not in self._on:
            if changes is None:
                changes = self._changes[name] = deque(maxlen=max(32, self._config.flapping.enter))
            changes.append(row.at)

    def _flap(self, name: str, at: datetime, recorded_at: datetime) -> list[FlagChange]:
        changes, rule = self._changes.get(name, ()), self._config.flapping
        already = (name, Flag.FLAPPING) in self._on
        now = max(at, recorded_at)
        flapping = flaps(changes, now, already=already, window=rule.window, enter=rule.enter, leave=rule.leave)
        if flapping is already:
            return []
        if flapping:
            return [self._set(name, Flag.FLAPPING, True, at, recorded_at)]
        last = sorted(changes)[-rule.leave - 1] + rule.window if len(changes) > rule.leave else now
        return [self._set(name, Flag.FLAPPING, False, min(last, now), recorded_at)]

    # -- maintenance --------------------------------------------------------------------------------------------------

    def _maintain(self, name: str, now: datetime, recorded_at: datetime) -> list[FlagChange]:
        """The change that a point's windows, or those of what it is unreachable by, call for."""
        if self._windows is None or name not in self._points:
            return []
        wanted, current = self._cover(name, recorded_at), self._on.get((name, Flag.MAINTENANCE))
        if wanted is not None and current is None:
            return [self._set(name, Flag.MAINTENANCE, True, wanted.begin, recorded_at, wanted.source)]
        if wanted is None and current is not None:
            return [
                self._set(name, Flag.MAINTENANCE, False, self._ended(name, current, now), recorded_at, current.source)
            ]
        return []

    def _cover(self, name: str, now: datetime) -> _Cover | None:
        own = self._own_cover(name, now)
        if own is not None or name not in self._because:
            return own
        parent, since = self._because[name]
        cover = self._own_cover(parent, now)
        return cover and _Cover(max(cover.begin, since), cover.source)

    def _own_cover(self, name: str, now: datetime) -> _Cover | None:
        point, found = self._points.get(name), []
        for window in self._windows or ():
            if point is not None and covers(window, point):
                for begin, _ in spans(window, now - window.duration, now + timedelta.resolution)[-1:]:
                    if spans(window, now, now + timedelta.resolution):
                        found.append(_Cover(begin, window.id))
        return min(found, default=None)

    def _ended(self, name: str, current: FlagChange, now: datetime) -> datetime:
        """When what covered a point was over: when a window ended, at the latest now."""
        parent = self._because.get(name, (name, now))[0]
        point = self._points.get(name)
        ends = [
            end
            for window in self._windows or ()
            for place in (point, self._points.get(parent))
            if place is not None and covers(window, place)
            for _, end in spans(window, current.at, now)
        ]
        return max(ends, default=now) if name not in self._because or parent != name else now

    def _next_boundary(self, now: datetime) -> datetime:
        boundaries = [
            moment
            for window in self._windows or ()
            for span in spans(window, now, now + _AHEAD)
            for moment in span
            if moment > now
        ]
        return min(boundaries, default=now + _AHEAD)

    def _set(
        self, name: str, flag: Flag, on: bool, at: datetime, recorded_at: datetime, source: str = ""
    ) -> FlagChange:
        change = FlagChange(key=EndpointKey(name, ""), flag=flag, on=on, at=at, recorded_at=recorded_at, source=source)
        if on:
            self._on[name, flag] = change
        else:
            self._on.pop((name, flag), None)
        return change
