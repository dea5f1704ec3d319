"""Name resolution against real servers: silent, refusing, lying, cutting, slow, and several at once."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

import dns.message
import pytest

from monitor.model import Reason
from monitor.probes.base import ProbeFailed, Trace
from monitor.probes.network import REMEMBERED_FACT, Network
from tests.nameservers import always, closed_port, name_server, respond, silent, truncated

BOTH = always("www.example. A 192.0.2.1", "www.example. AAAA 2001:db8::1")
ONLY4 = always("www.example. A 192.0.2.1")
NXDOMAIN = always(rcode="NXDOMAIN")


async def failure(
    network: Network, host: str = "www.example", preferred: str = "", fallback: bool = True
) -> ProbeFailed:
    with pytest.raises(ProbeFailed) as raised:
        await network.resolve(host, preferred, fallback)
    return raised.value


@pytest.mark.parametrize(
    ("preferred", "fallback", "address", "asked"),
    [
        ("", True, "2001:db8::1", {"A", "AAAA"}),
        ("ip4", True, "192.0.2.1", {"A", "AAAA"}),
        ("ip4", False, "192.0.2.1", {"A"}),
        ("ip6", False, "2001:db8::1", {"AAAA"}),
    ],
)
async def test_the_preferred_family(preferred: str, fallback: bool, address: str, asked: set[str]) -> None:
    async with name_server(BOTH) as server, Network(servers=[server.server]) as network:
        assert await network.resolve("www.example", preferred, fallback) == address
    assert {kind for _, kind, _ in server.asked} <= asked


async def test_the_other_family_when_the_preferred_has_none() -> None:
    async with name_server(ONLY4) as server, Network(servers=[server.server]) as network:
        assert await network.resolve("www.example") == "192.0.2.1"
        lacking = await failure(network, preferred="ip6", fallback=False)
    assert (lacking.reason, lacking.detail) == (Reason.DNS, "www.example has no address")


async def test_an_alias_is_followed() -> None:
    aliased = always("www.example. CNAME b.example.", "b.example. A 192.0.2.9")
    async with name_server(aliased) as server, Network(servers=[server.server]) as network:
        assert await network.resolve("WWW.Example", "ip4") == "192.0.2.9"


@pytest.mark.parametrize("answer", [NXDOMAIN, always()], ids=["NXDOMAIN", "no data"])
async def test_a_name_that_is_not_there_is_the_other_sides_fault(answer: Callable[..., Iterable[bytes]]) -> None:
    async with name_server(answer) as server, Network(servers=[server.server]) as network:
        assert (await failure(network)).reason is Reason.DNS


@pytest.mark.parametrize("host", ["no name", "a..b", "x" * 64])
async def test_what_cannot_be_a_name_is_not_asked_for(host: str) -> None:
    async with name_server(BOTH) as server, Network(servers=[server.server]) as network:
        assert (await failure(network, host)).reason is Reason.DNS
    assert server.asked == []


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "NOTIMP", "FORMERR"])
async def test_a_server_that_says_nothing_about_the_name_is_ours_to_mend(rcode: str) -> None:
    async with name_server(always(rcode=rcode)) as server, Network(servers=[server.server]) as network:
        failed = await failure(network)
    assert failed.reason is Reason.RESOLVER
    assert rcode in failed.detail


async def test_a_closed_port_is_told_from_silence() -> None:
    port = closed_port()
    async with Network(servers=[("127.0.0.1", port)]) as network:
        failed = await failure(network)
    assert (failed.reason, failed.detail) == (Reason.RESOLVER, f"www.example: 127.0.0.1:{port} refuses")


async def test_an_ipv6_server_that_refuses_is_heard() -> None:
    port = closed_port(address="::1")
    async with Network(servers=[("::1", port)]) as network:
        assert "refuses" in (await failure(network)).detail


async def test_silence_ends() -> None:
    async with name_server(silent) as server, Network(servers=[server.server]) as network:
        failed = await failure(network)
    assert failed.reason is Reason.RESOLVER
    assert "is silent" in failed.detail
    assert len(server.asked) > 2, "a lost datagram must be sent again"


async def test_a_malformed_answer_is_the_servers_fault() -> None:
    def nonsense(query: dns.message.Message) -> Iterable[bytes]:
        wire = bytearray(respond(query).to_wire())
        wire[6:8] = b"\0\x09"
        yield bytes(wire)

    async with name_server(nonsense) as server, Network(servers=[server.server]) as network:
        failed = await failure(network)
    assert failed.reason is Reason.RESOLVER
    assert "malformed" in failed.detail


async def test_a_server_without_a_route_is_ours_to_mend() -> None:
    async with Network(servers=[("255.255.255.255", 53)]) as network:
        failed = await failure(network)
    assert failed.reason is Reason.RESOLVER
    assert "can't be asked" in failed.detail


class TestSeveralServers:
    @pytest.mark.parametrize("bad", [silent, always(rcode="SERVFAIL"), always(rcode="REFUSED")])
    async def test_the_second_answers_when_the_first_does_not(self, bad: Callable[..., Iterable[bytes]]) -> None:
        async with (
            name_server(bad) as first,
            name_server(ONLY4) as second,
            Network(servers=[first.server, second.server]) as network,
        ):
            async with asyncio.timeout(3):
                assert await network.resolve("www.example") == "192.0.2.1"
        assert first.asked

    async def test_the_second_answers_when_the_first_is_closed(self) -> None:
        async with (
            name_server(ONLY4) as second,
            Network(servers=[("127.0.0.1", closed_port()), second.server]) as network,
        ):
            assert await network.resolve("www.example") == "192.0.2.1"

    async def test_the_first_alone_is_asked_when_it_answers(self) -> None:
        async with (
            name_server(NXDOMAIN) as first,
            name_server(ONLY4) as second,
            Network(servers=[first.server, second.server]) as network,
        ):
            assert (await failure(network)).reason is Reason.DNS
        assert second.asked == []

    async def test_a_silent_server_is_asked_last_from_then_on(self) -> None:
        async with (
            name_server(silent) as first,
            name_server(ONLY4) as second,
            Network(servers=[first.server, second.server]) as network,
        ):
            await network.resolve("www.example")
            before = len(first.asked)
            await network.resolve("www.example")
        assert len(first.asked) == before


class TestLies:
    """What is not from whom was asked, about what was asked, is not an answer."""

    async def test_another_id(self) -> None:
        def lie(query: dns.message.Message) -> Iterable[bytes]:
            spoofed = bytearray(respond(query, "www.example. A 203.0.113.66").to_wire())
            spoofed[1] ^= 1
            yield bytes(spoofed)
            yield from ONLY4(query)

        async with name_server(lie) as server, Network(servers=[server.server]) as network:
            assert await network.resolve("www.example", "ip4") == "192.0.2.1"

    async def test_another_question(self) -> None:
        def lie(query: dns.message.Message) -> Iterable[bytes]:
            other = dns.message.make_query("other.example", "A", id=query.id)
            yield respond(other, "other.example. A 203.0.113.66").to_wire()
            yield query.to_wire()
            yield b"\0"
            yield from ONLY4(query)

        async with name_server(lie) as server, Network(servers=[server.server]) as network:
            assert await network.resolve("www.example", "ip4") == "192.0.2.1"

    async def test_another_address(self) -> None:
        async with name_server(BOTH, from_another=True) as server, Network(servers=[server.server]) as network:
            assert (await failure(network)).reason is Reason.RESOLVER

    async def test_the_same_answer_twice(self) -> None:
        def twice(query: dns.message.Message) -> Iterable[bytes]:
            yield from ONLY4(query)
            yield from ONLY4(query)

        async with name_server(twice) as server, Network(servers=[server.server]) as network:
            assert await network.resolve("www.example", "ip4") == "192.0.2.1"


class TestTruncation:
    async def test_the_question_is_asked_again_over_tcp(self) -> None:
        async with name_server(truncated(ONLY4), over_tcp=ONLY4) as server, Network(servers=[server.server]) as network:
            assert await network.resolve("www.example", "ip4", False) == "192.0.2.1"
        assert [transport for *_, transport in server.asked] == ["udp", "tcp"]

    @pytest.mark.parametrize(
        ("over_tcp", "detail"),
        [
            (silent, "silent over TCP"),
            (lambda query: [b"\0" * 12], "fails over TCP: the answer is not to our question"),
        ],
    )
    async def test_a_server_that_fails_over_tcp(self, over_tcp: Callable[..., Iterable[bytes]], detail: str) -> None:
        async with (
            name_server(truncated(ONLY4), over_tcp=over_tcp) as server,
            Network(servers=[server.server]) as network,
        ):
            failed = await failure(network, preferred="ip4", fallback=False)
        assert failed.reason is Reason.RESOLVER
        assert detail in failed.detail


async def test_a_silent_aaaa_does_not_lose_the_a() -> None:
    def only_a(query: dns.message.Message) -> Iterable[bytes]:
        return ONLY4(query) if query.question[0].rdtype == 1 else ()

    async with name_server(only_a) as server, Network(servers=[server.server]) as network:
        assert await network.resolve("www.example") == "192.0.2.1"


class TestTheLastGoodAddress:
    async def test_it_stands_in_while_no_server_answers(self) -> None:
        broken = False

        def sometimes(query: dns.message.Message) -> Iterable[bytes]:
            return always(rcode="SERVFAIL")(query) if broken else ONLY4(query)

        async with name_server(sometimes) as server, Network(servers=[server.server]) as network:
            first = Trace()
            assert await network.resolve_for(first, "www.example") == "192.0.2.1"
            broken = True
            second = Trace()
            assert await network.resolve_for(second, "www.example") == "192.0.2.1"
        assert REMEMBERED_FACT not in first.facts
        assert second.facts[REMEMBERED_FACT] == 1

    async def test_it_does_not_stand_in_for_a_name_that_is_gone(self) -> None:
        gone = False

        def sometimes(query: dns.message.Message) -> Iterable[bytes]:
            return NXDOMAIN(query) if gone else ONLY4(query)

        async with name_server(sometimes) as server, Network(servers=[server.server]) as network:
            await network.resolve("www.example")
            gone = True
            assert (await failure(network)).reason is Reason.DNS


class TestSharing:
    async def test_who_asks_the_same_at_once_shares_the_question(self) -> None:
        async with name_server(ONLY4) as server, Network(servers=[server.server]) as network:
            found = await asyncio.gather(*(network.resolve("www.example", "ip4", False) for _ in range(50)))
        assert set(found) == {"192.0.2.1"}
        assert len(server.asked) == 1

    async def test_failure_is_shared(self) -> None:
        async with name_server(NXDOMAIN) as server, Network(servers=[server.server]) as network:
            found = await asyncio.gather(*(failure(network, preferred="ip4", fallback=False) for _ in range(9)))
        assert {failed.reason for failed in found} == {Reason.DNS}
        assert len(server.asked) == 1

    async def test_when_who_asks_is_cancelled_another_asks(self) -> None:
        asked = asyncio.Event()

        def second_time(query: dns.message.Message) -> Iterable[bytes]:
            if asked.is_set():
                return ONLY4(query)
            asked.set()
            return ()

        async with name_server(second_time) as server, Network(servers=[server.server]) as network:
            async with asyncio.TaskGroup() as group:
                first = group.create_task(network.resolve("www.example", "ip4", False))
                await asyncio.sleep(0)
                others = [group.create_task(network.resolve("www.example", "ip4", False)) for _ in range(5)]
                cancelled = group.create_task(network.resolve("www.example", "ip4", False))
                await asked.wait()
                first.cancel()
                cancelled.cancel()
            assert {task.result() for task in others} == {"192.0.2.1"}
            assert len(network.exchanges("127.0.0.1")) == 0
        assert len(server.asked) == 2


async def test_dead_names_do_not_hold_up_healthy_ones() -> None:
    def answer(query: dns.message.Message) -> Iterable[bytes]:
        return ONLY4(query) if str(query.question[0].name) == "www.example." else ()

    async with name_server(answer) as server, Network(servers=[server.server]) as network:
        dead = [asyncio.ensure_future(network.resolve(f"dead-{number}.example")) for number in range(156)]
        await asyncio.sleep(0)
        assert await network.resolve("www.example") == "192.0.2.1"
        assert not any(task.done() for task in dead)
        for task in dead:
            task.cancel()
        await asyncio.gather(*dead, return_exceptions=True)
        assert len(network.exchanges("127.0.0.1")) == 0


class TestTheSystem:
    async def test_the_hosts_file_comes_first(self, tmp_path: Path) -> None:
        (tmp_path / "hosts").write_text("192.0.2.5 www.example\n")
        async with (
            name_server(NXDOMAIN) as server,
            Network(servers=[server.server], hosts=tmp_path / "hosts") as network,
        ):
            assert await network.resolve("www.example.") == "192.0.2.5"
            lacking = await failure(network, preferred="ip6", fallback=False)
        assert (lacking.reason, lacking.detail) == (Reason.DNS, "www.example has no IPv6 address")
        assert server.asked == []

    async def test_resolv_conf_has_the_say_without_servers(self, tmp_path: Path) -> None:
        (tmp_path / "resolv.conf").write_text("nameserver 127.255.255.254\n")
        async with Network(resolv_conf=tmp_path / "resolv.conf", hosts=tmp_path / "none") as network:
            failed = await failure(network)
        assert "127.255.255.254:53" in failed.detail

    async def test_literals_and_localhost_need_nobody(self) -> None:
        async with name_server(silent) as server, Network(servers=[server.server]) as network:
            assert await network.resolve("192.0.2.1") == "192.0.2.1"
            assert await network.resolve("2001:DB8::1") == "2001:db8::1"
            assert await network.resolve("x.localhost") == "::1"
            assert (await failure(network, "192.0.2.1", "ip6", False)).reason is Reason.DNS
        assert server.asked == []


async def test_a_probe_notes_what_it_found() -> None:
    async with name_server(ONLY4) as server, Network(servers=[server.server]) as network:
        trace = Trace()
        assert await network.resolve_for(trace, "www.example") == "192.0.2.1"
        trace.leave()
        assert trace.address == "192.0.2.1"
        assert trace.facts["probe_ip_protocol"] == 4
        assert 0 < trace.facts["probe_dns_lookup_time_seconds"] <= trace.phases["resolve"]

        dead = Trace()
        with pytest.raises(ProbeFailed):
            await network.resolve_for(dead, "no name")
        assert dead.phase == "resolve"
        assert (dead.facts["probe_ip_protocol"], dead.facts["probe_ip_addr_hash"]) == (0, 0)
        assert dead.facts["probe_dns_lookup_time_seconds"] >= 0
