"""The committed JSON Schema is the code's, and the inventory obeys it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from monitor.config import schema
from monitor.probes import find_probers

CONFIG = Path("config")


def test_the_committed_schema_is_the_codes() -> None:
    committed = json.loads((CONFIG / "endpoints.schema.json").read_text("utf-8"))

    assert committed == schema(), "run: monitor validate --schema > config/endpoints.schema.json"


def test_it_is_a_schema_and_the_inventory_obeys_it() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    text = (CONFIG / "endpoints.yaml").read_text("utf-8")

    jsonschema.validate(yaml.safe_load(text), schema(), cls=jsonschema.Draft202012Validator)

    assert text.startswith("# yaml-language-server: $schema=endpoints.schema.json\n")


def test_every_prober_has_its_section() -> None:
    sections = schema()["$defs"]["Module"]["properties"]

    assert set(find_probers()) <= set(sections)
    assert sections["prober"]["enum"] == sorted(find_probers())


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "properties" in node and node.get("type") == "object":
            yield node
        for value in node.values():
            yield from _objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from _objects(value)


def test_no_mapping_of_ours_takes_unknown_keys() -> None:
    assert [node.get("title") for node in _objects(schema()) if node.get("additionalProperties") is not False] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"modules": {"a": {"prober": "http", "http": {"metod": "GET"}}}},
        {"modules": {"a": {"prober": "smtp"}}},
        {"points": [{"id": "A b", "kind": "ward", "name": "x"}]},
        {"defaults": {"interval": "15"}},
        {"areas": [{"id": "a", "name": "A", "column": 0, "row": 1}]},
    ],
)
def test_an_editor_sees_mistakes(wrong: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema(), cls=jsonschema.Draft202012Validator)
