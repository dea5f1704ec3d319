"""Planned work over a socket: made, listed, cancelled, in force at once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.calendar.model import Window

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
"""When the world's story ends."""
PATH = "/api/v1/maintenance"
ONE = "/api/v1/maintenance/{id}"
World = Any
Ask = Callable[..., Any]


def stamp(minutes: float) -> str:
    return (NOW + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.fixture
def plan(ask: Ask) -> Ask:
    async def post(expected: int = 201, **body: Any) -> Any:
        given = {"name": "thay cáp", "begin": stamp(60), "end": stamp(120), "points": ["cua-nam"], **body}
        kept = {name: value for name, value in given.items() if value is not None}
        return await ask(PATH, expected, method="post", json=kept)

    return post


async def test_planned_work_is_listed_with_its_next_time(ask: Ask, plan: Ask) -> None:
    made = await plan(by="Hà")
    window = made["window"]
    assert (made["changed"], window["source"], window["created_by"]) == (True, "stored", "Hà")
    assert (window["duration_seconds"], window["created_at"], window["in_force"]) == (3600, stamp(0), False)
    assert window["next"] == [{"begin": stamp(60), "end": stamp(120)}]
    assert (await ask(PATH))["windows"] == [window]


async def test_a_window_whose_time_has_come_is_in_force_at_once(world: World, ask: Ask, plan: Ask) -> None:
    made = await plan(begin=stamp(-5), end=stamp(5))
    assert made["window"]["in_force"] is True
    assert made["window"]["next"] == [{"begin": stamp(-5), "end": stamp(5)}], "the time under way is told whole"
    assert (await ask("/api/v1/points/{id}", id="cua-nam"))["maintenance"] is True
    assert (await ask("/api/v1/points/{id}", id="ba-vi"))["maintenance"] is False
    cancelled = await ask(ONE, method="delete", id=made["window"]["id"], by="Hà")
    assert (cancelled["changed"], cancelled["window"]["cancelled_at"]) == (True, stamp(0))
    assert (await ask("/api/v1/points/{id}", id="cua-nam"))["maintenance"] is False


async def test_a_window_counts_from_when_it_was_made(world: World, ask: Ask, plan: Ask) -> None:
    """Who was told that a point is down is told that it is back: work that is entered afterwards hides nothing."""
    await plan(begin=stamp(-5), end=stamp(5))
    (flag,) = (await world.store.resume("local", NOW)).flags.values()
    assert (flag.on, flag.at) == (True, NOW)


async def test_a_plan_with_an_id_may_be_sent_again(ask: Ask, plan: Ask) -> None:
    first = await plan(id="cap-7")
    again = await plan(id="cap-7", by="Hà")
    assert (first["changed"], again["changed"], again["window"]) == (True, False, first["window"])
    assert [each["id"] for each in (await ask(PATH))["windows"]] == ["cap-7"]
    assert "another window's" in (await plan(409, id="cap-7", name="khác"))["detail"]
    await ask(ONE, method="delete", id="cap-7")
    assert (await plan(id="cap-7"))["window"]["over"] is True


async def test_the_id_of_a_window_in_the_file_is_taken(world: World, plan: Ask) -> None:
    in_file = Window(id="tu-file", name="bảo trì", begin=NOW, duration=timedelta(hours=1), points=("hub",))
    world.board.reload(replace(world.board.config, maintenance=(in_file,)))
    await plan(409, id="tu-file")


async def test_cancelling_again_changes_nothing(ask: Ask, plan: Ask) -> None:
    name = (await plan())["window"]["id"]
    first = await ask(ONE, method="delete", id=name)
    again = await ask(ONE, method="delete", id=name)
    assert (first["changed"], again["changed"], again["window"]) == (True, False, first["window"])
    assert first["window"]["over"] is True
    assert (await ask(PATH))["windows"] == []
    assert [each["id"] for each in (await ask(PATH, state="all"))["windows"]] == [name]


async def test_work_comes_again_and_again(plan: Ask) -> None:
    weekly = {"rule": "FREQ=WEEKLY;BYDAY=SU", "begin": "2026-11-22T22:00:00+07:00", "duration_seconds": 7200}
    made = await plan(**weekly, end=None, points=None, areas=["ba-vi"], labels={"provider": "vnpt"})
    window = made["window"]
    assert [span["begin"] for span in window["next"]] == [
        f"2026-{day}T15:00:00.000000Z" for day in ("11-29", "12-06", "12-13")
    ]
    assert (window["areas"], window["labels"], window["points"]) == (["ba-vi"], {"provider": "vnpt"}, [])


async def test_the_files_windows_are_listed_and_left_to_the_file(world: World, ask: Ask, plan: Ask) -> None:
    in_file = Window(id="tu-file", name="bảo trì", begin=NOW, duration=timedelta(hours=1), points=("hub",))
    past = replace(in_file, id="xong", begin=NOW - timedelta(hours=3))
    world.board.reload(replace(world.board.config, maintenance=(past, in_file)))
    later = (await plan())["window"]["id"]
    assert [(each["id"], each["source"]) for each in (await ask(PATH))["windows"]] == [
        ("tu-file", "file"), (later, "stored"),
    ]  # fmt: skip
    assert [each["id"] for each in (await ask(PATH, state="all"))["windows"]] == ["tu-file", later, "xong"]
    problem = await ask(ONE, 409, method="delete", id="tu-file")
    assert "remove it there, then reload" in problem["detail"]


async def test_an_unknown_window_is_said(ask: Ask) -> None:
    assert (await ask(ONE, 404, method="delete", id="nowhere"))["detail"] == "there is no maintenance window 'nowhere'"


@pytest.mark.parametrize(
    ("body", "parameter", "words"),
    [
        ({"points": ["nowhere"]}, "points", "there is no point 'nowhere'"),
        ({"areas": ["nowhere"]}, "areas", "there is no area 'nowhere'"),
        ({"labels": {"provider": "nobody"}}, "labels", "there is no label 'provider=nobody'"),
        ({"points": []}, "window", "covers nothing"),
        ({"id": "../x"}, "id", "pattern"),
        ({"end": stamp(60)}, "window", "ends before it begins"),
        ({"rule": "FREQ=NEVER"}, "rule", "rule"),
        ({"begin": stamp(-60), "end": stamp(0)}, "begin", "over already"),
        ({"begin": "0001-01-01T00:00:00+14:00"}, "begin", "ten years"),
        ({"begin": "9999-12-31T23:59:59-14:00"}, "begin", "ten years"),
        ({"end": "9999-12-31T23:59:59-14:00"}, "end", "more than a year"),
        ({"end": None}, "body", "give one of end and duration_seconds"),
        ({"duration_seconds": 60}, "body", "give one of end and duration_seconds"),
        ({"end": None, "duration_seconds": 0}, "duration_seconds", "greater than 0"),
        ({"name": ""}, "name", "at least 1"),
        ({"begin": "2026-11-23T10:00:00"}, "begin", "needs a time zone"),
        ({"point": "cua-nam"}, "point", "no such parameter"),
    ],
)
async def test_what_is_wrong_with_a_window_is_named(
    ask: Ask, plan: Ask, body: Any, parameter: str, words: str
) -> None:  # fmt: skip
    problem = await plan(422, **body)
    assert [each["parameter"] for each in problem["errors"]] == [parameter]
    assert words in problem["errors"][0]["detail"]
    assert (await ask(PATH, state="all"))["windows"] == []


async def test_a_window_that_covers_nobody_is_refused(world: World, plan: Ask) -> None:
    empty = replace(world.board.config.areas[0], id="trong")
    world.board.reload(replace(world.board.config, areas=(*world.board.config.areas, empty)))
    assert "covers no point" in (await plan(422, points=None, areas=["trong"]))["detail"]


async def test_everything_that_is_wrong_is_named_at_once(plan: Ask) -> None:
    problem = await plan(422, points=["x", "y"], areas=["z"], end=stamp(0))
    assert [each["parameter"] for each in problem["errors"]] == ["window", "points", "points", "areas"]


async def test_without_its_database_nothing_is_planned(world: World, plan: Ask, tmp_path: Any) -> None:
    await world.store.close()
    for path in tmp_path.iterdir():
        path.unlink()
    (tmp_path / "monitor.db").mkdir()
    body = {"name": "x", "begin": stamp(1), "duration_seconds": 60, "points": ["cua-nam"]}
    async with world.post(PATH, json=body) as response:
        assert response.status == 503
