"""Channels, routes and the rest of ``alerts:``."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.channels.email import EmailOptions
from monitor.channels.inbox import InboxOptions
from monitor.channels.webhook import WebhookOptions
from monitor.config import load
from monitor.config.model import Alerts, ChannelSettings, Config, Escalation, Matcher, Route
from monitor.config.routes import never_asked
from tests.unit.config.worlds import HEAD, write

WARD = "- {id: a, kind: ward, name: A, code: 00004, host: a.vn}"
INBOX = "inbox: {type: inbox}"


def made(tmp_path: Path, alerts: str, **environ: str) -> Config:
    return load(write(tmp_path, WARD, f"{HEAD}alerts:\n{alerts}\n"), environ=environ)


def test_a_channel_has_what_its_type_declares_and_what_all_have(tmp_path: Path) -> None:
    config = made(
        tmp_path,
        """
  url: https://giamsat.vn/
  channels:
    inbox: {type: inbox}
    hook: {type: webhook, url: "https://hook.vn/x", language: en, form: short, rate: 20/1m30s, give_up_after: 1d}
    duty_mail: {type: email, host: mail.vn, sender: a@b.vn, to: [c@d.vn]}
""",
    )

    alerts = config.alerts
    hook = alerts.channels["hook"]
    assert alerts.url == "https://giamsat.vn"
    assert list(alerts.channels) == ["inbox", "hook", "duty_mail"]
    assert alerts.channels["inbox"] == ChannelSettings(name="inbox", kind="inbox", options=InboxOptions())
    assert (hook.name, hook.kind, hook.language, hook.form) == ("hook", "webhook", "en", "short")
    assert (hook.rate, hook.rate_per, hook.give_up_after) == (20, timedelta(seconds=90), timedelta(days=1))
    assert isinstance(hook.options, WebhookOptions)
    assert hook.options.url.get_secret_value() == "https://hook.vn/x"
    assert isinstance(alerts.channels["duty_mail"].options, EmailOptions)


def test_a_route_says_all_that_it_can(tmp_path: Path) -> None:
    config = made(
        tmp_path,
        """
  channels: {inbox: {type: inbox}, sms: {type: inbox}}
  routes:
    - name: cut off
      to: [inbox, sms]
      match:
        severity: [critical, warning]
        kind: ward
        area: ["!=ba-vi", "!=son-tay"]
        provider: "=~VNPT.*"
        exchange: "!~HN.*"
        code: 00004
      when: outside_office_hours
      continue: true
      group_wait: 5m
      remind_every: never
      escalate:
        - {after: 15m, to: sms}
        - {after: 1h, to: [sms, inbox]}
    - {name: the rest, to: inbox}
  last_resort: sms
  never_after: 20m
  heartbeat_url: https://dead.man/switch
  heartbeat_every: 2m
""",
    )

    alerts = config.alerts
    assert alerts.routes == (
        Route(
            name="cut off",
            channels=("inbox", "sms"),
            match=(
                Matcher(label="severity", values=("critical", "warning")),
                Matcher(label="kind", values=("ward",)),
                Matcher(label="area", values=("ba-vi", "son-tay"), negated=True),
                Matcher(label="provider", pattern="VNPT.*"),
                Matcher(label="exchange", pattern="HN.*", negated=True),
                Matcher(label="code", values=("00004",)),
            ),
            when="outside_office_hours",
            go_on=True,
            group_wait=timedelta(minutes=5),
            remind_every=None,
            escalate=(
                Escalation(after=timedelta(minutes=15), channels=("sms",)),
                Escalation(after=timedelta(hours=1), channels=("sms", "inbox")),
            ),
        ),
        Route(name="the rest", channels=("inbox",)),
    )
    assert (alerts.last_resort, alerts.never_after) == ("sms", timedelta(minutes=20))
    assert (alerts.heartbeat_url, alerts.heartbeat_every) == ("https://dead.man/switch", timedelta(minutes=2))


def test_secrets_come_from_the_environment_and_from_files(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2\n")
    (tmp_path / "urls").write_text("http://one:9093\n\n  http://two:9093\n")
    (tmp_path / "heartbeat").write_text("https://hunter2.vn/alive\n")

    config = made(
        tmp_path,
        """
  heartbeat_url_file: heartbeat
  channels:
    mail: {type: email, host: mail.vn, user: me, password_file: password, sender: a@b.vn, to: [c@d.vn]}
    hook: {type: webhook, url: "${HOOK}"}
    alertmanager: {type: alertmanager, urls_file: urls}
