"""The dns prober against real servers over UDP, TCP and TLS."""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import dns.message
import pytest
import trustme
from pydantic import ValidationError

from monitor.model import Reason
from monitor.probes.base import ProbeFailed, Trace
from monitor.probes.dns import DnsOptions, DnsProber
from monitor.probes.network import Network
from tests.nameservers import always, closed_port, name_server, respond, silent, truncated

GOOD = always("www.example. A 192.0.2.1", "www.example. A 192.0.2.2", "www.example. AAAA 2001:db8::1")
SOA = always("example. SOA ns.example. hostmaster.example. 2026112301 3600 600 86400 60")


async def ask(target: str, network: Network | None = None, **options: Any) -> Trace:
    options.setdefault("query_name", "www.example")
    trace = Trace()
    async with network or Network() as shared:
        try:
            async with asyncio.timeout(5):
                await DnsProber(target, DnsOptions.model_validate(options), network=shared).probe(trace)
        except ProbeFailed as failure:
            failure.add_note(trace.phase)
            failure.trace = trace  # type: ignore[attr-defined]
            raise
        finally:
            assert all(len(exchanges) == 0 for exchanges in shared._exchanges.values())
    return trace


async def fails(target: str, **options: Any) -> ProbeFailed:
    with pytest.raises(ProbeFailed) as raised:
        await ask(target, **options)
    return raised.value


