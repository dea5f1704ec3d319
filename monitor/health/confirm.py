"""From results to an endpoint's status: confirmation by two hystereses, and staleness.

"Failing at least down" and "failing at least degraded" are confirmed and released independently of each other; an
up result whose reason is a budget's is at the level of degraded. What comes out of an outage is not degraded yet: that
is confirmed anew by what answers last, for a line that comes back is often slow at first. A status is decided after the
time from which it holds, so what is decided is a list of changes that overrule, from their ``at`` on, what was said
before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from monitor.model import BUDGET_REASONS, OUR_REASONS, Reason, Status, record


class Observed(Protocol):
    """What confirmation needs of a result, fresh or stored."""

    @property
    def begun(self) -> datetime: ...
    @property
    def reason(self) -> Reason: ...


@dataclass(frozen=True, slots=True)
class Policy:
    """``down_after`` results in a row confirm a failure, ``up_after`` release it.

    A status holds for ``hold`` after its last known result's begin.
    """

    down_after: int
    up_after: int
    hold: timedelta

    @classmethod
    def of(cls, *, interval: timedelta, timeout: timedelta, down_after: int, up_after: int) -> Policy:
        """The policy of an endpoint that is probed every ``interval``: it holds for two of them and a timeout."""
        return cls(down_after, up_after, 2 * interval + timeout)


class Cause(NamedTuple):
    """Why: of a result, or of the status that came from it."""

    reason: Reason
    failed_phase: str = ""
    detail: str = ""


class Change(NamedTuple):
    """From ``at`` on the endpoint has ``status``; overrules what was decided earlier, from ``at`` on.

    ``not_before``: nobody looked between it and ``at``, so the change fell between the two.
    """

    at: datetime
    status: Status
    cause: Cause
    not_before: datetime | None = None


class Hysteresis(NamedTuple):
    """One level: whether it ``holds``, and the run of ``length`` results since ``first`` that contradict that."""

    holds: bool = False
    length: int = 0
    first: datetime | None = None

    def step(self, reached: bool, begun: datetime, policy: Policy) -> tuple[Hysteresis, datetime | None]:
        """The state after a result that did or didn't reach the level, and since when it has turned, if it has."""
        if reached is self.holds:
            return (self if not self.length else Hysteresis(self.holds)), None
        first = self.first or begun
        if self.length + 1 >= (policy.down_after if reached else policy.up_after):
            return Hysteresis(reached), first
        return Hysteresis(self.holds, self.length + 1, first), None

    def last(self, reached: bool, begun: datetime) -> Hysteresis:
        """The run that pends after a result, whatever its length; one that didn't reach the level ends it."""
        return Hysteresis(False, self.length + 1, self.first or begun) if reached else CALM


CALM = Hysteresis()


class Gap(NamedTuple):
    """A time without known results: nobody looked from ``begin`` until the result begun at ``end``.

    From ``lapse`` on the status was unknown because of ``cause``; None: the program did not run, which is no change.
    """

    begin: datetime
    end: datetime
    lapse: datetime | None
    cause: Cause


class Standing(NamedTuple):
    """A status with the time from which it holds."""

    status: Status
    since: datetime | None
    cause: Cause


STALE = Cause(Reason.STALE)


@record
class Health:
    """What one vantage believes of one endpoint.

    ``latest``, ``known`` and ``alive`` are the begins of the last result, the last that wasn't unknown, the last up;
    ``held`` is what staleness counts from (``known``, or the program's start after a restart). ``doubt`` is the cause
    of an unknown result since, ``budget`` that of the last broken budget. ``lapsed`` is what stood before the status
    went stale. ``unseen`` is when the program last looked before a restart, until the first known result. ``gaps`` are
    those that a pending run spans. ``decided`` is what the last step decided.
    """

    status: Status = Status.UNKNOWN
    since: datetime | None = None
    cause: Cause = STALE
    latest: datetime | None = None
    known: datetime | None = None
    alive: datetime | None = None
    held: datetime | None = None
    down: Hysteresis = CALM
    degraded: Hysteresis = CALM
    budget: Cause = STALE
    doubt: Cause | None = None
    lapsed: Standing | None = None
    unseen: datetime | None = None
    gaps: tuple[Gap, ...] = ()
    decided: tuple[Change, ...] = ()

    @property
    def suspect(self) -> bool:
        """Whether a change is pending, in either direction."""
        return self.down.length > 0 or self.degraded.length > 0

    @property
    def implied(self) -> Status:
        """What the confirmed levels say, were it not for staleness."""
        if self.down.holds:
            return Status.DOWN
        return Status.DEGRADED if self.degraded.holds else Status.UP

    @property
    def pending_since(self) -> datetime | None:
        """The begin of the earliest run that may still turn into a change."""
        firsts = [level.first for level in (self.down, self.degraded) if level.first is not None]
        return min(firsts, default=None)


def cause_of(result: Observed) -> Cause:
    """A result's cause; a stored result kept no more than its reason."""
    return Cause(result.reason, getattr(result, "failed_phase", ""), getattr(result, "detail", ""))


def observe(health: Health, result: Observed, policy: Policy) -> Health:
    """What is believed after ``result``. One that is no later than the last accepted changes nothing."""
    begun, reason = result.begun, result.reason
    if health.latest is not None and begun <= health.latest:
        return replace(health, decided=()) if health.decided else health
    if reason in OUR_REASONS:
        return _doubt(health, result, policy)
    if reason is Reason.OK and _steady(health, begun, policy):
        since, cause = health.since, health.cause
        return Health(status=Status.UP, since=since, cause=cause, latest=begun, known=begun, alive=begun, held=begun)
    return _judge(_resume(health, begun, policy), result, policy)


