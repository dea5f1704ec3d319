"""The path to a host, hop by hop: UDP datagrams that live one hop longer each, all sent at once.

Routers answer "time exceeded" (ICMP type 11), the host itself "port unreachable" (type 3, code 3; RFC 792, for IPv6
types 3 and 1, RFC 4443). The kernel hands both to an ordinary socket's error queue (IP_RECVERR, ip(7)), so no privilege
is needed. The ports are traceroute's (33434 and up).
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import sys
from dataclasses import dataclass, field
from struct import Struct
from time import perf_counter
from typing import Any, Final

from monitor.probes.shared_socket import IP_RECVERR, IPV6_RECVERR, family_of

MOST_HOPS: Final = 20
_FIRST_PORT: Final = 33_434
_EXTENDED_ERROR: Final = Struct("=IBBBBII")  # struct sock_extended_err of linux/errqueue.h
_FROM_ICMP: Final = (2, 3)  # SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6
_TIME_EXCEEDED: Final = {2: 11, 3: 3}


@dataclass(slots=True)
class Path:
    """``hops`` by number: the address that answered and the seconds it took. ``reached``: the host itself answered.

    ``trouble`` says why there is no path, or what a router said of it.
    """

    hops: dict[int, tuple[str, float]] = field(default_factory=dict)
    reached: int | None = None
    trouble: str = ""

    def as_json(self) -> dict[str, Any]:
        """Every hop up to the last that answered; one that was silent has no address."""
        last = max(self.hops, default=0)
        hops = []
        for number in range(1, last + 1):
            address, seconds = self.hops.get(number, ("", None))
            hops.append({"hop": number, "address": address, "seconds": seconds})
        return {"hops": hops, "reached": self.reached is not None, "trouble": self.trouble}


async def trace_path(address: str, *, seconds: float) -> Path:
    """Ask every hop at once and listen for ``seconds``, or until the host and all hops before it have answered."""
    path = Path()
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as stack:
        try:
            epoll = stack.enter_context(select.epoll())
            begun = {hop: (_send(stack, epoll, address, hop), perf_counter()) for hop in range(1, MOST_HOPS + 1)}
        except OSError as error:
            path.trouble = (error.strerror or str(error)).lower()
            return path
        numbers = {sock.fileno(): hop for hop, (sock, _) in begun.items()}
        done = asyncio.Event()

        def listen() -> None:
            for descriptor, _ in epoll.poll(0):
                hop = numbers[descriptor]
                sock, sent = begun[hop]
                _read(sock, hop, perf_counter() - sent, path)
            if path.reached is not None and all(hop in path.hops for hop in range(1, path.reached + 1)):
                done.set()

        loop.add_reader(epoll.fileno(), listen)
        try:
            async with asyncio.timeout(seconds):
                await done.wait()
        except TimeoutError:
            pass  # silence is an answer too
        finally:
            loop.remove_reader(epoll.fileno())
    if path.reached is not None:
        path.hops = {hop: found for hop, found in path.hops.items() if hop <= path.reached}
    return path


def _send(stack: contextlib.ExitStack, epoll: select.epoll, address: str, hop: int) -> socket.socket:
    """A datagram that lives ``hop`` hops, on a socket of its own. Raises OSError."""
    family = family_of(address)
    sock = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
    sock.setblocking(False)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hop)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hop)
    epoll.register(sock.fileno(), select.EPOLLERR)
    sock.sendto(b"lienthong path", (address, _FIRST_PORT + hop))
    return sock


def _read(sock: socket.socket, hop: int, seconds: float, path: Path) -> None:
    """What the error queue says of one datagram."""
    try:
        _, ancillary, _, _ = sock.recvmsg(512, 512, socket.MSG_ERRQUEUE)
    except OSError:
        return
    for _, _, data in ancillary:
        number, origin, kind, code = _EXTENDED_ERROR.unpack_from(data)[:4]
        if origin not in _FROM_ICMP:
            path.trouble = path.trouble or f"our own machine has no way there (errno {number})"
            continue
        offender = _offender(data[_EXTENDED_ERROR.size :])
        path.hops.setdefault(hop, (offender, round(seconds, 6)))
        if kind == _TIME_EXCEEDED[origin]:
            continue
        if (origin, kind, code) in ((2, 3, 3), (3, 1, 4)):
            path.reached = hop if path.reached is None else min(path.reached, hop)
        elif not path.trouble:
            path.trouble = f"{offender} says that there is no way on"


def _offender(data: bytes) -> str:
    family = int.from_bytes(data[:2], sys.byteorder)
    if family == socket.AF_INET6:
        return socket.inet_ntop(socket.AF_INET6, data[8:24])
    return socket.inet_ntop(socket.AF_INET, data[4:8])
