"""What an Alertmanager says that it told, as its webhook posts it, and what of that an incident's timeline lacks. Pure.

A repetition says nothing new: Alertmanager posts again when our answer was lost, and every ``repeat_interval``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from monitor.alerts.desk import derived
from monitor.incidents.model import EventKind, Incident, IncidentEvent


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
        text = self.labels.get("incident", "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None

    @property
    def subject(self) -> str:
        """What names its incident."""
        return f"point:{self.labels.get('point', '')}" if self.number is None else f"incident:{self.number}"


def concerns(alert: Relayed, incident: Incident) -> bool:
    """Whether the alert is of this incident: its number alone may be another monitor's."""
    said = alert.labels.get
    return (
        said("incident", str(incident.number)) == str(incident.number)
        and said("fault", incident.fault.kind.value) == incident.fault.kind.value
        and ("fault" not in alert.labels or said("point", incident.fault.subject) == incident.fault.subject)
    )


def told(alert: Relayed, incident: Incident, *, now: datetime) -> IncidentEvent | None:
    """The event that says so; None when the last one of that receiver, group and alert says the same.

    Its id follows from that last one, so that two posts at the same time make one event.
    """
    key = derived(alert.receiver, alert.group_key, alert.fingerprint)
    state = {
        "status": alert.status,
        "begins": alert.begins.astimezone(UTC).isoformat(),
        "ends": alert.ends.astimezone(UTC).isoformat() if alert.ends is not None else "",
    }
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
