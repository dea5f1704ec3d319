"""ICMP echoes on a shared socket: thousands in flight, each reply known by id, sequence number and payload.

The kernel's unprivileged datagram socket is tried first (net.ipv4.ping_group_range must hold one of our groups), then a
raw one (CAP_NET_RAW). Round-trip times end at the kernel's receive time stamp, so a busy event loop does not lengthen
them.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from random import SystemRandom
from struct import Struct
from time import perf_counter, time_ns
from typing import NamedTuple

from monitor.model import Reason
from monitor.probes.base import ProbeFailed
from monitor.probes.connection import connection_failure
from monitor.probes.shared_socket import Ancillary, Rejected, SharedSocket, family_of

# From linux/socket.h, in.h, in6.h and icmp.h; the socket module lacks them.
_SO_TIMESTAMPNS = 35
_IP_MTU_DISCOVER = 10
_IP_PMTUDISC_PROBE = 3
_IP_RECVTTL = 12
_ICMP_FILTER = 1
_SOL_RAW = 255

_ECHO_REQUEST, _ECHO_REPLY = 8, 0
_ECHO_REQUEST6, _ECHO_REPLY6 = 128, 129
_HEADER = Struct("!BBHHH")
_TIMESPEC = Struct("@ll")
_INT = Struct("@i")
_NONCE_BYTES = 8
_FILLER = b"lienthong monitor's echo"
_MOST_IN_FLIGHT = 60_000
_BUFFER_BYTES = 1 << 21
_NO_LIMIT = -1


class EchoReply(NamedTuple):
    """``hop_limit`` is the reply's remaining TTL, -1 when the kernel did not say."""

    rtt_seconds: float
    hop_limit: int


class _Echo(NamedTuple):
    address: str
    payload: bytes
    sent_ns: int
    sent: float
    reply: asyncio.Future[EchoReply]


class Echoes(SharedSocket):
    """Echoes under way on one ICMP socket, datagram or raw."""

    def __init__(self, sock: socket.socket) -> None:
        six = sock.family == socket.AF_INET6
        self._raw = sock.type == socket.SOCK_RAW
        self._address_header = self._raw and not six
        self._types = (_ECHO_REQUEST6, _ECHO_REPLY6) if six else (_ECHO_REQUEST, _ECHO_REPLY)
        self._limit = (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT) if six else (socket.IPPROTO_IP, socket.IP_TTL)
        default = (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS) if six else self._limit
        self._default_limit = sock.getsockopt(*default)
        random = SystemRandom()
        # A datagram socket's id is its port, and the kernel writes it.
        self._id = random.getrandbits(16) if self._raw else sock.getsockname()[1]
        self._sequence = random.getrandbits(16)
        self._nonce = random.getrandbits(64)
        self._waiting: dict[int, _Echo] = {}
        self._buffer = bytearray(65_536)
        self._view = memoryview(self._buffer)
        super().__init__(sock)

    def __len__(self) -> int:
        return len(self._waiting)

    def begin(self, address: str, size: int, hop_limit: int = 0) -> tuple[int, asyncio.Future[EchoReply]]:
        """Send an echo with ``size`` bytes of payload; give its sequence number, for :meth:`forget`, and its reply.

        ``hop_limit`` 0 is the system's. The reply fails with :class:`Rejected` when an ICMP message says so. Raises
        ProbeFailed when it can't be sent.
        """
        if len(self._waiting) >= _MOST_IN_FLIGHT:
            raise ProbeFailed(Reason.RESOURCES, "too many ICMP echoes in flight")
        sequence = self._next_sequence()
        self._nonce = (self._nonce + 1) & 0xFFFF_FFFF_FFFF_FFFF
        payload = (self._nonce.to_bytes(_NONCE_BYTES, "big") + _FILLER)[:size].ljust(size, b"\0")
        ancillary: Ancillary = ()
        if hop_limit not in (0, self._default_limit):
            ancillary = ((*self._limit, _INT.pack(hop_limit)),)
        packet = self._packet(sequence, payload)
        reply: asyncio.Future[EchoReply] = self._loop.create_future()
        self._waiting[sequence] = _Echo(address, payload, time_ns(), perf_counter(), reply)
        try:
            self._send(packet, (address, 0), ancillary)
        except OSError as error:
            self.forget(sequence)
            raise _send_failure(error) from error
        return sequence, reply

    def forget(self, sequence: int) -> None:
        """Nobody waits for this reply any more."""
        reply = self._waiting.pop(sequence).reply
        if reply.done() and not reply.cancelled():
            reply.exception()  # seen: asyncio complains of a future whose exception nobody asked for

    async def ask(self, address: str, size: int, hop_limit: int = 0) -> EchoReply:
        """Send one echo and wait for its reply, until cancelled. Raises ProbeFailed or Rejected."""
        sequence, reply = self.begin(address, size, hop_limit)
        try:
            return await reply
        finally:
            self.forget(sequence)

    def _next_sequence(self) -> int:
        sequence = self._sequence
        while True:
            sequence = (sequence + 1) & 0xFFFF
            if sequence not in self._waiting:
                self._sequence = sequence
                return sequence

    def _packet(self, sequence: int, payload: bytes) -> bytes:
        packet = _HEADER.pack(self._types[0], 0, 0, self._id, sequence) + payload
        if self._address_header:
            packet = packet[:2] + checksum(packet).to_bytes(2, "big") + packet[4:]
        return packet

    def _receive(self) -> None:
        size, ancillary, _flags, peer = self._sock.recvmsg_into((self._buffer,), 256)
        buffer = self._buffer
        begin = (buffer[0] & 0xF) * 4 if self._address_header else 0
        if size < begin + 8 or buffer[begin] != self._types[1]:
            return
        echo = self._waiting.get(buffer[begin + 6] << 8 | buffer[begin + 7])
        if (
            echo is None
            or buffer[begin + 4] << 8 | buffer[begin + 5] != self._id
            or peer[0] != echo.address
            or self._view[begin + 8 : size] != echo.payload
            or echo.reply.done()
        ):
            return
        elapsed = perf_counter() - echo.sent
        rtt, hop_limit = elapsed, _NO_LIMIT
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                seconds, nanoseconds = _TIMESPEC.unpack(data)
                stamped = (seconds * 1_000_000_000 + nanoseconds - echo.sent_ns) / 1e9
                # The wall clock may have been set in between; the monotonic clock bounds what can be true.
                rtt = stamped if 0 < stamped < elapsed else elapsed
            elif (level, kind) == self._limit:
                hop_limit = _INT.unpack(data)[0]
        echo.reply.set_result(EchoReply(rtt, hop_limit))

    def _failed(self, sent: bytes, peer: tuple[str, int], error: Rejected) -> None:
        if len(sent) < 8 or sent[0] != self._types[0]:
            return
        *_, identity, sequence = _HEADER.unpack_from(sent)
        echo = self._waiting.get(sequence)
        if echo and identity == self._id and peer[0] == echo.address and not echo.reply.done():
            echo.reply.set_exception(error)


