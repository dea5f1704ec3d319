"""Evidence of a point with real sockets: what answers, what refuses, what hangs."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from monitor.config.model import Config, Endpoint, Module, Point
from monitor.evidence.collector import GLANCE_SECONDS, STEP_SECONDS, Collector, glanced
from monitor.evidence.investigator import AT_ONCE, Collects, Investigator
from monitor.incidents.model import Decision, EventKind, IncidentEvent
from monitor.model import EndpointKey, Reason, Result
from monitor.probes.base import Options
from monitor.probes.dns import DnsOptions
from monitor.probes.http_options import HttpOptions
from monitor.probes.network import Network
from monitor.probes.tcp import TcpOptions
from monitor.probes.tls import TlsOptions
from tests.nameservers import always, name_server

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
CONNECT = Module(name="tcp", prober="tcp", options=TcpOptions(preferred_ip_protocol="ip4"))
SECURE = Module(name="tls", prober="tcp", options=TcpOptions(preferred_ip_protocol="ip4", tls=True))


def now() -> datetime:
    return NOW


def endpoint(point: str, name: str, target: str, module: Module = CONNECT) -> Endpoint:
    return Endpoint(
        key=EndpointKey(point, name),
        name=name,
        target=target,
        module=module,
        interval=timedelta(seconds=15),
        timeout=timedelta(seconds=3),
        retry_every=timedelta(seconds=1),
        down_after=3,
        up_after=2,
        link=name == "link",
        critical=True,
        declared=True,
        fingerprint=target,
    )


def point(name: str, *endpoints: Endpoint, kind: str = "ward") -> Point:
    return Point(id=name, name=name, kind=kind, endpoints=endpoints)


@pytest.fixture
def open_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)
        yield int(listener.getsockname()[1])


@pytest.fixture
def shut_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def good(key: EndpointKey, address: str) -> Result:
    return Result(key=key, vantage="local", begun=NOW, latency_seconds=0.012, reason=Reason.OK, address=address)


async def collect(
    subject: Point, last_good: Mapping[EndpointKey, Result], servers: Sequence[tuple[str, int]], **more: Any
) -> dict[str, Any]:
    async with Network(servers=servers, **more) as network:
        return await Collector(network=network, servers=servers, clock=now).collect(subject, last_good)


async def test_everything_of_a_point(open_port: int, shut_port: int) -> None:
    async with name_server(always("a.thu.test. A 127.0.0.1")) as names:
        subject = point(
            "a",
            endpoint("a", "link", f"a.thu.test:{open_port}"),
            endpoint("a", "portal", f"http://a.thu.test:{shut_port}/"),
        )
        key = EndpointKey("a", "link")
        found = await collect(subject, {key: good(key, "127.0.0.1")}, [names.server])
    assert (found["point"], found["host"], found["address"]) == ("a", "a.thu.test", "127.0.0.1")
    assert [(each["ok"], each["reason"]) for each in found["resolution"]] == [(True, "ok")]
    assert [(each["endpoint"], each["port"], each["reason"]) for each in found["tcp"]] == [
        ("link", open_port, "ok"),
        ("portal", shut_port, "refused"),
    ]
    assert found["ping"]["sent"] == 5
    assert found["path"]["reached"]
    assert found["tls"] == []
    assert found["last_good"] == [
        {"endpoint": "link", "begun": NOW.isoformat(), "seconds": 0.012, "address": "127.0.0.1"}
    ]


async def test_without_a_resolver_the_last_good_address_is_looked_into(open_port: int, shut_port: int) -> None:
    subject = point("a", endpoint("a", "link", f"a.thu.test:{open_port}"))
    key = EndpointKey("a", "link")
    found = await collect(subject, {key: good(key, "127.0.0.1")}, [("127.0.0.1", shut_port)])
    assert found["address"] == "127.0.0.1"
    assert not found["resolution"][0]["ok"]
    assert found["tcp"][0]["ok"]


async def test_nobody_knows_where_it_is(shut_port: int) -> None:
    found = await collect(point("a", endpoint("a", "link", "a.thu.test:443")), {}, [("127.0.0.1", shut_port)])
    assert (found["address"], found["ping"], found["path"]) == ("", None, None)


async def test_an_address_needs_no_resolution(open_port: int) -> None:
    found = await collect(point("a", endpoint("a", "link", f"127.0.0.1:{open_port}")), {}, [("127.0.0.1", 9)])
    assert found["resolution"] == []
    assert found["tcp"][0]["ok"]


async def test_no_connection_is_made_to_what_is_asked_in_datagrams(shut_port: int) -> None:
    """A name server may well refuse TCP: to say so would blame what is good."""
    options = DnsOptions(query_name="a.thu.test", transport_protocol="udp")
    module = Module(name="name", prober="dns", options=options)
    found = await collect(point("a", endpoint("a", "link", f"127.0.0.1:{shut_port}", module)), {}, [])
    assert found["tcp"] == []


@asynccontextmanager
async def tls_server(ca: trustme.CA, until: datetime) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    begin = until - timedelta(days=90)
    ca.issue_cert("a.thu.test", not_before=begin, not_after=until).configure_cert(context)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(("days", "reason"), [(30, "ok"), (-3, "tls")])
async def test_the_certificate(tmp_path: Path, days: int, reason: str) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    until = (datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0)
    async with name_server(always("a.thu.test. A 127.0.0.1")) as names, tls_server(ca, until) as port:
        subject = point("a", endpoint("a", "link", f"a.thu.test:{port}", SECURE))
        found = await collect(subject, {}, [names.server], ca_file=tmp_path / "ca.pem")
    (tls,) = found["tls"]
    assert (tls["endpoint"], tls["port"], tls["reason"]) == ("link", port, reason)
    assert tls["expires"] == (until.isoformat() if days > 0 else None)


@pytest.mark.parametrize(
    "options",
    [
        TcpOptions(tls=True, tls_config=TlsOptions(insecure_skip_verify=True)),
        HttpOptions(tls_config=TlsOptions(insecure_skip_verify=True)),
    ],
)
async def test_the_handshake_is_the_modules(options: Options) -> None:
    """A certificate that the module doesn't verify is no finding: the message would call a good page broken."""
    module = Module(name="lax", prober="http" if isinstance(options, HttpOptions) else "tcp", options=options)
    until = datetime.now(UTC) + timedelta(days=30)
    async with name_server(always("a.thu.test. A 127.0.0.1")) as names, tls_server(trustme.CA(), until) as port:
        subject = point("a", endpoint("a", "link", f"https://a.thu.test:{port}/", module))
        if module.prober == "tcp":
            subject = point("a", endpoint("a", "link", f"a.thu.test:{port}", module))
        found = await collect(subject, {}, [names.server])
    assert [each["reason"] for each in found["tls"]] == ["ok"]


