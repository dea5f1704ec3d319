"""One point on the board: its endpoints, its track reckoned from theirs, and what is shown of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.board.endpoint import CONFIG, LONG_AGO, EndpointState, row, segment_of, set_back, undeclared
from monitor.board.views import EndpointView, PointView
from monitor.config.model import Point
from monitor.health.points import (
    Blame,
    Judgement,
    Member,
    Segment,
    Track,
    corrections,
    forget,
    judge,
    lay,
    overrule,
    prune,
    timeline,
)
from monitor.health.stability import is_stable
from monitor.model import EndpointKey, Flag, FlagChange, Outcome, Result, Status, Transition

CUT = (Status.DOWN, Status.UNREACHABLE)
_LONGEST = 128
_REACH = timedelta(minutes=5)
"""How far a decision about another point may reach back at least: a confirmation with its answers is shorter."""


class PointState:
    """What is decided of one point (``track``) and what is shown of it.

    ``blames`` say whose fault its failures are, ``held`` from when on its rows wait for that to be decided, ``cut``
    whether it is cut off by all that is known, whoever's fault it is. ``floor`` is how far back the tracks reach,
    ``reach`` how far a result may still reach back. ``seen``: there was a row of a known status.

    ``former`` are endpoints that a reload took away but that a decision may still reach back to. ``steady_from``
    is when stability starts counting anew after a long restart; ``awaited``: that is its first known result.
    """

    __slots__ = (
        "awaited",
        "blames",
        "cut",
        "endpoints",
        "ever_up",
        "first_seen",
        "flags",
        "floor",
        "former",
        "held",
        "key",
        "link",
        "point",
        "reach",
        "recorded",
        "seen",
        "shown",
        "steady_from",
        "track",
    )

    def __init__(self, point: Point, endpoints: tuple[EndpointState, ...]) -> None:
        self.key = EndpointKey(point.id, "")
        self.track: Track = ()
        self.former: list[Member] = []
        self.blames: tuple[Blame, ...] = ()
        self.held: datetime | None = None
        self.cut = False
        self.floor = self.reach = LONG_AGO
        self.recorded = False
        self.seen = False
        self.shown: Segment | None = None
        self.flags: dict[Flag, FlagChange] = {}
        self.first_seen = False
        self.ever_up = False
        self.steady_from: datetime | None = None
        self.awaited = False
        self.configure(point, endpoints)

    def configure(self, point: Point, endpoints: tuple[EndpointState, ...]) -> None:
        self.point = point
        self.endpoints = endpoints
        self.link = next((state for state in endpoints if state.endpoint.link), None)

    @property
    def hold(self) -> timedelta:
        """For how long its longest status holds without a result."""
        return max((state.policy.hold for state in self.endpoints), default=timedelta())

    @property
    def link_fails(self) -> bool:
        """Whether the link is down or may be."""
        return self.link is not None and (self.link.health.down.holds or self.link.health.down.length > 0)

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is known of the link."""
        return self.link is None or self.link.health.status is Status.UNKNOWN

    @property
    def cut_since(self) -> datetime | None:
        """Since when the point was said to be down, as far back as that may still be taken back."""
        reached = prune(self.track, self.reach)
        return next((segment.at for segment in reached if segment.status in CUT), None)

    def witness(self, state: EndpointState, result: Result) -> bool:
        """Keep what speaks for the link when it fails again; whether there is anything new."""
        if state is not self.link or result.outcome is not Outcome.DOWN:
            return False
        others = [other for other in self.endpoints if other is not state and other.endpoint.critical]
        return sum(other.vouch(result.begun) for other in others) > 0  # each is asked

    def rewind(self, now: datetime, recorded_at: datetime) -> list[Transition]:
        """The wall clock was set back."""
        rows = [row for state in self.endpoints for row in state.rewind(now, recorded_at)]
        self.track, own = set_back(self.key, self.track, now, recorded_at)
        if self.steady_from is not None:
            self.steady_from = min(self.steady_from, now)
        self.floor, self.reach = min(self.floor, now), min(self.reach, now)
        self.blames = tuple(blame._replace(at=min(blame.at, now)) for blame in self.blames)
        self.held = self.held and min(self.held, now)
        return [*rows, *own] if self.recorded else rows

    def settle(self, begin: datetime, recorded_at: datetime, *, hold: bool = False) -> list[Transition]:
        """Reckon the point anew from ``begin`` on; the rows that make its history say so.

        ``hold``: there are none yet, for it isn't decided whose fault it is; the next time begins as early.
        """
        begin = max(min(begin, self.held or begin), self.floor)
        members = [*self.former, *(state.member() for state in self.endpoints)]
        truth = timeline(members, begin, self.blames)
        self.cut = truth[-1].status in CUT
        self.held = begin if hold else None
        if hold:
            return []
        segments = corrections(self.track, truth if self.recorded else _known(truth))
        rows = [self._put(segment, recorded_at) for segment in segments]
        self._forget(recorded_at)
        return rows

    def settle_unknown(self, begin: datetime, recorded_at: datetime) -> list[Transition]:
        """The first row of a point that we could never ask, from when we first tried."""
        if self.recorded or self.link is None:
            return []
        self.link.track = overrule(self.link.track, Segment(begin, Status.UNKNOWN, self.link.health.cause))
        truth = timeline([state.member() for state in self.endpoints], begin, self.blames)
        return [self._put(truth[-1], recorded_at)] if truth[-1].status is Status.UNKNOWN else []

    def blame(self, endpoint: str, at: datetime, fault: str) -> None:
        """From ``at`` on the failures of the endpoint are ``fault``'s. It must be settled from then on."""
        self.blames = lay(self.blames, Blame(at, endpoint, fault))

    def blamed(self, endpoint: str) -> str:
        """The fault that the endpoint's failures are said to be now."""
        return max(
            (blame for blame in self.blames if blame.endpoint == endpoint), default=Blame(LONG_AGO, "", "")
        ).fault

    def _put(self, segment: Segment, recorded_at: datetime) -> Transition:
        first = not self.seen
        self.recorded = True
        self.seen = self.seen or segment.status is not Status.UNKNOWN
        self.track, transition = row(self.key, self.track, segment, recorded_at, first=first)
        return transition

    def close(self, now: datetime) -> list[Transition]:
        """The row that closes the point's history, if there is any."""
        if not self.recorded:
            return []
        segment = Segment(now, Status.UNOBSERVED, CONFIG)
        self.track, transition = row(self.key, self.track, segment, now)
        return [transition]

    def restore(self, current: Transition, *, started: datetime, unseen: datetime | None) -> None:
        """Take up the row in force after a restart."""
        self.track = overrule((), segment_of(current))
        self.recorded = True
        self.seen = not (current.first and current.status is Status.UNKNOWN)
        self.cut = current.status in CUT
        self.show(current)
        self.ever_up = was_up(current)
        self.awaited = unseen is None or started - unseen > self.hold

    def resumed(self, begun: datetime) -> None:
        """The first known result after a restart came: after a long one stability counts from here."""
        self.awaited = False
        self.steady_from = begun

    def show_flag(self, change: FlagChange) -> None:
        """Make a flag, or that it is gone, visible."""
        if change.on:
            self.flags[change.flag] = change
        else:
            self.flags.pop(change.flag, None)

    def show(self, transition: Transition) -> None:
        if transition.status is Status.UNOBSERVED:
            self.shown, self.first_seen, self.ever_up = None, False, False
            return
        self.shown = segment_of(transition)
        self.first_seen = transition.first
        self.ever_up = self.ever_up or transition.status is Status.UP

    def ripe_at(self, stable_after: timedelta) -> datetime | None:
        """When the point as shown is stable, if nothing happens; None: it isn't up."""
        if self.shown is None or self.shown.status is not Status.UP or self.awaited:
            return None
        return max(self.shown.at, self.steady_from or self.shown.at) + stable_after

    def view(self, now: datetime, stable_after: timedelta) -> PointView:
        """What is visible at ``now``."""
        status = self.shown.status if self.shown else Status.UNKNOWN
        judgement = self._live_judgement(status)
        ripe_at = self.ripe_at(stable_after)
        steady_since = None if ripe_at is None else ripe_at - stable_after
        return PointView(
            point=self.point,
            status=status,
            since=self.shown.at if self.shown else None,
            reason=judgement.cause.reason,
            failed_phase=judgement.cause.failed_phase,
            detail=judgement.cause.detail,
            culprit=judgement.culprit,
            not_before=self.shown.not_before if self.shown else None,
            stable=is_stable(status, steady_since, now, stable_after, flapping=Flag.FLAPPING in self.flags),
            steady_since=steady_since,
            fault=self.shown.fault if self.shown else "",
            flapping=Flag.FLAPPING in self.flags,
            maintenance=Flag.MAINTENANCE in self.flags,
            first_seen=self.first_seen,
            never=status not in (Status.UP, Status.UNKNOWN) and not self.ever_up,
            endpoints=self._endpoint_views(),
        )

    def _endpoint_views(self) -> tuple[EndpointView, ...]:
        views = tuple(state.view() for state in self.endpoints)
        if len(views) == len(self.point.endpoints):
            return views
        known = {view.endpoint.key: view for view in views}
        return tuple(known.get(endpoint.key) or undeclared(endpoint) for endpoint in self.point.endpoints)

    def _live_judgement(self, status: Status) -> Judgement:
        """Whose fault the status shown is: by the endpoints as shown, else by the row that the status came with."""
        if status is Status.UP:
            return Judgement(Status.UP)
        live = judge((state.stand() for state in self.endpoints), vouched=status not in CUT)
        if live.status is status or self.shown is None or (status in CUT and live.status in CUT):
            return live._replace(status=status)
        return Judgement(status, self.shown.culprit, self.shown.cause)

    def _forget(self, now: datetime) -> None:
        floors = [floor for state in self.endpoints if (floor := state.floor()) is not None]
        if not floors:
            return
        self.reach = min(floors)
        self.floor = floor = min(self.reach, now - _REACH)
        self.track = prune(self.track, floor)[-_LONGEST:]
        self.blames = forget(self.blames, floor)
        self.former = [member for member in self.former if member.track[-1].at > floor]
        for state in self.endpoints:
            state.forget(floor)


def _known(truth: list[Segment]) -> list[Segment]:
    """Without what comes before anything is known: that makes no row."""
    known = [position for position, segment in enumerate(truth) if segment.status is not Status.UNKNOWN]
    return truth[known[0] :] if known else []


def was_up(row: Transition) -> bool:
    """Whether a point with this row in force was ever up, as far as the row tells."""
    return Status.UP in (row.status, row.previous) or not row.first
