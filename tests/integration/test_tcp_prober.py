"""The tcp prober in conversation with real servers."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from monitor.model import Reason
from monitor.probes.base import ProbeFailed, Trace
from monitor.probes.network import Network
from monitor.probes.tcp import BYTES_FACT, REGEX_FACT, TcpOptions, TcpProber
from tests.nameservers import closed_port

Converse = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serve(
    converse: Converse, *, address: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await converse(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async with await asyncio.start_server(guarded, address, 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def says(*parts: bytes, stay: bool = False) -> Converse:
    """Says these and hangs up, or stays until the other side leaves."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
        if stay:
            await reader.read()
        else:
            writer.write_eof()
            await reader.read()

    return converse


async def probe(target: str, network: Network | None = None, timeout_seconds: float = 10, **options: Any) -> Trace:
    trace = Trace()
    async with network or Network() as shared:
        try:
            async with asyncio.timeout(timeout_seconds):
                await TcpProber(target, TcpOptions.model_validate(options), network=shared).probe(trace)
        except ProbeFailed as failure:
            failure.trace = trace  # type: ignore[attr-defined]
            raise
    return trace


async def fails(target: str, reason: Reason, **options: Any) -> Trace:
    with pytest.raises(ProbeFailed) as raised:
        await probe(target, **options)
    assert raised.value.reason is reason, raised.value.detail
    trace: Trace = raised.value.trace  # type: ignore[attr-defined]
    return trace


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_an_open_port(address: str) -> None:
    async with serve(says(stay=True), address=address) as target:
        trace = await probe(target)
    assert set(trace.phases) == {"resolve", "connect"}
    assert trace.facts[REGEX_FACT] == trace.facts[BYTES_FACT] == 0
    assert trace.facts["lienthong_probe_tcp_retransmits"] == 0


async def test_a_closed_port() -> None:
    trace = await fails(f"127.0.0.1:{closed_port()}", Reason.REFUSED)
    assert trace.phase == "connect"


async def test_from_a_source_address() -> None:
    peers: list[str] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer.get_extra_info("peername")[0])
        writer.write(b"hello\n")
        await reader.read()

    async with serve(note) as target:
        await probe(target, source_ip_address="127.0.0.7", query_response=[{"expect": "hello"}])
        await fails(target, Reason.RESOURCES, source_ip_address="192.0.2.77")
    assert peers == ["127.0.0.7"]


async def test_a_whole_conversation() -> None:
    heard: list[bytes] = []

    async def smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220-noise\r\n220 mail.example ready\r\n")
        heard.append(await reader.readline())
        writer.write(b"250-A\r\n250 HELP\r\n")
        heard.append(await reader.readline())
        await reader.read()

    async with serve(smtp) as target:
        trace = await probe(
            target,
            query_response=[
                {
                    "expect": "^220 ([^ ]+) (.*)$",
                    "send": "EHLO ${1}\r",
                    "labels": [{"name": "what", "value": "$2"}, {"name": "host", "value": "<${1}>"}],
                },
                {"expect": "^250 ", "send": "QUIT\r"},
                {"send": "bye"},
            ],
        )
        await asyncio.sleep(0)
    assert heard[0] == b"EHLO mail.example\r\n"
    assert trace.facts['probe_expect_info{host="<mail.example>",what="ready"}'] == 1
    assert "processing" in trace.phases


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([b"hello\n"], "^hello$"),
        ([b"hello\r\n"], "^hello$"),
        ([b"a\n\nhello\n"], "^hello$"),
        ([b"hello"], "^hello$"),
        ([b"hello\r"], "^hello$"),
        ([b"\xff\xfe x\n"], "^.. x$"),
        (["Cửa Nam\n".encode()], "^Cửa .am$"),
        ([b"x" * 60_000 + b"\n", b"y" * 60_000 + b"\n"] * 20 + [b"hello\n"], "^hello$"),
        ([b"\n" * 5000 + b"hello\n"], "^hello$"),
    ],
)
async def test_lines_that_match(said: list[bytes], expected: str) -> None:
    async with serve(says(*said)) as target:
        assert (await probe(target, query_response=[{"expect": expected}])).facts[REGEX_FACT] == 0


@pytest.mark.parametrize("said", [b"", b"bye\n", b"bye", b"he\nllo\n"])
async def test_an_end_without_a_match(said: bytes) -> None:
    async with serve(says(said)) as target:
        trace = await fails(target, Reason.CONTENT, query_response=[{"expect": "hello"}])
    assert (trace.facts[REGEX_FACT], trace.phase) == (1, "processing")


async def test_a_line_without_end_costs_bounded_memory() -> None:
    async with serve(says(*[b"x" * 10_000] * 50, stay=True)) as target:
        trace = await fails(target, Reason.CONTENT, query_response=[{"expect": "hello"}])
    assert trace.facts[REGEX_FACT] == 0