""",
        HOOK="https://hook.vn/hunter2",
    )

    options = {name: channel.options.model_dump() for name, channel in config.alerts.channels.items()}
    assert options["mail"]["password"].get_secret_value() == "hunter2"
    assert options["hook"]["url"].get_secret_value() == "https://hook.vn/hunter2"
    assert [url.get_secret_value() for url in options["alertmanager"]["urls"]] == ["http://one:9093", "http://two:9093"]
    assert config.alerts.heartbeat_url == "https://hunter2.vn/alive"
    assert "hunter2" not in repr(config)


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise's
def test_what_lets_others_write_to_a_channel_is_masked(tmp_path: Path) -> None:
    config = made(
        tmp_path,
        """
  url: https://giamsat.vn
  heartbeat_url: https://dead.man/hunter2
  channels:
    hook:
      type: webhook
      url: https://hook.vn/hunter2
      secret: hunter2hunter2hunter2
      headers: {X-Room: hunter2}
    zalo: {type: apprise, urls: ["json://127.0.0.1/hunter2"], rate: 1/1m}
    siren: {type: command, argv: [/bin/true], env: {PIN: hunter2}}
    mail: {type: email, host: mail.vn, user: me, password: hunter2, sender: a@b.vn, to: [c@d.vn]}
""",
    )

    shown = json.dumps(config.document["alerts"])
    assert "hunter2" not in shown
    assert "hunter2" not in repr(config)
    for kept in ("https://giamsat.vn", '"type": "webhook"', '"rate": "1/1m"', "/bin/true", "mail.vn", "c@d.vn"):
        assert kept in shown
    assert shown.count("<secret>") == 7


def test_a_file_without_alerts_tells_nobody(tmp_path: Path) -> None:
    assert load(write(tmp_path, WARD), environ={}).alerts == Alerts()


def route(name: str, *match: Matcher, when: str = "always", go_on: bool = False) -> Route:
    return Route(name=name, channels=("x",), match=match, when=when, go_on=go_on)  # type: ignore[arg-type]  # by table


WARDS = Matcher(label="kind", values=("ward",))
PLACES = Matcher(label="kind", values=("ward", "branch"))
BAD = Matcher(label="severity", values=("critical",))
VNPT = Matcher(label="provider", pattern="VNPT.*")
NOT_WARDS = Matcher(label="kind", values=("ward",), negated=True)


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ([route("a"), route("b")], [(1, "a")]),
        ([route("a", go_on=True), route("b")], []),
        ([route("a", WARDS), route("b")], []),
        ([route("a", PLACES), route("b", WARDS)], [(1, "a")]),
        ([route("a", WARDS), route("b", PLACES)], []),
        ([route("a", WARDS), route("b", WARDS, BAD)], [(1, "a")]),
        ([route("a", WARDS, BAD), route("b", WARDS)], []),
        ([route("a", VNPT), route("b", VNPT)], [(1, "a")]),
        ([route("a", NOT_WARDS), route("b", NOT_WARDS)], [(1, "a")]),
        ([route("a", NOT_WARDS), route("b", WARDS)], []),
        ([route("a", PLACES), route("b", NOT_WARDS)], []),
        ([route("a", when="office_hours"), route("b")], []),
        ([route("a", when="office_hours"), route("b", when="office_hours")], [(1, "a")]),
        ([route("a", when="office_hours"), route("b", when="outside_office_hours"), route("c")], [(2, "a")]),
        ([route("a", when="office_hours"), route("b", when="outside_office_hours", go_on=True), route("c")], []),
    ],
)
def test_routes_that_never_get_their_turn(routes: list[Route], expected: list[tuple[int, str]]) -> None:
    assert never_asked(routes) == expected


_LABELS = {"kind": ("ward", "branch", "hub"), "severity": ("critical", "info")}
_matchers = st.sampled_from(sorted(_LABELS)).flatmap(
    lambda label: st.builds(
        Matcher,
        label=st.just(label),
        values=st.lists(st.sampled_from(_LABELS[label]), min_size=1, unique=True).map(tuple),
        negated=st.booleans(),
    )
)
_routes = st.builds(
    Route,
    name=st.just("r"),
    channels=st.just(("x",)),
    match=st.lists(_matchers, max_size=2).map(tuple),
    when=st.sampled_from(["always", "office_hours", "outside_office_hours"]),
    go_on=st.booleans(),
)


def _fits(one: Route, kind: frozenset[str], severity: str, office: bool) -> bool:
    labels = {"kind": kind, "severity": {severity}}
    times = {"always", "office_hours" if office else "outside_office_hours"}
    return one.when in times and all(
        bool(labels[matcher.label] & set(matcher.values)) is not matcher.negated for matcher in one.match
    )


@given(st.lists(_routes, max_size=4))
def test_a_route_that_is_called_useless_is_so(routes: list[Route]) -> None:
    """By trying every incident that there can be; an incident may touch points of several kinds."""
    kinds = [frozenset(some) for some in (["ward"], ["branch"], ["hub"], ["ward", "branch"], ["ward", "branch", "hub"])]
    asked: set[int] = set()
    for kind, severity, office in [(k, s, o) for k in kinds for s in _LABELS["severity"] for o in (True, False)]:
        for position, one in enumerate(routes):
            if _fits(one, kind, severity, office):
                asked.add(position)
                if not one.go_on:
                    break

    assert not asked & {position for position, _ in never_asked(routes)}
