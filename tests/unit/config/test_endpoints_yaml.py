"""config/endpoints.yaml is the inventory that it says it is."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from monitor.calendar.model import Calendar
from monitor.config import examine, load
from monitor.config.model import CommonFate, Config, Dependency, Flapping, Point

FILE = Path("config/endpoints.yaml")

# The wall's map: reference for config, kept here so that an area isn't moved by accident.
CELLS = """
me-linh 4,1 · soc-son 5,1
ba-vi 1,2 · phuc-tho 2,2 · dan-phuong 3,2 · bac-tu-liem 4,2 · tay-ho 5,2 · dong-anh 6,2
son-tay 1,3 · thach-that 2,3 · hoai-duc 3,3 · cau-giay 4,3 · ba-dinh 5,3 · hoan-kiem 6,3 · long-bien 7,3
quoc-oai 2,4 · nam-tu-liem 3,4 · thanh-xuan 4,4 · dong-da 5,4 · hai-ba-trung 6,4 · gia-lam 7,4
chuong-my 3,5 · ha-dong 4,5 · thanh-tri 5,5 · hoang-mai 6,5
my-duc 3,6 · thanh-oai 4,6 · ung-hoa 5,6 · thuong-tin 6,6 · phu-xuyen 7,6
"""


@pytest.fixture(scope="module")
def config() -> Config:
    return load(FILE, placeholders=True, environ={})


def of_kind(config: Config, kind: str) -> list[Point]:
    return [point for point in config.points if point.kind == kind]


def test_what_is_in_it(config: Config) -> None:
    kinds = Counter(point.kind for point in config.points)

    assert kinds == {"ward": 126, "branch": 30, "service": 7, "hub": 1, "circuit": 2, "anchor": 2}
    assert sum(point.counted for point in config.points) == 156
    assert Counter(point.unit_type for point in of_kind(config, "ward")) == {"phuong": 51, "xa": 75}


def test_wards_have_their_official_facts(config: Config) -> None:
    for ward in of_kind(config, "ward"):
        assert re.fullmatch(r"\d{5}", ward.code), ward.id
        assert ward.name.startswith("Phường " if ward.unit_type == "phuong" else "Xã ")
        assert ward.location is not None
        assert 20.5 < ward.location.latitude < 21.5
        assert 105.2 < ward.location.longitude < 106.1
        assert ward.area
        assert ward.hours
    assert len({ward.code for ward in of_kind(config, "ward")}) == 126


def test_wards_have_their_endpoints_and_parents(config: Config) -> None:
    for ward in of_kind(config, "ward"):
        assert [endpoint.key.endpoint for endpoint in ward.endpoints] == ["link", "portal", "exchange", "dns"]
        assert [endpoint.critical for endpoint in ward.endpoints] == [True, True, True, False]
        assert [need.any_of for need in ward.depends_on] == [("circuit-1", "circuit-2"), ("hub",)]
        host = f"{ward.id}.ward.lienthong.example"
        assert ward.endpoints[0].target == f"{host}:7443"
        assert ward.endpoints[1].target == f"https://{host}:8443/mot-cua/"
        assert ward.endpoints[3].module.options.model_dump()["query_name"] == host


def test_a_name_in_dns_speaks_for_no_link(config: Config) -> None:
    """Another machine answers it: when the hub's line failed and its name did not, the hub counted as reached."""
    names = [each for each in config.endpoints() if each.module.prober == "dns" and not each.link]
    assert {each.key.point for each in names} > {"hub"}
    assert not any(each.critical for each in names)


def test_whose_fault_it_may_be(config: Config) -> None:
    needs = {point.id: [need.any_of for need in point.depends_on] for point in config.points}

    assert needs["hub"] == needs["anchor-1"] == needs["anchor-2"] == []
    assert needs["circuit-1"] == needs["circuit-2"] == [("hub",)]
    for point in config.points:
        inner = {endpoint.key.endpoint: endpoint.depends_on for endpoint in point.endpoints if endpoint.depends_on}
        expected = {"exchange": (Dependency(any_of=("exchange-platform",)),)} if point.counted else {}
        assert inner == expected, point.id


