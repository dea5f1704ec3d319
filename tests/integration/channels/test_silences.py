"""Silences that people make at a real Alertmanager, by amtool, heard by the listener."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from monitor.alerts.listener import Listener
from monitor.channels import find_channels
from monitor.channels.alertmanager import Alertmanager
from monitor.channels.base import Tools
from monitor.config.model import Alerts, ChannelSettings, Config, Point
from monitor.incidents.fold import apply
from monitor.incidents.model import Affected, Delivery, Incident, IncidentEvent, Message, Severity
from monitor.model import Fault, FaultKind, Reason, Status
from tests.contract.channel_peers import web_peer
from tests.integration.stack.processes import alertmanager, amtool, free_port, until

AM: Mapping[str, Any] = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
WARDS = tuple(
    Point(id=name, name=name, kind="ward", area="ba-vi", endpoints=(), labels={"tuyến": "quang", "provider": "VNPT"})
    for name in ("minh-chau", "ba-vi")
)


def channel(name: str, *urls: str, **options: Any) -> ChannelSettings:
    made = Alertmanager.options.model_validate({"urls": urls, **options})
    return ChannelSettings(name=name, kind="alertmanager", options=made)


@dataclass
class Ear:
    """A listener over two open incidents, which learn what it records."""

    tools: Tools
    channels: tuple[ChannelSettings, ...]
    incidents: dict[str, Incident] = field(default_factory=dict)
    events: list[IncidentEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        opened = datetime.now(UTC) - timedelta(minutes=1)
        for number, point in enumerate(WARDS, 1):
            self.incidents[point.id] = Incident(
                uid=point.id, number=number, fault=Fault(FaultKind.POINT, point.id), severity=Severity.CRITICAL,
                began=opened, opened=opened,
                affected={
                    point.id: Affected(point=point.id, since=opened, status=Status.DOWN, reason=Reason.TIMEOUT)
                },
            )  # fmt: skip
        numbers = count()
        self.listener = Listener(
            self.config, incidents=lambda: list(self.incidents.values()), record=self.record, tools=self.tools,
            clock=lambda: datetime.now(UTC), make_id=lambda: str(next(numbers)),
        )  # fmt: skip

    def config(self) -> Config:
        return Config(alerts=Alerts(channels={each.name: each for each in self.channels}), points=WARDS)

    def record(
        self,
        *,
        events: Sequence[IncidentEvent] = (),
        messages: Sequence[Message] = (),
        deliveries: Sequence[Delivery] = (),
    ) -> None:
        assert not messages
        assert not deliveries
        for event in events:
            self.incidents[event.incident] = apply(self.incidents[event.incident], event)
        self.events += events

    async def hear(self, wanted: int) -> list[IncidentEvent]:
        """Listen until so many events are there; all of them."""

        async def enough() -> bool:
            await self.listener.listen()
            return len(self.events) >= wanted

        await until(enough, f"{wanted} events")
        await self.listener.listen()
        assert len(self.events) == wanted, "and no more"
        return self.events


@pytest.fixture
async def tools() -> AsyncIterator[Tools]:
    async with aiohttp.ClientSession() as session:
        yield Tools(session=session)


@asynccontextmanager
async def hearing(tools: Tools, folder: Path, **options: Any) -> AsyncIterator[tuple[Ear, str]]:
    async with alertmanager(folder, AM, port=free_port()) as url:
        yield Ear(tools, (channel("am", url, **options),)), url


async def silence(url: str, *matchers: str, duration: str = "1h", comment: str = "thay cáp") -> str:
    """Its id."""
    words = ["--author=Hà", f"--duration={duration}", f"--comment={comment}"]
    return await amtool("--alertmanager.url", url, "silence", "add", *words, *matchers)


async def test_a_silence_and_its_early_end(tools: Tools, tmp_path: Path) -> None:
    async with hearing(tools, tmp_path) as (ear, url):
        await ear.listener.listen()
        assert ear.events == []
        before = datetime.now(UTC) - timedelta(seconds=1)
        name = await silence(url, "point=minh-chau", "severity=~crit.*|warning", "kind!=hub", "area!~hoan.*", "none=")
        (begun,) = await ear.hear(1)
        assert (begun.incident, begun.actor, begun.text) == ("minh-chau", "Hà", "thay cáp")
        assert (begun.data["channel"], begun.data["silence"]) == ("am", name)
        assert before + timedelta(hours=1) <= datetime.fromisoformat(begun.data["until"])
        assert before <= begun.at <= datetime.now(UTC)
        await amtool("--alertmanager.url", url, "silence", "expire", name)
        _, ended = await ear.hear(2)
        assert (ended.incident, ended.data["why"], ended.data["silence"]) == ("minh-chau", "lifted", name)
        assert begun.at <= ended.at <= datetime.now(UTC)


async def test_it_runs_out_by_itself(tools: Tools, tmp_path: Path) -> None:
    async with hearing(tools, tmp_path) as (ear, url):
        await silence(url, "alertname=PointTroubled", duration="2s")
        begun = await ear.hear(2)
        assert {each.incident for each in begun} == {"minh-chau", "ba-vi"}, "it holds for both"
        assert all("ended" not in each.data for each in begun)
        ended = (await ear.hear(4))[2:]
        assert [each.data["why"] for each in ended] == ["expired", "expired"]
        assert {each.at.isoformat() for each in ended} == {ended[0].data["until"]}


async def test_what_does_not_fit_is_nobodys(tools: Tools, tmp_path: Path) -> None:
    async with hearing(tools, tmp_path) as (ear, url):
        for matchers in (["point=minh"], ["point=~minh"], ["point!~.*"], ["point=minh-chau", "area=x"]):
            await silence(url, *matchers)
        await silence(url, "tuy_n=quang", "incident=2")
        (only,) = await ear.hear(1)
        assert only.incident == "ba-vi", "labels are those that the alert has there"


async def test_a_silence_of_what_prometheus_own_rules_raised(tools: Tools, tmp_path: Path) -> None:
    """Made as the page of Alertmanager does it: with every label of the alert, some of which aren't ours."""
    labels = {"alertname": "PointDown", "point": "ba-vi", "status": "down", "fault": "point", "severity": "critical"}
    async with hearing(tools, tmp_path) as (ear, url):
        async with tools.session.post(f"{url}/api/v2/alerts", json=[{"labels": labels}]) as answer:
            assert answer.status == 200
        name = await silence(url, *(f"{label}={value}" for label, value in labels.items()))
        (begun,) = await ear.hear(1)
        assert (begun.incident, begun.data["silence"]) == ("ba-vi", name)
        await amtool("--alertmanager.url", url, "silence", "expire", name)
        assert (await ear.hear(2))[1].data["why"] == "lifted"


