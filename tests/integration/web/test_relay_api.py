"""What an Alertmanager posts over a socket, as its webhook does, and what the incident says then."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.storage.records import Token
from monitor.web.access import digest, make_token

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
PATH = "/api/v1/alertmanager"
ONE = "/api/v1/incidents/{number}"
Ask = Callable[..., Any]


def alert(number: int | str = 1, *, status: str = "firing", **labels: str) -> dict[str, Any]:
    ends = "0001-01-01T00:00:00Z" if status == "firing" else "2026-11-23T11:10:00.123456789+07:00"
    return {
        "status": status,
        "labels": {"alertname": "PointTroubled", "incident": str(number), "fault": "point", **labels},
        "annotations": {"summary": "Xã Minh Châu mất kết nối"},
        "startsAt": "2026-11-23T03:30:00.000Z",
        "endsAt": ends,
        "generatorURL": "http://wall.test",
        "fingerprint": f"f{number}",
    }


def posted(*alerts: dict[str, Any], receiver: str = "duty", **more: Any) -> dict[str, Any]:
    status = "firing" if any(each["status"] == "firing" for each in alerts) else "resolved"
    return {
        "version": "4", "groupKey": '{}:{incident="1"}', "truncatedAlerts": 0, "status": status, "receiver": receiver,
        "groupLabels": {"incident": "1"}, "commonLabels": {}, "commonAnnotations": {},
        "externalURL": "http://am.test", "alerts": list(alerts), **more,
    }  # fmt: skip


@pytest.fixture
def post(ask: Ask) -> Ask:
    async def send(body: Any, expected: int = 200, **more: Any) -> Any:
        return await ask(PATH, expected, method="post", json=body, **more)

    return send


async def deliveries(ask: Ask, number: int = 1) -> list[tuple[str, str]]:
    events = (await ask(ONE, number=number))["events"]
    return [(each["data"]["receiver"], each["data"]["status"]) for each in events if each["kind"] == "told_elsewhere"]


async def test_a_delivery_stands_in_the_timeline_once(world: Any, ask: Ask, post: Ask) -> None:
    assert await post(posted(alert(point="minh-chau"))) == {"recorded": 1, "repeated": 0, "unknown": 0}
    for _ in range(2):
        assert await post(posted(alert(point="minh-chau"))) == {"recorded": 0, "repeated": 1, "unknown": 0}
    assert await deliveries(ask) == [("duty", "firing")]
    (event,) = [each for each in (await ask(ONE))["events"] if each["kind"] == "told_elsewhere"]
    assert event["data"]["group"] == {"incident": "1"}
    async with world.get("/incidents/1") as page:
        text = await page.text()
    assert "Alertmanager đã báo" in text
    assert "nơi nhận duty · đang xảy ra · nhóm incident=1" in text
    async with world.get("/incidents/1", headers={"Cookie": "lang=en"}) as page:
        assert "receiver duty · firing · group incident=1" in await page.text()


async def test_two_at_the_same_time_are_one(ask: Ask, post: Ask) -> None:
    await asyncio.gather(*(post(posted(alert())) for _ in range(4)))
    assert await deliveries(ask) == [("duty", "firing")]


async def test_each_change_and_each_receiver_is_told(ask: Ask, post: Ask) -> None:
    both = posted(alert(), alert(severity="critical") | {"fingerprint": "f2"})
    assert await post(both) == {"recorded": 2, "repeated": 0, "unknown": 0}
    assert (await post(posted(alert(), receiver="boss")))["recorded"] == 1
    assert (await post(posted(alert(status="resolved"))))["recorded"] == 1
    assert (await post(posted(alert())))["recorded"] == 1, "it fires again"
    assert [status for _, status in await deliveries(ask)] == ["firing", "firing", "firing", "resolved", "firing"]


async def test_of_a_closed_incident_too(world: Any, ask: Ask, post: Ask, say_result: Ask) -> None:
    for second in range(2):
        world.clock.now = NOW + timedelta(seconds=3601 + second)
        await world.accept(*(say_result("minh-chau", name, 3600 + second) for name in ("link", "portal")))
    assert (await ask(ONE))["open"] is False
    resolved = posted(alert(status="resolved"))
    assert (await post(resolved))["recorded"] == 1
    world.incidents._incidents.clear()
    assert (await post(resolved))["repeated"] == 1, "the store knows it"
    assert await deliveries(ask) == [("duty", "resolved")]


async def test_somebody_elses_rule_goes_by_the_point(world: Any, ask: Ask, post: Ask, say_result: Ask) -> None:
    labels = {"labels": {"alertname": "PointDown", "point": "minh-chau", "fault": "point", "status": "down"}}
    never_told = alert(status="resolved") | labels | {"fingerprint": "f2"}
    assert await post(posted(alert() | labels, never_told)) == {"recorded": 1, "repeated": 0, "unknown": 1}
    for second in range(2):
        world.clock.now = NOW + timedelta(seconds=3601 + second)
        await world.accept(*(say_result("minh-chau", name, 3600 + second) for name in ("link", "portal")))
    assert (await ask(ONE))["open"] is False
    assert (await post(posted(alert(status="resolved") | labels)))["recorded"] == 1, "the store knows where it began"
    assert (await post(posted(alert(status="resolved") | labels)))["repeated"] == 1
    assert (await post(posted(alert() | labels)))["unknown"] == 1, "nothing is open"
    assert await deliveries(ask) == [("duty", "firing"), ("duty", "resolved")]


async def test_what_is_of_no_incident_is_counted(ask: Ask, post: Ask) -> None:
    watchdog = {**alert(), "labels": {"alertname": "Watchdog"}}
    strange = [alert(99), alert("x"), alert(point="cua-nam"), alert(fault="network"), watchdog]
    assert await post(posted(*strange)) == {"recorded": 0, "repeated": 0, "unknown": 5}
    assert await deliveries(ask) == []


async def test_nobody_is_told_anything_for_it(world: Any, ask: Ask, post: Ask) -> None:
    before = await ask(ONE)
    await post(posted(alert()))
    after = await ask(ONE)
    assert after["messages"] == before["messages"]
    assert (after["silenced"], after["acknowledged"], after["severity"]) == (None, None, before["severity"])


async def test_who_may_post(world: Any, ask: Ask, post: Ask) -> None:
    elsewhere = {"X-Forwarded-For": "10.1.2.3"}
    await post(posted(alert()), 401, headers=elsewhere)
    tokens = {}
    for scope in ("read", "operate"):
        tokens[scope] = make_token()
        await world.store.add_token(
            Token(id=scope, name=f"am-{scope}", scope=scope, digest=digest(tokens[scope]), created_at=NOW)
        )
    world.clock.now += timedelta(minutes=1)
    refused = await post(posted(alert()), 403, headers={**elsewhere, "Authorization": f"Bearer {tokens['read']}"})
    assert "this needs operate" in refused["detail"]
    good = {**elsewhere, "Authorization": f"Bearer {tokens['operate']}"}
    assert (await post(posted(alert()), headers=good))["recorded"] == 1
    audit = (await world.json("/api/v1/audit"))["rows"]
    assert [(row["actor"], row["act"], row["subject"]) for row in audit[:2]] == [
        ("am-operate", "alertmanager", "incident/1"),
        ("am-read", "alertmanager refused", ""),
    ]


async def test_what_cannot_be_read_is_refused(world: Any, post: Ask) -> None:
    assert "alerts" in (await post({"receiver": "duty", "status": "firing"}, 422))["detail"]
    assert "status" in (await post(posted({**alert(), "status": "?"}), 422))["detail"]
    many = [alert(summary="x" * 100) for _ in range(1500)]
    assert (await post(posted(*many)))["recorded"] == 1, "larger than what else is taken here"
    larger = json.dumps(posted(*(alert(summary="x" * 3900) for _ in range(700)))).encode()
    async with world.post(PATH, data=io.BytesIO(larger), headers={"Content-Type": "application/json"}) as answer:
        assert (answer.status, answer.content_type) == (413, "application/problem+json")
    async with world.post(PATH, data=b"receiver=duty") as answer:
        assert answer.status == 415
