"""A measured connection: phases, the kernel's figures, errors as reasons, nothing left open."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from contextlib import suppress

import pytest
import trustme

from monitor.model import Reason
from monitor.probes.base import ProbeFailed, Trace
from monitor.probes.connection import (
    RETRANSMITS_FACT,
    RTT_FACT,
    connect,
    connection_failure,
    note_tcp_info,
    upgrade,
)


async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        await reader.read()
    writer.transport.abort()


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), Reason.REFUSED, "connection refused"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), Reason.UNREACHABLE, "no route to host"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), Reason.UNREACHABLE, "network is unreachable"),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), Reason.RESET, "connection reset by peer"),
        (ConnectionResetError(), Reason.RESET, "the connection was closed"),
        (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), Reason.TIMEOUT, "connection timed out"),
        (OSError(errno.EMFILE, "Too many open files"), Reason.RESOURCES, "too many open files"),
        (OSError(errno.EADDRNOTAVAIL, "Cannot assign"), Reason.RESOURCES, "cannot assign"),
        (PermissionError(errno.EACCES, "Permission denied"), Reason.PERMISSION, "permission denied"),
        (OSError("odd"), Reason.PROTOCOL, "odd"),
        (ssl.SSLError(1, "x"), Reason.TLS, "TLS failed"),
    ],
)
def test_errors_as_reasons(error: OSError, reason: Reason, detail: str) -> None:
    failure = connection_failure(error)
    assert (failure.reason, failure.detail) == (reason, detail)


async def test_connects_from_an_address_and_measures() -> None:
    trace = Trace()
    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        transport, _ = await connect(trace, asyncio.Protocol, "127.0.0.1", port_of(server), source="127.0.0.2")
        local = transport.get_extra_info("sockname")[0]
        transport.abort()
    trace.leave()
    assert local == "127.0.0.2"
    assert trace.address == "127.0.0.1"
    assert trace.phases.keys() == {"connect"}
    assert trace.facts[RTT_FACT] > 0
    assert trace.facts[RETRANSMITS_FACT] == 0


async def test_refused_and_not_ours_to_speak_from() -> None:
    with pytest.raises(ProbeFailed) as caught:
        await connect(Trace(), asyncio.Protocol, "127.0.0.1", 1)
    assert caught.value.reason is Reason.REFUSED
    with pytest.raises(ProbeFailed) as caught:
        await connect(Trace(), asyncio.Protocol, "127.0.0.1", 1, source="192.0.2.1")
    assert caught.value.reason is Reason.RESOURCES


def test_no_figures_of_a_closed_connection() -> None:
    trace = Trace()
    closed = socket.socket()
    closed.close()
    note_tcp_info(trace, closed)
    assert RTT_FACT not in trace.facts


async def test_a_full_backlog_hangs_in_connect() -> None:
    """A cut line: cancelled, the probe leaves nothing open (an open socket would be warned of)."""
    trace = Trace()
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await connect(trace, asyncio.Protocol, "127.0.0.1", port)
    assert trace.phase == "connect"


async def test_upgrade() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("ward.example").configure_cert(context)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    async with server:
        for name, reason in (
            ("ward.example.", None),
            ("other.example", Reason.TLS),
            (".", Reason.TLS),
            ("", Reason.TLS),
        ):
            trace = Trace()
            transport, protocol = await connect(trace, asyncio.Protocol, "127.0.0.1", port_of(server))
            if reason is None:
                upgraded = await upgrade(trace, transport, protocol, client, name)
                assert upgraded.get_extra_info("ssl_object").version() == "TLSv1.3"
                upgraded.abort()
            else:
                with pytest.raises(ProbeFailed) as caught:
                    await upgrade(trace, transport, protocol, client, name)
                assert caught.value.reason is reason
            trace.leave()
            assert trace.phases.keys() == {"connect", "tls"}
