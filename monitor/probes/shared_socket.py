"""One unconnected datagram socket that many probes share: read in batches, with the kernel's error queue heard.

An unconnected socket hears "port unreachable" and its like only with IP_RECVERR (ip(7)). The kernel then marks the
socket with EPOLLERR, which libuv takes for a bad descriptor: it stops watching. So the loop watches an epoll
instance of the socket's own, which is readable whenever the socket has anything to say.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
import socket
import sys
from abc import ABC, abstractmethod
from struct import Struct

from monitor.model import Reason
from monitor.probes.base import ProbeFailed

IP_RECVERR = 11
IPV6_RECVERR = 25
_ERRORS = {(socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR)}
_EXTENDED_ERROR = Struct("=IBBBBII")  # struct sock_extended_err of linux/errqueue.h

BATCH = 256
"""Datagrams that are read at most before the loop gets its turn again."""

_SEND_ATTEMPTS = 8
Ancillary = tuple[tuple[int, int, bytes], ...]


class Rejected(OSError):
    """An ICMP message (or our own kernel) says that a datagram did not arrive; ``text`` is for people."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(number, text)
        self.text = text

    def failure(self) -> ProbeFailed:
        """What it means for a probe."""
        reason = Reason.REFUSED if self.errno == errno.ECONNREFUSED else Reason.UNREACHABLE
        return ProbeFailed(reason, self.text)


def _rejected(data: bytes) -> Rejected:
    """Read a struct sock_extended_err and the address behind it of who sent the ICMP message."""
    number = _EXTENDED_ERROR.unpack_from(data)[0]
    offender = data[_EXTENDED_ERROR.size :]
    family = int.from_bytes(offender[:2], sys.byteorder)
    text = os.strerror(number).lower()
    if family == socket.AF_INET:
        text += f", says {socket.inet_ntop(socket.AF_INET, offender[4:8])}"
    elif family == socket.AF_INET6:
        text += f", says {socket.inet_ntop(socket.AF_INET6, offender[8:24])}"
    return Rejected(number, text)


def family_of(address: str) -> socket.AddressFamily:
    """The family of an IP address in text."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class SharedSocket(ABC):
    """Owns ``sock`` (non-blocking) until :meth:`close`. A subclass says what a datagram and an error mean."""

    def __init__(self, sock: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        sock.setblocking(False)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        self._epoll = select.epoll()
        self._epoll.register(sock.fileno(), select.EPOLLIN)
        self._loop.add_reader(self._epoll.fileno(), self._drain)

    def close(self) -> None:
        """Stop watching and give the descriptors back."""
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._sock.close()

    @abstractmethod
    def _receive(self) -> None:
        """Read one datagram and hand it to whom it is for. May raise OSError, BlockingIOError when there is none."""

    @abstractmethod
    def _failed(self, sent: bytes, peer: tuple[str, int], error: Rejected) -> None:
        """Say to whom sent ``sent`` (what the kernel kept of it, maybe nothing) to ``peer`` that it came to nothing."""

    def _drain(self) -> None:
        for count in range(BATCH):
            try:
                self._receive()
            except BlockingIOError:
                if not count:
                    self._drain_errors()
                return
            except OSError:
                self._drain_errors()

    def _drain_errors(self) -> bool:
        """Empty the error queue, which also clears the socket's pending error. True if there was anything in it."""
        found = False
        for _ in range(BATCH):
            try:
                sent, ancillary, _flags, peer = self._sock.recvmsg(2048, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return found
            found = True
            for level, kind, data in ancillary:
                if (level, kind) in _ERRORS:
                    self._failed(sent, peer, _rejected(data))
        return found

    def _send(self, packet: bytes, peer: tuple[str, int], ancillary: Ancillary = ()) -> None:
        """Send one datagram. Raises OSError; an error that an earlier datagram left behind is not this one's."""
        for attempt in range(_SEND_ATTEMPTS):
            try:
                if ancillary:
                    self._sock.sendmsg((packet,), ancillary, 0, peer)
                else:
                    self._sock.sendto(packet, peer)
            except BlockingIOError:
                raise
            except OSError as error:
                # Of what is too large the kernel tells us twice: here and through the error queue.
                stale = self._drain_errors() and error.errno != errno.EMSGSIZE
                if not stale or attempt == _SEND_ATTEMPTS - 1:
                    raise
            else:
                return
