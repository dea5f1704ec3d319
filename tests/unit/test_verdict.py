"""The verdict: what counts, in which bucket, in which order, in which colour."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.board import PointView
from monitor.board.verdict import Tally
from monitor.health.stability import BUCKETS, bucket, is_stable
from monitor.model import Reason, Status
from tests.unit.board_world import moment, point

NOW = moment(10_000)


def view(name: str, status: str, *, kind: str = "ward", since: float | None = 0, **changes) -> PointView:
    """``status`` may be stable, fresh, flapping or maintenance, too."""
    flags = {"flapping": status == "flapping", "maintenance": status == "maintenance", "stable": status == "stable"}
    special = {"stable": "up", "fresh": "up", "flapping": "up", "maintenance": "down"}
    return PointView(
        point=point(name, kind=kind),
        status=Status(special.get(status, status)),
        since=None if since is None else moment(since),
        reason=Reason.OK,
        failed_phase="",
        detail="",
        culprit="",
        not_before=None,
        first_seen=False,
        never=False,
        endpoints=(),
        **(flags | changes),
    )


def verdict(*views: PointView, now=NOW):
    return Tally(views).verdict(started=moment(0), now=now, grace=timedelta(seconds=33))


@pytest.mark.parametrize(
    ("status", "flags", "expected"),
    [
        ("down", {"maintenance": True, "flapping": True}, "maintenance"),
        ("down", {"flapping": True}, "down"),
        ("unreachable", {"flapping": True}, "unreachable"),
        ("faulty", {"flapping": True}, "faulty"),
        ("degraded", {"flapping": True}, "flapping"),
        ("unknown", {"flapping": True}, "flapping"),
        ("up", {"flapping": True}, "flapping"),
        ("degraded", {}, "degraded"),
        ("unknown", {}, "unknown"),
        ("unobserved", {}, "unknown"),
        ("up", {}, "fresh"),
        ("up", {"stable": True}, "stable"),
    ],
)
def test_the_first_bucket_that_holds(status, flags, expected):
    assert bucket(Status(status), **({"stable": False} | flags)) == expected


@pytest.mark.parametrize(
    ("status", "since", "flapping", "stable"),
    [
        ("up", 0, False, True),
        ("up", 9_700, False, True),
        ("up", 9_701, False, False),
        ("up", None, False, False),
        ("up", 0, True, False),
        ("degraded", 0, False, False),
        ("unknown", 0, False, False),
    ],
)
def test_stable_is_up_not_flapping_for_long_enough(status, since, flapping, stable):
    begin = None if since is None else moment(since)
    assert is_stable(Status(status), begin, NOW, timedelta(minutes=5), flapping=flapping) is stable


@pytest.mark.parametrize(
    ("wards", "others", "tone"),
    [
        (["stable", "stable"], ["stable"], "stable"),
        (["stable", "fresh"], ["stable"], "fresh"),
        (["stable", "fresh"], ["fresh"], "fresh"),
        (["stable", "unknown"], [], "unknown"),
        (["stable"], ["unknown"], "unknown"),
        (["unknown", "degraded"], [], "amber"),
        (["flapping"], [], "amber"),
        (["stable"], ["down"], "amber"),
        (["stable"], ["degraded"], "amber"),
        (["fresh"], ["faulty"], "amber"),
        (["faulty", "degraded"], ["down"], "faulty"),
        (["faulty", "down"], [], "down"),
        (["unreachable"], [], "down"),
        (["maintenance", "stable"], ["maintenance"], "stable"),
        ([], [], "unknown"),
    ],
)
def test_the_tone(wards, others, tone):
    views = [view(f"w{n}", status) for n, status in enumerate(wards)]
    views += [view(f"s{n}", status, kind="service") for n, status in enumerate(others)]
    assert verdict(*views).tone == tone


def test_n_is_the_declared_wards_and_branches():
    placeholder = view("w4", "unknown")
    endpoints = tuple(replace(endpoint, declared=False) for endpoint in placeholder.point.endpoints)
    placeholder = replace(placeholder, point=replace(placeholder.point, endpoints=endpoints))
    found = verdict(
        view("w1", "stable"),
        view("w2", "fresh"),
        view("b1", "down", kind="branch"),
        view("hub", "stable", kind="hub"),
        view("c1", "down", kind="circuit"),
        view("hotline", "stable", kind="service"),
        placeholder,
    )
    assert (found.total, found.stable, found.fresh) == (3, 1, 1)
    assert list(found.counts) == list(BUCKETS)
    assert sum(found.counts.values()) == found.total
    assert {name: count for name, count in found.counts.items() if count} == {"down": 1, "fresh": 1, "stable": 1}
    assert [v.point.id for v in found.infrastructure] == ["hub", "c1"]
    assert [v.point.id for v in found.services] == ["hotline"]
    assert [p.id for p in found.undeclared] == ["w4"]
    assert found.started == moment(0)


def test_troubled_is_worst_first_then_newest():
    found = verdict(
        view("a", "unknown", since=5),
        view("b", "degraded", since=1),
        view("c", "degraded", since=2),
        view("d", "stable"),
        view("e", "down", since=1),
        view("f", "down", kind="circuit", since=9),
        view("g", "faulty", kind="service", since=3),
        view("h", "unreachable", since=3),
        view("i", "maintenance"),
        view("j", "down", since=9),
    )
    assert "".join(v.point.id for v in found.troubled) == "fjehgcba"


def test_what_nobody_has_looked_at_yet_is_no_trouble_until_it_is_overdue():
    views = (view("a", "unknown", since=None), view("b", "unknown", since=3))
    assert [v.point.id for v in verdict(*views, now=moment(20)).troubled] == ["b"]
    assert [v.point.id for v in verdict(*views, now=moment(33)).troubled] == ["b", "a"]


def test_a_view_that_is_replaced_is_counted_once():
    tally = Tally([view("a", "stable"), view("b", "down"), view("s", "down", kind="service")])
    for status in ("fresh", "down", "unknown", "stable"):
        tally.put(view("b", status))
    tally.put(view("a", "faulty"))
    tally.put(view("s", "stable", kind="service"))
    found = tally.verdict(started=moment(0), now=NOW, grace=timedelta())
    assert {name: count for name, count in found.counts.items() if count} == {"faulty": 1, "stable": 1}
    assert [v.point.id for v in found.troubled] == ["a"]
    assert list(tally.views) == ["a", "b", "s"]
    assert found.tone == "faulty"
