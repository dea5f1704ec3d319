"""A good file -> the configuration that the house works with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url

from monitor.config import ConfigError, load
from monitor.config.model import Config, Contact, Dependency, Endpoint, Location, Point
from tests.unit.config.worlds import HEAD, write

WARD = "- {id: a, kind: ward, name: A, code: 00004, host: a.vn}"


def point(config: Config, name: str) -> Point:
    return next(point for point in config.points if point.id == name)


def endpoint(config: Config, point_id: str, name: str) -> Endpoint:
    return next(e for e in point(config, point_id).endpoints if e.key.endpoint == name)


def messages(path: Path, environ: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, environ=environ or {})
    return [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems]


def test_a_point_gets_its_kinds_endpoints_expanded_the_link_first(tmp_path: Path) -> None:
    config = load(write(tmp_path, WARD), environ={})

    a = point(config, "a")
    assert [(e.key.endpoint, e.target, e.link, e.critical) for e in a.endpoints] == [
        ("link", "a.vn:443", True, True),
        ("portal", "https://a.vn:443/00004", False, True),
        ("dns", "10.0.0.53", False, False),
    ]
    assert endpoint(config, "a", "dns").module.options.model_dump()["query_name"] == "a.vn"
    assert endpoint(config, "a", "portal").name == "Cổng"
    assert endpoint(config, "a", "link").name == "link"
    assert a.depends_on == (Dependency(any_of=("hub",)),)
    assert a.labels == {"tier": "edge", "provider": "a"}
    assert a.code == "00004"
    assert a.hours == "Mon-Fri 08:00-17:00"
    assert config.modules["tcp"] is endpoint(config, "a", "link").module


def test_anything_can_be_overridden_for_one_point(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        - id: a
          kind: ward
          name: A
          host: a.vn
          code: "1"
          hours: 24/7
          location: {latitude: 21, longitude: 105.85}
          labels: {provider: b}
          variables: {port: 8443}
          depends_on: [{any_of: [hub, b]}]
          contact: {phone: 0768221221}
          endpoints:
            dns: null
            portal:
              interval: 1m
              timeout: 5s
              retry_every: 2s
              down_after: 5
              up_after: 1
              critical: no
              budgets: {certificate: 21d}
              options: {method: null, headers: {X-Code: "{code}", Accept: null}}
            extra: {module: web, target: "http://{host}/{{port}}"}
        - {id: b, kind: ward, name: B, host: b.vn, code: "2", depends_on: []}
        """,
    )

    config = load(path, environ={})

    a, portal = point(config, "a"), endpoint(config, "a", "portal")
    assert [e.key.endpoint for e in a.endpoints] == ["link", "portal", "extra"]
    assert endpoint(config, "a", "link").target == "a.vn:8443"
    assert endpoint(config, "a", "extra").target == "http://a.vn/{port}"
    assert (portal.interval, portal.timeout, portal.retry_every) == (
        timedelta(minutes=1),
        timedelta(seconds=5),
        timedelta(seconds=2),
    )
    assert (portal.down_after, portal.up_after, portal.critical) == (5, 1, False)
    assert portal.module.budgets.latency == timedelta(seconds=1)
    assert portal.module.budgets.certificate == timedelta(days=21)
    options = portal.module.options.model_dump()
    assert (options["method"], options["headers"]) == ("", {"X-Code": "1"})
    assert config.modules["web"].options.model_dump()["method"] == "GET"
    assert a.depends_on == (Dependency(any_of=("hub", "b")),)
    assert a.contact == Contact(name="Kind's", phone="0768221221", provider="A")
    assert a.location == Location(latitude=21, longitude=105.85)
    assert a.labels == {"tier": "edge", "provider": "b"}
    assert a.hours == "24/7"
    assert point(config, "b").depends_on == ()


def test_what_the_file_leaves_out(tmp_path: Path) -> None:
    config = load(write(tmp_path, WARD), environ={})

    link = endpoint(config, "a", "link")
    assert (link.interval, link.timeout, link.retry_every) == (
        timedelta(seconds=15),
        timedelta(seconds=3),
        timedelta(seconds=1),
    )
    assert (link.down_after, link.up_after) == (3, 2)
    assert config == replace(Config(), modules=config.modules, points=config.points, document=config.document)


