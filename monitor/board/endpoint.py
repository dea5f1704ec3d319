"""One endpoint on the board: its health, its recent track, and what is shown of it."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

from monitor.board.views import EndpointView
from monitor.config.model import Endpoint
from monitor.health.confirm import STALE, Cause, Change, Health, Policy
from monitor.health.points import Answer, Member, Segment, Stand, Track, overrule, prune, rewind, status_at
from monitor.health.resume import rewind as rewind_health
from monitor.model import BUDGET_REASONS, EndpointKey, Outcome, Reason, Result, Status, StoredResult, Transition

CONFIG = Cause(Reason.CONFIG)
LONG_AGO = datetime.min.replace(tzinfo=UTC)
FAR_AWAY = datetime.max.replace(tzinfo=UTC)
_LONGEST = 128
"""Segments kept at most; a track is pruned exactly before it comes to that."""


def policy_of(endpoint: Endpoint) -> Policy:
    """The endpoint's settings as confirmation wants them."""
    return Policy.of(
        interval=endpoint.interval,
        timeout=endpoint.timeout,
        down_after=endpoint.down_after,
        up_after=endpoint.up_after,
    )


def row(
    key: EndpointKey, track: Track, segment: Segment, recorded_at: datetime, *, first: bool = False
) -> tuple[Track, Transition]:
    """Lay ``segment`` over ``track``; the track after it and the row that says so.

    A segment that only prolongs what stood before makes a row that begins where that began, so that the last row's
    ``at`` is always the time since which its status has held; its ``previous`` is then what it takes back.
    """
    after = overrule(track, segment)
    before = status_at(after[:-1], segment.at)
    if before is segment.status:
        overruled = (part.status for part in track if part.at >= segment.at and part.status is not before)
        before = next(overruled, before)
    transition = Transition(
        key=key,
        at=after[-1].at,
        recorded_at=recorded_at,
        status=segment.status,
        previous=before,
        reason=segment.cause.reason,
        failed_phase=segment.cause.failed_phase,
        detail=segment.cause.detail,
        culprit=segment.culprit,
        fault=after[-1].fault,
        not_before=segment.not_before,
        first=first,
    )
    return after, transition


def set_back(key: EndpointKey, track: Track, now: datetime, recorded_at: datetime) -> tuple[Track, list[Transition]]:
    """The track after the wall clock was set back to ``now``, and the row by which what began later begins now."""
    if not track or track[-1].at <= now:
        return rewind(track, now), []
    after, again = row(key, track, track[-1]._replace(at=now, not_before=None), recorded_at)
    return after, [again]


def segment_of(transition: Transition) -> Segment:
    """The part of a track that a row stands for."""
    cause = Cause(transition.reason, transition.failed_phase, transition.detail)
    return Segment(transition.at, transition.status, cause, transition.culprit, transition.not_before, transition.fault)


