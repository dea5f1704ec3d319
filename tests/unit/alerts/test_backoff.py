"""Waiting and rates."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.backoff import Allowance, full_jitter


def test_the_bound_doubles_up_to_the_cap() -> None:
    bounds = [full_jitter(failures, 1.0, base_seconds=1, cap_seconds=60) for failures in range(1, 9)]
    assert bounds == [1, 2, 4, 8, 16, 32, 60, 60]


@given(st.integers(0, 10**6), st.floats(0, 1, exclude_max=True))
def test_it_is_anything_below_the_bound(failures: int, chance: float) -> None:
    assert 0 <= full_jitter(failures, chance, base_seconds=1, cap_seconds=60) <= 60 * chance


@given(st.lists(st.floats(0, 5), max_size=60), st.integers(1, 5))
def test_no_period_has_more_than_the_rate(gaps: list[float], rate: int) -> None:
    allowance, now, passed = Allowance(rate, 10.0), 0.0, list[float]()
    for gap in gaps:
        now += gap
        now += allowance.wait_seconds(now)
        allowance.take(now)
        passed.append(now)
    for first, last in zip(passed, passed[rate:], strict=False):
        assert last - first >= 10.0 - 1e-6


def test_nobody_waits_who_need_not() -> None:
    allowance = Allowance(2, 10.0)
    allowance.take(0.0)
    assert allowance.wait_seconds(0.0) == 0
    allowance.take(1.0)
    assert allowance.wait_seconds(4.0) == 6
    assert allowance.wait_seconds(10.0) == 0
