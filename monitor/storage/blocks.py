"""How results lie on disk: columns of numbers in byte planes, compressed. Pure, exact, without I/O.

A *series* is what one vantage saw of one endpoint, known here by its number. Two shapes hold the same rows:

- a **batch** is what was written together, of any series: what the write path appends, time first;
- a **block** is one series within one *slot* of time: what reads use.

A column of whole numbers is written as planes: all lowest bytes, then all second bytes and so on, as many as the
largest number needs. Planes of like bytes compress well, and Python's C code takes them apart without a loop a number.
"""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from operator import sub
from typing import Final, NamedTuple, TypeAlias

from monitor.model import Reason

SLOT: Final = timedelta(minutes=15)
"""What a block covers. Sixty results at the Centre's interval: enough to compress, and little is unpacked meanwhile."""

REASONS: Final = (
    Reason.OK,
    Reason.TIMEOUT,
    Reason.DNS,
    Reason.REFUSED,
    Reason.UNREACHABLE,
    Reason.RESET,
    Reason.TLS,
    Reason.HTTP_STATUS,
    Reason.CONTENT,
    Reason.PROTOCOL,
    Reason.LATENCY,
    Reason.LOSS,
    Reason.CERTIFICATE,
    Reason.RESOLVER,
    Reason.RESOURCES,
    Reason.PERMISSION,
    Reason.STALLED,
    Reason.STALE,
    Reason.INTERNAL,
    Reason.REDUNDANCY,
    Reason.CONFIG,
    Reason.ISOLATED,
)
"""A reason's number is its place here. Append only: blocks on disk hold these numbers."""

REASON_NUMBERS: Final = {reason: number for number, reason in enumerate(REASONS)}

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_SLOT_MICROSECONDS: Final = SLOT // _MICROSECOND
_LATENCY_LIMIT: Final = 2**32 - 1
_FORMAT: Final = 1
_HEAD: Final = struct.Struct("<BI")
_WHOLE: Final = slice(None)


Row: TypeAlias = tuple[int, int, int]
"""One result: its begin in microseconds since 1970 UTC, its latency in microseconds, its reason's number."""


class Columns(NamedTuple):
    """Rows of one series, column by column, oldest first, no begin twice."""

    begun: Sequence[int]
    latency: Sequence[int]
    reason: Sequence[int]


class Batch(NamedTuple):
    """Rows of many series, column by column, ordered by series and begin."""

    series: Sequence[int]
    begun: Sequence[int]
    latency: Sequence[int]
    reason: Sequence[int]


class DamagedBlock(ValueError):
    """Bytes that are no batch and no block of a format that this program knows."""


def microseconds(at: datetime) -> int:
    """An aware time as whole microseconds since 1970 UTC, exact."""
    return (at - _EPOCH) // _MICROSECOND


def instant(number: int) -> datetime:
    """The inverse of :func:`microseconds`."""
    return _EPOCH + timedelta(microseconds=number)


def slot_of(begun: int) -> int:
    """The number of the slot that a begin lies in."""
    return begun // _SLOT_MICROSECONDS


def slot_begin(slot: int) -> int:
    """A slot's begin in microseconds since 1970 UTC."""
    return slot * _SLOT_MICROSECONDS


def row(begun: datetime, latency_seconds: float, reason: Reason) -> Row:
    """A result's numbers. Latencies are rounded to the microsecond and kept within [0, 71 minutes]."""
    latency = min(max(round(latency_seconds * 1e6), 0), _LATENCY_LIMIT)
    return microseconds(begun), latency, REASON_NUMBERS[reason]


def encode_batch(rows: Iterable[tuple[int, Row]]) -> bytes:
    """(series, row) pairs in any order, at least one, as a batch's bytes."""
    ordered = sorted(rows)
    series = [number for number, _ in ordered]
    begun, latency, reason = zip(*(row for _, row in ordered), strict=True)
    first = min(begun)
    columns = (
        [series[0], *map(sub, series[1:], series)],
        [first],
        [at - first for at in begun],
        latency,
        reason,
    )
    return _compress(len(ordered), columns)


