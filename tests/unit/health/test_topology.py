"""Who is cut off because of whom: by table, and by Hypothesis against the words themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.health.topology import ancestors, dependants, root, spares_lost

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
NEEDS = {
    "ward": [("circuit-1", "circuit-2"), ("hub",)],
    "circuit-1": [("hub",)],
    "circuit-2": [("hub",)],
    "portal": [("data-centre",)],
    "ring-a": [("ring-b",)],
    "ring-b": [("ring-a",)],
}


def failing(**since: float) -> dict[str, datetime]:
    return {name.replace("_", "-"): T0 + timedelta(seconds=seconds) for name, seconds in since.items()}


@pytest.mark.parametrize(
    ("point", "since", "expected"),
    [
        ("ward", failing(), None),
        ("ward", failing(ward=0), None),
        ("ward", failing(circuit_1=0), None),
        ("ward", failing(circuit_1=5, circuit_2=3), "circuit-2"),
        ("ward", failing(circuit_1=3, circuit_2=3), "circuit-1"),
        ("ward", failing(hub=9), "hub"),
        ("ward", failing(circuit_1=0, circuit_2=1, hub=9), "hub"),
        ("circuit-1", failing(circuit_1=0, hub=9), "hub"),
        ("hub", failing(hub=0), None),
        ("elsewhere", failing(hub=0), None),
        ("ring-a", failing(ring_a=0, ring_b=1), "ring-b"),
        ("ring-b", failing(ring_a=0, ring_b=1), "ring-a"),
        ("portal", failing(data_centre=0), "data-centre"),
    ],
)
def test_root(point: str, since: dict[str, datetime], expected: str | None) -> None:
    assert root(point, NEEDS, since) == expected


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (failing(), ()),
        (failing(circuit_1=0), ("circuit-1",)),
        (failing(circuit_1=0, circuit_2=1), ()),
        (failing(hub=0), ()),
        (failing(circuit_2=0, hub=0), ("circuit-2",)),
    ],
)
def test_spares_lost(since: dict[str, datetime], expected: tuple[str, ...]) -> None:
    assert spares_lost("ward", NEEDS, since) == expected


def test_spares_in_the_order_of_failing() -> None:
    assert spares_lost("x", {"x": [("c", "b", "a")]}, failing(a=2, c=1)) == ("c", "a")


def test_ancestors_and_dependants() -> None:
    assert ancestors("ward", NEEDS) == {"circuit-1", "circuit-2", "hub"}
    assert ancestors("hub", NEEDS) == frozenset()
    assert ancestors("ring-a", NEEDS) == {"ring-b"}
    assert dependants("hub", NEEDS) == {"circuit-1", "circuit-2", "ward"}
    assert dependants("ward", NEEDS) == frozenset()
    assert dependants("ring-a", NEEDS) == {"ring-b"}


NAME = st.sampled_from("abcdefg")
DEPENDENCY = st.lists(NAME, min_size=1, max_size=3, unique=True).map(tuple)
ANY_NEEDS = st.dictionaries(NAME, st.lists(DEPENDENCY, max_size=3), max_size=7)
ANY_FAILING = st.dictionaries(NAME, st.integers(0, 5).map(lambda s: T0 + timedelta(seconds=s)), max_size=7)


@given(NAME, ANY_NEEDS, ANY_FAILING)
def test_a_root_fails_is_an_ancestor_and_there_when_a_dependency_is_lost(point, needs, since) -> None:
    found = root(point, needs, since)
    lost = [
        dependency
        for dependency in needs.get(point, ())
        if all(member in since for member in dependency) and set(dependency) != {point}
    ]
    assert (found is not None) == bool(lost)
    if found is not None:
        assert found != point
        assert found in since
        assert found in ancestors(point, needs)
        assert point in dependants(found, needs)


@given(NAME, ANY_NEEDS, ANY_FAILING)
def test_a_spare_is_of_a_dependency_that_stands(point, needs, since) -> None:
    for spare in spares_lost(point, needs, since):
        assert spare in since
        assert any(
            spare in dependency and any(member not in since for member in dependency)
            for dependency in needs.get(point, ())
        )


@given(NAME, NAME, ANY_NEEDS)
def test_ancestors_and_dependants_are_two_views_of_one_relation(one, other, needs) -> None:
    if one != other:
        assert (other in ancestors(one, needs)) == (one in dependants(other, needs))
