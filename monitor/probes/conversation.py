"""Lines and bytes back and forth over a connection, in bounded memory: what a query_response needs."""

from __future__ import annotations

import asyncio
from asyncio import BaseTransport, Future, Protocol, Transport
from typing import cast

from monitor.model import Reason
from monitor.probes.base import ProbeFailed
from monitor.probes.connection import connection_failure

LONGEST_LINE_BYTES = 64 * 1024
"""Go's bufio.Scanner, which blackbox_exporter reads with, takes no longer one either."""
MOST_BYTES = 16 * 1024 * 1024
"""What one probe reads at most: a server that talks for ever must not hold the event loop."""
_LINES_BEFORE_YIELD = 256


class Conversation(Protocol):
    """Buffers what the other side says, reading no further ahead than a line may be long."""

    def __init__(self) -> None:
        self._transport: Transport
        self._buffer = bytearray()
        self._searched = 0
        self._received = 0
        self._lines = 0
        self._ended = False
        self._failure: ProbeFailed | None = None
        self._paused_reading = False
        self._waiter: Future[None] | None = None
        self._writable: Future[None] | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        self.go_on_with(cast("Transport", transport))

    def go_on_with(self, transport: Transport) -> None:
        """Talk over this transport from now on (TLS begun); what was said before is forgotten."""
        self._transport = transport
        transport.set_write_buffer_limits(high=0)
        self._buffer.clear()
        self._searched = 0

    def prepare_upgrade(self) -> None:
        """Let the transport read: a TLS handshake needs it."""
        self._resume_reading()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._received += len(data)
        if len(self._buffer) >= LONGEST_LINE_BYTES and not self._paused_reading:
            self._paused_reading = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        if isinstance(exc, OSError):
            self._failure = connection_failure(exc)
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._writable and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    async def send(self, text: bytes) -> None:
        """Hand ``text`` to the kernel. Raises ProbeFailed (RESET) when the connection is gone."""
        if self._transport.is_closing():
            raise self._failure or ProbeFailed(Reason.RESET, "the server closed the connection")
        self._transport.write(text)
        if self._writable:
            await self._writable

    async def line(self) -> bytes | None:
        """The next line without its end; at the end of the stream what is left without one, then None.

        Raises ProbeFailed when the connection breaks or a line or the whole is too long.
        """
        self._lines += 1
        if self._lines % _LINES_BEFORE_YIELD == 0:
            await asyncio.sleep(0)
        while (end := self._buffer.find(b"\n", self._searched, LONGEST_LINE_BYTES)) < 0:
            self._searched = len(self._buffer)
            if len(self._buffer) >= LONGEST_LINE_BYTES:
                raise ProbeFailed(Reason.CONTENT, f"a line is longer than {LONGEST_LINE_BYTES} bytes")
            if self._ended:
                rest = self._take(len(self._buffer))
                return rest.removesuffix(b"\r") if rest else None
            await self._more()
        return self._take(end + 1)[:-1].removesuffix(b"\r")

    async def starts_with(self, expected: bytes) -> bool:
        """Whether the next bytes are these; they are taken off if so. Raises ProbeFailed when the stream ends short."""
        while len(self._buffer) < len(expected) and expected.startswith(bytes(self._buffer)):
            if self._ended:
                raise ProbeFailed(Reason.CONTENT, f"only {len(self._buffer)} of {len(expected)} expected bytes came")
            await self._more()
        return self._take(len(expected)) == expected

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._searched = 0
        if len(self._buffer) < LONGEST_LINE_BYTES:
            self._resume_reading()
        return taken

    def _resume_reading(self) -> None:
        if self._paused_reading and not self._ended:
            self._paused_reading = False
            self._transport.resume_reading()

    async def _more(self) -> None:
        """Wait for more bytes or the end. Raises ProbeFailed when the connection broke."""
        if self._failure:
            raise self._failure
        if self._received > MOST_BYTES:
            raise ProbeFailed(Reason.CONTENT, f"the answer is longer than {MOST_BYTES} bytes")
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self._failure and not self._buffer:
            raise self._failure

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
