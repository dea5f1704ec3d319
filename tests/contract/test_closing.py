"""Days are closed once they are over, again where they come out otherwise, and add up to what the ledger reckons."""

from datetime import UTC, date, datetime, timedelta

import pytest

from monitor.config.model import Area, Config, Endpoint, Module, Point
from monitor.ledger import uptime
from monitor.model import EndpointKey, Flag, FlagChange, Status, Transition
from monitor.probes.tcp import TcpOptions
from monitor.storage.closing import Closing
from monitor.storage.days import ClosedDay
from monitor.storage.store import Store
from monitor.web.uptimes import reckon

HANOI = timedelta(hours=7)
BEGIN = datetime(2026, 3, 1, 8, 0, tzinfo=UTC) - HANOI
"""Eight in the morning of 1 March."""
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def point(name: str, *, declared: bool = True) -> Point:
    link = Endpoint(
        key=EndpointKey(name, "link"), name="", target="x:1", interval=HOUR, timeout=HOUR, retry_every=HOUR,
        module=Module(name="tcp", prober="tcp", options=TcpOptions()), down_after=3, up_after=2, link=True,
        critical=True, declared=declared, fingerprint="",
    )  # fmt: skip
    return Point(id=name, name=name.upper(), kind="ward", area="north", endpoints=(link,))


def row(
    name: str, at: datetime, status: Status, previous: Status = Status.UNKNOWN, *, late: timedelta = HOUR / 60
) -> Transition:
    return Transition(
        key=EndpointKey(name, ""), at=at, recorded_at=at + late, status=status, previous=previous,
        first=previous is Status.UNKNOWN,
    )  # fmt: skip


