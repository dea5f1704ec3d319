"""The demo's story: what happens, in which order, and that everything is mended before the next round."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from pathlib import Path

import pytest

from monitor.calendar.hours import is_open
from monitor.calendar.windows import covers, in_force, validate
from monitor.cli.demo import Field, linked, on_field, upkeep_windows
from monitor.config import load
from monitor.config.model import Config
from monitor.field.hosts import Conduct, asked_host
from monitor.field.story import ROUND, Scene, chapters, upkeep

INVENTORY = Path(__file__).parents[2] / "config" / "endpoints.yaml"
ROUNDS = 40
BEGUN = datetime(2026, 11, 23, 3, 14, 26, tzinfo=UTC)
SINGLE, AREA, FLAPS, SPARE, WORK, HUB = (
    slice(0, 4),
    slice(4, 6),
    slice(6, 12),
    slice(12, 14),
    slice(14, 16),
    slice(16, 18),
)


@pytest.fixture(scope="module")
def config() -> Config:
    return load(INVENTORY, placeholders=True)


@pytest.fixture(scope="module")
def shown(config: Config) -> Config:
    """The configuration as the demo runs it."""
    field = Field(servers=(("127.0.0.1", 53),), ca_file=Path("ca.pem"), control="")
    return on_field(config, field, Path("demo"), story_begun=BEGUN)


@pytest.fixture(scope="module")
def rounds(config: Config) -> list[list[Scene]]:
    return [list(scenes) for scenes in islice(chapters(config), ROUNDS)]


def hosts(config: Config, *kinds: str, area: str = "") -> set[str]:
    return {
        asked_host(point.endpoints[0])
        for point in config.points
        if point.kind in kinds and (not area or point.area == area)
    }


def test_whatever_is_struck_is_mended_before_something_else_is(rounds: list[list[Scene]]) -> None:
    for scenes in rounds:
        assert [scene.state.conduct for scene in scenes[1::2]] == [Conduct.NORMAL] * 9
        for struck, mended in zip(scenes[::2], scenes[1::2], strict=True):
            assert struck.hosts == mended.hosts
        assert [scene.state.conduct for scene in scenes[::2]] == [
            Conduct.HANG, Conduct.SLOW, Conduct.HANG, *[Conduct.REFUSE] * 3, Conduct.HANG, Conduct.HANG, Conduct.HANG,
        ]  # fmt: skip


def test_two_calm_minutes_come_before_each_round_of_a_quarter_of_an_hour(rounds: list[list[Scene]]) -> None:
    assert {scenes[0].after for scenes in rounds} == {timedelta(minutes=2)}
    assert {sum((scene.after for scene in scenes), timedelta()) for scenes in rounds} == {ROUND}


def test_slow_is_beyond_the_budget_and_within_the_timeout(config: Config, rounds: list[list[Scene]]) -> None:
    delay = timedelta(seconds=rounds[0][2].state.delay_seconds)
    for endpoint in config.endpoints():
        if endpoint.module.prober == "http":
            assert endpoint.module.budgets.latency is not None
            assert endpoint.module.budgets.latency < delay < endpoint.timeout


def test_a_whole_area_is_struck_and_every_area_in_its_turn(config: Config, rounds: list[list[Scene]]) -> None:
    members = [hosts(config, "ward", "branch", area=area.id) for area in config.areas]
    struck = [set(scenes[AREA][0].hosts) for scenes in rounds]
    assert all(one in members for one in struck)
    assert all(one in struck for one in members)
    assert min(len(one) for one in members) >= 3, "so few that no common cause could be found"


def test_one_ward_flaps_often_enough_to_be_told_so_and_is_steady_before_more_happens(
    rounds: list[list[Scene]], shown: Config
) -> None:
    for scenes in rounds:
        assert len({scene.hosts for scene in scenes[FLAPS]}) == 1
        assert len(scenes[FLAPS]) > shown.flapping.enter
        last_but_one, then = scenes[FLAPS][-1].after, scenes[SPARE][0].after
        assert last_but_one + then > shown.flapping.window


def test_nobody_else_s_faults_look_like_flapping(rounds: list[list[Scene]], shown: Config) -> None:
    rule = shown.flapping
    for turn in range(3):
        changes: dict[str, list[timedelta]] = {}
        now = timedelta()
        for scene in (*rounds[turn], *rounds[turn + 1]):
            now += scene.after
            for host in scene.hosts if scene.state.conduct is not Conduct.SLOW else ():
                changes.setdefault(host, []).append(now)
        flapping = {rounds[turn][FLAPS][0].hosts[0], rounds[turn + 1][FLAPS][0].hosts[0]}
        for host, times in changes.items():
            spans = [last - first for first, last in zip(times, times[rule.enter - 1 :], strict=False)]
            flaps = any(span <= rule.window for span in spans)
            assert flaps == (host in flapping), host


def test_the_spare_circuit_alone_is_lost(rounds: list[list[Scene]]) -> None:
    assert {scenes[SPARE][0].hosts for scenes in rounds} == {("circuit-2.lienthong.example",)}


def test_behind_the_hub_nothing_answers_but_what_is_on_our_side(config: Config, rounds: list[list[Scene]]) -> None:
    cut = set(rounds[0][HUB][0].hosts)
    assert cut == hosts(config, "hub", "circuit", "ward", "branch")
    assert not cut & hosts(config, "anchor", "service")


def test_the_planned_work_lies_within_its_window_with_time_to_notice_its_end(
    config: Config, rounds: list[list[Scene]]
) -> None:
    planned = upkeep(config)
    assert planned is not None
    windows = upkeep_windows(config, BEGUN)
    assert [validate(window) for window in windows] == [[]] * 4
    assert all(covers(window, planned.point) for window in windows)
    scenes = rounds[0]
    at = list(accumulate(scene.after for scene in scenes))
    assert scenes[WORK][0].hosts == (asked_host(planned.point.endpoints[0]),)
    for turn in range(9):
        begin = BEGUN + turn * ROUND
        seen = [any(in_force(window, begin + each) for window in windows) for each in at]
        assert [number for number, each in enumerate(seen) if each] == [14, 15]
        noticed = begin + at[15] + timedelta(seconds=30)
        assert any(in_force(window, noticed) for window in windows)


def test_a_round_strikes_other_wards_than_the_one_before(rounds: list[list[Scene]]) -> None:
    struck = [scene.hosts for scenes in rounds for scene in scenes[SINGLE][::2]]
    assert all(len(hosts) == 1 for hosts in struck)
    assert len(set(struck)) > ROUNDS


def test_without_wards_there_is_no_story(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("modules: {t: {prober: tcp}}\n")
    empty = load(tmp_path / "empty.yaml")
    assert list(chapters(empty)) == []
    assert upkeep_windows(empty, BEGUN) == ()


def test_nobody_closes_for_the_night_so_that_everything_is_told(config: Config, shown: Config) -> None:
    assert any(point.hours not in ("", "24/7") for point in config.points), "in the file they do"
    night = datetime(2026, 11, 23, 19, tzinfo=UTC)
    assert all(is_open(point.hours, night, shown.calendar) for point in shown.points)


@pytest.mark.parametrize(("port", "url"), [(8123, "http://127.0.0.1:8123"), (0, "http://wall")])
def test_messages_link_to_the_wall_that_is_watched(config: Config, port: int, url: str) -> None:
    alerts = replace(config.alerts, url="http://wall")
    listening = replace(config, alerts=alerts, server=replace(config.server, host="127.0.0.1", port=port))
    assert linked(listening).alerts.url == url