class Slow:
    """A collector that notes how many are looked into at once, and never ends for ``endless``."""

    def __init__(self, endless: str = "") -> None:
        self.at_once = self.most = 0
        self.endless = endless

    async def collect(
        self, subject: Point, last_good: Mapping[EndpointKey, Result], *, step_seconds: float
    ) -> dict[str, Any]:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await (asyncio.Event().wait() if subject.id == self.endless else asyncio.sleep(0.01))
        finally:
            self.at_once -= 1
        return seen(subject.id)


def seen(name: str, **more: Any) -> dict[str, Any]:
    """What is found of a point that answers."""
    path = {"hops": [], "reached": True, "trouble": ""}
    nothing: dict[str, Any] = {"resolution": [], "tcp": [], "ping": None, "tls": [], "path": path}
    return {"point": name, "address": "127.0.0.1", **nothing, **more}


def opened(uid: str, fault: str, *joined: str) -> list[IncidentEvent]:
    first = IncidentEvent(
        id=f"{uid}o", incident=uid, kind=EventKind.OPENED, at=NOW, recorded_at=NOW, data={"fault": fault}
    )
    joins = [
        IncidentEvent(id=f"{uid}{name}", incident=uid, kind=EventKind.JOINED, at=NOW, recorded_at=NOW, point=name)
        for name in joined
    ]
    return [first, *joins]


async def investigate(
    points: Sequence[Point], collector: Collects, *decisions: Decision, wanted: int = 0
) -> list[IncidentEvent]:
    recorded: list[IncidentEvent] = []
    wanted = wanted or sum(event.kind is EventKind.OPENED for decision in decisions for event in decision.events)
    investigator = Investigator(
        Config(points=tuple(points)),
        collector=collector,
        record=lambda *, events: recorded.extend(events),
        clock=now,
        make_id=lambda: f"e{len(recorded)}",
    )
    for decision in decisions:
        investigator.on_decision(decision)
    async with asyncio.TaskGroup() as tasks:
        work = tasks.create_task(investigator.run())
        while len(recorded) < wanted:  # noqa: ASYNC110  (it tells nobody else)
            await asyncio.sleep(0.005)
        work.cancel()
    return recorded


async def test_an_incident_is_looked_into_once_and_few_at_a_time() -> None:
    points = [point(f"p{number}", endpoint(f"p{number}", "link", "127.0.0.1:1")) for number in range(20)]
    collector = Slow()
    decision = Decision(
        events=tuple(event for each in points for event in opened(each.id, f"point:{each.id}", each.id))
    )
    recorded = await investigate(points, collector, decision)
    assert {event.incident for event in recorded} == {each.id for each in points}
    assert {event.kind for event in recorded} == {EventKind.EVIDENCE}
    assert 1 < collector.most <= AT_ONCE


