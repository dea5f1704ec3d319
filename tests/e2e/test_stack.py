"""The whole stack: the monitor on the simulated network, PostgreSQL, Prometheus and Alertmanager, all of them real and
with the shipped configuration. Only Grafana isn't there: its dashboards' questions are asked in its place."""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from dashboards.colours import CODES
from tests.integration.scenarios.inventory import Inventory
from tests.integration.stack.processes import free_port
from tests.integration.stack.test_inhibition import Mails, held_back
from tests.stack.whole import Whole, whole

FAR = [f"ward-{number}" for number in range(1, 5)]
NEAR = ["ward-5", "ward-6"]
AREAS = [
    {"id": "ba-vi", "name": "Ba Vì", "column": 1, "row": 1},
    {"id": "ba-dinh", "name": "Ba Đình", "column": 2, "row": 1},
]
TIMELINE, ON_DUTY, WEST, BUILDERS = "dong-thoi-gian", "truc-ban", "khu-vuc-phia-tay", "ha-tang-khan"
OF_POINTS = "fault=~'point|label|network|vantage|monitor|never'"


def inventory(by: str) -> Inventory:
    """An area behind a circuit, and one that is not. ``by``: who tells of points."""
    made = Inventory(more={"areas": AREAS, "alerting": by}, timeout="900ms").add("hub", "hub")
    made.add("circuit-1", "circuit", depends_on=["hub"])
    for ward in FAR:
        made.add(ward, area="ba-vi", depends_on=["circuit-1"])
    for ward in NEAR:
        made.add(ward, area="ba-dinh", depends_on=["hub"])
    return made


@pytest.fixture
def mails() -> Iterator[Mails]:
    """Where the mails end; ``port`` is the server's."""
    handler = Mails()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    handler.port = controller.port  # type: ignore[attr-defined]
    yield handler
    controller.stop()


def twice(line: str) -> list[str]:
    """It began and it ended."""
    return [f"firing {line}", f"resolved {line}"]


async def test_what_the_monitor_tells_arrives_and_nothing_is_lost(tmp_path: Path, mails: Mails) -> None:
    async with whole(tmp_path, inventory("monitor"), mails=mails.port) as stack:  # type: ignore[attr-defined]
        await stack.until_shown("Kết luận", {"6/6 ổn định": 0})
        assert await stack.table("Danh sách sự cố đang mở") == []
        await _a_ward_goes_down(stack)
        await _prometheus_restarts(stack, "lienthong_point_status{point='ward-2', status='down'} == 1")
        await _the_ward_comes_back(stack)
        await _an_area_goes_down(stack)
        await _it_comes_back_while_postgres_is_away(stack)
        await _everything_is_in_the_database(stack)
        await _everything_is_in_prometheus(stack)
        await _nothing_was_told_twice(stack, mails)


async def _a_ward_goes_down(stack: Whole) -> None:
    await stack.world.order("ward-2", "refuse")
    firing = ["firing PointTroubled ward-2"]
    await stack.until_told({TIMELINE: firing, WEST: firing, ON_DUTY: firing})
    await stack.until_shown("Kết luận", {"5/6 ổn định": 2})
    await stack.until_shown("Theo trạng thái", {"stable": 5, "down": 1})
    await stack.until_shown("Sự cố đang mở", {"Sự cố": 1})
    (row,) = await stack.table("Danh sách sự cố đang mở")
    assert (row["fault"], row["subject"], row["severity"], row["points"]) == ("point", "ward-2", "critical", 1)


async def _prometheus_restarts(stack: Whole, query: str) -> None:
    """Returns when it has seen the same as before, anew."""
    await stack.until_found(query)
    await stack.stop_prometheus()
    stopped = time.time()
    await stack.start_prometheus()
    await stack.until_found(f"timestamp({query}) > {stopped}")


async def _the_ward_comes_back(stack: Whole) -> None:
    await stack.world.heal()
    told = twice("PointTroubled ward-2")
    await stack.until_told({TIMELINE: told, WEST: told, ON_DUTY: told})
    await stack.until_shown("Kết luận", {"6/6 ổn định": 0})
    assert await stack.table("Danh sách sự cố đang mở") == []


async def _an_area_goes_down(stack: Whole) -> None:
    """Of the circuit everybody hears, of the wards behind it nobody."""
    assert "firing Watchdog" in stack.ends.told["nguoi-canh"]
    stack.ends.told.clear()
    await stack.world.order(["circuit-1", *FAR], "refuse")
    firing = ["firing PointTroubled circuit-1"]
    await stack.until_told({TIMELINE: firing, BUILDERS: firing})
    await stack.until_shown("Kết luận", {"2/6 ổn định": 2})
    await stack.until_shown("Theo trạng thái", {"stable": 2, "unreachable": 4, "down": 0})
    states = {"CIRCUIT-1": "down", "WARD-5": "stable", **{ward.upper(): "unreachable" for ward in FAR}}
    await stack.until_shown("Lịch sử trạng thái của mọi điểm", {name: CODES[state] for name, state in states.items()})
    (row,) = await stack.table("Danh sách sự cố đang mở")
    assert (row["fault"], row["subject"], row["severity"], row["points"]) == ("point", "circuit-1", "critical", 5)


