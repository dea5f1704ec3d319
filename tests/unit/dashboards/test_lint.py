"""The rules of the public dashboard-linter, and our own: what it cannot know is written beside each exception."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from monitor.metrics.catalogue import FAMILIES
from tests.stack.grafana import FILES, load, panels, questions, variables

COUNTER = re.compile(r"\b(\w+_total|\w+_bucket|process_cpu_seconds_total)\b")
METRIC = re.compile(r"\b((?:lienthong|probe|process)_\w+|up)\b(?=\{)")
RECORDED = re.compile(r"lienthong:\w+:\w+")
OF_ENDPOINTS = ("diem", "tong-quan", "sla")
"""Dashboards on which ``instance`` is the probed address (honor_labels), so no variable chooses the monitor by it."""

pytestmark = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def asked(dashboard: dict[str, Any]) -> list[tuple[str, str]]:
    """Every PromQL query with its panel's title."""
    return [(title, target["expr"]) for title, target in questions(dashboard) if "expr" in target]


def named(dashboard: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {variable["name"]: variable for variable in variables(dashboard)}


def test_template_datasource(path: Path) -> None:
    found = named(load(path))
    assert (found["datasource"]["type"], found["datasource"]["query"]) == ("datasource", "prometheus")
    assert found["datasource"]["current"]["value"] == "prometheus"
    assert found["database"]["query"] == "grafana-postgresql-datasource"
    assert found["database"]["current"]["value"] == "postgres"


def test_template_job_and_instance(path: Path) -> None:
    wanted = ["job"] if path.stem in OF_ENDPOINTS else ["job", "instance"]
    found = named(load(path))
    for name in wanted:
        variable = found[name]
        assert variable["type"] == "query"
        assert variable["datasource"]["uid"] == "${datasource}"
        assert variable["multi"]
        assert variable["includeAll"]
        assert variable["allValue"] == ".+"
        assert variable["label"]


def test_template_variables_follow_the_time_range(path: Path) -> None:
    for variable in variables(load(path)):
        if variable["type"] == "query":
            assert variable["refresh"] == 2, variable["name"]


def test_every_variable_is_used_and_every_used_variable_is_there(path: Path) -> None:
    text = path.read_text("utf-8")
    used = set(re.findall(r"\$\{(\w+)[:}]", text)) | set(re.findall(r"\$([a-z]\w*)", text))
    own = set(named(load(path)))
    grafanas = {name for name in used if name.startswith("__")}
    assert used - grafanas - own == set()
    # Each dashboard has both sources and the wall's address, so that a link keeps what was chosen.
    assert own - used <= {"database", "wall_url"}


def test_panels_have_datasource_title_description_and_unit(path: Path) -> None:
    titles = []
    for panel in panels(load(path)):
        titles.append(panel["title"])
        assert panel["title"].strip()
        assert len(panel["description"]) > 15, panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["datasource"]["uid"] in ("${datasource}", "${database}"), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"], panel["title"]
    assert len(set(titles)) == len(titles)


def test_queries_have_letters_and_legends(path: Path) -> None:
    for panel in panels(load(path)):
        letters = [target["refId"] for target in panel["targets"]]
        assert all(letters)
        assert len(set(letters)) == len(letters)
        for target in panel["targets"]:
            if "expr" in target and target.get("format") != "table":
                assert target["legendFormat"] not in ("", "__auto"), panel["title"]


def test_targets_choose_the_job(path: Path) -> None:
    for title, query in asked(load(path)):
        for selector in re.findall(r"(?:\b[a-z_]+)?\{[^}]*\}", RECORDED.sub("recorded", query)):
            # What the recording rules made has lost the job with the other labels of the scrape.
            if not selector.startswith("recorded{"):
                assert 'job=~"$job"' in selector, (title, selector)


def test_targets_choose_the_instance(path: Path) -> None:
    if path.stem in OF_ENDPOINTS:
        return
    for title, query in asked(load(path)):
        for selector in re.findall(r"\{[^}]*\}", query):
            assert 'instance=~"$instance"' in selector, (title, selector)


def test_variables_stand_in_double_quotes(path: Path) -> None:
    """Grafana escapes a value's dots twice: in a raw string the first backslash would stay."""
    for title, query in asked(load(path)):
        assert "`$" not in query, title


def test_counters_are_read_as_rates_over_the_scrapes_interval(path: Path) -> None:
    for title, query in asked(load(path)):
        for match in COUNTER.finditer(query):
            before, after = query[: match.start()], query[match.end() :]
            assert re.search(r"(rate|increase)\($", before), (title, query)
            assert re.match(r"\{[^}]*\}\[\$__rate_interval\]", after), (title, query)


def test_only_metrics_that_there_are_are_asked_for(path: Path) -> None:
    known = {*FAMILIES, "up", "lienthong_schedule_lag_seconds_bucket"}
    recorded = set(re.findall(r"record: (\S+)", Path("config/prometheus/rules/recording.yml").read_text("utf-8")))
    for title, query in asked(load(path)):
        assert set(METRIC.findall(query)) <= known, title
        assert set(RECORDED.findall(query)) <= recorded, title


def test_uneditable_in_hanois_time_and_linked(path: Path) -> None:
    dashboard = load(path)
    assert dashboard["editable"] is False
    assert dashboard["timezone"] == "Asia/Ho_Chi_Minh"
    assert dashboard["tags"] == ["lienthong"]
    links = dashboard["links"]
    assert any(link["type"] == "dashboards" and link["tags"] == ["lienthong"] for link in links)
    assert any(link.get("url", "").startswith("${wall_url}/") for link in links)
    assert named(dashboard)["wall_url"]["type"] == "query"


def test_links_lead_to_dashboards_that_are_there(path: Path) -> None:
    uids = {load(each)["uid"] for each in FILES}
    assert set(re.findall(r'"/d/([\w-]+)\?', path.read_text("utf-8"))) <= uids


def test_a_tile_of_a_point_leads_to_it(path: Path) -> None:
    """Wherever a point is a tile or a row, its dashboard and its page of the wall are a click away."""
    tiles = {"tong-quan": 3, "sla": 1}
    text = path.read_text("utf-8")
    assert len(re.findall(r"/d/lienthong-diem\?var-point=", text)) == tiles.get(path.stem, 0)
    assert len(re.findall(r"\$\{wall_url\}/points/\$\{__", text)) == tiles.get(path.stem, 0)


VIETNAMESE = re.compile(r"[ăâđêôơưàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ]", re.IGNORECASE)


def test_what_people_read_is_vietnamese(path: Path) -> None:
    dashboard = load(path)
    read = [dashboard["title"], dashboard["description"], *(link["title"] for link in dashboard["links"])]
    read += [variable["label"] for variable in variables(dashboard)]
    for panel in dashboard["panels"]:
        read.append(panel["title"])
        if panel["type"] != "row":
            read.append(panel["description"])
    assert [text for text in read if not VIETNAMESE.search(text)] == []
