"""The contract of a channel: its options and one verb.

A channel says what it is given, or raises :class:`Undelivered`. It holds no retry, no rate, no queue and no log: the
delivery loop of the alerts room does, and it bounds each attempt in time by cancelling. Its clock is the tools'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol, runtime_checkable

import aiohttp
from pydantic import BaseModel, ConfigDict


class Undelivered(Exception):
    """The message did not arrive: ``str`` says why, in English, one line, no secret.

    ``final``: do not try again. ``retry_after``: not before so long, because the other side asked for that.
    """

    def __init__(self, why: str, *, final: bool = False, retry_after: timedelta | None = None) -> None:
        super().__init__(why)
        self.final = final
        self.retry_after = retry_after


class ChannelOptions(BaseModel):
    """Base of every channel's options: strict and immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One message, rendered for one channel: of one event, or a digest of several.

    ``id`` is the idempotency key. ``kind`` is the message's (see MessageKind) or "digest". ``title``, ``text`` and
    ``short`` are for people, in the channel's language; ``short`` has at most 160 characters of plain ASCII. ``url``
    leads to the incident. ``items`` are the single facts that it is made of, for channels that speak to programs.
    """

    id: str
    kind: str
    severity: str
    title: str
    text: str
    short: str
    url: str
    items: Sequence[Item] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What one message of an envelope is about. ``ends`` is None while the incident lasts.

    ``labels`` identify the incident for grouping and inhibition (the same at every message of an incident),
    ``annotations`` are texts, ``data`` is everything, as JSON.
    """

    incident: str
    number: int
    kind: str
    begins: datetime
    ends: datetime | None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What channels share. ``session`` honours the environment's proxies; ``clock`` tells an aware time."""

    session: aiohttp.ClientSession
    clock: Callable[[], datetime] = _now


class Channel(Protocol):
    """A way to tell people. The class's constructor is ``(options, *, tools: Tools)``.

    ``name`` is the configuration's word, ``options`` the section's model.
    """

    name: ClassVar[str]
    options: ClassVar[type[ChannelOptions]]

    async def send(self, envelope: Envelope) -> None:
        """Deliver it. Raises Undelivered."""
        ...


@runtime_checkable
class Patient(Protocol):
    """A channel that may need longer for one attempt than the delivery loop usually gives."""

    @property
    def attempt_at_most(self) -> timedelta:
        """How long an attempt may take; the channel's own bounds end it before, and say what took so long."""
        ...


def attempt_seconds(channel: Channel, usual: timedelta) -> float:
    """How long one attempt of ``channel`` may take."""
    wanted = channel.attempt_at_most if isinstance(channel, Patient) else usual
    return max(wanted, usual).total_seconds()


@runtime_checkable
class Standing(Protocol):
    """A channel whose peer forgets what it isn't told again: alerts stand there only as long as they are renewed."""

    @property
    def renew_every(self) -> timedelta:
        """How often :meth:`renew` is to be called while anything stands."""
        ...

    @property
    def stands_at_least(self) -> timedelta:
        """How long an alert stands before its end may be told: who groups for a while first would tell of neither."""
        ...

    async def renew(self, items: Sequence[Item]) -> None:
        """Say again everything that stands. Raises Undelivered."""
        ...
