"""A message as JSON, for programs: what the webhook posts and a command reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from monitor.channels.base import Envelope, Item

SCHEMA = "lienthong.message.v1"


def document(envelope: Envelope, now: datetime) -> dict[str, Any]:
    """What is posted: the message in words, and under ``items`` what programs need of each incident."""
    return {
        "schema": SCHEMA,
        "id": envelope.id,
        "sent_at": now.astimezone(UTC).isoformat(),
        "kind": envelope.kind,
        "severity": envelope.severity,
        "title": envelope.title,
        "text": envelope.text,
        "short": envelope.short,
        "url": envelope.url,
        "items": [item_document(item) for item in envelope.items],
    }


def item_document(item: Item) -> dict[str, Any]:
    """One incident's part of a message, as JSON."""
    return {
        "incident": item.incident,
        "number": item.number,
        "kind": item.kind,
        "begins": item.begins.astimezone(UTC).isoformat(),
        "ends": item.ends.astimezone(UTC).isoformat() if item.ends else None,
        "labels": dict(item.labels),
        "annotations": dict(item.annotations),
        "data": dict(item.data),
    }
