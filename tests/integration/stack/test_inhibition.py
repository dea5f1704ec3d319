"""The shipped configuration in a real Alertmanager: what holds back what, and what people read."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import aiohttp
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.integration.stack.processes import answers, free_port, process, until
from tests.integration.stack.test_routes import FILE, WARD, WEST, incident, rule

HUB = rule("HubDown", point="hub", kind="hub", status="down")
CIRCUIT = rule("CircuitDown", point="circuit-1", kind="circuit", status="down")
SERVICE = rule("ServiceDown", point="exchange-platform", kind="service", status="down")
DOWN = rule("PointDown", status="down", **WARD)
FAULTY = rule("PointFaulty", status="faulty", **WARD)
DEGRADED = rule("PointDegraded", status="degraded", **WARD)
UNREACHABLE = rule("PointUnreachable", status="unreachable", **WARD)
THIRD = {"point": "xa-dong-anh", "kind": "ward", "area": "dong-anh"}
BAD_PAGE = rule("PointFaulty", status="faulty", **THIRD)
FAR = rule("PointDown", status="down", **WEST)
AREA = rule("AreaDown", area="ba-dinh")

CASES = [
    ("hub over circuit and point", HUB, [CIRCUIT, DOWN, UNREACHABLE, AREA, rule("SloBurnFast")], [SERVICE]),
    (
        "the monitor's hub over its points",
        incident("point:hub", "critical"),
        [incident("point:phuong-ba-dinh", "critical")],
        [],
    ),
    ("circuit over what it slows or cuts off", CIRCUIT, [DEGRADED, UNREACHABLE], [FAR, BAD_PAGE]),
    (
        "circuit over points of that circuit",
        {**CIRCUIT, "circuit": "1"},
        [{**DOWN, "circuit": "1"}],
        [{**FAR, "circuit": "2"}],
    ),
    ("area over its points", AREA, [DOWN, UNREACHABLE, incident("point:phuong-ba-dinh", "critical")], [FAR, BAD_PAGE]),
    (
        "provider over its points",
        incident("label:provider=VNPT", "critical"),
        [{**DOWN, "provider": "VNPT"}],
        [{**FAR, "provider": "FPT"}, {**BAD_PAGE, "provider": "VNPT"}],
    ),
    ("exchange over its points", incident("label:exchange=HN1", "critical"), [{**DOWN, "exchange": "HN1"}], [FAR]),
    (
        "a service over the pages that need it",
        SERVICE,
        [FAULTY],
        [FAR, rule("PointDegraded", status="degraded", **THIRD)],
    ),
    ("cut off over faulty and slow", DOWN, [FAULTY, DEGRADED], [FAR]),
    ("unreachable over slow", UNREACHABLE, [DEGRADED], [rule("PointDegraded", status="degraded", **WEST)]),
    (
        "isolated over all of it",
        rule("VantageIsolated"),
        [HUB, AREA, DOWN, rule("PointsNeverUp")],
        [rule("MonitorReloadFailed")],
    ),
    ("the monitor's own isolation too", incident("vantage:", "critical"), [incident("point:hub", "critical")], []),
    (
        "the network over areas",
        rule("NetworkDown"),
        [AREA, DOWN, rule("SloBurnSlow")],
        [rule("MonitorDiskLow", of="spool")],
    ),
    (
        "a dead monitor over what follows",
        rule("MonitorDown"),
        [rule("MonitorMetricsMissing")],
        [rule("StackPartDown"), DOWN],
    ),
    (
        "full over filling",
        rule("MonitorDiskFull", of="spool"),
        [rule("MonitorDiskLow", of="spool")],
        [rule("MonitorDiskLow", of="database")],
    ),
    ("stale over unknown", rule("MonitorResultsStale"), [rule("MonitorManyUnknown")], [rule("MonitorClockSetBack")]),
    ("fast over slow", rule("SloBurnFast"), [rule("SloBurnSlow")], []),
    (
        "labels that both lack are not equal",
        rule("CircuitDown", kind="circuit"),
        [],
        [DOWN, incident("point:phuong-ba-dinh", "critical")],
    ),
]


class Mails:
    """What arrived at the mail server."""

    def __init__(self) -> None:
        self.got: list[tuple[list[str], EmailMessage]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  (its name)
        mail = cast("EmailMessage", message_from_bytes(cast("bytes", envelope.content), policy=policy.default))
        self.got.append((envelope.rcpt_tos, mail))
        return "250 OK"


@pytest.fixture
def mails() -> Any:
    handler = Mails()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    handler.port = controller.port  # type: ignore[attr-defined]
    yield handler
    controller.stop()


@pytest.fixture
async def url(tmp_path: Path, mails: Any) -> AsyncIterator[str]:
    """A real Alertmanager over the shipped files. Replaced: addresses, what the mail server here cannot do, waits."""
    text = FILE.read_text("utf-8").replace("mail.lienthong.example:587", f"127.0.0.1:{mails.port}")
    text = text.replace("smtp_require_tls: true", "smtp_require_tls: false")
    text = text.replace("group_wait: 10s", "group_wait: 1s").replace("group_interval: 1m", "group_interval: 1s")
    lines = [line for line in text.splitlines() if not line.strip().startswith("smtp_auth_")]
    await asyncio.to_thread(shutil.copytree, FILE.parent / "templates", tmp_path / "templates")
    await asyncio.to_thread((tmp_path / "alertmanager.yml").write_text, "\n".join(lines), "utf-8")
    at = f"127.0.0.1:{free_port()}"
    words = ["prometheus-alertmanager", f"--config.file={tmp_path}/alertmanager.yml", f"--storage.path={tmp_path}/data"]
    words += [f"--web.listen-address={at}", "--cluster.listen-address="]
    async with process(*words, log=tmp_path / "log"):
        await until(lambda: answers(f"http://{at}/-/ready"), "Alertmanager")
        yield f"http://{at}"


BEGUN = datetime.now(UTC) - timedelta(minutes=5)


async def post(
    at: str, *alerts: dict[str, str], ends: datetime | None = None, notes: Mapping[str, str] = MappingProxyType({})
) -> None:
    now = datetime.now(UTC)
    body = [
        {
            "labels": labels, "annotations": dict(notes), "startsAt": BEGUN.isoformat(),
            "endsAt": (ends or now + timedelta(minutes=10)).isoformat(),
        }
        for labels in alerts
    ]  # fmt: skip
    async with aiohttp.ClientSession() as session, session.post(f"{at}/api/v2/alerts", json=body) as answer:
        assert answer.status == 200, await answer.text()


async def held_back(url: str) -> dict[str, bool]:
    """By labels: whether another alert holds it back."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/api/v2/alerts") as answer:
        return {name(each["labels"]): bool(each["status"]["inhibitedBy"]) for each in await answer.json()}


