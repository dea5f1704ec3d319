"""What every benchmark does: pin processes, read their CPU time, repeat, print a table, write JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
SERVER_CORE = 0
PROBER_CORE = 1
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure measured several times."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        return cls(statistics.median(figures), min(figures), max(figures))

    def text(self, scale: float = 1, digits: int = 3) -> str:
        return f"{self.median * scale:.{digits}f} ({self.least * scale:.{digits}f}-{self.most * scale:.{digits}f})"


@dataclass(frozen=True, slots=True)
class Goal:
    """What was promised of a figure, and whether it was met. ``reason`` says why not."""

    name: str
    figure: float
    at_most: float | None = None
    at_least: float | None = None
    reason: str = ""

    @property
    def met(self) -> bool:
        under = self.at_most is None or self.figure <= self.at_most
        return under and (self.at_least is None or self.figure >= self.at_least)

    def row(self) -> tuple[str, str, str, str]:
        bound = f"at most {self.at_most:g}" if self.at_most is not None else f"at least {self.at_least:g}"
        return self.name, f"{self.figure:.3g}", bound, "met" if self.met else f"NOT MET, {self.reason}".rstrip(", ")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, all its threads (proc(5), stat fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def resident_bytes(pid: int) -> int:
    """Resident memory of a process (proc(5), statm field 2)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def pin(core: int) -> None:
    """Keep this process on one core."""
    os.sched_setaffinity(0, {core % (os.cpu_count() or 1)})


Running = AbstractContextManager["subprocess.Popen[str]"]


@contextmanager
def process(
    *words: str, core: int, ready: str = "", environ: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A process pinned to a core, for as long as the context lasts. ``ready`` is a line that its output begins with."""
    child = subprocess.Popen(
        ["taskset", "-c", str(core % (os.cpu_count() or 1)), *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=os.environ | (environ or {}),
    )  # fmt: skip
    try:
        if ready and child.stdout is not None and not child.stdout.readline().startswith(ready):
            raise RuntimeError(f"{words[0]} did not start")
        yield child
    finally:
        child.terminate()
        child.communicate()


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, also readable as it is."""
    widths = [max(len(str(line[column])) for line in [head, *rows]) for column in range(len(head))]
    lines = [
        "| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) + " |"
        for line in [head, *rows]
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return f"\n{title}\n\n" + "\n".join(lines) + "\n"


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": f"{len(models)} x {models[0] if models else platform.machine()}",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
    }


def write(name: str, figures: object, goals: Sequence[Goal]) -> None:
    """Write bench/results/NAME.json."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    stated = [
        {
            "name": goal.name,
            "figure": goal.figure,
            "bound": goal.row()[2],
            "met": goal.met,
            "reason": "" if goal.met else goal.reason,
        }
        for goal in goals
    ]
    content = {"machine": machine(), "goals": stated, "figures": figures}
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