class World:
    """A program's life on a store, with a clock that is set."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = BEGIN
        self.settled = True
        self.config = Config(points=(point("a"), point("b")), areas=(Area(id="north", name="Bắc", column=1, row=1),))
        self.closing = Closing(
            store=store, config=lambda: self.config, settled=lambda: self.settled, clock=lambda: self.now
        )

    async def live(self) -> None:
        """It runs from the morning on; ``a`` is cut off over midnight, ``b`` has planned work in the night."""
        run = await self.store.begin_run("local", BEGIN)
        await self.store.write_entries(
            [
                row("a", BEGIN, Status.UP),
                row("b", BEGIN + HOUR, Status.UP),
                row("a", BEGIN + 15 * HOUR, Status.DOWN, Status.UP),
                row("a", BEGIN + 17 * HOUR, Status.FAULTY, Status.DOWN),
                row("a", BEGIN + 18 * HOUR, Status.UP, Status.FAULTY),
                FlagChange(
                    key=EndpointKey("b", ""), flag=Flag.MAINTENANCE, on=True, at=BEGIN + 14 * HOUR, recorded_at=BEGIN
                ),
                FlagChange(
                    key=EndpointKey("b", ""), flag=Flag.MAINTENANCE, on=False, at=BEGIN + 20 * HOUR, recorded_at=BEGIN
                ),
            ]
        )
        await self.store.mark_alive(run, BEGIN + 40 * HOUR)

    async def days(self) -> dict[tuple[str, int], dict[str, float]]:
        """Hours by status, of each point and day of March; those that are zero left out."""
        return {(each.point, each.day.day): hours(each) for each in await self.rows()}

    async def rows(self) -> list[ClosedDay]:
        return list(await self.store.closed_days(date(2026, 1, 1), date(2027, 1, 1)))


def hours(day: ClosedDay) -> dict[str, float]:
    spent = {str(status): length / HOUR for status, length in day.spent.items() if length}
    return {**spent, **({"maintenance": day.maintenance / HOUR} if day.maintenance else {})}


@pytest.fixture
async def world(store: Store) -> World:
    made = World(store)
    await made.live()
    return made


async def test_a_day_is_closed_when_it_is_over(world: World) -> None:
    world.now = BEGIN + 16 * HOUR
    assert await world.closing.close() == 0
    world.now += HOUR / 4
    assert await world.closing.close() == 2
    assert await world.days() == {
        ("a", 1): {"unobserved": 8, "up": 15, "down": 1},
        ("b", 1): {"unobserved": 9, "up": 13, "maintenance": 2},
    }
    (first, _) = await world.rows()
    assert (first.name, first.kind, first.area, first.area_name) == ("A", "ward", "north", "Bắc")
    assert first.recorded_at == world.now
    assert await world.closing.close() == 0


async def test_what_was_missed_is_made_up_for_and_adds_up_to_the_uptime_of_the_whole(world: World) -> None:
    world.now = BEGIN + 4 * DAY
    assert await world.closing.close() == 8
    days = await world.days()
    assert days["a", 2] == {"down": 1, "faulty": 1, "up": 22}
    assert days["b", 2] == {"maintenance": 4, "up": 20}
    assert days["a", 3] == {"unobserved": 24}
    spans = {"whole": (BEGIN - 8 * HOUR, BEGIN + 88 * HOUR)}
    for name in ("a", "b"):
        whole = (await reckon(world.store, EndpointKey(name, ""), spans, world.now, "local"))["whole"]
        rows = [each for each in await world.rows() if each.point == name]
        spent = {status: sum((each.spent[status] for each in rows), timedelta()) for status in Status}
        planned = sum((each.maintenance for each in rows), timedelta())
        assert {status: whole.by_status[status] - whole.in_maintenance[status] for status in Status} == spent
        assert whole.maintenance == planned
    assert uptime([]).connectivity is None


async def test_what_is_found_out_late_is_appended(world: World) -> None:
    world.now = BEGIN + 2 * DAY
    await world.closing.close()
    before = await world.rows()
    late = row("a", BEGIN + 10 * HOUR, Status.DEGRADED, Status.UP, late=DAY)
    await world.store.write_entries([late])
    world.now += HOUR
    assert await world.closing.close() == 2
    assert (await world.days())["a", 1] == {"unobserved": 8, "up": 10, "degraded": 6}
    as_it_was = await world.store.closed_days(date(2026, 1, 1), date(2027, 1, 1), as_of=BEGIN + 2 * DAY)
    assert list(as_it_was) == before


async def test_a_week_later_a_day_is_left_alone(world: World) -> None:
    world.now = BEGIN + 10 * DAY
    await world.closing.close()
    await world.store.write_entries([row("a", BEGIN + HOUR, Status.DEGRADED, Status.UP, late=9 * DAY)])
    world.now += HOUR
    assert await world.closing.close() == 0
    assert (await world.days())["a", 1] == {"unobserved": 8, "up": 15, "down": 1}


async def test_days_on_which_nobody_looked_count_against_the_coverage(world: World) -> None:
    world.now = BEGIN + 2 * DAY
    await world.closing.close()
    world.now = BEGIN + 22 * DAY
    assert await world.closing.close() == 40
    assert [day for name, day in await world.days() if name == "a"] == list(range(1, 23))


async def test_nothing_is_closed_while_something_waits_in_the_spool(world: World) -> None:
    world.now, world.settled = BEGIN + 2 * DAY, False
    assert await world.closing.close() == 0
    world.settled = True
    assert await world.closing.close() == 4


async def test_a_point_that_is_taken_out_has_its_last_day_and_no_more(world: World) -> None:
    world.now = BEGIN + DAY
    await world.closing.close()
    world.config = Config(points=(point("a"), point("b", declared=False), point("c")))
    await world.store.write_entries([row("b", BEGIN + 30 * HOUR, Status.UNOBSERVED, Status.UP)])
    world.now = BEGIN + 4 * DAY
    await world.closing.close()
    days = await world.days()
    assert [day for name, day in days if name == "b"] == [1, 2]
    assert days["b", 2] == {"maintenance": 4, "up": 10, "unobserved": 10}
    assert [day for name, day in days if name == "a"] == [1, 2, 3, 4]
    assert [name for name, _ in days if name == "c"] == []


async def test_without_any_history_there_is_nothing_to_close(store: Store) -> None:
    world = World(store)
    world.now = BEGIN + 2 * DAY
    assert await world.closing.close() == 0
