"""A measured connection: TCP and TLS as separate phases, the kernel's own figures, errors turned into reasons."""

from __future__ import annotations

import errno
import socket
import ssl
from asyncio import Protocol, Transport, get_running_loop
from collections.abc import Callable
from struct import Struct
from typing import TypeVar, cast

from monitor.model import Reason
from monitor.probes.base import ProbeFailed, Trace
from monitor.probes.tls import tls_failure

P = TypeVar("P", bound=Protocol)

RTT_FACT = "lienthong_probe_tcp_rtt_seconds"
RETRANSMITS_FACT = "lienthong_probe_tcp_retransmits"

# struct tcp_info of linux/tcp.h: tcpi_rtt (microseconds) at byte 68, tcpi_total_retrans at byte 100.
_TCP_INFO = Struct("68xI28xI")

_REASONS = {
    errno.ECONNREFUSED: Reason.REFUSED,
    errno.EHOSTUNREACH: Reason.UNREACHABLE,
    errno.ENETUNREACH: Reason.UNREACHABLE,
    errno.EHOSTDOWN: Reason.UNREACHABLE,
    errno.ENETDOWN: Reason.UNREACHABLE,
    errno.EINVAL: Reason.UNREACHABLE,  # a blackhole route
    errno.ECONNRESET: Reason.RESET,
    errno.ECONNABORTED: Reason.RESET,
    errno.EPIPE: Reason.RESET,
    errno.ETIMEDOUT: Reason.TIMEOUT,
    errno.EMFILE: Reason.RESOURCES,
    errno.ENFILE: Reason.RESOURCES,
    errno.ENOBUFS: Reason.RESOURCES,
    errno.ENOMEM: Reason.RESOURCES,
    errno.ENOSPC: Reason.RESOURCES,
    errno.EADDRNOTAVAIL: Reason.RESOURCES,
    errno.EACCES: Reason.PERMISSION,
    errno.EPERM: Reason.PERMISSION,
}


def connection_failure(error: OSError) -> ProbeFailed:
    """The failure that an error of a socket stands for; what isn't known is the other side's protocol fault."""
    if isinstance(error, ssl.SSLError):
        return tls_failure(error)
    if isinstance(error, ConnectionError) and error.errno is None:
        return ProbeFailed(Reason.RESET, "the connection was closed")
    reason = _REASONS.get(error.errno or 0, Reason.PROTOCOL)
    return ProbeFailed(reason, (error.strerror or str(error)).lower())


async def connect(
    trace: Trace, factory: Callable[[], P], address: str, port: int, *, source: str = ""
) -> tuple[Transport, P]:
    """Connect to an address (no name) in the phase ``connect``, from the address ``source`` if one is given.

    Notes the address and the kernel's rtt and retransmits in the trace. Raises ProbeFailed; cancelled, it leaves
    nothing open.
    """
    trace.enter("connect")
    trace.address = address
    local = (source, 0) if source else None
    try:
        transport, protocol = await get_running_loop().create_connection(factory, address, port, local_addr=local)
    except OSError as error:
        raise connection_failure(error) from error
    # Borrowed by its number: the transport's own socket object duplicates the descriptor for every call.
    descriptor = transport.get_extra_info("socket").fileno()
    if descriptor >= 0:
        borrowed = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=descriptor)
        note_tcp_info(trace, borrowed)
        borrowed.detach()
    return transport, protocol


async def upgrade(
    trace: Trace, transport: Transport, protocol: Protocol, context: ssl.SSLContext, server_name: str
) -> Transport:
    """Begin TLS on a connected transport in the phase ``tls``; ``server_name`` is a name or an address.

    Returns the transport to go on with. Raises ProbeFailed; then, and when cancelled, the connection is closed.
    """
    trace.enter("tls")
    name = server_name.rstrip(".")
    if not _is_server_name(name) and (name or context.check_hostname):
        # uvloop never comes back from start_tls with a name that the ssl module refuses.
        transport.abort()
        raise ProbeFailed(Reason.TLS, f"{server_name!r} is no server name")
    try:
        upgraded = await get_running_loop().start_tls(transport, protocol, context, server_hostname=name or None)
    except OSError as error:
        transport.abort()
        raise connection_failure(error) from error
    except BaseException:
        transport.abort()
        raise
    return cast("Transport", upgraded)


def _is_server_name(name: str) -> bool:
    try:
        return not name.startswith(".") and bool(name.encode("idna")) and "\0" not in name
    except UnicodeError:
        return False


def note_tcp_info(trace: Trace, sock: socket.SocketType) -> None:
    """Write the kernel's round-trip time and retransmissions of a connection into the facts, if it is still there.

    The kernel has no round-trip time (0) when the SYN was sent again: then the fact is left out.
    """
    try:
        rtt, retransmits = _TCP_INFO.unpack(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size))
    except OSError:
        return
    if rtt:
        trace.facts[RTT_FACT] = rtt / 1_000_000
    trace.facts[RETRANSMITS_FACT] = retransmits
