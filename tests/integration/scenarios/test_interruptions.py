"""The program dies, sleeps, is reloaded, its clock is set: nothing is lost, nothing told twice, nothing made up."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.scenarios.inventory import Inventory
from tests.integration.scenarios.world import World

Begin = Callable[..., Awaitable[World]]


def some() -> Inventory:
    return Inventory().wards(8).anchors()


async def test_killed_at_random_points_of_an_incident(begin: Begin) -> None:
    world = await begin(some())
    moments = random.Random(412)
    await world.order("ward-2", "refuse")
    for _ in range(7):
        await asyncio.sleep(moments.uniform(0, 1.5))
        await world.kill()
        await world.start()
    await world.told(1)
    await world.until_status("ward-2", "down")
    await world.quiet()
    assert world.receiver.told == ["opened point:ward-2"]
    (incident,) = await world.incidents()
    await world.heal()
    for _ in range(3):
        await asyncio.sleep(moments.uniform(0, 1.5))
        await world.kill()
        await world.start()
    assert await world.told(2) == ["opened point:ward-2", "recovered point:ward-2"]
    await world.calm()
    await world.quiet()
    assert len(world.receiver.told) == 2
    (closed,) = await world.incidents()
    assert closed["number"] == incident["number"]
    await world.proves(closed["number"], "down", also=("faulty", "unobserved"))


async def test_a_restart_in_the_middle_goes_on_with_the_same_incident(begin: Begin) -> None:
    world = await begin(some())
    await world.order("ward-2", "refuse")
    await world.told(1)
    (before,) = await world.incidents("open")
    await world.end()
    await world.start()
    await world.until_status("ward-2", "down")
    await world.quiet()
    (after,) = await world.incidents()
    assert (after["number"], after["began"]) == (before["number"], before["began"])
    assert world.receiver.told == ["opened point:ward-2"]
    await world.heal()
    assert await world.told(2) == ["opened point:ward-2", "recovered point:ward-2"]
    await world.proves(after["number"], "down", also=("faulty", "unobserved"))


async def test_an_outage_that_ends_while_the_program_is_dead(begin: Begin) -> None:
    world = await begin(some())
    await world.order("ward-2", "refuse")
    await world.told(1)
    await world.kill()
    died = datetime.now(UTC)
    await world.heal()
    await world.start()
    restarted = datetime.now(UTC)
    assert await world.told(2) == ["opened point:ward-2", "recovered point:ward-2"]
    facts = world.receiver.letters[-1]["items"][0]["data"]
    assert facts["not_before"] is not None
    assert datetime.fromisoformat(facts["not_before"]) <= died
    assert datetime.fromisoformat(facts["recovered"]) <= restarted + timedelta(seconds=30)
    (incident,) = await world.incidents()
    await world.proves(incident["number"], "down", also=("faulty", "unobserved"))
    dead = await world.spent("ward-2", died, restarted)
    assert dead["unobserved"] > 0, "nobody watched"


async def test_a_reload_in_the_middle_tells_nothing(begin: Begin) -> None:
    world = await begin(some())
    await world.order(["ward-2", "ward-3"], "refuse")
    await world.told(2)
    world.inventory.points[1]["name"] = "Another name"
    del world.inventory.points[2]
    await world.reload()
    await world.quiet()
    assert sorted(world.receiver.told) == ["opened point:ward-2", "opened point:ward-3"]
    kept, removed = sorted(await world.incidents(), key=lambda incident: str(incident["fault"]["subject"]))
    assert kept["closed"] is None
    assert removed["closed_why"] == "removed"
    await world.heal()
    assert (await world.told(3))[2:] == ["recovered point:ward-2"]
    await world.proves(kept["number"], "down")


@pytest.mark.parametrize("hours", [1, -1])
async def test_the_clock_is_set_in_the_middle(begin: Begin, tmp_path: Path, hours: int) -> None:
    """The wall clock jumps by an hour; the monotonic clock, by which everything is paced, does not."""
    world = await begin(some())
    await world.end()
    offset = tmp_path / "offset"
    offset.write_text("+0")
    world.environment = {
        "LD_PRELOAD": str(library()),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # else the program would sleep an hour
    }
    await world.start()
    await world.calm()
    await world.order("ward-2", "refuse")
    await world.told(1)
    offset.write_text(f"{hours * 3600:+d}")
    await world.quiet(rounds=6)
    assert world.receiver.told == ["opened point:ward-2"]
    assert (await world.statuses())["ward-2"] == "down"
    (incident,) = await world.incidents("open")
    await world.heal()
    await world.calm()
    assert await world.told(2) == ["opened point:ward-2", "recovered point:ward-2"]
    (closed,) = await world.incidents()
    assert closed["number"] == incident["number"]
    assert world.calm_at is not None
    margin = timedelta(hours=2)
    down = (await world.spent("ward-2", world.calm_at - margin, datetime.now(UTC) + margin))["down"]
    assert 0 < down < 1800, "the hour that never was is no downtime"
    assert set(await world.spent("ward-1", world.calm_at - margin, datetime.now(UTC) + margin)) <= {
        "up",
        "unknown",
        "unobserved",
    }


def library() -> Path:
    """Debian's libfaketime."""
    (found,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    return found