async def test_an_alertmanager_that_comes_back_says_nothing_new(
    tools: Tools, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    async with alertmanager(tmp_path, AM, port=port) as url:
        ear = Ear(tools, (channel("am", url),))
        name = await silence(url, "point=minh-chau")
        await ear.hear(1)
    with caplog.at_level(logging.INFO, logger="monitor.alerts.listener"):
        for _ in range(3):
            await ear.listener.listen()
        assert len(ear.events) == 1
        async with alertmanager(tmp_path, AM, port=port) as url:
            await ear.hear(1)
            await amtool("--alertmanager.url", url, "silence", "expire", name)
            await ear.hear(2)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2, "once when it begins, once when it ends"
    assert said[0].startswith(f"am: its silences cannot be read: 127.0.0.1:{port}: ")
    assert said[1] == "am: its silences can be read again"


async def test_two_that_are_no_cluster(tools: Tools, tmp_path: Path) -> None:
    async with (
        hearing(tools, tmp_path / "a") as (ear, first),
        alertmanager(tmp_path / "b", AM, port=free_port()) as url,
    ):
        gone = f"http://127.0.0.1:{free_port()}"
        ear.channels = (channel("am", first, url), channel("spare", gone))
        name = await silence(url, "point=minh-chau")
        await ear.hear(1)
        ear.channels = (channel("am", first, gone),)
        await ear.hear(1)
        ear.channels = (channel("am", first),)
        _, ended = await ear.hear(2)
        assert (ended.data["silence"], ended.data["why"]) == (name, "lifted")


@pytest.mark.parametrize(
    ("peer", "said"),
    [
        ({"status": 401}, "answered 401"),
        ({"status": 200, "body": b"<html>"}, "answered what are no silences"),
        ({"status": 200, "body": b"[" + b" " * 9_000_000 + b"]"}, "more silences than are read"),
        ({"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}, "answered 302"),
    ],
)
async def test_what_is_no_answer_is_said_once(
    tools: Tools, caplog: pytest.LogCaptureFixture, peer: dict[str, Any], said: str
) -> None:
    async with web_peer(**peer) as strange:
        ear = Ear(tools, (channel("am", f"http://127.0.0.1:{strange.port}/prefix/", bearer_token="t0ken"),))
        for _ in range(2):
            await ear.listener.listen()
        assert [path for path, _, _ in strange.requests] == ["/prefix/api/v2/silences"] * 2
        assert strange.requests[0][1]["Authorization"] == "Bearer t0ken"
    (record,) = caplog.records
    assert said in record.getMessage()
    assert "t0ken" not in record.getMessage()


def test_whose_silences_are_asked_for() -> None:
    assert [name for name, kind in find_channels().items() if hasattr(kind, "silences")] == ["alertmanager"]
