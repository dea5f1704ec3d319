"""What the exposition says, read back by prometheus_client's own reader."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from monitor.board import Board
from monitor.config.model import Area, Config, Endpoint, Point
from monitor.incidents.model import Decision, EventKind, IncidentEvent
from monitor.ledger import Uptime
from monitor.metrics import Metrics
from monitor.model import EndpointKey, FaultKind, Flag, FlagChange, Reason, Result, Row, Status, Transition
from monitor.probes import find_probers

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
Make = Callable[..., Result]
OF_ENDPOINT = {"kind": "ward", "area": "ba-vi", "module": "https_2xx"}


def happened(kind: EventKind, **changes: Any) -> IncidentEvent:
    return IncidentEvent(id="e", incident="i", kind=kind, at=NOW, recorded_at=NOW, **changes)


def up(connectivity: float | None, service: float | None, coverage: float) -> Uptime:
    return Uptime(
        connectivity=connectivity, service=service, coverage=coverage, observed=timedelta(hours=1), by_status={}
    )  # fmt: skip


class Clock:
    """A time that stands until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class World:
    """A board and metrics that observe what it shows."""

    def __init__(self, config: Config, probers: Any = None) -> None:
        self.clock = Clock()
        probers = probers or find_probers()
        self.board = Board(config, clock=self.clock)
        self.metrics = Metrics(config, board=self.board, probers=probers, clock=self.clock, version="1.2")

    def accept(self, result: Result) -> None:
        applied = self.board.apply(result)
        self.metrics.on_result(result)
        self.show(applied.rows)

    def show(self, rows: Sequence[Row]) -> None:
        self.board.show(rows)
        self.metrics.on_decision(Decision(rows=tuple(rows)))

    def reload(self, config: Config) -> None:
        self.show(self.board.reload(config))
        self.metrics.load(config)

    async def text(self) -> str:
        return b"".join([piece async for piece in self.metrics.render()]).decode()

    async def families(self) -> Mapping[str, Metric]:
        text = await self.text()
        heads = Counter(line for line in text.splitlines() if line.startswith("# TYPE"))
        assert not [head for head, count in heads.items() if count > 1], "a family comes in one piece"
        return {family.name: family for family in text_string_to_metric_families(text)}

    async def values(self, family: str, *labels: str) -> dict[tuple[str, ...], float]:
        found = (await self.families()).get(family)
        return {tuple(each.labels[name] for name in labels): each.value for each in found.samples} if found else {}


@pytest.fixture
def world(config: Config) -> World:
    return World(config)


async def test_a_result_is_shown_with_its_endpoints_labels(world: World, make_result: Make) -> None:
    world.accept(make_result())
    families = await world.families()
    (success,) = families["probe_success"].samples
    assert success.value == 1
    assert success.labels == {
        "instance": "https://mot.example/link", "point": "mot", "endpoint": "link", **OF_ENDPOINT,
    }  # fmt: skip
    assert families["probe_duration_seconds"].samples[0].value == 0.25
    assert families["probe_http_status_code"].samples[0].value == 200
    (version,) = families["probe_tls_version_info"].samples
    assert version.labels == {**success.labels, "version": "TLS 1.3"}
    assert {family.type for name, family in families.items() if name.startswith("probe_")} == {"gauge"}


async def test_phases_are_there_from_the_start(config: Config, make_result: Make) -> None:
    class Announcing:
        phase_metric = "probe_http_duration_seconds"
        phases = ("resolve", "connect")

    world = World(config, probers={"http": Announcing})
    world.accept(make_result(reason=Reason.TIMEOUT, phases={"resolve": 0.5}, facts={}))
    assert await world.values("probe_http_duration_seconds", "phase") == {("resolve",): 0.5, ("connect",): 0}
    assert await world.values("probe_success", "point") == {("mot",): 0}


async def test_a_phase_that_the_prober_did_not_announce_comes_and_goes(world: World, make_result: Make) -> None:
    world.accept(make_result(phases={"resolve": 0.125, "handshake": 0.5}))
    assert await world.values("probe_http_duration_seconds", "phase") == {("resolve",): 0.125, ("handshake",): 0.5}
    world.accept(make_result(phases={"resolve": 0.25}, begun=NOW + timedelta(seconds=15)))
    assert await world.values("probe_http_duration_seconds", "phase") == {("resolve",): 0.25}


