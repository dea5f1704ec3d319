"""DNS over UDP on a shared socket: many queries in flight, each answer matched by id, server and question."""

from __future__ import annotations

import asyncio
import socket
from random import SystemRandom

from monitor.model import Reason
from monitor.probes import dnswire
from monitor.probes.base import ProbeFailed
from monitor.probes.shared_socket import Rejected, SharedSocket, family_of

Server = tuple[str, int]
"""A DNS server's address, as the kernel writes it, and its port."""

_MOST_IN_FLIGHT = 60_000
_BUFFER_BYTES = 1 << 20
_LONGEST = 65_535


def open_datagram_socket(family: socket.AddressFamily, source: str = "") -> socket.socket:
    """An unconnected UDP socket, bound to ``source`` when there is one. Raises OSError."""
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        if source:
            sock.bind((source, 0))
    except OSError:
        sock.close()
        raise
    return sock


class Exchanges(SharedSocket):
    """Queries under way on one UDP socket. Ids are drawn at random among the free ones, so none is in use twice."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self._waiting: dict[int, tuple[Server, bytes, asyncio.Future[bytes]]] = {}
        self._draw = SystemRandom().getrandbits

    def __len__(self) -> int:
        return len(self._waiting)

    async def ask(self, server: Server, query: bytes) -> bytes:
        """Send ``query`` (without its id; one question from byte 10 on) to ``server``; return its answer.

        Waits until it is cancelled. Raises OSError when the query can't be sent, or an ICMP message says that it did
        not arrive: ConnectionRefusedError when nobody listens there.
        """
        identity, answer = self.begin(server, query)
        try:
            return await answer
        finally:
            self.forget(identity)

    def begin(self, server: Server, query: bytes) -> tuple[int, asyncio.Future[bytes]]:
        """Send ``query``; give its id, for :meth:`forget`, and its answer to come. Raises OSError."""
        if len(self._waiting) >= _MOST_IN_FLIGHT:
            raise ProbeFailed(Reason.RESOURCES, "too many DNS queries in flight")
        identity = self._draw(16)
        while identity in self._waiting:
            identity = self._draw(16)
        answer: asyncio.Future[bytes] = self._loop.create_future()
        self._waiting[identity] = (server, query[10:], answer)
        try:
            self._send(identity.to_bytes(2, "big") + query, server)
        except OSError:
            self.forget(identity)
            raise
        return identity, answer

    def forget(self, identity: int) -> None:
        """Nobody waits for this answer any more."""
        _, _, answer = self._waiting.pop(identity)
        if answer.done() and not answer.cancelled():
            answer.exception()  # seen: asyncio complains of a future whose exception nobody asked for

    def _receive(self) -> None:
        wire, peer = self._sock.recvfrom(_LONGEST)
        waiting = self._waiting.get(int.from_bytes(wire[:2], "big"))
        if waiting is None:
            return
        server, asked, answer = waiting
        if peer[:2] == server and not answer.done() and dnswire.answers(wire, asked):
            answer.set_result(wire)

    def _failed(self, sent: bytes, peer: tuple[str, int], error: Rejected) -> None:
        """What ICMP quotes may end before our id (RFC 792): then it is about all who asked there."""
        server = peer[:2]
        identity = int.from_bytes(sent[:2], "big") if len(sent) >= 2 else None
        for key in [*self._waiting] if identity is None else [identity]:
            asked, _, answer = self._waiting.get(key, (None, b"", None))
            if answer and asked == server and not answer.done():
                answer.set_exception(error)


def open_exchanges(server: str, source: str = "") -> Exchanges:
    """A shared socket for servers of ``server``'s family. Raises OSError."""
    return Exchanges(open_datagram_socket(family_of(server), source))
