"""The shipped configuration of Prometheus and Alertmanager as tests run it: as shipped but for addresses,
the places of secrets, what a mail server on loopback cannot do, and waiting times."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

CONFIG = Path(__file__).parents[2] / "config"
FASTER = 15
"""How many times shorter the rules about points wait; they keep their order."""
_SECONDS = {"s": 1, "m": 60}


def of_prometheus(folder: Path, *, monitor: str, prometheus: str, alertmanager: str, grafana: str) -> dict[str, Any]:
    """prometheus.yml with everything scraped and reckoned each second; its rules are copied into ``folder``.

    Addresses are host:port.
    """
    (folder / "rules").mkdir(parents=True)
    for path in (CONFIG / "prometheus" / "rules").glob("*.yml"):
        text = re.sub(r"(?m)^(    interval): [12]m$", r"\1: 1s", path.read_text("utf-8"))
        if path.name == "alerting.yml":
            text = re.sub(r"(?m)^(        for): (\d+)([sm])$", _sooner, text)
        (folder / "rules" / path.name).write_text(text, "utf-8")
    return _loaded(
        CONFIG / "prometheus" / "prometheus.yml",
        {
            "monitor:8080": monitor,
            "localhost:9090": prometheus,
            "alertmanager:9093": alertmanager,
            "grafana:3000": grafana,
            "_interval: 15s": "_interval: 1s",
        },
    )


def _sooner(match: re.Match[str]) -> str:
    return f"{match[1]}: {int(match[2]) * _SECONDS[match[3]] // FASTER}s"


def of_alertmanager(folder: Path, *, monitor: str, mails: str, hook: str, token: str) -> dict[str, Any]:
    """alertmanager.yml, and every receiver also tells ``hook``/NAME; templates and secrets are copied into ``folder``.

    ``token`` lets Alertmanager write into the monitor's timelines.
    """
    shutil.copytree(CONFIG / "alertmanager" / "templates", folder / "templates")
    (folder / "secrets").mkdir()
    for name in ("alertmanager_token", "dead_mans_switch_token"):
        (folder / "secrets" / name).write_text(token, "utf-8")
    content = _loaded(
        CONFIG / "alertmanager" / "alertmanager.yml",
        {
            "http://monitor:8080": f"http://{monitor}",
            "mail.lienthong.example:587": mails,
            "https://nguoi-canh.lienthong.example/beat": f"{hook}/nguoi-canh",
            "/run/secrets": f"{folder}/secrets",
            "smtp_require_tls: true": "smtp_require_tls: false",
            "group_wait: 10s": "group_wait: 1s",
            "group_interval: 1m": "group_interval: 1s",
        },
    )
    content["global"] = {key: value for key, value in content["global"].items() if not key.startswith("smtp_auth_")}
    for receiver in content["receivers"]:
        told = receiver.get("email_configs", []) + receiver.get("webhook_configs", [])
        if receiver["name"] != "nguoi-canh":
            also = {"url": f"{hook}/{receiver['name']}", "send_resolved": told[0]["send_resolved"]}
            receiver.setdefault("webhook_configs", []).append(also)
    return content


def _loaded(path: Path, replaced: Mapping[str, str]) -> dict[str, Any]:
    """The file with these words replaced; each must be there."""
    text = path.read_text("utf-8")
    for old, new in replaced.items():
        assert old in text, f"{path.name} has no {old}"
        text = text.replace(old, new)
    found: dict[str, Any] = yaml.safe_load(text)
    return found
