"""The spreadsheet's columns: a point's keys as cells of text, and cells as YAML again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from monitor.config.edit import flow, number, scalar

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("id",),
    "kind": ("kind",),
    "name": ("name",),
    "code": ("code",),
    "unit_type": ("unit_type",),
    "area": ("area",),
    "latitude": ("location", "latitude"),
    "longitude": ("location", "longitude"),
    "host": ("host",),
    "hours": ("hours",),
    "depends_on": ("depends_on",),
    "labels": ("labels",),
    "contact_name": ("contact", "name"),
    "contact_phone": ("contact", "phone"),
    "contact_provider": ("contact", "provider"),
    "contact_provider_hotline": ("contact", "provider_hotline"),
    "contact_circuit_id": ("contact", "circuit_id"),
}
"""A column is a key of the point, or a key inside one."""

NUMERIC = frozenset({"latitude", "longitude"})
_LABEL = re.compile(r"(?:\\.|[^;\\])+", re.DOTALL)
_NOTHING = "none"


def cell_of(point: Mapping[str, Any], path: tuple[str, ...]) -> str:
    """What a point itself says at ``path``, as a cell; "" for nothing."""
    value: Any = point
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if value is None:
        return ""
    if path == ("labels",) and isinstance(value, dict):
        return "; ".join(f"{key}={_escape(str(item))}" for key, item in value.items())
    if path == ("depends_on",) and isinstance(value, list):
        return "; ".join(_need(item) for item in value) or _NOTHING
    return str(value).strip()


def _need(value: object) -> str:
    return " | ".join(str(item) for item in value.get("any_of", [])) if isinstance(value, dict) else str(value)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;")


def changes_of(cells: Mapping[str, str], before: Mapping[str, str], columns: Sequence[str]) -> dict[str, Any]:
    """New YAML text by key for the columns that changed."""
    changes: dict[str, Any] = {}
    for column in columns:
        key, *inner = COLUMNS[column]
        write = _WRITERS.get(column, scalar)
        text = write(cells[column]) if cells[column] else None
        if inner:
            changes.setdefault(key, {})[inner[0]] = text
        else:
            changes[key] = text
    for key in ("location", "contact"):
        if key in changes:
            inside = [column for column, path in COLUMNS.items() if path[0] == key]
            if not any(cells.get(column, before.get(column, "")) for column in inside):
                changes[key] = None
            elif not any(before.get(column) for column in inside):
                changes[key] = flow(changes[key])
    return changes


def _write_labels(text: str) -> str:
    pairs = [part.strip().partition("=") for part in _LABEL.findall(text) if part.strip()]
    return flow({scalar(key.strip()): scalar(_unescape(value.strip())) for key, _, value in pairs})


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _write_needs(text: str) -> str:
    if text == _NOTHING:
        return "[]"
    needs = []
    for part in text.split(";"):
        names = [scalar(name.strip()) for name in part.split("|") if name.strip()]
        if names:
            needs.append(names[0] if len(names) == 1 else f"{{any_of: [{', '.join(names)}]}}")
    return f"[{', '.join(needs)}]"


_WRITERS: Mapping[str, Callable[[str], str]] = {
    "latitude": number,
    "longitude": number,
    "labels": _write_labels,
    "depends_on": _write_needs,
}
