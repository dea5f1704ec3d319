"""Incidents over a socket: what programs read of them, and what operators do to them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.incidents.model import (
    Delivery,
    DeliveryOutcome,
    EventKind,
    IncidentEvent,
    Message,
    MessageKind,
)
from monitor.model import Reason

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
INCIDENTS = "/api/v1/incidents"
ONE = "/api/v1/incidents/{number}"
World = Any
Ask = Callable[..., Any]


def stamp(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.fixture
def act(ask: Ask) -> Ask:
    async def post(name: str, expected: int = 200, *, number: int | str = 1, headers: Any = None, **body: Any) -> Any:
        return await ask(f"{ONE}/{name}", expected, method="post", number=number, json=body, headers=headers)

    return post


@pytest.fixture
def fail(world: World, say_result: Ask) -> Ask:
    async def lose(point: str, begin: float) -> None:
        """Everything of the point fails for good, and its cause is decided."""
        for second in range(3):
            world.clock.now = NOW + timedelta(seconds=begin + second + 1)
            lost = {"reason": Reason.TIMEOUT, "failed_phase": "connect", "facts": {}}
            await world.accept(*(say_result(point, name, begin + second, **lost) for name in ("link", "portal")))
        world.clock.now += timedelta(seconds=5)
        world.pipeline.age(world.clock.now)
        await world.pipeline.settled()

    return lose


@pytest.fixture
def heal(world: World, say_result: Ask) -> Ask:
    async def find(point: str, begin: float) -> None:
        """Everything of the point answers again."""
        for second in range(2):
            world.clock.now = NOW + timedelta(seconds=begin + second + 1)
            await world.accept(*(say_result(point, name, begin + second) for name in ("link", "portal")))

    return find


def events(answer: Any) -> Sequence[str]:
    return [event["kind"] for event in answer["events"]]


async def test_an_outage_is_an_open_incident(ask: Ask) -> None:
    (incident,) = (await ask(INCIDENTS))["incidents"]
    assert incident["fault"] == {"kind": "point", "subject": "minh-chau", "name": "Xã Minh Châu"}
    assert (incident["number"], incident["open"], incident["severity"]) == (1, True, "critical")
    assert (incident["began"], incident["closed"]) == (stamp(1800), None)
    assert (incident["affected"], incident["troubled"], incident["points"]) == (1, 1, ["minh-chau"])
    assert (incident["acknowledged"], incident["silenced"], incident["resolution"]) == (None, None, "")


async def test_the_whole_incident(ask: Ask) -> None:
    incident = await ask(ONE)
    (point,) = incident["points_affected"]
    assert (point["point"], point["name"], point["kind"], point["area"]) == (
        "minh-chau", "Xã Minh Châu", "ward", "ba-vi",
    )  # fmt: skip
    assert (point["status"], point["reason"], point["since"], point["until"]) == ("down", "timeout", stamp(1800), None)
    assert events(incident)[:2] == ["opened", "joined"]
    assert (incident["evidence"], incident["messages"], incident["into"], incident["took_over"]) == (None, [], None, [])


async def test_a_closed_incident_comes_from_the_store(world: World, ask: Ask, heal: Ask) -> None:
    await heal("minh-chau", begin=3600)
    assert (await ask(INCIDENTS))["incidents"] == []
    (closed,) = (await ask(INCIDENTS, state="closed"))["incidents"]
    assert (closed["open"], closed["closed_why"], closed["recovered"]) == (False, "recovered", stamp(3600))
    assert (closed["troubled"], closed["points"]) == (0, ["minh-chau"])
    world.incidents._incidents.clear()
    assert {**await ask(ONE), "points_affected": None}["number"] == 1
    assert events(await ask(ONE))[-2:] == ["recovered", "closed"]


@pytest.mark.parametrize("state", ["open", "all"])
async def test_incidents_page_by_page(ask: Ask, fail: Ask, state: str) -> None:
    await fail("cua-nam", begin=3580)
    await fail("ba-vi", begin=3590)
    whole = (await ask(INCIDENTS, state=state))["incidents"]
    assert [each["number"] for each in whole] == [3, 2, 1]
    pages, cursor = [], ""
    while cursor is not None:
        page = await ask(INCIDENTS, state=state, limit=2, cursor=cursor)
        pages += page["incidents"]
        cursor = page["next"]
    assert pages == whole
    assert [each["number"] for each in (await ask(INCIDENTS, state=state, point="cua-nam"))["incidents"]] == [2]
    assert [each["number"] for each in (await ask(INCIDENTS, state=state, to=stamp(3000)))["incidents"]] == [1]


@pytest.mark.parametrize("number", ["2", "0", "x", "-1", "٣", "99999999999", "4294967296"])
async def test_an_unknown_incident_is_said(ask: Ask, act: Ask, number: str) -> None:
    assert (await ask(ONE, 404, number=number))["detail"] == f"there is no incident {number}"
    assert (await act("note", 404, number=number, text="?"))["status"] == 404


@pytest.mark.parametrize(
    ("path", "query", "parameter"),
    [
        (INCIDENTS, {"state": "mended"}, "state"),
        (INCIDENTS, {"cursor": "x"}, "cursor"),
        (INCIDENTS, {"state": "all", "cursor": "x"}, "cursor"),
        (INCIDENTS, {"from": stamp(9), "to": stamp(8)}, "from"),
        (INCIDENTS, {"limit": "201"}, "limit"),
        ("/api/v1/messages", {"cursor": "x"}, "cursor"),
        ("/api/v1/messages", {"incident": "0"}, "incident"),
        ("/api/v1/audit", {"cursor": "x"}, "cursor"),
    ],
)
async def test_a_bad_parameter_is_named(ask: Ask, path: str, query: dict[str, str], parameter: str) -> None:
    problem = await ask(path, 422, **query)
    assert [each["parameter"] for each in problem["errors"]] == [parameter]


async def test_acknowledging_says_who_is_on_it(ask: Ask, act: Ask) -> None:
    done = await act("acknowledge", ticket="VNPT-77", by="Hà")
    assert (done["changed"], done["detail"]) == (True, "acknowledged by Hà")
    assert done["incident"]["acknowledged"] == {"actor": "Hà", "at": stamp(3600), "ticket": "VNPT-77"}
    last = (await ask(ONE))["events"][-1]
    assert (last["kind"], last["actor"], last["data"]) == ("acknowledged", "Hà", {"ticket": "VNPT-77"})


async def test_acknowledging_again_changes_nothing(ask: Ask, act: Ask) -> None:
    await act("acknowledge", ticket="VNPT-77", by="Hà")
    before = events(await ask(ONE))
    for body in ({"ticket": "VNPT-77"}, {}):
        assert (await act("acknowledge", by="Hà", **body))["changed"] is False
    assert events(await ask(ONE)) == before
    for body in ({"by": "Hà", "ticket": "VNPT-78"}, {"by": "Long"}):
        again = await act("acknowledge", **body)
        assert again["changed"] is True
        assert again["incident"]["acknowledged"]["ticket"] == "VNPT-78", "a name alone keeps the ticket"
    assert again["incident"]["acknowledged"]["actor"] == "Long"


async def test_who_acts_from_this_machine_without_a_name_is_local(act: Ask) -> None:
    assert (await act("acknowledge"))["incident"]["acknowledged"]["actor"] == "local"


async def test_a_note_is_kept_with_its_author(ask: Ask, act: Ask) -> None:
    await act("note", text="Đã gọi nhà mạng", by="Hà")
    last = (await ask(ONE))["events"][-1]
    assert (last["kind"], last["text"], last["actor"]) == ("noted", "Đã gọi nhà mạng", "Hà")


async def test_closing_says_what_it_was_and_the_incident_stays_until_it_recovers(
    ask: Ask, act: Ask, heal: Ask
) -> None:  # fmt: skip
    done = await act("close", resolution="power", text="cả xã mất điện", by="Hà")
    assert done["detail"] == "it is said that it was: power; it stays open until its points recover"
    assert (done["incident"]["resolution"], done["incident"]["open"]) == ("power", True)
    assert (await act("close", resolution="power"))["changed"] is False
    await heal("minh-chau", begin=3601)
    closed = await ask(ONE)
    assert (closed["open"], closed["resolution"]) == (False, "power")
    after = await act("close", resolution="cable", by="Long")
    assert (after["detail"], after["incident"]["resolution"]) == ("it is said that it was: cable", "cable")


async def test_what_is_over_can_be_noted_but_neither_taken_nor_silenced(act: Ask, ask: Ask, heal: Ask) -> None:
    await heal("minh-chau", begin=3600)
    assert (await act("note", text="cáp đã nối"))["incident"]["open"] is False
    assert events(await ask(ONE))[-1] == "noted"
    for name, body in (("acknowledge", {}), ("silence", {"until_recovery": True})):
        problem = await act(name, 409, **body)
        assert problem["detail"] == "incident 1 is closed; a note, or what it was, can still be added"


async def test_an_incident_that_only_the_store_knows_can_be_noted(world: World, ask: Ask, act: Ask, heal: Ask) -> None:
    await heal("minh-chau", begin=3600)
    world.incidents._incidents.clear()
    assert (await act("close", resolution="cable"))["incident"]["resolution"] == "cable"
    assert (await ask(ONE))["resolution"] == "cable"


@pytest.mark.parametrize(
    ("body", "silenced", "words"),
    [
        ({"until": stamp(7200)}, {"until": stamp(7200)}, "no messages until 2026-11-23T05:00:00Z"),
        ({"until": "2026-11-23T12:00:00+07:00"}, {"until": stamp(7200)}, "no messages until 2026-11-23T05:00:00Z"),
        ({"until_recovery": True}, {"until": None}, "no messages until recovery"),
    ],
)
async def test_silence_lasts_as_long_as_is_said(act: Ask, body: Any, silenced: Any, words: str) -> None:
    done = await act("silence", **body)
    assert (done["changed"], done["detail"], done["incident"]["silenced"]) == (True, words, silenced)
    again = await act("silence", **body)
    assert (again["changed"], again["detail"]) == (False, f"{words}, as before")
    assert (await act("silence", lift=True))["incident"]["silenced"] is None
    assert (await act("silence", lift=True))["detail"] == "messages are sent, as before"


@pytest.mark.parametrize(
    ("name", "body", "parameter", "words"),
    [
        ("silence", {}, "body", "give one of"),
        ("silence", {"until_recovery": True, "lift": True}, "body", "give one of"),
        ("silence", {"until": stamp(3600)}, "until", "lies in the past"),
        ("silence", {"until": "9999-12-31T23:59:59-14:00"}, "until", "more than a year"),
        ("silence", {"until": "2026-11-23T05:00:00"}, "until", "needs a time zone"),
        ("close", {}, "resolution", "required"),
        ("close", {"resolution": "aliens"}, "resolution", "'power'"),
        ("note", {"text": ""}, "text", "at least 1"),
        ("acknowledge", {"ticket": 7}, "ticket", "valid string"),
        ("acknowledge", {"tiket": "7"}, "tiket", "no such parameter"),
    ],
)
async def test_a_bad_body_is_named(act: Ask, name: str, body: Any, parameter: str, words: str) -> None:
    problem = await act(name, 422, **body)
    assert [each["parameter"] for each in problem["errors"]] == [parameter]
    assert words in problem["errors"][0]["detail"]


async def test_a_body_that_is_no_json_is_refused(world: World) -> None:
    path = "/api/v1/incidents/1/note"
    for kind, text, status in (
        ("application/json", "{", 400), ("application/json", "\xff", 400), ("text/plain", '{"text": "x"}', 415),
        ("application/x-www-form-urlencoded", "text=x", 415), ("application/json", "[]", 422),
    ):  # fmt: skip
        async with world.post(path, data=text.encode("latin-1"), headers={"Content-Type": kind}) as response:
            assert (response.status, response.content_type) == (status, "application/problem+json")


async def test_an_act_answers_when_it_is_durable_though_many_come_at_once(ask: Ask, act: Ask) -> None:
    await asyncio.gather(*(act("note", text=str(number), by="Hà") for number in range(20)))
    noted = [event["text"] for event in (await ask(ONE))["events"] if event["kind"] == "noted"]
    assert sorted(noted, key=int) == [str(number) for number in range(20)]


async def test_a_database_that_is_away_stops_no_act(world: World, act: Ask, ask: Ask, tmp_path: Any) -> None:
    await world.store.close()
    for path in tmp_path.iterdir():
        path.unlink()
    (tmp_path / "monitor.db").mkdir()
    assert (await act("acknowledge", by="Hà"))["incident"]["acknowledged"]["actor"] == "Hà"
    (incident,) = (await ask(INCIDENTS))["incidents"]
    assert incident["acknowledged"]["actor"] == "Hà"


def letter(number: int, incident: str, **changes: Any) -> Message:
    given = Message(
        id=f"m{number}", incident=incident, kind=MessageKind.OPENED, channel="mail", route="all",
        created_at=NOW + timedelta(seconds=number), due_at=NOW + timedelta(seconds=number), payload={"number": 1},
    )  # fmt: skip
    return replace(given, **changes)


async def test_messages_are_listed_with_what_came_of_them(world: World, ask: Ask) -> None:
    uid = world.incidents.by_number(1).uid
    await world.store.write_entries([letter(1, uid), letter(2, uid), letter(3, "another", payload={})])
    tried = Delivery(message="m1", at=NOW, outcome=DeliveryOutcome.FAILED, attempt=1, detail="refused")
    done = replace(tried, outcome=DeliveryOutcome.DELIVERED, attempt=2, detail="", title="Mất kết nối", text="Xã ...")
    await world.store.write_entries([tried, done])
    page = await ask("/api/v1/messages", limit=2)
    assert [(each["id"], each["number"], each["outcome"]) for each in page["messages"]] == [
        ("m3", None, None), ("m2", 1, None),
    ]  # fmt: skip
    (first,) = (await ask("/api/v1/messages", limit=2, cursor=page["next"]))["messages"]
    assert (first["outcome"], first["title"], first["text"]) == ("delivered", "Mất kết nối", "Xã ...")
    assert [each["outcome"] for each in first["deliveries"]] == ["failed", "delivered"]
    assert [each["id"] for each in (await ask("/api/v1/messages", incident=1))["messages"]] == ["m2", "m1"]
    assert [each["id"] for each in (await ask(ONE))["messages"]] == ["m2", "m1"]
    assert (await ask("/api/v1/messages", 404, incident=7))["detail"] == "there is no incident 7"


async def test_evidence_is_shown_as_it_was_found(world: World, ask: Ask) -> None:
    uid = world.incidents.by_number(1).uid
    found = {"dns": {"well": True}, "ping": {"loss_ratio": 1.0}, "path": {"hops": [{"address": "10.1.2.1"}]}}
    event = IncidentEvent(
        id="e", incident=uid, kind=EventKind.EVIDENCE, at=NOW, recorded_at=NOW, data={"evidence": found}
    )  # fmt: skip
    world.pipeline.record(events=[event])
    await world.pipeline.settled()
    assert (await ask(ONE))["evidence"] == found


async def test_a_fault_that_points_share_is_named(world: World, ask: Ask) -> None:
    for number, (fault, name) in enumerate(
        (("label:area=hoan-kiem", "Hoàn Kiếm"), ("label:provider=VNPT", "VNPT"), ("vantage:", ""), ("point:gone", "")),
        2,
    ):
        data = {"number": number, "fault": fault, "severity": "critical", "began": NOW.isoformat()}
        event = IncidentEvent(
            id=f"e{number}", incident=f"i{number}", kind=EventKind.OPENED, at=NOW, recorded_at=NOW, data=data
        )
        world.pipeline.record(events=[event])
        await world.pipeline.settled()
        assert (await ask(ONE, number=number))["fault"]["name"] == name


async def test_a_taken_over_incident_says_by_which(world: World, ask: Ask) -> None:
    uid = world.incidents.by_number(1).uid
    event = IncidentEvent(
        id="e", incident=uid, kind=EventKind.TAKEN_OVER, at=NOW, recorded_at=NOW, data={"into": "x", "number": 5}
    )
    world.pipeline.record(events=[event])
    await world.pipeline.settled()
    answer = await ask(ONE)
    assert (answer["open"], answer["closed_why"], answer["into"]) == (False, "superseded", 5)
