"""One point fails by itself: told once, with the right words, and booked exactly."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from tests.integration.scenarios.inventory import LINK_PORT, WEB_PORT, Inventory, web
from tests.integration.scenarios.world import World

Begin = Callable[..., Awaitable[World]]


def some(**more: object) -> Inventory:
    return Inventory(**more).wards(6).anchors()  # type: ignore[arg-type]


@pytest.mark.parametrize("conduct", ["refuse", "hang"])
async def test_one_ward_down_and_back(begin: Begin, conduct: str) -> None:
    world = await begin(some())
    cut = await world.order("ward-2", conduct)
    assert await world.told(1) == ["opened point:ward-2"]
    assert (await world.statuses())["ward-2"] == "down"
    back = await world.heal()
    assert await world.told(2) == ["opened point:ward-2", "recovered point:ward-2"]
    await world.quiet()
    assert world.receiver.envelopes == 2
    (incident,) = await world.incidents()
    assert (incident["fault"]["kind"], incident["fault"]["subject"], incident["severity"]) == (
        "point",
        "ward-2",
        "critical",
    )
    began, recovered = (datetime.fromisoformat(incident[name]) for name in ("began", "recovered"))
    assert cut <= began
    assert back <= recovered
    await world.proves(1, "down")
    assert set(await world.spent("ward-1", cut, datetime.now(UTC))) == {"up"}


async def test_a_blip_shorter_than_confirmation_is_no_incident(begin: Begin) -> None:
    world = await begin(some(down_after=40))
    await world.order("ward-1", "refuse")

    async def suspected() -> bool:
        return bool((await world.get("/api/v1/points/ward-1"))["suspect"])

    await world.until(suspected, "a first failure")
    await world.heal()
    await world.calm()
    await world.quiet()
    assert world.receiver.told == []
    assert await world.incidents() == []
    assert set(await world.spent("ward-1", world.calm_at, datetime.now(UTC))) == {"up"}


async def test_a_page_down_behind_a_good_link_is_a_service_fault(begin: Begin) -> None:
    world = await begin(Inventory().wards(5, endpoints={"portal": web()}).anchors())
    await world.order("ward-3", "error", port=WEB_PORT)
    assert await world.told(1) == ["opened point:ward-3"]
    assert (await world.statuses())["ward-3"] == "faulty"
    (incident,) = await world.incidents()
    assert incident["severity"] == "warning"
    await world.heal()
    assert await world.told(2) == ["opened point:ward-3", "recovered point:ward-3"]
    await world.calm()
    await world.proves(1, "faulty", also=())
    assert (await world.booked("ward-3", world.calm_at, datetime.now(UTC)))[0] == 1, "connected all the while"


async def test_a_failing_link_with_an_answer_behind_it_is_degraded(begin: Begin) -> None:
    world = await begin(Inventory().wards(5, endpoints={"portal": web()}).anchors())
    await world.order("ward-3", "refuse", port=LINK_PORT)
    assert await world.told(1) == ["opened point:ward-3"]
    await world.until_status("ward-3", "degraded")
    (incident,) = await world.incidents()
    assert incident["severity"] == "info"
    await world.heal()
    assert await world.told(2) == ["opened point:ward-3", "recovered point:ward-3"]
    await world.calm()
    await world.proves(1, "degraded", also=())


async def test_a_point_added_that_was_never_up_is_told_of_late(begin: Begin) -> None:
    world = await begin(some())
    await world.order("ward-6", "refuse")
    await world.told(1)
    world.inventory.points.append({"id": "late", "name": "Late", "kind": "ward", "host": "ward-6.thu.test"})
    await world.reload()
    assert (await world.told(2))[1:] == ["opened never:2"]
    point = await world.get("/api/v1/points/late")
    assert point["never"]
    await world.heal()
    assert sorted((await world.told(4))[2:]) == ["recovered never:2", "recovered point:ward-6"]
    own, never = await world.incidents()
    await world.proves(own["number"], "down")
    shown = await world.proves(never["number"], "down", before=False)
    assert [each["point"] for each in shown["points_affected"]] == ["late"]
