"""When a point flaps: two thresholds over a sliding window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.health.flapping import flaps

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
RULE = {"window": timedelta(minutes=15), "enter": 6, "leave": 1}


def minutes(*values: float) -> list[datetime]:
    return [T0 + timedelta(minutes=value) for value in values]


@pytest.mark.parametrize(
    ("changes", "now", "already", "expected"),
    [
        ((), 0, False, False),
        ((), 0, True, False),
        ((0, 1, 2, 3, 4), 5, False, False),
        ((0, 1, 2, 3, 4, 5), 5, False, True),
        ((5, 3, 0, 1, 4, 2), 5, False, True),
        ((0, 1, 2, 3, 4, 5), 15, False, False),  # the first has just left the window
        ((0, 1, 2, 3, 4, 5), 15, True, True),
        ((0, 1, 2, 3, 4, 5), 18.9, True, True),
        ((0, 1, 2, 3, 4, 5), 19, True, False),  # one is left
        ((7, 8, 9, 10, 11, 12), 5, False, False),  # later than now
    ],
)
def test_flaps(changes: tuple[float, ...], now: float, already: bool, expected: bool) -> None:
    assert flaps(minutes(*changes), *minutes(now), already=already, **RULE) is expected


@given(st.lists(st.integers(0, 3600), max_size=30), st.integers(0, 3600))
def test_whoever_would_begin_to_flap_would_not_cease(changes: list[int], now: int) -> None:
    moments = [T0 + timedelta(seconds=change) for change in changes]
    at = T0 + timedelta(seconds=now)
    assert not flaps(moments, at, already=False, **RULE) or flaps(moments, at, already=True, **RULE)


@given(st.lists(st.integers(0, 3600), max_size=30), st.booleans())
def test_it_holds_in_the_end(changes: list[int], already: bool) -> None:
    moments = [T0 + timedelta(seconds=change) for change in changes]
    assert not flaps(moments, T0 + timedelta(seconds=3600) + RULE["window"], already=already, **RULE)
