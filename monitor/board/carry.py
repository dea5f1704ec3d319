"""Whose fault, over a restart, a reload and a clock that is set back."""

from __future__ import annotations

from datetime import datetime

from monitor.board.cases import Case
from monitor.board.causes import Causes
from monitor.board.endpoint import LONG_AGO, EndpointState
from monitor.board.isolation import AT_LEAST
from monitor.board.neighbours import node_of
from monitor.board.point import CUT, PointState
from monitor.health.points import VANTAGE
from monitor.model import BUDGET_REASONS, Fault, FaultKind, Reason, Resume, Status


def recall(causes: Causes, now: datetime) -> None:
    """Take up what was decided before a restart from the restored points; what wasn't is decided soon."""
    for point in causes.points.values():
        row = point.track[-1] if point.track else None
        if row is not None and row.status is Status.DEGRADED and row.cause.reason is Reason.REDUNDANCY:
            point.blame("", row.at, row.fault)
    for state in causes.states.values():
        _open(causes, state, now)
    for case in causes.cases:
        if case.fault is not None and Fault.parse(case.fault or "point:").kind in (FaultKind.LABEL, FaultKind.NETWORK):
            links = causes.neighbours.is_link(case.node)
            causes.fates.get_or_open(Fault.parse(case.fault), links=links).taken.add(case.node)
    causes.losses.note_all()
    causes.asking.forget()


def isolated_until(resume: Resume, anchors: tuple[str, ...]) -> datetime | None:
    """Until when a program that stopped while or after being isolated could not ask; None: it wasn't isolated.

    ``datetime.max``: it still was.
    """
    begins = [
        row.at
        for key, row in resume.statuses.items()
        if key.is_point and row.status is Status.UNKNOWN and row.reason is Reason.ISOLATED
    ]
    if not begins or not anchors:
        return None
    begin = max(begins)
    answers = [
        result.begun
        for key, results in resume.recent.items()
        for result in results
        if key.point in anchors and result.begun > begin and result.outcome.value == "up"
    ]
    return min(answers, default=datetime.max.replace(tzinfo=begin.tzinfo))


def carry_over(causes: Causes, now: datetime) -> None:
    """After a reload: what is gone has no case, and what was blamed on what is gone is judged anew from now on."""
    for case in causes.cases:
        state = causes.states.get(case.key)
        if state is None or not _fails(state) or node_of(state.endpoint) != case.node:
            causes.cases.close(case)
            if case.key.point in causes.points:
                causes.points[case.key.point].blame(case.key.endpoint, now, "")
        elif case.fault and not _still_fits(causes, case):
            case.anew_from, case.asked = now, set()
            causes.reconsider(case, now)
    for state in causes.states.values():
        if node_of(state.endpoint) not in causes.cases:
            _open(causes, state, now)
    for common in tuple(causes.fates.open.values()):
        for node in [node for node in common.taken if node not in causes.cases]:
            causes.fates.leave(node, common)
    causes.losses.note_all()
    _carry_spares(causes, now)
    if causes.isolation.on and len(causes.neighbours.anchors) < AT_LEAST:
        causes.isolation.end(causes, now)


def _carry_spares(causes: Causes, now: datetime) -> None:
    for name, point in causes.points.items():
        if name in causes.neighbours.choosers or point.blamed(""):
            causes.weigh_spares(name, now)


def rewind(causes: Causes, now: datetime) -> None:
    """The wall clock was set back: nothing began later than ``now``."""
    for case in causes.cases:
        case.begin = min(case.begin, now)
        case.relieved = case.relieved and min(case.relieved, now)
        case.anew_from = case.anew_from and min(case.anew_from, now)
        case.behind_since = case.behind_since and min(case.behind_since, now)
        case.decided = case.decided and min(case.decided, now)
        case.anew = [min(moment, now) for moment in case.anew]
        if case.deadline is not None:
            case.deadline = min(case.deadline, now + causes.states[case.key].endpoint.timeout)
    causes.asking.forget()
    isolation = causes.isolation
    isolation.since = min(isolation.since, now)
    if not isolation.on:
        isolation.deaf_until = min(isolation.deaf_until, now)


def _fails(state: EndpointState) -> bool:
    return state.health.down.holds or state.health.down.length > 0


def _still_fits(causes: Causes, case: Case) -> bool:
    """Whether what a case is blamed on can still be its cause by the configuration."""
    fault = Fault.parse(case.fault or "")
    if fault.kind is FaultKind.POINT:
        return fault.subject in causes.neighbours.keys and fault.subject in causes.neighbours.ancestors(case.node)
    if fault.kind is FaultKind.LABEL:
        label, _, value = fault.subject.partition("=")
        return causes.neighbours.labels.get(case.node, {}).get(label) == value
    return True


def _open(causes: Causes, state: EndpointState, now: datetime) -> None:
    """The case of an endpoint that fails, as its point's row has it."""
    down, point = state.health.down, causes.points[state.endpoint.key.point]
    if not _fails(state):
        return
    begin = down.first or state.health.since or now
    case = causes.cases.open(Case(node_of(state.endpoint), state.endpoint.key, begin))
    if not down.holds:
        return
    case.confirmed = now
    fault = _recorded(point, state)
    if fault is None:
        case.begin = begin = max(begin, point.track[-1].at) if point.track else begin
        causes.asking.ask(case, begin, now)
        case.behind_since = None if state.endpoint.link else now
        causes.reconsider(case, now)
        return
    row = point.track[-1]
    if row.status in CUT or row.culprit == state.endpoint.key.endpoint:
        case.begin = row.at
        point.blame(state.endpoint.key.endpoint, row.at, fault)
    case.fault, case.decided = fault, row.at
    if fault == VANTAGE and not causes.isolation.on:
        case.relieved = LONG_AGO


def _recorded(point: PointState, state: EndpointState) -> str | None:
    """Whose fault the point's row says that the endpoint's failure is; None: it doesn't."""
    if not point.track:
        return None
    row, name = point.track[-1], state.endpoint.key.endpoint
    if state.endpoint.link and row.status in CUT:
        return row.fault
    if row.culprit != name or row.status not in (Status.FAULTY, Status.DEGRADED) or row.cause.reason in BUDGET_REASONS:
        return None
    return "" if state.endpoint.link else row.fault
