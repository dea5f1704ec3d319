"""The board: results go in, decided transitions come out; views show what has been made visible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice

from monitor.board.asking import within_point
from monitor.board.carry import carry_over, isolated_until, recall, rewind
from monitor.board.causes import Causes
from monitor.board.endpoint import FAR_AWAY, LONG_AGO, EndpointState
from monitor.board.flags import Flags
from monitor.board.gallery import Gallery
from monitor.board.lapses import Lapses
from monitor.board.point import PointState
from monitor.board.restore import disown, restore
from monitor.board.views import Applied, PointView, Verdict
from monitor.calendar.model import Window
from monitor.config.model import Config
from monitor.health import confirm
from monitor.health.resume import bridge
from monitor.model import EndpointKey, FlagChange, Outcome, Result, Resume, Row, Transition

_NOTHING = Applied()

_JITTER = timedelta(seconds=1)
_MANY = 64
"""Links that are probed at once when the vantage is isolated no more; the others follow as they are due."""


class Board:
    """What is true now, in memory, for one vantage. Synchronous throughout: no locks.

    What is decided (:meth:`apply`, :meth:`age`, :meth:`reload`) and what is visible (:meth:`points`, :meth:`verdict`)
    are kept apart: a transition becomes visible by :meth:`show`, when it is durable. Last results are visible at once.
    """

    def __init__(self, config: Config, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._started = clock()
        self._config = config
        self._endpoints: dict[EndpointKey, EndpointState] = {}
        self._points: dict[str, PointState] = {}
        self._gallery = Gallery(clock)
        self._lapses = Lapses()
        self._owed: list[Row] = []
        self._flags = Flags()
        self._causes = Causes(planned=self._flags.is_planned)
        self._isolation, self._awaited = self._causes.isolation, self._causes.cases.awaited
        self._recorded = self._started
        self._aged = self._started
        self._deaf_until, self._deaf_from = LONG_AGO, FAR_AWAY
        states = {endpoint.key: EndpointState(endpoint) for endpoint in config.endpoints() if endpoint.declared}
        self._arrange(config, states)

    @property
    def config(self) -> Config:
        return self._config

    @property
    def started(self) -> datetime:
        """When the program began to look."""
        return self._started

    def apply(self, result: Result) -> Applied:
        """Take in one result and say what it decided; a late one, or one of an unknown endpoint, changes nothing."""
        state = self._endpoints.get(result.key)
        if state is None or not self._deaf_until <= result.begun <= self._deaf_from:
            return _NOTHING
        if result.begun <= self._isolation.deaf_until:
            result = self._isolation.mask(self._causes, result)
        before = state.health
        after = confirm.observe(before, result, state.policy)
        if after.latest == before.latest:
            return _NOTHING if not before.suspect else Applied(suspect=True)
        state.health = after
        point = self._points[result.key.point]
        if state.note(result):
            self._gallery.overtake(result.key.point)
        if before.held is None:
            if after.held is not None:
                self._lapses.note(result.key, after.held + state.policy.hold)
            elif state is point.link and not point.recorded:
                self._lapses.blank.setdefault(result.key, result.begun)
        if point.awaited and result.outcome is not Outcome.UNKNOWN:
            point.resumed(result.begun)
            self._gallery.overtake(result.key.point)
        pending = after.decided or after.suspect or before.suspect or point.link_fails or result.key in self._awaited
        if pending or (result.outcome is Outcome.UNKNOWN and self._causes.behind_links.wants_link(result.key)):
            return self._weigh(point, state, before, result)
        return self._catch_up() if self._causes.behind else _NOTHING

    def age(self, now: datetime) -> list[Row]:
        """What has become unknown by ``now`` because nothing came; and what a restart found undecided.

        Told that it is earlier than before, it forgets the time in between: the wall clock was set back.
        """
        if now < self._aged - _JITTER:
            # A probe that was begun by the clock as it was would freeze what it is of until that time comes again.
            self._deaf_from = now + (self._aged - now) / 2
            self._owed += self._rewind(now)
        elif now >= self._deaf_from:
            self._deaf_from = FAR_AWAY
        self._aged = now
        recorded_at = self._stamp(now)
        rows, self._owed = self._owed, []
        decided: list[Row] = []
        if not self._isolation.is_in_question(self._causes, now):
            decided += self._lapse(now, recorded_at)
        self._causes.age(now)
        decided += self._causes.judge(now, recorded_at)
        flags = self._flags.age(now, recorded_at)
        return [*rows, *flags, *self._flags.follow(decided, now)]

    def _lapse(self, now: datetime, recorded_at: datetime) -> Iterator[Row]:
        """The rows of what nothing is known of any more."""
        for state, changes in self._lapses.due(now):
            yield from state.settle(changes, recorded_at)
            self._causes.touch(state.endpoint.key.point, changes[0].at)
        for state, begun in self._lapses.never_asked(now):
            yield from self._points[state.endpoint.key.point].settle_unknown(begun, recorded_at)

    def plan(self, windows: Sequence[Window]) -> None:
        """All maintenance windows, in force or to come. What begins or ends with them is found by :meth:`age`."""
        self._flags.plan(windows)

    def show(self, rows: Sequence[Row]) -> None:
        """Make decided rows visible, in the order in which they were decided."""
        for row in rows:
            key = row.key
            point = self._points.get(key.point)
            if point is None:
                continue
            if isinstance(row, FlagChange):
                point.show_flag(row)
            elif key.is_point:
                point.show(row)
            elif key in self._endpoints:
                self._endpoints[key].show(row)
            self._gallery.overtake(key.point)

    def reload(self, config: Config) -> list[Row]:
        """Swap the configuration; endpoints with the same identity and fingerprint keep their health.

        The rows close what was removed or changed and say what becomes of the points.
        """
        now = self._clock()
        points = self._points
        before = {name: _membership(point) for name, point in points.items()}
        closed, kept = self._carry_over(config, now)
        rows: list[Row] = [*closed]
        self._arrange(config, kept)
        for name, point in points.items():
            if self._points.get(name) is not point:
                rows += point.close(now)
            elif before[name] != _membership(point):
                self._causes.touch(name, now)
        carry_over(self._causes, now)
        rows += self._causes.judge_all(now)
        return [*self._flags.follow(rows, now), *self._flags.close(now)]

    def restore(self, resume: Resume) -> None:
        """Take up what was true when the program last ran: now, before the first result.

        What must be written because of it (a part closed by a changed address, a confirmation whose row was lost) is
        handed out by the first :meth:`age`.
        """
        self._started = max(self._started, self._clock())
        self._recorded = max([self._started, *(found.recorded_at for found in resume.statuses.values())])
        until = isolated_until(resume, self._causes.neighbours.anchors)
        if until is not None:
            self._isolation.resume(until, self._started)
        owed: list[Row] = [*restore(self._points, self._endpoints, resume, self._started, deaf_until=until)]
        for change in self._flags.restore(resume.flags.values(), resume.statuses.values()):
            self._points[change.key.point].show_flag(change)
        recall(self._causes, self._started)
        for key, state in self._endpoints.items():
            if state.health.decided:
                recorded_at = self._stamp(self._clock())
                owed += state.settle(state.health.decided, recorded_at)
                owed += self._causes.settle(key.point, state.health.decided[0].at, self._started, recorded_at)
        self._owed += self._flags.follow(owed, self._started)
        if any(found.at > self._started for found in resume.statuses.values()):
            self._owed += self._rewind(self._started)
        self._rebuild()

    def bridge(self, begin: datetime, end: datetime) -> None:
        """Nobody looked from ``begin`` to ``end``: the machine slept, the process stood, the clock was set forward.

        What was true goes on being true until results come, as over a restart; probes that were under way meanwhile
        change nothing. A gap too short to make anything stale by itself needs no bridge.
        """
        states = [state for state in self._endpoints.values() if 2 * (end - begin) >= state.policy.hold]
        self._deaf_until = end if states else self._deaf_until
        for state in states:
            state.health = bridge(state.health, begin, end)
        for point in self._points.values():
            point.awaited = point.awaited or (point.recorded and end - begin > point.hold)
        self._aged = max(self._aged, end)
        self._lapses.arrange(self._endpoints)
        self._gallery.overtake_all()

    def disown(self, resume: Resume) -> list[Row]:
        """Instead of :meth:`restore`, when the history could not be read at the start and can be by now."""
        return [*disown(self._points, self._endpoints, resume, started=self._started, now=self._clock())]

    def points(self) -> Mapping[str, PointView]:
        """What is visible of every point, by id, in the configuration's order. Live: it changes as results come."""
        return self._gallery.views()

    def verdict(self, now: datetime) -> Verdict:
        """The points as shown, counted."""
        return self._gallery.verdict(started=self._started, now=now)

    def _weigh(self, point: PointState, state: EndpointState, before: confirm.Health, result: Result) -> Applied:
        """The slow path: something is pending, decided, or wrong with the link."""
        after, now, key = state.health, self._clock(), result.key
        hasten = [*within_point(point, state, before, result)]
        if self._isolation.on and self._isolation.ends(self._causes, result):
            self._isolation.end(self._causes, result.begun)
            hasten += [each.link.endpoint.key for each in islice(self._points.values(), _MANY) if each.link is not None]
        vouched = point.witness(state, result)
        since = point.cut_since if vouched else None
        recorded_at = self._stamp(now)
        rows = state.settle(after.decided, recorded_at)
        hasten += self._causes.hear(state, before, result, now)
        begins = [change.at for change in after.decided] + ([since] if since else [])
        if begins:
            rows += self._causes.settle(key.point, min(begins), now, recorded_at)
        if result.outcome is not Outcome.UNKNOWN:
            self._causes.answered(key)
        rows += self._causes.judge(now, recorded_at)
        return Applied(
            rows=tuple(self._flags.follow(rows, now)),
            suspect=after.suspect or self._causes.is_pressing(state, result.outcome),
            hasten=tuple(dict.fromkeys(hasten)),
        )

    def _catch_up(self) -> Applied:
        """Go on with what was too much to judge at once."""
        now = self._clock()
        return Applied(rows=tuple(self._flags.follow(self._causes.judge(now, self._stamp(now)), now)))

    def _stamp(self, now: datetime) -> datetime:
        """When a row decided ``now`` is recorded: never before an earlier decision, which it would not overrule."""
        self._recorded = now if now >= self._recorded else self._recorded + datetime.resolution
        return self._recorded

    def _rewind(self, now: datetime) -> list[Transition]:
        """The wall clock was set back: nothing that is true began later than ``now``."""
        self._started = min(self._started, now)
        self._deaf_until = min(self._deaf_until, now)
        recorded_at = self._stamp(now)
        rows = [row for point in self._points.values() for row in point.rewind(now, recorded_at)]
        rewind(self._causes, now)
        self._flags.rewind(now)
        self._lapses.arrange(self._endpoints)
        self._gallery.overtake_all()
        return rows

    def _carry_over(self, config: Config, now: datetime) -> tuple[list[Transition], dict[EndpointKey, EndpointState]]:
        """The states of the new configuration's endpoints, and the rows that close what is gone."""
        wanted = {endpoint.key: endpoint for endpoint in config.endpoints() if endpoint.declared}
        rows: list[Transition] = []
        kept: dict[EndpointKey, EndpointState] = {}
        for key, state in self._endpoints.items():
            endpoint = wanted.pop(key, None)
            if endpoint is not None and endpoint.fingerprint == state.endpoint.fingerprint:
                state.configure(endpoint)
                kept[key] = state
                continue
            if endpoint is not None:
                kept[key] = state.replaced(endpoint, now)
            rows += state.close(now)
            if endpoint is None:
                self._points[key.point].former.append(state.member())
        for key, endpoint in wanted.items():
            kept[key] = EndpointState.added(endpoint, now) if key.point in self._points else EndpointState(endpoint)
        return rows, kept

    def _arrange(self, config: Config, states: Mapping[EndpointKey, EndpointState]) -> None:
        """Lay out the configuration's points over the endpoints' states."""
        before, self._config = self._points, config
        self._points = {}
        for point in config.points:
            members = tuple(states[endpoint.key] for endpoint in point.endpoints if endpoint.declared)
            state = before.get(point.id) if members else None
            if state is None:
                state = PointState(point, members)
            else:
                state.configure(point, members)
            self._points[point.id] = state
        self._endpoints = {key: states[key] for key in states}
        self._causes.arrange(config, self._points, self._endpoints)
        self._flags.arrange(config)
        self._rebuild()

    def _rebuild(self) -> None:
        """Make every view anew, and note when each status lapses."""
        self._gallery.arrange(self._points, self._config.stable_after)
        self._lapses.arrange(self._endpoints)


def _membership(point: PointState) -> set[tuple[EndpointKey, str, bool, bool]]:
    """What of a point's endpoints its status depends on."""
    return {
        (state.endpoint.key, state.endpoint.fingerprint, state.endpoint.link, state.endpoint.critical)
        for state in point.endpoints
    }
