"""What failures have in common, by table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.health.fate import EXACT, Seen, accident, common_fate

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
WINDOW = timedelta(seconds=30)
LABELS = ("provider", "circuit", "area")


def points(prefix: str, since: list[float | None], **labels: str) -> list[Seen]:
    return [
        Seen(f"{prefix}{number}", labels, None if seconds is None else T0 + timedelta(seconds=seconds))
        for number, seconds in enumerate(since)
    ]


def well(prefix: str, count: int, **labels: str) -> list[Seen]:
    return points(prefix, [None] * count, **labels)


def found(seen: list[Seen], around: float = 0.0, labels: tuple[str, ...] = LABELS) -> dict[str, int]:
    fates = common_fate(seen, labels=labels, window=WINDOW, around=T0 + timedelta(seconds=around))
    return {str(fate.fault): len(fate.points) for fate in fates}


def test_all_of_one_value_and_nobody_else() -> None:
    seen = points("a", [0, 1, 2, 14], provider="A") + well("b", 20, provider="B")
    assert found(seen) == {"label:provider=A": 4}


@pytest.mark.parametrize(
    ("failing", "of", "named"),
    [(2, 2, False), (3, 3, True), (3, 4, False), (4, 5, True), (7, 9, False), (8, 10, True), (28, 35, True)],
)
def test_at_least_three_and_four_in_five(failing: int, of: int, named: bool) -> None:
    seen = points("a", [0.0] * failing, provider="A") + well("w", of - failing, provider="A") + well("b", 60)
    assert found(seen) == ({"label:provider=A": failing} if named else {})


def test_most_outside_must_be_well() -> None:
    inside = points("a", [0.0] * 40, provider="A")
    assert found(inside + points("b", [0.0] * 4) + well("c", 6)) == {"label:provider=A": 40}
    assert found(inside + points("b", [0.0] * 5) + well("c", 5)) == {"network:": 45}
    assert found(inside + points("b", [0.0] * 5) + well("c", 6)) == {"label:provider=A": 40}


def test_failing_since_long_before_is_evidence_neither_for_nor_against() -> None:
    seen = points("a", [0, 1, 2], area="x") + points("old", [-3600] * 5, area="x") + well("b", 60)
    assert found(seen) == {"label:area=x": 3}


def test_failing_later_than_the_window_was_well_then() -> None:
    seen = points("a", [0, 1, 2], area="x") + points("late", [45.0], area="x") + well("b", 60)
    assert found(seen) == {}


def test_the_window_holds_the_failure_that_is_asked_about() -> None:
    seen = points("a", [0, 10, 20], area="x") + well("b", 60)
    assert found(seen, 20) == {"label:area=x": 3}
    assert found(seen, 30) == {"label:area=x": 3}
    assert found(seen, 31) == {}
    assert found(seen, 600) == {}


def test_spread_over_more_than_a_window_is_not_together() -> None:
    assert found(points("a", [0, 16, 32], area="x") + well("b", 60), 16) == {}


def test_a_straggler_finds_those_that_it_belongs_to() -> None:
    seen = points("a", [0, 1, 2, 15], area="x") + well("b", 60)
    assert found(seen, 15) == {"label:area=x": 4}


def test_the_fewest_values_that_cover() -> None:
    seen = (
        points("a", [0.0] * 5, provider="A", area="x")
        + points("b", [0.0] * 5, provider="A", area="y")
        + well("c", 90, provider="B", area="z")
    )
    assert found(seen) == {"label:provider=A": 10}


def test_the_narrowest_on_a_tie() -> None:
    seen = (
        points("a", [0.0] * 9, provider="A", circuit="A-1")
        + well("s", 2, provider="A", circuit="A-2")
        + well("b", 60, provider="B")
    )
    assert found(seen) == {"label:circuit=A-1": 9}


def test_the_order_of_labels_when_values_are_the_same_points() -> None:
    seen = points("a", [0.0] * 9, provider="A", circuit="A-1") + well("b", 60, provider="B")
    assert found(seen) == {"label:provider=A": 9}
    assert found(seen, labels=("circuit", "provider")) == {"label:circuit=A-1": 9}


def test_two_causes_at_once() -> None:
    seen = points("a", [0.0] * 12, provider="A") + points("b", [0.0] * 7, area="y") + well("c", 90, provider="B")
    assert found(seen) == {"label:provider=A": 12, "label:area=y": 7}


def test_a_value_that_explains_one_more_failure_explains_nothing() -> None:
    """An area of four, three of them on the circuit that is cut, and the fourth fails by itself."""
    seen = (
        points("a", [0.0] * 5, circuit="A-1", area="x")
        + points("b", [0.0] * 3, circuit="A-1", area="y")
        + points("c", [0.0], area="y")
        + well("d", 400)
    )
    assert found(seen) == {"label:circuit=A-1": 8}


def test_a_value_that_is_left_with_two_is_not_named() -> None:
    """Two areas reach beyond the provider by two failures each: no fewer than two values cover all but two."""
    seen = points("a", [0.0] * 8, provider="A") + well("w", 3000)
    for area in "yz":
        seen += points(f"in-{area}", [0.0], provider="A", area=area) + points(f"out-{area}", [0.0] * 2, area=area)
    assert found(seen) == {"label:provider=A": 10}


def test_more_values_than_are_searched_exactly() -> None:
    count = EXACT + 3
    seen = [seen for number in range(count) for seen in points(f"a{number}-", [0.0] * 30, area=str(number))]
    assert found(seen + well("b", 600)) == {f"label:area={number}": 30 for number in range(count)}


@pytest.mark.parametrize(("failing", "of", "named"), [(3, 3, True), (2, 2, False), (9, 10, True), (8, 9, False)])
def test_nearly_all_is_the_network(failing: int, of: int, named: bool) -> None:
    seen = points("a", [0.0] * failing, provider="A") + well("b", of - failing, provider="A")
    assert found(seen) == ({"network:": failing} if named else {})


def test_nearly_all_but_a_value_tells_them_from_the_rest() -> None:
    assert found(points("a", [0.0] * 95, provider="A") + well("b", 5, provider="B")) == {"label:provider=A": 95}


def test_all_over_two_providers_is_the_network() -> None:
    seen = points("a", [0.0] * 70, provider="A") + points("b", [1.0] * 56, provider="B")
    assert found(seen) == {"network:": 126}


def test_a_small_area_is_not_blamed_in_a_storm() -> None:
    area = points("a", [0.0] * 3, area="x")
    storm = points("b", [-20, -11, -3, 2, 7, 13, 19, 26])
    assert found(area + storm + well("c", 115)) == {}
    assert found(area + well("c", 123)) == {"label:area=x": 3}


def test_a_storm_that_began_earlier_is_a_storm_still() -> None:
    area = points("a", [50.0] * 4, area="x")
    assert found(area + points("b", [0, 3, 5, 9, 11], area="y") + well("c", 115), 50) == {}


def test_nothing_seen() -> None:
    assert found([]) == {}
    assert found(well("a", 10)) == {}


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 80), st.integers(0, 80))
def test_accident_is_the_binomial_tail(failing: int, spared: int, others_failing: int, others_well: int) -> None:
    observed, others = failing + spared, others_failing + others_well
    rate = (others_failing + 1) / (others + 2)
    tail = sum(comb(observed, k) * rate**k * (1 - rate) ** (observed - k) for k in range(failing, observed + 1))
    assert accident(failing, observed, others_failing, others) == pytest.approx(tail, rel=1e-9)


def test_accident_of_very_many() -> None:
    assert accident(3000, 3321, 100, 3000) == pytest.approx(0.0)


LETTER = st.sampled_from("xyz")
SECONDS = st.one_of(st.none(), st.integers(-60, 60))


@given(st.lists(st.tuples(LETTER, LETTER, SECONDS), max_size=40), st.integers(-60, 60))
def test_whatever_fails_fates_are_apart_and_of_those_that_fail(rows, around: int) -> None:
    seen = [
        Seen(str(number), {"provider": one, "area": other}, None if since is None else T0 + timedelta(seconds=since))
        for number, (one, other, since) in enumerate(rows)
    ]
    fates = common_fate(seen, labels=LABELS, window=WINDOW, around=T0 + timedelta(seconds=around))
    named = [point for fate in fates for point in fate.points]
    assert len(named) == len(set(named))
    since = {each.point: each.failing_since for each in seen}
    for fate in fates:
        assert len(fate.points) >= 3
        times = [since[point] for point in fate.points]
        assert max(times) - min(times) <= WINDOW
        assert all(abs(moment - (T0 + timedelta(seconds=around))) <= WINDOW for moment in times)
