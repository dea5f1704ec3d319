from hypothesis import given
from hypothesis import strategies as st

from monitor.model import EndpointKey
from monitor.schedule.grid import next_due, offset_of, phase

intervals = st.floats(0.05, 86_400)
names = st.text(min_size=1, max_size=20)
instants = st.floats(0, 1e7)


@given(names, names, intervals)
def test_a_phase_lies_within_the_interval_and_is_always_the_same(point: str, endpoint: str, interval: float) -> None:
    key = EndpointKey(point, endpoint)
    assert 0 <= phase(key, interval) < interval
    assert phase(key, interval) == phase(EndpointKey(point, endpoint), interval)


def test_phases_are_those_of_earlier_releases() -> None:
    """A new hash would move every endpoint within its interval at the upgrade."""
    assert [round(phase(EndpointKey(f"ward-{n}", "link"), 15), 6) for n in (1, 2, 3)] == [5.073399, 0.565772, 13.996337]


def test_phases_spread_evenly() -> None:
    buckets = [0] * 15
    for ward in range(126):
        for endpoint in ("link", "portal", "exchange", "dns"):
            buckets[int(phase(EndpointKey(f"ward-{ward}", endpoint), 15))] += 1
    assert sum(buckets) == 504
    assert max(buckets) < 2 * 504 / 15
    assert min(buckets) > 504 / 15 / 2


@given(instants, st.floats(0, 1), intervals)
def test_the_next_due_is_the_first_of_the_grid_after_now(after: float, share: float, interval: float) -> None:
    offset = share * interval
    due = next_due(after, offset, interval)
    assert after < due <= after + interval * 1.000001
    steps = (due - offset) / interval
    assert abs(steps - round(steps)) < 1e-3


@given(instants, st.floats(0, 1), intervals, st.integers(1, 50))
def test_nothing_drifts(begin: float, share: float, interval: float, steps: int) -> None:
    """Walking from due to due, or looking up the grid afterwards, comes to the same instants."""
    offset = share * interval
    due = next_due(begin, offset, interval)
    first = due
    for _ in range(steps):
        due = next_due(due, offset, interval)
    assert abs(due - (first + steps * interval)) < 1e-6 * max(1.0, due)


@given(names, st.floats(1, 3600), st.floats(1.7e9, 1.9e9), st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_restart_keeps_the_wall_clock_instants(
    name: str, interval: float, wall: float, first_uptime: float, second_uptime: float
) -> None:
    """The monotonic clock begins anywhere; the grid on the wall clock is the same."""
    key = EndpointKey(name, "link")
    dues = []
    for uptime in (first_uptime, second_uptime):
        epoch = uptime - wall
        dues.append(next_due(uptime, offset_of(key, interval, epoch), interval) - epoch)
    assert abs((dues[0] - dues[1] + interval / 2) % interval - interval / 2) < 1e-3
