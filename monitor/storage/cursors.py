"""Where a page ends, as text that a client gives back: read with suspicion."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from monitor.storage.blocks import instant, microseconds

_LONGEST: Final = 80
_DIGITS: Final = 18
"""Every number of that many digits fits into a database's BIGINT and, as microseconds, into a datetime."""


def cursor_at(at: datetime, name: object) -> str:
    """The place of what has this time and, among those of one time, this name."""
    return f"{microseconds(at)}-{name}"


def parse_place(cursor: str) -> tuple[datetime, str]:
    """The inverse of :func:`cursor_at`. Raises ValueError."""
    at, _, name = cursor.partition("-")
    if not name or len(cursor) > _LONGEST:
        raise ValueError("not a cursor that a page gave")
    return instant(parse_number(at)), name


def parse_number(cursor: str) -> int:
    """A row's number. Raises ValueError."""
    if not (cursor.isascii() and cursor.isdigit()) or len(cursor) > _DIGITS:
        raise ValueError("not a cursor that a page gave")
    return int(cursor)