@pytest.mark.parametrize(
    ("defaults", "change", "expected"),
    [
        ("{}", "{interval: 8s}", timedelta(seconds=2)),
        ("{}", "{interval: 1m}", timedelta(seconds=3)),
        ("{timeout: 4s}", "{}", timedelta(seconds=4)),
        ("{timeout: 4s}", "{module: web, target: 'http://a.vn'}", timedelta(seconds=2)),
        ("{timeout: 4s, interval: 10s}", "{timeout: 6s}", timedelta(seconds=6)),
    ],
)
def test_the_timeout(tmp_path: Path, defaults: str, change: str, expected: timedelta) -> None:
    head = f"{HEAD}defaults: {defaults}\n"
    ward = f"- {{id: a, kind: ward, name: A, code: 1, host: a.vn, endpoints: {{link: {change}}}}}"

    assert endpoint(load(write(tmp_path, ward, head), environ={}), "a", "link").timeout == expected


def test_the_head_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("x")
    (tmp_path / "tokens").write_text("0123456789abcdef-two\n\n")
    head = f"""{HEAD}
vantage: hanoi-2
stable_after: 90s
ca_file: ca.pem
server: {{listen: "[::]:9090", tokens: ["${{TOKEN}}"], token_file: tokens}}
storage:
  url: postgresql+asyncpg://monitor:${{PGPASSWORD}}@db/monitor
  spool: /var/spool/x
  spool_size: 1MB
  keep_results: 7d
resolution: {{servers: [10.0.0.53, "10.0.0.54:5353", "::1", "[::1]:5353"]}}
areas:
  - {{id: ba-dinh, name: Ba Đình, column: 5, row: 3, column_span: 2}}
"""

    config = load(write(tmp_path, WARD, head), environ={"TOKEN": "0123456789abcdef-one", "PGPASSWORD": "p@ss"})

    assert (config.vantage, config.stable_after) == ("hanoi-2", timedelta(seconds=90))
    assert (config.server.host, config.server.port) == ("::", 9090)
    assert config.server.tokens == ("0123456789abcdef-one", "0123456789abcdef-two")
    assert config.ca_file == tmp_path / "ca.pem"
    assert config.storage.url == "postgresql+asyncpg://monitor:p@ss@db/monitor"
    assert (config.storage.spool, config.storage.spool_bytes) == (Path("/var/spool/x"), 1024 * 1024)
    assert config.storage.keep_results == timedelta(days=7)
    assert config.resolution.servers == (("10.0.0.53", 53), ("10.0.0.54", 5353), ("::1", 53), ("::1", 5353))
    assert [(area.id, area.column, area.row, area.column_span) for area in config.areas] == [("ba-dinh", 5, 3, 2)]


def test_the_storage_url_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("sqlite+aiosqlite:////data/m.db\n")

    config = load(write(tmp_path, WARD, f"{HEAD}storage: {{url_file: url}}\n"), environ={})

    assert config.storage.url == "sqlite+aiosqlite:////data/m.db"


SERVER = "postgresql+asyncpg://lienthong@postgres/lienthong"


def test_the_storage_password_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("a:b@c/d ệ\n")
    text = f'{HEAD}storage: {{url: "${{URL}}", password_file: "${{FILE:-}}"}}\n'

    with_file = load(write(tmp_path, WARD, text), environ={"URL": SERVER, "FILE": "password"})
    without = load(write(tmp_path, WARD, text), environ={"URL": SERVER})

    assert make_url(with_file.storage.url).password == "a:b@c/d ệ"
    assert with_file.storage.url == SERVER.replace("@", ":a%3Ab%40c%2Fd%20%E1%BB%87@")
    assert without.storage.url == SERVER


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:///var/m.db", "postgresql+asyncpg://u:p@postgres/lienthong"])
def test_a_storage_password_without_a_user_to_have_it(tmp_path: Path, url: str) -> None:
    (tmp_path / "password").write_text("geheim")
    with pytest.raises(ConfigError, match="password_file: the url has no user without a password") as caught:
        load(write(tmp_path, WARD, f"{HEAD}storage: {{url: '{url}', password_file: password}}\n"), environ={})
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "environ", "method"),
    [
        ("${METHOD}", {"METHOD": "HEAD"}, "HEAD"),
        ("${METHOD:-POST}", {}, "POST"),
        ("${METHOD:-POST}", {"METHOD": ""}, "POST"),
        ("${METHOD:-}", {}, ""),
        ("P${A}T${B:-X}", {"A": "U"}, "PUTX"),
    ],
)
def test_variables_of_the_environment(tmp_path: Path, written: str, environ: Mapping[str, str], method: str) -> None:
    path = write(tmp_path, WARD, HEAD.replace("method: GET", f'method: "{written}"'))

    assert load(path, environ=environ).modules["web"].options.model_dump()["method"] == method


