"""The board by tables: every sentence of the design about points, one after the other."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.board import Applied
from monitor.config.model import Config
from monitor.model import EndpointKey, Reason, Resume, Status
from tests.unit.board_world import World, endpoint, moment, point, seconds, told

KEY_LINK, KEY_PORTAL, KEY_DNS = (EndpointKey("a", name) for name in ("link", "portal", "dns"))
FULL = Config(points=(point(endpoints=("link", "portal", "exchange", "dns")),))


def point_rows(world: World) -> list[tuple[float | None, str]]:
    return [(seconds(row.at), row.status.value) for row in world.rows if row.key.is_point]


@pytest.mark.parametrize(
    ("story", "rows"),
    [
        pytest.param("link:U", [], id="not up before every endpoint was seen"),
        pytest.param("link:U portal:.U", [(1, "up")], id="up from when the last was"),
        pytest.param("link:UDDD portal:UDDD", [(0, "up"), (1, "down")], id="the link is down"),
        pytest.param("link:UUUU portal:UDDD", [(0, "up"), (1, "faulty")], id="a critical endpoint is down"),
        pytest.param("link:UUUU portal:ULLL", [(0, "up"), (1, "degraded")], id="a budget is broken"),
        pytest.param("link:ULLL portal:U", [(0, "up"), (1, "degraded")], id="the link's budget is broken"),
        pytest.param(
            "link:UDDD portal:U.U.", [(0, "up"), (1, "degraded")], id="the link's probe fails, what is behind answers"
        ),
        pytest.param(
            "link:UDDD portal:UU..", [(0, "up"), (1, "down")], id="an answer no later than the failure says nothing"
        ),
        pytest.param(
            "link:UDDD.....D portal:U.....U...",
            [(0, "up"), (1, "down"), (1, "degraded")],
            id="an answer between two failures of the link corrects what was said",
        ),
        pytest.param(
            "link:UDDD..... portal:U.....U..",
            [(0, "up"), (1, "down")],
            id="an answer after the last failure may be the line that comes back",
        ),
        pytest.param(
            "link:UDDD..UU portal:U.DD.U..",
            [(0, "up"), (1, "down"), (6, "up")],
            id="a line that comes back takes nothing back, though what is behind it was never confirmed",
        ),
        pytest.param(
            "link:UDDD..D portal:U.DD.U.",
            [(0, "up"), (1, "down"), (5, "degraded")],
            id="what failed meanwhile speaks for the link only from its answer on",
        ),
        pytest.param(
            "link:UDDDDDDDD portal:U.U.DDD", [(0, "up"), (1, "degraded"), (4, "down")], id="then that fails, too"
        ),
        pytest.param(
            "link:UDDDDDDDDD portal:UDDD.UUUUU",
            [(0, "up"), (1, "down"), (5, "degraded")],
            id="what is behind is back before the link",
        ),
        pytest.param(
            "link:UDDDUUUU portal:UDDD...UU",
            [(0, "up"), (1, "down"), (4, "faulty"), (7, "up")],
            id="the link is back first",
        ),
        pytest.param(
            "link:U..DDD portal:UDDDDD",
            [(0, "up"), (1, "faulty"), (3, "down")],
            id="what is behind fails first",
        ),
        pytest.param(
            "link:UU.UDDD portal:UDUDDD",
            [(0, "up"), (3, "faulty"), (4, "down")],
            id="each from its own first failure",
        ),
        pytest.param("link:DDD portal:DDD", [(0, "down")], id="never seen up"),
        pytest.param("link:??? portal:UUU", [], id="we could not ask"),
    ],
)
def test_a_points_rows(story, rows):
    world = World()
    world.play(story)
    assert point_rows(world) == rows


@pytest.mark.parametrize(
    ("story", "status", "culprit"),
    [
        pytest.param("link:UDDDD portal:UDDDD exchange:UDDDD dns:UUUUU", "down", "link", id="DNS vouches for no link"),
        pytest.param("link:U portal:U exchange:U dns:DDD", "degraded", "dns", id="a non-critical endpoint is down"),
        pytest.param("link:U portal:DDD exchange:DDD dns:DDD", "faulty", "portal", id="the first that is bad"),
        pytest.param("link:DDD. portal:UUUU exchange:DDDD dns:U", "faulty", "exchange", id="reached, but faulty"),
        pytest.param("link:LLL portal:UUU exchange:UUU dns:DDD", "degraded", "dns", id="down goes before slow"),
        pytest.param("link:U portal:U exchange:. dns:U", "unknown", "exchange", id="nothing known of one"),
        pytest.param("link:. portal:U exchange:DDD dns:U", "faulty", "exchange", id="reached although link unknown"),
        pytest.param("link:. portal:DDD exchange:DDD dns:U", "unknown", "link", id="perhaps cut, perhaps not"),
    ],
)
def test_a_points_status_and_whose_fault(story, status, culprit):
    world = World(FULL)
    world.play(story)
    assert (world.status().value, world.view().culprit) == (status, culprit)


def test_an_outage_has_the_times_of_its_first_failure_and_first_success():
    world = World()
    world.play("link:UDDDDDDDUU portal:UDDDDDDDUU")
    down, *_, up = [row for row in world.rows if row.key.is_point][1:]
    assert (seconds(down.at), seconds(down.recorded_at), down.previous) == (1, 3, Status.UP)
    assert (down.culprit, down.reason, down.detail) == ("link", Reason.TIMEOUT, "link at 3")
    assert (seconds(up.at), up.previous, up.reason, up.culprit) == (8, Status.DOWN, Reason.OK, "")


def test_only_the_first_row_of_a_subject_is_marked_first():
    world = World()
    world.play("link:UDDD portal:UDDD")
    assert [(row.key.endpoint, row.first) for row in world.rows] == [
        ("link", True), ("portal", True), ("", True), ("link", False), ("", False), ("portal", False),
    ]  # fmt: skip


def test_decided_is_not_yet_shown():
    world = World()
    world.play("link:U portal:U")
    for second in (1, 2, 3):
        world.see(second, "link", "D", show=False)
    view = world.view()
    assert view.status is Status.UP
    assert view.endpoints[0].last.begun == moment(3)
    assert view.endpoints[0].suspect is False
    world.board.show(world.rows)
    assert world.status() is Status.DOWN
    assert seconds(world.view().since) == 1


def test_suspect_and_the_last_result_are_shown_at_once():
    world = World()
    world.play("link:UD portal:U")
    link = world.view().endpoints[0]
    assert (link.status, link.suspect, link.last.reason) == (Status.UP, True, Reason.TIMEOUT)


@pytest.mark.parametrize(
    ("story", "then", "hastened"),
    [
        ("link:U portal:U exchange:U dns:U", ("link", "D"), ["portal", "exchange", "dns"]),
        ("link:U portal:U exchange:U dns:U", ("portal", "D"), ["link"]),
        ("link:UD portal:U exchange:U dns:U", ("link", "D"), []),
        ("link:UD portal:U exchange:U dns:U", ("portal", "D"), []),
        ("link:U portal:UD exchange:U dns:U", ("link", "D"), ["exchange", "dns"]),
        ("link:U portal:U exchange:U dns:U", ("link", "L"), []),
        ("link:UDDD portal:UDDD exchange:UDDD dns:U", ("link", "U"), ["portal", "exchange"]),
        ("link:UDDDU portal:UDDDD exchange:UDDDD dns:U", ("link", "U"), []),
        ("link:U portal:UDDD exchange:U dns:U", ("portal", "U"), []),
    ],
)
def test_whom_a_result_hastens(story, then, hastened):
    world = World(FULL)
    world.play(story)
    applied = world.see(9, *then)
    assert [key.endpoint for key in applied.hasten] == hastened


def test_one_failure_may_be_enough():
    config = Config(points=(point(endpoints=(endpoint("link", down_after=1), "portal")),))
    world = World(config)
    world.play("link:U portal:U")
    applied = world.see(1, "link", "D")
    assert applied.hasten == (KEY_PORTAL,)
    assert world.status() is Status.DOWN


def test_late_results_and_strangers_change_nothing():
    world = World()
    world.play("link:UUUUUU portal:U")
    world.play("link:DDDDD")
    assert world.see(7, "link", of="elsewhere").rows == ()
    assert world.see(7, "nowhere").rows == ()
    assert world.status() is Status.UP
    world.see(8, "link", "D")
    assert world.see(1, "link", "D").suspect is True


# -- staleness ----------------------------------------------------------------------------------------------------


def test_nothing_stays_green_by_inertia():
    world = World()
    world.play("link:U portal:.U")
    assert world.grow_old(32.9) == []
    assert told(world.grow_old(500)) == [
        ("link", 33, "unknown"), ("portal", 34, "unknown"), ("", 33, "unknown"),
    ]  # fmt: skip
    view = world.view()
    assert (view.status, view.reason, seconds(view.since)) == (Status.UNKNOWN, Reason.STALE, 33)
    assert world.grow_old(1000) == []


def test_a_lapse_is_noticed_again_after_the_endpoint_was_back():
    world = World()
    world.play("link:U portal:U")
    world.grow_old(60)
    world.play("link:U portal:U", begin=61)
    assert world.status() is Status.UP
    world.grow_old(93)
    assert world.status() is Status.UP
    world.grow_old(150)
    assert (world.status(), seconds(world.view().since)) == (Status.UNKNOWN, 94)


def test_what_we_could_not_ask_is_told_as_such():
    world = World()
    world.play("link:U portal:U")
    for second in (10, 20, 30):
        world.see(second, "link", "?")
    world.see(30, "portal")
    world.grow_old(40)
    assert (world.status(), world.view().reason) == (Status.UNKNOWN, Reason.INTERNAL)


# -- stable, never ------------------------------------------------------------------------------------------------


def test_stable_after_five_minutes_up():
    world = World(Config(points=(point(endpoints=(endpoint("link", interval=timedelta(hours=1)),)),)))
    world.see(0, "link")
    world.now = moment(299)
    assert world.view().bucket == "fresh"
    assert world.board.verdict(world.now).tone == "fresh"
    world.now = moment(300)
    assert world.view().stable
    assert world.board.verdict(world.now).tone == "stable"


@pytest.mark.parametrize(
    ("story", "never", "first_seen"),
    [
        ("link:.", False, False),
        ("link:U portal:U", False, True),
        ("link:DDD portal:DDD", True, True),
        ("link:UUUUU portal:DDD", True, True),
        ("link:DDDUU portal:DDDDDDD", True, False),
        ("link:UDDD portal:UDDD", False, False),
    ],
)
def test_never_connected(story, never, first_seen):
    world = World()
    world.play(story)
    assert (world.view().never, world.view().first_seen) == (never, first_seen)


# -- reload -------------------------------------------------------------------------------------------------------


def test_a_reload_keeps_what_is_unchanged():
    world = World()
    world.play("link:UDD portal:U")
    renamed = Config(points=(replace(point(), name="Cửa Nam", labels={"provider": "x"}),))
    assert world.reload(renamed) == []
    assert world.view().point.name == "Cửa Nam"
    world.see(3, "link", "D")
    assert (world.status(), seconds(world.view().since)) == (Status.DOWN, 1)


def test_a_reload_takes_new_settings_over():
    world = World()
    world.play("link:UDD portal:U")
    patient = Config(points=(point(endpoints=(endpoint("link", down_after=5), "portal")),))
    world.reload(patient)
    world.play("link:DD", begin=3)
    assert world.status() is Status.UP
    world.see(5, "link", "D")
    assert world.status() is Status.DOWN


def test_a_changed_address_starts_anew_and_closes_the_old_part():
    world = World()
    world.play("link:UUUU portal:UDDD")
    world.now = moment(10)
    rows = world.reload(Config(points=(point(endpoints=("link", endpoint("portal", fingerprint="2"))),)))
    assert told(rows) == [("portal", 10, "unobserved"), ("", 10, "unknown")]
    assert {row.reason for row in rows} == {Reason.CONFIG}
    assert world.view().endpoints[1].since is None
    world.see(9, "portal", "U")  # was under way against the old address
    assert world.status() is Status.UNKNOWN
    rows = world.see(11, "portal").rows
    assert [(row.key.endpoint, row.first) for row in rows] == [("portal", True), ("", False)]
    assert (world.status(), seconds(world.view().since)) == (Status.UP, 11)


def test_removed_endpoints_and_points_are_closed():
    world = World(Config(points=(point("a"), point("b"), point("c"))))
    for name in "abc":
        world.see(0, "link", of=name)
        world.see(0, "portal", "U", of=name)
    world.see(1, "portal", "D")
    world.now = moment(5)
    undeclared = point("c", endpoints=tuple(replace(e, declared=False) for e in point("c").endpoints))
    rows = world.reload(Config(points=(undeclared, point("a", endpoints=("link",)))))
    assert sorted((row.key, row.status.value) for row in rows) == [
        (("a", "portal"), "unobserved"),
        (("b", ""), "unobserved"), (("b", "link"), "unobserved"), (("b", "portal"), "unobserved"),
        (("c", ""), "unobserved"), (("c", "link"), "unobserved"), (("c", "portal"), "unobserved"),
    ]  # fmt: skip
    assert list(world.board.points()) == ["c", "a"]
    assert world.status("a") is Status.UP
    assert world.status("c") is Status.UNKNOWN
    assert world.board.verdict(world.now).undeclared == (undeclared,)


def test_an_endpoint_that_a_reload_takes_away_takes_its_fault_along():
    world = World()
    world.play("link:UUUU portal:UDDD")
    world.now = moment(10)
    rows = world.reload(Config(points=(point(endpoints=("link",)),)))
    assert told(rows) == [("portal", 10, "unobserved"), ("", 10, "up")]


def test_an_added_endpoint_has_no_say_about_the_time_before():
    world = World(Config(points=(point(endpoints=("link",)),)))
    world.play("link:UUDD")
    world.now = moment(4)
    assert told(world.reload(Config(points=(point(),)))) == [("", 4, "unknown")]
    world.see(5, "link", "D")
    assert told(world.rows)[-2:] == [("link", 2, "down"), ("", 2, "down")]


def test_a_point_that_comes_back_begins_anew():
    world = World()
    world.play("link:U portal:U")
    world.now = moment(5)
    world.reload(Config())
    assert dict(world.board.points()) == {}
    world.reload(Config(points=(point(),)))
    world.play("link:U portal:U", begin=6)
    assert world.rows[-1].first
    assert (world.status(), seconds(world.view().since)) == (Status.UP, 6)


# -- restart ------------------------------------------------------------------------------------------------------


def restarted(world: World, second: float, config: Config | None = None) -> World:
    return World(config or world.config, started=second, resume=world.resume())


def test_a_restart_brings_everything_back_and_decides_nothing():
    before = World()
    before.play("link:UDDD portal:UDDD")
    after = restarted(before, 60)
    assert after.grow_old(60) == []
    view = after.view()
    assert (view.status, seconds(view.since), view.reason, view.culprit) == (Status.DOWN, 1, Reason.TIMEOUT, "link")
    assert [e.status for e in view.endpoints] == [Status.DOWN, Status.DOWN]
    assert after.grow_old(92) == []
    assert told(after.grow_old(93)) == [("link", 93, "unknown"), ("portal", 93, "unknown"), ("", 93, "unknown")]


def test_an_outage_that_ended_meanwhile_ended_between_two_times():
    before = World()
    before.play("link:UDDD portal:UDDD")
    after = restarted(before, 300)
    after.play("link:UU portal:UU", begin=301)
    assert [(row.key.endpoint, seconds(row.at), seconds(row.not_before)) for row in after.rows] == [
        ("link", 301, 3), ("portal", 301, 3), ("", 301, 3),
    ]  # fmt: skip
    assert after.status() is Status.UP
    assert seconds(after.view().not_before) == 3


def test_an_outage_that_began_meanwhile_began_between_two_times():
    before = World()
    before.play("link:U portal:U")
    after = restarted(before, 300)
    after.play("link:DDD portal:DDD", begin=301)
    down = next(row for row in after.rows if row.key.is_point)
    assert (down.status, seconds(down.at), seconds(down.not_before)) == (Status.DOWN, 301, 0)


def test_a_change_later_than_the_first_result_after_a_restart_has_its_exact_time():
    before = World()
    before.play("link:U portal:U")
    after = restarted(before, 300)
    after.play("link:UDDD portal:UDDD", begin=301)
    assert [row.not_before for row in after.rows] == [None] * 3


def test_a_confirmation_under_way_goes_on():
    before = World()
    before.play("link:UDD portal:UUU")
    after = restarted(before, 10)
    assert after.see(11, "link", "D").rows[0].at == moment(1)


def test_a_recovery_under_way_goes_on():
    before = World()
    before.play("link:UDDDU portal:UUUUU")
    after = restarted(before, 10)
    after.see(11, "link", "U")
    assert told(after.rows) == [("link", 4, "up"), ("", 4, "up")]


def test_first_failures_of_an_endpoint_without_a_row_go_on():
    before = World()
    before.play("link:DD")
    after = restarted(before, 10)
    after.see(11, "link", "D")
    assert told(after.rows) == [("link", 0, "down"), ("", 0, "down")]
    assert after.view().never


def test_a_confirmation_whose_row_was_lost_is_handed_out_by_the_first_age():
    before = World()
    before.play("link:UDD portal:U")
    known = list(before.rows)
    before.see(3, "link", "D")
    resume = replace(before.resume(), statuses={row.key: row for row in known})
    after = World(before.config, started=10, resume=resume)
    assert after.status() is Status.UP
    assert told(after.grow_old(10)) == [("link", 1, "down"), ("", 1, "down")]


def test_an_outage_that_had_lapsed_before_the_restart_is_still_open():
    before = World()
    before.play("link:UDDD portal:UDDD")
    before.grow_old(100)
    after = restarted(before, 200)
    after.see(201, "link", "U")
    assert after.rows == []
    after.see(202, "link", "U")
    link = after.rows[0]
    assert (link.status, seconds(link.at), seconds(link.not_before)) == (Status.UP, 201, 36)


def test_a_first_failure_before_a_lapse_and_a_restart_still_counts():
    before = World()
    before.play("link:UD portal:U")
    before.grow_old(100)
    after = restarted(before, 200)
    after.play("link:DD", begin=201)
    assert told(after.rows)[:3] == [("link", 1, "down"), ("link", 34, "unknown"), ("link", 201, "down")]


def test_a_degraded_endpoint_comes_back_degraded():
    before = World()
    before.play("link:U portal:ULLL")
    after = restarted(before, 10)
    after.see(11, "portal", "U")
    assert after.status() is Status.DEGRADED
    after.see(12, "portal", "U")
    assert after.status() is Status.UP


def test_what_spoke_for_a_failing_link_still_does():
    before = World()
    before.play("link:UDDD portal:U.U")
    assert before.status() is Status.DEGRADED
    after = restarted(before, 10)
    after.see(11, "link", "D")
    after.play("portal:LLL", begin=11)
    assert [row for row in after.rows if row.key.is_point] == []
    assert after.status() is Status.DEGRADED


def test_the_stable_timer_comes_back_after_a_short_restart():
    before = World()
    before.play("link:U portal:U")
    after = restarted(before, 30)
    after.now = moment(300)
    assert after.view().stable
    assert seconds(after.view().steady_since) == 0


def test_after_a_long_one_it_starts_at_the_first_result():
    before = World()
    before.play("link:U portal:U")
    after = restarted(before, 1000)
    assert not after.view().stable
    assert after.view().steady_since is None
    after.play("link:?U portal:.U", begin=1001)
    after.now = moment(1301)
    assert not after.view().stable
    assert seconds(after.view().steady_since) == 1002
    after.now = moment(1302)
    assert after.view().stable
    assert seconds(after.view().since) == 0


def test_an_address_that_changed_while_the_program_was_away():
    before = World()
    before.play("link:UDDD portal:UDDD")
    after = restarted(before, 50, Config(points=(point(endpoints=(endpoint("link", fingerprint="2"), "portal")),)))
    rows = after.grow_old(50)
    assert [(row.key.endpoint, seconds(row.at), row.status.value, row.reason.value) for row in rows] == [
        ("link", 50, "unobserved", "config"),
        ("", 50, "unknown", "config"),
    ]
    after.see(51, "link", "U")
    assert after.view().endpoints[0].status is Status.UP


def test_what_was_removed_while_the_program_was_away_is_closed():
    before = World(Config(points=(point("a"), point("b"))))
    for name in "ab":
        before.see(0, "link", of=name)
        before.see(0, "portal", of=name)
    after = restarted(before, 50, Config(points=(point("a", endpoints=("link",)),)))
    assert sorted(told(after.grow_old(50))) == [
        ("", 50, "unobserved"), ("link", 50, "unobserved"), ("portal", 50, "unobserved"), ("portal", 50, "unobserved"),
    ]  # fmt: skip
    assert after.status("a") is Status.UP


def test_what_was_added_while_the_program_was_away_is_unknown():
    before = World(Config(points=(point(endpoints=("link",)),)))
    before.see(0, "link")
    after = restarted(before, 50, Config(points=(point(),)))
    assert told(after.grow_old(50)) == [("", 50, "unknown")]


def test_what_was_closed_before_begins_anew():
    before = World()
    before.play("link:UDDD portal:U")
    before.now = moment(5)
    before.reload(Config())
    after = World(Config(points=(point(),)), started=10, resume=before.resume())
    assert after.status() is Status.UNKNOWN
    after.play("link:U portal:U", begin=11)
    assert after.rows[-1].first


def test_a_first_start_has_nothing_to_take_up():
    world = World(resume=Resume())
    assert world.grow_old(0) == []
    world.play("link:U portal:U")
    assert world.status() is Status.UP


def test_views_are_made_anew_when_they_ripen_and_keep_the_files_order():
    names = [f"p{number}" for number in range(100)]
    hourly = timedelta(hours=1)
    world = World(Config(points=tuple(point(name, (endpoint("link", point=name, interval=hourly),)) for name in names)))
    for second, name in enumerate(reversed(names)):
        world.see(second / 10, "link", of=name)
    assert list(world.board.points()) == names
    assert world.board.verdict(world.now).fresh == 100
    world.now = moment(305)
    assert (world.board.verdict(world.now).fresh, world.board.verdict(world.now).stable) == (49, 51)
    world.now = moment(400)
    assert world.board.verdict(world.now).stable == 100
    assert world.board.config.points[0].id == "p0"
    assert world.board.started == moment(0)


def test_an_endpoint_changed_by_name_only_goes_on():
    world = World()
    world.play("link:U portal:U")
    renamed = Config(points=(point(endpoints=(replace(endpoint("link"), name="Đường truyền"), "portal")),))
    world.reload(renamed)
    assert world.view().endpoints[0].endpoint.name == "Đường truyền"


def test_no_row_no_closing_row():
    world = World()
    assert world.reload(Config(points=(point(endpoints=("link", endpoint("portal", fingerprint="2"))),))) == []
    assert world.reload(Config()) == []


def test_a_row_of_a_point_that_a_reload_took_away_is_not_shown():
    world = World()
    world.play("link:U portal:U")
    world.reload(Config(points=(point("b"),)))
    world.board.show(world.rows)
    assert list(world.board.points()) == ["b"]


# -- clocks -------------------------------------------------------------------------------------------------------


def test_a_wall_clock_that_is_set_back_freezes_nothing():
    world = World(started=3600)
    world.play("link:UUUD portal:UUUU", begin=3600)
    world.grow_old(3604)
    world.now = moment(10)
    world.keep(world.board.age(world.now))
    for second in (11, 12):
        world.see(second, "link", "D")
        world.see(second, "portal", "D")
    assert world.status() is Status.DOWN
    for second in (13, 14):
        world.see(second, "link")
        world.see(second, "portal")
    assert world.status() is Status.UP
    assert told(world.grow_old(100)) == [("link", 47, "unknown"), ("portal", 47, "unknown"), ("", 47, "unknown")]


def test_a_wall_clock_that_is_set_back_leaves_no_status_in_the_future():
    world = World(started=3600)
    world.play("link:U portal:U", begin=3600)
    world.grow_old(3601)
    world.now = moment(10)
    world.keep(world.board.age(world.now))
    assert world.grow_old(42) == []
    assert told(world.grow_old(43)) == [("link", 43, "unknown"), ("portal", 43, "unknown"), ("", 43, "unknown")]


def test_a_wall_clock_that_is_set_back_brings_what_began_later_to_now():
    world = World(started=3600)
    world.play("link:UU portal:UU", begin=3600)
    world.grow_old(3604)
    world.now = moment(10)
    rows = world.keep(world.board.age(world.now))
    assert sorted(told(rows)) == [("", 10, "up"), ("link", 10, "up"), ("portal", 10, "up")]
    assert not any(row.first for row in rows)
    assert seconds(world.view().since) == 10
    for second in range(15, 320, 15):
        world.see(second, "link")
        world.see(second, "portal")
    assert world.view().stable
    recorded = [row.recorded_at for row in world.rows]
    assert recorded == sorted(recorded)


def test_what_is_decided_after_the_wall_clock_was_set_back_overrules_what_was_before():
    world = World(started=3600)
    world.play("link:UU portal:UU", begin=3600)
    world.grow_old(3604)
    world.now = moment(10)
    world.keep(world.board.age(world.now))
    world.play("link:DDD portal:DDD", begin=11)
    assert world.status() is Status.DOWN
    rows = [row for row in world.rows if row.key.is_point]
    last = max(rows, key=lambda row: row.recorded_at)
    assert (seconds(last.at), last.status) == (11, Status.DOWN)


def test_a_probe_begun_before_the_wall_clock_was_set_back_freezes_nothing():
    world = World(started=3600)
    world.play("link:UU portal:UU", begin=3600)
    world.grow_old(3604)
    world.now = moment(10)
    world.keep(world.board.age(world.now))
    world.see(3603.5, "link")
    world.now = moment(10.5)
    world.play("link:DDD portal:DDD", begin=11)
    assert world.status() is Status.DOWN
    world.grow_old(1900)
    world.play("link:UU portal:UU", begin=1900)
    assert world.status() is Status.UP


def test_over_a_gap_in_which_nobody_looked_what_was_true_goes_on():
    world = World()
    world.play("link:UU portal:UU")
    world.board.bridge(moment(5), moment(3605))
    assert world.grow_old(3606) == []
    assert world.status() is Status.UP
    world.play("link:UU portal:UU", begin=3607)
    assert point_rows(world) == [(0, "up")]
    assert told(world.grow_old(3641))[0] == ("link", 3641, "unknown"), "and lapses as ever"


def test_what_failed_over_a_gap_may_have_failed_in_it():
    world = World()
    world.play("link:UU portal:UU")
    world.board.bridge(moment(5), moment(3605))
    world.play("link:DDD portal:DDD", begin=3607)
    row = [row for row in world.rows if row.key.is_point][-1]
    assert (seconds(row.at), seconds(row.not_before), row.status) == (3607, 5, Status.DOWN)


def test_a_probe_begun_before_a_gap_says_nothing_after_it():
    world = World()
    world.play("link:UU portal:UU")
    world.board.bridge(moment(5), moment(3605))
    assert world.see(4, "link", "D") == Applied()
    assert world.grow_old(3606) == []


def test_a_short_gap_needs_no_bridge():
    world = World()
    world.play("link:UU portal:UU")
    world.board.bridge(moment(5), moment(15))
    world.see(6, "link")
    assert ("portal", 34, "unknown") in told(world.grow_old(40))


def test_stability_begins_anew_after_a_long_gap():
    world = World()
    for second in range(0, 330, 15):
        world.see(second, "link")
        world.see(second, "portal")
    assert world.view().stable
    world.board.bridge(moment(320), moment(3605))
    assert not world.view().stable
    world.play("link:U portal:U", begin=3606)
    assert not world.view().stable


def test_a_wall_clock_that_was_set_back_while_the_program_did_not_run():
    before = World(started=3600)
    before.play("link:UU portal:UU", begin=3600)
    world = World(started=10, resume=before.resume())
    rows = world.grow_old(11)
    assert sorted(told(rows)) == [("", 10, "up"), ("link", 10, "up"), ("portal", 10, "up")]
    assert min(row.recorded_at for row in rows) > max(row.recorded_at for row in before.rows)


# -- how far a decision reaches back --------------------------------------------------------------------------------


def test_an_answer_long_after_the_link_failed_corrects_the_whole_of_it():
    endpoints = [endpoint(name, interval=timedelta(days=1)) for name in ("link", "portal", "exchange", "dns")]
    world = World(Config(points=(point(endpoints=endpoints),)))
    world.play("link:UDDD portal:UDDD exchange:U dns:U")
    world.play("portal:UU", begin=20)
    world.play("dns:DDDUUDDDUU", begin=30)
    world.see(45, "link", "D")
    assert point_rows(world) == [(0, "up"), (1, "down"), (20, "degraded")]
    world.see(50, "exchange")
    world.see(55, "link", "D")
    assert point_rows(world)[3:] == [(1, "faulty"), (20, "degraded")]


def test_a_failure_after_a_lapse_still_counts_after_a_restart():
    before = World()
    before.play("link:UD portal:U")
    before.grow_old(100)
    before.see(101, "link", "D")
    after = restarted(before, 102)
    after.see(103, "link", "D")
    assert [row for row in told(after.rows) if row[0] == "link"] == [
        ("link", 1, "down"), ("link", 34, "unknown"), ("link", 101, "down"),
    ]  # fmt: skip


def test_an_answer_between_two_failures_speaks_for_the_link_across_a_lapse():
    world = World()
    world.play("link:DDD")
    world.see(20, "portal")
    world.grow_old(36)
    world.see(40, "link", "D")
    assert told([row for row in world.rows if row.key.is_point and row.at < moment(35)])[-1] == ("", 20, "degraded")


# -- a start without history ----------------------------------------------------------------------------------------


def test_a_history_that_is_readable_only_later_does_not_go_on_by_inertia():
    before = World()
    before.play("link:UU portal:UU")
    world = World(started=100)
    world.see(101, "link", "?")
    world.see(101, "portal", "?")
    world.now = moment(110)
    rows = world.keep(world.board.disown(before.resume()))
    assert sorted(told(rows)) == [("", 100, "unknown"), ("link", 100, "unknown"), ("portal", 100, "unknown")]
    assert not any(row.first for row in world.rows)
    assert world.board.disown(before.resume()) == []
    world.see(115, "link")
    world.see(115, "portal")
    assert {(row.key.endpoint, row.previous, row.first) for row in world.rows[3:]} == {
        ("link", Status.UNKNOWN, False), ("portal", Status.UNKNOWN, False), ("", Status.UNKNOWN, False)
    }  # fmt: skip
    assert world.status() is Status.UP


def test_a_history_that_is_readable_only_later_leaves_alone_what_was_decided_since():
    before = World()
    before.play("link:UU portal:UU")
    world = World(started=100)
    world.play("link:DDD", begin=101)
    world.now = moment(110)
    assert told(world.keep(world.board.disown(before.resume()))) == [("portal", 100, "unknown")]
    assert world.status() is Status.DOWN


def test_a_history_that_is_readable_only_later_is_closed_where_the_configuration_has_nothing():
    before = World(Config(points=(point(), point("b"))))
    for name in ("a", "b"):
        before.see(1, "link", of=name)
        before.see(1, "portal", of=name)
    world = World(Config(points=(point("a", ["link"]),)), started=100)
    world.see(101, "link")
    rows = world.board.disown(before.resume())
    assert {(row.key.point, *each) for row, each in zip(rows, told(rows), strict=True)} == {
        ("a", "portal", 100, "unobserved"),
        ("b", "link", 100, "unobserved"),
        ("b", "portal", 100, "unobserved"),
        ("b", "", 100, "unobserved"),
    }


def test_a_point_that_was_up_before_a_history_is_readable_was_connected_once():
    before = World()
    before.play("link:UU portal:UU")
    world = World(started=100)
    world.keep(world.board.disown(before.resume()))
    world.play("link:DDD", begin=101)
    assert world.status() is Status.DOWN
    assert not world.view().never


def test_an_answer_from_before_the_outage_is_no_part_of_its_recovery_after_a_restart():
    before = World()
    before.play("link:UUDDD portal:UUDDD")
    lost = before.resume()
    for results in before.results.values():
        del results[2:]
    world = World(started=60, resume=replace(lost, recent=before.resume().recent))
    world.play("link:UUU portal:UUU", begin=61)
    row = [row for row in world.rows if row.key.is_point][-1]
    assert (seconds(row.at), row.status) == (61, Status.UP)
