"""A bounded file of records that survives being cut off at any byte.

The file is laid out in full when it is made, so that a disk that fills up later cannot stop it. It consists of
*segments* of one size. A segment that is in use begins with its number, which grows by one with each segment begun; its
records follow, each with its length and a checksum that the segment's number goes into, so that what an earlier use of
the same place has left is never taken for a record. Segments are freed as a whole, oldest first.
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

_LAYOUT: Final = struct.Struct("<8sII")
_CHECKSUM: Final = struct.Struct("<I")
_SEGMENT: Final = struct.Struct("<QI")
_RECORD: Final = struct.Struct("<III")
_MAGIC: Final = b"LTspool1"
_FIRST: Final = 4096
"""Where the first segment begins: the file's own head has a page to itself."""


class RingFull(Exception):
    """Every segment is in use, and nothing may be dropped."""


@dataclass(slots=True)
class _Segment:
    place: int
    number: int
    end: int
    count: int


class Ring:
    """Records in the order in which they were appended. Every method may raise OSError; one thread at a time.

    Each record stands for ``count`` things, so that it is known how many a segment holds. ``keep`` says that a full
    ring refuses (RingFull) instead of dropping its oldest segment.
    """

    def __init__(self, path: Path, *, size_bytes: int, segment_bytes: int, keep: bool) -> None:
        self.path = path
        self._keep = keep
        self._segment_bytes = segment_bytes
        self._places = max(2, size_bytes // segment_bytes)
        self._file = -1
        self._used: deque[_Segment] = deque()
        self._free: deque[int] = deque()
        self._current: _Segment | None = None
        self._number = 0
        self.count = 0
        """How many things the ring holds."""
        self.dropped = 0
        """How many things were dropped since the ring was opened because it was full."""

    @property
    def capacity(self) -> int:
        """The longest record, in bytes."""
        return self._segment_bytes - _SEGMENT.size - _RECORD.size

    @property
    def is_open(self) -> bool:
        return self._file >= 0

    def open(self) -> None:
        """Open or lay out the file and find what it holds. A file that is in use elsewhere is a BlockingIOError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file = file
            self._recover()
        except BaseException:
            os.close(file)
            self._file = -1
            raise

    def close(self) -> None:
        """Close the file; what it holds stays."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def append(self, payload: bytes, count: int) -> None:
        """Write one record; it survives the end of the process, and after :meth:`sync` that of the machine."""
        if len(payload) > self.capacity:
            raise ValueError(f"a record of {len(payload)} bytes, the longest is {self.capacity}")
        current = self._current
        if current is None or current.end + _RECORD.size + len(payload) > self._segment_bytes:
            segment = _Segment(self._take_place(), self._number + 1, _SEGMENT.size, 0)
            try:
                self._write(segment, 0, _head(segment.number) + _frame(segment.number, payload, count))
            except BaseException:
                self._free.appendleft(segment.place)
                raise
            self._number = segment.number
            self._used.append(segment)
            self._current = segment
        else:
            segment = current
            self._write(segment, segment.end, _frame(segment.number, payload, count))
        segment.end += _RECORD.size + len(payload)
        segment.count += count
        self.count += count

    def sync(self) -> None:
        """Return when everything appended is on the disk."""
        os.fdatasync(self._file)

    def oldest(self) -> tuple[int, list[bytes]] | None:
        """The oldest segment's number and records. What is appended from now on lies in later segments."""
        if not self._used:
            return None
        segment = self._used[0]
        if segment is self._current:
            self._current = None
        return segment.number, [payload for payload, _ in self._records(segment)]

    def release(self, number: int) -> None:
        """Free the oldest segment, if it still has that number (a full ring may have dropped it)."""
        if self._used and self._used[0].number == number:
            segment = self._used[0]
            self._write(segment, 0, bytes(_SEGMENT.size))
            self._forget_oldest()

    def _recover(self) -> None:
        mine = self._segment_bytes, self._places
        found = self._laid_out()
        if found is not None:
            self._segment_bytes, self._places = found
            self._find_segments()
        if found != mine and not self._used:
            self._segment_bytes, self._places = mine
            self._lay_out()
        # A file that was cut off gets its length again.
        os.posix_fallocate(self._file, 0, self._offset(self._places))

    def _lay_out(self) -> None:
        log.info("%s is laid out for %d segments of %d bytes", self.path, self._places, self._segment_bytes)
        os.ftruncate(self._file, 0)
        os.posix_fallocate(self._file, 0, self._offset(self._places))
        layout = _LAYOUT.pack(_MAGIC, self._segment_bytes, self._places)
        os.pwrite(self._file, layout + _CHECKSUM.pack(zlib.crc32(layout)), 0)
        os.fsync(self._file)
        self._find_segments()

    def _laid_out(self) -> tuple[int, int] | None:
        """The segment size and the number of places that the file was made for; None when its head is none of ours."""
        head = os.pread(self._file, _LAYOUT.size + _CHECKSUM.size, 0)
        layout = head[: _LAYOUT.size]
        if head[_LAYOUT.size :] != _CHECKSUM.pack(zlib.crc32(layout)):
            return None
        magic, segment_bytes, places = _LAYOUT.unpack(layout)
        return (segment_bytes, places) if magic == _MAGIC else None

    def _find_segments(self) -> None:
        found: list[_Segment] = []
        for place in range(self._places):
            head = os.pread(self._file, _SEGMENT.size, self._offset(place))
            if len(head) < _SEGMENT.size:
                continue
            number, _ = _SEGMENT.unpack(head)
            if number and head == _head(number):
                segment = _Segment(place, number, _SEGMENT.size, 0)
                for payload, count in self._records(segment):
                    segment.end += _RECORD.size + len(payload)
                    segment.count += count
                found.append(segment)
        self._used = deque(sorted(found, key=lambda segment: segment.number))
        self.count = sum(segment.count for segment in found)
        # Always on with a new segment: what a cut-off write left behind is then never written around.
        self._current = None
        self._number = self._used[-1].number if self._used else 0
        taken = {segment.place for segment in found}
        self._free = deque(place for place in range(self._places) if place not in taken)

    def _records(self, segment: _Segment) -> Iterator[tuple[bytes, int]]:
        """The records and their counts, up to the first that is cut off or damaged."""
        data = os.pread(self._file, self._segment_bytes, self._offset(segment.place))
        at = _SEGMENT.size
        while at + _RECORD.size <= len(data):
            length, count, checksum = _RECORD.unpack_from(data, at)
            payload = data[at + _RECORD.size : at + _RECORD.size + length]
            if len(payload) < length or _checksum(segment.number, payload, count) != checksum:
                return
            yield payload, count
            at += _RECORD.size + length

    def _take_place(self) -> int:
        if not self._free:
            if self._keep:
                raise RingFull(f"{self.path} is full: {self.count} entries wait in it")
            self.dropped += self._used[0].count
            self._forget_oldest()
        return self._free.popleft()

    def _forget_oldest(self) -> None:
        segment = self._used.popleft()
        self.count -= segment.count
        self._free.append(segment.place)
        if segment is self._current:
            self._current = None

    def _offset(self, place: int) -> int:
        return _FIRST + place * self._segment_bytes

    def _write(self, segment: _Segment, at: int, data: bytes) -> None:
        offset = self._offset(segment.place) + at
        view = memoryview(data)
        while view:
            written = os.pwrite(self._file, view, offset)
            view, offset = view[written:], offset + written


def _head(number: int) -> bytes:
    return _SEGMENT.pack(number, zlib.crc32(struct.pack("<Q", number)))


def _frame(number: int, payload: bytes, count: int) -> bytes:
    return _RECORD.pack(len(payload), count, _checksum(number, payload, count)) + payload


def _checksum(number: int, payload: bytes, count: int) -> int:
    return zlib.crc32(payload, zlib.crc32(struct.pack("<QII", number, len(payload), count)))
