"""The wall's colours and words for what a point is, and the numbers by which a panel knows them.

A panel has no stripes and no edges: what the wall hatches is here its stripe's first colour, what it only frames the
frame's. The dark ground's colours stand for both of Grafana's themes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

from monitor.language.words import BUCKET_NAMES

GOOD: Final = "#5CCB9F"
BAD: Final = "#DB2B2B"
LATE: Final = "#FFD34A"
PALE: Final = "#A9B9C8"

COLOURS: Final[Mapping[str, str]] = {
    "stable": GOOD,
    "fresh": "#2C8C69",
    "down": BAD,
    "unreachable": "#8A1F22",
    "faulty": "#FF9A1F",
    "flapping": "#D9A6FF",
    "degraded": LATE,
    "unknown": PALE,
    "maintenance": "#4C9BE8",
}
"""By bucket: each point is in exactly one."""

CODES: Final[Mapping[str, int]] = {
    "stable": 0,
    "fresh": 1,
    "maintenance": 2,
    "unknown": 3,
    "degraded": 4,
    "flapping": 5,
    "faulty": 6,
    "unreachable": 7,
    "down": 8,
}
"""A bucket as a number, the worse the greater: what ``queries.state`` answers."""

WORDS: Final[Mapping[str, str]] = {
    **{bucket: BUCKET_NAMES[bucket] for bucket in CODES},
    "fresh": "Vừa hoạt động trở lại",
}

STATUSES: Final[Mapping[str, str]] = {"up": "stable"}
"""A status whose bucket has another name."""


def bucket_mappings() -> list[ValueMapping]:
    """From the numbers of ``CODES`` to words and colours."""
    return [_map({str(code): (WORDS[bucket], COLOURS[bucket]) for bucket, code in CODES.items()})]


def said_mappings() -> list[ValueMapping]:
    """The same from the names, as PostgreSQL has them."""
    return [
        _map(
            {
                **{bucket: (WORDS[bucket], COLOURS[bucket]) for bucket in CODES},
                "up": ("Hoạt động", GOOD),
                "unobserved": ("Không được đo", PALE),
            }
        )
    ]


def yes_no(yes: str, no: str, *, good: bool = True) -> list[ValueMapping]:
    """1 and 0 in words; ``good``: 1 is what is wanted."""
    colours = (GOOD, BAD) if good else (BAD, GOOD)
    return [_map({"1": (yes, colours[0]), "0": (no, colours[1])})]


def words(said: Mapping[str, str]) -> list[ValueMapping]:
    """Words for words, without colours."""
    return [_map({value: (text, None) for value, text in said.items()})]


def _map(results: Mapping[str, tuple[str, str | None]]) -> ValueMapping:
    return ValueMap(
        options={
            value: ValueMappingResult(text=text, color=colour, index=place)
            for place, (value, (text, colour)) in enumerate(results.items())
        }
    )


def steps(first: str, *rest: tuple[float, str]) -> ThresholdsConfig:
    """Colours from a value on; ``first`` holds below all of them."""
    made = [Threshold(color=first, value=None), *(Threshold(color=colour, value=value) for value, colour in rest)]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)


def bucket_steps() -> ThresholdsConfig:
    """The same colours for panels that go by thresholds."""
    ordered = sorted(CODES, key=lambda bucket: CODES[bucket])
    return steps(COLOURS[ordered[0]], *((CODES[bucket], COLOURS[bucket]) for bucket in ordered[1:]))


def named(name: str, text: str, colour: str | None = None) -> tuple[str, list[DynamicConfigValue]]:
    """An override: the field ``name`` is shown as ``text``, in ``colour``."""
    properties = [DynamicConfigValue(id_val="displayName", value=text)]
    if colour is not None:
        properties.append(DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour}))
    return name, properties
