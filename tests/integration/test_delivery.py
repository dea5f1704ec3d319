"""The delivery loop: arrives, again, elsewhere, together, late; and what shows that the program is alive."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.channels import find_channels
from monitor.config.model import ChannelSettings, Escalation, Route
from monitor.incidents.model import EventKind
from tests.integration.delivery_world import Life, Post, channel, config, living, stepping, until

DELIVERED, FAILED, GIVEN_UP, DROPPED = ["delivered"], "failed", "given_up", ["dropped"]


async def test_a_fault_and_its_end_arrive_once_each(tmp_path: Path) -> None:
    async with Post().serve() as post, living(config([channel("duty", post.url)]), tmp_path) as life:
        life.tell(*life.opened(1))
        await life.quiet()
        life.tell(*life.closed(1))
        await life.quiet()
        assert post.said("duty") == [[(1, "opened")], [(1, "recovered")]]
        assert await life.outcomes() == [("opened", "duty", DELIVERED), ("recovered", "duty", DELIVERED)]
        [opened, _] = await life.letters()
        assert opened.deliveries[0].title == post.at("duty")[0].body["title"]
        assert opened.deliveries[0].text == post.at("duty")[0].body["text"]
        incident = life.incidents.get("i1")
        assert incident is not None
        assert incident.told == {"duty"}
        assert life.dispatcher.state.counts.delivered == {"duty": 2}


async def test_a_channel_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    async with Post().serve() as post:
        post.status["mail"] = 0
        setup = config([channel("mail", post.url), channel("duty", post.url)])
        async with living(setup, tmp_path) as life:
            life.tell(*life.opened(1))
            await until(lambda: bool(post.at("duty")))
            await until(lambda: life.dispatcher.state.counts.failed["mail"] >= 2)
            assert life.dispatcher.state.pending == {"mail": 1, "duty": 0}
            post.status["mail"] = 200
            await life.quiet()
            assert len({taken.id for taken in post.taken if taken.path == "mail"}) == 1
            [mail, _] = await life.outcomes()
            assert mail[2][-1] == "delivered"
            assert set(mail[2][:-1]) == {FAILED}
            details = {made.detail for made in (await life.letters())[0].deliveries[:-1]}
            assert details == {"no answer within 0.3 s"}


async def test_a_channel_that_needs_longer_has_it(tmp_path: Path) -> None:
    script = tmp_path / "modem"
    script.write_text(f"#!/bin/sh\nsleep 0.8\necho said >> {tmp_path}/said\n")
    script.chmod(0o755)
    kind = find_channels()["command"]
    options = kind.options.model_validate({"argv": [str(script)], "timeout": "60s"})
    setup = config([ChannelSettings(name="sms", kind="command", options=options)])
    async with living(setup, tmp_path) as life:
        life.tell(*life.opened(1))
        await life.quiet()
        assert await life.outcomes() == [("opened", "sms", DELIVERED)]
    assert (tmp_path / "said").read_text() == "said\n"


async def test_what_comes_late_says_so(tmp_path: Path) -> None:
    async with Post().serve() as post:
        post.status["duty"] = 503
        async with living(config([channel("duty", post.url)]), tmp_path) as life:
            life.tell(*life.opened(1))
            await until(lambda: life.dispatcher.state.counts.failed["duty"] >= 1)
            life.ahead = timedelta(minutes=12, seconds=5)
            assert life.dispatcher.state.oldest_seconds["duty"] >= 720
            life.tell(*life.closed(1))
            post.status["duty"] = 200
            await life.quiet()
            assert "gửi muộn 12 phút" in post.at("duty")[0].body["text"]
            assert post.at("duty")[0].body["items"][0]["data"]["late_seconds"] >= 720
            assert post.said("duty") == [[(1, "opened")], [(1, "recovered")]]
            assert "muộn" not in post.at("duty")[1].body["text"]


async def test_what_is_given_up_goes_to_the_last_resort_with_its_end(tmp_path: Path) -> None:
    async with Post().serve() as post:
        post.status["duty"] = 503
        channels = [channel("duty", post.url, give_up_after=timedelta(hours=1)), channel("last", post.url)]
        route = Route(name="all", channels=("duty",), group_wait=timedelta(0))
        async with living(config(channels, route, last_resort="last"), tmp_path) as life:
            life.tell(*life.opened(1))
            await until(lambda: life.dispatcher.state.counts.failed["duty"] >= 1)
            life.ahead = timedelta(hours=1)
            await life.quiet()
            assert post.said("last") == [[(1, "opened")]]
            life.tell(*life.closed(1))
            await life.quiet()
            assert post.said("last") == [[(1, "opened")], [(1, "recovered")]]
            assert [line for line in await life.outcomes() if line[1] == "last"] == [
                ("opened", "last", DELIVERED),
                ("recovered", "last", DELIVERED),
            ]
            assert life.dispatcher.state.counts.given_up["duty"] == 2


async def test_a_final_refusal_goes_to_the_last_resort_at_once(tmp_path: Path) -> None:
    async with Post().serve() as post:
        post.status["duty"] = 404
        channels = [channel("duty", post.url), channel("last", post.url)]
        route = Route(name="all", channels=("duty",), group_wait=timedelta(0))
        async with living(config(channels, route, last_resort="last"), tmp_path) as life:
            life.tell(*life.opened(1))
            await life.quiet()
            assert post.said("last") == [[(1, "opened")]]
            assert await life.outcomes() == [("opened", "duty", [GIVEN_UP]), ("opened", "last", DELIVERED)]


async def test_the_last_resort_that_is_told_anyhow_is_told_once(tmp_path: Path) -> None:
    async with Post().serve() as post:
        post.status["duty"] = 404
        setup = config([channel("duty", post.url), channel("last", post.url)], last_resort="last")
        async with living(setup, tmp_path) as life:
            life.tell(*life.opened(1))
            await life.quiet()
            life.tell(*life.closed(1))
            await life.quiet()
            assert post.said("last") == [[(1, "opened")], [(1, "recovered")]]


async def test_without_a_last_resort_it_is_given_up_for_good(tmp_path: Path) -> None:
    async with Post().serve() as post:
        post.status["duty"] = 404
        async with living(config([channel("duty", post.url)]), tmp_path) as life:
            life.tell(*life.opened(1))
            await life.quiet()
            assert await life.outcomes() == [("opened", "duty", [GIVEN_UP])]


async def test_those_due_together_are_one_digest(tmp_path: Path) -> None:
    async with Post().serve() as post, living(config([channel("duty", post.url)]), tmp_path) as life:
        life.tell(*life.opened(1, "a"), *life.opened(2, "b"))
        await life.quiet()
        [digest] = post.at("duty")
        assert digest.body["kind"] == "digest"
        assert sorted(digest.kinds) == [(1, "opened"), (2, "opened")]
        assert digest.id not in {letter.message.id for letter in await life.letters()}


async def test_a_rate_is_kept(tmp_path: Path) -> None:
    async with Post().serve() as post:
        slow = channel("duty", post.url, rate=1, rate_per=timedelta(hours=1))
        async with living(config([slow]), tmp_path) as life:
            life.tell(*life.opened(1, "a"))
            await until(lambda: bool(post.at("duty")))
            life.tell(*life.opened(2, "b"))
            await life.pipeline.settled()
            life.tell(*life.opened(3, "c"))
            await life.pipeline.settled()
            assert life.dispatcher.state.pending == {"duty": 2}
            life.ahead = timedelta(hours=1)
            life.tell(life.event("i1", EventKind.NOTED))
            await life.quiet()
            assert [len(kinds) for kinds in post.said("duty")] == [1, 2]


async def test_what_was_pending_at_the_end_arrives_in_the_next_life(tmp_path: Path) -> None:
    async with Post().serve() as post:
        post.status["duty"] = 503
        setup = config([channel("duty", post.url)])
        async with living(setup, tmp_path) as life:
            life.tell(*life.opened(1))
            await until(lambda: life.dispatcher.state.counts.failed["duty"] >= 1)
            await life.pipeline.settled()
        post.status["duty"] = 200
        async with living(setup, tmp_path) as life:
            await life.quiet()
            life.tell(*life.closed(1))
            await life.quiet()
            assert post.said("duty") == [[(1, "opened")], [(1, "recovered")]]
            assert len({taken.id for taken in post.taken}) == 2


class TestTakenOver:
    """A parent's incident takes over its child's."""

    def parent(self, life: Life) -> list[Any]:
        return [*life.opened(2, "b"), life.event("i1", EventKind.TAKEN_OVER, into="i2", number=2)]

    async def test_who_heard_of_the_child_hears_of_the_end_alone(self, tmp_path: Path) -> None:
        async with Post().serve() as post, living(config([channel("duty", post.url)]), tmp_path) as life:
            life.tell(*life.opened(1))
            await life.quiet()
            life.tell(*self.parent(life))
            await life.quiet()
            life.tell(*life.closed(2, "b"))
            await life.quiet()
            assert post.said("duty") == [[(1, "opened")], [(2, "recovered")]]
            assert [each[2] for each in await life.outcomes()] == [DELIVERED, DROPPED, DELIVERED]

    async def test_what_fails_under_way_is_told_as_the_parents(self, tmp_path: Path) -> None:
        async with Post().serve() as post:
            post.status["duty"] = 0
            async with living(config([channel("duty", post.url)]), tmp_path) as life:
                life.tell(*life.opened(1))
                await until(lambda: bool(post.taken))
                life.tell(*self.parent(life))
                post.status["duty"] = 200
                await life.quiet()
                assert post.said("duty") == [[(2, "opened")]]
                assert [each[2] for each in await life.outcomes()] == [DROPPED, DELIVERED]

    async def test_what_arrives_while_it_is_taken_over_is_enough(self, tmp_path: Path) -> None:
        arrived, go_on = asyncio.Event(), asyncio.Event()

        async def step(name: str) -> None:
            if name == "sent" and not arrived.is_set():
                arrived.set()
                await go_on.wait()

        async with Post().serve() as post:
            setup = config([channel("duty", post.url)])
            async with living(setup, tmp_path, channels=stepping(step)) as life:
                life.tell(*life.opened(1))
                await arrived.wait()
                life.tell(*self.parent(life))
                await life.pipeline.settled()
                go_on.set()
                await life.quiet()
                assert post.said("duty") == [[(1, "opened")]]
                assert [each[2] for each in await life.outcomes()] == [DELIVERED, DROPPED]


async def test_an_acknowledgement_stops_an_escalation_under_way(tmp_path: Path) -> None:
    async with Post().serve() as post:
        post.status["boss"] = 503
        steps = (Escalation(after=timedelta(minutes=10), channels=("boss",)),)
        route = Route(name="all", channels=("duty",), escalate=steps)
        setup = config([channel("duty", post.url), channel("boss", post.url)], route)
        async with living(setup, tmp_path) as life:
            life.tell(*life.opened(1))
            await life.quiet()
            life.ahead = timedelta(minutes=10)
            life.pipeline.age(life.now())
            await until(lambda: life.dispatcher.state.counts.failed["boss"] >= 1)
            life.tell(life.event("i1", EventKind.ACKNOWLEDGED))
            await life.pipeline.settled()
            post.status["boss"] = 200
            await life.quiet()
            life.tell(*life.closed(1))
            await life.quiet()
            assert post.at("boss") == []


async def test_one_bad_message_does_not_stop_the_others(tmp_path: Path) -> None:
    webhook: Any = find_channels()["webhook"]

    class Choosy(webhook):  # type: ignore[misc]  # a class found at run time
        async def send(self, envelope: Any) -> None:
            if any(item.number == 1 for item in envelope.items):
                raise RuntimeError("a bug")
            await super().send(envelope)

    async with Post().serve() as post:
        setup = config([channel("duty", post.url)])
        async with living(setup, tmp_path, channels={"webhook": Choosy}) as life:
            life.tell(*life.opened(1, "a"), *life.opened(2, "b"), *life.opened(3, "c"))
            await until(lambda: len(post.at("duty")) == 2)
            assert sorted(post.said("duty")) == [[(2, "opened")], [(3, "opened")]]
            assert life.dispatcher.state.pending == {"duty": 1}


class TestReload:
    """Channels come and go."""

    async def test_what_waits_for_a_channel_that_goes_is_passed_on(self, tmp_path: Path) -> None:
        async with Post().serve() as post:
            post.status["duty"] = 503
            setup = config([channel("duty", post.url), channel("last", post.url)], last_resort="last")
            async with living(setup, tmp_path) as life:
                life.tell(*life.opened(1))
                await until(lambda: life.dispatcher.state.counts.failed["duty"] >= 1)
                life.dispatcher.reload(config([channel("last", post.url)], last_resort="last"))
                await life.quiet()
                assert post.said("last") == [[(1, "opened")]]
                assert list(life.dispatcher.state.pending) == ["last"]

    async def test_a_changed_channel_is_served_anew_and_others_go_on(self, tmp_path: Path) -> None:
        async with Post().serve() as post:
            post.status["duty"] = 503
            duty, boss = channel("duty", post.url), channel("boss", post.url)
            async with living(config([duty, boss]), tmp_path) as life:
                life.tell(*life.opened(1))
                await until(lambda: life.dispatcher.state.counts.failed["duty"] >= 1)
                moved = replace(duty, options=channel("elsewhere", post.url).options)
                life.dispatcher.reload(config([moved, boss]))
                await life.quiet()
                assert post.said("elsewhere") == [[(1, "opened")]]
                assert post.said("boss") == [[(1, "opened")]]


class TestStandingAlerts:
    """Alerts that stand only as long as they are renewed: a server that keeps what Alertmanager is posted."""

    PATH = "api/v2/alerts"

    def names(self, post: Post) -> list[set[str]]:
        """Which alerts each post that was taken holds: their incidents' numbers, or their names."""
        return [{each["labels"].get("incident", each["labels"]["alertname"]) for each in body} for body in bodies(post)]

    async def test_they_are_renewed_until_their_end_and_the_watchdog_for_ever(self, tmp_path: Path) -> None:
        async with Post().serve() as post, living(config([alertmanager(post)]), tmp_path) as life:
            await until(lambda: {"Watchdog"} in self.names(post))
            life.tell(*life.opened(1))
            await until(lambda: {"Watchdog", "1"} in self.names(post))
            life.tell(*life.closed(1))
            await life.quiet()
            post.taken.clear()
            await until(lambda: len(post.taken) > 1)
            assert self.names(post)[-1] == {"Watchdog"}

    async def test_the_watchdog_falls_silent_when_the_program_is_not_well(self, tmp_path: Path) -> None:
        async with Post().serve() as post, living(config([alertmanager(post)]), tmp_path) as life:
            life.well = False
            life.tell(*life.opened(1))
            post.taken.clear()
            await until(lambda: len(post.taken) > 3)
            assert self.names(post)[-1] == {"1"}

    async def test_one_that_was_away_all_the_while_sees_the_fault_before_its_end(self, tmp_path: Path) -> None:
        async with Post().serve() as post:
            post.status[self.PATH] = 503
            async with living(config([alertmanager(post)]), tmp_path) as life:
                life.tell(*life.opened(1))
                await until(lambda: life.dispatcher.state.counts.failed["am"] >= 1)
                life.tell(*life.closed(1))
                await life.pipeline.settled()
                post.status[self.PATH] = 200
                await life.quiet()
                ends = [each["endsAt"] for body in bodies(post) for each in body if "incident" in each["labels"]]
                recovered = life.incidents.get("i1")
                assert recovered is not None
                assert recovered.recovered is not None
                over = [end == recovered.recovered.isoformat() for end in ends]
                assert over == sorted(over)
                assert over.count(True) == 1
                assert over.count(False) >= 1

    async def test_what_gets_worse_ends_the_old_alert_with_the_new(self, tmp_path: Path) -> None:
        async with Post().serve() as post, living(config([alertmanager(post)]), tmp_path) as life:
            opened = life.opened(1)
            mild = replace(opened[0], data={**opened[0].data, "severity": "warning"})
            life.tell(mild, *opened[1:])
            await life.quiet()
            life.tell(life.event("i1", EventKind.WORSENED, severity="critical"))
            await life.quiet()
            both = [body for body in bodies(post) if {"warning", "critical"} <= severities(body)]
            [old] = [each for each in both[0] if each["labels"]["severity"] == "warning"]
            [new] = [each for each in both[0] if each["labels"]["severity"] == "critical"]
            assert old["endsAt"] < new["endsAt"]
            post.taken.clear()
            await until(lambda: len(post.taken) > 1)
            assert severities(bodies(post)[-1]) == {"critical", "none"}


