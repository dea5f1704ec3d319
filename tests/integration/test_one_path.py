"""From due to recorded, all of it real: schedule, runner, tcp prober, pipeline, board, recorder, SQLite, sockets."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from itertools import pairwise
from pathlib import Path

from monitor.board import Applied, Board
from monitor.config.model import Config, Endpoint, Module, Point
from monitor.field.authority import Authority
from monitor.field.hosts import Conduct, Host, Serving, State
from monitor.field.network import SimulatedNetwork
from monitor.incidents.model import Decision
from monitor.model import EndpointKey, Reason, Result, Status, Transition
from monitor.pipeline import Pipeline
from monitor.probes.network import Network
from monitor.probes.tcp import TcpOptions
from monitor.runner import Runner
from monitor.schedule import Pulse, Schedule
from monitor.storage.recorder import Recorder
from monitor.storage.spool import Spool
from monitor.storage.store import Store
from tests.quiet import NoIncidents, NoMessages

CONNECT = Module(name="tcp", prober="tcp", options=TcpOptions(preferred_ip_protocol="ip4"))
READY = Module(
    name="ready", prober="tcp", options=TcpOptions.model_validate({"query_response": [{"expect": "^ready"}]})
)


def now() -> datetime:
    return datetime.now(UTC)


def point(name: str, target: str, *, timeout: float, interval: float, module: Module = CONNECT) -> Point:
    link = Endpoint(
        key=EndpointKey(name, "link"),
        name="link",
        target=target,
        module=module,
        interval=timedelta(seconds=interval),
        timeout=timedelta(seconds=timeout),
        retry_every=timedelta(milliseconds=50),
        down_after=3,
        up_after=2,
        link=True,
        critical=True,
        declared=True,
        fingerprint=target,
    )
    return Point(id=name, name=name, kind="ward", endpoints=(link,))


@dataclass
class Seen:
    """An observer that keeps what it hears."""

    results: list[Result] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)

    def on_result(self, result: Result) -> None:
        self.results.append(result)

    def on_decision(self, decision: Decision) -> None:
        self.transitions += decision.transitions

    def counts(self) -> Counter[str]:
        return Counter(result.key.point for result in self.results)


@dataclass
class House:
    board: Board
    schedule: Schedule
    seen: Seen
    store: Store
    gaps: list[tuple[datetime, datetime]]


@asynccontextmanager
async def house(
    points: Sequence[Point], directory: Path, servers: Sequence[tuple[str, int]] = ()
) -> AsyncIterator[House]:
    """The program without its web: everything runs until the block ends, then all is written."""
    config = Config(points=tuple(points))
    board, seen = Board(config, clock=now), Seen()
    store = Store(f"sqlite:///{directory}/monitor.db")
    recorder = Recorder(store=store, spool=Spool(directory / "spool", 4 * 1024 * 1024), clock=now)
    pipeline = Pipeline(
        board=board,
        register=NoIncidents(),
        herald=NoMessages(),
        results=recorder,
        journal=recorder,
        clock=now,
        observers=[seen],
    )
    gaps: list[tuple[datetime, datetime]] = []
    pulse = Pulse(clock=now, on_gap=lambda begin, end: gaps.append((begin, end)))
    async with Network(servers=servers) as network:
        runner = Runner(network=network, vantage="local", pulse=pulse, clock=now)

        async def probe(endpoint: Endpoint) -> Applied:
            return pipeline.accept(await runner.run(endpoint))

        schedule = Schedule(probe=probe, pulse=pulse, clock=now, age=pipeline.age)
        schedule.load(config.endpoints())
        try:
            async with asyncio.TaskGroup() as group:
                recording = group.create_task(recorder.run())
                writing = group.create_task(pipeline.run())
                probing = group.create_task(schedule.run())
                yield House(board, schedule, seen, store, gaps)
                probing.cancel()
                pipeline.close()
                await writing
                recorder.close()
                await recording
        finally:
            await store.close()


async def until(condition: Callable[[], bool]) -> None:
    """Let the others run until it holds; the test's own time limit is the only bound."""

    async def look() -> bool:
        await asyncio.sleep(0.01)
        return condition()

    while not await look():
        pass


def free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


