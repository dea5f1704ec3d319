"""The board after a restart: what was true when the program last ran."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime

from monitor.board.endpoint import CONFIG, LONG_AGO, EndpointState, row, segment_of
from monitor.board.point import PointState, was_up
from monitor.health.confirm import STALE
from monitor.health.points import Member, Segment, overrule
from monitor.health.resume import resume as resume_health
from monitor.model import EndpointKey, Outcome, Reason, Resume, Status, StoredResult, Transition


def restore(
    points: Mapping[str, PointState],
    endpoints: Mapping[EndpointKey, EndpointState],
    resume: Resume,
    started: datetime,
    *,
    deaf_until: datetime | None = None,
) -> list[Transition]:
    """Bring back health, statuses, stability and pending confirmations in a program that ``started`` now.

    ``deaf_until``: the vantage was isolated until then, so failures begun before say nothing (None: it wasn't).

    Returns the rows for what the configuration lost or changed meanwhile. What stored results decide beyond the stored
    rows is left in each endpoint's ``health.decided``.
    """
    current = {key: found for key, found in resume.statuses.items() if found.status is not Status.UNOBSERVED}
    unseen = _last_looked(resume)
    for name, point in points.items():
        if point.endpoints and (found := current.get(EndpointKey(name, ""))):
            point.restore(found, started=started, unseen=unseen)
    rows: list[Transition] = []
    changed: set[str] = set()
    for key, found in current.items():
        if key.is_point and (key.point not in points or not points[key.point].endpoints):
            rows.append(_closing(found, started, started))
        elif not key.is_point and key not in endpoints:
            rows.append(_closing(found, started, started))
            changed |= _remove(points.get(key.point), found, started)
    for key, state in endpoints.items():
        known = _heard(resume, key, current.get(key), deaf_until)
        closing = _restore_endpoint(state, current.get(key), resume, known, started, unseen)
        if closing is not None:
            rows += closing
            changed.add(key.point)
    for point in points.values():
        _recall_answers(point, resume)
    for name in sorted(changed):
        rows += points[name].settle(started, started)
    return rows


def disown(
    points: Mapping[str, PointState],
    endpoints: Mapping[EndpointKey, EndpointState],
    resume: Resume,
    *,
    started: datetime,
    now: datetime,
) -> list[Transition]:
    """The rows of a program that ``started`` without its history and can read it only ``now``.

    Where nothing was decided since, the stored row would go on in the ledger by inertia: from ``started`` on the
    subject is unknown, and what the configuration no longer has is closed.
    """
    rows = []
    for key, found in resume.statuses.items():
        if found.status is Status.UNOBSERVED:
            continue
        point = points.get(key.point)
        subject = point if key.is_point else endpoints.get(key)
        if point is None or not point.endpoints or subject is None:
            rows.append(_closing(found, started, now))
        elif not subject.recorded:
            subject.track, unknown = row(key, (segment_of(found),), Segment(started, Status.UNKNOWN, STALE), now)
            subject.recorded = True
            if key.is_point:
                point.ever_up, point.seen = was_up(found), True
            if found.status is not Status.UNKNOWN:
                rows.append(unknown)
    return rows


def _last_looked(resume: Resume) -> datetime | None:
    """The later of the last liveness mark and the last result."""
    moments = [results[-1].begun for results in resume.recent.values() if results]
    if resume.last_alive is not None:
        moments.append(resume.last_alive)
    return max(moments, default=None)


def _restore_endpoint(
    state: EndpointState,
    found: Transition | None,
    resume: Resume,
    recent: Sequence[StoredResult],
    started: datetime,
    unseen: datetime | None,
) -> list[Transition] | None:
    """The rows that close its past when its address or module changed meanwhile or it is new; None: it goes on."""
    key = state.endpoint.key
    if found is not None:
        before = Segment(LONG_AGO, found.previous, CONFIG)
        state.track, state.recorded = overrule((before,), segment_of(found)), True
    known = resume.fingerprints.get(key)
    if known is not None and known != state.endpoint.fingerprint:
        rows = state.close(started)
        state.begin_anew(started)
        return rows
    if found is not None:
        state.show(found)
    elif known is None and resume.statuses.get(EndpointKey(key.point, "")) is not None:
        state.track = EndpointState.added(state.endpoint, started).track
        return []
    closed = resume.statuses.get(key)
    results = [result for result in recent if found is not None or closed is None or result.begun >= closed.at]
    state.health = resume_health(found, results, state.policy, started=started, unseen=unseen)
    return None


def _heard(
    resume: Resume, key: EndpointKey, found: Transition | None, deaf_until: datetime | None
) -> Sequence[StoredResult]:
    """The stored results without the failures of the time in which the vantage was isolated."""
    recent = resume.recent.get(key, ())
    if deaf_until is None or found is None or found.reason is not Reason.ISOLATED:
        return recent
    return [each for each in recent if each.outcome is not Outcome.DOWN or not found.at <= each.begun <= deaf_until]


def _recall_answers(point: PointState, resume: Resume) -> None:
    """What spoke for a failing link before the restart still does."""
    link = point.link
    failures = [] if link is None else [
        result.begun for result in resume.recent.get(link.endpoint.key, ()) if result.outcome is Outcome.DOWN
    ]  # fmt: skip
    for state in point.endpoints:
        if state is link or not state.endpoint.critical or state.health.latest is None:
            continue
        results = deque(resume.recent.get(state.endpoint.key, ()))
        for failed in failures:
            while results and results[0].begun < failed:
                state.remember(results.popleft())
            state.vouch(failed)
        for result in results:
            state.remember(result)


def _closing(found: Transition, at: datetime, recorded_at: datetime) -> Transition:
    segment = Segment(at, Status.UNOBSERVED, CONFIG)
    return row(found.key, (segment_of(found),), segment, recorded_at)[1]


def _remove(point: PointState | None, found: Transition, now: datetime) -> set[str]:
    """Let an endpoint that is gone have its say about the time before."""
    if point is None or not point.endpoints:
        return set()
    track = overrule((segment_of(found),), Segment(now, Status.UNOBSERVED, CONFIG))
    point.former.append(Member(found.key.endpoint, link=False, critical=False, track=track))
    return {found.key.point}
