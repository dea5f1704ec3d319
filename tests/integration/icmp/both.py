"""Ask blackbox_exporter and our icmp prober the same, in a network namespace of their own; print both as JSON."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import uvloop
import yaml

from monitor.probes.base import ProbeFailed, Trace
from monitor.probes.icmp import IcmpOptions, IcmpProber
from monitor.probes.network import Network

URL = "http://127.0.0.1:9115"


def theirs(target: str, module: str) -> dict[str, float]:
    query = urlencode({"target": target, "module": module})
    request = urllib.request.Request(f"{URL}/probe?{query}", headers={"X-Prometheus-Scrape-Timeout-Seconds": "1.5"})
    with urllib.request.urlopen(request) as answer:
        lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


async def ours(target: str, options: dict[str, Any]) -> dict[str, float]:
    trace, success = Trace(), 1.0
    async with Network() as network:
        try:
            async with asyncio.timeout(1):
                await IcmpProber(target, IcmpOptions.model_validate(options), network=network).probe(trace)
        except (ProbeFailed, TimeoutError):
            success = 0.0
    trace.leave()
    phases = dict.fromkeys(IcmpProber.phases, 0.0) | trace.phases
    times = {f'probe_icmp_duration_seconds{{phase="{phase}"}}': seconds for phase, seconds in phases.items()}
    return {"probe_success": success, "probe_duration_seconds": 0.0} | trace.facts | times


def main() -> None:
    directory, cases = Path(sys.argv[1]), json.loads(sys.argv[2])
    modules = {f"case{number}": {"prober": "icmp", "icmp": options} for number, (_, options) in enumerate(cases)}
    (directory / "blackbox.yml").write_text(yaml.safe_dump({"modules": modules}))
    exporter = subprocess.Popen(
        [
            "prometheus-blackbox-exporter",
            f"--config.file={directory}/blackbox.yml",
            "--web.listen-address=127.0.0.1:9115",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"{URL}/-/healthy").close()
                break
            except urllib.error.URLError:
                time.sleep(0.02)
        found = [
            (theirs(target, f"case{number}"), uvloop.run(ours(target, options)))
            for number, (target, options) in enumerate(cases)
        ]
    finally:
        exporter.terminate()
        exporter.wait()
    print(json.dumps(found))


main()