async def test_the_healthy_are_probed_beside_forty_that_hang_and_forty_without_a_name(tmp_path: Path) -> None:
    domain = "ward.lienthong.example"
    port, names_port = free_port("127.78.0.1"), free_port("127.78.1.1")
    names = [f"w{number}.{domain}" for number in range(156)]
    hanging, nameless, healthy = names[:40], names[40:80], names[80:]
    hosts = {
        name: Host(name, IPv4Address("127.78.0.1") + number, name, {port: Serving.TCP})
        for number, name in enumerate(names)
    }
    hosts["dns"] = Host("dns", IPv4Address("127.78.1.1"), "dns", {names_port: Serving.DNS})
    points = [point(name, f"{name}:{port}", timeout=1.5, interval=2) for name in names]
    async with SimulatedNetwork(hosts, authority=Authority()) as network:
        for name in hanging:
            network.set_state(name, State(Conduct.HANG))
        for name in nameless:
            network.set_state(name, State(Conduct.NAMELESS))
        async with house(points, tmp_path, [("127.78.1.1", names_port)]) as built:
            seen = built.seen
            await until(lambda: min(seen.counts()[name] for name in healthy) >= 6)
            counts = sorted(seen.counts()[name] for name in healthy)
            # What fails has its neighbours probed beside their turn: every other point here. The rest keep their pace.
            assert counts[len(healthy) // 2 - 1] <= 2 * counts[0], "nobody is left behind"
            by_point = {name: [each for each in seen.results if each.key.point == name] for name in names}
            for name in healthy:
                assert {each.reason for each in by_point[name]} == {Reason.OK}
            for name in hanging:
                assert {each.reason for each in by_point[name]} <= {Reason.TIMEOUT, Reason.STALLED}
            for name in nameless:
                assert {each.reason for each in by_point[name]} == {Reason.DNS}
            await until(lambda: all(built.board.points()[name].status is Status.DOWN for name in hanging + nameless))
            assert all(built.board.points()[name].status is Status.UP for name in healthy)
            await until(lambda: {each.key.point for each in seen.transitions} == set(names))
            begins = [each.begun for each in by_point[healthy[0]]]
            assert all(before < after for before, after in pairwise(begins))
            shown = list(seen.transitions)
        reopened = Store(f"sqlite:///{tmp_path}/monitor.db")
        begin, end = now() - timedelta(hours=1), now() + timedelta(hours=1)
        stored = await reopened.transitions(begin, end, limit=10_000)
        assert {(each.key, each.at, each.status) for each in stored} >= {
            (each.key, each.at, each.status) for each in shown
        }
        kept = await reopened.results(EndpointKey(healthy[0], "link"), begin, end)
        assert len(kept) == seen.counts()[healthy[0]]
        await reopened.close()


async def probe_for_ever(directory: Path, targets: Sequence[str]) -> None:
    """What the stopped program does: it says on stdout what it finds, a line a result and a transition."""
    points = [
        point(f"w{number}", target, timeout=1.0, interval=1.2, module=READY) for number, target in enumerate(targets)
    ]
    async with house(points, directory) as built:
        told = transitions = gaps = 0
        while True:
            seen = built.seen
            lines = [
                {"point": each.key.point, "reason": each.reason, "lagged": each.lagged} for each in seen.results[told:]
            ]
            lines += [{"point": each.key.point, "status": each.status} for each in seen.transitions[transitions:]]
            lines += [{"gap": (end - begin).total_seconds()} for begin, end in built.gaps[gaps:]]
            told, transitions, gaps = len(seen.results), len(seen.transitions), len(built.gaps)
            for line in lines:
                os.write(1, json.dumps(line).encode() + b"\n")
            await asyncio.sleep(0.01)


async def test_a_program_that_is_stopped_and_goes_on_finds_nothing_down(tmp_path: Path) -> None:
    """SIGSTOP while probes of slow hosts are under way, longer than their timeout; then SIGCONT."""

    served: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.add(writer)
        await asyncio.sleep(0.4)
        writer.write(b"ready\n")
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        served.discard(writer)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        target = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        told = await asyncio.to_thread(stop_and_go_on, tmp_path, [target] * 30)
        await until(lambda: not served)
    gaps = [line["gap"] for line in told if "gap" in line]
    assert gaps, "the time in which nobody looked is told"
    assert max(gaps) > 2
    reasons = Counter(line["reason"] for line in told if "reason" in line)
    assert set(reasons) <= {Reason.OK, Reason.STALLED}
    assert any(line["reason"] == Reason.STALLED or line["lagged"] for line in told if "reason" in line)
    statuses = {line["status"] for line in told if "status" in line}
    assert statuses <= {Status.UP, Status.UNKNOWN}, "unknown: nobody looked for longer than a status holds"


def stop_and_go_on(directory: Path, targets: Sequence[str]) -> list[dict[str, object]]:
    """Every line that the program told, until all were probed twice after it was stopped for three seconds."""
    told: list[dict[str, object]] = []
    command = [sys.executable, __file__, str(directory), *targets]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as program:
        assert program.stdout is not None
        try:
            for again in (False, True):
                counts: Counter[object] = Counter()
                if again:
                    program.send_signal(signal.SIGSTOP)
                    # The stop has to outlast the probes' timeout: the one wait in these tests that is of the essence.
                    signal.sigtimedwait([], 3)
                    program.send_signal(signal.SIGCONT)
                while len(counts) < len(targets) or min(counts.values()) < 2:
                    line = json.loads(program.stdout.readline())
                    told.append(line)
                    if "reason" in line:
                        counts[line["point"]] += 1
        finally:
            program.kill()
    return told


if __name__ == "__main__":
    asyncio.run(probe_for_ever(Path(sys.argv[1]), sys.argv[2:]))