async def _it_comes_back_while_postgres_is_away(stack: Whole) -> None:
    await stack.stop_postgres()
    await stack.world.heal()
    await stack.world.calm()
    assert (await stack.world.told(4))[2:] == ["opened point:circuit-1", "recovered point:circuit-1"]
    await stack.until_found("lienthong_spool_transitions > 0")
    await stack.start_postgres()
    await stack.until_found("lienthong_spool_transitions + lienthong_spool_results == 0")
    told = twice("PointTroubled circuit-1")
    await stack.until_told({TIMELINE: told, BUILDERS: told})
    await stack.until_shown("Kết luận", {"6/6 ổn định": 0})


async def _everything_is_in_the_database(stack: Whole) -> None:
    """Every status of every point, every event of both incidents, each message delivered once."""
    await _until_told_elsewhere(stack)
    await stack.until(lambda: stack.rows("SELECT 1 FROM outbox HAVING count(settled) = 8"), "all messages settled")
    rows = await stack.rows(
        "SELECT s.point, t.status FROM transitions t JOIN subjects s ON s.id = t.subject"
        " WHERE s.endpoint = '' ORDER BY t.at, t.id"
    )
    once, cut_off = ["up"], ["up", "unreachable", "up"]
    assert _by(rows, "point", "status") == {
        "hub": once, "names": once, "ward-5": once, "ward-6": once, "circuit-1": ["up", "down", "up"],
        "ward-1": cut_off, "ward-2": ["up", "down", *cut_off], "ward-3": cut_off, "ward-4": cut_off,
    }  # fmt: skip
    rows = await stack.rows(
        "SELECT i.fault, e.kind || rtrim(' ' || e.point) AS said FROM incident_events e"
        " JOIN incidents i ON i.uid = e.incident"
    )
    affected = {"point:ward-2": ["ward-2"], "point:circuit-1": ["circuit-1", *FAR]}
    assert {fault: sorted(said) for fault, said in _by(rows, "fault", "said").items()} == {
        fault: sorted(
            [f"{kind} {point}" for kind in ("joined", "released") for point in points]
            + ["opened", "evidence", "recovered", "closed", *["told"] * 4, *["told_elsewhere"] * 2]
        )
        for fault, points in affected.items()
    }
    rows = await stack.rows(
        "SELECT i.fault, o.kind || ' ' || o.channel || ' ' || d.outcome AS said FROM outbox o"
        " JOIN incidents i ON i.uid = o.incident LEFT JOIN deliveries d USING (message) WHERE o.settled IS NOT NULL"
    )
    told = sorted(f"{kind} {channel} delivered" for kind in ("opened", "recovered") for channel in ("am", "hook"))
    assert {fault: sorted(said) for fault, said in _by(rows, "fault", "said").items()} == dict.fromkeys(affected, told)
    assert await stack.table("Danh sách sự cố đang mở") == []
    for point, numbers in (("ward-1", [2]), ("ward-2", [2, 1]), ("ward-5", [])):
        found = await stack.table("Sự cố của điểm", point=point)
        assert [row["number"] for row in found if row["closed"]] == numbers


async def _until_told_elsewhere(stack: Whole) -> None:
    """Wait until what Alertmanager told stands in both incidents' timelines, begin and end."""

    async def holds() -> bool:
        rows = await stack.rows(
            "SELECT i.number, e.data::json ->> 'status' AS status FROM incident_events e"
            " JOIN incidents i ON i.uid = e.incident WHERE e.kind = 'told_elsewhere' ORDER BY e.id"
        )
        return _by(rows, "number", "status") == {1: ["firing", "resolved"], 2: ["firing", "resolved"]}

    await stack.until(holds, "what Alertmanager told is in the timelines")


