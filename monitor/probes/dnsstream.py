"""DNS over a stream (RFC 7766, RFC 7858): one query on a connection of its own, TCP or TLS."""

from __future__ import annotations

import asyncio
import ssl
from asyncio import Future, Protocol, Transport

from monitor.model import Reason
from monitor.probes import dnswire
from monitor.probes.base import ProbeFailed, Trace
from monitor.probes.connection import connect, connection_failure, upgrade
from monitor.probes.datagram import Server

_ID = b"\x4c\x54"
"""On a connection of its own a query's id distinguishes nothing, but the answer must bear it."""


class _Answer(Protocol):
    """Gathers bytes until the length-prefixed answer is whole."""

    def __init__(self, query: bytes) -> None:
        self._asked = query[10:]
        self._gathered = bytearray()
        self.whole: Future[bytes] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self._gathered += data
        wire = self._gathered
        if len(wire) < 2 or len(wire) < 2 + int.from_bytes(wire[:2], "big"):
            return
        message = bytes(wire[2 : 2 + int.from_bytes(wire[:2], "big")])
        if message[:2] == _ID and dnswire.answers(message, self._asked):
            self._finish(message)
        else:
            self._finish(ProbeFailed(Reason.PROTOCOL, "the answer is not to our question"))

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, OSError):
            self._finish(connection_failure(exc))
        else:
            self._finish(ProbeFailed(Reason.RESET, "the server closed the connection without an answer"))

    def _finish(self, outcome: bytes | ProbeFailed) -> None:
        if self.whole.done():
            return
        if isinstance(outcome, ProbeFailed):
            self.whole.set_exception(outcome)
            self.whole.exception()  # seen: nobody may be waiting yet
        else:
            self.whole.set_result(outcome)


async def exchange(
    trace: Trace,
    server: Server,
    query: bytes,
    *,
    source: str = "",
    context: ssl.SSLContext | None = None,
    server_name: str = "",
) -> bytes:
    """Send ``query`` (without its id) and return the answer: phase ``connect`` (TLS counts with it), then ``request``.

    Raises ProbeFailed. The connection is closed on return.
    """
    transport: Transport
    transport, answer = await connect(trace, lambda: _Answer(query), *server, source=source)
    try:
        if context:
            transport = await upgrade(trace, transport, answer, context, server_name)
            trace.enter("request")
            trace.phases["connect"] += trace.phases.pop("tls")
        else:
            trace.enter("request")
        message = _ID + query
        transport.write(len(message).to_bytes(2, "big") + message)
        return await answer.whole
    finally:
        transport.abort()


async def ask(server: Server, query: bytes) -> bytes:
    """:func:`exchange` over plain TCP, for who keeps no trace."""
    return await exchange(Trace(), server, query)
