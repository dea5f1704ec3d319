"""`monitor demo --field`: two processes that share only their network and a folder, as docker-compose.yml runs them."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONFIG = Path(__file__).parents[3] / "config" / "endpoints.yaml"
PATIENCE_SECONDS = 60
READY = "field.json"


@contextmanager
def process(*words: str, log: Path, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as written:
        started = subprocess.Popen(
            [sys.executable, "-m", *words],
            stdin=subprocess.PIPE,
            stdout=written,
            stderr=subprocess.STDOUT,
            env=os.environ | environment,
            cwd=log.parent,
        )
    try:
        yield started
    finally:
        if started.stdin:
            started.stdin.close()
        started.send_signal(signal.SIGTERM)
        started.wait(PATIENCE_SECONDS)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def answer(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=20) as found:
            return str(found.read().decode())
    except (urllib.error.URLError, OSError):
        return ""


def eventually(said: str, url: str, *logs: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while said not in answer(url):
        assert time.monotonic() < deadline, "\n".join([f"no {said!r}", *(log.read_text() for log in logs)])
        time.sleep(0.2)


def test_the_demo_joins_a_simulated_network_that_runs_beside_it(tmp_path: Path) -> None:
    wall = f"127.0.0.1:{free_port()}"
    ready, field_log, demo_log = tmp_path / READY, tmp_path / "field.log", tmp_path / "demo.log"
    demo = process(
        "monitor", "demo", "--field", READY, "--listen", wall, log=demo_log,
        MONITOR_CONFIG=str(CONFIG), MONITOR_STORAGE_URL="sqlite+aiosqlite:///kept/here.db",
    )  # fmt: skip
    field = process(
        "monitor.field", "--config", str(CONFIG), "--ca-file", "ca.pem", "--ready-file", READY,
        "--subnet", "127.79.0.0/16", log=field_log,
    )  # fmt: skip
    with demo as watching:  # first, as the container that has the network is: it waits for the other
        with field as simulated:
            eventually('"status":"up"', f"http://{wall}/api/v1/points/hub", demo_log, field_log)
            assert ready.exists()
            assert (tmp_path / "kept" / "here.db").exists(), "history is kept where the configuration says"
            assert simulated.poll() is None
        assert not ready.exists()
        assert watching.poll() is None


def test_the_demo_says_when_no_simulated_network_came(tmp_path: Path) -> None:
    words = "import monitor.cli.demo as d; d.JOIN_SECONDS = 0.3; from monitor.cli import main; raise SystemExit(main())"
    done = subprocess.run(
        [sys.executable, "-c", words, "demo", "--config", str(CONFIG), "--field", "never.json"],
        capture_output=True, text=True, cwd=tmp_path, timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    assert done.returncode == 1
    assert "no simulated network has written never.json within 0.3 s" in done.stderr
