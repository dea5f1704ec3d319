"""From a fault to the message about it, beside Prometheus + blackbox_exporter + Alertmanager: same faults, same run.

Single hosts that refuse, reset and hang, a whole area cut off, and blips of one and a half seconds, on the simulated
network. The peers run twice over: with the customary rule (``for: 1m``, a group a point) and as tightly as they go
without an alarm on one failed probe (two failed probes in a row, evaluated every second, no waiting). Ours runs with
its defaults. Faults are further apart than a digest's wait, as independent faults mostly are.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
from aiohttp import web

from bench import measure
from bench.measure import PROBER_CORE, SERVER_CORE, Goal

PORT, WEB_PORT, BLACKBOX_PORT, PROMETHEUS_PORT, ALERTMANAGER_PORT = 18443, 18081, 19115, 19090, 19093
INTERVAL, TIMEOUT, RETRY, DOWN_AFTER = 15, 3, 1, 3
SPACING_SECONDS, LASTING_SECONDS, TAIL_SECONDS, BLIP_SECONDS = 35.0, 150.0, 200.0, 1.5
AREA = 8
PEERS = ("ours", "tight", "customary")
SECONDS = ("median_seconds_to_message", "most_seconds_to_message")


@dataclass
class Fault:
    """What happens to some hosts, and when it was told by whom first (seconds after its begin), how often.

    ``phase`` is where in our interval it begins, from 0 to 1: evenly spread, so that a median of few is one of many.
    """

    kind: str
    hosts: tuple[str, ...]
    phase: float | None = None
    begun: float = 0.0
    told: dict[str, float] = field(default_factory=dict)
    messages: dict[str, int] = field(default_factory=dict)

    def hear(self, teller: str, now: float) -> None:
        self.told.setdefault(teller, now - self.begun)
        self.messages[teller] = self.messages.get(teller, 0) + 1


def plan(each: int, blips: int) -> list[Fault]:
    """The faults in their order, every host struck once."""
    faults = []
    for kind in ("refuse", "reset", "hang"):
        faults += [Fault(kind, (f"{kind}-{number}",), phase=(number + 0.5) / each) for number in range(each)]
    faults.append(Fault("area", tuple(f"area-{number}" for number in range(AREA)), phase=0.5))
    faults += [Fault("blip", (f"blip-{number}",)) for number in range(blips)]
    random.Random(412).shuffle(faults)
    return faults


def inventory(faults: Sequence[Fault], addresses: dict[str, str], folder: Path, hook: str) -> str:
    """The same wards for the simulated network (by name) and for us (by address). JSON is YAML."""
    points = []
    for fault in faults:
        for name in fault.hosts:
            host = addresses.get(name, f"{name}.thu.test")
            labels = {"exchange": "area"} if fault.kind == "area" else {}
            points.append({"id": name, "name": name, "kind": "ward", "host": host, "labels": labels})
    calm = [{"id": f"calm-{number}", "name": f"calm {number}", "kind": "ward"} for number in range(30)]
    points += [{**point, "host": addresses.get(str(point["id"]), f"{point['id']}.thu.test")} for point in calm]
    link = {"module": "page", "target": f"http://{{host}}:{PORT}/", "link": True}
    file: dict[str, Any] = {
        "server": {"listen": f"127.0.0.1:{WEB_PORT}"},
        "storage": {"url": f"sqlite+aiosqlite:///{folder}/monitor.db", "spool": f"{folder}/spool"},
        "defaults": {"interval": f"{INTERVAL}s", "timeout": f"{TIMEOUT}s"},
        "modules": {"page": {"prober": "http", "http": {"preferred_ip_protocol": "ip4"}}},
        "kinds": {"ward": {"endpoints": {"link": link}}},
        "alerts": {
            "channels": {"hook": {"type": "webhook", "url": f"{hook}/ours"}},
            "routes": [{"name": "all", "to": ["hook"]}],
        },
        "points": points,
    }
    return json.dumps(file)


def peers_files(folder: Path, addresses: dict[str, str], hook: str) -> None:
    """blackbox_exporter's, Prometheus' and Alertmanager's configuration."""
    http = {"prober": "http", "timeout": f"{TIMEOUT}s", "http": {"preferred_ip_protocol": "ip4"}}
    (folder / "blackbox.yml").write_text(json.dumps({"modules": {"page": http}}))
    relabel = [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"source_labels": ["__param_target"], "target_label": "instance"},
        {"target_label": "__address__", "replacement": f"127.0.0.1:{BLACKBOX_PORT}"},
    ]
    targets = [
        {"targets": [f"http://{address}:{PORT}/"], "labels": {"point": name}} for name, address in addresses.items()
    ]
    job = {
        "job_name": "page", "metrics_path": "/probe", "scrape_interval": f"{INTERVAL}s",
        "scrape_timeout": f"{TIMEOUT + 1}s", "params": {"module": ["page"]}, "relabel_configs": relabel,
        "static_configs": targets,
    }  # fmt: skip
    twice = "sum_over_time(probe_success[25s]) == 0 and count_over_time(probe_success[25s]) >= 2"
    groups = [
        {"name": "customary", "interval": f"{INTERVAL}s", "rules": [
            {"alert": "Down", "expr": "probe_success == 0", "for": "1m", "labels": {"way": "customary"}}]},
        {"name": "tight", "interval": "1s", "rules": [{"alert": "Down", "expr": twice, "labels": {"way": "tight"}}]},
    ]  # fmt: skip
    (folder / "rules.yml").write_text(json.dumps({"groups": groups}))
    prometheus = {
        "rule_files": [str(folder / "rules.yml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{ALERTMANAGER_PORT}"]}]}]},
        "scrape_configs": [job],
    }
    (folder / "prometheus.yml").write_text(json.dumps(prometheus))
    ways: list[dict[str, Any]] = [
        {"matchers": ['way="tight"'], "receiver": "tight", "group_wait": "0s", "group_interval": "1s"},
        {"matchers": ['way="customary"'], "receiver": "customary"},
    ]
    route = {"receiver": "customary", "group_by": ["alertname", "way", "instance"], "routes": ways}
    receivers = [{"name": way, "webhook_configs": [{"url": f"{hook}/{way}"}]} for way in ("tight", "customary")]
    (folder / "alertmanager.yml").write_text(json.dumps({"route": route, "receivers": receivers}))


