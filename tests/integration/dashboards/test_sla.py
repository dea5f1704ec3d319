"""The SLA's SQL says what the API says: the same months, point by point and area by area."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.calendar import ZONE
from tests.stack import grafana
from tests.stack.grafana import Value
from tests.stack.life import Life

WARDS = [f"ward-{number}" for number in range(1, 5)]
AREAS = {"Ba Đình": ["ward-2", "ward-4"], "Ba Vì": ["branch-1", "ward-1", "ward-3"]}
EVERYTHING = {
    "kind": Value(("ward", "branch", "hub"), multi=True),
    "area": Value(("ba-dinh", "ba-vi", "-"), multi=True),
    "slo_connectivity": Value(("0.995",)),
    "slo_service": Value(("0.99",)),
}


def months() -> list[tuple[str, datetime, datetime]]:
    """The months of the wards' past: name, begin, and end; this month's end is this morning's midnight."""
    today = datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    this = today.replace(day=1)
    last = (this - timedelta(days=1)).replace(day=1)
    return [(begin.strftime("%Y-%m"), begin, end) for begin, end in ((last, this), (this, today)) if begin < end]


def question(title: str) -> str:
    (target,) = [
        target for found, target in grafana.questions(grafana.load(Path("dashboards/sla.json"))) if found == title
    ]
    return str(target["rawSql"])


def ask(life: Life, title: str, begin: datetime, end: datetime) -> list[dict[str, Any]]:
    return life.sql(grafana.sql(question(title), EVERYTHING, life.looking_at(begin, end)))


def of_api(life: Life, point: str, begin: datetime, end: datetime) -> dict[str, Any]:
    span = {"from": begin.astimezone(UTC).isoformat(), "to": end.astimezone(UTC).isoformat()}
    (subject,) = (
        each for each in life.api(f"/api/v1/points/{point}/uptime", **span)["subjects"] if not each["endpoint"]
    )
    found: dict[str, Any] = subject["windows"][0]
    return found


def test_point_by_point(life: Life) -> None:
    compared = 0
    for _, begin, end in months():
        rows = {row["point"]: row for row in ask(life, "Điểm, thấp nhất trước", begin, end)}
        for ward in WARDS:
            window = of_api(life, ward, begin, end)
            row = rows[ward]
            assert row["name"] == ward.upper()
            assert row["connectivity"] == pytest.approx(window["connectivity_ratio"], abs=1e-12)
            assert row["service"] == pytest.approx(window["service_ratio"], abs=1e-12)
            assert row["own_connectivity"] == pytest.approx(window["own_connectivity_ratio"], abs=1e-12)
            # The first month began before the wards' history: days that nobody closed are not among the sums.
            whole = (end - begin).total_seconds()
            counted = window["coverage_ratio"] * whole
            cut = counted * (1 - window["connectivity_ratio"])
            assert float(row["cut"]) == pytest.approx(cut, abs=1e-5)
            compared += row["connectivity"] < 1
    assert compared


def test_area_by_area_and_month_by_month(life: Life) -> None:
    begin, end = months()[0][1], months()[-1][2]
    rows = {(row["month"], row["area"]): row for row in ask(life, "Khu vực và tháng", begin, end)}
    matrix = {
        (row["month"], row["area"]): row["connectivity"] for row in ask(life, "Kết nối: khu vực theo tháng", begin, end)
    }
    for month, first, last in months():
        for area, wards in AREAS.items():
            spent: dict[str, float] = defaultdict(float)
            for ward in wards:
                window = of_api(life, ward, first, last)
                counted = window["coverage_ratio"] * (last - first).total_seconds()
                spent["counted"] += counted
                spent["connected"] += counted * window["connectivity_ratio"]
                spent["serving"] += counted * window["service_ratio"]
            row = rows[month, area]
            connectivity, service = spent["connected"] / spent["counted"], spent["serving"] / spent["counted"]
            assert row["points"] == len(wards)
            assert row["connectivity"] == pytest.approx(connectivity, abs=1e-9)
            assert row["service"] == pytest.approx(service, abs=1e-9)
            assert row["met"] == int(connectivity >= 0.995 and service >= 0.99)
            assert row["budget"] == pytest.approx(1 - (1 - connectivity) / 0.005, abs=1e-6)
            assert matrix[month, area] == row["connectivity"]


def test_day_by_day(life: Life) -> None:
    days = {day["day"]: day for day in life.api("/api/v1/points/ward-2/days", days=40)["days"][:-1]}
    question = next(
        target["rawSql"]
        for title, target in grafana.questions(grafana.load(Path("dashboards/diem.json")))
        if title == "Từng ngày đã chốt"
    )
    begin = datetime.now(ZONE) - timedelta(days=60)
    rows = life.sql(grafana.sql(question, {"point": Value(("ward-2",))}, life.looking_at(begin, datetime.now(ZONE))))
    found = {datetime.fromtimestamp(float(row["time"]), ZONE).date().isoformat(): row for row in rows}
    assert len(days.keys() & found.keys()) >= 38
    for day in days.keys() & found.keys():
        for column, name in (
            ("Kết nối", "connectivity_ratio"),
            ("Dịch vụ", "service_ratio"),
            ("Độ phủ", "coverage_ratio"),
        ):
            expected = days[day][name]
            assert (found[day][column] is None) == (expected is None)
            if expected is not None:
                assert found[day][column] == pytest.approx(expected, abs=1e-9)
