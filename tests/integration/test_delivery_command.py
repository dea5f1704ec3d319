"""``monitor alerts test`` as a shell calls it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.cli import main
from tests.integration.delivery_world import Post

FILE = """
modules:
  tcp: {{prober: tcp}}
kinds:
  hub:
    hours: 24/7
    endpoints: {{link: {{module: tcp, target: "{{host}}:1", link: true}}}}
  ward:
    hours: Mon-Fri 08:00-17:00
    depends_on: [hub]
    endpoints: {{link: {{module: tcp, target: "{{host}}:1", link: true}}}}
areas: [{{id: west, name: Tây, column: 1, row: 1}}]
points:
  - {{id: hub, kind: hub, name: Hub, host: hub.vn}}
  - {{id: a, kind: ward, name: Phường A, host: a.vn, labels: {{provider: VNPT}}}}
  - {{id: b, kind: ward, name: Phường B, host: b.vn, labels: {{provider: VNPT}}}}
alerts:
  channels:
    duty: {{type: webhook, url: "{url}/duty"}}
    boss: {{type: webhook, url: "{url}/boss"}}
  routes:
    - {{name: hubs, match: {{kind: hub}}, to: [boss], continue: true}}
    - {{name: day, when: office_hours, to: [duty], escalate: [{{after: 10m, to: [boss]}}]}}
"""
DAY, NIGHT = "2026-11-16T10:00", "2026-11-16T22:00"


@pytest.fixture
def post() -> Iterator[Post]:
    """A server in a thread of its own: the command runs its own loop."""
    server, ready = Post(), threading.Event()
    loop, ended = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with server.serve():
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    ready.wait()
    yield server
    loop.call_soon_threadsafe(ended.set)
    thread.join()
    loop.close()


@pytest.fixture
def file(post: Post, tmp_path: Path) -> Path:
    path = tmp_path / "endpoints.yaml"
    path.write_text(FILE.format(url=post.url), "utf-8")
    return path


def run(file: Path, *arguments: str) -> int:
    return main(["alerts", "test", "--config", str(file), *arguments])


def test_it_says_who_would_be_told_and_why_and_tells_nobody(
    file: Path, post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(file, "--point", "a", "--at", DAY) == 0
    said = capsys.readouterr().out
    assert "hubs: kind is hub does not hold: kind is ward" in said
    assert "TAKEN  day: it takes everything" in said
    assert "nobody on it after 10 min: tells boss" in said
    assert "Told: duty" in said
    assert "Phường A mất kết nối" in said
    assert "short: Phuong A mat ket noi" in said
    assert post.taken == []


def test_the_hours_of_a_ward_are_kept(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, "--label", "provider=VNPT", "--at", NIGHT) == 1
    said = capsys.readouterr().out
    assert "it is told at 2026-11-17 08:00" in said
    assert "day: it is for office hours only" in said


def test_a_fault_of_the_hub_is_told_at_night(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, "--point", "hub", "--at", NIGHT, "--language", "en") == 0
    said = capsys.readouterr().out
    assert "Told: boss" in said
    assert "3 points" in said


def test_where_prometheus_tells_the_monitor_tells_nobody(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("alerting: prometheus\n" + file.read_text("utf-8"), "utf-8")
    assert run(file, "--point", "hub", "--at", NIGHT) == 1
    said = capsys.readouterr().out
    assert "alerting is prometheus" in said
    assert "Told: nobody by the monitor" in said


def test_a_test_message_is_sent_and_marked(file: Path, post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, "--point", "a", "--at", DAY, "--send") == 0
    assert "sent  duty" in capsys.readouterr().out
    assert [item["labels"]["test"] for taken in post.taken for item in taken.body["items"]] == ["true"]
    [taken] = post.at("duty")
    assert taken.body["kind"] == "test"
    assert "THỬ" in taken.body["title"]


def test_a_route_that_is_named_is_tried_whatever_fits(file: Path, post: Post) -> None:
    assert run(file, "--point", "a", "--at", NIGHT, "--route", "hubs", "--send") == 0
    assert [taken.path for taken in post.taken] == ["boss"]


def test_a_channel_that_fails_is_said(file: Path, post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    post.status["duty"] = 500
    assert run(file, "--at", DAY, "--send") == 1
    assert "FAILED  duty" in capsys.readouterr().out


def test_nobody_to_send_to(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, "--point", "a", "--at", NIGHT, "--send") == 1
    assert "Nothing sent" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--point", "nowhere"), "no point of"),
        (("--area", "west"), "no point of"),
        (("--label", "provider"), "write for example provider=VNPT"),
        (("--fault", "flood:x"), "is no fault"),
        (("--route", "nobody"), "there is hubs, day"),
    ],
)
def test_what_makes_no_sense(
    file: Path, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(file, *arguments) == 2
    assert said in capsys.readouterr().err


def test_a_time_that_is_none(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(file, "--at", "soon")
    assert "write 22:30" in capsys.readouterr().err


def test_a_bad_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "nothing.yaml") == 2
    assert "nothing.yaml" in capsys.readouterr().err