def age(health: Health, now: datetime, policy: Policy) -> Health:
    """What is believed at ``now`` when nothing has come: unknown from when the last known result lapsed."""
    if health.held is None or health.status is Status.UNKNOWN or now < health.held + policy.hold:
        return replace(health, decided=()) if health.decided else health
    return _lapse(health, health.held + policy.hold)


def _steady(health: Health, begun: datetime, policy: Policy) -> bool:
    return (
        health.status is Status.UP
        and not health.down.length
        and not health.degraded.length
        and health.unseen is None
        and health.held is not None
        and begun <= health.held + policy.hold
    )


def _doubt(health: Health, result: Observed, policy: Policy) -> Health:
    """An unknown result neither counts nor resets nor refreshes; it only tells why the status lapses, if it does."""
    in_time = health.held is None or result.begun <= health.held + policy.hold
    doubt = cause_of(result) if in_time else health.doubt
    cause = cause_of(result) if health.since is None else health.cause
    return replace(health, latest=result.begun, doubt=doubt, cause=cause, decided=())


def _lapse(health: Health, at: datetime) -> Health:
    cause = health.doubt or STALE
    return replace(
        health,
        status=Status.UNKNOWN,
        since=at,
        cause=cause,
        lapsed=Standing(health.status, health.since, health.cause),
        decided=(Change(at, Status.UNKNOWN, cause),),
    )


def _resume(health: Health, begun: datetime, policy: Policy) -> Health:
    """Settle the time between the last known result and the one begun at ``begun``: did the status hold through it?"""
    health = replace(health, decided=())
    if health.held is None:
        return health
    lapse = health.held + policy.hold
    if begun <= lapse:
        if health.lapsed is not None:  # noticed as stale while this very result was under way
            health = _revive(health, health.lapsed)
        if health.unseen is not None:
            health = replace(health, gaps=(*health.gaps, _restarted(health, health.unseen, begun)))
        return health
    if health.status is not Status.UNKNOWN:
        health = _lapse(health, lapse)
    begin = min(lapse, health.since or lapse, health.unseen or lapse)
    cause = health.doubt or STALE
    return replace(health, gaps=(*health.gaps, Gap(begin, begun, lapse, cause)))


def _restarted(health: Health, unseen: datetime, begun: datetime) -> Gap:
    """The gap that a restart left, which began earlier when the status had lapsed before it."""
    since = health.since
    if health.status is Status.UNKNOWN and since is not None and (health.known is None or health.known < since):
        return Gap(min(since, unseen), begun, since, health.cause)
    return Gap(unseen, begun, None, STALE)


def _revive(health: Health, before: Standing) -> Health:
    """Take back that the status lapsed."""
    change = () if health.since is None else (Change(health.since, before.status, before.cause),)
    return replace(health, status=before.status, since=before.since, cause=before.cause, decided=change)


def _judge(health: Health, result: Observed, policy: Policy) -> Health:
    """Count a known result at both levels and decide."""
    begun, reason = result.begun, result.reason
    over_budget = reason in BUDGET_REASONS
    fails = reason is not Reason.OK and not over_budget
    down, back = health.down.step(fails, begun, policy)
    after = replace(
        health,
        latest=begun,
        known=begun,
        held=begun,
        alive=health.alive if fails else begun,
        down=down,
        budget=cause_of(result) if over_budget else health.budget,
        doubt=None,
        lapsed=None,
        unseen=None,
    )
    slow = health.degraded.last(over_budget, begun)
    if not health.down.holds:
        degraded, turned = health.degraded.step(fails or over_budget, begun, policy)
        after = _decide(
            replace(after, degraded=CALM if down.holds else degraded), back if down.holds else turned, result
        )
    elif down.holds:
        after = _decide(replace(after, degraded=slow), None, result)
    else:
        after = _decide(replace(after, degraded=CALM), back, result)
        confirmed = slow.length >= policy.down_after
        after = replace(after, degraded=Hysteresis(True) if confirmed else slow)
        after = _decide(after, slow.first if confirmed else None, result)
    return after if after.suspect or not after.gaps else replace(after, gaps=())


def _decide(health: Health, turned: datetime | None, result: Observed) -> Health:
    """Turn the levels into a status. ``turned`` is the time from which one of them turned with this result."""
    status = health.implied
    if health.status is status:
        return health
    gaps = health.gaps
    if turned is None:
        # Only after a time without a status: the first result that no pending run contradicts gives it back at once.
        if health.down.length or (health.degraded.holds and health.degraded.length):
            return health
        turned, unseen = result.begun, None
    else:
        unseen = next((gap.begin for gap in gaps if gap.end == turned), None)
    cause = {Status.DOWN: cause_of(result), Status.DEGRADED: health.budget}.get(status, Cause(Reason.OK))
    changes = _spell(Change(turned, status, cause, unseen), gaps)
    return replace(health, status=status, since=changes[-1].at, cause=cause, decided=health.decided + changes)


def _spell(change: Change, gaps: tuple[Gap, ...]) -> tuple[Change, ...]:
    """The change, and the changes that take the lapsed times since then out of it."""
    changes = [change]
    for gap in gaps:
        if gap.lapse is not None and gap.end > change.at:
            changes.append(Change(gap.lapse, Status.UNKNOWN, gap.cause))
            changes.append(Change(gap.end, change.status, change.cause))
    return tuple(changes)
