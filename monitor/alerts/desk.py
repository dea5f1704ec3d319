"""What came of each message: written down, counted, and passed on to the last resort where it was given up."""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from monitor.alerts.outbox import Outbox, Parcel
from monitor.channels.base import Envelope
from monitor.incidents.model import Delivery, DeliveryOutcome, EventKind, IncidentEvent, Message, MessageKind

log = logging.getLogger(__name__)

_NAMES = uuid.UUID("1f0e9c1c-5f0c-4e7e-9a53-6a7f2f1c7c55")
"""The namespace of ids that are made from other ids, so that making them again makes the same (RFC 9562, version 5)."""


class Record(Protocol):
    """The pipeline's ``record``."""

    def __call__(
        self,
        *,
        events: Sequence[IncidentEvent] = (),
        messages: Sequence[Message] = (),
        deliveries: Sequence[Delivery] = (),
    ) -> None: ...


@dataclass
class Counts:
    """How many messages ended how, by channel."""

    delivered: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    """Attempts that are tried again."""
    given_up: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)


def derived(*parts: str) -> str:
    """An id that is the same for the same ``parts``."""
    return uuid.uuid5(_NAMES, "/".join(parts)).hex


class Desk:
    """Writes down through ``record``. ``clock`` is the wall's, ``time`` the monotonic one."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        record: Record,
        clock: Callable[[], datetime],
        time: Callable[[], float],
        last_resort: str = "",
    ) -> None:
        self.outbox = outbox
        self.clock = clock
        self.time = time
        self.last_resort = last_resort
        self.counts = Counts()
        self._record = record

    def delivered(self, parcels: Sequence[Parcel], envelope: Envelope, late: Mapping[str, float]) -> None:
        """They arrived as ``envelope``. ``late`` are seconds by message id."""
        now = self.clock()
        for parcel in parcels:
            parcel.attempts += 1
            self.outbox.settle(parcel, DeliveryOutcome.DELIVERED, self.time())
            self.counts.delivered[parcel.message.channel] += 1
        self._record(
            events=[_told(each.message, now, late.get(each.message.id, 0.0)) for each in parcels if _is_of_one(each)],
            deliveries=[
                replace(_delivery(each, now, DeliveryOutcome.DELIVERED), title=envelope.title, text=envelope.text)
                for each in parcels
            ],
        )

    def failed(self, parcels: Sequence[Parcel], why: str) -> None:
        """They did not, and are tried again."""
        now = self.clock()
        for parcel in parcels:
            parcel.attempts += 1
            self.counts.failed[parcel.message.channel] += 1
        self._record(deliveries=[_delivery(each, now, DeliveryOutcome.FAILED, why) for each in parcels])

    def dropped(self, parcels: Sequence[Parcel]) -> None:
        """They need not be sent any more."""
        now = self.clock()
        for parcel in parcels:
            self.outbox.settle(parcel, DeliveryOutcome.DROPPED, self.time())
            self.counts.dropped[parcel.message.channel] += 1
        self._record(deliveries=[_delivery(each, now, DeliveryOutcome.DROPPED) for each in parcels])

    def given_up(self, parcels: Sequence[Parcel], why: str) -> None:
        """They won't be tried again here. The last resort is told instead, once."""
        now = self.clock()
        copies = []
        for parcel in parcels:
            parcel.attempts += 1
            copies += self._copy(parcel.message, now)
            self.outbox.settle(parcel, DeliveryOutcome.GIVEN_UP, self.time())
            self.counts.given_up[parcel.message.channel] += 1
        channel = parcels[0].message.channel
        log.error("%s: %d messages given up (%s), passed on: %d", channel, len(parcels), why, len(copies))
        self._record(
            messages=copies, deliveries=[_delivery(each, now, DeliveryOutcome.GIVEN_UP, why) for each in parcels]
        )

    def _copy(self, message: Message, now: datetime) -> list[Message]:
        """The message for the last resort, unless that is where it comes from or it is being told already."""
        channel = self.last_resort
        if channel in ("", message.channel) or self.outbox.knows(message.incident, message.kind, channel):
            return []
        return [
            replace(message, id=derived(message.id, channel), channel=channel, created_at=now, due_at=message.due_at)
        ]


def _is_of_one(parcel: Parcel) -> bool:
    """Whether it is of an incident, so that the incident's story has it."""
    return parcel.message.kind is not MessageKind.TEST


def _told(message: Message, now: datetime, late_seconds: float) -> IncidentEvent:
    return IncidentEvent(
        id=derived(message.id, "told"),
        incident=message.incident,
        kind=EventKind.TOLD,
        at=now,
        recorded_at=now,
        data={
            "message": message.id,
            "what": message.kind.value,
            "channel": message.channel,
            "route": message.route,
            "late_seconds": round(late_seconds),
        },
    )


def _delivery(parcel: Parcel, now: datetime, outcome: DeliveryOutcome, why: str = "") -> Delivery:
    return Delivery(message=parcel.message.id, at=now, outcome=outcome, attempt=parcel.attempts, detail=why)
