"""docs/metrics.md says what the code exposes, no more and no less."""

import re
from pathlib import Path

from monitor.metrics.catalogue import ENDPOINT_FAMILIES, ENDPOINT_LABELS, FAMILIES
from monitor.probes import find_probers

DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(?P<name>\w+)` \| (?P<kind>\w+) \| (?P<labels>[^|]+) \| (?P<help>[^|]+) \|$", re.MULTILINE)


def documented() -> dict[str, tuple[str, tuple[str, ...], str]]:
    text = DOCUMENT.read_text(encoding="utf-8")
    return {
        row["name"]: (row["kind"], tuple(re.findall(r"`(\w+)`", row["labels"])), row["help"])
        for row in ROW.finditer(text)
    }


def test_it_lists_every_family_with_type_labels_and_meaning() -> None:
    of_endpoints = {family.name for family in ENDPOINT_FAMILIES}
    coded = {
        name: (
            family.kind,
            tuple(label for label in family.labels if name not in of_endpoints or label not in ENDPOINT_LABELS),
            family.help,
        )
        for name, family in FAMILIES.items()
    }
    assert documented() == coded


def test_every_probers_phases_are_listed() -> None:
    for prober in find_probers().values():
        assert "phase" in FAMILIES[prober.phase_metric].labels


def test_every_fact_that_a_prober_names_is_listed() -> None:
    sources = (Path(__file__).parents[3] / "monitor" / "probes").glob("*.py")
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    named = set(re.findall(r"[\"'f]((?:lienthong_)?probe_[a-z0-9_]+[a-z0-9])[\"'{]", code))
    assert named - FAMILIES.keys() == set()
