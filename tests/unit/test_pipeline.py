import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from monitor.board import Applied
from monitor.incidents.model import Decision, Entry
from monitor.model import EndpointKey, Reason, Result, Row, Status, Transition
from monitor.pipeline import Pipeline
from tests.quiet import NoIncidents, NoMessages

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def result(name: str, reason: Reason = Reason.OK) -> Result:
    return Result(key=EndpointKey(name, "link"), vantage="local", begun=NOW, latency_seconds=0.01, reason=reason)


def transition(name: str) -> Transition:
    return Transition(key=EndpointKey(name, "link"), at=NOW, recorded_at=NOW, status=Status.DOWN, previous=Status.UP)


@dataclass
class House:
    """A board, a store and an observer that note what happens to them, in order."""

    events: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    answers: list[bool | Exception] = field(default_factory=list)
    broken: bool = False

    def pipeline(self) -> Pipeline:
        return Pipeline(
            board=self,
            register=NoIncidents(),
            herald=NoMessages(),
            results=self,
            journal=self,
            clock=lambda: NOW,
            observers=[self],
        )

    def apply(self, result: Result) -> Applied:
        self.events.append(f"apply {result.key.point}")
        down = result.reason is not Reason.OK
        return Applied(rows=(transition(result.key.point),) if down else (), suspect=down)

    def age(self, now: datetime) -> Sequence[Transition]:
        return [transition("old")] if now > NOW else []

    def show(self, rows: Sequence[Row]) -> None:
        self.events.append("show " + names(rows))

    def add(self, result: Result) -> None:
        self.events.append(f"add {result.key.point}")

    async def write(self, entries: Sequence[Entry]) -> bool:
        self.events.append("write " + names(entries))
        await self.gate.wait()
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, Exception):
            raise answer
        return answer

    def on_result(self, result: Result) -> None:
        self.events.append(f"result {result.key.point}")
        if self.broken:
            raise ZeroDivisionError("a bug in an observer")

    def on_decision(self, decision: Decision) -> None:
        self.events.append("tell " + names(decision.rows))
        if self.broken:
            raise ZeroDivisionError("a bug in an observer")


def names(entries: Sequence[Entry]) -> str:
    return " ".join(entry.key.point for entry in entries if isinstance(entry, Transition))


async def turn(times: int = 5) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


async def test_a_result_is_taken_in_at_once() -> None:
    house = House()
    applied = house.pipeline().accept(result("a"))
    assert house.events == ["apply a", "add a", "result a"]
    assert not applied.suspect


async def test_a_transition_is_durable_before_it_is_shown_and_shown_before_it_is_told() -> None:
    house = House()
    pipeline = house.pipeline()
    async with asyncio.TaskGroup() as group:
        group.create_task(pipeline.run())
        assert pipeline.accept(result("a", Reason.TIMEOUT)).suspect
        await turn()
        assert house.events == ["apply a", "add a", "result a", "write a"]
        assert pipeline.pending == 1
        pipeline.accept(result("b", Reason.TIMEOUT))
        pipeline.accept(result("c", Reason.TIMEOUT))
        await turn()
        house.gate.set()
        pipeline.close()
    assert house.events[7:] == ["apply c", "add c", "result c", "show a", "tell a", "write b c", "show b c", "tell b c"]
    assert pipeline.pending == 0
    assert not pipeline.unwritten


async def test_what_cannot_be_written_is_shown_all_the_same_and_said() -> None:
    house = House(answers=[False, OSError("a bug in the journal")])
    house.gate.set()
    pipeline = house.pipeline()
    async with asyncio.TaskGroup() as group:
        group.create_task(pipeline.run())
        for name, unwritten in (("a", True), ("b", True), ("c", False)):
            pipeline.accept(result(name, Reason.TIMEOUT))
            await turn()
            assert house.events[-3:] == [f"write {name}", f"show {name}", f"tell {name}"]
            assert pipeline.unwritten is unwritten
        pipeline.close()


async def test_staleness_walks_the_same_path() -> None:
    house = House()
    house.gate.set()
    pipeline = house.pipeline()
    async with asyncio.TaskGroup() as group:
        group.create_task(pipeline.run())
        pipeline.age(NOW)
        await turn()
        assert house.events == []
        pipeline.age(NOW.replace(hour=4))
        pipeline.close()
    assert house.events == ["write old", "show old", "tell old"]


async def test_an_observer_that_fails_is_logged_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    house = House(broken=True)
    house.gate.set()
    pipeline = house.pipeline()
    async with asyncio.TaskGroup() as group:
        group.create_task(pipeline.run())
        pipeline.accept(result("a", Reason.TIMEOUT))
        pipeline.accept(result("b"))
        pipeline.close()
    assert house.events[-1] == "tell a"
    assert caplog.text.count("ZeroDivisionError: a bug in an observer") == 3


async def test_closing_shows_what_was_decided_before_the_loop_began() -> None:
    house = House()
    house.gate.set()
    pipeline = house.pipeline()
    pipeline.accept(result("a", Reason.TIMEOUT))
    pipeline.close()
    await pipeline.run()
    assert house.events[-1] == "tell a"