async def test_a_fact_that_the_next_probe_lacks_is_gone(world: World, make_result: Make) -> None:
    world.accept(
        make_result(facts={"probe_http_status_code": 200.0, "probe_http_last_modified_timestamp_seconds": 1.0})
    )
    world.accept(make_result(begun=NOW + timedelta(seconds=15), facts={"probe_http_status_code": 404.0}))
    families = await world.families()
    assert "probe_http_last_modified_timestamp_seconds" not in families
    assert families["probe_http_status_code"].samples[0].value == 404


async def test_an_info_with_another_label_replaces_the_one_before(world: World, make_result: Make) -> None:
    for second, version in enumerate(("TLS 1.2", "TLS 1.3")):
        fact = f'probe_tls_version_info{{version="{version}"}}'
        world.accept(make_result(begun=NOW + timedelta(seconds=second), facts={fact: 1.0}))
    assert await world.values("probe_tls_version_info", "version") == {("TLS 1.3",): 1}


async def test_what_we_could_not_ask_is_absent_not_zero(world: World, make_result: Make) -> None:
    world.accept(make_result())
    world.accept(make_result("hai"))
    world.accept(make_result(begun=NOW + timedelta(seconds=15), reason=Reason.RESOLVER, facts={}, phases={}))
    families = await world.families()
    shown = {each.labels["point"] for name in families if name.startswith("probe_") for each in families[name].samples}
    assert shown == {"hai"}
    world.accept(make_result(begun=NOW + timedelta(seconds=30)))
    assert await world.values("probe_success", "point") == {("mot",): 1, ("hai",): 1}


async def test_what_is_stale_is_absent(world: World, make_result: Make) -> None:
    world.accept(make_result())
    world.accept(make_result("hai", begun=NOW + timedelta(seconds=30)))
    world.clock.now = NOW + timedelta(seconds=40)
    world.show(world.board.age(world.clock.now))
    assert await world.values("probe_success", "point") == {("hai",): 1}


async def test_what_was_never_confirmed_does_not_stay_for_ever(world: World, make_result: Make) -> None:
    world.accept(make_result(reason=Reason.TIMEOUT, facts={}))
    assert await world.values("probe_success", "point") == {("mot",): 0}
    world.clock.now = NOW + timedelta(seconds=37)
    assert await world.values("probe_success", "point") == {}


async def test_a_result_newer_than_the_staleness_stays(world: World, make_result: Make) -> None:
    world.accept(make_result())
    world.clock.now = NOW + timedelta(seconds=40)
    stale = world.board.age(world.clock.now)
    world.accept(make_result(begun=NOW + timedelta(seconds=41)))
    world.show(stale)
    assert await world.values("probe_success", "point") == {("mot",): 1}


async def test_a_removed_point_disappears_everywhere(world: World, config: Config, make_result: Make) -> None:
    for name in ("mot", "hai", "ba"):
        world.accept(make_result(name))
        world.metrics.on_uptime(name, {"1h": up(1.0, 1.0, 1.0)})
    world.reload(replace(config, points=config.points[1:]))
    world.accept(make_result("mot", begun=NOW + timedelta(seconds=15)))
    world.metrics.on_uptime("mot", {"1h": up(1.0, 1.0, 1.0)})
    assert '"mot"' not in await world.text()
    assert '"hai"' in await world.text()


async def test_changed_labels_keep_the_last_result(
    world: World, config: Config, make_result: Make, make_point: Callable[..., Point]
) -> None:
    world.accept(make_result())
    world.reload(replace(config, points=(make_point("mot", area="son-tay"), *config.points[1:])))
    assert await world.values("probe_success", "point", "area") == {("mot", "son-tay"): 1}


async def test_a_changed_address_starts_anew(
    world: World, config: Config, make_result: Make, make_point: Callable[..., Point],
    make_endpoint: Callable[..., Endpoint],
) -> None:  # fmt: skip
    world.accept(make_result())
    moved = make_endpoint("mot", "link", target="https://elsewhere.example/", fingerprint="g")
    world.reload(replace(config, points=(make_point("mot", endpoints=(moved,)), *config.points[1:])))
    assert await world.values("probe_success", "point") == {}


async def test_an_unchanged_reload_changes_nothing(world: World, config: Config, make_result: Make) -> None:
    world.accept(make_result())
    before = await world.values("probe_success", "point")
    world.reload(replace(config))
    assert await world.values("probe_success", "point") == before


