"""A point's status from its endpoints', at every moment since the one from which something changed.

An endpoint's change is decided after the time from which it holds, so the point's recent past is reckoned again from
the endpoints' recent tracks whenever one of them changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from monitor.health.confirm import STALE, Cause
from monitor.model import Fault, FaultKind, Reason, Status

ANSWERING = (Status.UP, Status.DEGRADED)
VANTAGE = str(Fault(FaultKind.VANTAGE))


class Segment(NamedTuple):
    """From ``at`` until the next segment the subject had ``status``; ``fault`` is a :class:`~monitor.model.Fault` as
    text, "" for its own."""

    at: datetime
    status: Status
    cause: Cause = Cause(Reason.OK)
    culprit: str = ""
    not_before: datetime | None = None
    fault: str = ""


Track = tuple[Segment, ...]
"""A subject's recent past, oldest first; neighbours differ (see :func:`same`). Before the first it is unknown.

``UNOBSERVED`` stands for "no part of the point at that time": such an endpoint has no say."""


class Answer(NamedTuple):
    """A probe begun at ``begun`` succeeded between two failures of the link; so did every probe from ``since`` on."""

    since: datetime
    begun: datetime


class Member(NamedTuple):
    """An endpoint as its point sees it; ``answered``: what speaks for the link while the link's own probe fails."""

    name: str
    link: bool
    critical: bool
    track: Track
    answered: Sequence[Answer] = ()


class Blame(NamedTuple):
    """From ``at`` until the next blame of the same endpoint its failures are ``fault``'s ("": its own).

    Under the endpoint "" stands whose loss takes the point its spare path.
    """

    at: datetime
    endpoint: str
    fault: str


class Judgement(NamedTuple):
    """A point's status, the endpoint that it comes from, and that endpoint's cause."""

    status: Status
    culprit: str = ""
    cause: Cause = Cause(Reason.OK)


class Stand(NamedTuple):
    """An endpoint at one moment."""

    name: str
    link: bool
    critical: bool
    status: Status
    cause: Cause


def same(one: Segment, other: Segment) -> bool:
    """Whether they say the same: of what is unknown by our own fault it doesn't matter by which."""
    if one.status is not other.status:
        return False
    return one.fault == other.fault or (one.status is Status.UNKNOWN and bool(one.fault and other.fault))


def overrule(track: Track, segment: Segment) -> Track:
    """The track with what it said from the segment's ``at`` on replaced."""
    kept = track[: _position(track, segment.at)]
    return kept if kept and same(kept[-1], segment) else (*kept, segment)


def lay(blames: Sequence[Blame], blame: Blame) -> tuple[Blame, ...]:
    """The blames with what they said of the same endpoint from the blame's ``at`` on replaced."""
    kept = tuple(each for each in blames if each.endpoint != blame.endpoint or each.at < blame.at)
    return (*kept, blame) if blame.fault or any(each.endpoint == blame.endpoint for each in kept) else kept


def forget(blames: Sequence[Blame], before: datetime) -> tuple[Blame, ...]:
    """The blames without those that were over before ``before``."""
    last = {each.endpoint: each.at for each in sorted(blames) if each.at < before}
    return tuple(each for each in blames if each.at >= before or each.at == last[each.endpoint])


def prune(track: Track, before: datetime) -> Track:
    """The track without the segments that ended before ``before``: what a change at ``before`` replaces stays."""
    first = 0
    while first + 1 < len(track) and track[first + 1].at < before:
        first += 1
    return track[first:] if first else track


def rewind(track: Track, now: datetime) -> Track:
    """The track after the wall clock was set back to ``now``: what began later begins now."""
    kept = track[: _position(track, now)]
    return kept if len(kept) == len(track) else overrule(kept, track[-1]._replace(at=now))


def at(track: Track, moment: datetime) -> Segment | None:
    """The segment in force at ``moment``."""
    found = None
    for segment in track:
        if segment.at > moment:
            break
        found = segment
    return found


def judge(stands: Iterable[Stand], *, vouched: bool) -> Judgement:
    """A point's status from its endpoints'. ``vouched``: something behind the link answered after the link failed.

    What is known to be bad goes before what is unknown, but nothing is said of what lies behind a link that may be cut.
    """
    present = [stand for stand in stands if stand.status is not Status.UNOBSERVED]
    link = next((stand for stand in present if stand.link), None)
    behind = [stand for stand in present if not stand.link and stand.critical]
    if link is not None:
        if link.status is Status.DOWN and not vouched:
            return Judgement(Status.DOWN, link.name, link.cause)
        if link.status is Status.UNKNOWN and not any(stand.status in ANSWERING for stand in behind):
            return Judgement(Status.UNKNOWN, link.name, link.cause)
    for stands, bad, status in (
        (behind, Status.DOWN, Status.FAULTY),
        (present, Status.DOWN, Status.DEGRADED),
        (present, Status.DEGRADED, Status.DEGRADED),
        (present, Status.UNKNOWN, Status.UNKNOWN),
    ):
        for stand in stands:
            if stand.status is bad:
                return Judgement(status, stand.name, stand.cause)
    return Judgement(Status.UP) if present else Judgement(Status.UNKNOWN, "", STALE)


