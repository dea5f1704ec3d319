"""Wires: connections on bare sockets that share one epoll, against servers that do what servers do."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest

from monitor.model import Reason
from monitor.probes.base import ProbeFailed, Trace
from monitor.probes.connection import RETRANSMITS_FACT, RTT_FACT
from monitor.probes.tcp_socket import Knock, Wire, Wires

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """Says its words, keeps what it hears until ``wanted`` bytes, the end or an error."""

    def __init__(self, words: bytes = b"", wanted: int = 1 << 40) -> None:
        self.words, self.wanted = words, wanted
        self.heard = bytearray()
        self.reads = 0
        self.end: str | OSError | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def opened(self, wire: Wire, /) -> None:
        if self.words:
            wire.write(self.words)

    def data_received(self, data: bytes, /) -> None:
        self.heard += data
        self.reads += 1
        if len(self.heard) >= self.wanted:
            self._finish("enough")

    def eof_received(self) -> None:
        self._finish("end")

    def connection_lost(self, error: OSError | None, /) -> None:
        self._finish(error)

    def _finish(self, end: str | OSError | None) -> None:
        if not self.done.done():
            self.end = end
            self.done.set_result(None)


@pytest.fixture
async def wires() -> AsyncIterator[Wires]:
    wires = Wires()
    yield wires
    wires.close()


async def ask(wires: Wires, serve: Serve, listener: Listener, host: str = "127.0.0.1") -> Trace:
    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await serve(reader, writer)
        writer.transport.abort()

    trace = Trace()
    server = await asyncio.start_server(served, host, 0)
    async with server:
        await wires.converse(trace, listener, host, server.sockets[0].getsockname()[1])
    trace.leave()
    return trace


async def echo_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_speaks_listens_and_measures(wires: Wires, host: str) -> None:
    listener = Listener(b"xin chao", wanted=8)
    trace = await ask(wires, echo_all, listener, host)
    assert (listener.heard, listener.end) == (b"xin chao", "enough")
    assert trace.address == host
    assert trace.phases.keys() == {"connect"}
    assert trace.facts[RTT_FACT] > 0
    assert trace.facts[RETRANSMITS_FACT] == 0


async def test_more_than_the_kernel_takes_at_once_goes_both_ways(wires: Wires) -> None:
    words = bytes(range(256)) * 40_000
    listener = Listener(words, wanted=len(words))
    await ask(wires, echo_all, listener)
    assert listener.heard == words
    assert listener.reads > 1


async def test_hears_the_end_behind_the_last_words(wires: Wires) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"tam biet")
        writer.write_eof()
        await reader.read()

    listener = Listener()
    await ask(wires, serve, listener)
    assert (listener.heard, listener.end) == (b"tam biet", "end")


async def test_hears_the_end_that_comes_with_the_words(wires: Wires) -> None:
    """The server has spoken and closed before anybody looks: one edge tells of both."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        listener = Listener()
        talk = asyncio.create_task(wires.converse(Trace(), listener, "127.0.0.1", server.getsockname()[1]))
        await asyncio.sleep(0)
        accepted, _ = server.accept()
        accepted.sendall(b"tam biet")
        accepted.close()
        await talk
    assert (listener.heard, listener.end) == (b"tam biet", "end")


async def test_hears_of_a_reset_while_it_speaks(wires: Wires) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)

    listener = Listener(b"x" * (1 << 24))
    await ask(wires, serve, listener)
    assert isinstance(listener.end, ConnectionResetError)


async def test_whoever_sends_for_ever_takes_turns(wires: Wires) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"x" * (1 << 16))
            await writer.drain()

    noisy, quiet = Listener(wanted=1 << 22), Listener(b"1", wanted=1)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ask(wires, serve, noisy))
        tasks.create_task(ask(wires, echo_all, quiet))
    assert len(noisy.heard) < (1 << 22) + (1 << 16)
    assert quiet.heard == b"1"


async def test_refused(wires: Wires) -> None:
    with pytest.raises(ProbeFailed) as caught:
        await wires.converse(Trace(), Knock(), "127.0.0.1", 1)
    assert caught.value.reason is Reason.REFUSED
    listener = Listener()
    await wires.converse(Trace(), listener, "127.0.0.1", 1)
    assert isinstance(listener.end, ConnectionRefusedError)


@pytest.mark.parametrize(
    ("address", "source", "reason"),
    [
        ("127.0.0.1", "192.0.2.1", Reason.RESOURCES),
        ("255.255.255.255", "", Reason.UNREACHABLE),
        ("fe80::1%no-such-line", "", Reason.PROTOCOL),
    ],
)
async def test_not_even_an_attempt(wires: Wires, address: str, source: str, reason: Reason) -> None:
    trace = Trace()
    with pytest.raises(ProbeFailed) as caught:
        await wires.converse(trace, Knock(), address, 9, source=source)
    assert caught.value.reason is reason
    assert (trace.phase, trace.address) == ("connect", address)


async def test_knocks_from_an_address(wires: Wires) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        await wires.converse(Trace(), Knock(), "127.0.0.1", server.getsockname()[1], source="127.0.0.2")
        accepted, peer = server.accept()
        accepted.close()
    assert peer[0] == "127.0.0.2"


async def test_cancelled_it_leaves_nothing_open(wires: Wires) -> None:
    """A cut line: a full backlog hangs in connect. What stays open would be warned of."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        trace = Trace()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await wires.converse(trace, Knock(), "127.0.0.1", port)
    assert trace.phase == "connect"
