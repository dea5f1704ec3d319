"""Many points fail by one cause: one incident that names it, one message, and nobody else blamed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from tests.integration.scenarios.inventory import WEB_PORT, Inventory, web
from tests.integration.scenarios.world import World

Begin = Callable[..., Awaitable[World]]

CHILDREN = [f"ward-{number}" for number in range(1, 9)]


def behind_a_circuit() -> Inventory:
    """Eight wards behind one circuit, twenty that are not."""
    inventory = Inventory().add("circuit-1", "circuit").wards(8, depends_on=["circuit-1"])
    return inventory.wards(20, begin=9).anchors()


async def affected(world: World, number: int) -> set[str]:
    return {each["point"] for each in (await world.incident(number))["points_affected"]}


@pytest.mark.parametrize("conduct", ["refuse", "hang"])
async def test_a_circuit_and_its_children_fail_together(begin: Begin, conduct: str) -> None:
    world = await begin(behind_a_circuit())
    await world.order(["circuit-1", *CHILDREN], conduct)
    assert await world.told(1) == ["opened point:circuit-1"]
    await world.until_status(CHILDREN, "unreachable")
    await world.until_status("circuit-1", "down")
    assert await affected(world, 1) == {"circuit-1", *CHILDREN}
    await world.heal()
    assert await world.told(2) == ["opened point:circuit-1", "recovered point:circuit-1"]
    await world.quiet()
    assert world.receiver.envelopes == 2
    assert len(await world.incidents()) == 1
    await world.proves(1, "unreachable", own=["circuit-1"])
    assert set(await world.spent("ward-9", world.calm_at, datetime.now(UTC))) == {"up"}


async def test_children_that_fail_a_little_earlier(begin: Begin) -> None:
    world = await begin(behind_a_circuit())
    await world.order(CHILDREN, "refuse")
    await asyncio.sleep(0.2)  # the same share of the interval as three seconds of fifteen
    await world.order("circuit-1", "refuse")
    await world.until_status(["circuit-1"], "down")
    await world.until_status(CHILDREN, "unreachable")
    await world.heal()
    await world.until_status(CHILDREN, "up")
    await world.quiet()
    (last, *_) = [incident for incident in await world.incidents() if incident["fault"]["subject"] == "circuit-1"]
    assert await affected(world, last["number"]) == {"circuit-1", *CHILDREN}
    *openings, end = world.receiver.told
    assert end == "recovered point:circuit-1"
    assert len(set(openings)) == len(openings)
    assert set(openings) <= {"opened point:circuit-1", *(f"opened point:{child}" for child in CHILDREN)}
    await world.proves(last["number"], "unreachable", own=["circuit-1"])


async def test_children_confirmed_before_their_parent_are_taken_over(begin: Begin) -> None:
    world = await begin(behind_a_circuit())
    await world.order(CHILDREN[:2], "refuse")
    own = await world.told(2)
    assert sorted(own) == ["opened point:ward-1", "opened point:ward-2"]
    await world.order("circuit-1", "refuse")
    await world.until_status(CHILDREN[:2], "unreachable")
    first, second, parent = await world.incidents()
    assert {first["closed_why"], second["closed_why"]} == {"superseded"}
    assert await affected(world, parent["number"]) == {"circuit-1", *CHILDREN[:2]}
    await world.quiet()
    assert world.receiver.told == own, "no second message"
    began = datetime.fromisoformat(first["began"])
    assert "down" not in await world.spent("ward-1", began, datetime.now(UTC))
    await world.heal()
    assert (await world.told(3))[2:] == ["recovered point:circuit-1"]
    await world.calm()
    await world.proves(parent["number"], "unreachable", own=["circuit-1"])


async def test_the_circuit_is_back_and_two_children_stay_down(begin: Begin) -> None:
    world = await begin(behind_a_circuit())
    await world.order(["circuit-1", *CHILDREN], "refuse")
    await world.until_status(CHILDREN, "unreachable")
    await world.order(["circuit-1", *CHILDREN[:6]])
    await world.until_status(CHILDREN[:6], "up")
    await world.until_status(CHILDREN[6:], "down")
    told = await world.told(4)
    assert told[0] == "opened point:circuit-1"
    assert sorted(told[1:]) == ["opened point:ward-7", "opened point:ward-8", "recovered point:circuit-1"]
    await world.heal()
    assert sorted((await world.told(6))[4:]) == ["recovered point:ward-7", "recovered point:ward-8"]
    circuit, *own = await world.incidents()
    await world.proves(circuit["number"], "unreachable", own=["circuit-1"])
    assert sorted(each["fault"]["subject"] for each in own) == CHILDREN[6:]
    for each in own:
        await world.proves(each["number"], "down", before=False)


@pytest.mark.parametrize("conduct", ["refuse", "hang"])
async def test_forty_wards_of_one_provider_without_a_declared_parent(begin: Begin, conduct: str) -> None:
    inventory = Inventory(interval="3s").anchors()
    for number, provider in enumerate(("VNPT", "Viettel", "FPT")):
        inventory.wards(40, begin=1 + 40 * number, labels={"provider": provider})
    world = await begin(inventory)
    await world.order([f"ward-{number}" for number in range(1, 41)], conduct)
    assert await world.told(1) == ["opened label:provider=VNPT"]
    await world.until_status([f"ward-{number}" for number in range(1, 41)], "unreachable")
    (incident,) = await world.incidents()
    assert len(await affected(world, incident["number"])) == 40
    await world.heal()
    await world.calm()
    await world.quiet()
    assert world.receiver.told == ["opened label:provider=VNPT", "recovered label:provider=VNPT"]
    await world.proves(incident["number"], "unreachable")


async def test_the_exchange_platform_is_down_and_no_ward_is_blamed(begin: Begin) -> None:
    platform = f"http://exchange-platform.thu.test:{WEB_PORT}/"
    exchange = {"module": "page", "target": platform, "depends_on": ["exchange-platform"]}
    inventory = Inventory().wards(10, endpoints={"exchange": exchange}).anchors()
    inventory.add("exchange-platform", "service", endpoints={"status": web()})
    world = await begin(inventory)
    await world.order("exchange-platform", "hang")
    assert await world.told(1) == ["opened point:exchange-platform"]
    await world.until_status([f"ward-{number}" for number in range(1, 11)], "faulty")
    await world.quiet()
    assert world.receiver.told == ["opened point:exchange-platform"]
    (incident,) = await world.incidents()
    assert len(await affected(world, incident["number"])) == 11
    await world.heal()
    assert await world.told(2) == ["opened point:exchange-platform", "recovered point:exchange-platform"]
    await world.calm()
    await world.proves(incident["number"], "faulty", own=["exchange-platform"])
    connectivity, service = await world.booked("ward-1", world.calm_at, datetime.now(UTC))
    assert connectivity == 1
    assert service is not None
    assert service < 1


def behind_the_hub(count: int, interval: str = "3s") -> Inventory:
    return Inventory(interval=interval).add("hub", "hub").wards(count, depends_on=["hub"]).anchors()


async def test_the_hub_is_down_and_that_counts(begin: Begin) -> None:
    world = await begin(behind_the_hub(156, "5s"))
    wards = [f"ward-{number}" for number in range(1, 157)]
    await world.order(["hub", *wards], "hang")
    assert await world.told(1) == ["opened point:hub"]
    await world.until_status(wards, "unreachable")
    (incident,) = await world.incidents()
    assert await affected(world, incident["number"]) == {"hub", *wards}
    await world.heal()
    assert await world.told(2) == ["opened point:hub", "recovered point:hub"]
    await world.calm()
    await world.proves(incident["number"], "unreachable", own=["hub"])
    connectivity, _ = await world.booked("ward-7", world.calm_at, datetime.now(UTC))
    assert connectivity is not None
    assert connectivity < 1, "it counts"


@pytest.mark.parametrize("one_is_down", ["", "before", "meanwhile"])
async def test_an_isolated_vantage_blames_nobody(begin: Begin, one_is_down: str) -> None:
    world = await begin(behind_the_hub(20))
    begun = datetime.now(UTC)
    told = []
    if one_is_down == "before":
        await world.order("ward-3", "refuse")
        told = await world.told(1)
        assert told == ["opened point:ward-3"]
    await world.order("*", "hang")
    assert (await world.told(len(told) + 1))[len(told) :] == ["opened vantage:"]
    wards = [f"ward-{number}" for number in range(1, 21)]
    await world.until_status(["hub", *wards], "unknown")
    await world.quiet()
    told += ["opened vantage:", "recovered vantage:"]
    if one_is_down:
        await world.order("ward-3", "refuse")
        await world.order(["127.*", "dns.*", "hub.*", *(f"{ward}.*" for ward in wards if ward != "ward-3")])
        told += ["opened point:ward-3"] if one_is_down == "meanwhile" else []
        assert sorted(await world.told(3)) == sorted(told)
        await world.until_status("ward-3", "down")
        told = [*world.receiver.told, "recovered point:ward-3"]
    await world.heal()
    assert await world.told(len(told)) == told
    await world.calm()
    await world.quiet()
    assert world.receiver.told == told
    (isolation,) = [each for each in await world.incidents() if each["fault"]["kind"] == "vantage"]
    await world.proves(isolation["number"], "unknown", own=["anchor-1", "anchor-2"], also=())
    for ward in wards:
        if ward != "ward-3" or not one_is_down:
            spent = await world.spent(ward, begun, datetime.now(UTC))
            assert not spent.keys() & {"down", "unreachable"}, (ward, spent)
            assert spent["unknown"] > 0


async def test_every_resolver_is_dead_from_the_start(begin: Begin) -> None:
    inventory = Inventory().wards(6)
    inventory.more = {"resolution": {"servers": ["127.0.0.1:9"]}}
    world = await begin(inventory, calm=False)
    assert await world.told(1) == ["opened monitor:resolver"]
    await world.until_status([f"ward-{number}" for number in range(1, 7)], "unknown")
    await world.quiet()
    (incident,) = await world.incidents()
    assert len(await affected(world, incident["number"])) >= 6
    assert world.receiver.told == ["opened monitor:resolver"]
    spent = await world.spent("ward-1", datetime.fromisoformat(incident["began"]), datetime.now(UTC))
    assert spent["unknown"] > 0
    assert spent.keys() <= {"unknown", "unobserved"}, spent
    await world.end()
    world.inventory.more = {}  # name servers are read at the start
    world.write()
    await world.start()
    assert await world.told(2) == ["opened monitor:resolver", "recovered monitor:resolver"]
    await world.calm()
    (closed,) = await world.incidents()
    assert closed["closed_why"] == "recovered"


async def test_everything_is_down_at_once(begin: Begin) -> None:
    inventory = Inventory(interval="5s").wards(156).anchors()
    world = await begin(inventory)
    wards = [f"ward-{number}" for number in range(1, 157)]
    await world.order(wards, "hang")
    assert await world.told(1) == ["opened network:"]
    await world.until_status(wards, "unreachable")
    (incident,) = await world.incidents()
    assert len(await affected(world, incident["number"])) == 156
    await world.quiet(rounds=2)  # probing goes on
    assert (await world.get("/api/v1/verdict"))["tone"] == "down"
    assert "Toàn mạng" in await world.page("/")
    await world.heal()
    await world.calm()
    await world.quiet()
    assert world.receiver.told == ["opened network:", "recovered network:"]
    assert world.receiver.envelopes == 2
    await world.proves(incident["number"], "unreachable")


async def test_twenty_unrelated_wards_make_a_digest_and_blame_no_provider(begin: Begin) -> None:
    inventory = Inventory().anchors()
    for number in range(1, 127):
        labels = {"provider": ("VNPT", "Viettel", "FPT")[number % 3], "exchange": f"e{number % 31}"}
        inventory.add(f"ward-{number}", labels=labels)
    inventory.interval = "3s"
    inventory.more = {"common_cause": {"window": "3s"}}
    world = await begin(inventory)
    struck = [f"ward-{1 + 6 * number}" for number in range(20)]
    for ward in struck:
        await world.order(ward, "refuse")
        await asyncio.sleep(0.3)
    await world.until_status(struck, "down")
    told = await world.told(20)
    assert sorted(told) == sorted(f"opened point:{ward}" for ward in struck)
    await world.quiet(rounds=2)
    assert len(world.receiver.told) == 20
    assert world.receiver.envelopes < 12, "later ones form digests"
    await world.heal()
    assert sorted((await world.told(40))[20:]) == sorted(f"recovered point:{ward}" for ward in struck)
    incidents = await world.incidents()
    assert sorted(each["fault"]["subject"] for each in incidents) == sorted(struck)
    for each in incidents:
        await world.proves(each["number"], "down")


async def test_a_ward_without_its_second_path_is_degraded(begin: Begin) -> None:
    inventory = Inventory().add("circuit-1", "circuit").add("circuit-2", "circuit").anchors()
    inventory.wards(6, depends_on=[{"any_of": ["circuit-1", "circuit-2"]}])
    world = await begin(inventory)
    await world.order("circuit-2", "refuse")
    assert await world.told(1) == ["opened point:circuit-2"]
    wards = [f"ward-{number}" for number in range(1, 7)]
    await world.until_status(wards, "degraded")
    point = await world.get("/api/v1/points/ward-1")
    assert point["reason"] == "redundancy"
    await world.heal()
    assert await world.told(2) == ["opened point:circuit-2", "recovered point:circuit-2"]
    await world.until_status(wards, "up")
    await world.calm()
    (incident,) = await world.incidents()
    await world.proves(incident["number"], "degraded", own=["circuit-2"])
    assert await affected(world, incident["number"]) == {"circuit-2", *wards}
