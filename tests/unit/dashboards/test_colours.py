"""Colours and words are the wall's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from dashboards.colours import BAD, CODES, COLOURS, GOOD, WORDS
from monitor.health.stability import BUCKETS
from monitor.language.words import BUCKET_NAMES
from tests.stack.grafana import FILES, load

CSS = Path("monitor/web/static/base.css")

WALL = {
    "stable": "--good",
    "fresh": "--edge",
    "down": "--down",
    "unreachable": "--unreachable",
    "faulty": "--faulty",
    "flapping": "--flapping-edge",
    "degraded": "--degraded-edge",
    "unknown": "--unknown-edge",
    "maintenance": "--maintenance-edge",
}
"""The wall's own name for the colour that says the bucket; of stripes the first colour."""


def dark() -> dict[str, str]:
    """The wall's colours by name, as its dark ground (the first block of the style sheet) has them."""
    found: dict[str, str] = {}
    for name, value in re.findall(r"(--[\w-]+):\s*([^;]+);", CSS.read_text("utf-8")):
        colour = re.search(r"#[0-9A-Fa-f]{6}", value)
        if colour and name not in found:
            found[name] = colour[0]
    return found


@pytest.mark.parametrize("bucket", COLOURS)
def test_each_colour_is_the_walls(bucket: str) -> None:
    assert COLOURS[bucket] == dark()[WALL[bucket]]


def test_good_and_bad_are_the_walls() -> None:
    assert (dark()["--good"], dark()["--down"]) == (GOOD, BAD)


def test_each_bucket_has_a_colour_a_word_and_a_number() -> None:
    assert set(COLOURS) == set(CODES) == set(WORDS) == set(BUCKETS)
    assert sorted(CODES.values()) == list(range(len(BUCKETS)))
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_the_words_are_the_walls() -> None:
    assert {bucket: word for bucket, word in WORDS.items() if bucket != "fresh"} == {
        bucket: BUCKET_NAMES[bucket] for bucket in CODES if bucket != "fresh"
    }


def test_the_worse_the_greater_as_the_verdict_orders_them() -> None:
    """Planned work goes before everything in the verdict; its number only says that nobody need look."""
    seen = [bucket for bucket in BUCKETS if bucket != "maintenance"]
    assert sorted(seen, key=lambda bucket: -CODES[bucket]) == seen


def mappings(value: Any) -> list[dict[str, Any]]:
    """Every mapping of values to words anywhere in a dashboard."""
    if isinstance(value, dict):
        own = [value["options"]] if value.get("type") == "value" and isinstance(value.get("options"), dict) else []
        return own + [each for inner in value.values() for each in mappings(inner)]
    return [each for inner in value for each in mappings(inner)] if isinstance(value, list) else []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_mapping_of_a_bucket_is_that_of_the_wall(path: Path) -> None:
    by_code = {str(code): (WORDS[bucket], COLOURS[bucket]) for bucket, code in CODES.items()}
    checked = 0
    for options in mappings(load(path)):
        said = {value: (result["text"], result.get("color")) for value, result in options.items()}
        if set(by_code) <= set(said):
            assert said == by_code
            checked += 1
        for bucket in set(said) & set(CODES):
            assert said[bucket] == (WORDS[bucket], COLOURS[bucket])
    assert checked == {"tong-quan": 3, "diem": 2}.get(path.stem, 0)