class Asking:
    """A collector that finds what it is told to find, by the seconds that it is given."""

    def __init__(self, glance: Mapping[str, Any] | None, patient: Mapping[str, Any] | None) -> None:
        self.finds = {GLANCE_SECONDS: glance, STEP_SECONDS: patient}

    async def collect(
        self, subject: Point, last_good: Mapping[EndpointKey, Result], *, step_seconds: float
    ) -> dict[str, Any]:
        found = self.finds[step_seconds]
        if found is None:
            raise RuntimeError("a bug")
        return seen(subject.id, **found)


SILENT = {"resolution": [{"ok": False, "reason": "timeout"}], "tcp": [{"ok": False, "reason": "timeout", "port": 1}]}
REFUSED = {"resolution": [{"ok": True, "reason": "ok"}], "tcp": [{"ok": False, "reason": "refused", "port": 1}]}
HUNG = {**REFUSED, "tcp": SILENT["tcp"]}


@pytest.mark.parametrize(
    ("collector", "recorded"),
    [
        (Asking(REFUSED, HUNG), [[REFUSED]]),
        (Asking(SILENT, HUNG), [[{**SILENT, "resolution": []}], [HUNG]]),
        (Asking(SILENT, None), [[{**SILENT, "resolution": []}]]),
        (Asking(None, HUNG), [[], [HUNG]]),
        (Asking(None, None), [[]]),
    ],
)
async def test_what_keeps_silent_at_a_glance_is_asked_patiently(
    collector: Asking, recorded: Sequence[Sequence[Mapping[str, Any]]]
) -> None:
    points = [point("a", endpoint("a", "link", "127.0.0.1:1"))]
    decision = Decision(events=tuple(opened("i", "point:a", "a")))
    events = await investigate(points, collector, decision, wanted=len(recorded))
    found = [event.data["evidence"]["samples"] for event in events]
    assert found == [[seen("a", **each) for each in samples] for samples in recorded]


async def test_a_name_that_does_not_exist() -> None:
    async with name_server(always(rcode="NXDOMAIN")) as names:
        found = await collect(point("a", endpoint("a", "link", "b.thu.test:443")), {}, [names.server])
    assert [(each["ok"], each["reason"]) for each in found["resolution"]] == [(False, "dns")]


async def test_a_glance_at_a_host_that_hangs_says_so() -> None:
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for _ in range(3):  # its queue is full: who comes next gets no answer
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        async with Network(servers=[]) as network:
            collector = Collector(network=network, servers=[("127.0.0.1", 9)], clock=now)
            subject = point("a", endpoint("a", "link", f"127.0.0.1:{port}"))
            found = await collector.collect(subject, {}, step_seconds=GLANCE_SECONDS)
    told, again = glanced(found)
    assert told["tcp"][0]["reason"] == "timeout"
    assert told["ping"]["received"] == 5
    assert again


async def test_who_is_looked_into() -> None:
    points = [point(name, endpoint(name, "link", "127.0.0.1:1")) for name in "abcde"]
    anchor = point("gate", endpoint("gate", "link", "127.0.0.1:1"), kind="anchor")
    undeclared = point("later", replace(endpoint("later", "link", "x.example:1"), declared=False))
    decision = Decision(
        events=(
            *opened("own", "point:b", "a", "b"),
            *opened("label", "label:provider=X", "a", "later", "c", "d", "e"),
            *opened("cut", "vantage:", "a"),
            *opened("gone", "point:unknown", "e"),
        )
    )
    recorded = await investigate([*points, anchor, undeclared], Slow(), decision)
    looked = {event.incident: [each["point"] for each in event.data["evidence"]["samples"]] for event in recorded}
    assert looked == {"own": ["b"], "label": ["a", "c"], "cut": ["gate"], "gone": ["e"]}


async def test_the_last_good_result_is_remembered_until_the_endpoint_is_gone() -> None:
    subject = point("a", endpoint("a", "link", "127.0.0.1:1"))
    known: list[Mapping[EndpointKey, Result]] = []

    class Watching(Slow):
        async def collect(
            self, subject: Point, last_good: Mapping[EndpointKey, Result], *, step_seconds: float
        ) -> dict[str, Any]:
            known.append(dict(last_good))
            return seen(subject.id)

    key = EndpointKey("a", "link")
    investigator = Investigator(
        Config(points=(subject,)), collector=Watching(), record=lambda *, events: None, clock=now, make_id=lambda: "e"
    )
    investigator.on_result(good(key, "127.0.0.1"))
    investigator.on_result(replace(good(key, ""), reason=Reason.TIMEOUT))

    async def run() -> None:
        investigator.on_decision(Decision(events=tuple(opened("own", "point:a", "a"))))
        async with asyncio.TaskGroup() as tasks:
            work = tasks.create_task(investigator.run())
            while not known:  # noqa: ASYNC110  (it tells nobody else)
                await asyncio.sleep(0.005)
            work.cancel()

    await run()
    assert known[0][key].address == "127.0.0.1"
    investigator.reload(Config())
    known.clear()
    investigator.reload(Config(points=(subject,)))
    await run()
    assert known == [{}]
