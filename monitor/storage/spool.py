"""Where results and entries wait while the database is away: two rings beside it, on a path of their own."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Generic, NamedTuple, TypeVar

from monitor.incidents.model import Entry
from monitor.model import Result
from monitor.storage.errors import StorageError, StorageUnusable
from monitor.storage.ring import Ring, RingFull
from monitor.storage.wire import decode_entries, decode_results, encode_entries, encode_results

log = logging.getLogger(__name__)

Item = TypeVar("Item")

_SMALLEST_SEGMENT: Final = 4 * 1024
_LARGEST_SEGMENT: Final = 256 * 1024
_PLACES: Final = 64
_ENTRIES_SHARE: Final = 8


class Waiting(NamedTuple, Generic[Item]):
    """The oldest items of a queue, to be released when the database has them."""

    number: int
    items: Sequence[Item]


class Queue(Generic[Item]):
    """Items of one kind in a ring, oldest first, opened at the first use. Its methods raise StorageError and block."""

    def __init__(
        self, ring: Ring, *, encode: Callable[[Sequence[Item]], bytes], decode: Callable[[bytes], list[Item]]
    ) -> None:
        self._ring = ring
        self._encode = encode
        self._decode = decode

    def __len__(self) -> int:
        """How many items wait."""
        return self._ring.count

    @property
    def dropped(self) -> int:
        """How many items made room for later ones since the start."""
        return self._ring.dropped

    def append(self, items: Sequence[Item], *, durable: bool) -> None:
        """Put items at the end. They outlive the process, and with ``durable`` a power cut."""
        with self._errors():
            self._put(items)
            if durable:
                self._ring.sync()

    def oldest(self) -> Waiting[Item] | None:
        """The oldest items; they stay until released, so that a crash in between hands them out again."""
        with self._errors():
            found = self._ring.oldest()
        if found is None:
            return None
        number, records = found
        return Waiting(number, [item for record in records for item in self._read(record)])

    def release(self, waiting: Waiting[Item]) -> None:
        """Forget what :meth:`oldest` handed out."""
        with self._errors():
            self._ring.release(waiting.number)

    def open(self) -> None:
        """Find what an earlier run left."""
        with self._errors():
            pass

    def close(self) -> None:
        """Close the file; what waits stays."""
        self._ring.close()

    def _put(self, items: Sequence[Item]) -> None:
        record = self._encode(items)
        if len(record) <= self._ring.capacity or len(items) == 1:
            self._ring.append(record, len(items))
            return
        middle = len(items) // 2
        self._put(items[:middle])
        self._put(items[middle:])

    def _read(self, record: bytes) -> list[Item]:
        try:
            return self._decode(record)
        except (ValueError, TypeError, KeyError, zlib.error):
            # Whole by its checksum and yet not ours: a later version's. It must not hold up what follows.
            log.exception("a record of the spool cannot be read")
            return []

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            if not self._ring.is_open:
                self._ring.open()
            yield
        except BlockingIOError as error:
            raise StorageUnusable(
                f"{self._ring.path} is in use: another monitor runs on it; stop that one, or give this one a "
                "storage.url and a storage.spool of its own"
            ) from error
        except (OSError, RingFull, ValueError) as error:
            raise StorageError(f"the spool: {error}") from error


class Spool:
    """The two queues, files in ``directory`` of ``size_bytes`` together.

    Results are dropped, oldest first, when their file is full. Entries of every kind share a queue, for their order
    matters; it has an eighth to itself, and none is ever dropped: when it is full, it takes no more. Its file is called
    after the transitions, the only entries that there once were.
    """

    def __init__(self, directory: Path, size_bytes: int = 64 * 1024 * 1024) -> None:
        reserved = size_bytes // _ENTRIES_SHARE
        self.results: Queue[Result] = Queue(
            _ring(directory / "results.spool", size_bytes - reserved, keep=False),
            encode=encode_results,
            decode=decode_results,
        )
        self.entries: Queue[Entry] = Queue(
            _ring(directory / "transitions.spool", reserved, keep=True),
            encode=encode_entries,
            decode=decode_entries,
        )

    def open(self) -> None:
        """Find what an earlier run left."""
        self.entries.open()
        self.results.open()

    def close(self) -> None:
        """Close both files; what waits stays."""
        self.results.close()
        self.entries.close()


def _ring(path: Path, size_bytes: int, *, keep: bool) -> Ring:
    segment_bytes = min(max(size_bytes // _PLACES, _SMALLEST_SEGMENT), _LARGEST_SEGMENT)
    return Ring(path, size_bytes=size_bytes, segment_bytes=segment_bytes, keep=keep)
