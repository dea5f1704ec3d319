"""Buckets of a chart, and windows cut from a timeline."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from monitor.ledger import Interval
from monitor.model import Observation, Outcome, Reason, Status, StoredResult
from monitor.web.series import bucketed, day_begin
from monitor.web.uptimes import clip, live

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
rows = st.lists(
    st.builds(
        StoredResult,
        st.floats(0, 3600).map(lambda seconds: NOW + timedelta(seconds=seconds)),
        st.sampled_from(Reason),
        st.floats(0, 10),
        st.just("local"),
    )
).map(sorted)


@given(rows, st.integers(1, 4000))
def test_a_bucket_holds_what_began_in_it(results: list[StoredResult], seconds: int) -> None:
    step = timedelta(seconds=seconds)
    buckets = bucketed(results, NOW, step)
    assert [bucket.begin for bucket in buckets] == sorted({NOW + (each.begun - NOW) // step * step for each in results})
    for bucket in buckets:
        members = [each for each in results if bucket.begin <= each.begun < bucket.begin + step]
        up = [each.latency_seconds for each in members if each.outcome is Outcome.UP]
        assert (bucket.up, bucket.up + bucket.down + bucket.unknown) == (len(up), len(members))
        assert bucket.median_seconds == (median(up) if up else None)
        assert bucket.max_seconds == max(up, default=None)


def test_a_day_begins_at_the_centres_midnight() -> None:
    assert day_begin(date(2026, 11, 23)) == datetime(2026, 11, 22, 17, 0, tzinfo=UTC)


def test_clipping_keeps_what_lies_inside() -> None:
    hours = [NOW + timedelta(hours=number) for number in range(4)]
    whole = [Interval(begin, end, Status.UP, Reason.OK) for begin, end in pairwise(hours)]
    half = timedelta(minutes=30)
    assert list(clip(whole, hours[0] + half, hours[1] + half)) == [
        Interval(hours[0] + half, hours[1], Status.UP, Reason.OK),
        Interval(hours[1], hours[1] + half, Status.UP, Reason.OK),
    ]
    assert list(clip(whole, hours[3], hours[3] + half)) == []


def test_this_programs_own_run_goes_on_until_now() -> None:
    def run(vantage: str, begin: int, end: int) -> Observation:
        return Observation(vantage, NOW + timedelta(seconds=begin), NOW + timedelta(seconds=end))

    seen = [run("local", -100, -60), run("local", -50, -3), run("far", -40, -20)]
    assert live(seen, NOW, "local") == [seen[0], run("local", -50, 0), seen[2]]
    assert live(seen, NOW, "elsewhere") == seen
    assert live([run("local", -50, 5)], NOW, "local") == [run("local", -50, 5)]
    assert live([], NOW, "local") == []


def test_an_old_mark_is_no_sign_of_life() -> None:
    """The run that it belongs to ended, or the database can't be written: that time may have gone unwatched."""
    old = [Observation("local", NOW - timedelta(hours=5), NOW - timedelta(hours=4))]
    assert live(old, NOW, "local") == old
