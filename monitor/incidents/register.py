"""Which incidents there are: what decided rows mean for them.

A point that isn't well is troubled in the incident of its row's fault, in one at a time; the incident lasts until none
is left. Pure but for what it remembers: the same rows at the same times, the same events.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.config.model import Config
from monitor.health.topology import ancestors
from monitor.incidents.book import Book, Writing
from monitor.incidents.model import Incident, IncidentEvent
from monitor.model import Fault, FaultKind, Flag, FlagChange, Resume, Row, Status, Transition


class Register:
    """See the module. ``make_id`` gives a new unique id each time: of incidents and of their events."""

    def __init__(self, config: Config, *, make_id: Callable[[], str]) -> None:
        self._make_id = make_id
        self._book = Book()
        self._rows: dict[str, Transition] = {}
        self._never: set[str] = set()
        self._covered: set[str] = set()
        self._flapping: dict[str, datetime] = {}
        self._gathers: Fault | None = None
        self.reload(config)

    def incident(self, uid: str) -> Incident | None:
        """An incident as decided: an open one, or one closed not long ago."""
        return self._book.get(uid)

    def open(self) -> Sequence[Incident]:
        """The open ones as decided, in the order of opening."""
        return self._book.open()

    def take(self, rows: Sequence[Row], now: datetime) -> list[IncidentEvent]:
        """What rows that were decided together mean.

        Of a point only where they leave it counts: what is over by its last row was no incident. Maintenance that began
        counts before the other rows, that which ended after them: what began and ended together with it is none either.
        """
        rows = _final(rows)
        writing = self._write(now)
        flags = [row for row in rows if isinstance(row, FlagChange)]
        for flag in flags:
            if flag.flag is Flag.MAINTENANCE and flag.on:
                self._cover(writing, flag)
        for row in rows:
            if isinstance(row, Transition):
                if row.key.is_point:
                    self._turn(writing, row)
            elif row.flag is Flag.FLAPPING:
                self._flap(writing, row)
        for flag in flags:
            if flag.flag is Flag.MAINTENANCE and not flag.on:
                self._covered.discard(flag.key.point)
                self._settle(writing, flag.key.point)
        return writing.events()

    def age(self, now: datetime) -> list[IncidentEvent]:
        """What time means: points that were never seen up have had their time to be."""
        waiting = [self._rows[point] for point in self._waiting()]
        if not waiting or min(row.at for row in waiting) + self._config.alerts.never_after > now:
            return []
        writing = self._write(now)
        for row in waiting:
            writing.join(self._by_row(row) or self._gathering(), row, at=row.at)
        return writing.events()

    def learn(self, events: Sequence[IncidentEvent]) -> None:
        """Take note of what operators did, what was found out, who was told."""
        for event in events:
            self._book.take(event)

    def resume(
        self,
        events: Mapping[str, Sequence[IncidentEvent]],
        last_number: int,
        resume: Resume,
        now: datetime,
    ) -> list[IncidentEvent]:
        """Go on with the incidents that were open when the program last ran: before the first rows.

        ``events`` are theirs by uid, in the order of recording. The events returned settle what rows and incidents
        disagree about: rows of a time before there were incidents, or a point that is gone from the file.
        """
        self._book.load(events, last_number)
        self._rows = {
            key.point: row
            for key, row in resume.statuses.items()
            if key.is_point and row.status is not Status.UNOBSERVED
        }
        self._never = {point for point, row in self._rows.items() if row.first and row.status is not Status.UP}
        gathered = [each for each in self._book.open() if each.fault.kind is FaultKind.NEVER]
        self._never |= {each.point for incident in gathered for each in incident.troubled}
        for (point, flag), change in resume.flags.items():
            if change.on and flag is Flag.MAINTENANCE:
                self._covered.add(point)
            elif change.on:
                self._flapping[point] = change.at
        writing = self._write(now)
        for incident in self._book.open():
            for each in incident.troubled:
                if each.point not in self._rows:
                    self._withdraw(writing, each.point, now)
        for point in self._rows:
            self._settle(writing, point)
        return writing.events()

    @property
    def never(self) -> Collection[str]:
        """The points that were never seen up and do not answer, as far as is known."""
        return self._never

    def inherit(
        self,
        events: Mapping[str, Sequence[IncidentEvent]],
        last_number: int,
        now: datetime,
        *,
        seen_up: Collection[str],
    ) -> list[IncidentEvent]:
        """Instead of :meth:`resume`, when the history can be read only after the first rows were taken.

        ``events`` and ``last_number`` are as there, ``seen_up`` are the points of ``never`` that once were up. What was
        decided meanwhile stands: an incident of before goes on with the points that are in no other by now.
        """
        known = {uid for uid in events if self._book.get(uid) is not None}
        self._book.load(events, last_number)
        self._never.difference_update(seen_up)
        writing = self._write(now)
        earlier = [self._book.get(uid) for uid in events if uid not in known]
        for incident in filter(None, earlier):
            for each in incident.troubled:
                holders = (self._book.of_point(each.point), self._book.of_fault(incident.fault))
                other = next((holder for holder in holders if holder and holder.uid != incident.uid), None)
                if other is not None:
                    writing.hand_over(incident.uid, other, each.point, now)
        for point in tuple(self._rows):
            self._settle(writing, point)
        return writing.events()

    def reload(self, config: Config) -> None:
        """Swap the configuration: before the rows that the reload caused are taken."""
        self._config, self._needs = config, config.needs()

    def _write(self, now: datetime) -> Writing:
        self._book.forget()
        self._gathers = None
        return Writing(self._book, now=now, make_id=self._make_id)

    def _turn(self, writing: Writing, row: Transition) -> None:
        """A point has a new row."""
        point = row.key.point
        if row.status is Status.UNOBSERVED:
            self._rows.pop(point, None)
            self._never.discard(point)
            self._withdraw(writing, point, row.at)
            return
        self._rows[point] = row
        if row.status is Status.UP:
            self._never.discard(point)
        elif row.first:
            self._never.add(point)
        self._settle(writing, point)

    def _flap(self, writing: Writing, row: FlagChange) -> None:
        """A point began to flap, or holds again."""
        point = row.key.point
        if row.on:
            self._flapping[point] = row.at
            if self._book.of_point(point):
                writing.flapping(point, row.at)
        elif self._flapping.pop(point, None):
            current = self._rows.get(point)
            writing.steady(point, row.at, current.status if current else Status.UNKNOWN)
            held = self._book.of_fault(Fault(FaultKind.POINT, point))
            for each in held.troubled if held else ():
                if each.point != point:
                    self._settle(writing, each.point)
            self._settle(writing, point, held_again=True)
            return
        self._settle(writing, point)

    def _cover(self, writing: Writing, row: FlagChange) -> None:
        """Maintenance began. What failed before it stays in its incident, and so does what somebody was told of."""
        point = row.key.point
        self._covered.add(point)
        held = self._book.of_point(point)
        if held and not held.told and row.at <= held.affected[point].since:
            writing.withdraw(held, point, row.at, why="maintenance", closed="maintenance")

    def _withdraw(self, writing: Writing, point: str, at: datetime) -> None:
        """The configuration took the point, or all that was known of it, away."""
        held = self._book.of_point(point)
        if held:
            there = any(each.id == point for each in self._config.points)
            writing.withdraw(held, point, at, why="removed", closed="configuration" if there else "removed")

    def _settle(self, writing: Writing, point: str, *, held_again: bool = False) -> None:
        """Bring the incidents in line with what is known of a point. ``held_again``: it flapped until now."""
        row = self._rows.get(point)
        if row is None:
            return
        held = self._book.of_point(point)
        fault = self._by_row(row)
        if held is None:
            self._admit(writing, row, fault)
        elif fault is None and row.status is Status.UP and point not in self._flapping:
            writing.recover(held, row)
        elif fault is None or fault == held.fault or self._stays(held, row):
            writing.change(held, row)
        else:
            writing.move(held, fault, row, over=held_again and held.fault == Fault(FaultKind.POINT, point))

    def _admit(self, writing: Writing, row: Transition, fault: Fault | None) -> None:
        """A point that is in no incident joins one, if it is to be in any."""
        point = row.key.point
        flapping = self._flapping.get(point)
        if point in self._covered or (fault is None and flapping is None):
            return
        if fault is not None:
            writing.join(fault, row, at=row.at, flapping=flapping is not None)
        elif flapping is not None:
            writing.join(Fault(FaultKind.POINT, point), row, at=flapping, flapping=True)

    def _stays(self, held: Incident, row: Transition) -> bool:
        """Whether a point stays in its incident although its row names another fault: under maintenance, while it is
        unknown, and while it flaps by itself. A row from before it joined means that it was never what we said."""
        point = row.key.point
        flaps = point in held.flapping and held.fault == Fault(FaultKind.POINT, point)
        lasts = flaps or row.status is Status.UNKNOWN
        return point in self._covered or (lasts and row.at > held.affected[point].since)

    def _by_row(self, row: Transition) -> Fault | None:
        """The fault whose incident a point with this row belongs to; None: to none."""
        if row.status is Status.UP or (row.status is Status.UNKNOWN and not row.fault):
            return None
        point = row.key.point
        fault = Fault.parse(row.fault) if row.fault else self._by_itself(point)
        if point not in self._never or row.status is Status.UNKNOWN or self._book.of_fault(fault):
            return fault
        held = self._book.of_point(point)
        if held is None:
            return None
        return held.fault if held.fault.kind is FaultKind.NEVER else self._gathering()

    def _by_itself(self, point: str) -> Fault:
        """The fault of what fails by itself: its own, or that of what it needs as long as that flaps. Amid that nobody
        can tell a fault of its own from a cut that was too short to be confirmed."""
        own, held = Fault(FaultKind.POINT, point), self._book.of_point(point)
        if not self._flapping or (held and held.fault == own):
            return own
        above = (Fault(FaultKind.POINT, each) for each in sorted(ancestors(point, self._needs) & self._flapping.keys()))
        return next((fault for fault in above if self._book.of_fault(fault)), own)

    def _gathering(self) -> Fault:
        """The incident that gathers what was never seen up, a new one each time: its opening is what is told."""
        if self._gathers is None:
            self._gathers = Fault(FaultKind.NEVER, str(self._book.number + 1))
        return self._gathers

    def _waiting(self) -> list[str]:
        """The points that were never seen up and are in no incident yet, in the order of their first failures."""
        waiting = [
            row
            for point in self._never
            if point not in self._covered and not self._book.of_point(point)
            if (row := self._rows[point]).status is not Status.UNKNOWN
        ]
        return [row.key.point for row in sorted(waiting, key=lambda row: (row.at, row.key.point))]


def _final(rows: Sequence[Row]) -> list[Row]:
    """The rows without those of a point that a later row of it goes beyond; a first status stays known as such."""
    left: list[Row] = []
    later: set[str] = set()
    firsts = {row.key.point for row in rows if isinstance(row, Transition) and row.key.is_point and row.first}
    for row in reversed(rows):
        if not isinstance(row, Transition) or not row.key.is_point or row.status is Status.UNOBSERVED:
            left.append(row)
        elif row.key.point not in later:
            later.add(row.key.point)
            left.append(replace(row, first=True) if row.key.point in firsts and not row.first else row)
    return left[::-1]
