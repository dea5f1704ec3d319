"""The committed dashboards are what the program writes; nothing in them is unknown to Grafana's own model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.book import BOOK, text
from tests.stack.grafana import FILES, FOLDER, load, panels

UIDS = {
    "tong-quan": "lienthong-tong-quan",
    "diem": "lienthong-diem",
    "sla": "lienthong-sla",
    "suc-khoe": "lienthong-suc-khoe",
}


def test_the_folder_holds_these_and_no_others() -> None:
    assert {path.stem for path in FILES} == set(BOOK) == set(UIDS)
    assert {path.stem: load(path)["uid"] for path in FILES} == UIDS


@pytest.mark.parametrize("name", BOOK)
def test_each_is_as_it_is_generated(name: str) -> None:
    committed = (FOLDER / f"{name}.json").read_bytes()
    assert committed == text(BOOK[name]()).encode(), "run: python -m dashboards"


@pytest.mark.parametrize("name", BOOK)
def test_generating_twice_gives_the_same(name: str) -> None:
    assert text(BOOK[name]()) == text(BOOK[name]())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_grafanas_model_knows_every_key(path: Path) -> None:
    register_default_plugins()
    written = load(path)
    known = json.loads(json.dumps(Dashboard.from_json(written), cls=JSONEncoder))
    assert list(lost(written, known)) == []


def lost(written: Any, known: Any, place: str = "") -> Any:
    """The places of what the model dropped or altered."""
    if isinstance(written, dict) and isinstance(known, dict):
        for key, value in written.items():
            if key not in known:
                yield f"{place}.{key}"
            else:
                yield from lost(value, known[key], f"{place}.{key}")
    elif isinstance(written, list) and isinstance(known, list) and len(written) == len(known):
        for index, (one, other) in enumerate(zip(written, known, strict=True)):
            yield from lost(one, other, f"{place}[{index}]")
    elif written != known:
        yield f"{place}: {written!r} became {known!r}"


def test_a_key_that_grafana_does_not_know_is_found() -> None:
    register_default_plugins()
    written = {**load(FILES[0]), "tittle": "x"}
    written["panels"][0]["colour"] = "red"
    known = json.loads(json.dumps(Dashboard.from_json(written), cls=JSONEncoder))
    assert list(lost(written, known)) == [".panels[0].colour", ".tittle"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_panels_stand_side_by_side_and_none_on_another(path: Path) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in [*panels(load(path))]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_panels_have_numbers_of_their_own(path: Path) -> None:
    numbers = [panel["id"] for panel in load(path)["panels"]]
    assert len(set(numbers)) == len(numbers)
