"""The demo's story: what happens, in which order, and that everything is mended before the next round."""

from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest

from monitor.config import load
from monitor.config.model import Config
from monitor.field.hosts import Conduct, asked_host
from monitor.field.story import Scene, chapters

INVENTORY = Path(__file__).parents[2] / "config" / "endpoints.yaml"
ROUNDS = 40


@pytest.fixture(scope="module")
def config() -> Config:
    return load(INVENTORY, placeholders=True)


@pytest.fixture(scope="module")
def rounds(config: Config) -> list[list[Scene]]:
    return [list(scenes) for scenes in islice(chapters(config), ROUNDS)]


def test_a_ward_is_cut_off_one_is_slow_an_area_is_cut_off_and_each_comes_back(rounds: list[list[Scene]]) -> None:
    for scenes in rounds:
        assert [scene.state.conduct for scene in scenes] == [
            Conduct.HANG, Conduct.NORMAL, Conduct.SLOW, Conduct.NORMAL, Conduct.HANG, Conduct.NORMAL,
        ]  # fmt: skip
        for struck, mended in zip(scenes[::2], scenes[1::2], strict=True):
            assert struck.hosts == mended.hosts


def test_two_calm_minutes_come_before_each_round(rounds: list[list[Scene]]) -> None:
    assert {scenes[0].after for scenes in rounds} == {timedelta(minutes=2)}


def test_slow_is_beyond_the_budget_and_within_the_timeout(config: Config, rounds: list[list[Scene]]) -> None:
    delay = timedelta(seconds=rounds[0][2].state.delay_seconds)
    for endpoint in config.endpoints():
        if endpoint.module.prober == "http":
            assert endpoint.module.budgets.latency is not None
            assert endpoint.module.budgets.latency < delay < endpoint.timeout


def test_a_whole_area_is_struck_and_every_area_in_its_turn(config: Config, rounds: list[list[Scene]]) -> None:
    wards: dict[str, set[str]] = {area.id: set() for area in config.areas}
    for point in config.points:
        if point.kind == "ward":
            wards[point.area].add(asked_host(point.endpoints[0]))
    struck = [set(scenes[4].hosts) for scenes in rounds]
    assert all(hosts in wards.values() for hosts in struck)
    assert all(hosts in struck for hosts in wards.values())


def test_a_round_strikes_other_wards_than_the_one_before(rounds: list[list[Scene]]) -> None:
    struck = [scene.hosts for scenes in rounds for scene in scenes[:4:2]]
    assert all(len(hosts) == 1 for hosts in struck)
    assert len(set(struck)) > ROUNDS


def test_without_wards_there_is_no_story(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("modules: {t: {prober: tcp}}\n")
    assert list(chapters(load(tmp_path / "empty.yaml"))) == []
