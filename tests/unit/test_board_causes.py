"""Whose fault: the design's sentences, one after the other, in a simulated network under its schedule."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.board.causes import AT_ONCE
from monitor.config.model import Dependency
from monitor.ledger import timeline, uptime
from monitor.model import EndpointKey, Observation, Reason, Status
from tests.unit.board_network import Network, anchors, config, cut, place
from tests.unit.board_world import World, moment, seconds

WARDS = [f"w{number}" for number in range(8)]


def children(*, needs=("circuit",), number=8, **changes):
    return [place(f"w{position}", needs=needs, **changes) for position in range(number)]


def family(**changes):
    hub = place("hub", kind="hub")
    circuit = place("circuit", kind="circuit", needs=["hub"])
    others = [place(f"x{position}", needs=["hub"]) for position in range(12)]
    return config([*anchors(), hub, circuit, *children(**changes), *others])


@pytest.mark.parametrize("hangs", [False, True])
def test_one_ward_down_is_its_own_fault(hangs):
    network = Network(family(), [cut("w3", 60, 120, hangs=hangs)]).run(200)
    assert network.bad("w3") == [("down", ""), ("up", "")]
    assert all(network.bad(name) == [] for name in WARDS if name != "w3")


@pytest.mark.parametrize("hangs", [False, True])
def test_a_parent_and_its_children_fail_together(hangs):
    network = Network(family(), [cut(["circuit", *WARDS], 60, 120, hangs=hangs)]).run(200)
    assert network.bad("circuit") == [("down", ""), ("up", "")]
    for name in WARDS:
        assert network.bad(name) == [("unreachable", "point:circuit"), ("up", "")]


@pytest.mark.parametrize("hangs", [False, True])
def test_children_that_fail_first_by_three_seconds(hangs):
    network = Network(family(), [cut(WARDS, 60, 120, hangs=hangs), cut("circuit", 63, 120, hangs=hangs)]).run(200)
    for name in WARDS:
        assert network.bad(name)[-2:] == [("unreachable", "point:circuit"), ("up", "")]


def test_children_that_are_confirmed_before_their_parent_are_taken_over():
    network = Network(family(), [cut(["w0", "w1"], 60, 200), cut("circuit", 80, 200)]).run(150)
    for name in ("w0", "w1"):
        assert network.bad(name) == [("down", ""), ("unreachable", "point:circuit")]
        first, second = network.of(name)[1:]
        assert first[0] == second[0]  # from its first failure on


def test_a_parent_that_is_confirmed_later_than_a_minute_takes_nobody_over():
    network = Network(family(), [cut("w0", 60, 400), cut("circuit", 160, 400)]).run(300)
    assert network.bad("w0") == [("down", "")]


@pytest.mark.parametrize("hangs", [False, True])
def test_the_parent_is_back_and_two_children_stay_down(hangs):
    gone = [cut(["circuit", *WARDS], 60, 120, hangs=hangs), cut(["w0", "w1"], 120, 300, hangs=hangs)]
    network = Network(family(), gone).run(400)
    back = network.of("circuit")[-1][0]
    for name in ("w0", "w1"):
        assert network.bad(name) == [("unreachable", "point:circuit"), ("down", ""), ("up", "")]
        assert back <= network.of(name)[2][0] < back + 5
    for name in WARDS[2:]:
        assert network.bad(name) == [("unreachable", "point:circuit"), ("up", "")]


@pytest.mark.parametrize("hangs", [False, True])
def test_the_hub_is_down_with_everything_behind_it(hangs):
    wards = [place(f"w{number}", needs=["hub"], provider="abc"[number % 3]) for number in range(156)]
    everyone = ["hub", *(ward.id for ward in wards)]
    network = Network(config([*anchors(), place("hub", kind="hub"), *wards]), [cut(everyone, 60, 120, hangs=hangs)])
    network.run(200)
    assert network.bad("hub") == [("down", ""), ("up", "")]
    for ward in wards:
        assert network.bad(ward.id) == [("unreachable", "point:hub"), ("up", "")]


def provider_wards():
    return [place(f"v{number}", provider="VNPT", area=f"a{number % 10}") for number in range(40)] + [
        place(f"o{number}", provider="other" + str(number % 2), area=f"a{number % 10}") for number in range(86)
    ]


@pytest.mark.parametrize("hangs", [False, True])
def test_forty_wards_with_a_shared_label_and_no_parent(hangs):
    names = [f"v{number}" for number in range(40)]
    network = Network(config([*anchors(), *provider_wards()]), [cut(names, 60, 120, hangs=hangs)]).run(200)
    for name in names:
        assert network.bad(name)[-2:] == [("unreachable", "label:provider=VNPT"), ("up", "")]
    assert all(network.bad(f"o{number}") == [] for number in range(86))


def test_a_common_fate_that_is_over_for_most_leaves_the_rest_to_themselves():
    names = [f"v{number}" for number in range(40)]
    gone = [cut(names, 60, 120), cut(names[:2], 120, 300)]
    network = Network(config([*anchors(), *provider_wards()]), gone).run(400)
    for name in names[:2]:
        assert network.bad(name)[-3:] == [("unreachable", "label:provider=VNPT"), ("down", ""), ("up", "")]
    for name in names[2:]:
        assert network.bad(name)[-2:] == [("unreachable", "label:provider=VNPT"), ("up", "")]


@pytest.mark.parametrize("hangs", [False, True])
def test_nearly_all_fail_and_the_anchors_answer(hangs):
    points = provider_wards()
    network = Network(config([*anchors(), *points]), [cut([p.id for p in points], 60, 120, hangs=hangs)]).run(200)
    for point in points:
        assert network.bad(point.id)[-2:] == [("unreachable", "network:"), ("up", "")]


def test_twenty_unrelated_wards_over_a_minute():
    points = provider_wards()
    chosen = [p.id for p in points][::6][:20]
    gone = [cut(name, 60 + 3 * position, 300) for position, name in enumerate(chosen)]
    network = Network(config([*anchors(), *points]), gone).run(250)
    for name in chosen:
        assert network.bad(name) == [("down", "")]


def test_a_flapping_parent():
    gone = [cut(["circuit", *WARDS], begin, begin + 30) for begin in range(60, 600, 60)]
    network = Network(family(), gone).run(700)
    for name in WARDS:
        assert network.bad(name) == [("unreachable", "point:circuit"), ("up", "")] * 9


def test_a_blip_of_parent_and_children_makes_no_row():
    network = Network(family(), [cut(["circuit", *WARDS], 60, 60.5)]).run(100)
    assert all(network.bad(name) == [] for name in ("circuit", *WARDS))


# -- isolated -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hangs", [False, True])
def test_isolated_everything_is_unknown_from_the_first_failure(hangs):
    points = family()
    everyone = [point.id for point in points.points]
    network = Network(points, [cut(everyone, 60, 120, hangs=hangs)]).run(200)
    for name in everyone:
        if name.startswith("anchor"):
            assert network.bad(name) == [("down", "vantage:"), ("up", "")]
        else:
            assert network.bad(name) == [("unknown", "vantage:"), ("up", "")]
            assert 60 <= network.of(name)[1][0] < 62


@pytest.mark.parametrize("hangs", [False, True])
def test_isolated_with_one_ward_down_before(hangs):
    points = family()
    everyone = [point.id for point in points.points]
    network = Network(points, [cut("w0", 30, 300, hangs=hangs), cut(everyone, 60, 120, hangs=hangs)]).run(400)
    assert network.bad("w0") == [("down", ""), ("unknown", "vantage:"), ("down", ""), ("up", "")]
    assert network.of("w0")[3][0] >= 120


@pytest.mark.parametrize("hangs", [False, True])
def test_isolated_with_one_ward_down_meanwhile(hangs):
    points = family()
    everyone = [point.id for point in points.points]
    network = Network(points, [cut(everyone, 60, 120, hangs=hangs), cut("w0", 90, 300, hangs=hangs)]).run(400)
    assert network.bad("w0") == [("unknown", "vantage:"), ("down", ""), ("up", "")]
    assert network.of("w0")[2][0] >= 120


def test_all_anchors_down_while_wards_answer_is_no_isolation():
    network = Network(family(), [cut(["anchor0", "anchor1"], 60, 120)]).run(200)
    assert network.bad("anchor0") == [("down", ""), ("up", "")]
    assert network.bad("w0") == []


# -- behind the link ------------------------------------------------------------------------------------------------


def test_a_platform_that_others_depend_on():
    wards = [
        place(f"w{number}", endpoints=("link", "exchange"), platform={"exchange": "platform"}) for number in range(6)
    ]
    points = config([*anchors(), place("platform", kind="service"), *wards])
    gone = [cut("platform", 60, 120), cut([ward.id for ward in wards], 60, 120, name="exchange")]
    network = Network(points, gone).run(200)
    assert network.bad("platform") == [("down", ""), ("up", "")]
    for ward in wards:
        assert network.bad(ward.id) == [("faulty", "point:platform"), ("up", "")]


@pytest.mark.parametrize("hangs", [False, True])
def test_endpoints_of_one_name_that_fail_everywhere(hangs):
    wards = [place(f"w{number}", endpoints=("link", "exchange")) for number in range(20)]
    gone = [cut([ward.id for ward in wards], 60, 120, name="exchange", hangs=hangs)]
    network = Network(config([*anchors(), *wards]), gone).run(200)
    for ward in wards:
        assert network.bad(ward.id)[-2:] == [("faulty", "label:endpoint=exchange"), ("up", "")]


def test_one_portal_down_is_the_points_own():
    wards = [place(f"w{number}", endpoints=("link", "exchange")) for number in range(20)]
    network = Network(config([*anchors(), *wards]), [cut("w3", 60, 120, name="exchange")]).run(200)
    assert network.bad("w3") == [("faulty", ""), ("up", "")]


# -- redundancy -----------------------------------------------------------------------------------------------------


def redundant():
    circuits = [place(name, kind="circuit") for name in ("c1", "c2")]
    return config([*anchors(), *circuits, *children(needs=[("c1", "c2")])])


def test_a_lost_spare_path_is_degraded():
    network = Network(redundant(), [cut("c1", 60, 120)]).run(200)
    for name in WARDS:
        assert network.bad(name) == [("degraded", "point:c1"), ("up", "")]
        assert network.of(name)[1][0] == network.of("c1")[1][0]
        assert network.of(name)[2][0] == network.of("c1")[2][0]


def test_both_paths_lost_one_after_the_other():
    gone = [cut("c1", 60, 200), cut(["c2", *WARDS], 120, 200)]
    network = Network(redundant(), gone).run(300)
    for name in WARDS:
        assert network.bad(name)[:2] == [("degraded", "point:c1"), ("unreachable", "point:c1")]
        assert network.status(name) is Status.UP


def test_a_spare_that_is_back_while_the_other_is_lost():
    network = Network(redundant(), [cut("c1", 60, 200), cut("c2", 150, 300)]).run(400)
    for name in WARDS:
        assert network.bad(name) == [("degraded", "point:c1"), ("degraded", "point:c2"), ("up", "")]


def test_one_of_two_lost_paths_is_back_and_a_child_is_not():
    gone = [cut(["c1", "c2", *WARDS], 60, 120), cut("c1", 120, 400), cut("w0", 120, 300)]
    network = Network(redundant(), gone).run(350)
    cause = next(fault for _, status, fault in network.of("w1") if status == "unreachable")
    assert network.bad("w0")[-3:] == [("unreachable", cause), ("down", ""), ("degraded", "point:c1")]
    assert network.bad("w1")[-2:] == [("unreachable", cause), ("degraded", "point:c1")]


# -- what could not be asked ----------------------------------------------------------------------------------------


def dead_resolvers(names, begin, end=float("inf")):
    return cut(names, begin, end, reason=Reason.INTERNAL)


def test_what_could_not_be_asked_is_our_own_fault():
    network = Network(family(), [dead_resolvers(WARDS, 60, 200)]).run(300)
    for name in WARDS:
        assert network.bad(name) == [("unknown", "monitor:internal"), ("up", "")]


def test_what_could_not_be_asked_from_the_start():
    network = Network(family(), [dead_resolvers(WARDS, 0, 200)]).run(150)
    row = next(row for row in network.rows if row.key == EndpointKey("w0", ""))
    assert (row.status, row.reason, row.fault, row.first) == (Status.UNKNOWN, Reason.INTERNAL, "monitor:internal", True)
    assert not network.view("w0").never
    network.outages.append(cut("w0", 200, 260))
    network.run(250)
    assert [(row.status, row.first) for row in network.rows if row.key == EndpointKey("w0", "")] == [
        (Status.UNKNOWN, True), (Status.DOWN, True),
    ]  # fmt: skip
    assert network.view("w0").never
    assert network.bad("w1") == [("up", "")]


# -- the ledger -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hangs", [False, True])
@pytest.mark.parametrize("end", [75, 120, 300])
def test_not_a_second_of_isolation_counts_as_downtime(hangs, end):
    points = family()
    everyone = [point.id for point in points.points]
    network = Network(points, [cut(everyone, 60, end, hangs=hangs)]).run(400)
    observed = [Observation("local", moment(0), moment(400))]
    for key in {row.key for row in network.rows if not row.key.point.startswith("anchor")}:
        rows = [row for row in network.rows if row.key == key]
        spent = uptime(timeline(rows, observed, moment(0), moment(400))).by_status
        assert spent[Status.DOWN] == spent[Status.UNREACHABLE] == timedelta()
        assert timedelta(seconds=end - 62) < spent[Status.UNKNOWN]


# -- restart --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gone", "name", "before", "after"),
    [
        pytest.param(
            [cut(["circuit", *WARDS], 60, 200), cut("w0", 200, 400)],
            "w0",
            [("unreachable", "point:circuit")],
            [("down", ""), ("up", "")],
            id="a parent",
        ),
        pytest.param([cut("w0", 60, 200)], "w0", [("down", "")], [("up", "")], id="its own"),
        pytest.param(
            [cut([point.id for point in family().points], 60, 200), cut("w0", 30, 300)],
            "w0",
            [("down", ""), ("unknown", "vantage:")],
            [("down", ""), ("up", "")],
            id="isolated",
        ),
        pytest.param(
            [cut([point.id for point in family().points], 60, 200)],
            "anchor0",
            [("down", "vantage:")],
            [("up", "")],
            id="an anchor",
        ),
    ],
)
def test_a_restart_goes_on_with_the_cause(gone, name, before, after):
    first = Network(family(), gone).run(120)
    assert first.bad(name) == before
    second = first.restarted(125)
    assert second.grow_old(125) == []
    second.run(195)
    assert second.rows == []
    second.run(500)
    assert [row[1:] for row in second.of(name)] == after


def test_a_restart_within_a_common_fate():
    names = [f"v{number}" for number in range(40)]
    first = Network(config([*anchors(), *provider_wards()]), [cut(names, 60, 200), cut(names[:2], 200, 300)]).run(120)
    second = first.restarted(125).run(400)
    for name in names[:2]:
        assert [row[1:] for row in second.of(name)] == [("down", ""), ("up", "")]
    for name in names[2:]:
        assert [row[1:] for row in second.of(name)] == [("up", "")]


def test_a_restart_with_a_lost_spare():
    first = Network(redundant(), [cut("c1", 60, 200)]).run(120)
    second = first.restarted(125).run(190)
    assert second.rows == []
    second.run(300)
    assert [row[1:] for row in second.of("w0")] == [("up", "")]


def test_a_restart_while_the_cause_was_undecided_decides_it():
    first = Network(family(), [cut(["circuit", *WARDS], 60, 200, hangs=True)])
    first.run(60)
    while not any(row.status is Status.DOWN for row in first.rows):
        first.run(seconds(first.now) + 0.5)
    second = first.restarted(seconds(first.now) + 2).run(150)
    for name in WARDS:
        assert (first.bad(name) + [row[1:] for row in second.of(name)])[-1] == ("unreachable", "point:circuit")


# -- reload ---------------------------------------------------------------------------------------------------------


def test_a_reload_changes_nothing_by_itself():
    network = Network(family(), [cut(["circuit", *WARDS], 60, 200)]).run(120)
    assert network.swap(family()) == []
    assert network.swap(config([replace(point, name="renamed") for point in family().points])) == []
    network.run(300)
    assert network.bad("w0") == [("unreachable", "point:circuit"), ("up", "")]


def test_children_of_a_removed_parent_get_their_own_judgement():
    network = Network(family(), [cut(["circuit", "w0", "w1"], 60, 300)]).run(120)
    points = [point for point in family(needs=()).points if point.id != "circuit"]
    rows = network.swap(config(points))
    assert [(row.key.point, row.status.value) for row in rows if row.key.is_point] == [
        ("circuit", "unobserved"), ("w0", "down"), ("w1", "down"),
    ]  # fmt: skip
    network.run(400)
    assert network.bad("w0") == [("unreachable", "point:circuit"), ("down", ""), ("up", "")]


def test_a_reload_that_takes_the_spare_away():
    network = Network(redundant(), [cut("c1", 60, 300)]).run(120)
    points = [place("c2", kind="circuit"), *children(needs=["c2"])]
    network.swap(config([*anchors(), *points]))
    assert network.bad("w0") == [("degraded", "point:c1"), ("up", "")]


@pytest.mark.parametrize("hangs", [False, True])
def test_a_reload_that_renames_the_provider_renames_the_cause(hangs):
    names = [f"v{number}" for number in range(40)]
    network = Network(config([*anchors(), *provider_wards()]), [cut(names, 60, 300, hangs=hangs)]).run(120)
    points = [replace(p, labels={"provider": "VNPT Net"}) if p.id in names else p for p in provider_wards()]
    network.swap(config([*anchors(), *points]))
    network.run(400)
    for name in names:
        assert network.bad(name)[-2:] == [("unreachable", "label:provider=VNPT Net"), ("up", "")]
        assert network.of(name)[-2][0] == 120


def test_a_reload_that_takes_the_parent_from_its_children_blames_no_network():
    network = Network(family(), [cut(["circuit", *WARDS], 60, 300)]).run(120)
    points = [replace(p, depends_on=()) if p.id in WARDS else p for p in family().points]
    network.swap(config(points))
    network.run(400)
    for name in WARDS:
        assert network.bad(name) == [("unreachable", "point:circuit"), ("down", ""), ("up", "")]


def test_a_reload_that_moves_a_point_to_another_provider():
    names = [f"v{number}" for number in range(40)]
    network = Network(config([*anchors(), *provider_wards()]), [cut(names, 60, 300)]).run(120)
    points = [replace(p, labels={"provider": "other0"}) if p.id == "v0" else p for p in provider_wards()]
    network.swap(config([*anchors(), *points]))
    network.run(400)
    assert network.bad("v0")[-3:] == [("unreachable", "label:provider=VNPT"), ("down", ""), ("up", "")]
    assert network.bad("v1")[-2:] == [("unreachable", "label:provider=VNPT"), ("up", "")]


# -- two common fates -----------------------------------------------------------------------------------------------

THREE = [
    place(f"{letter}{number}", provider=letter, area=f"a{number % 10}") for letter in "abc" for number in range(40)
]


@pytest.mark.parametrize("hangs", [False, True])
@pytest.mark.parametrize("later", [0, 5, 20, 40, 90])
def test_two_of_three_providers(hangs, later):
    first, second = ([f"{letter}{number}" for number in range(40)] for letter in "ab")
    gone = [cut(first, 60, 300, hangs=hangs), cut(second, 60 + later, 300, hangs=hangs)]
    network = Network(config([*anchors(), *THREE]), gone).run(250)
    for name in first:
        assert network.of(name)[-1][1:] == ("unreachable", "label:provider=a")
    for name in second:
        assert network.of(name)[-1][1:] == ("unreachable", "label:provider=b")
    assert all(network.bad(f"c{number}") == [] for number in range(40))


@pytest.mark.parametrize("hangs", [False, True])
@pytest.mark.parametrize("stay", [40, 2])
def test_the_hub_is_back_and_a_provider_that_failed_before_it_is_not(hangs, stay):
    wards = [replace(p, depends_on=place("x", needs=["hub"]).depends_on) for p in provider_wards()]
    names = [f"v{number}" for number in range(40)]
    gone = [cut(names, 60, 200), cut(names[:stay], 60, 400, hangs=hangs)]
    gone.append(cut(["hub", *(ward.id for ward in wards)], 90, 200))
    network = Network(config([*anchors(), place("hub", kind="hub"), *wards]), gone).run(350)
    after = [("unreachable", "label:provider=VNPT")] if stay == 40 else [("down", "")]
    for name in names[:stay]:
        rows = network.bad(name)
        assert rows[rows.index(("unreachable", "point:hub")) + 1 :] == after
    assert all(network.bad(f"o{number}")[-1] == ("up", "") for number in range(86))


# -- more about spares ----------------------------------------------------------------------------------------------


def behind_the_hub(*, needs=(("c1", "c2"),)):
    circuits = [place("c1", kind="circuit", needs=["hub"]), place("c2", kind="circuit", needs=["hub2"])]
    hubs = [place("hub", kind="hub"), place("hub2", kind="hub")]
    return config([*anchors(), *hubs, *circuits, *children(needs=needs)])


@pytest.mark.parametrize("hangs", [False, True])
def test_a_spare_that_is_lost_because_of_the_hub_is_the_hubs_fault(hangs):
    network = Network(behind_the_hub(), [cut(["hub", "c1"], 60, 120, hangs=hangs)]).run(250)
    for name in WARDS:
        assert network.bad(name)[-2:] == [("degraded", "point:hub"), ("up", "")]


@pytest.mark.parametrize("hangs", [False, True])
def test_nobody_is_said_to_lack_a_spare_while_it_may_be_cut_off(hangs):
    circuits = [place(name, kind="circuit", needs=["hub"]) for name in ("c1", "c2")]
    points = config([*anchors(), place("hub", kind="hub"), *circuits, *children(needs=[("c1", "c2")])])
    network = Network(points, [cut(["hub", "c1", "c2", *WARDS], 60, 120, hangs=hangs)]).run(110)
    for name in WARDS:
        assert network.bad(name) == [("unreachable", "point:hub")]


def test_a_blip_while_the_spare_is_lost_hides_that_for_no_longer_than_it_lasts():
    network = Network(redundant(), [cut("c1", 60, 120), cut("w0", 60, 62)]).run(200)
    assert network.bad("w0") == [("degraded", "point:c1"), ("up", "")]
    assert network.of("w0")[1][0] == network.of("c1")[1][0]


@pytest.mark.parametrize("hangs", [False, True])
def test_an_endpoint_that_lost_its_spare_is_degraded(hangs):
    platforms = [place("p1", kind="service"), place("p2", kind="service")]
    ward = place("w0", endpoints=("link", "exchange"))
    either = Dependency(any_of=("p1", "p2"))
    exchange = [replace(each, depends_on=() if each.link else (either,)) for each in ward.endpoints]
    points = config([*anchors(), *platforms, replace(ward, endpoints=tuple(exchange)), place("w1")])
    network = Network(points, [cut("p1", 60, 120, hangs=hangs)]).run(200)
    assert network.bad("w0") == [("degraded", "point:p1"), ("up", "")]
    assert network.bad("w1") == []
    gone = [cut("p1", 60, 200), cut("p2", 100, 200, hangs=hangs), cut("w0", 100, 200, name="exchange", hangs=hangs)]
    network = Network(points, gone).run(300)
    assert network.bad("w0")[:2] == [("degraded", "point:p1"), ("faulty", "point:p1")]
    assert network.status("w0") is Status.UP


# -- at once, or not ------------------------------------------------------------------------------------------------


def test_thousands_behind_a_hub_are_not_decided_in_one_go():
    wards = [place(f"w{number}", needs=["hub"]) for number in range(AT_ONCE)]
    world = World(config([place("hub", kind="hub"), *wards]))
    for name in ("hub", *(ward.id for ward in wards)):
        world.see(0, "link", of=name)
    for second in (10, 11, 12):
        for ward in wards:
            world.see(second, "link", "D", of=ward.id)
    applied = [world.see(second, "link", "D", of="hub") for second in (12.1, 12.2)]
    assert max(len(each.rows) for each in applied) < AT_ONCE  # a step decides, another settles
    world.see(13, "link", "D", of="hub")
    world.grow_old(14)
    assert all(world.view(ward.id).fault == "point:hub" for ward in wards)


def test_what_was_too_much_goes_on_with_any_result():
    wards = [place(f"w{number}", needs=["hub"]) for number in range(AT_ONCE)]
    world = World(config([place("hub", kind="hub"), *wards, place("well")]))
    for name in ("hub", "well", *(ward.id for ward in wards)):
        world.see(0, "link", of=name)
    for second in (10, 11, 12):
        for ward in wards:
            world.see(second, "link", "D", of=ward.id)
    for second in (12.1, 12.2):
        world.see(second, "link", "D", of="hub")
    assert any(world.view(ward.id).fault == "" for ward in wards)
    world.see(12.3, "link", of="well")
    assert all(world.view(ward.id).fault == "point:hub" for ward in wards)
