"""What cannot decide is told of once, and once more when it holds."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.integration.scenarios.inventory import Inventory
from tests.integration.scenarios.world import World

Begin = Callable[..., Awaitable[World]]
FLAPPING: dict[str, Any] = {"flapping": {"window": "20s", "enter": 4, "leave": 0}}


async def toggle(world: World, names: Sequence[str], watched: str, down: str, times: int) -> None:
    for _ in range(times):
        await world.order(names, "refuse")
        await world.until_status(watched, down)
        await world.order(names)
        await world.until_status(watched, "up")


async def test_a_flapping_ward(begin: Begin) -> None:
    inventory = Inventory(interval="500ms", timeout="200ms", more=FLAPPING).wards(6).anchors()
    world = await begin(inventory)
    await toggle(world, ["ward-2"], "ward-2", "down", 5)

    async def holds() -> bool:
        return "steady point:ward-2" in world.receiver.told

    await world.until(holds, "it holds again")
    await world.quiet()
    told = world.receiver.told
    # Down, up, down: the fourth change within the window is one too many.
    assert told == [f"{kind} point:ward-2" for kind in ("opened", "recovered", "opened", "flapping", "steady")]
    assert [each["fault"]["subject"] for each in await world.incidents()] == ["ward-2", "ward-2"]
    point = await world.get("/api/v1/points/ward-2")
    assert not point["flapping"]
    assert world.calm_at is not None
    assert set(await world.spent("ward-2", world.calm_at, datetime.now(UTC))) <= {"up", "down", "faulty"}


async def test_a_flapping_parent(begin: Begin) -> None:
    inventory = Inventory(interval="500ms", timeout="200ms", more=FLAPPING).add("circuit-1", "circuit")
    inventory.wards(5, depends_on=["circuit-1"]).wards(15, begin=6).anchors()
    world = await begin(inventory)
    children = [f"ward-{number}" for number in range(1, 6)]
    await toggle(world, ["circuit-1", *children], "circuit-1", "down", 5)

    async def holds() -> bool:
        return "steady point:circuit-1" in world.receiver.told

    await world.until(holds, "it holds again")
    await world.quiet()
    told = world.receiver.told
    *before, flapping, steady = told
    assert (flapping, steady) == ("flapping point:circuit-1", "steady point:circuit-1")
    turns = ["opened point:circuit-1", "recovered point:circuit-1"] * 2
    assert before == turns[: len(before)], "the children are only affected"
    assert {each["fault"]["subject"] for each in await world.incidents()} == {"circuit-1"}
    for child in children:
        spent = await world.spent(child, world.calm_at, datetime.now(UTC))
        assert spent["unreachable"] > 0
        assert "down" not in spent, (child, spent)
