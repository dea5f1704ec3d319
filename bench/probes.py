"""What one probe costs in CPU time, from due to accepted result, beside blackbox_exporter, a C floor, fping, s_time."""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import trustme

from bench import measure, peers
from bench.measure import SERVER_CORE, Goal, Spread

BUILD = Path("build")
PORT, TLS_PORT = 18080, 18443
CONCURRENCY = 50
OUR_SECONDS = 2
PAGE = {"valid_status_codes": [200], "preferred_ip_protocol": "ip4", "fail_if_body_not_matches_regexp": ["Một cửa"]}
NAME = {"query_name": "cua-nam.ward.lienthong.example", "query_type": "A", "preferred_ip_protocol": "ip4"}
Contender = Callable[[], float]
Rows = dict[str, dict[str, Spread]]


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        root = _certificates(Path(folder))
        modules = Path(folder) / "blackbox.yml"
        modules.write_text(json.dumps(_modules(root)))
        stack.enter_context(measure.process(str(BUILD / "server"), str(PORT), core=SERVER_CORE, ready="ready"))
        stack.enter_context(_tls_server(Path(folder)))
        blackbox = stack.enter_context(peers.blackbox(modules))
        contenders = {
            protocol: _contenders(protocol, blackbox, root, arguments.probes) for protocol in arguments.protocols
        }
        figures = _run(contenders, arguments.repeats)
    goals = _goals(figures)
    print(measure.table(
        "CPU milliseconds a probe (user + system), median (least-most)",
        ["protocol", "prober", "ms", "of blackbox_exporter"],
        [(protocol, name, spread.text(1000, 4), f"{spread.median / row['blackbox_exporter'].median:.2f}")
         for protocol, row in figures.items() for name, spread in row.items()],
    ))  # fmt: skip
    print(measure.table("Goals", ["goal", "figure", "bound", ""], [goal.row() for goal in goals]))
    stated = {protocol: {name: vars_of(spread) for name, spread in row.items()} for protocol, row in figures.items()}
    measure.write("probes", stated, goals)


def _modules(root: Path) -> dict[str, object]:
    """blackbox_exporter's file (JSON is YAML), the same options as ours."""
    ip4 = {"preferred_ip_protocol": "ip4"}
    sections: dict[str, tuple[str, dict[str, object]]] = {
        "http": ("http", {**PAGE}),
        "https": ("http", {**PAGE, "tls_config": {"ca_file": str(root)}}),
        "tcp": ("tcp", {**ip4}),
        "icmp": ("icmp", {**ip4}),
        "dns": ("dns", {**NAME}),
    }
    modules = {
        name: {"prober": prober, "timeout": "5s", prober: options} for name, (prober, options) in sections.items()
    }
    return {"modules": modules}


def vars_of(spread: Spread) -> dict[str, float]:
    return {"median_seconds": spread.median, "least_seconds": spread.least, "most_seconds": spread.most}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.probes", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--probes", type=int, default=4000, help="probes a repeat; HTTPS a fifth of it")
    parser.add_argument("--protocols", nargs="+", default=["http", "https", "tcp", "icmp", "dns"])
    return parser.parse_args()


def _run(contenders: dict[str, dict[str, Contender]], repeats: int) -> Rows:
    turns = [(protocol, name) for protocol, row in contenders.items() for name in row for _ in range(repeats)]
    random.shuffle(turns)  # so that a slow minute of the machine strikes everybody
    seconds: dict[tuple[str, str], list[float]] = {}
    for done, (protocol, name) in enumerate(turns, 1):
        print(f"\r{done}/{len(turns)} {protocol} {name:<20}", end="", file=sys.stderr, flush=True)
        seconds.setdefault((protocol, name), []).append(contenders[protocol][name]())
    print(file=sys.stderr)
    return {
        protocol: {name: Spread.of(seconds[protocol, name]) for name in row} for protocol, row in contenders.items()
    }