def decode_batch(data: bytes, lowest: int = 0, highest: int = 2**63) -> Batch:
    """A batch's columns, of the series numbered from ``lowest`` to ``highest``. Raises DamagedBlock."""
    count, plain = _decompress(data)
    steps, at = _decode_column(plain, _HEAD.size, count)
    series = tuple(accumulate(steps))
    part = slice(bisect_left(series, lowest), bisect_right(series, highest))
    (first,), at = _decode_column(plain, at, 1)
    begun, at = _decode_column(plain, at, count, part)
    latency, at = _decode_column(plain, at, count, part)
    reason, _ = _decode_column(plain, at, count, part)
    return Batch(series[part], tuple(map(first.__add__, begun)), latency, reason)


def encode_block(slot: int, rows: Columns) -> bytes:
    """The rows of one series in one slot, at least one, as a block's bytes."""
    begun, latency, reason = rows
    steps = (begun[0] - slot_begin(slot), *map(sub, begun[1:], begun))
    # One column for all three: reading has a fixed price for each column, and a day of a point is hundreds of blocks.
    return _compress(len(begun), [(*steps, *latency, *reason)])


def decode_block(slot: int, data: bytes) -> Columns:
    """A block's rows. Raises DamagedBlock."""
    count, plain = _decompress(data)
    numbers, _ = _decode_column(plain, _HEAD.size, 3 * count)
    begun = accumulate(numbers[:count], initial=slot_begin(slot))
    return Columns(tuple(begun)[1:], numbers[count : 2 * count], numbers[2 * count :])


def merge(stored: Columns, rows: Iterable[Row]) -> Columns:
    """Both, oldest first; a begin that is already stored is a repetition and is left out."""
    known = {row[0]: row for row in rows}
    if not known:
        return stored
    if not stored.begun or min(known) > stored.begun[-1]:
        added = [known[begun] for begun in sorted(known)]
        return Columns(*((*old, *new) for old, new in zip(stored, zip(*added, strict=True), strict=True)))
    known.update((row[0], row) for row in zip(*stored, strict=True))
    return Columns(*zip(*(known[begun] for begun in sorted(known)), strict=True))


NOTHING: Final = Columns((), (), ())


def _compress(count: int, columns: Iterable[Sequence[int]]) -> bytes:
    return zlib.compress(_HEAD.pack(_FORMAT, count) + b"".join(map(_encode_column, columns)), 9)


def _decompress(data: bytes) -> tuple[int, bytes]:
    try:
        plain = zlib.decompress(data)
        form, count = _HEAD.unpack_from(plain)
    except (zlib.error, struct.error) as error:
        raise DamagedBlock(f"{len(data)} bytes that are no block: {error}") from error
    if form != _FORMAT:
        raise DamagedBlock(f"a block of format {form}, this program knows {_FORMAT}")
    return count, plain


def _encode_column(values: Sequence[int]) -> bytes:
    width = (max(values).bit_length() + 7) // 8
    wide = struct.pack(f"<{len(values)}Q", *values)
    return bytes((width,)) + b"".join(wide[plane::8] for plane in range(width))


def _decode_column(plain: bytes, at: int, count: int, part: slice = _WHOLE) -> tuple[Sequence[int], int]:
    """The numbers (or a part of them) of the column that begins at ``at``, and where the next begins."""
    width = plain[at] if at < len(plain) else 9
    at += 1
    following = at + count * width
    if width > 8 or following > len(plain):
        raise DamagedBlock(f"{len(plain)} bytes do not hold the {count} rows that they announce")
    begin, end, _ = part.indices(count)
    if width == 0:
        return bytes(end - begin), at
    if width == 1:
        return plain[at + begin : at + end], following
    size, code = (4, "I") if width <= 4 else (8, "Q")
    wide = bytearray((end - begin) * size)
    for plane, place in enumerate(range(at, following, count)):
        wide[plane::size] = plain[place + begin : place + end]
    return struct.unpack(f"<{end - begin}{code}", wide), following
