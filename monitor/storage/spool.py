"""Where results and transitions wait while the database is away: two rings beside it, on a path of their own."""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

from monitor.model import EndpointKey, Reason, Result, Status, Transition
from monitor.storage.blocks import instant, microseconds
from monitor.storage.errors import StorageError, StorageUnusable
from monitor.storage.ring import Ring, RingFull

log = logging.getLogger(__name__)

Item = TypeVar("Item")

_SMALLEST_SEGMENT: Final = 4 * 1024
_LARGEST_SEGMENT: Final = 256 * 1024
_PLACES: Final = 64
_TRANSITIONS_SHARE: Final = 8


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

    Results are dropped, oldest first, when their file is full. Transitions have an eighth to themselves and are never
    dropped: when theirs is full, it takes no more.
    """

    def __init__(self, directory: Path, size_bytes: int = 64 * 1024 * 1024) -> None:
        reserved = size_bytes // _TRANSITIONS_SHARE
        self.results: Queue[Result] = Queue(
            _ring(directory / "results.spool", size_bytes - reserved, keep=False),
            encode=encode_results,
            decode=decode_results,
        )
        self.transitions: Queue[Transition] = Queue(
            _ring(directory / "transitions.spool", reserved, keep=True),
            encode=encode_transitions,
            decode=decode_transitions,
        )

    def open(self) -> None:
        """Find what an earlier run left."""
        self.transitions.open()
        self.results.open()

    def close(self) -> None:
        """Close both files; what waits stays."""
        self.results.close()
        self.transitions.close()


def _ring(path: Path, size_bytes: int, *, keep: bool) -> Ring:
    segment_bytes = min(max(size_bytes // _PLACES, _SMALLEST_SEGMENT), _LARGEST_SEGMENT)
    return Ring(path, size_bytes=size_bytes, segment_bytes=segment_bytes, keep=keep)


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


def encode_transitions(transitions: Sequence[Transition]) -> bytes:
    """Transitions, whole."""
    return _pack(
        [
            [
                *transition.key,
                microseconds(transition.at),
                microseconds(transition.recorded_at),
                transition.status,
                transition.previous,
                transition.reason,
                transition.failed_phase,
                transition.detail,
                transition.culprit,
                None if transition.not_before is None else microseconds(transition.not_before),
                transition.first,
            ]
            for transition in transitions
        ]
    )


def decode_transitions(record: bytes) -> list[Transition]:
    """The inverse of :func:`encode_transitions`."""
    return [_transition(*row) for row in _unpack(record)]


def _transition(
    point: str,
    endpoint: str,
    at: int,
    recorded_at: int,
    status: str,
    previous: str,
    reason: str,
    failed_phase: str,
    detail: str,
    culprit: str,
    not_before: int | None,
    first: bool,
) -> Transition:
    return Transition(
        key=EndpointKey(point, endpoint),
        at=instant(at),
        recorded_at=instant(recorded_at),
        status=Status(status),
        previous=Status(previous),
        reason=Reason(reason),
        failed_phase=failed_phase,
        detail=detail,
        culprit=culprit,
        not_before=None if not_before is None else instant(not_before),
        first=first,
    )


def _pack(rows: list[list[Any]]) -> bytes:
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 1)


def _unpack(record: bytes) -> list[list[Any]]:
    rows: list[list[Any]] = json.loads(zlib.decompress(record))
    return rows
