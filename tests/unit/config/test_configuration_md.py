"""docs/configuration.md explains every key, and its examples load."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitor.config import load
from monitor.config.columns import COLUMNS
from monitor.config.schema import (
    AreaSection,
    BudgetsSection,
    ContactSection,
    EndpointSection,
    FileSection,
    KindSection,
    LocationSection,
    PointSection,
    ResolutionSection,
    Section,
    ServerSection,
    StorageSection,
)
from monitor.config.templates import POINT_VALUES

TEXT = Path("docs/configuration.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_load(tmp_path: Path, example: str) -> None:
    path = tmp_path / "endpoints.yaml"
    path.write_text(example, "utf-8")

    assert load(path, environ={}).modules


@pytest.mark.parametrize(
    "section",
    [
        AreaSection,
        BudgetsSection,
        ContactSection,
        EndpointSection,
        FileSection,
        KindSection,
        LocationSection,
        PointSection,
        ResolutionSection,
        ServerSection,
        StorageSection,
    ],
)
def test_every_key_is_explained(section: type[Section]) -> None:
    missing = [name for name in section.model_fields if not re.search(rf"[`.{{ ]{name}[`:.]", TEXT)]

    assert missing == []


def test_every_column_and_template_variable_is_explained() -> None:
    assert [name for name in COLUMNS if f"`{name}`" not in TEXT] == []
    assert [name for name in POINT_VALUES if f"`{{{name}}}`" not in TEXT] == []