async def test_a_new_probers_fact_needs_no_list(world: World, make_result: Make) -> None:
    world.accept(make_result(facts={'probe_sip_answers{method="OPTIONS",point="x"}': 3.0}))
    (sip,) = (await world.families())["probe_sip_answers"].samples
    assert (sip.labels["method"], sip.labels["exported_point"], sip.labels["point"]) == ("OPTIONS", "x", "mot")


async def test_a_fact_that_is_none_is_left_out_and_said_once(
    world: World, make_result: Make, caplog: pytest.LogCaptureFixture
) -> None:
    for second in range(3):
        world.accept(
            make_result(begun=NOW + timedelta(seconds=second), facts={"not a name": 1.0, "probe_ip_protocol": 6})
        )
    assert await world.values("probe_ip_protocol", "point") == {("mot",): 6}
    assert len(caplog.records) == 1
    world.accept(make_result(begun=NOW + timedelta(seconds=4), reason=Reason.INTERNAL))
    assert await world.values("probe_ip_protocol", "point") == {}


async def test_labels_are_escaped(config: Config, make_result: Make, make_point: Callable[..., Point]) -> None:
    world = World(replace(config, points=(make_point("mot", area='a"b\\c\n100%'),)))
    world.accept(make_result())
    assert await world.values("probe_success", "area") == {('a"b\\c\n100%',): 1}
    assert ('a"b\\c\n100%',) in await world.values("probe_http_duration_seconds", "area")


async def test_a_placeholder_is_named_but_not_judged(
    config: Config, make_point: Callable[..., Point], make_endpoint: Callable[..., Endpoint], make_result: Make
) -> None:
    waiting = make_point("bon", endpoints=(make_endpoint("bon", "link", declared=False),))
    world = World(replace(config, points=(*config.points, waiting)))
    world.metrics.on_result(make_result("bon"))
    assert ("bon",) in await world.values("lienthong_point_info", "point")
    assert ("bon",) not in await world.values("lienthong_point_stable", "point")
    assert await world.values("probe_success", "point") == {}


async def test_points_have_one_status_each(world: World, make_result: Make) -> None:
    for second in range(3):
        for name in ("link", "portal"):
            reason = Reason.OK if name == "link" else Reason.HTTP_STATUS
            world.accept(make_result(name=name, begun=NOW + timedelta(seconds=second), reason=reason))
    world.show(world.board.age(NOW + timedelta(seconds=10)))  # whose fault it is has been waited for
    status = await world.values("lienthong_point_status", "point", "status")
    assert {key for key, value in status.items() if value} == {("mot", "faulty"), ("hai", "unknown"), ("ba", "unknown")}
    assert len(status) == 3 * 6
    assert sum((await world.values("lienthong_points", "status")).values()) == 3


async def test_stable_comes_with_time(world: World, config: Config, make_result: Make) -> None:
    for name in ("link", "portal"):
        for second in range(2):
            world.accept(make_result(name=name, begun=NOW + timedelta(seconds=second)))
    assert (await world.values("lienthong_point_stable", "point"))["mot",] == 0
    world.clock.now = NOW + config.stable_after + timedelta(seconds=2)
    assert (await world.values("lienthong_point_stable", "point"))["mot",] == 1


async def test_hours_say_when_somebody_is_called(config: Config, make_point: Callable[..., Point]) -> None:
    hours = {"mot": "Mon-Fri 08:00-17:00", "hai": "Sat 08:00-11:00", "ba": "24/7"}
    world = World(Config(points=tuple(make_point(name, hours=each) for name, each in hours.items())))
    opens = await world.values("lienthong_point_open", "point")  # it is Monday, 17:00 in Hanoi
    assert opens == {("mot",): 0, ("hai",): 0, ("ba",): 1}
    world.clock.now = NOW - timedelta(minutes=1)
    assert (await world.values("lienthong_point_open", "point"))["mot",] == 1


async def test_what_fails_from_the_start_was_never_up(world: World, make_result: Make) -> None:
    for second in range(3):
        for point, reason in (("mot", Reason.TIMEOUT), ("hai", Reason.OK)):
            world.accept(make_result(point, begun=NOW + timedelta(seconds=second), reason=reason))
    world.show(world.board.age(NOW + timedelta(seconds=10)))
    never = await world.values("lienthong_point_never_up", "point")
    assert never == {("mot",): 1, ("hai",): 0, ("ba",): 0}


async def test_areas_have_names(config: Config) -> None:
    world = World(replace(config, areas=(Area(id="ba-vi", name="Ba Vì", column=1, row=1),)))
    assert await world.values("lienthong_area_info", "area", "name") == {("ba-vi", "Ba Vì"): 1}


