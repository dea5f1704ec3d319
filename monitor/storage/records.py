"""What is kept beside results, rows and events: messages with their attempts, tokens, who did what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from monitor.incidents.model import Delivery, DeliveryOutcome, IncidentEvent, Message

Scope = Literal["read", "operate", "admin"]
"""What a token lets its bearer do; each includes those before it."""

FINAL = (DeliveryOutcome.DELIVERED, DeliveryOutcome.GIVEN_UP, DeliveryOutcome.DROPPED)
"""After one of these nothing more is done about a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message with its attempts, in the order in which they were recorded."""

    message: Message
    deliveries: Sequence[Delivery] = ()

    @property
    def settled(self) -> bool:
        """Whether nothing more is done about it."""
        return any(delivery.outcome in FINAL for delivery in self.deliveries)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentResume:
    """The incidents that were open when the program last ran: their events by uid, in the order of recording.

    ``last_number`` is the highest number that was ever given; 0: none was.
    """

    events: Mapping[str, Sequence[IncidentEvent]] = field(default_factory=dict)
    last_number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What lets somebody in who shows the secret that ``digest`` was made of (SHA-256, hexadecimal).

    It holds from ``created_at`` until ``expires_at`` (None: for good) or ``revoked_at``.
    """

    id: str
    name: str
    digest: str
    scope: Scope
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """``actor`` did ``act`` (a verb, such as "acknowledge") to ``subject``: a stored row, never altered."""

    at: datetime
    actor: str
    act: str
    subject: str
    detail: str = ""