async def test_a_server_that_talks_for_ever() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = b"x" * 30_000 + b"\n"
        while True:
            writer.write(line * 20)
            await writer.drain()

    async with serve(flood) as target:
        trace = await fails(target, Reason.CONTENT, query_response=[{"expect": "hello"}])
    assert trace.facts[REGEX_FACT] == 0


@pytest.mark.parametrize(
    ("said", "expected", "good", "fact"),
    [
        ([b"\x00hello"], "\x00hel", True, 0),
        ([b"he", b"llo"], "hello", True, 0),
        (["đ".encode()], "đ", True, 0),
        ([b"help!"], "hello", False, 1),
        ([b"x"], "hello", False, 1),
        ([b"hel"], "hello", False, 0),
        ([], "hello", False, 0),
    ],
)
async def test_expected_bytes(said: list[bytes], expected: str, good: bool, fact: int) -> None:
    async with serve(says(*said)) as target:
        options = {"query_response": [{"expect_bytes": expected, "send": "$1"}]}
        trace = await probe(target, **options) if good else await fails(target, Reason.CONTENT, **options)
    assert trace.facts[BYTES_FACT] == fact


async def test_bytes_then_lines() -> None:
    async with serve(says(b"HEADrest\nnext\n", stay=True)) as target:
        entries = [{"expect_bytes": "HEAD"}, {"expect": "^rest$"}, {"expect": "^next$"}]
        await probe(target, query_response=entries)


async def test_a_reset_in_mid_conversation() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        sock = writer.get_extra_info("socket")
        sock.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER of nothing: a reset
        writer.transport.abort()

    async with serve(reset) as target:
        trace = await fails(target, Reason.RESET, query_response=[{"send": "hello"}, {"expect": "hello"}])
    assert trace.facts[REGEX_FACT] == 0


async def test_sending_to_who_has_left() -> None:
    async with serve(says(b"bye\n")) as target:
        entries = [{"expect": "bye"}, {"expect": "$x|never"}]
        await fails(target, Reason.CONTENT, query_response=entries)


async def test_silence_lasts_until_the_runner_ends_it() -> None:
    async with serve(says(b"half a line", stay=True)) as target:
        with pytest.raises(TimeoutError):
            await probe(target, timeout_seconds=0.2, query_response=[{"expect": "half"}])


async def test_a_peer_that_does_not_read_is_waited_for() -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    async with serve(deaf) as target:
        with pytest.raises(TimeoutError):
            await probe(target, timeout_seconds=0.3, query_response=[{"send": "x" * 20_000_000}])


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


class TestTls:
    @pytest.fixture
    def ca_file(self, authority: trustme.CA, tmp_path: Path) -> Path:
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        return tmp_path / "ca.pem"

    def context(self, authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        return context

    async def test_from_the_start(self, authority: trustme.CA, ca_file: Path) -> None:
        async with serve(says(b"hello\n", stay=True), tls=self.context(authority)) as target:
            trace = await probe(target, Network(ca_file=ca_file), tls=True, query_response=[{"expect": "hello"}])
            bare = await probe(target, tls=True, tls_config={"insecure_skip_verify": True})
        assert trace.facts["probe_ssl_earliest_cert_expiry"] > 0
        assert trace.facts['probe_tls_version_info{version="TLS 1.3"}'] == 1
        assert set(trace.phases) == {"resolve", "connect", "tls", "processing"}
        assert bare.facts["probe_ssl_last_chain_expiry_timestamp_seconds"] < 0

    async def test_a_certificate_that_nobody_trusts(self, authority: trustme.CA) -> None:
        async with serve(says(stay=True), tls=self.context(authority)) as target:
            trace = await fails(target, Reason.TLS, tls=True)
        assert trace.phase == "tls"

    async def test_after_a_word(self, authority: trustme.CA, ca_file: Path) -> None:
        heard: list[bytes] = []

        async def smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 ready\r\n")
            heard.append(await reader.readline())
            writer.write(b"220 go\r\n")
            await writer.start_tls(self.context(authority, "mail.example"))
            heard.append(await reader.readline())
            writer.write(b"250 inside\r\n")
            await reader.read()

        entries = [
            {"expect": "^220 ready", "send": "STARTTLS"},
            {"expect": "^220 go", "starttls": True},
            {"send": "EHLO"},
            {"expect": "^250 inside"},
        ]
        async with serve(smtp) as target:
            trace = await probe(
                target,
                Network(ca_file=ca_file),
                query_response=entries,
                tls_config={"server_name": "mail.example"},
            )
        assert heard == [b"STARTTLS\n", b"EHLO\n"]
        assert 'probe_tls_version_info{version="TLS 1.3"}' in trace.facts
