"""docs/performance.md's figures from bench/results/*.json: what stands between the two marks is written anew."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.measure import RESULTS, table

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"


def main() -> None:
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    figures = "".join(_section(file.stem, json.loads(file.read_text())) for file in sorted(RESULTS.glob("*.json")))
    PAGE.write_text(f"{before}{BEGIN}{figures}{END}{after}")


def _section(name: str, content: Mapping[str, Any]) -> str:
    machine = ", ".join(str(value) for value in content["machine"].values())
    goals = [
        (
            goal["name"],
            f"{goal['figure']:.3g}",
            goal["bound"],
            "met" if goal["met"] else f"NOT MET, {goal['reason']}".rstrip(", "),
        )
        for goal in content["goals"]
    ]
    rows = [(path, text) for path, text in _flat("", content["figures"])]
    measured = table("Measured", ["figure", "value"], rows)
    stated = table("Goals", ["goal", "figure", "bound", ""], goals) if goals else ""
    return f"\n## bench.{name}\n\n{machine}\n{stated}{measured}"


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and "median_seconds" in value:
        median, least, most = (value[f"{name}_seconds"] * 1000 for name in ("median", "least", "most"))
        yield path, f"{median:.4f} ms ({least:.4f}-{most:.4f})"
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _flat(f"{path}: {name}" if path else str(name), item)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _flat(f"{path}[{number}]", item)
    else:
        yield path, f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