@pytest.mark.parametrize("written", ["$HOME", "${1}", "^a$", "$${HOME}", "${}", "a$$"])
def test_other_dollars_stay(tmp_path: Path, written: str) -> None:
    path = write(tmp_path, WARD, HEAD.replace("Accept: text/html", f"X-Test: '{written}'"))

    headers = load(path, environ={}).modules["web"].options.model_dump()["headers"]

    assert headers == {"X-Test": written.replace("$${", "${")}


def test_a_secret_is_shown_nowhere(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("x")
    head = HEAD.replace(
        "method: GET",
        "basic_auth: {username: me, password: '${PASSWORD}'}, bearer_token: hunter2hunter2, "
        "http_headers: {X-Token: {secrets: [hunter2hunter2], files: [key]}}",
    ).replace("Accept: text/html", "X-Api-Key: hunter2hunter2, Accept: text/html")
    head += "server: {tokens: [hunter2hunter2hunter2]}\n"
    head += "storage: {url: 'postgresql+asyncpg://me:hunter2/hunter2@db/x'}\n"
    path = write(tmp_path, WARD.replace("kind: ward", "kind: wrad"), head)
    with pytest.raises(ConfigError) as caught:
        load(path, environ={"PASSWORD": "hunter2hunter2"})
    assert "hunter2" not in str(caught.value)

    head = head.replace("bearer_token: hunter2hunter2, ", "")
    config = load(write(tmp_path, WARD, head), environ={"PASSWORD": "hunter2hunter2"})

    assert "hunter2" not in repr(config)
    document = json.dumps(config.document, default=str)
    assert "hunter2" not in document
    assert '"password": "<secret>"' in document
    assert '"tokens": ["<secret>"]' in document
    assert '"X-Api-Key": "<secret>"' in document
    assert '"Accept": "text/html"' in document
    assert '"files": ["key"]' in document
    assert "postgresql+asyncpg://me:<secret>@db/x" in document


@pytest.mark.parametrize(
    "place",
    [
        "stable_after: ${SECRET}",
        "vantage: ${SECRET}",
        "resolution: {servers: ['${SECRET}']}",
        "server: {listen: '${SECRET}'}",
    ],
)
def test_a_value_of_the_environment_is_in_no_error(tmp_path: Path, place: str) -> None:
    path = write(tmp_path, WARD, f"{HEAD}{place}\n")

    (message,) = messages(path, {"SECRET": "hun'ter\\2"})

    assert "hun" not in message
    assert "<secret>" in message


def test_placeholders_are_not_declared_unless_they_are_served(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        - {id: a, kind: ward, name: A, code: "1", host: a.lienthong.example}
        - {id: b, kind: ward, name: B, code: "2", host: b.lienthong.example.vn}
        - {id: c, kind: ward, name: C, code: "3", host: C.EXAMPLE., endpoints: {portal: {target: "https://c.vn/"}}}
        """,
    )

    config = load(path, environ={})

    assert [e.declared for e in point(config, "a").endpoints] == [False, False, False]
    assert not point(config, "a").declared
    assert [e.declared for e in point(config, "b").endpoints] == [True, True, True]
    assert {e.key.endpoint: e.declared for e in point(config, "c").endpoints} == {
        "link": False,
        "portal": True,
        "dns": False,
    }
    assert all(e.declared for e in load(path, placeholders=True, environ={}).endpoints())


def fingerprints(tmp_path: Path, ward: str = WARD, head: str = HEAD, **environ: str) -> dict[str, str]:
    config = load(write(tmp_path, ward, head), environ=environ)
    return {e.key.endpoint: e.fingerprint for e in point(config, "a").endpoints}


def test_the_fingerprint_changes_with_address_and_module_only(tmp_path: Path) -> None:
    before = fingerprints(tmp_path)
    unchanged = WARD.replace("name: A", "name: Á, labels: {x: y}, endpoints: {portal: {timeout: 1s, critical: false}}")

    assert all(len(value) == 16 for value in before.values())
    assert fingerprints(tmp_path, unchanged, HEAD.replace("latency: 1s", "latency: 2s")) == before
    moved = fingerprints(tmp_path, WARD.replace("a.vn", "b.vn"))
    assert all(moved[name] != before[name] for name in before)
    assert fingerprints(tmp_path, head=HEAD.replace("method: GET", "method: GET, compression: ''")) == before
    other = fingerprints(tmp_path, head=HEAD.replace("method: GET", "method: POST"))
    assert {name for name in before if other[name] != before[name]} == {"portal"}


def test_the_fingerprint_sees_a_changed_secret_and_a_changed_pattern(tmp_path: Path) -> None:
    secret = HEAD.replace("method: GET", "bearer_token: '${T}', fail_if_body_matches_regexp: [a]")

    before = fingerprints(tmp_path, head=secret, T="one")

    assert fingerprints(tmp_path, head=secret, T="one") == before
    assert fingerprints(tmp_path, head=secret, T="two")["portal"] != before["portal"]
    assert fingerprints(tmp_path, head=secret.replace("[a]", "[b]"), T="one")["portal"] != before["portal"]


def test_relative_files_stand_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x")
    head = HEAD.replace("method: GET", "bearer_token_file: token, http_headers: {X-A: {files: [token]}}")

    options = load(write(tmp_path, WARD, head), environ={}).modules["web"].options.model_dump()

    assert options["bearer_token_file"] == tmp_path / "token"
    assert options["http_headers"]["X-A"]["files"] == (tmp_path / "token",)


def test_a_contact_comes_from_the_nearest_that_says_it(tmp_path: Path) -> None:
    head = f"{HEAD}defaults: {{contact: {{name: Default, phone: '1', circuit_id: C}}, hours: 24/7}}\n"

    config = load(write(tmp_path, WARD.replace("name: A,", "name: A, contact: {phone: ''},"), head), environ={})

    assert point(config, "a").contact == Contact(name="Kind's", phone="", provider="A", circuit_id="C")
    assert point(config, "hub").contact == Contact(name="Default", phone="1", circuit_id="C")
    assert point(config, "hub").hours == "24/7"


def test_the_kinds_own_host(tmp_path: Path) -> None:
    head = HEAD.replace("name: Phường, xã", 'host: "{id}.xa.vn"')

    config = load(write(tmp_path, "- {id: a, kind: ward, name: A, code: '1'}", head), environ={})

    assert endpoint(config, "a", "link").target == "a.xa.vn:443"


def test_a_host_may_be_an_address(tmp_path: Path) -> None:
    head = HEAD.replace('"{host}:{port}", link', '"[{host}]:{port}", link').replace(
        "https://{host}:", "https://[{host}]:"
    )
    ward = "- {id: a, kind: ward, name: A, code: '1', host: '2001:db8::1', endpoints: {dns: null}}"

    config = load(write(tmp_path, ward, head), environ={})

    assert endpoint(config, "a", "link").target == "[2001:db8::1]:443"


def test_options_that_a_template_fills_badly_are_told_at_the_template(tmp_path: Path) -> None:
    path = write(tmp_path, WARD, HEAD.replace('query_name: "{host}"', 'query_name: "{hosst}"'))

    assert messages(path) == [
        "20: kinds.ward.endpoints.dns.options: unknown template variable '{hosst}'; did you mean '{host}'?"
    ]


def test_a_wrong_option_of_the_kind_is_not_blamed_on_the_point(tmp_path: Path) -> None:
    head = HEAD.replace('query_name: "{host}"', 'query_name: "{host}", query_tipe: A')
    ward = WARD.replace("host: a.vn", "host: a.vn, endpoints: {dns: {options: {recursion_desired: false}}}")

    assert messages(write(tmp_path, ward, head)) == [
        "20: kinds.ward.endpoints.dns.options.query_tipe: unknown key 'query_tipe'; did you mean 'query_type'?"
    ]


def test_options_that_do_not_go_together(tmp_path: Path) -> None:
    ward = WARD.replace("host: a.vn", "host: a.vn, endpoints: {portal: {options: {body: x, body_file: y}}}")

    assert messages(write(tmp_path, ward)) == [
        "23: points[a].endpoints.portal.options: body and body_file exclude each other; keep one"
    ]


def test_one_mistake_in_a_kind_is_told_once(tmp_path: Path) -> None:
    wards = "\n".join(f"- {{id: w{n}, kind: ward, name: W, code: '{n}', host: w{n}.vn}}" for n in range(50))
    path = write(tmp_path, wards, HEAD.replace('target: "{host}:{port}", link', 'target: "{host}", link'))

    assert len(messages(path)) == 1


def test_a_duplicate_of_a_broken_point_is_still_found(tmp_path: Path) -> None:
    path = write(tmp_path, f"{WARD}\n- {{id: a, kind: ward, name: A, host: b.vn, code: '1', colour: red}}")

    assert [message.split(";")[0] for message in messages(path)] == [
        "24: points[a].colour: unknown key 'colour'",
        "24: points[a].id: 'a' is another point's id in line 23",
    ]
