"""The overview says what happened: one ward cut off, one whose page fails, the others well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dashboards.colours import CODES
from tests.stack import grafana
from tests.stack.grafana import Value
from tests.stack.life import Life

EVERYTHING = {
    "job": Value(("lienthong",), multi=True, everything=".+"),
    "kind": Value(("ward",), multi=True, everything=".*"),
    "area": Value(("ba-vi",), multi=True, everything=".*"),
}


def ask(life: Life, title: str) -> list[tuple[str, dict[str, str], float]]:
    """A panel's series at the story's end: legend, labels, value."""
    (target,) = [
        target for found, target in grafana.questions(grafana.load(Path("dashboards/tong-quan.json"))) if found == title
    ]
    answer: list[dict[str, Any]] = life.instant(grafana.promql(target["expr"], EVERYTHING, life))
    legend = target.get("legendFormat", "")
    return [(grafana.legend(legend, each["metric"]), each["metric"], float(each["value"][1])) for each in answer]


def test_the_verdict_counts_and_is_red(life: Life) -> None:
    ((said, _, level),) = ask(life, "Kết luận")
    stable, total = said.removesuffix(" ổn định").split("/")
    assert total == "5"
    assert int(stable) <= 3
    assert level == 2


def test_each_point_has_the_state_that_the_wall_shows(life: Life) -> None:
    codes = {labels["point"]: value for _, labels, value in ask(life, "Lịch sử trạng thái của mọi điểm")}
    shown = {point["id"]: point["bucket"] for point in life.api("/api/v1/points")["points"]}
    assert (codes["ward-4"], codes["ward-3"]) == (CODES["down"], CODES["faulty"])
    # What became stable between Prometheus' last scrape and now is the only thing that may differ.
    calm = {"stable": CODES["stable"], "fresh": CODES["stable"]}
    assert {point: max(code, 0) if code != CODES["fresh"] else CODES["stable"] for point, code in codes.items()} == {
        point: calm.get(bucket, CODES[bucket]) for point, bucket in shown.items()
    }


def test_the_map_has_the_points_with_coordinates_and_no_others(life: Life) -> None:
    places = {
        labels["point"]: (float(labels["latitude"]), float(labels["longitude"]))
        for _, labels, _ in ask(life, "Bản đồ các điểm")
    }
    assert places == {f"ward-{n}": (pytest.approx(21 + n / 100), pytest.approx(105.8 + n / 100)) for n in range(1, 5)}


def test_tables_count_every_point_once(life: Life) -> None:
    by_kind = ask(life, "Theo loại điểm")
    assert sum(value for _, labels, value in by_kind if labels["kind"] == "ward") == 4
    assert {labels["name"] for _, labels, _ in ask(life, "Theo khu vực")} == {"Ba Đình", "Ba Vì"}
    down = [(labels["name"], value) for _, labels, value in ask(life, "Theo khu vực") if labels["status"] == "down"]
    assert sorted(down) == [("Ba Vì", 0), ("Ba Đình", 1)]


def test_the_open_incidents_are_those_of_the_api(life: Life) -> None:
    ((_, _, count),) = ask(life, "Sự cố đang mở")
    (target,) = [
        target
        for title, target in grafana.questions(grafana.load(Path("dashboards/tong-quan.json")))
        if title == "Danh sách sự cố đang mở"
    ]
    rows = life.sql(grafana.sql(target["rawSql"], EVERYTHING, life))
    incidents = life.api("/api/v1/incidents", state="open")["incidents"]
    assert {row["number"] for row in rows} == {incident["number"] for incident in incidents}
    assert {row["subject"] for row in rows} >= {"ward-3", "ward-4"}
    assert count == len(rows)
