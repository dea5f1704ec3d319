"""HTTP dates (RFC 9110, 5.6.7) as Go's http.ParseTime reads them: the preferred form and the two obsolete ones."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DATES = (
    (re.compile(r"([A-Za-z]{3}, +\d\d [A-Za-z]{3} \d{4} \d\d:\d\d:\d\d)(?:\.\d+)? GMT"), "%a, %d %b %Y %H:%M:%S"),
    (re.compile(r"([A-Za-z]+, +\d\d-[A-Za-z]{3}-\d\d \d\d:\d\d:\d\d)(?:\.\d+)? [A-Z]{3,4}"), "%A, %d-%b-%y %H:%M:%S"),
    (re.compile(r"([A-Za-z]{3} [A-Za-z]{3} [ \d]?\d \d\d:\d\d:\d\d \d{4})"), "%a %b %d %H:%M:%S %Y"),
)


def http_date_seconds(value: bytes) -> float | None:
    """An HTTP date (RFC 9110, 5.6.7) as Unix seconds; None if it is none."""
    text = value.decode("latin-1")
    for pattern, form in _DATES:
        if match := pattern.fullmatch(text):
            try:
                return datetime.strptime(match[1], form).replace(tzinfo=UTC).timestamp()
            except ValueError:
                return None
    return None
