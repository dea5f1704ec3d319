"""What a new user tries first: an outage and its end, kill -9 in the middle of it, a reload, many faults at once."""

import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import Program, eventually, running

WARD = "phuong-cua-nam"
INTERVAL = timedelta(seconds=5)
HOST = f"{WARD}.ward.lienthong.example"


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with running(tmp_path) as program:
        yield program


def all_up(program: Program) -> bool:
    verdict = program.verdict()
    return bool(verdict["total"] == 156 and verdict["stable"] + verdict["fresh"] == 156 and not verdict["troubled"])


def transitions(program: Program) -> list[Any]:
    page = program.get(f"/api/v1/transitions?point={WARD}&limit=200")
    return [each for each in page["transitions"] if not each["endpoint"]]


def test_an_outage_outlives_kill_9_and_its_end_is_told(program: Program) -> None:
    eventually(lambda: all_up(program), "156 points up", program=program)
    assert "SIMULATED" in program.said
    assert "monitor run" in program.said

    program.order(HOST, conduct="hang")
    eventually(lambda: program.point(WARD)["status"] == "down", "the ward is down", program=program)
    down = program.point(WARD)
    assert (down["reason"], down["failed_phase"], down["culprit"]) == ("timeout", "connect", "link")
    assert program.verdict()["troubled"] == [WARD]

    program.end(signal.SIGKILL)
    program.start()
    eventually(lambda: all_up(program), "156 points up again", program=program)
    eventually(lambda: transitions(program)[0]["status"] == "up", "the recovery is recorded", program=program)

    outage = next(each for each in transitions(program) if each["status"] == "down")
    assert outage["at"] == down["since"], "what was visible before is still there"
    later = [each for each in transitions(program) if each["recorded_at"] > outage["recorded_at"]]
    assert any(each["not_before"] for each in later), f"it ended while nobody looked: {later}"
    hour = program.get(f"/api/v1/points/{WARD}/uptime")["subjects"][0]["windows"][0]
    assert hour["by_status_seconds"]["unobserved"] > 0
    assert hour["by_status_seconds"]["down"] > 0
    assert hour["connectivity_ratio"] < 1

    assert program.end(signal.SIGINT) == 0
    assert program.log().splitlines()[-1].endswith(": stopping")
    assert "Traceback" not in program.log()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_amid_the_start_says_nothing_but_that_it_stops(program: Program, number: signal.Signals) -> None:
    assert program.end(number) == 0
    assert program.log().splitlines()[-1].endswith(": stopping")
    assert "Traceback" not in program.log()


def test_the_program_beats_so_that_a_page_knows_that_it_lives(program: Program) -> None:
    with urllib.request.urlopen(program.url + "/api/v1/stream", timeout=20) as stream:
        events = (line.decode().strip() for line in stream)
        assert [next(line for line in events if line == "event: beat") for _ in range(2)]


def test_metrics_have_no_fault_that_promtool_knows(program: Program) -> None:
    eventually(lambda: all_up(program), "156 points up", program=program)
    text = program.text("/metrics")
    judged = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, "", "")
    assert program.metric(r'lienthong_points\{status="(?:fresh|stable)"\}') == 156


def test_a_reload_by_signal_and_by_request(program: Program) -> None:
    eventually(lambda: all_up(program), "156 points up", program=program)
    since = program.point(WARD)["since"]
    good = program.config.read_text()
    program.config.write_text(
        good.replace("name: Phường Cửa Nam", "name: Phường Cửa Nam mới").replace("- hub\n", "- hbu\n", 1)
    )
    status, said = program.post("/-/reload")
    assert status == 500
    assert "endpoints.yaml:" in said
    assert program.point(WARD)["name"] == "Phường Cửa Nam"
    assert program.metric("lienthong_config_last_reload_successful") == 0

    program.config.write_text(good.replace("name: Phường Cửa Nam", "name: Phường Cửa Nam mới"))
    program.signal(signal.SIGHUP)
    eventually(lambda: program.point(WARD)["name"] == "Phường Cửa Nam mới", "the new name", program=program)
    assert program.point(WARD)["since"] == since
    assert program.post("/-/reload") == (200, "")
    assert program.metric("lienthong_config_last_reload_successful") == 1


def test_forty_cut_off_and_forty_without_a_name_leave_the_others_alone(program: Program) -> None:
    eventually(lambda: all_up(program), "156 points up", program=program)
    wards = [point["id"] for point in program.get("/api/v1/points?kind=ward")["points"]]
    cut, nameless, well = wards[:40], wards[40:80], wards[80:]
    program.order(*(f"{ward}.ward.lienthong.example" for ward in cut), conduct="hang")
    program.order(*(f"{ward}.ward.lienthong.example" for ward in nameless), conduct="nameless")

    def told() -> bool:
        counts = program.verdict()["counts"]
        return bool(counts["down"] == 80 and counts["stable"] + counts["fresh"] == 76)

    eventually(told, "80 points are down", program=program)
    points = {point["id"]: point for point in program.get("/api/v1/points")["points"]}
    assert {points[ward]["reason"] for ward in cut} == {"timeout"}
    assert {points[ward]["reason"] for ward in nameless} == {"dns"}
    assert {points[ward]["status"] for ward in well} == {"up"}
    for ward in well:
        results = program.get(f"/api/v1/points/{ward}/results?endpoint=link")["results"]
        begun = [datetime.fromisoformat(each["begun"]) for each in results]
        # Some are asked between their turns too: whether they fail as their neighbours do.
        turns = [round((later - earlier) / INTERVAL) for earlier, later in pairwise(begun)]
        assert max(turns) <= 1, f"{ward} missed its turn: {begun}"
    assert program.metric(r'lienthong_results_total\{.*reason="resolver".*\}') == 0


def test_two_at_once_say_what_is_in_the_way(program: Program) -> None:
    words = [
        sys.executable,
        "-m",
        "monitor",
        "demo",
        "--config",
        str(program.config),
        "--data",
        str(program.folder / "other"),
    ]
    second = subprocess.run(
        [*words, "--subnet", "127.99.0.0/16", "--listen", program.url.removeprefix("http://")],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert second.returncode == 1
    assert "cannot listen on" in second.stderr
    assert "Traceback" not in second.stderr
