"""Alertmanager's shipped configuration, by amtool: valid, and every alert goes where it should."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.alerts.labels import channel_labels
from monitor.alerts.standing import watchdog
from monitor.config import load
from monitor.incidents.model import Incident, Severity
from monitor.model import Fault

ROOT = Path(__file__).parents[3]
FILE = ROOT / "config" / "alertmanager" / "alertmanager.yml"
CONFIG = yaml.safe_load(FILE.read_text("utf-8"))
TIMELINE, DEAD_MAN = "dong-thoi-gian", "nguoi-canh"
POINTS = {point.id: point for point in load(ROOT / "config" / "endpoints.yaml", placeholders=True).points}
NOW = datetime(2026, 11, 23, tzinfo=UTC)

RULES = {
    rule["alert"]: rule["labels"]
    for path in (ROOT / "config" / "prometheus" / "rules").glob("*.yml")
    for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
    for rule in group["rules"]
    if "alert" in rule
}


def amtool(*words: str) -> str:
    done = subprocess.run(["amtool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def incident(fault: str, severity: str) -> dict[str, str]:
    """An incident's labels as the monitor posts them."""
    one = Incident(
        uid="i", number=12, fault=Fault.parse(fault), severity=Severity(severity), began=NOW, opened=NOW, affected={}
    )
    return channel_labels(one, POINTS)


def rule(name: str, **labels: str) -> dict[str, str]:
    """An alert's labels as Prometheus posts them."""
    return {"alertname": name, **RULES[name], **labels}


WARD = {"point": "phuong-ba-dinh", "kind": "ward", "area": "ba-dinh"}
WEST = {"point": "xa-ba-vi", "kind": "ward", "area": "ba-vi"}
CASES = [
    # What the monitor posts.
    (incident("point:phuong-ba-dinh", "critical"), [TIMELINE, "truc-ban"]),
    (incident("point:xa-ba-vi", "critical"), [TIMELINE, "khu-vuc-phia-tay", "truc-ban"]),
    (incident("point:phuong-ba-dinh", "warning"), [TIMELINE, "nghiep-vu"]),
    (incident("point:xa-ba-vi", "warning"), [TIMELINE, "nghiep-vu"]),
    (incident("point:phuong-ba-dinh", "info"), [TIMELINE, "so-theo-doi"]),
    (incident("point:hub", "critical"), [TIMELINE, "ha-tang-khan"]),
    (incident("point:circuit-1", "critical"), [TIMELINE, "ha-tang-khan"]),
    (incident("point:exchange-platform", "critical"), [TIMELINE, "ha-tang-khan"]),
    (incident("point:exchange-platform", "warning"), [TIMELINE, "ha-tang"]),
    (incident("label:area=son-tay", "critical"), [TIMELINE, "khu-vuc-phia-tay", "truc-ban"]),
    (incident("label:provider=VNPT", "critical"), [TIMELINE, "truc-ban"]),
    (incident("network:", "critical"), [TIMELINE, "truc-ban"]),
    (incident("vantage:", "critical"), [TIMELINE, "truc-ban"]),
    (incident("monitor:resolver", "warning"), [TIMELINE, "ky-thuat"]),
    (incident("never:", "info"), [TIMELINE, "so-theo-doi"]),
    (dict(watchdog("local", NOW).labels), [DEAD_MAN]),
    # What the rules raise.
    (rule("PrometheusWatchdog"), [DEAD_MAN]),
    (rule("MonitorDown", job="lienthong"), ["ky-thuat-khan"]),
    (rule("MonitorDiskLow", of="spool"), ["ky-thuat"]),
    (rule("StackPartDown", job="grafana"), ["ky-thuat"]),
    (rule("SloBurnFast"), ["ky-thuat-khan"]),
    (rule("SloBurnSlow"), ["ky-thuat"]),
    (rule("HubDown", point="hub", kind="hub", status="down"), [TIMELINE, "ha-tang-khan"]),
    (rule("CircuitDown", point="circuit-1", kind="circuit", status="down"), [TIMELINE, "ha-tang-khan"]),
    (rule("ServiceDown", point="exchange-platform", kind="service", status="down"), [TIMELINE, "ha-tang-khan"]),
    (rule("PointFaulty", point="exchange-platform", kind="service", status="faulty"), [TIMELINE, "ha-tang"]),
    (rule("PointDown", status="down", **WARD), [TIMELINE, "truc-ban"]),
    (rule("PointDown", status="down", **WEST), [TIMELINE, "khu-vuc-phia-tay", "truc-ban"]),
    (rule("AreaDown", area="ba-vi"), [TIMELINE, "khu-vuc-phia-tay", "truc-ban"]),
    (rule("AreaDown", area="ba-dinh"), [TIMELINE, "truc-ban"]),
    (rule("NetworkDown"), [TIMELINE, "truc-ban"]),
    (rule("VantageIsolated"), [TIMELINE, "truc-ban"]),
    (rule("MonitorCannotAsk"), [TIMELINE, "ky-thuat"]),
    (rule("PointFaulty", status="faulty", **WARD), [TIMELINE, "nghiep-vu"]),
    (rule("PointDegraded", status="degraded", **WARD), [TIMELINE, "so-theo-doi"]),
    (rule("PointsNeverUp"), [TIMELINE, "so-theo-doi"]),
    # What somebody else posts.
    ({"alertname": "Other"}, ["truc-ban"]),
]


def test_the_configuration_is_good() -> None:
    assert "FAILED" not in amtool("check-config", str(FILE))


@pytest.mark.parametrize(
    ("labels", "receivers"), CASES, ids=lambda part: part.get("alertname") if isinstance(part, dict) else None
)
def test_it_goes_where_it_should(labels: dict[str, str], receivers: list[str]) -> None:
    words = [f"{name}={value}" for name, value in labels.items()]
    verify = f"--verify.receivers={','.join(receivers)}"
    amtool("config", "routes", "test", f"--config.file={FILE}", verify, *words)


def routes(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield tree
    for child in tree.get("routes", ()):
        yield from routes(child)


def test_every_route_is_tried() -> None:
    named = {route["receiver"] for route in routes(CONFIG["route"])}
    assert named == {receiver["name"] for receiver in CONFIG["receivers"]}, "none is without a route"
    assert named == {name for _, receivers in CASES for name in receivers}


def test_every_alert_of_the_rules_has_a_severity_that_a_route_asks_for() -> None:
    asked = re.findall(r'severity="(\w+)"', FILE.read_text("utf-8"))
    assert {labels["severity"] for labels in RULES.values()} - {"none"} <= set(asked)


def test_secrets_stand_in_files() -> None:
    text = FILE.read_text("utf-8")
    assert not re.search(r"\b(password|credentials|token|secret|api_key)\s*:", text)
    assert set(re.findall(r"_file: (\S+?)[},\n]", text)) == {
        "/run/secrets/smtp_password", "/run/secrets/alertmanager_token", "/run/secrets/dead_mans_switch_token",
    }  # fmt: skip


def test_waiting_is_shorter_than_the_channels_settling() -> None:
    """Alertmanager tells of no alert that ends within group_wait; the channel lets each stand for a minute."""
    waits = {route.get("group_wait", CONFIG["route"]["group_wait"]) for route in routes(CONFIG["route"])}
    assert waits == {"10s", "0s", "5m"}, "5m is the day's digest of what is nobody's hurry"