class EndpointState:
    """What is decided of one declared endpoint (``health``, ``track``) and what is shown of it (``shown``, ``last``).

    ``recorded`` says whether it ever had a row; ``run`` is its unbroken run of successes up to now; ``answered``
    keeps those that spoke for the point's link when that failed.
    """

    __slots__ = ("_view", "answered", "endpoint", "health", "last", "policy", "recorded", "run", "shown", "track")

    def __init__(self, endpoint: Endpoint, track: Track = ()) -> None:
        self.endpoint = endpoint
        self.policy = policy_of(endpoint)
        self.health = Health()
        self.track = track
        self.answered: deque[Answer] = deque(maxlen=16)
        self.run: Answer | None = None
        self.recorded = False
        self.shown: Segment | None = None
        self.last: Result | None = None
        self._view: EndpointView | None = None

    @classmethod
    def added(cls, endpoint: Endpoint, now: datetime) -> EndpointState:
        """An endpoint that a reload added: it has no say about the time before."""
        absent = Segment(LONG_AGO, Status.UNOBSERVED, CONFIG)
        return cls(endpoint, (absent, Segment(now, Status.UNKNOWN, CONFIG)))

    def replaced(self, endpoint: Endpoint, now: datetime) -> EndpointState:
        """This endpoint with another address or module: everything begins anew."""
        state = EndpointState(endpoint, self.track)
        state.begin_anew(now)
        return state

    def begin_anew(self, now: datetime) -> None:
        """What is known of the endpoint ends here: its address or module changed while the program didn't run."""
        self.track = overrule(self.track, Segment(now, Status.UNKNOWN, CONFIG))
        self.health, self.recorded, self.shown = Health(latest=now), False, None

    def configure(self, endpoint: Endpoint) -> None:
        """Take over what doesn't touch identity: names, intervals, confirmation."""
        self.endpoint = endpoint
        self.policy = policy_of(endpoint)
        self._view = None

    def rewind(self, now: datetime, recorded_at: datetime) -> list[Transition]:
        """The wall clock was set back."""
        self.health = rewind_health(self.health, now)
        self.track, rows = set_back(self.endpoint.key, self.track, now, recorded_at)
        self.answered.clear()
        self.run = None
        return rows if self.recorded else []

    def settle(self, changes: tuple[Change, ...], recorded_at: datetime) -> list[Transition]:
        """The rows of what was decided."""
        rows = []
        for change in changes:
            segment = Segment(change.at, change.status, change.cause, "", change.not_before)
            first = not self.recorded
            self.recorded = True
            self.track, transition = row(self.endpoint.key, self.track, segment, recorded_at, first=first)
            rows.append(transition)
        return rows

    def close(self, now: datetime) -> list[Transition]:
        """The row that closes this part of the history, if there is any."""
        if not self.recorded:
            self.track = overrule(self.track, Segment(now, Status.UNOBSERVED, CONFIG))
            return []
        return self.settle((Change(now, Status.UNOBSERVED, CONFIG),), now)

    def member(self) -> Member:
        """The endpoint as its point's timeline wants it."""
        endpoint = self.endpoint
        return Member(endpoint.key.endpoint, endpoint.link, endpoint.critical, self.track, self.answered)

    def floor(self) -> datetime | None:
        """The earliest moment that a later decision can reach back to; None: any from now on."""
        health = self.health
        reaches = [moment for moment in (health.pending_since, health.known) if moment is not None]
        if self.endpoint.link and health.down.holds and self.track:
            reaches.append(self.track[-1].at)
        return min(reaches, default=None)

    def forget(self, before: datetime) -> None:
        """Drop what no decision can reach back to."""
        self.track = prune(self.track, before)[-_LONGEST:]

    def note(self, result: Result) -> bool:
        """Take the latest result; whether that changes what is shown by more than ``last``."""
        self.last = result
        self.remember(result)
        view = self._view
        if view is not None and view.status is Status.UP and view.suspect == self.health.suspect:
            view.last = result
            return False
        self._view = None
        return True

    def remember(self, result: Result | StoredResult) -> None:
        """Keep the unbroken run of successes."""
        outcome = result.outcome
        if outcome is Outcome.DOWN:
            self.run = None
        elif outcome is Outcome.UP:
            self.run = Answer(self.run.since if self.run else result.begun, result.begun)

    def vouch(self, link_failed: datetime) -> bool:
        """Note that it answered before the link failed again at ``link_failed``; whether that is new."""
        run = self.run
        if run is None or run.begun >= link_failed or (self.answered and self.answered[-1].begun >= run.begun):
            return False
        self.answered.append(run)
        return True

    def show(self, transition: Transition) -> None:
        self.shown = None if transition.status is Status.UNOBSERVED else segment_of(transition)
        self._view = None

    def stand(self) -> Stand:
        """The endpoint as shown, for the point's judgement."""
        endpoint, view = self.endpoint, self.view()
        cause = Cause(view.reason, view.failed_phase, view.detail)
        return Stand(endpoint.key.endpoint, endpoint.link, endpoint.critical, view.status, cause)

    def view(self) -> EndpointView:
        """What is visible; made anew only when something changed."""
        if self._view is None:
            status = self.shown.status if self.shown else Status.UNKNOWN
            cause = self._live_cause(status)
            self._view = EndpointView(
                endpoint=self.endpoint,
                status=status,
                since=self.shown.at if self.shown else None,
                reason=cause.reason,
                failed_phase=cause.failed_phase,
                detail=cause.detail,
                suspect=self.health.suspect,
                last=self.last,
            )
        return self._view

    def _live_cause(self, status: Status) -> Cause:
        """The latest result's cause where it is of the status shown, else the cause that the status was decided by."""
        last = self.last
        if last is not None:
            agrees = (
                (status is Status.DOWN and last.outcome is Outcome.DOWN)
                or (status is Status.DEGRADED and last.reason in BUDGET_REASONS)
                or (status is Status.UNKNOWN and last.outcome is Outcome.UNKNOWN)
            )
            if agrees:
                return Cause(last.reason, last.failed_phase, last.detail)
        return self.shown.cause if self.shown else STALE


def undeclared(endpoint: Endpoint) -> EndpointView:
    """The view of an endpoint that isn't probed."""
    return EndpointView(
        endpoint=endpoint,
        status=Status.UNKNOWN,
        since=None,
        reason=Reason.CONFIG,
        failed_phase="",
        detail="",
        suspect=False,
        last=None,
    )
