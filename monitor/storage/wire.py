"""How results and entries are written into the spool's records: JSON, compressed. Pure.

A record outlives the program that wrote it: a field that is missing has its default, and the first version's
transitions, which were lists, are read too.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from monitor.incidents.model import (
    Delivery,
    DeliveryOutcome,
    Entry,
    EventKind,
    IncidentEvent,
    Message,
    MessageKind,
)
from monitor.model import EndpointKey, Flag, FlagChange, Reason, Result, Status, Transition
from monitor.storage.blocks import instant, microseconds

_KIND: Final = "entry"

_FIRST_VERSION: Final = (
    "at",
    "recorded_at",
    "status",
    "previous",
    "reason",
    "failed_phase",
    "detail",
    "culprit",
    "not_before",
    "first",
)
"""What followed a transition's point and endpoint."""


def encode_results(results: Sequence[Result]) -> bytes:
    """What is stored of results: key, begin, reason, latency and vantage."""
    return _pack(
        [
            [*result.key, microseconds(result.begun), result.reason, result.latency_seconds, result.vantage]
            for result in results
        ]
    )


def decode_results(record: bytes) -> list[Result]:
    """The inverse of :func:`encode_results`."""
    return [
        Result(
            key=EndpointKey(point, endpoint),
            begun=instant(begun),
            reason=Reason(reason),
            latency_seconds=latency,
            vantage=vantage,
        )
        for point, endpoint, begun, reason, latency, vantage in _unpack(record)
    ]


def encode_entries(entries: Sequence[Entry]) -> bytes:
    """Entries, whole, in their order."""
    return _pack([_encoded(entry) for entry in entries])


def decode_entries(record: bytes) -> list[Entry]:
    """The inverse of :func:`encode_entries`. Raises ValueError, TypeError or KeyError on what is none of ours."""
    return [_decoded(row) if isinstance(row, dict) else _first_version(row) for row in _unpack(record)]


def _encoded(entry: Entry) -> dict[str, Any]:
    values = {field.name: _plain(getattr(entry, field.name)) for field in fields(entry)}
    return {_KIND: _NAMES[type(entry)], **values}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return microseconds(value)
    return dict(value) if isinstance(value, Mapping) else value


def _decoded(row: Mapping[str, Any]) -> Entry:
    make, readers = _ENTRIES[row[_KIND]]
    return make(
        **{name: readers[name](value) if name in readers else value for name, value in row.items() if name != _KIND}
    )


def _first_version(row: Sequence[Any]) -> Entry:
    point, endpoint, *values = row
    return _decoded({_KIND: "transition", "key": (point, endpoint), **dict(zip(_FIRST_VERSION, values, strict=True))})


def _key(value: Sequence[str]) -> EndpointKey:
    return EndpointKey(*value)


def _instant_or_none(value: int | None) -> datetime | None:
    return None if value is None else instant(value)


_ENTRIES: Final[Mapping[str, tuple[Callable[..., Entry], Mapping[str, Callable[[Any], Any]]]]] = {
    "transition": (
        Transition,
        {
            "key": _key,
            "at": instant,
            "recorded_at": instant,
            "status": Status,
            "previous": Status,
            "reason": Reason,
            "not_before": _instant_or_none,
        },
    ),
    "flag": (FlagChange, {"key": _key, "flag": Flag, "at": instant, "recorded_at": instant}),
    "event": (IncidentEvent, {"kind": EventKind, "at": instant, "recorded_at": instant}),
    "message": (Message, {"kind": MessageKind, "created_at": instant, "due_at": instant}),
    "delivery": (Delivery, {"at": instant, "outcome": DeliveryOutcome}),
}
_NAMES: Final[Mapping[type, str]] = {
    Transition: "transition",
    FlagChange: "flag",
    IncidentEvent: "event",
    Message: "message",
    Delivery: "delivery",
}


def _pack(rows: Sequence[Any]) -> bytes:
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 1)


def _unpack(record: bytes) -> list[Any]:
    rows: list[Any] = json.loads(zlib.decompress(record))
    return rows
