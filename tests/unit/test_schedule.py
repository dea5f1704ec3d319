"""The schedule on a simulated clock: every beat is five milliseconds, however long it takes."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from monitor.board import Applied
from monitor.config.model import Endpoint, Module
from monitor.model import EndpointKey
from monitor.probes.base import Options
from monitor.schedule import Pulse, Schedule, ScheduleStats, probes_at_once

BEGIN = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
TICK = 0.005
NOTHING = Applied()
SUSPECT = Applied(suspect=True)


def endpoint(name: str = "link", *, interval: float = 1.0, retry: float = 0.2, **others: object) -> Endpoint:
    plain = Endpoint(
        key=EndpointKey("ward-1", name),
        name=name,
        target="127.0.0.1:1",
        module=Module(name="tcp", prober="tcp", options=Options()),
        interval=timedelta(seconds=interval),
        timeout=timedelta(seconds=0.25),
        retry_every=timedelta(seconds=retry),
        down_after=3,
        up_after=2,
        link=True,
        critical=True,
        declared=True,
        fingerprint="1",
    )
    return replace(plain, **others)  # type: ignore[arg-type]


async def until(condition: Callable[[], bool]) -> None:
    """Let the others run until it holds."""
    for _ in range(10_000_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to that")


@dataclass
class World:
    """Time, and a network in which a probe takes ``seconds`` and says what ``answer`` says."""

    now: float = 500.0
    seconds: Mapping[str, float] = field(default_factory=dict)
    answer: Callable[[str, int], Applied] = lambda name, nth: NOTHING
    starts: dict[str, list[float]] = field(default_factory=dict)
    ends: dict[str, list[float]] = field(default_factory=dict)
    under_way: set[str] = field(default_factory=set)
    most_under_way: int = 0
    late: list[float] = field(default_factory=list)
    aged: list[datetime] = field(default_factory=list)
    before_start: Callable[[], None] | None = None
    schedule: Schedule = field(init=False)

    def build(self, **settings: int) -> Schedule:
        pulse = Pulse(clock=self.wall, monotonic=self.beat, tick=timedelta(0))
        self.schedule = Schedule(
            probe=self.probe,
            pulse=pulse,
            clock=self.wall,
            lateness=self,
            age=self.aged.append,
            monotonic=lambda: self.now,
            tick=timedelta(0),
            **settings,  # type: ignore[arg-type]
        )
        return self.schedule

    def beat(self) -> float:
        self.now += TICK
        return self.now

    def wall(self) -> datetime:
        return BEGIN + timedelta(seconds=self.now)

    def observe(self, amount: float) -> None:
        self.late.append(amount)
        if self.before_start is not None:
            asyncio.get_running_loop().call_soon(self.before_start)

    async def probe(self, endpoint: Endpoint) -> Applied:
        name = endpoint.key.endpoint
        assert name not in self.under_way, "probed twice at once"
        self.under_way.add(name)
        self.most_under_way = max(self.most_under_way, len(self.under_way))
        self.starts.setdefault(name, []).append(self.now)
        try:
            end = self.now + self.seconds.get(name, 0.0)
            await until(lambda: self.now >= end)
            self.ends.setdefault(name, []).append(self.now)
            return self.answer(name, len(self.starts[name]))
        finally:
            self.under_way.discard(name)

    async def run(self, seconds: float) -> None:
        end = self.now + seconds
        task = asyncio.ensure_future(self.schedule.run())
        while self.now < end:
            assert not task.done()
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert self.schedule.in_flight == 0


def on_grid(starts: list[float], interval: float) -> bool:
    """Every start lies within a tick or two of one grid."""
    first = starts[0]
    return all((start - first + 2 * TICK) % interval <= 4 * TICK for start in starts)


async def test_every_interval_once_without_drift() -> None:
    world = World(seconds={"link": 0.1})
    world.build().load([endpoint("link"), endpoint("dns"), endpoint("portal", interval=2)])
    await world.run(60)
    assert [len(world.starts[name]) for name in ("link", "dns", "portal")] == [60, 60, 30]
    assert on_grid(world.starts["link"], 1)
    assert on_grid(world.starts["dns"], 1)
    assert world.schedule.stats == ScheduleStats(started=150)
    assert len(world.late) == 150
    assert 0 <= min(world.late) <= max(world.late) <= 2 * TICK
    assert len(world.aged) in (59, 60), "staleness is judged each second"


async def test_what_is_not_declared_is_not_probed() -> None:
    world = World()
    world.build().load([endpoint("link"), endpoint("dns", declared=False)])
    await world.run(3)
    assert set(world.starts) == {"link"}


async def test_a_probe_longer_than_its_interval_is_never_doubled_and_not_made_up_for() -> None:
    world = World(seconds={"link": 2.5})
    world.build().load([endpoint("link")])
    await world.run(30)
    assert len(world.starts["link"]) == 10
    assert on_grid(world.starts["link"], 1)
    assert world.schedule.stats.missed == 20


async def test_a_suspect_is_probed_again_after_the_probes_end_and_the_grid_stands() -> None:
    world = World(seconds={"link": 0.1}, answer=lambda name, nth: SUSPECT if nth in (3, 4) else NOTHING)
    world.build().load([endpoint("link")])
    await world.run(10)
    starts, ends = world.starts["link"], world.ends["link"]
    assert len(starts) == 12
    for again in (3, 4):
        assert 0.2 <= starts[again] - ends[again - 1] <= 0.2 + 2 * TICK
    assert on_grid(starts[:3] + starts[5:], 1)
    assert world.schedule.stats.missed == 0


async def test_a_grid_time_while_a_probe_again_is_pending_is_that_probes() -> None:
    """Else the grid would hurry a confirmation that is to take ``retry_every`` between two failures."""
    world = World(answer=lambda name, nth: SUSPECT)
    world.build().load([endpoint("link", retry=0.7)])
    await world.run(20)
    starts = world.starts["link"]
    assert min(after - before for before, after in pairwise(starts)) >= 0.7


async def test_a_retry_longer_than_the_interval_does_not_slow_the_endpoint_down() -> None:
    world = World(answer=lambda name, nth: SUSPECT)
    world.build().load([endpoint("link", retry=5)])
    await world.run(20)
    assert len(world.starts["link"]) >= 19


TWICE = {("link", 2), ("link", 3)}


async def test_what_is_hastened_while_under_way_is_probed_again_after_its_end() -> None:
    """What it asked before the link came back says nothing of now."""
    hastening = Applied(hasten=(EndpointKey("ward-1", "portal"),))
    world = World(seconds={"portal": 3}, answer=lambda name, nth: hastening if (name, nth) in TWICE else NOTHING)
    world.build().load([endpoint("link", interval=1), endpoint("portal", interval=1000, retry=1)])
    await world.run(30)
    first, second = world.starts["portal"]
    assert 3.9 < second - first < 4.1, "a second after the end of the one that was under way"


async def test_hastened_are_probed_at_once_and_nobody_hastens_itself() -> None:
    world = World(
        seconds={"portal": 30},
        answer=lambda name, nth: (
            Applied(
                hasten=(
                    EndpointKey("ward-1", "dns"),
                    EndpointKey("ward-1", "portal"),
                    EndpointKey("ward-1", "link"),
                    EndpointKey("nowhere", "link"),
                )
            )
            if name == "link"
            else NOTHING
        ),
    )
    world.build().load([endpoint("link", interval=10), endpoint("dns", interval=1000), endpoint("portal", interval=20)])
    await world.run(60)
    assert len(world.starts["dns"]) in (6, 7)
    for link in world.starts["link"]:
        assert any(0 <= dns - link <= 2 * TICK for dns in world.starts["dns"])
    assert len(world.starts["link"]) == 6


async def test_starts_are_bounded_a_tick_and_probes_at_once() -> None:
    """Two hundred in a burst: none is lost, none is hurried past the bounds, and lateness says so."""
    names = [f"e{n}" for n in range(200)]
    world = World(seconds=dict.fromkeys(names, 0.06))
    world.build(starts_per_tick=7, in_flight_limit=20).load(endpoint(name, interval=0.5) for name in names)
    await world.run(5)
    counts = [len(world.starts[name]) for name in names]
    assert max(counts) - min(counts) <= 2
    assert world.most_under_way == 20
    per_instant: dict[float, int] = {}
    for starts in world.starts.values():
        for start in starts:
            per_instant[start] = per_instant.get(start, 0) + 1
    assert max(per_instant.values()) <= 7


async def test_overload_shows_as_lateness_and_missed_slots() -> None:
    names = [f"e{n}" for n in range(50)]
    world = World(seconds=dict.fromkeys(names, 0.4))
    world.build(in_flight_limit=4).load(endpoint(name, interval=1) for name in names)
    await world.run(60)
    assert world.most_under_way == 4
    assert max(world.late) > 1
    counts = [len(world.starts[name]) for name in names]
    assert max(counts) - min(counts) <= 2, "the oldest goes first, so nobody starves"
    assert world.schedule.stats.missed > 0


async def test_after_a_standstill_each_is_probed_once() -> None:
    world = World()
    world.build().load([endpoint("link"), endpoint("dns")])
    await world.run(5)
    before = len(world.starts["link"])
    world.now += 60
    await world.run(5)
    assert len(world.starts["link"]) - before in (5, 6)
    assert on_grid(world.starts["link"][before + 1 :] + world.starts["link"][:before], 1)


async def test_a_reload_keeps_phase_and_the_probe_under_way_and_forgets_what_changed() -> None:
    world = World(seconds={"link": 0.5, "dns": 0.5, "portal": 0.5})
    schedule = world.build()
    everyone = [endpoint(name, interval=2) for name in ("link", "dns", "portal", "exchange")]
    schedule.load(everyone)
    task = asyncio.ensure_future(schedule.run())
    await until(lambda: len(world.starts) == 4 and world.under_way == {"link"})
    ends = len(world.ends["link"])
    phase = world.starts["link"][0]
    schedule.load([endpoint("link", interval=2, down_after=5), endpoint("portal", interval=3)])
    assert "link" in world.under_way
    await until(lambda: min(len(world.starts["link"]), len(world.starts["portal"])) >= 5)
    assert world.ends["link"][ends:], "the probe under way ended and brought its result"
    assert (world.starts["link"][-1] - phase + 2 * TICK) % 2 <= 4 * TICK
    assert on_grid(world.starts["portal"][-3:], 3)
    gone = len(world.starts["exchange"])
    await until(lambda: "link" in world.under_way)
    ended = len(world.ends["link"])
    schedule.load([endpoint("link", interval=2, fingerprint="2")])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert "link" not in world.under_way
    assert len(world.ends["link"]) == ended, "a result of the old address is dropped"
    await until(lambda: len(world.ends["link"]) > ended)
    assert len(world.starts["exchange"]) == gone
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_restart_makes_no_burst() -> None:
    """The first interval starts as many as any other."""
    world = World()
    world.build().load(endpoint(f"e{n}", interval=4) for n in range(400))
    await world.run(4.01)
    starts = sorted(start for starts in world.starts.values() for start in starts)
    assert len(starts) in range(400, 403)
    seconds = [sum(500 + n <= start < 501 + n for start in starts) for n in range(4)]
    assert max(seconds) < 150


async def test_a_result_that_cannot_be_accepted_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def answer(name: str, nth: int) -> Applied:
        if name == "link":
            raise ZeroDivisionError("a bug in the board")
        return NOTHING

    world = World(answer=answer)
    world.build().load([endpoint("link"), endpoint("dns")])
    await world.run(10)
    assert len(world.starts["link"]) == len(world.starts["dns"]) == 10
    assert world.schedule.stats.accept_failures == 10
    assert "a bug in the board" in caplog.text


async def test_staleness_that_cannot_be_judged_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def age(now: datetime) -> None:
        raise ZeroDivisionError("a bug in the board")

    world = World()
    pulse = Pulse(clock=world.wall, monotonic=world.beat, tick=timedelta(0))
    world.schedule = Schedule(
        probe=world.probe,
        pulse=pulse,
        clock=world.wall,
        age=age,
        monotonic=lambda: world.now,
        tick=timedelta(0),
    )
    world.schedule.load([endpoint("link")])
    await world.run(5)
    assert len(world.starts["link"]) == 5
    assert "a bug in the board" in caplog.text


@pytest.mark.parametrize(("descriptors", "probes"), [(1024, 768), (20_000, 19_744), (256, 128), (1, 1), (-1, 65_536)])
def test_probes_at_once_follow_the_limit_of_open_files(descriptors: int, probes: int) -> None:
    assert probes_at_once(descriptors) == probes


def test_probes_at_once_of_this_process() -> None:
    assert probes_at_once() >= 1


async def test_a_probe_that_is_forgotten_before_it_began_takes_no_place() -> None:
    """A reload in the very tick that started it."""
    world = World()
    schedule = world.build(in_flight_limit=1)

    def reload() -> None:
        world.before_start = None
        schedule.load([endpoint("dns")])

    world.before_start = reload
    schedule.load([endpoint("link")])
    await world.run(5)
    assert "link" not in world.starts
    assert len(world.starts["dns"]) >= 3