def name(labels: dict[str, str]) -> str:
    return json.dumps(labels, sort_keys=True)


async def test_what_holds_back_what(url: str) -> None:
    """One Alertmanager for all: what was tried is ended before the next."""
    for title, source, held, free in CASES:
        await post(url, source, *held, *free)
        expected = {name(source): False, **{name(each): True for each in held}, **{name(each): False for each in free}}

        async def as_expected(expected: dict[str, bool] = expected) -> bool:
            return await held_back(url) == expected

        try:
            await until(as_expected, title)
        except AssertionError:
            assert await held_back(url) == expected, title
        await post(url, source, *held, *free, ends=datetime.now(UTC) - timedelta(seconds=1))

        async def gone() -> bool:
            return not await held_back(url)

        await until(gone, f"the end of: {title}")


async def test_people_read_it_in_vietnamese(url: str, mails: Any) -> None:
    notes = {
        "summary": "Phường Ba Đình mất kết nối", "description": "Điểm không trả lời <b>.",
        "runbook_url": "docs/runbooks/PointDown.md", "url": "https://giamsat.example/incidents/12",
    }  # fmt: skip
    await post(url, DOWN, notes=notes)

    async def come() -> Any:
        return mails.got

    [(whom, mail)] = await until(come, "the mail")
    assert whom == ["truc-ban@lienthong.example"]
    assert mail["Subject"] == "[KHẨN] Phường Ba Đình mất kết nối"
    text = mail.get_body(("plain",)).get_content()
    assert "ĐANG XẢY RA" in text
    for value in notes.values():
        assert value in text
    assert f"Từ {BEGUN + timedelta(hours=7):%H:%M %d/%m/%Y}" in text
    html = mail.get_body(("html",)).get_content()
    assert "Đang xảy ra" in html
    assert "trả lời &lt;b&gt;." in html
    mails.got.clear()
    await post(url, DOWN, ends=datetime.now(UTC) - timedelta(seconds=1), notes=notes)
    [(_, mail)] = await until(come, "the mail of its end")
    assert mail["Subject"] == "[ĐÃ HẾT] Phường Ba Đình mất kết nối"
    assert "hết lúc" in mail.get_body(("plain",)).get_content()
