"""Every question of every dashboard, its variables at all their values, to those who answer it."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.integration.scenarios.inventory import name_server
from tests.stack import grafana
from tests.stack.grafana import FILES, Value
from tests.stack.life import Life, inventory

CUT_OFF = "ward-4"
PROBERS = {"link": "tcp", "portal": "http", "secure": "https", "ping": "icmp", "dns": "dns"}
NEEDS = {
    "Mất gói": {"icmp"},
    "Thời gian đi và về, độ rung": {"icmp", "tcp"},
    "Mã trả lời HTTP": {"http", "https"},
    "Chứng chỉ còn hạn": {"https"},
    "Chứng chỉ và TLS": {"https"},
}
"""What panels show only of endpoints of some protocols."""


def expected(title: str, target: dict[str, Any], values: dict[str, Value], life: Life) -> bool:
    """Whether the question must have an answer."""
    asked = target.get("expr") or target["rawSql"]
    if "$endpoint" in asked or title in NEEDS:
        point, endpoints = values["point"].values[0], values["endpoint"].values
        probers = {"dns"} if point == "names" else {PROBERS[endpoint] for endpoint in endpoints}
        if title == "Chứng chỉ và TLS" and point == CUT_OFF:
            return False
        if title == "Thời gian đi và về, độ rung":
            return ("icmp" if "icmp" in asked else "tcp") in probers
        return bool(probers & NEEDS.get(title, probers))
    if "$kind" in asked or "$area" in asked:
        chosen = f"kind=~'{values['kind'].in_promql()}', area=~'{values['area'].in_promql()}'"
        if "latitude!=``" in asked:
            return bool(life.instant(f"count(lienthong_point_info{{{chosen}, latitude!=''}})"))
        point = f"lienthong_point_status{{{chosen}{', area!=``' if 'area!=``' in asked else ''}}}"
        return bool(life.instant(f"count({point})"))
    return True


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_question_of_prometheus_is_answered(path: Path, life: Life) -> None:
    dashboard = grafana.load(path)
    problems = []
    asked = 0
    for values in grafana.settings(dashboard, life):
        for title, target in grafana.questions(dashboard):
            if "expr" not in target:
                continue
            query = grafana.promql(target["expr"], values, life)
            answer = life.instant(query) if target.get("instant") else life.range(query)
            asked += 1
            if not answer and expected(title, target, values, life):
                problems.append(f"{title}: nothing for {query}")
            for series in answer:
                if target.get("format") != "table":
                    name = grafana.legend(target["legendFormat"], series["metric"])
                    if not name or name != name.strip(": "):
                        problems.append(f"{title}: a series without a name: {series['metric']}")
    assert not problems, "\n".join(sorted(set(problems)))
    assert asked


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_question_of_postgresql_is_answered(path: Path, life: Life) -> None:
    dashboard = grafana.load(path)
    problems = []
    past = life.looking_back(days=60)
    for values in grafana.settings(dashboard, life):
        for title, target in grafana.questions(dashboard):
            if "rawSql" not in target:
                continue
            rows = life.sql(grafana.sql(target["rawSql"], values, past))
            if not rows and stored(title, values):
                problems.append(f"{title}: no row for {values}")
            problems += [f"{title}: {problem}" for problem in shapes(dashboard, title, target, rows)]
    assert not problems, "\n".join(sorted(set(problems)))


def stored(title: str, values: dict[str, Value]) -> bool:
    """Whether the database must have rows: every point has a past, only these had a fault that was theirs to tell."""
    if title in ("Sự cố của điểm", "Mốc sự cố"):
        return values["point"].values[0] in ("ward-2", "ward-3", "ward-4")
    if "kind" not in values or title == "Danh sách sự cố đang mở":
        return True
    points = [*inventory().points, name_server()]
    places = {(point["kind"], point.get("area", "-")) for point in points}
    return any(place in places for place in product(values["kind"].values, values["area"].values))


def shapes(dashboard: dict[str, Any], title: str, target: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    """What Grafana would stumble over: no time, a time that is no number, a column that the panel gives no name."""
    problems = []
    for row in rows[:1]:
        times = [row[name] for name in ("time", "timeend") if name in row]
        if target["format"] == "time_series" and not times:
            problems.append("no column named time")
        if any(not 1.6e9 < float(time) < 2.5e9 for time in times):
            problems.append(f"no time in seconds: {times}")
        panel = next((each for each in grafana.panels(dashboard) if each["title"] == title), None)
        if panel and panel["type"] == "table" and not panel.get("transformations"):
            named = {each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"]}
            problems += [f"column {name} has no title" for name in row if name not in named]
    return problems
