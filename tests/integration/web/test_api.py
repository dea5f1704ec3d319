"""The JSON interface over a socket; every answer is held to the schema that the OpenAPI document gives it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from openapi_spec_validator import validate

from monitor.model import Reason

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
World = Any
Ask = Callable[..., Any]


def stamp(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_the_document_is_openapi(document: dict[str, Any]) -> None:
    validate(document)


async def test_every_route_is_documented_and_the_other_way_round(world: World, document: dict[str, Any]) -> None:
    routes = {
        (route.method, route.resource.canonical)
        for route in world.app.router.routes()
        if route.method != "HEAD" and route.resource.canonical.startswith(("/api/", "/-/", "/metrics", "/config"))
    }
    assert routes == {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}


async def test_points_are_listed_in_the_configurations_order(ask: Ask) -> None:
    answer = await ask("/api/v1/points")
    assert answer["total"] == 5
    assert [point["id"] for point in answer["points"]] == ["cua-nam", "minh-chau", "ba-vi", "hub", "bon"]
    lost = answer["points"][1]
    assert (lost["status"], lost["bucket"], lost["culprit"], lost["reason"]) == ("down", "down", "link", "timeout")
    assert lost["since"] == stamp(1800)
    assert answer["points"][4]["declared"] is False


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "cua nam"}, ["cua-nam"]),
        ({"q": "CỬA"}, ["cua-nam"]),
        ({"q": "hoan kiem"}, ["cua-nam"]),
        ({"q": "ua nam"}, []),
        ({"kind": "hub"}, ["hub"]),
        ({"area": "ba-vi"}, ["minh-chau", "ba-vi"]),
        ({"status": "down"}, ["minh-chau"]),
        ({"area": "ba-vi", "status": "up"}, ["ba-vi"]),
        ({"kind": "nothing"}, []),
    ],
)
async def test_points_are_filtered(ask: Ask, query: dict[str, str], found: list[str]) -> None:
    answer = await ask("/api/v1/points", **query)
    assert [point["id"] for point in answer["points"]] == found


async def test_a_point_has_its_endpoints_and_their_last_results(ask: Ask) -> None:
    point = await ask("/api/v1/points/{id}")
    assert point["contact"]["name"] == "Trần Thu Hà"
    assert point["location"] == {"latitude": 21.03, "longitude": 105.85}
    assert point["depends_on"] == [["hub"]]
    link, portal = point["endpoints"]
    assert (link["status"], link["since"], link["last"]["outcome"]) == ("down", stamp(1800), "down")
    assert link["last"]["failed_phase"] == "connect"
    assert portal["interval_seconds"] == 15
    well = await ask("/api/v1/points/{id}", id="ba-vi")
    assert well["endpoints"][0]["last"]["phases_seconds"] == {"resolve": 0.1, "connect": 0.15}
    assert well["endpoints"][0]["last"]["facts"]["probe_http_status_code"] == 200
    new = await ask("/api/v1/points/{id}", id="bon")
    assert (new["endpoints"][0]["last"], new["location"], new["never"]) == (None, None, False)


async def test_results_come_one_by_one(ask: Ask) -> None:
    series = await ask("/api/v1/points/{id}/results", **{"from": stamp(1770), "to": stamp(1860)})
    assert [(each["begun"], each["outcome"]) for each in series["results"]] == [
        (stamp(1770), "up"), (stamp(1800), "down"), (stamp(1830), "down"),
    ]  # fmt: skip
    assert (series["endpoint"], series["begin"], series["end"]) == ("link", stamp(1770), stamp(1860))
    assert series["buckets"] == []


async def test_results_come_in_buckets(ask: Ask) -> None:
    query = {"from": stamp(0), "to": stamp(3600), "step_seconds": "600", "endpoint": "link"}
    series = await ask("/api/v1/points/{id}/results", id="cua-nam", **query)
    assert [each["begin"] for each in series["buckets"]] == [stamp(600 * number) for number in range(6)]
    assert [each["up"] for each in series["buckets"]] == [20] * 6
    second = series["buckets"][1]
    assert (round(second["median_seconds"], 4), round(second["max_seconds"], 4)) == (0.3385, 0.367)
    lost = (await ask("/api/v1/points/{id}/results", **query))["buckets"][3]
    assert lost == {
        "begin": stamp(1800), "median_seconds": None, "max_seconds": None, "up": 0, "down": 20, "unknown": 0,
    }  # fmt: skip


async def test_buckets_over_many_days_are_read_in_slices(world: World, ask: Ask, say_result: Ask) -> None:
    for day in (1, 2, 40):
        await world.store.write_results([say_result("cua-nam", "link", -86400 * day + 7)])
    query = {"from": stamp(-86400 * 90), "to": stamp(0), "step_seconds": "25000"}
    series = await ask("/api/v1/points/{id}/results", id="cua-nam", **query)
    assert [each["up"] for each in series["buckets"][:3]] == [1, 1, 1]
    begins = [datetime.fromisoformat(each["begin"]) for each in series["buckets"]]
    assert all(begin.timestamp() % 25000 == 0 for begin in begins)


async def test_uptime_over_the_four_windows(ask: Ask) -> None:
    answer = await ask("/api/v1/points/{id}/uptime")
    point, link, portal = answer["subjects"]
    assert [point["endpoint"], link["endpoint"], portal["endpoint"]] == ["", "link", "portal"]
    hour, day, *_ = point["windows"]
    assert [each["window"] for each in point["windows"]] == ["1h", "24h", "7d", "30d"]
    assert (hour["coverage_ratio"], hour["connectivity_ratio"], hour["service_ratio"]) == (1, 0.5, 0.5)
    assert (hour["own_connectivity_ratio"], hour["own_service_ratio"], hour["maintenance_seconds"]) == (0.5, 0.5, 0)
    assert hour["by_status_seconds"]["down"] == 1800
    assert day["coverage_ratio"] == pytest.approx(1 / 24)
    assert sum(day["by_status_seconds"].values()) == 86400


async def test_uptime_over_any_window(ask: Ask) -> None:
    query = {"from": stamp(1350), "to": stamp(2250)}
    answer = await ask("/api/v1/points/{id}/uptime", **query)
    (asked,) = answer["subjects"][0]["windows"]
    assert (asked["window"], asked["begin"], asked["end"]) == ("asked", query["from"], query["to"])
    assert asked["connectivity_ratio"] == 0.5
    before = await ask("/api/v1/points/{id}/uptime", **{"from": stamp(-100), "to": stamp(-50)})
    (nothing,) = before["subjects"][0]["windows"]
    assert (nothing["connectivity_ratio"], nothing["coverage_ratio"]) == (None, 0)


async def test_days_of_the_centres_calendar(ask: Ask) -> None:
    answer = await ask("/api/v1/points/{id}/days", days=3)
    assert answer["time_zone"] == "Asia/Ho_Chi_Minh"
    assert [day["day"] for day in answer["days"]] == ["2026-11-21", "2026-11-22", "2026-11-23"]
    # It is 11 o'clock in Hanoi: 11 hours of the day have passed, one of them observed.
    today = answer["days"][-1]
    assert sum(today["by_status_seconds"].values()) == 11 * 3600
    assert (today["worst"], today["by_status_seconds"]["down"]) == ("down", 1800)
    assert answer["days"][0]["worst"] == "unobserved"


async def test_transitions_page_by_page(ask: Ask) -> None:
    whole = (await ask("/api/v1/transitions"))["transitions"]
    assert whole[0]["at"] == stamp(1800)
    assert {row["point"] for row in whole if row["status"] == "down"} == {"minh-chau"}
    pages, cursor = [], ""
    while cursor is not None:
        page = await ask("/api/v1/transitions", limit=3, cursor=cursor)
        pages += page["transitions"]
        cursor = page["next"]
    assert pages == whole
    one = await ask("/api/v1/transitions", point="cua-nam")
    assert {row["point"] for row in one["transitions"]} == {"cua-nam"}


async def test_the_verdict(ask: Ask) -> None:
    verdict = await ask("/api/v1/verdict")
    assert (verdict["total"], verdict["stable"], verdict["tone"], verdict["undeclared"]) == (3, 2, "down", 1)
    assert verdict["troubled"] == ["minh-chau"]
    assert sum(verdict["counts"].values()) == 3


@pytest.mark.parametrize(
    ("path", "query", "status", "parameter", "words"),
    [
        ("/api/v1/points", {"status": "broken"}, 422, "status", "Input should be"),
        ("/api/v1/points", {"sort": "name"}, 422, "sort", "no such parameter"),
        ("/api/v1/points/{id}/results", {"from": "yesterday"}, 422, "from", "valid datetime"),
        ("/api/v1/points/{id}/results", {"from": "2026-11-23T00:00:00"}, 422, "from", "needs a time zone"),
        ("/api/v1/points/{id}/results", {"from": stamp(9), "to": stamp(9)}, 422, "from", "must lie before to"),
        ("/api/v1/points/{id}/results", {"from": stamp(-86400 * 3)}, 422, "from", "more than 48 hours"),
        ("/api/v1/points/{id}/results", {"step_seconds": "0"}, 422, "step_seconds", "greater than or equal"),
        ("/api/v1/points/{id}/results", {"step_seconds": "nan"}, 422, "step_seconds", "finite"),
        ("/api/v1/points/{id}/results", {"step_seconds": "1e-9"}, 422, "step_seconds", "greater than or equal"),
        ("/api/v1/points/{id}/results", {"step_seconds": "10"}, 422, "step_seconds", "more than 5000 buckets"),
        ("/api/v1/points/{id}/days", {"days": "0"}, 422, "days", "greater than or equal"),
        ("/api/v1/points/{id}/days", {"days": "many"}, 422, "days", "valid integer"),
        ("/api/v1/points/{id}/uptime", {"to": "2000-01-01T00:00:00Z", "from": stamp(0)}, 422, "from", "before"),
        ("/api/v1/transitions", {"limit": "1001"}, 422, "limit", "less than or equal"),
        ("/api/v1/transitions", {"cursor": "abc"}, 422, "cursor", "not a cursor"),
    ],
)  # fmt: skip
async def test_a_bad_parameter_is_named(
    ask: Ask, path: str, query: dict[str, str], status: int, parameter: str, words: str
) -> None:
    problem = await ask(path, status, **query)
    assert problem["status"] == status
    assert [each["parameter"] for each in problem["errors"]] == [parameter]
    assert words in problem["errors"][0]["detail"]
    assert parameter in problem["detail"]


async def test_the_ends_of_time_are_cut_off(ask: Ask) -> None:
    ends = {"from": "0001-01-01T00:00:00+14:00", "to": "9999-12-31T23:59:59-14:00"}
    (asked,) = (await ask("/api/v1/points/{id}/uptime", **ends))["subjects"][0]["windows"]
    assert (asked["begin"], asked["end"]) == ("2000-01-01T00:00:00.000000Z", stamp(3600))
    assert (await ask("/api/v1/transitions", **ends))["transitions"]


async def test_a_parameter_given_twice_is_named(world: World) -> None:
    problem = await world.json("/api/v1/points?kind=ward&kind=hub", 422)
    assert problem["errors"] == [{"parameter": "kind", "detail": "given more than once"}]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/v1/points/{id}", {}),
        ("/api/v1/points/{id}/results", {}),
        ("/api/v1/points/{id}/uptime", {}),
        ("/api/v1/points/{id}/days", {}),
    ],
)
async def test_an_unknown_point_is_said(ask: Ask, path: str, query: dict[str, str]) -> None:
    problem = await ask(path, 404, id="nowhere", **query)
    assert problem["detail"] == "there is no point 'nowhere'"


async def test_an_unknown_endpoint_is_said(ask: Ask) -> None:
    problem = await ask("/api/v1/points/{id}/results", 404, endpoint="fax")
    assert problem["detail"] == "point 'minh-chau' has no endpoint 'fax'"


async def test_a_database_that_is_away_is_said_and_the_rest_goes_on(world: World, ask: Ask, tmp_path: Any) -> None:
    await world.store.close()
    for path in tmp_path.iterdir():
        path.unlink()
    (tmp_path / "monitor.db").mkdir()
    problem = await world.json("/api/v1/points/minh-chau/days", 503)
    assert problem["detail"] == "the database does not answer at the moment"
    assert (await ask("/api/v1/points"))["total"] == 5


async def test_unknown_paths_and_methods_are_problems(world: World) -> None:
    assert (await world.json("/api/v1/nothing", 404))["title"] == "Not Found"
    async with world.post("/api/v1/points") as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")
        assert response.content_type == "application/problem+json"


async def test_a_fault_of_ours_is_logged_and_tells_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.hub.snapshot()
    world.board.verdict = None
    problem = await world.json("/api/v1/verdict", 500)
    assert problem["detail"] == "the program failed here; its log says why"
    assert "Traceback" in caplog.text


async def test_a_reason_of_each_kind_fits_the_schema(world: World, ask: Ask, say_result: Ask) -> None:
    for second, reason in enumerate(Reason):
        await world.accept(say_result("ba-vi", "link", 3000 + second, reason=reason))
        await ask("/api/v1/points/{id}", id="ba-vi")
