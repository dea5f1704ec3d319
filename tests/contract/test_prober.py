"""What every prober must do, whatever it speaks: each one that is discovered passes this suite."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from monitor.model import Reason
from monitor.probes import find_probers
from monitor.probes.base import Options, ProbeFailed, Trace
from monitor.probes.network import Network
from tests.nameservers import always, closed_port, name_server, silent

_LABEL = r'[a-zA-Z_]\w*="(\\.|[^"\\])*"'
FACT = re.compile(rf"[a-zA-Z_:][a-zA-Z0-9_:]*(\{{{_LABEL}(,{_LABEL})*\}})?", re.ASCII)
PHASES = {"resolve", "connect", "tls", "processing", "transfer", "setup", "rtt", "request"}
DESCRIPTORS = Path("/proc/self/fd")
PROBERS = sorted(find_probers())
CONNECTING = [name for name in PROBERS if name != "icmp"]

# What a section can't do without, and how a target names a port of a host.
NEEDED: dict[str, dict[str, Any]] = {"dns": {"query_name": "www.example"}}
PLAIN_HOST = {"icmp"}
WAITS: dict[str, dict[str, Any]] = {"tcp": {"query_response": [{"expect": "never"}]}}
"""Options that make a probe wait for a server that says nothing."""


def build(name: str, host: str, port: int, network: Network, **options: Any) -> Any:
    prober = find_probers()[name]
    target = host if name in PLAIN_HOST else f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return prober(target, prober.options.model_validate({**NEEDED.get(name, {}), **options}), network=network)


@asynccontextmanager
async def hanging_server() -> AsyncIterator[int]:
    """Takes connections and datagrams and says nothing."""
    async with name_server(silent) as server:
        yield server.port


def open_descriptors() -> set[str]:
    """The sockets that this process has open."""
    links = set()
    for path in DESCRIPTORS.iterdir():
        try:
            link = str(path.readlink())
        except OSError:
            continue
        if link.startswith("socket:"):
            links.add(link)
    return links


def test_the_four_are_found() -> None:
    assert {"http", "tcp", "dns", "icmp"} <= set(PROBERS)


@pytest.mark.parametrize("name", PROBERS)
class TestDeclarations:
    def test_names(self, name: str) -> None:
        prober = find_probers()[name]
        assert prober.name == name
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert re.fullmatch(r"[a-z_]+_duration_seconds", prober.phase_metric)
        assert len(set(prober.phases)) == len(prober.phases) > 0
        assert prober.phases[0] == "resolve"

    def test_options_are_strict_and_frozen(self, name: str) -> None:
        options = find_probers()[name].options
        assert issubclass(options, Options)
        needed = NEEDED.get(name, {})
        with pytest.raises(ValidationError, match="Extra inputs"):
            options.model_validate({**needed, "no_such_option": 1})
        made = options.model_validate(needed)
        with pytest.raises(ValidationError, match="frozen"):
            setattr(made, next(iter(options.model_fields)), "other")

    def test_options_survive_being_written_down(self, name: str) -> None:
        options = find_probers()[name].options
        made = options.model_validate(NEEDED.get(name, {}))
        assert options.model_validate(made.model_dump(mode="json")) == made
        assert options.model_json_schema()["additionalProperties"] is False

    @pytest.mark.parametrize("target", ["", "no host here", "http://[::1", "[", ":80", "a" * 300])
    def test_a_bad_target_is_a_value_error(self, name: str, target: str) -> None:
        prober: Any = find_probers()[name]
        with pytest.raises(ValueError):
            prober(target, prober.options.model_validate(NEEDED.get(name, {})), network=Network())


@pytest.mark.parametrize("name", CONNECTING)
async def test_a_closed_port_is_refused(name: str) -> None:
    port = closed_port(socket.SOCK_STREAM)
    async with Network() as network:
        trace = Trace()
        with pytest.raises(ProbeFailed) as raised:
            await build(name, "127.0.0.1", port, network).probe(trace)
    assert raised.value.reason is Reason.REFUSED
    assert raised.value.detail
    assert trace.phase in PHASES
    assert trace.address == "127.0.0.1"
    check_trace(trace)


@pytest.mark.parametrize("name", PROBERS)
class TestNames:
    async def test_a_name_that_does_not_exist(self, name: str) -> None:
        async with name_server(always(rcode="NXDOMAIN")) as server, Network(servers=[server.server]) as network:
            trace = Trace()
            with pytest.raises(ProbeFailed) as raised:
                await build(name, "gone.example", 80, network).probe(trace)
        assert (raised.value.reason, trace.phase) == (Reason.DNS, "resolve")
        check_trace(trace)

    async def test_a_resolver_that_does_not_answer(self, name: str) -> None:
        async with Network(servers=[("127.0.0.1", closed_port())]) as network:
            trace = Trace()
            with pytest.raises(ProbeFailed) as raised:
                await build(name, "www.example", 80, network).probe(trace)
        assert (raised.value.reason, trace.phase) == (Reason.RESOLVER, "resolve")
        check_trace(trace)

    async def test_a_family_that_the_host_lacks(self, name: str) -> None:
        async with Network() as network:
            with pytest.raises(ProbeFailed) as raised:
                prober = build(name, "127.0.0.1", 80, network, preferred_ip_protocol="ip6", ip_protocol_fallback=False)
                await prober.probe(Trace())
        assert raised.value.reason is Reason.DNS


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 5, 8, 13, 21, 34])
@pytest.mark.parametrize("name", CONNECTING)
async def test_a_probe_that_is_cancelled_leaves_nothing_behind(name: str, steps: int) -> None:
    async with hanging_server() as port, Network() as network:
        before = open_descriptors()
        trace = Trace()
        task = asyncio.ensure_future(build(name, "127.0.0.1", port, network, **WAITS.get(name, {})).probe(trace))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await settled(network, before)
        check_trace(trace)


@pytest.mark.parametrize("name", PROBERS)
async def test_a_resolution_that_is_cancelled_leaves_nothing_behind(name: str) -> None:
    async with name_server(silent) as server, Network(servers=[server.server]) as network:
        before = open_descriptors()
        trace = Trace()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await build(name, "www.example", 80, network).probe(trace)
        assert trace.phase == "resolve"
        await settled(network, before)


@pytest.mark.parametrize("name", CONNECTING)
async def test_a_timeout_leaves_nothing_behind(name: str) -> None:
    async with name_server(silent) as server, Network() as network:
        before = open_descriptors()
        trace = Trace()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await build(name, "127.0.0.1", server.port, network, **WAITS.get(name, {})).probe(trace)
        assert trace.phase in PHASES
        await settled(network, before)
        check_trace(trace)


async def settled(network: Network, before: set[str]) -> None:
    """Let closed transports go; then assert that only the shared sockets are left and nobody waits on them."""
    shared = [*network._exchanges.values(), *network._echoes.values()]
    assert [len(one) for one in shared] == [0] * len(shared)
    own = {str((DESCRIPTORS / str(one._sock.fileno())).readlink()) for one in shared}
    for _ in range(200):
        if len(open_descriptors() - before - own) == 0:
            return
        await asyncio.sleep(0.005)  # the server's side closes when it hears of it
    assert open_descriptors() - before - own == set()


def check_trace(trace: Trace) -> None:
    trace.leave()
    assert all(seconds >= 0 for seconds in trace.phases.values())
    for fact, value in trace.facts.items():
        assert FACT.fullmatch(fact), fact
        assert isinstance(value, (int, float)), fact