def checksum(packet: bytes) -> int:
    """The Internet checksum (RFC 1071). 65536 is 1 modulo 65535, so the words' sum is the whole number's remainder."""
    return 0xFFFF - int.from_bytes(packet.ljust(len(packet) + len(packet) % 2, b"\0"), "big") % 0xFFFF


def _send_failure(error: OSError) -> ProbeFailed:
    """Why an echo can't be sent: beside a socket's usual errors, what routes and sizes answer."""
    if error.errno == errno.EAGAIN:
        return ProbeFailed(Reason.RESOURCES, "the socket's send buffer is full")
    if error.errno == errno.EMSGSIZE:
        return ProbeFailed(Reason.UNREACHABLE, "the payload does not fit the path unfragmented")
    if error.errno == errno.EINVAL:
        return ProbeFailed(Reason.UNREACHABLE, "the route is a black hole")
    return connection_failure(error)


def open_echoes(address: str, source: str = "", dont_fragment: bool = False) -> Echoes:
    """A shared socket for echoes to ``address``'s family. Raises ProbeFailed: PERMISSION when no kind is allowed."""
    family = family_of(address)
    protocol = socket.IPPROTO_ICMPV6 if family == socket.AF_INET6 else socket.IPPROTO_ICMP
    try:
        try:
            sock = socket.socket(family, socket.SOCK_DGRAM, protocol)
        except PermissionError:
            sock = socket.socket(family, socket.SOCK_RAW, protocol)
    except PermissionError as error:
        raise ProbeFailed(
            Reason.PERMISSION,
            "no ICMP socket: either the sysctl net.ipv4.ping_group_range must hold one of this process's groups "
            f"(such as {os.getgid()}), or the process needs CAP_NET_RAW",
        ) from error
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:
            raise ProbeFailed(Reason.RESOURCES, "this machine has no IPv6") from error
        raise connection_failure(error) from error
    try:
        _prepare(sock, source, dont_fragment)
        return Echoes(sock)
    except OSError as error:
        sock.close()
        raise connection_failure(error) from error


def _prepare(sock: socket.socket, source: str, dont_fragment: bool) -> None:
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        if sock.type == socket.SOCK_RAW:
            sock.setsockopt(socket.IPPROTO_ICMPV6, _ICMP_FILTER, _accept6(_ECHO_REPLY6))
    else:
        sock.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
        if sock.type == socket.SOCK_RAW:
            sock.setsockopt(_SOL_RAW, _ICMP_FILTER, (0xFFFFFFFF & ~(1 << _ECHO_REPLY)).to_bytes(4, "little"))
        if dont_fragment:
            sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_PROBE)
    sock.bind((source, 0))


def _accept6(kind: int) -> bytes:
    """struct icmp6_filter of linux/icmpv6.h that passes one type: eight words of 32 bits, set means blocked."""
    words = [0xFFFFFFFF] * 8
    words[kind >> 5] &= ~(1 << (kind & 31))
    return Struct("@8I").pack(*words)