def _contenders(protocol: str, blackbox: int, root: Path, probes: int) -> dict[str, Contender]:
    count = probes // 5 if protocol == "https" else probes
    targets = peers.targets(protocol, 500, TLS_PORT if protocol == "https" else PORT)
    row: dict[str, Contender] = {
        "ours": lambda: _ours(protocol, root),
        "blackbox_exporter": lambda: peers.blackbox_cpu_seconds(
            blackbox, targets, protocol, count=count, concurrency=CONCURRENCY
        ),
    }
    if protocol in ("http", "tcp"):
        row["C floor"] = lambda: peers.floor_cpu_seconds(
            BUILD / "floor", protocol, PORT, count=count * 5, concurrency=CONCURRENCY
        )
    elif protocol == "icmp":
        row["fping"] = lambda: _fping(count)
    elif protocol == "https":
        row["openssl s_time"] = lambda: _s_time(root)
    return row


def _ours(protocol: str, root: Path) -> float:
    port = TLS_PORT if protocol == "https" else PORT
    words = [sys.executable, "-m", "bench.ours", protocol, str(port), str(CONCURRENCY), str(OUR_SECONDS)]
    if protocol == "https":
        words.append(str(root))
    answer = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout)
    if answer["failed"]:
        raise RuntimeError(f"{answer['failed']} of our {protocol} probes failed")
    return float(answer["cpu_seconds"]) / float(answer["probes"])


def _fping(count: int) -> float:
    targets = [f"127.1.0.{number}" for number in range(1, 101)]
    echoes = max(1, count // len(targets))
    pause = "0" if os.geteuid() == 0 else "1"  # fping lets only root send as fast as it can
    words = ["fping", "-q", "-c", str(echoes), "-p", "20", "-i", pause, *targets]
    return peers.command_cpu_seconds(words) / (echoes * len(targets))


def _s_time(root: Path) -> float:
    words = ["openssl", "s_time", "-connect", f"127.0.0.1:{TLS_PORT}", "-new", "-time", "3", "-CAfile", str(root)]
    output = subprocess.run(
        ["taskset", "-c", str(measure.PROBER_CORE), *words], capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"(\d+) connections in ([\d.]+)s", output)
    if found is None:
        raise RuntimeError(f"openssl s_time said: {output}")
    return float(found[2]) / int(found[1])


def _certificates(folder: Path) -> Path:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "root.pem"))
    leaf = authority.issue_cert("localhost", "127.0.0.1")
    leaf.private_key_and_cert_chain_pem.write_to_path(str(folder / "leaf.pem"))
    (folder / "index").write_text("<!doctype html><title>Một cửa</title>\n")
    return folder / "root.pem"


def _tls_server(folder: Path) -> measure.Running:
    script = f"cd {folder} && exec python -m bench.tls_server {TLS_PORT} leaf.pem"
    return measure.process("sh", "-c", script, core=SERVER_CORE, ready="ready", environ={"PYTHONPATH": str(Path.cwd())})


SHARED_COST = (
    "because each probe is a task of its own with a timeout, a result and a place on the board: "
    "some 30 microseconds of Python, whatever the protocol"
)
"""Why a goal against a program that does nothing of this is missed, where it is."""


def _goals(figures: Rows) -> Sequence[Goal]:
    def ratio(protocol: str, over: str, under: str) -> float:
        return figures[protocol][over].median / figures[protocol][under].median

    wanted: list[tuple[str, str, str, str, float, bool]] = [
        ("HTTP: times cheaper than blackbox_exporter", "http", "blackbox_exporter", "ours", 6, True),
        ("HTTP: times the C floor", "http", "ours", "C floor", 2.2, False),
        ("TCP: times cheaper than blackbox_exporter", "tcp", "blackbox_exporter", "ours", 4, True),
        ("ICMP: times cheaper than blackbox_exporter", "icmp", "blackbox_exporter", "ours", 15, True),
        ("ICMP: times fping", "icmp", "ours", "fping", 2, False),
        ("DNS: times cheaper than blackbox_exporter", "dns", "blackbox_exporter", "ours", 8, True),
        ("HTTPS, verified: times blackbox_exporter", "https", "ours", "blackbox_exporter", 1, False),
    ]
    return [
        Goal(
            name,
            ratio(protocol, over, under),
            at_least=bound if least else None,
            at_most=None if least else bound,
            reason=SHARED_COST,
        )
        for name, protocol, over, under, bound, least in wanted
        if protocol in figures
    ]


if __name__ == "__main__":
    main()
