"""The calendar, planned work, what failures have in common, anchors and what endpoints need."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from monitor.calendar.model import Calendar, Window
from monitor.config import ConfigError, Problem, examine, load
from monitor.config.model import CommonFate, Config, Dependency, Flapping
from monitor.config.reach import FIXED, within_reach
from monitor.config.schema_calendar import parse_moment
from tests.unit.config.worlds import HEAD, write

WARD = "- {id: a, kind: ward, name: A, code: 00004, host: a.vn}"
ANCHORED = (
    HEAD
    + """
  anchor: {endpoints: {link: {module: tcp, target: "{host}:22", link: true}}}
  branch: {endpoints: {link: {module: tcp, target: "{host}:22", link: true}}}
  service: {endpoints: {link: {module: tcp, target: "{host}:22", link: true}}}
"""
)
ANCHORS = """
- {id: one, kind: anchor, name: One, host: 10.0.0.1}
- {id: two, kind: anchor, name: Two, host: 10.0.0.2}
"""


def made(tmp_path: Path, extra: str = "", points: str = WARD) -> Config:
    return load(write(tmp_path, points, HEAD + extra), environ={})


def warnings(tmp_path: Path, points: str = WARD, extra: str = "") -> list[str]:
    path = write(tmp_path, points, f"{ANCHORED}{extra}\n")
    return [f"{problem.path}: {problem.text}" for problem in examine(path, environ={})[1]]


def test_the_calendar(tmp_path: Path) -> None:
    config = made(
        tmp_path,
        "calendar: {office_hours: Mon-Fri 08:00-12:00, holidays: {add: [2027-02-11], remove: ['2026-11-24']}}\n",
    )

    assert config.calendar == Calendar(
        office_hours="Mon-Fri 08:00-12:00",
        added=frozenset({date(2027, 2, 11)}),
        removed=frozenset({date(2026, 11, 24)}),
    )


def test_what_fails_together_and_what_flaps(tmp_path: Path) -> None:
    config = made(
        tmp_path,
        "common_cause: {labels: [provider], window: 1m}\nflapping: {window: 5m, enter: '4', leave: 0}\n",
    )

    assert config.common_fate == CommonFate(labels=("provider",), window=timedelta(minutes=1))
    assert config.flapping == Flapping(window=timedelta(minutes=5), enter=4, leave=0)


def test_a_maintenance_window(tmp_path: Path) -> None:
    config = made(
        tmp_path,
        """
areas:
  - {id: ba-dinh, name: Ba Đình, column: 1, row: 1}
maintenance:
  - {id: once, name: Một lần, begin: 2026-12-01 22:00, end: 2026-12-02 02:00, points: [a, hub]}
  - id: weekly
    name: Hằng tuần
    begin: "2026-12-05T17:00:00Z"
    duration: 2h
    rule: FREQ=WEEKLY;BYDAY=SU
    areas: [ba-dinh]
    labels: {provider: a, tier: edge}