@pytest.mark.parametrize("transport", ["", "udp", "tcp"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_an_answer(transport: str, address: str) -> None:
    async with name_server(GOOD, address=address) as server:
        trace = await ask(server.target, query_type="A", transport_protocol=transport)
    assert trace.facts["probe_dns_query_succeeded"] == 1
    assert trace.facts["probe_dns_answer_rrs"] == 2
    assert trace.facts["probe_dns_authority_rrs"] == trace.facts["probe_dns_additional_rrs"] == 0
    assert set(trace.phases) == {"resolve", "connect", "request"}
    assert trace.address == address
    assert server.asked == [("www.example.", "A", transport or "udp")]


async def test_the_question_is_as_written() -> None:
    seen: list[dns.message.Message] = []

    def keep(query: dns.message.Message) -> Iterable[bytes]:
        seen.append(query)
        yield respond(query).to_wire()

    async with name_server(keep) as server:
        await ask(server.target, query_name="Version.Bind", query_type="TXT", query_class="CH", recursion_desired=False)
        await ask(server.target)
    written, default = seen
    assert written.question[0].to_text() == "Version.Bind. CH TXT"
    assert not written.flags & dns.flags.RD
    assert default.question[0].to_text() == "www.example. IN ANY"
    assert default.flags & dns.flags.RD
    assert default.edns == -1


async def test_from_a_source_address() -> None:
    async with name_server(GOOD) as server:
        await ask(server.target, source_ip_address="127.0.0.9")
        await ask(server.target, source_ip_address="127.0.0.9", transport_protocol="tcp")
        failed = await fails(server.target, source_ip_address="192.0.2.77")
        assert failed.reason is Reason.RESOURCES


@pytest.mark.parametrize(
    ("rcode", "valid", "good"),
    [
        ("NOERROR", [], True),
        ("NXDOMAIN", [], False),
        ("NXDOMAIN", ["NOERROR", "NXDOMAIN"], True),
        ("NOERROR", ["NXDOMAIN"], False),
        ("SERVFAIL", ["SERVFAIL"], True),
        ("NOTIMP", ["NOTIMPL"], True),
        ("REFUSED", [], False),
    ],
)
async def test_response_codes(rcode: str, valid: list[str], good: bool) -> None:
    async with name_server(always(rcode=rcode)) as server:
        if good:
            await ask(server.target, valid_rcodes=valid)
        else:
            failed = await fails(server.target, valid_rcodes=valid)
            assert (failed.reason, failed.detail) == (Reason.PROTOCOL, f"the server answers {rcode}")
            assert failed.trace.facts["probe_dns_query_succeeded"] == 1  # type: ignore[attr-defined]


RECORDS = ["www.example. A 192.0.2.1", "www.example. A 192.0.2.2"]


@pytest.mark.parametrize(
    ("records", "rules", "broken"),
    [
        (RECORDS, {"fail_if_matches_regexp": ["192\\.0\\.2\\.2"]}, "holds a record that matches"),
        (RECORDS, {"fail_if_matches_regexp": ["203"]}, ""),
        ([], {"fail_if_matches_regexp": ["."]}, ""),
        (RECORDS, {"fail_if_not_matches_regexp": ["2\\.1$"]}, "holds a record that does not match"),
        (RECORDS, {"fail_if_not_matches_regexp": ["^www\\.example\\.\t60\tIN\tA\t192"]}, ""),
        ([], {"fail_if_not_matches_regexp": ["."]}, "holds no record"),
        (RECORDS, {"fail_if_all_match_regexp": ["192"]}, "holds only records that match"),
        (RECORDS, {"fail_if_all_match_regexp": ["2\\.1$"]}, ""),
        (RECORDS, {"fail_if_all_match_regexp": ["192", "2\\.1$"]}, ""),
        ([], {"fail_if_all_match_regexp": ["192"]}, ""),
        (RECORDS, {"fail_if_none_matches_regexp": ["203"]}, "holds no record that matches"),
        (RECORDS, {"fail_if_none_matches_regexp": ["203", "2\\.1$"]}, ""),
        ([], {"fail_if_none_matches_regexp": ["."]}, "holds no record"),
    ],
)
@pytest.mark.parametrize("section", ["answer", "authority", "additional"])
async def test_records(section: str, records: list[str], rules: dict[str, list[str]], broken: str) -> None:
    def answer(query: dns.message.Message) -> Iterable[bytes]:
        yield respond(query, **{section: records}).to_wire()

    async with name_server(answer) as server:
        if broken:
            failed = await fails(server.target, **{f"validate_{section}_rrs": rules})
            assert failed.reason is Reason.CONTENT
            assert failed.detail.startswith(f"the {section} section {broken}")
        else:
            trace = await ask(server.target, **{f"validate_{section}_rrs": rules})
            assert trace.facts[f"probe_dns_{section}_rrs"] == len(records)


async def test_the_serial_number() -> None:
    async with name_server(SOA) as server:
        trace = await ask(server.target, query_name="example", query_type="SOA")
    assert trace.facts["probe_dns_serial"] == 2026112301
    async with name_server(always()) as server:
        trace = await ask(server.target, query_name="example", query_type="soa")
    assert trace.facts["probe_dns_serial"] == 0


async def test_a_cut_answer_counts_as_it_is() -> None:
    async with name_server(truncated(GOOD)) as server:
        trace = await ask(server.target)
    assert trace.facts["probe_dns_answer_rrs"] == 0
    assert [transport for *_, transport in server.asked] == ["udp"]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_closed_port_refuses(transport: str) -> None:
    failed = await fails(f"127.0.0.1:{closed_port()}", transport_protocol=transport)
    assert failed.reason is Reason.REFUSED
    assert failed.trace.facts["probe_dns_query_succeeded"] == 0  # type: ignore[attr-defined]


async def test_one_closed_port_is_not_taken_for_another() -> None:
    async with name_server(GOOD) as server, Network() as network:
        closed = DnsProber(f"127.0.0.1:{closed_port()}", DnsOptions(query_name="www.example"), network=network)
        good = DnsProber(server.target, DnsOptions(query_name="www.example"), network=network)
        probers = [good, closed] * 40
        outcomes = await asyncio.gather(*(prober.probe(Trace()) for prober in probers), return_exceptions=True)
    assert [outcome is None for outcome in outcomes] == [prober is good for prober in probers]


async def test_many_in_flight_find_their_answers() -> None:
    def later(query: dns.message.Message) -> Iterable[bytes]:
        yield respond(query, f"{query.question[0].name} A 192.0.2.1").to_wire()

    async with name_server(later) as server, Network() as network:
        probers = [
            DnsProber(
                server.target,
                DnsOptions.model_validate(
                    {
                        "query_name": f"n{number}.example",
                        "validate_answer_rrs": {"fail_if_not_matches_regexp": [rf"^n{number}\."]},
                    }
                ),
                network=network,
            )
            for number in range(100)
        ]
        for _ in range(5):
            async with asyncio.timeout(10):
                await asyncio.gather(*(prober.probe(Trace()) for prober in probers))


@pytest.mark.parametrize(
    "lie",
    [
        lambda query: [b"\xff" + respond(query).to_wire()[1:], respond(query).to_wire()],
        lambda query: [
            respond(dns.message.make_query("x.example", "ANY", id=query.id)).to_wire(),
            respond(query).to_wire(),
        ],
        lambda query: [b"", b"\0", query.to_wire(), respond(query).to_wire()],
        lambda query: [respond(query).to_wire()] * 3,
    ],
    ids=["id", "question", "no answer at all", "thrice"],
)
async def test_lies_over_udp_are_passed_over(lie: Callable[[dns.message.Message], Iterable[bytes]]) -> None:
    async with name_server(lie) as server:
        assert (await ask(server.target)).facts["probe_dns_query_succeeded"] == 1


@pytest.mark.parametrize("answer", [silent, lambda query: [b"\0" * 12]])
async def test_silence_lasts_until_the_runner_ends_it(answer: Callable[..., Iterable[bytes]]) -> None:
    async with name_server(answer) as server, Network() as network:
        trace = Trace()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await DnsProber(server.target, DnsOptions(query_name="a"), network=network).probe(trace)
        assert trace.phase == "request"
        assert len(network.exchanges("127.0.0.1")) == 0


async def test_an_answer_from_elsewhere_is_none() -> None:
    async with name_server(GOOD, from_another=True) as server, Network() as network:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await DnsProber(server.target, DnsOptions(query_name="a"), network=network).probe(Trace())


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda query: [b"\0" * 12], Reason.PROTOCOL),
        (lambda query: [b"\xff" + respond(query).to_wire()[1:]], Reason.PROTOCOL),
    ],
)
async def test_lies_over_tcp_fail(answer: Callable[..., Iterable[bytes]], reason: Reason) -> None:
    async with name_server(answer) as server:
        assert (await fails(server.target, transport_protocol="tcp")).reason is reason