class Ears:
    """Hears every message and knows the fault that it is about."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._by_host = {name: fault for fault in faults for name in fault.hosts}
        self._seen: set[str] = set()

    def application(self) -> web.Application:
        application = web.Application(client_max_size=1 << 24)
        application.router.add_post("/ours", self._ours)
        application.router.add_post("/{way}", self._theirs)
        return application

    async def _ours(self, request: web.Request) -> web.Response:
        now, letter = monotonic(), await request.json()
        for item in letter["items"]:
            points = item["data"]["points"]
            if item["kind"] == "opened" and points and f"{letter['id']}{item['incident']}" not in self._seen:
                self._seen.add(f"{letter['id']}{item['incident']}")
                self._by_host[points[0]["id"]].hear("ours", now)
        return web.Response()

    async def _theirs(self, request: web.Request) -> web.Response:
        now, letter = monotonic(), await request.json()
        for point in {alert["labels"]["point"] for alert in letter["alerts"] if alert["status"] == "firing"}:
            self._by_host[point].hear(request.match_info["way"], now)
        return web.Response()


async def strike(session: aiohttp.ClientSession, control: str, fault: Fault) -> None:
    """Let the fault happen and end."""
    if fault.phase is not None:
        await asyncio.sleep((fault.phase * INTERVAL - await since_probed(session, fault.hosts[0])) % INTERVAL)
    conduct = {"area": "hang", "blip": "refuse"}.get(fault.kind, fault.kind)
    hosts = [f"{name}.thu.test" for name in fault.hosts]
    fault.begun = monotonic()
    async with session.put(f"{control}/hosts", json={"hosts": hosts, "conduct": conduct}) as answer:
        answer.raise_for_status()
    await asyncio.sleep(BLIP_SECONDS if fault.kind == "blip" else LASTING_SECONDS)
    async with session.put(f"{control}/hosts", json={"hosts": hosts, "conduct": "normal"}) as answer:
        answer.raise_for_status()


async def since_probed(session: aiohttp.ClientSession, host: str) -> float:
    """Seconds since our last probe of a host began."""
    async with session.get(f"http://127.0.0.1:{WEB_PORT}/api/v1/points/{host}") as answer:
        (endpoint,) = (await answer.json())["endpoints"]
    return (datetime.now(UTC) - datetime.fromisoformat(endpoint["last"]["begun"])).total_seconds()


async def run(faults: Sequence[Fault], spacing_seconds: float, folder: Path) -> None:
    """Everything started, every fault let happen, every message heard."""
    runner = web.AppRunner(Ears(faults).application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook = f"http://127.0.0.1:{runner.addresses[0][1]}"
    with ExitStack() as stack:
        (folder / "field.yaml").write_text(inventory(faults, {}, folder, hook))
        words = [sys.executable, "-m", "monitor.field", "--config", str(folder / "field.yaml")]
        words += ["--ca-file", str(folder / "ca.pem"), "--subnet", "127.91.0.0/16", "--control", "127.0.0.1:18099"]
        stack.enter_context(measure.process(*words, core=SERVER_CORE, ready="{"))
        control = "http://127.0.0.1:18099"
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{control}/hosts") as answer:
                known = (await answer.json())["hosts"]
            addresses = {host["name"].partition(".")[0]: host["address"] for host in known}
            addresses = {name: address for name, address in addresses.items() if name != "dns"}
            start(stack, faults, addresses, folder, hook)
            await asyncio.sleep(4 * INTERVAL)
            async with asyncio.TaskGroup() as tasks:
                for number, fault in enumerate(faults):
                    print(f"{number + 1}/{len(faults)}: {fault.kind}", flush=True)
                    tasks.create_task(strike(session, control, fault))
                    await asyncio.sleep(5.0 if fault.kind == "blip" else spacing_seconds + INTERVAL)
            await asyncio.sleep(TAIL_SECONDS - LASTING_SECONDS)
    await runner.cleanup()


def start(stack: ExitStack, faults: Sequence[Fault], addresses: dict[str, str], folder: Path, hook: str) -> None:
    """The monitor and its peers."""
    peers_files(folder, addresses, hook)
    (folder / "points.yaml").write_text(inventory(faults, addresses, folder, hook))
    ours = [sys.executable, "-m", "monitor", "--log-level", "error", "run", "--config", str(folder / "points.yaml")]
    stack.enter_context(measure.process(*ours, core=PROBER_CORE, ready="The wall"))
    for words in (
        ("prometheus-blackbox-exporter", f"--config.file={folder}/blackbox.yml",
         f"--web.listen-address=127.0.0.1:{BLACKBOX_PORT}"),
        ("prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/am",
         f"--web.listen-address=127.0.0.1:{ALERTMANAGER_PORT}", "--cluster.listen-address="),
        ("prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
         f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}"),
    ):  # fmt: skip
        stack.enter_context(measure.process(*words, core=PROBER_CORE))


def summary(faults: Sequence[Fault], teller: str) -> dict[str, dict[str, float]]:
    """By kind of fault: median, least and most seconds to the first message, messages a fault, faults told."""
    found = {}
    for kind in ("refuse", "reset", "hang", "area", "blip"):
        those = [fault for fault in faults if fault.kind == kind]
        seconds = [fault.told[teller] for fault in those if teller in fault.told]
        found[kind] = {
            "faults": float(len(those)),
            "told": float(len(seconds)),
            "messages_a_fault": sum(fault.messages.get(teller, 0) for fault in those) / max(1, len(those)),
        }
        if seconds:
            found[kind]["median_seconds_to_message"] = statistics.median(seconds)
            found[kind]["most_seconds_to_message"] = max(seconds)
    return found


def row(kind: str, teller: str, found: dict[str, float]) -> tuple[str, ...]:
    seconds = [f"{found[name]:.1f}" if name in found else "-" for name in SECONDS]
    return kind, teller, f"{found['told']:.0f}/{found['faults']:.0f}", *seconds, f"{found['messages_a_fault']:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.detection", description=__doc__)
    parser.add_argument("--each", type=int, default=5, help="faults of each kind")
    parser.add_argument("--blips", type=int, default=10)
    parser.add_argument("--spacing", type=float, default=SPACING_SECONDS, metavar="SECONDS")
    arguments = parser.parse_args()
    faults = plan(arguments.each, arguments.blips)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(faults, arguments.spacing, Path(folder)))
    figures = {teller: summary(faults, teller) for teller in PEERS}
    us = figures["ours"]
    quick, cut = INTERVAL / 2 + 3, INTERVAL / 2 + 3 * TIMEOUT + 2 * RETRY + 1
    bounds = {"refuse": quick, "reset": quick, "hang": cut, "area": cut}
    goals = []
    for kind, bound in bounds.items():
        median = us[kind].get("median_seconds_to_message", float("inf"))
        goals.append(Goal(f"{kind}: median seconds", median, at_most=bound))
        goals.append(Goal(f"{kind}: messages a fault, at most", us[kind]["messages_a_fault"], at_most=1))
        goals.append(Goal(f"{kind}: messages a fault, at least", us[kind]["messages_a_fault"], at_least=1))
    goals.append(Goal("messages on blips", us["blip"]["messages_a_fault"], at_most=0))
    rows = [row(kind, teller, found) for teller in PEERS for kind, found in figures[teller].items()]
    head = ["fault", "by", "told", "median s", "most s", "messages a fault"]
    print(measure.table(f"From the fault to the message, every {INTERVAL} s, timeout {TIMEOUT} s", head, rows))
    print(measure.table("Goals", ["goal", "figure", "bound", ""], [goal.row() for goal in goals]))
    measure.write("detection", figures, goals)


if __name__ == "__main__":
    main()
