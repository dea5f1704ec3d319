"""Prometheus' configuration and rules, by promtool: valid, each alert fires and does not, in these words."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.metrics.catalogue import FAMILIES

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "config" / "prometheus"
RULES = sorted((CONFIG / "rules").glob("*.yml"))
CASES = sorted((Path(__file__).parent / "promtool").glob("*.test.yml"))
RUNBOOKS = ROOT / "docs" / "runbooks"

VIETNAMESE = re.compile("[àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ]", re.IGNORECASE)
NOT_OURS = re.compile(r"up|ALERTS|(?:prometheus|alertmanager)_\w+")
"""Prometheus' own, and Alertmanager's of itself (prometheus.io documents them; both programs' /metrics show them)."""


def promtool(*words: str) -> str:
    done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def rules() -> Iterator[dict[str, Any]]:
    for path in RULES:
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]:
            yield from group["rules"]


ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}
RECORDS = {rule["record"] for rule in rules() if "record" in rule}


def cases() -> Iterator[dict[str, Any]]:
    for path in CASES:
        for test in yaml.safe_load(path.read_text("utf-8"))["tests"]:
            yield from test.get("alert_rule_test", ())


SEEN = [(case["alertname"], bool(case["exp_alerts"])) for case in cases()]


def test_the_configuration_is_good() -> None:
    promtool("check", "config", "--lint=all", "--lint-fatal", str(CONFIG / "prometheus.yml"))


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_the_rules_are_good(path: Path) -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", str(path))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
def test_rules_say_what_they_should(path: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", str(path))


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_is_seen_to_fire_and_not_to(name: str) -> None:
    seen = {fires for alert, fires in SEEN if alert == name}
    assert seen == ({True} if ALERTS[name]["expr"] == "vector(1)" else {True, False})


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_is_said_in_vietnamese_and_has_its_page(name: str) -> None:
    notes = ALERTS[name]["annotations"]
    assert notes.keys() == {"summary", "description", "runbook_url"}
    assert VIETNAMESE.search(notes["summary"])
    assert VIETNAMESE.search(notes["description"])
    assert notes["runbook_url"] == f"docs/runbooks/{name}.md"
    page = (ROOT / notes["runbook_url"]).read_text("utf-8")
    assert page.startswith(f"# {name}: ")
    assert page.index("## Việc cần làm") < page.index("## In English")


def test_there_is_no_page_without_an_alert() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == {*ALERTS, "README"}
    listed = re.findall(r"\]\((\w+)\.md\)", (RUNBOOKS / "README.md").read_text("utf-8"))
    assert sorted(listed) == sorted(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_has_the_labels_that_routes_go_by(name: str) -> None:
    labels = ALERTS[name]["labels"]
    assert labels["severity"] in {"critical", "warning", "info", "none"}
    assert labels["fault"] in {"point", "label", "network", "vantage", "monitor", "never", "watch", "slo"}
    assert ("part" in labels) == (labels["fault"] == "watch")


def named(expression: str) -> set[str]:
    """The metrics that an expression or a template's query names."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)
    bare = re.sub(r"\b(by|on|without|ignoring|group_left)\s*\([^)]*\)", " ", bare)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", bare)
    words = re.findall(r"(?<![\w:.])[a-zA-Z_][\w:]*(?!\s*\()(?![\w:])", bare)
    return {word for word in words if word not in {"and", "or", "unless", "offset", "by", "on"}}


def test_every_metric_that_is_named_is_exposed() -> None:
    known = {*FAMILIES, *RECORDS}
    known |= {
        f"{name}_{part}" for name, family in FAMILIES.items() if family.kind == "histogram" for part in ("bucket",)
    }
    asked = {name for rule in rules() for name in named(rule["expr"])}
    asked |= {name for rule in rules() for name in re.findall(r"lienthong_\w+(?=\{)", str(rule.get("annotations", "")))}
    assert {name for name in asked - known if not NOT_OURS.fullmatch(name)} == set()
    assert {"lienthong_spool_results", "lienthong_point_status", "lienthong:trouble:held", "up"} <= asked


def test_windows_and_rates_are_those_of_the_workbook() -> None:
    windows = {name.rpartition("ratio_rate")[2] for name in RECORDS if "ratio_rate" in name}
    assert windows == {"5m", "30m", "1h", "2h", "6h", "1d", "3d"}
    rates = re.findall(r"rate(\w+) > ([\d.]+)", ALERTS["SloBurnFast"]["expr"] + ALERTS["SloBurnSlow"]["expr"])
    assert rates == [
        ("1h", "14.4"), ("5m", "14.4"), ("6h", "6"), ("30m", "6"), ("1d", "3"), ("2h", "3"), ("3d", "1"), ("6h", "1"),
    ]  # fmt: skip


def seconds(span: str) -> int:
    return int(span[:-1]) * {"s": 1, "m": 60, "h": 3600}[span[-1]]


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        ("NetworkDown", "AreaDown"), ("NetworkDown", "PointDown"), ("AreaDown", "PointDown"), ("HubDown", "PointDown"),
        ("CircuitDown", "PointUnreachable"), ("HubDown", "PointUnreachable"), ("AreaDown", "PointUnreachable"),
        ("ServiceDown", "PointFaulty"), ("CircuitDown", "PointDegraded"),
    ],
)  # fmt: skip
def test_a_child_waits_longer_than_its_parent_and_an_evaluation(parent: str, child: str) -> None:
    evaluation = seconds(
        yaml.safe_load((CONFIG / "prometheus.yml").read_text("utf-8"))["global"]["evaluation_interval"]
    )
    waits = {name: seconds(ALERTS[name].get("for", "0s")) for name in (parent, child)}
    assert waits[child] >= waits[parent] + evaluation
