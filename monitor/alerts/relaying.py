"""What an Alertmanager says that it told, as its webhook posts it, and what of that an incident's timeline lacks. Pure.

A repetition says nothing new: Alertmanager posts again when our answer was lost, and every ``repeat_interval``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from monitor.alerts.desk import derived
from monitor.incidents.model import EventKind, Incident, IncidentEvent
from monitor.model import FaultKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayed:
    """One alert of what a receiver was told. ``group`` are the labels that its group has in common, ``group_key`` and
    ``fingerprint`` Alertmanager's own names of group and alert; ``ends`` is None while it fires."""

    receiver: str
    group_key: str
    group: Mapping[str, str]
    fingerprint: str
    labels: Mapping[str, str]
    status: Literal["firing", "resolved"]
    begins: datetime
    ends: datetime | None

    @property
    def number(self) -> int | None:
        """The number of the incident that it is about, when it is one of our own alerts."""
        return number_of(self.labels)

    @property
    def key(self) -> str:
        """What it has in common with what the same receiver is told of the same alert in the same group."""
        return derived(self.receiver, self.group_key, self.fingerprint)

    @property
    def state(self) -> dict[str, str]:
        """What is new when it differs."""
        return {
            "status": self.status,
            "begins": self.begins.astimezone(UTC).isoformat(),
            "ends": self.ends.astimezone(UTC).isoformat() if self.ends is not None else "",
        }


def number_of(labels: Mapping[str, str]) -> int | None:
    """The number of the incident that an alert is about, when it is one of our own."""
    text = labels.get("incident", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def is_of(labels: Mapping[str, str], incident: Incident) -> bool:
    """Whether an alert with these labels is of this open incident: one of our own by the number, which alone may be
    another monitor's; one of somebody else's rules by its point, else by the kind of its fault."""
    fault = incident.fault
    if (number := number_of(labels)) is not None:
        return number == incident.number and all(
            labels.get(name, value) == value for name, value in (("fault", fault.kind.value), *_subject(incident))
        )
    if point := labels.get("point"):
        return any(each.point == point for each in incident.troubled)
    if fault.kind is FaultKind.POINT or labels.get("fault") != fault.kind.value:
        return False
    return all(labels.get(name) == value for name, value in _subject(incident))


def _subject(incident: Incident) -> tuple[tuple[str, str], ...]:
    """The label that names what the fault lies in, where there is one."""
    kind, subject = incident.fault.kind, incident.fault.subject
    if kind is FaultKind.POINT:
        return (("point", subject),)
    label, _, value = subject.partition("=")
    return ((label, value),) if kind is FaultKind.LABEL else ()


def pick(alert: Relayed, incidents: Iterable[Incident]) -> Incident | None:
    """Of which open incident an alert of somebody else's rules is. Its end belongs where its begin stands, and nowhere
    else."""
    if alert.status == "resolved":
        return next((each for each in incidents if began_in(alert, each)), None)
    return next((each for each in incidents if is_of(alert.labels, each)), None)


def began_in(alert: Relayed, incident: Incident) -> bool:
    """Whether the incident was told that this very alert fires, or has ended."""
    before = incident.relayed.get(alert.key)
    return before is not None and before.data["begins"] == alert.state["begins"]


def told(alert: Relayed, incident: Incident, *, now: datetime) -> IncidentEvent | None:
    """The event that says so; None when the last one of that receiver, group and alert says the same.

    Its id follows from that last one, so that two posts at the same time make one event.
    """
    key, state = alert.key, alert.state
    before = incident.relayed.get(key)
    if before is not None and state.items() <= before.data.items():
        return None
    return IncidentEvent(
        id=derived(before.id if before is not None else incident.uid, key, *state.values()),
        incident=incident.uid,
        kind=EventKind.TOLD_ELSEWHERE,
        at=now,
        recorded_at=now,
        data={"receiver": alert.receiver, "group": dict(alert.group), "key": key, **state},
    )
