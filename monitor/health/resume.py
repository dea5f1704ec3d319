"""An endpoint's health after an interruption: a restart, a wall clock that was set back, a network of ours that was
gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.health.confirm import CALM, Cause, Change, Health, Hysteresis, Observed, Policy, observe
from monitor.model import Reason, Status, Transition

ISOLATED = Cause(Reason.ISOLATED)
_FOR_EVER = timedelta(days=36_500)


def resume(
    row: Transition | None,
    results: Sequence[Observed],
    policy: Policy,
    *,
    started: datetime,
    unseen: datetime | None,
) -> Health:
    """Health as it was when the program stopped, in a program that ``started`` now.

    ``row`` is the transition in force (None: there is none), ``results`` the last stored, oldest first, ``unseen`` when
    the program last looked. Results later than the row go on with a confirmation that was under way; what they decide
    (the row of it was lost) is in ``decided``. Staleness counts from ``started``: a restart decides nothing by itself.
    """
    health = Health()
    decided: list[Change] = []
    patient = replace(policy, hold=_FOR_EVER)
    if row is not None:
        lapsed = row.status is Status.UNKNOWN
        seen = row.at if lapsed else row.recorded_at
        health = _standing(row, row.previous if lapsed else row.status)
        # Where the results that the row came from were lost, those before it contradict nothing that it says.
        reaching = lapsed or any(result.begun == row.at for result in results)
        for result in results:
            if result.begun <= seen and (reaching or result.begun >= row.at):
                health = observe(health, result, patient)
        health = _settled(health, row, policy)
        results = [result for result in results if result.begun > seen]
        patient = policy if lapsed else patient
    for result in results:
        health = observe(health, result, patient)
        decided.extend(health.decided)
    held = started if row is not None or health.known is not None else None
    return replace(health, held=held, unseen=unseen, lapsed=None, doubt=None, decided=tuple(decided))


def rewind(health: Health, now: datetime) -> Health:
    """The same belief after the wall clock was set back to ``now``: nothing was seen later than that."""

    def earlier(moment: datetime | None) -> datetime | None:
        return moment if moment is None else min(moment, now)

    return replace(
        health,
        since=earlier(health.since),
        latest=earlier(health.latest),
        known=earlier(health.known),
        alive=earlier(health.alive),
        held=earlier(health.held),
        down=health.down._replace(first=earlier(health.down.first)),
        degraded=health.degraded._replace(first=earlier(health.degraded.first)),
        gaps=(),
        decided=(),
    )


def bridge(health: Health, begin: datetime, end: datetime) -> Health:
    """The same belief after a time in which nobody looked: as over a restart, that decides nothing by itself.

    Staleness counts from ``end``; what the first known result finds happened between ``begin`` and it.
    """
    if health.held is None or health.status is Status.UNKNOWN:
        return health
    return replace(health, held=max(health.held, end), unseen=health.unseen or begin, decided=())


def isolate(health: Health, begin: datetime, policy: Policy) -> Health:
    """The same belief when from ``begin`` on we could not ask: unknown from then, like a lapse.

    What was confirmed before is remembered; what was confirmed since is taken back; pending runs are forgotten, so that
    what fails afterwards is confirmed anew.
    """
    if health.held is None or health.since is None:
        return replace(health, down=CALM, degraded=CALM, gaps=(), lapsed=None, decided=())
    taken_back = health.since >= begin
    down = health.down.holds and not (taken_back and health.status is Status.DOWN)
    degraded = not down and health.degraded.holds and not taken_back
    unknown = health.status is Status.UNKNOWN and not taken_back
    return replace(
        health,
        status=Status.UNKNOWN,
        since=health.since if unknown else begin,
        cause=health.cause if unknown else ISOLATED,
        held=min(health.held, begin - policy.hold),
        down=Hysteresis(down),
        degraded=Hysteresis(degraded),
        doubt=ISOLATED,
        lapsed=None,
        gaps=(),
        decided=() if unknown else (Change(begin, Status.UNKNOWN, ISOLATED),),
    )


def _standing(row: Transition, status: Status) -> Health:
    down = status is Status.DOWN
    return Health(
        status=status,
        since=row.at,
        cause=Cause(row.reason, row.failed_phase, row.detail),
        down=Hysteresis(down),
        degraded=Hysteresis(status is Status.DEGRADED),
    )


def _settled(health: Health, row: Transition, policy: Policy) -> Health:
    """The row has the last word on what was decided; the replayed results only on what is pending."""
    wanted = _standing(row, row.previous if row.status is Status.UNKNOWN else row.status)
    return replace(
        health,
        status=row.status,
        since=row.at,
        cause=wanted.cause,
        down=health.down if health.down.holds is wanted.down.holds else wanted.down,
        degraded=health.degraded if health.degraded.holds is wanted.degraded.holds else wanted.degraded,
        held=row.at - policy.hold if row.status is Status.UNKNOWN else health.held,
        decided=(),
    )