async def test_a_server_that_hangs_up() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(2)
        writer.transport.abort()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert (await fails(f"127.0.0.1:{port}", transport_protocol="tcp")).reason is Reason.RESET


async def test_an_answer_that_says_more_than_it_holds() -> None:
    def boast(query: dns.message.Message) -> Iterable[bytes]:
        wire = bytearray(respond(query).to_wire())
        wire[7] = 9
        yield bytes(wire)

    async with name_server(boast) as server:
        failed = await fails(server.target, validate_answer_rrs={"fail_if_matches_regexp": ["x"]})
        assert failed.reason is Reason.PROTOCOL
        assert (await ask(server.target)).facts["probe_dns_answer_rrs"] == 9


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


class TestOverTls:
    @pytest.fixture
    def ca_file(self, authority: trustme.CA, tmp_path: Path) -> Path:
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        return tmp_path / "ca.pem"

    def context(self, authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        return context

    async def test_an_answer(self, authority: trustme.CA, ca_file: Path) -> None:
        async with name_server(GOOD, tls=self.context(authority)) as server:
            trace = await ask(
                server.target, Network(ca_file=ca_file), query_type="A", transport_protocol="tcp", dns_over_tls=True
            )
        assert trace.facts["probe_dns_answer_rrs"] == 2
        assert set(trace.phases) == {"resolve", "connect", "request"}

    async def test_a_certificate_for_another_name(self, authority: trustme.CA, ca_file: Path) -> None:
        async with name_server(GOOD, tls=self.context(authority, "dns.example")) as server:
            over_tls = {"transport_protocol": "tcp", "dns_over_tls": True}
            failed = await fails(server.target, network=Network(ca_file=ca_file), **over_tls)
            assert failed.reason is Reason.TLS
            named = over_tls | {"tls_config": {"server_name": "dns.example"}}
            await ask(server.target, Network(ca_file=ca_file), **named)

    async def test_a_server_without_tls(self) -> None:
        async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 no TLS here\r\n")
            await reader.read()
            writer.transport.abort()

        async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
            target = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            over_tls = {"transport_protocol": "tcp", "dns_over_tls": True}
            failed = await fails(target, **over_tls, tls_config={"insecure_skip_verify": True})
        assert failed.reason is Reason.TLS

    async def test_a_missing_authority_file_is_our_fault(self, tmp_path: Path) -> None:
        async with name_server(GOOD) as server:
            failed = await fails(
                server.target,
                transport_protocol="tcp",
                dns_over_tls=True,
                tls_config={"ca_file": str(tmp_path / "none.pem")},
            )
        assert failed.reason is Reason.INTERNAL


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"query_name": ""}, "a name to ask for is needed"),
        ({"query_name": "a..b"}, "is not a DNS name"),
        ({"query_type": "NONSENSE"}, "is not a record type"),
        ({"query_class": "NONSENSE"}, "is not a class"),
        ({"valid_rcodes": ["NONSENSE"]}, "is not a response code"),
        ({"source_ip_address": "here"}, "is not an IP address"),
        ({"dns_over_tls": True}, "needs transport_protocol"),
        ({"dns_over_tls": True, "transport_protocol": "udp"}, "needs transport_protocol"),
        ({"transport_protocol": "sctp"}, "udp"),
        ({"validate_answer_rrs": {"fail_if_matches_regexp": ["("]}}, "RE2"),
        ({"validate_answer_rrs": {"fail_if_match_regexp": ["a"]}}, "Extra inputs"),
    ],
)
def test_wrong_options(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        DnsOptions.model_validate({"query_name": "www.example", **wrong})


@pytest.mark.parametrize(
    ("target", "over_tls", "server"),
    [
        ("192.0.2.1", False, ("192.0.2.1", 53)),
        ("192.0.2.1", True, ("192.0.2.1", 853)),
        ("[2001:db8::1]:5353", False, ("2001:db8::1", 5353)),
        ("2001:db8::1", False, ("2001:db8::1", 53)),
    ],
)
def test_where_the_server_is(target: str, over_tls: bool, server: tuple[str, int]) -> None:
    options = DnsOptions(query_name="a", dns_over_tls=over_tls, transport_protocol="tcp" if over_tls else "")
    prober = DnsProber(target, options, network=Network())
    assert (prober._host, prober._port) == server