def test_the_anchors(config: Config) -> None:
    anchors = of_kind(config, "anchor")

    assert [(point.name, [endpoint.target for endpoint in point.endpoints]) for point in anchors] == [
        ("Cổng mạng Trung tâm", ["anchor-1.lienthong.example:7443"]),
        ("Chuyển mạch lõi Trung tâm", ["anchor-2.lienthong.example:7443"]),
    ]
    assert not any(point.counted for point in anchors)


def test_everything_goes_to_the_test_inbox(config: Config) -> None:
    assert [(name, channel.kind) for name, channel in config.alerts.channels.items()] == [("inbox", "inbox")]
    assert [(route.channels, route.match, route.when) for route in config.alerts.routes] == [(("inbox",), (), "always")]
    assert config.alerts.url == f"http://{config.server.host}:{config.server.port}"
    assert config.maintenance == ()


def test_what_it_says_is_what_holds_without_it(config: Config) -> None:
    assert (config.calendar, config.common_fate, config.flapping) == (Calendar(), CommonFate(), Flapping())


def test_what_is_left_to_do() -> None:
    _, warnings = examine(FILE, environ={})

    assert [warning.text.partition(" of the")[0] for warning in warnings] == ["only 0"]


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise's, for what it may encrypt
def test_the_examples_in_its_comments_load(tmp_path: Path) -> None:
    """Every commented key, put in force at once."""
    text = FILE.read_text("utf-8")
    begin, end = text.index("\nalerts:"), text.index("# The cells of")
    lines = [
        line for line in text[begin:end].split("\n") if "In place of it" not in line and "The test inbox" not in line
    ]
    shown = "\n".join(re.sub(r"^( *)# ( *(- )?[a-z_-]+:|  )", r"\1\2", line) for line in lines)
    shown = (
        shown.replace("maintenance: []", "maintenance:").replace("\n#  ", "\n  ").replace("\n# Planned", "\n#Planned")
    )
    (tmp_path / "endpoints.yaml").write_text(
        (text[:begin] + shown + text[end:]).replace("/etc/lienthong/mail-password", "password"), "utf-8"
    )
    (tmp_path / "password").write_text("hunter2\n")
    environ = {"DUTY_GROUP_URL": "json://127.0.0.1/", "HEARTBEAT_URL": "http://127.0.0.1/alive"}

    made = load(tmp_path / "endpoints.yaml", environ=environ)

    assert list(made.alerts.channels) == ["inbox", "alertmanager", "duty-group", "duty-mail", "duty-sms"]
    assert [route.name for route in made.alerts.routes] == ["everything", "cut off", "the rest, by day"]
    assert [window.rule for window in made.maintenance] == ["FREQ=MONTHLY;BYDAY=1SU"]
    assert (made.alerts.last_resort, made.alerts.heartbeat_url) == ("duty-sms", "http://127.0.0.1/alive")


def test_the_shared_services(config: Config) -> None:
    assert [point.name for point in of_kind(config, "service")] == [
        "Tổng đài 024.1022",
        "Tổng đài 19001009",
        "Zalo / Viber 0768.221.221",
        "iHanoi",
        "Cổng DVC quốc gia",
        "Website Trung tâm",
        "Trục liên thông",
    ]
    hotlines = [point for point in of_kind(config, "service") if point.id.startswith("hotline")]
    assert [[e.target for e in point.endpoints] for point in hotlines] == [
        ["hotline-1022.lienthong.example:5060"],
        ["hotline-19001009.lienthong.example:5060"],
    ]
    assert hotlines[0].labels["extensions"] == "7, 8"


def test_the_map(config: Config) -> None:
    cells = {name: (int(column), int(row)) for name, column, row in re.findall(r"([a-z-]+) (\d),(\d)", CELLS)}

    assert {area.id: (area.column, area.row) for area in config.areas} == cells
    assert {area.id: area.column_span for area in config.areas if area.column_span > 1} == {"hoang-mai": 2}
    assert {point.area for point in config.points if point.counted} == set(cells)
    assert Counter(branch.area for branch in of_kind(config, "branch")) == dict.fromkeys(cells, 1)


def test_nothing_is_declared_before_the_hosts_are_replaced() -> None:
    config = load(FILE, environ={})

    assert not any(endpoint.declared for endpoint in config.endpoints())
    assert not any(point.counted for point in config.points)