def alertmanager(post: Post) -> Any:
    return channel("am", post.url, kind="alertmanager")


def bodies(post: Post) -> list[list[dict[str, Any]]]:
    return [taken.body for taken in post.at(TestStandingAlerts.PATH)]


def severities(body: list[dict[str, Any]]) -> set[str]:
    return {each["labels"]["severity"] for each in body}


class TestHeartbeat:
    """An address that is asked while all is well."""

    async def test_it_is_asked_again_and_again(self, tmp_path: Path) -> None:
        async with Post().serve() as post:
            every = timedelta(seconds=0.01)
            setup = config([], heartbeat_url=f"{post.url}/alive", heartbeat_every=every)
            async with living(setup, tmp_path) as life:
                await until(lambda: len(post.at("alive")) > 2)
                life.well = False
                await life.pipeline.settled()

    async def test_an_address_that_fails_is_said_once(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        async with Post().serve() as post:
            post.status["alive"] = 500
            every = timedelta(seconds=0.01)
            setup = config([], heartbeat_url=f"{post.url}/alive", heartbeat_every=every)
            async with living(setup, tmp_path):
                await until(lambda: len(post.taken) > 3)
        assert [record.message for record in caplog.records] == ["the heartbeat's address does not answer: status 500"]

    async def test_an_address_that_is_no_name_ends_nothing(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with Post().serve() as post:
            setup = config(
                [channel("duty", post.url)],
                heartbeat_url=f"http://{'a' * 70}.test/secret",
                heartbeat_every=timedelta(seconds=0.01),
            )
            async with living(setup, tmp_path) as life:
                await until(lambda: bool(caplog.records))
                life.tell(*life.opened(1))
                await life.quiet()
                assert post.said("duty") == [[(1, "opened")]]
        assert "secret" not in caplog.text
