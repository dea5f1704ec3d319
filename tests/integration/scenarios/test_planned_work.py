"""Planned work: what it covers is told of to nobody, and what outlasts it is."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.scenarios.inventory import Inventory
from tests.integration.scenarios.world import World

Begin = Callable[..., Awaitable[World]]


async def plan(world: World, *points: str, length: timedelta) -> datetime:
    """A window from now on; when it ends."""
    begin = datetime.now(UTC)
    end = begin + length
    window: dict[str, Any] = {"name": "Thay thiết bị", "points": list(points), "begin": begin.isoformat()}
    await world.post("/api/v1/maintenance", **window, end=end.isoformat())
    return end


async def covered(world: World, point: str) -> None:
    async def holds() -> bool:
        return bool((await world.get(f"/api/v1/points/{point}"))["maintenance"])

    await world.until(holds, f"{point} is in maintenance")


async def test_a_failure_inside_that_outlasts_it(begin: Begin) -> None:
    world = await begin(Inventory().wards(6).anchors())
    end = await plan(world, "ward-2", length=timedelta(seconds=6))
    await covered(world, "ward-2")
    cut = await world.order("ward-2", "refuse")
    await world.until_status("ward-2", "down")
    assert world.receiver.told == []
    assert await world.incidents() == []
    assert await world.told(1) == ["opened point:ward-2"]
    assert world.receiver.arrived[0] >= end
    (incident,) = await world.incidents()
    assert cut <= datetime.fromisoformat(incident["began"]) < end, "with the time of its first failure"
    spent = await world.spent("ward-2", cut - timedelta(seconds=1), end)
    assert (await world.booked("ward-2", cut, end))[0] is None, f"inside nothing counts: {spent}"
    await world.heal()
    assert await world.told(2) == ["opened point:ward-2", "recovered point:ward-2"]


async def test_down_before_and_back_inside(begin: Begin) -> None:
    world = await begin(Inventory().wards(6).anchors())
    await world.order("ward-2", "refuse")
    assert await world.told(1) == ["opened point:ward-2"]
    await plan(world, "ward-2", length=timedelta(minutes=10))
    await covered(world, "ward-2")
    (incident,) = await world.incidents("open")
    await world.heal()
    assert await world.told(2) == ["opened point:ward-2", "recovered point:ward-2"]
    assert [each["number"] for each in await world.incidents()] == [incident["number"]]
    shown = await world.proves(incident["number"], "down")
    began, recovered = (datetime.fromisoformat(shown[name]) for name in ("began", "recovered"))
    lost = await world.spent("ward-2", began, recovered)
    planned = await world.maintenance("ward-2", began, recovered)
    assert 0 < planned < sum(lost.values()), "only what lies before the window counts"
    assert (await world.booked("ward-2", began, recovered))[0] == 0
    assert (await world.booked("ward-2", recovered, datetime.now(UTC)))[0] is None


async def test_a_circuit_in_maintenance_covers_what_is_cut_off_only_because_of_it(begin: Begin) -> None:
    inventory = Inventory().add("circuit-1", "circuit").wards(4, depends_on=["circuit-1"]).wards(12, begin=5).anchors()
    world = await begin(inventory)
    await plan(world, "circuit-1", length=timedelta(minutes=10))
    await covered(world, "circuit-1")
    children = [f"ward-{number}" for number in range(1, 5)]
    await world.order(["circuit-1", *children], "refuse")
    await world.until_status(children, "unreachable")
    for child in children:
        await covered(world, child)
    await world.quiet()
    assert world.receiver.told == []
    await world.order(["circuit-1", *children[:3]])
    await world.until_status(children[:3], "up")
    await world.until_status("ward-4", "down")
    assert await world.told(1) == ["opened point:ward-4"]
    (incident,) = await world.incidents()
    assert incident["fault"]["subject"] == "ward-4"
    assert incident["closed"] is None
    assert world.calm_at is not None
    now = datetime.now(UTC)
    for child in children[:3]:
        assert (await world.spent(child, world.calm_at, now))["unreachable"] > 0, "recorded"
        assert (await world.booked(child, world.calm_at, now))[0] == 1, "and not counted"
    assert (await world.booked("ward-4", world.calm_at, now))[0] < 1, "by itself it counts"
    await world.heal()
    assert await world.told(2) == ["opened point:ward-4", "recovered point:ward-4"]


async def test_outside_its_hours_nobody_is_called(begin: Begin) -> None:
    shut = datetime.now(UTC).astimezone().strftime("%a")
    day = next(each for each in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun") if each not in _near(shut))
    inventory = Inventory().wards(6).anchors()
    inventory.points[1]["hours"] = f"{day} 08:00-08:01"
    world = await begin(inventory)
    await world.order(["ward-2"], "refuse")
    await world.until_status("ward-2", "down")
    await world.quiet()
    assert world.receiver.told == []
    (incident,) = await world.incidents("open")
    assert incident["fault"]["subject"] == "ward-2", "recorded and shown"
    inventory.points[1]["hours"] = "24/7"
    await world.reload()
    assert await world.told(1) == ["opened point:ward-2"], "at opening, what is still down is told"
    await world.heal()
    assert await world.told(2) == ["opened point:ward-2", "recovered point:ward-2"]
    await world.proves(incident["number"], "down")


def _near(day: str) -> tuple[str, ...]:
    """The day and its neighbours, whatever the machine's zone."""
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    place = days.index(day)
    return (day, days[place - 1], days[(place + 1) % 7])