""",
    )

    assert config.maintenance == (
        Window(
            id="once",
            name="Một lần",
            begin=datetime(2026, 12, 1, 15, tzinfo=UTC),
            duration=timedelta(hours=4),
            points=("a", "hub"),
        ),
        Window(
            id="weekly",
            name="Hằng tuần",
            begin=datetime(2026, 12, 5, 17, tzinfo=UTC),
            duration=timedelta(hours=2),
            rule="FREQ=WEEKLY;BYDAY=SU",
            areas=("ba-dinh",),
            labels={"provider": "a", "tier": "edge"},
        ),
    )


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2026-12-01 22:00", "2026-12-01 15:00:00"),
        ("2026-12-01T22:00:30", "2026-12-01 15:00:30"),
        ("2026-12-01T15:00Z", "2026-12-01 15:00:00"),
        ("2026-12-01 15:00+01:00", "2026-12-01 14:00:00"),
    ],
)
def test_a_time_without_an_offset_is_hanois(written: str, utc: str) -> None:
    assert parse_moment(written).astimezone(UTC) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "written", ["", "2026-12-01", "22:00", "2026-12-01 22:00 +07", "2026-13-01 22:00", "0001-01-01 00:00", None, 5]
)
def test_what_is_no_time(written: object) -> None:
    with pytest.raises(ValueError, match="is no time; write for example"):
        parse_moment(written)


def test_an_endpoint_needs_what_its_kind_says_or_itself(tmp_path: Path) -> None:
    head = HEAD.replace("name: Cổng}", "name: Cổng, depends_on: [p, {any_of: [q, hub]}]}")
    path = write(
        tmp_path,
        """
        - {id: a, kind: ward, name: A, code: "1", host: a.vn}
        - {id: b, kind: ward, name: B, code: "2", host: b.vn, endpoints: {portal: {depends_on: [q]}}}
        - {id: c, kind: ward, name: C, code: "3", host: c.vn, endpoints: {portal: {depends_on: []}}}
        - {id: d, kind: ward, name: D, code: "4", host: d.vn, endpoints: {portal: null}}
        - {id: p, kind: hub, name: P, host: p.vn}
        - {id: q, kind: hub, name: Q, host: q.vn, depends_on: [p]}
        """,
        head,
    )

    config = load(path, environ={})

    needs = {endpoint.key: endpoint.depends_on for endpoint in config.endpoints() if endpoint.depends_on}
    assert needs == {
        ("a", "portal"): (Dependency(any_of=("p",)), Dependency(any_of=("q", "hub"))),
        ("b", "portal"): (Dependency(any_of=("q",)),),
    }
    plain = load(write(tmp_path, '- {id: a, kind: ward, name: A, code: "1", host: a.vn}'), environ={})
    fingerprints = {endpoint.key: endpoint.fingerprint for endpoint in config.endpoints()}
    assert all(fingerprints[endpoint.key] == endpoint.fingerprint for endpoint in plain.endpoints()), "health goes on"


def test_an_anchor_is_probed_by_address_and_not_counted(tmp_path: Path) -> None:
    six = "- {id: six, kind: anchor, name: S, host: '::1', endpoints: {link: {target: '[{host}]:22'}}}"
    config = load(write(tmp_path, f"{ANCHORS}{six}", ANCHORED), environ={})

    assert [point.declared for point in config.points if point.kind == "anchor"] == [True, True, True]
    assert not any(point.counted for point in config.points)


def test_a_reload_takes_all_of_this_over() -> None:
    running = Config()
    changed = Config(calendar=Calendar(office_hours="24/7"), flapping=Flapping(enter=9))

    assert within_reach(changed, running=running) == changed
    assert not {"calendar", "maintenance", "alerts", "flapping", "common_fate"} & set(FIXED)


COMPLETE = """
alerts:
  url: https://giamsat.vn
  channels: {inbox: {type: inbox}}
  routes:
    - {name: all, to: inbox}
"""


def test_nothing_to_warn_of(tmp_path: Path) -> None:
    assert warnings(tmp_path, ANCHORS, COMPLETE) == []


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("", "alerts: nobody is told of anything: there is no channel; write one below `channels:`"),
        (
            "alerts: {channels: {inbox: {type: inbox}}}",
            "alerts: nobody is told of anything: there is no route; write one below `routes:`",
        ),
        (
            "alerts: {channels: {inbox: {type: inbox}}, routes: [{name: all, to: inbox}]}",
            'alerts: messages link to nothing; write `url: "https://..."`, the address of the wall',
        ),
    ],
)
def test_nobody_is_told(tmp_path: Path, extra: str, expected: str) -> None:
    assert warnings(tmp_path, ANCHORS, extra) == [expected]


@pytest.mark.parametrize(
    ("anchors", "count"),
    [
        ("", 0),
        ("- {id: one, kind: anchor, name: One, host: 10.0.0.1}", 1),
        (ANCHORS.replace("10.0.0.2", "b.example"), 1),
    ],
)
def test_too_few_anchors(tmp_path: Path, anchors: str, count: int) -> None:
    found = warnings(tmp_path, f"{WARD}\n{anchors}", COMPLETE)

    assert [text.partition(" of the")[0] for text in found] == [f"points: only {count}"]
    assert "; write points of kind anchor with IP addresses" in found[0]


def test_routes_that_are_hardly_meant(tmp_path: Path) -> None:
    extra = (
        COMPLETE
        + """
    - {name: late, to: inbox, match: {kind: ward}}
    - {name: typo, to: inbox, match: {provder: a, endpoint: portal}}
"""
    )
    never = "is never asked, all takes all of its incidents; put it before, or write `continue: true` there"

    assert warnings(tmp_path, f"{WARD}{ANCHORS}", extra) == [
        f"alerts.routes[1]: {never}",
        f"alerts.routes[2]: {never}",
        "alerts.routes[2].match.provder: fits nothing, unknown label 'provder'; did you mean 'provider'?",
    ]


def test_a_warning_has_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, WARD, f"{ANCHORED}{COMPLETE}")

    (problem,) = examine(path, environ={})[1]

    assert path.read_text("utf-8").splitlines()[problem.line - 1] == "points:"


def test_a_file_with_mistakes_gets_no_warnings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        examine(write(tmp_path, WARD, f"{HEAD}vantag: x\n"), environ={})

    assert [type(problem) for problem in caught.value.problems] == [Problem]