async def _everything_is_in_prometheus(stack: Whole) -> None:
    """Series go on where they were before the restart; rules reckoned from them say the same."""
    for status in ("down", "unreachable"):
        assert await stack.course(f"lienthong_point_status{{point='ward-2', status='{status}'}}") == [0, 1, 0]
    assert await stack.course("lienthong_point_status{point='circuit-1', status='down'}") == [0, 1, 0]
    assert await stack.course("lienthong_point_status{point='ward-1', status='down'}") == [0]
    assert await stack.course("lienthong:connected:bool{point='ward-2'}") == [1, 0, 1, 0, 1]
    assert await stack.course("lienthong:connected:bool{point='ward-5'}") == [1]
    areas = await stack.asks("lienthong:availability_by_area:ratio_rate5m")
    ratios = {each["metric"]["area"]: float(each["value"][1]) for each in areas}
    assert ratios["ba-dinh"] == 1
    assert 0 < ratios["ba-vi"] < 1
    burning = await stack.panel("Khu vực tiêu hao nhanh nhất")
    assert burning["Ba Vì"] > burning["Ba Đình"] == 0
    assert await stack.asks("sum(lienthong_recorder_lost_results_total) + sum(lienthong_unwritten) == 0")
    # The rules about points keep quiet: the monitor tells.
    assert await stack.asks("max_over_time(ALERTS{alertname='PrometheusWatchdog', alertstate='firing'}[1h])")
    assert await stack.asks(f"max_over_time(ALERTS{{{OF_POINTS}}}[1h])") == []


async def _nothing_was_told_twice(stack: Whole, mails: Mails) -> None:
    hook = stack.world.receiver
    assert hook.told == [
        f"{kind} point:{point}" for point in ("ward-2", "circuit-1") for kind in ("opened", "recovered")
    ]
    assert len(hook.letters) == hook.envelopes == 4
    assert sorted(mail for got in mails.got if (mail := _mail(*got))) == [
        (about, begun, whom)
        for about, told in (("CIRCUIT-1", ["ha-tang truc-ban"]), ("WARD-2", ["khu-vuc-phia-tay", "truc-ban"]))
        for begun in ("KHẨN", "ĐÃ HẾT")
        for whom in told
    ]


def _mail(to: list[str], mail: EmailMessage) -> tuple[str, str, str] | None:
    """Of which point it tells, whether of a begin or an end, and whom; None: of something else."""
    match = re.match(r"\[(.+?)\] .*?(\S+) mất kết nối", str(mail["Subject"]))
    return (match[2], match[1], " ".join(sorted(whom.partition("@")[0] for whom in to))) if match else None


def _by(rows: list[dict[str, Any]], key: str, value: str) -> dict[Any, list[Any]]:
    """The rows' values by their keys, in order."""
    found = defaultdict(list)
    for row in rows:
        found[row[key]].append(row[value])
    return dict(found)


async def test_where_prometheus_tells_in_the_monitors_place(tmp_path: Path, mails: Mails) -> None:
    """Its restart ends no alert and repeats none, and a circuit's alert holds back those of the wards behind it."""
    async with whole(tmp_path, inventory("prometheus"), mails=mails.port) as stack:  # type: ignore[attr-defined]
        await stack.until_shown("Kết luận", {"6/6 ổn định": 0})
        await stack.until_prometheus_tells()
        await stack.world.order("ward-2", "refuse")
        firing = ["firing PointDown ward-2"]
        await stack.until_told({TIMELINE: firing, WEST: firing, ON_DUTY: firing})
        await _prometheus_restarts(stack, "ALERTS{alertname='PointDown', point='ward-2', alertstate='firing'}")
        await stack.until_prometheus_tells()
        await stack.world.heal()
        told = twice("PointDown ward-2")
        await stack.until_told({TIMELINE: told, WEST: told, ON_DUTY: told})

        stack.ends.told.clear()
        await stack.world.order(["circuit-1", *FAR], "refuse")
        firing = ["firing CircuitDown circuit-1"]
        await stack.until_told({TIMELINE: firing, BUILDERS: firing})
        await stack.until_found("count(ALERTS{alertname='PointUnreachable', alertstate='firing'}) == 4")
        await stack.until(lambda: _held_back(stack, 4), "the wards' alerts are held back")
        # The wards before the circuit: for a moment without it their alerts would be told.
        await stack.world.order(FAR)
        await stack.until(lambda: _held_back(stack, 0), "the wards' alerts are over")
        await stack.world.heal()
        told = twice("CircuitDown circuit-1")
        await stack.until_told({TIMELINE: told, BUILDERS: told})
        await _until_told_elsewhere(stack)
        assert stack.world.receiver.told == []
        fired = await stack.asks(
            f"count by (alertname) (max_over_time(ALERTS{{{OF_POINTS}, alertstate='firing'}}[1h]))"
        )
        assert {each["metric"]["alertname"]: int(each["value"][1]) for each in fired} == {
            "PointDown": 1, "CircuitDown": 1, "PointUnreachable": 4,
        }  # fmt: skip


async def _held_back(stack: Whole, count: int) -> bool:
    """Whether Alertmanager has so many alerts of wards that are cut off, and holds all of them back."""
    found = await held_back(stack.alertmanager)
    wards = [held for labels, held in found.items() if json.loads(labels)["alertname"] == "PointUnreachable"]
    return wards == [True] * count
