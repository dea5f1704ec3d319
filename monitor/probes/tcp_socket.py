"""TCP connections on bare sockets, all watched through one epoll: a third cheaper than a transport each.

For probers that say one thing and read one answer, or only knock; TLS and conversations go over asyncio's transports
(:mod:`monitor.probes.connection`). docs/decisions/http-client.md has the figures.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
import socket
from typing import Protocol

from monitor.probes.base import Trace
from monitor.probes.connection import connection_failure, note_tcp_info

# Edge-triggered: one call of the kernel watches a connection for its whole life (epoll(7)).
_WATCHED = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
_HUNG_UP = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
_READABLE = select.EPOLLIN | _HUNG_UP
_MOST_EVENTS = 256
_READ_BYTES = 64 * 1024
_STREAM = socket.SOCK_STREAM | socket.SOCK_NONBLOCK


class Speaker(Protocol):
    """Who talks over a wire: asyncio's Protocol, told of the opening by another word. It must not raise."""

    @property
    def done(self) -> asyncio.Future[None]:
        """Set when it wants to hear nothing more."""
        ...

    def opened(self, wire: Wire, /) -> None:
        """The connection is there."""
        ...

    def data_received(self, data: bytes, /) -> None: ...
    def eof_received(self) -> object: ...
    def connection_lost(self, error: OSError | None, /) -> None:
        """It could not be had, or it broke."""
        ...


class Wire:
    """One connection, from the attempt on, until :meth:`close`."""

    __slots__ = ("_broken", "_epoll", "_open", "_socket", "_speaker", "_trace", "_unsent", "number")

    def __init__(self, sock: socket.SocketType, epoll: select.epoll, trace: Trace, speaker: Speaker) -> None:
        self.number = sock.fileno()
        self._socket = sock
        self._epoll = epoll
        self._trace = trace
        self._speaker = speaker
        self._open = False
        self._broken: OSError | None = None
        self._unsent: bytes | memoryview = b""

    def write(self, data: bytes | memoryview) -> None:
        """Send, now and when there is room again. What goes wrong is told when what was said before it is read."""
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._broken, sent = error, len(data)
        self._unsent = memoryview(data)[sent:] if sent < len(data) else b""

    def close(self) -> None:
        """Give the descriptor back; the kernel then watches it no longer."""
        self._socket.close()

    def ready(self, events: int) -> None:
        """The kernel has news of the connection."""
        if not self._open:
            if events & _HUNG_UP and (number := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
                self._speaker.connection_lost(OSError(number, os.strerror(number)))
                return
            self._open = True
            note_tcp_info(self._trace, self._socket)
            self._speaker.opened(self)
        elif self._unsent:
            self.write(self._unsent)
        if events & _READABLE:
            self._read(events)

    def _read(self, events: int) -> None:
        """Read once: whoever sends for ever takes turns with the others."""
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._speaker.connection_lost(error)
            return
        if not data:
            if self._broken is None:
                self._speaker.eof_received()
            else:
                self._speaker.connection_lost(self._broken)
            return
        self._speaker.data_received(data)
        if (len(data) == _READ_BYTES or events & _HUNG_UP) and not self._speaker.done.done():
            # There is more, or the end: the edge that told of it is used up, so ask to be told again.
            self._epoll.modify(self.number, _WATCHED)


class Wires:
    """The wires of one event loop. Made in it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._wires: dict[int, Wire] = {}
        self._epoll = select.epoll()
        self._loop.add_reader(self._epoll.fileno(), self._ready)

    async def converse(self, trace: Trace, speaker: Speaker, address: str, port: int, *, source: str = "") -> None:
        """Connect to an address (no name), let the speaker talk until it has ended, hang up.

        ``source`` is the address to come from. The phase is ``connect`` until the speaker enters another; the address
        is noted in the trace, and the kernel's rtt and retransmits. Raises ProbeFailed when there isn't even an
        attempt; what happens later the speaker hears. Cancelled, it leaves nothing open.
        """
        trace.enter("connect")
        trace.address = address
        wire = self._dial(trace, speaker, address, port, source)
        try:
            await speaker.done
        finally:
            del self._wires[wire.number]
            wire.close()

    def close(self) -> None:
        """Stop watching and give every descriptor back. Probes under way wait for ever then: cancel them first."""
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def _dial(self, trace: Trace, speaker: Speaker, address: str, port: int, source: str) -> Wire:
        sock: socket.SocketType | None = None
        try:
            family, place = _place(address, port)
            # The C type itself: the class around it is written in Python.
            sock = socket.SocketType(family, _STREAM)
            if source:
                sock.bind(_place(source, 0)[1])
            number = sock.connect_ex(place)
            if number != errno.EINPROGRESS and number:
                raise OSError(number, os.strerror(number))  # noqa: TRY301  (to close the socket in one place)
            wire = Wire(sock, self._epoll, trace, speaker)
            self._epoll.register(wire.number, _WATCHED)
        except OSError as error:
            if sock is not None:
                sock.close()
            raise connection_failure(error) from error
        self._wires[wire.number] = wire
        return wire

    def _ready(self) -> None:
        wires = self._wires
        for number, events in self._epoll.poll(0, _MOST_EVENTS):
            wire = wires.get(number)
            if wire is not None:
                wire.ready(events)


class Knock:
    """Waits until a connection is open and says nothing. ``done`` raises ProbeFailed when it isn't to be had."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def opened(self, wire: Wire, /) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def data_received(self, data: bytes, /) -> None:
        """What it says is not asked for."""

    def eof_received(self) -> None:
        """Open it was."""

    def connection_lost(self, error: OSError | None, /) -> None:
        if not self.done.done() and error is not None:
            self.done.set_exception(connection_failure(error))


def _place(address: str, port: int) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    """A socket's family and address; the zone of a link-local IPv6 address is a number there."""
    if ":" not in address:
        return socket.AF_INET, (address, port)
    bare, _, zone = address.partition("%")
    scope = 0 if not zone else int(zone) if zone.isdigit() else socket.if_nametoindex(zone)
    return socket.AF_INET6, (bare, port, 0, scope)
