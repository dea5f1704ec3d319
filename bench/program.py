"""The whole program at 1,000 HTTP endpoints a second, beside Prometheus with blackbox_exporter on the same targets.

Due, probed, asserted, stored, on the board, exposed and scraped every 15 seconds; one core for the prober, another for
the server.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from bench import measure, peers
from bench.measure import PROBER_CORE, SERVER_CORE, Goal
from bench.ours import OPTIONS
from bench.probes import BUILD, PORT

WEB_PORT, PROMETHEUS_PORT = 18081, 19090
SETTLE_SECONDS = 15
NOT_TAKEN_APART = "where it goes has not been measured yet"


def inventory(endpoints: int, database: Path) -> str:
    """A configuration of ``endpoints`` wards of one HTTP endpoint a second (JSON is YAML)."""
    targets = peers.targets("http", endpoints, PORT)
    points = [
        {"id": f"ward-{number}", "name": f"Ward {number}", "kind": "ward", "endpoints": {"link": {"target": target}}}
        for number, target in enumerate(targets)
    ]
    file = {
        "server": {"listen": f"127.0.0.1:{WEB_PORT}"},
        "storage": {"url": f"sqlite+aiosqlite:///{database}/monitor.db", "spool": f"{database}/spool"},
        "defaults": {"interval": "1s", "timeout": "900ms"},
        "modules": {"page": {"prober": "http", "http": OPTIONS["http"]}},
        "kinds": {"ward": {"endpoints": {"link": {"module": "page", "link": True}}}},
        "points": points,
    }
    return json.dumps(file)


def import_baseline() -> int:
    """Resident bytes of a process that has imported what a first start imports, Alembic too, and done nothing."""
    modules = "monitor.app, monitor.cli, alembic.command, sqlalchemy.dialects.sqlite.aiosqlite, bench.measure as m, os"
    code = f"import {modules}; print(m.resident_bytes(os.getpid()))"
    return int(subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout)


def scrape() -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{WEB_PORT}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def buckets(text: str) -> dict[float, float]:
    found = re.findall(r'^lienthong_schedule_lag_seconds_bucket\{le="([^"]+)"\} (\S+)$', text, re.MULTILINE)
    return {float(edge): float(count) for edge, count in found}


def quantile(before: dict[float, float], after: dict[float, float], share: float) -> float:
    """The upper edge of the bucket that holds the quantile of what was observed between two scrapes."""
    total = after[float("inf")] - before[float("inf")]
    return min(edge for edge, count in after.items() if count - before[edge] >= share * total)


def number(text: str, name: str) -> float:
    return sum(float(value) for value in re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE))


def ours(endpoints: int, seconds: int, folder: Path) -> dict[str, float]:
    (folder / "endpoints.yaml").write_text(inventory(endpoints, folder))
    words = [sys.executable, "-m", "monitor", "--log-level", "error", "run", "--config", str(folder / "endpoints.yaml")]
    with measure.process(*words, core=PROBER_CORE, ready="The wall") as child:
        time.sleep(SETTLE_SECONDS)
        text, cpu, begun = scrape(), measure.cpu_seconds(child.pid), time.monotonic()
        for _ in range(max(1, seconds // 15)):
            time.sleep(15)
            scrape()
        spent, elapsed, later = measure.cpu_seconds(child.pid) - cpu, time.monotonic() - begun, scrape()
        memory = measure.resident_bytes(child.pid)
    probes = number(later, "lienthong_results_total") - number(text, "lienthong_results_total")
    bad = re.findall(r'^lienthong_results_total\{.*outcome="(?:down|unknown)".*\} (\S+)$', later, re.MULTILINE)
    return {
        "probes_a_second": probes / elapsed,
        "cores": spent / elapsed,
        "cpu_ms_a_probe": spent / probes * 1000,
        "memory_mb": memory / 1e6,
        "bad_results": sum(map(float, bad)),
        "lateness_p50_seconds": quantile(buckets(text), buckets(later), 0.50),
        "lateness_p99_seconds": quantile(buckets(text), buckets(later), 0.99),
    }


def theirs(endpoints: int, seconds: int, folder: Path) -> dict[str, float]:
    (folder / "blackbox.yml").write_text(json.dumps({"modules": {"http": {"prober": "http", "http": OPTIONS["http"]}}}))
    relabel = [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"source_labels": ["__param_target"], "target_label": "instance"},
        {"target_label": "__address__", "replacement": f"127.0.0.1:{peers.BLACKBOX_PORT}"},
    ]
    job = {
        "job_name": "http", "metrics_path": "/probe", "scrape_interval": "1s", "scrape_timeout": "1s",
        "params": {"module": ["http"]}, "relabel_configs": relabel,
        "static_configs": [{"targets": peers.targets("http", endpoints, PORT)}],
    }  # fmt: skip
    (folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": [job]}))
    words = [
        "prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}", "--log.level=error",
    ]  # fmt: skip
    with ExitStack() as stack:
        blackbox = stack.enter_context(peers.blackbox(folder / "blackbox.yml"))
        prometheus = stack.enter_context(measure.process(*words, core=PROBER_CORE, environ={"GOMAXPROCS": "1"})).pid
        time.sleep(SETTLE_SECONDS)
        pids, begun = (blackbox, prometheus), time.monotonic()
        before = [measure.cpu_seconds(pid) for pid in pids]
        time.sleep(seconds)
        elapsed = time.monotonic() - begun
        cores = [(measure.cpu_seconds(pid) - spent) / elapsed for pid, spent in zip(pids, before, strict=True)]
        memory = [measure.resident_bytes(pid) / 1e6 for pid in pids]
        good = asked('sum(sum_over_time(probe_success{job="http"}[20s])) / 20')
    return {
        "blackbox_cores": cores[0], "prometheus_cores": cores[1], "cores": sum(cores), "memory_mb": sum(memory),
        "blackbox_memory_mb": memory[0], "good_probes_a_second": good,
    }  # fmt: skip


def asked(query: str) -> float:
    """The value of an instant query; 0 when there is none."""
    url = f"http://127.0.0.1:{PROMETHEUS_PORT}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            result = json.load(answer)["data"]["result"]
    except OSError:
        return 0.0
    return float(result[0]["value"][1]) if result else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.program", description=__doc__)
    parser.add_argument("--endpoints", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    baseline = import_baseline() / 1e6
    with (
        tempfile.TemporaryDirectory() as folder,
        measure.process(str(BUILD / "server"), str(PORT), core=SERVER_CORE, ready="ready"),
    ):
        us = ours(arguments.endpoints, arguments.seconds, Path(folder))
        them = theirs(arguments.endpoints, arguments.seconds, Path(folder))
    goals = [
        Goal("cores", us["cores"], at_most=0.3, reason=NOT_TAKEN_APART),
        Goal(
            "memory over the import baseline, MB",
            us["memory_mb"] - baseline,
            at_most=40,
            reason=NOT_TAKEN_APART,
        ),
        Goal("memory in all, MB", us["memory_mb"], at_most=140),
        Goal("start lateness p99, ms", us["lateness_p99_seconds"] * 1000, at_most=10),
    ]
    rows = [(f"ours: {name}", f"{value:.3f}") for name, value in us.items()]
    rows += [("ours: import baseline MB", f"{baseline:.1f}")]
    rows += [(f"Prometheus + blackbox_exporter: {name}", f"{value:.3f}") for name, value in them.items()]
    print(measure.table(f"{arguments.endpoints} HTTP endpoints every second", ["", ""], rows))
    print(measure.table("Goals", ["goal", "figure", "bound", ""], [goal.row() for goal in goals]))
    measure.write("program", {"ours": us, "import_baseline_mb": baseline, "prometheus_and_blackbox": them}, goals)


if __name__ == "__main__":
    main()
