"""A channel's messages in words: what is known of their incidents now, rendered in the channel's language and form."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from monitor.alerts.desk import derived
from monitor.alerts.facts import facts
from monitor.channels.base import Envelope, Item
from monitor.config.model import ChannelSettings, Config
from monitor.incidents.model import Incident, Message, MessageKind
from monitor.model import Fault

LATE_SECONDS = 60.0
"""What comes later than this says so."""

_RELABELLED = frozenset({MessageKind.OPENED, MessageKind.WORSENED, MessageKind.FLAPPING})
_OF_NOW = frozenset(set(MessageKind) - {MessageKind.RECOVERED, MessageKind.STEADY, MessageKind.TEST})
"""What is said of an incident that goes on: as it is when it is said."""


Likely = Callable[[Fault], Collection[str]]


def nobody(fault: Fault) -> Collection[str]:
    """Nobody but those who are known to be affected."""
    return ()


class Renderer(Protocol):
    """Facts to words."""

    def envelope(
        self, identity: str, parts: Sequence[Mapping[str, Any]], *, form: Literal["long", "short"], digest: bool
    ) -> Envelope: ...


class Writer:
    """Writes for one channel. ``incidents`` shows an incident as it is now, ``likely`` whom a fault touches in all
    likelihood: the first message leaves before the last of them is confirmed, and counts them."""

    def __init__(
        self,
        config: Config,
        settings: ChannelSettings,
        *,
        renderer: Renderer,
        incidents: Callable[[str], Incident | None],
        likely: Likely = nobody,
    ) -> None:
        self._likely = likely
        self._settings = settings
        self._renderer = renderer
        self._incidents = incidents
        self._url = config.alerts.url
        self._points = {point.id: point for point in config.points}
        self._areas = {area.id: area.name for area in config.areas}

    def envelope(
        self,
        messages: Sequence[Message],
        *,
        late_seconds: Mapping[str, float],
        now: datetime,
        standing: Mapping[str, Message] | None = None,
    ) -> Envelope:
        """One envelope of them. ``late_seconds`` are by message id.

        ``standing`` is what stands at the channel by uid, when it keeps alerts standing: there an alert goes by its
        labels, so it keeps those that it was raised with, and when these change the old one is ended.
        """
        parts = []
        for message in messages:
            late = late_seconds.get(message.id, 0.0)
            part = {**self._part(message, now), "late_seconds": round(late) if late > LATE_SECONDS else 0}
            parts.append(_with_labels(part, message, standing))
        identity = messages[0].id if len(messages) == 1 else derived(*sorted(each.id for each in messages))
        envelope = self._render(identity, parts)
        ended = self._ended(messages, parts, standing or {}, now)
        return replace(envelope, items=(*ended, *envelope.items)) if ended else envelope

    def standing_items(self, standing: Mapping[str, Message], now: datetime) -> list[Item]:
        """What stands, as it is now."""
        parts = [_with_labels(self._part(message, now), None, standing) for message in standing.values()]
        return list(self._render("", parts).items) if parts else []

    def _render(self, identity: str, parts: Sequence[Mapping[str, Any]]) -> Envelope:
        return self._renderer.envelope(identity, parts, form=self._settings.form, digest=len(parts) > 1)

    def _part(self, message: Message, now: datetime) -> dict[str, Any]:
        incident = self._incidents(message.incident)
        if incident is None or not incident.is_open or message.kind not in _OF_NOW:
            return dict(message.payload)
        known = facts(incident, self._points, self._areas, url=self._url, now=now)
        known["affected"] += len(set(self._likely(incident.fault)) - incident.affected.keys())
        return {**message.payload, **known, "kind": message.kind.value}

    def _ended(
        self,
        messages: Sequence[Message],
        parts: Sequence[Mapping[str, Any]],
        standing: Mapping[str, Message],
        now: datetime,
    ) -> list[Item]:
        """The alerts in whose place these stand from now on under other labels."""
        replaced = [
            {**old.payload, "kind": MessageKind.RECOVERED.value, "recovered": now.astimezone(UTC).isoformat()}
            for message, part in zip(messages, parts, strict=True)
            if (old := standing.get(message.incident)) and old.payload.get("labels", part["labels"]) != part["labels"]
        ]
        return list(self._render("", replaced).items) if replaced else []


def _with_labels(
    part: dict[str, Any], message: Message | None, standing: Mapping[str, Message] | None
) -> dict[str, Any]:
    """``part`` with the labels by which its alert stands, unless the message raises it anew."""
    old = (standing or {}).get(part["uid"])
    if old is None or "labels" not in old.payload or (message is not None and message.kind in _RELABELLED):
        return part
    return {**part, "labels": old.payload["labels"]}