def attribute(judgement: Judgement, blames: Sequence[Blame], moment: datetime, link: str) -> Segment:
    """The judgement with its fault. A link that fails by another's fault makes its point unreachable; a point that is
    up without its spare path is degraded; what is unknown is so by our own fault."""
    status, culprit, cause = judgement
    found = [each for each in blames if each.endpoint == culprit and each.at <= moment]
    fault = max(found).fault if found else ""
    if status is Status.UP and fault:
        return Segment(moment, Status.DEGRADED, Cause(Reason.REDUNDANCY), fault=fault)
    if status is Status.UNKNOWN:
        ours = FaultKind.VANTAGE if cause.reason is Reason.ISOLATED else FaultKind.MONITOR
        subject = cause.reason.value if ours is FaultKind.MONITOR else ""
        fault = "" if cause.reason is Reason.CONFIG else str(Fault(ours, subject))
    elif status is Status.DOWN:
        status = Status.UNREACHABLE if fault and fault != VANTAGE else status
    elif culprit == link:
        fault = ""
    return Segment(moment, status, cause, culprit, fault=fault)


def timeline(members: Sequence[Member], begin: datetime, blames: Sequence[Blame] = ()) -> list[Segment]:
    """The point's status from ``begin`` on, reckoned from its endpoints' tracks and whose fault their failures are;
    neighbours differ."""
    moments = {begin, *(blame.at for blame in blames if blame.at > begin)}
    link = next((member.name for member in members if member.link), "")
    for member in members:
        moments.update(segment.at for segment in member.track if segment.at > begin)
        moments.update(answer.since for answer in member.answered if answer.since > begin)
    segments: list[Segment] = []
    for moment in sorted(moments):
        segment = attribute(_judge_at(members, moment), blames, moment, link)
        if not segments or not same(segments[-1], segment):
            segments.append(segment._replace(not_before=_not_before(members, moment)))
    return segments


def corrections(track: Track, truth: Sequence[Segment]) -> list[Segment]:
    """The fewest segments that, laid over ``track`` one after the other, make it say ``truth`` from its begin on."""
    if not truth:
        return []
    moments = sorted({segment.at for segment in (*track, *truth) if segment.at >= truth[0].at})
    for moment in moments:
        wanted = at(tuple(truth), moment)
        assert wanted is not None  # noqa: S101  (truth begins no later than any of the moments)
        if same(wanted, at(track, moment) or Segment(moment, Status.UNKNOWN)):
            continue
        return [wanted._replace(at=moment), *(segment for segment in truth if segment.at > moment)]
    return []


def _position(track: Track, moment: datetime) -> int:
    """How many segments begin before ``moment``."""
    position = len(track)
    while position and track[position - 1].at >= moment:
        position -= 1
    return position


def status_at(track: Track, moment: datetime) -> Status:
    segment = at(track, moment)
    return segment.status if segment else Status.UNKNOWN


def _judge_at(members: Sequence[Member], moment: datetime) -> Judgement:
    stands = []
    for member in members:
        segment = at(member.track, moment)
        status, cause = (segment.status, segment.cause) if segment else (Status.UNKNOWN, STALE)
        stands.append(Stand(member.name, member.link, member.critical, status, cause))
    return judge(stands, vouched=_vouched(members, moment))


def _vouched(members: Sequence[Member], moment: datetime) -> bool:
    """Whether at ``moment`` a critical endpoint behind the failing link answers.

    It does if it answered between two failures of the link: one answer after the last failure is how a line that was
    cut comes back. What isn't critical doesn't speak for the link: a name in DNS is answered by another machine.
    """
    for link in members:
        failed, recovered = _span(link.track, moment, (Status.DOWN,)) if link.link else (None, None)
        if failed is None:
            continue
        for member in members:
            if member.link or not member.critical:
                continue
            begin, ended = _span(member.track, moment, ANSWERING)
            ends = [end for end in (ended, recovered) if end is not None]
            if begin is not None and any(
                begin <= begun and failed < begun and since <= moment and all(begun < end for end in ends)
                for since, begun in member.answered
            ):
                return True
    return False


def _span(track: Track, moment: datetime, statuses: tuple[Status, ...]) -> tuple[datetime | None, datetime | None]:
    """Begin and end of the unbroken time around ``moment`` in which the track has one of ``statuses``."""
    begin = end = None
    for segment in track:
        if segment.status in statuses:
            if begin is None:
                begin = segment.at
        elif segment.at <= moment:
            begin = None
        else:
            end = segment.at
            break
    return (begin, end) if begin is not None and begin <= moment else (None, None)


def _not_before(members: Sequence[Member], moment: datetime) -> datetime | None:
    """When nobody looked before a change at ``moment``: since when."""
    unseen = [
        segment.not_before
        for member in members
        for segment in member.track
        if segment.at == moment and segment.not_before is not None
    ]
    return min(unseen, default=None)
