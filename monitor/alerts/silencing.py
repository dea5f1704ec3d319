"""Which silences at an Alertmanager hold for an incident, and what of that its timeline lacks. Pure.

They hold back what Alertmanager tells. What we tell ourselves goes on, so nothing here is an incident's own silence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from monitor.alerts.relaying import is_of
from monitor.channels.silences import Heard, LabelMatcher, Silence
from monitor.incidents.model import EventKind, Incident, IncidentEvent
from monitor.probes.types import compile_re2


def holds(silence: Silence, labels: Mapping[str, str]) -> bool:
    """Whether a silence is in force for an alert with these labels: all of its matchers fit."""
    return silence.active and bool(silence.matchers) and all(fits(each, labels) for each in silence.matchers)


def fits(matcher: LabelMatcher, labels: Mapping[str, str]) -> bool:
    """As Alertmanager judges: a label that is missing is an empty one, an expression must match the whole value."""
    value = labels.get(matcher.label, "")
    if not matcher.regex:
        return (value == matcher.value) == matcher.equal
    expression = _compiled(matcher.value)
    return expression is not None and (expression.fullmatch(value) is not None) == matcher.equal


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    """None: it is no expression that we know, so nothing can be said of it."""
    try:
        return compile_re2(pattern)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Everything that was heard, of all channels together. ``silences`` are by id, each with the channel that it was
    heard by; ``muted`` are the labels of the alerts that each holds back; ``whole`` are the channels all of whose
    Alertmanagers answered."""

    silences: Mapping[str, tuple[str, Silence]]
    muted: Mapping[str, Sequence[Mapping[str, str]]]
    whole: frozenset[str]

    def hold(self, silence: Silence, incident: Incident, labels: Mapping[str, str]) -> bool:
        """Whether a silence is in force for an incident: it fits our own alert of it, whose ``labels`` these are, or
        it holds back one that Prometheus' own rules raised."""
        muted = self.muted.get(silence.id, ()) if silence.active else ()
        return holds(silence, labels) or any(is_of(each, incident) for each in muted)


def gather(heard: Mapping[str, Heard]) -> Known:
    """What the channels heard, by their names; a silence that several know counts once."""
    silences: dict[str, tuple[str, Silence]] = {}
    muted: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for channel, said in heard.items():
        for name, alerts in said.muted.items():
            muted[name] += alerts
        for name, silence in said.silences.items():
            before = silences.get(name)
            if before is None or before[1].updated < silence.updated:
                silences[name] = (channel, silence)
    return Known(
        silences=silences, muted=muted, whole=frozenset(name for name, said in heard.items() if not said.troubles)
    )


def news(
    incident: Incident, labels: Mapping[str, str], known: Known, *, now: datetime, make_id: Callable[[], str]
) -> Sequence[IncidentEvent]:
    """What the timeline of an open incident lacks: silences that hold now, or until another time than it says, and the
    ends of those that hold no more. ``labels`` are its alert's."""
    return [
        IncidentEvent(
            id=make_id(),
            incident=incident.uid,
            kind=EventKind.SILENCED_ELSEWHERE,
            at=min(at, now),
            recorded_at=now,
            actor=actor,
            text=text,
            data=data,
        )
        for at, actor, text, data in (*_begun(incident, labels, known), *_ended(incident, labels, known, now))
    ]


_Said = tuple[datetime, str, str, Mapping[str, Any]]
"""When, who, the comment, and the event's ``data``."""


def _begun(incident: Incident, labels: Mapping[str, str], known: Known) -> Iterator[_Said]:
    for name, (channel, silence) in known.silences.items():
        if not known.hold(silence, incident, labels):
            continue
        before, until = incident.silences.get(name), silence.ends.astimezone(UTC).isoformat()
        if before is not None and before.data["until"] == until:
            continue
        at = max(incident.opened, silence.begins, silence.updated)
        yield at, silence.actor, silence.comment, {"channel": channel, "silence": name, "until": until}


def _ended(incident: Incident, labels: Mapping[str, str], known: Known, now: datetime) -> Iterator[_Said]:
    for name, said in incident.silences.items():
        channel, until = said.data["channel"], datetime.fromisoformat(said.data["until"])
        _, silence = known.silences.get(name, ("", None))
        if silence is not None and known.hold(silence, incident, labels):
            continue
        over = until <= now if silence is None else not silence.active
        if not over and channel not in known.whole:
            continue
        if silence is not None and silence.active:
            at, why = now, "unmatched"
        elif silence is not None:
            at, why = silence.ends, "expired" if silence.ends >= until else "lifted"
        else:
            at, why = (until, "expired") if until <= now else (now, "lifted")
        data = {"channel": channel, "silence": name, "until": said.data["until"], "ended": True, "why": why}
        yield max(at, said.at), "", "", data
