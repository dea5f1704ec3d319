"""The whole program as a user starts it: ``monitor demo`` in a process of its own, asked over HTTP."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 90
CONFIG = Path(__file__).parents[2] / "config" / "endpoints.yaml"


class Program:
    """One run of ``monitor demo`` over ``folder``; started again, it finds its history there."""

    def __init__(self, folder: Path, *, subnet: str, interval: str = "5s") -> None:
        self.folder = folder
        self.config = folder / "endpoints.yaml"
        self._subnet = subnet
        self._process: subprocess.Popen[str] | None = None
        self.url = self.control = self.said = ""
        self.config.write_text(CONFIG.read_text().replace("interval: 15s", f"interval: {interval}", 1))

    def start(self) -> None:
        words = [sys.executable, "-m", "monitor", "demo", "--no-story", "--listen", "127.0.0.1:0"]
        words += ["--config", str(self.config), "--data", str(self.folder / "data"), "--subnet", self._subnet]
        log = (self.folder / "log").open("a")
        with log:
            self._process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True)
        lines = iter(self._process.stdout or [])
        self.said = ""
        for line in lines:
            self.said += line
            if "Ctrl-C" in line:
                break
        else:
            raise AssertionError(f"it did not start: {self.log()}")
        self.url = re.search(r"http://127\.0\.0\.1:\d+(?=/\n)", self.said)[0]  # type: ignore[index]
        self.control = re.search(r"http://127\.0\.0\.1:\d+(?=/hosts)", self.said)[0]  # type: ignore[index]

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait; returns the exit status."""
        assert self._process is not None
        self._process.send_signal(number)
        status = self._process.wait(PATIENCE_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return status

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    @property
    def runs(self) -> bool:
        return self._process is not None

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def get(self, path: str) -> Any:
        return json.loads(self.text(path))

    def text(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=20) as answer:
            return str(answer.read().decode())

    def post(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, method="POST"), timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def order(self, *hosts: str, conduct: str) -> None:
        """Tell simulated hosts what to do."""
        body = json.dumps({"hosts": list(hosts), "conduct": conduct}).encode()
        request = urllib.request.Request(self.control + "/hosts", data=body, method="PUT")
        with urllib.request.urlopen(request, timeout=20):
            pass

    def verdict(self) -> Any:
        return self.get("/api/v1/verdict")

    def point(self, name: str) -> Any:
        return self.get(f"/api/v1/points/{name}")

    def metric(self, pattern: str) -> float:
        """The sum of the samples whose series match."""
        found = re.findall(rf"^{pattern} (\S+)$", self.text("/metrics"), re.MULTILINE)
        return sum(map(float, found))


def eventually(holds: Callable[[], bool], what: str, *, program: Program) -> None:
    """Ask until it holds."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until, f"never: {what}\n{program.verdict()}\n{program.log()[-4000:]}"
        time.sleep(0.25)


@contextmanager
def running(folder: Path, *, interval: str = "5s") -> Iterator[Program]:
    """A program on a subnet of its own, so that tests may run side by side."""
    program = Program(folder, subnet=f"127.{100 + os.getpid() % 100}.0.0/16", interval=interval)
    program.start()
    try:
        yield program
    finally:
        if program.runs:
            program.end(signal.SIGKILL)
