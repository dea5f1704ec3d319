"""docs/configuration.md explains every key, and its examples load."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitor.channels import find_channels
from monitor.config import load
from monitor.config.columns import COLUMNS
from monitor.config.schema import (
    AreaSection,
    BudgetsSection,
    CommonCauseSection,
    ContactSection,
    EndpointSection,
    FileSection,
    FlappingSection,
    KindSection,
    LocationSection,
    PointSection,
    ResolutionSection,
    ServerSection,
    StorageSection,
)
from monitor.config.schema_alerts import (
    COMMON_KEYS,
    AlertsSection,
    ChannelSection,
    EscalationSection,
    RouteSection,
    channel_schema,
)
from monitor.config.schema_calendar import CalendarSection, HolidaysSection, WindowSection
from monitor.config.section import Section
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
        AlertsSection,
        AreaSection,
        BudgetsSection,
        CalendarSection,
        ChannelSection,
        CommonCauseSection,
        ContactSection,
        EndpointSection,
        EscalationSection,
        FileSection,
        FlappingSection,
        HolidaysSection,
        KindSection,
        LocationSection,
        PointSection,
        ResolutionSection,
        RouteSection,
        ServerSection,
        StorageSection,
        WindowSection,
    ],
)
def test_every_key_is_explained(section: type[Section]) -> None:
    names = [field.alias or name for name, field in section.model_fields.items()]
    missing = [name for name in names if not re.search(rf"[`.{{ ]{name}[`:.]", TEXT)]

    assert missing == []


@pytest.mark.parametrize("name", find_channels())
def test_every_channel_and_its_options_are_explained(name: str) -> None:
    options = set(channel_schema(find_channels()[name]).model_fields) - COMMON_KEYS
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{name}` |"))

    named = [option for option in options if not option.endswith("_file") or option == "ca_file"]
    assert [option for option in named if f"`{option}`" not in row] == []


def test_every_column_and_template_variable_is_explained() -> None:
    assert [name for name in COLUMNS if f"`{name}`" not in TEXT] == []
    assert [name for name in POINT_VALUES if f"`{{{name}}}`" not in TEXT] == []