async def test_the_configuration_says_who_tells(world: World, config: Config, make_result: Make) -> None:
    assert await world.values("lienthong_alerting_info", "by") == {("monitor",): 1, ("prometheus",): 0}
    world.reload(replace(config, alerting="prometheus"))
    assert await world.values("lienthong_alerting_info", "by") == {("monitor",): 0, ("prometheus",): 1}
    world.clock.now = NOW + timedelta(seconds=3)
    world.accept(make_result())
    assert await world.values("lienthong_last_result_timestamp_seconds") == {(): NOW.timestamp() + 3}


async def test_info_says_where_a_point_is(world: World) -> None:
    info = (await world.families())["lienthong_point_info"].samples[0]
    assert info.labels == {
        "point": "mot", "name": 'Phường "mot"', "code": "00123", "kind": "ward", "area": "ba-vi", "latitude": "21.03",
        "longitude": "105.85", "unit_type": "phường",
    }  # fmt: skip


async def test_uptime_is_what_was_reckoned_elsewhere(world: World) -> None:
    assert await world.values("lienthong_point_uptime_ratio", "point") == {}
    world.metrics.on_uptime("mot", {"1h": up(0.5, 0.25, 0.75)})
    world.metrics.on_uptime("hai", {"1h": up(None, None, 0.0)})
    assert await world.values("lienthong_point_uptime_ratio", "point", "measure", "window") == {
        ("mot", "connectivity", "1h"): 0.5, ("mot", "service", "1h"): 0.25,
    }  # fmt: skip
    assert await world.values("lienthong_point_uptime_coverage_ratio", "point", "window") == {
        ("mot", "1h"): 0.75, ("hai", "1h"): 0,
    }  # fmt: skip


async def test_results_and_transitions_are_counted(world: World, make_result: Make) -> None:
    for reason in (Reason.OK, Reason.OK, Reason.LATENCY, Reason.DNS, Reason.STALLED):
        world.metrics.on_result(make_result(reason=reason))
    world.metrics.on_result(make_result("nowhere"))
    assert await world.values("lienthong_results", "kind", "outcome", "reason") == {
        ("ward", "up", "ok"): 2, ("ward", "up", "latency"): 1, ("ward", "down", "dns"): 1,
        ("ward", "unknown", "stalled"): 1,
    }  # fmt: skip
    for name in ("", "link"):
        key = EndpointKey("mot", name)
        row = Transition(key=key, at=NOW, recorded_at=NOW, status=Status.DOWN, previous=Status.UP)
        world.metrics.on_decision(Decision(rows=(row, replace(row, key=EndpointKey("nowhere", name)))))
    assert await world.values("lienthong_transitions", "subject", "kind", "status") == {
        ("point", "ward", "down"): 1, ("endpoint", "ward", "down"): 1,
    }  # fmt: skip


async def test_incidents_that_open_are_counted_by_fault(world: World) -> None:
    faults = ("point:hub", "point:mot", "label:provider=VNPT")
    opened = tuple(happened(EventKind.OPENED, data={"fault": fault}) for fault in faults)
    world.metrics.on_decision(Decision(events=(*opened, happened(EventKind.CLOSED))))
    counted = await world.values("lienthong_incidents_opened", "fault")
    assert {fault: number for (fault,), number in counted.items() if number} == {"point": 2, "label": 1}
    assert len(counted) == len(FaultKind)


async def test_flags_are_told_beside_the_status(world: World, make_result: Make) -> None:
    world.accept(make_result())
    flags = {Flag.MAINTENANCE: "lienthong_point_maintenance", Flag.FLAPPING: "lienthong_point_flapping"}
    for flag, family in flags.items():
        change = FlagChange(key=EndpointKey("mot", ""), flag=flag, on=True, at=NOW, recorded_at=NOW)
        assert not any((await world.values(family, "point")).values())
        world.show([change])
        assert {point for (point,), on in (await world.values(family, "point")).items() if on} == {"mot"}
        world.show([replace(change, on=False)])
        assert not any((await world.values(family, "point")).values())


async def test_many_lines_come_in_slices(config: Config, make_point: Callable[..., Point], make_result: Make) -> None:
    names = [f"p{number}" for number in range(600)]
    world = World(replace(config, points=tuple(make_point(name) for name in names)))
    for name in names:
        world.accept(make_result(name))
    pieces = [piece async for piece in world.metrics.render()]
    assert len(pieces) > 3
    assert len(await world.values("probe_success", "point")) == 600
