"""Incidents in a browser: the panel's cards, sound, what operators do, the pages about them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from monitor.incidents.model import (
    Delivery,
    DeliveryOutcome,
    EventKind,
    Incident,
    IncidentEvent,
    Message,
    MessageKind,
)
from monitor.model import Flag, Status
from monitor.storage.records import Token
from monitor.web.access import digest
from tests.e2e.test_wall_browser import BA_VI, assert_whole
from tests.e2e.world import Open, Watched, World, make_id

AREA = "label:area=ba-vi"
EVIDENCE = {
    "point": "xa-vat-lai",
    "host": "xa-vat-lai.ward.lienthong.example",
    "address": "127.77.0.9",
    "seconds": 4.1,
    "resolution": [{"server": "127.77.0.2:5353", "ok": True, "seconds": 0.002, "reason": "ok", "detail": ""}],
    "tcp": [{"endpoint": "link", "port": 7443, "ok": False, "seconds": 2.0, "reason": "timeout", "detail": ""}],
    "ping": {"sent": 5, "received": 0, "rtt_seconds": None, "ok": False, "reason": "loss", "detail": ""},
    "tls": [],
    "path": {"hops": [{"hop": 1, "address": "10.1.2.1", "seconds": 0.003}], "reached": False, "trouble": ""},
    "last_good": [],
}
COUNT_TONES = """
window.tones = 0;
window.OscillatorNode = class extends OscillatorNode { start(at) { window.tones += 1; super.start(at); } };
"""


async def area_is_cut(world: World) -> Incident:
    """Eight communes of Ba Vì lost together, with evidence and a letter."""
    await world.decide(BA_VI, Status.UNREACHABLE, AREA, ago=timedelta(minutes=12))
    (incident,) = world.incidents.open()
    now = world.clock()
    sample = {**EVIDENCE, "begun": now.isoformat()}
    await told(world, incident, EventKind.EVIDENCE, evidence={"samples": [sample]})
    return incident


async def told(world: World, incident: Incident, kind: EventKind, *, actor: str = "", **data: Any) -> None:
    now = world.clock()
    event = IncidentEvent(
        id=make_id(), incident=incident.uid, kind=kind, at=now, recorded_at=now, actor=actor, data=data
    )
    await world.record([event])


async def test_a_shared_fault_is_one_card(served: World, open_page: Open) -> None:
    incident = await area_is_cut(served)
    page = await open_page()
    await expect(page.locator("h1")).to_have_text(re.compile(r"148/156 điểm hoạt động ổn định\s*·\s*1 sự cố"))
    await expect(page.locator("#verdict p")).to_have_text(
        re.compile(r"^Nặng nhất: cả 8 xã khu vực Ba Vì mất kết nối từ (hôm qua )?\d\d:\d\d, do đường truyền khu vực$")
    )
    await expect(page).to_have_title("(1) 148/156 ổn định")
    card = page.locator(".card")
    await expect(card).to_have_count(1)
    await expect(card.locator("h3 a")).to_have_attribute("href", f"/incidents/{incident.number}")
    for text in ("Khu vực Ba Vì mất kết nối", "8 xã bị ảnh hưởng", "12 phút", "đường đi dừng ở 10.1.2.1 (vòng 1)"):
        await expect(card).to_contain_text(text)
    await expect(card).to_contain_text("Lỗi ở đường truyền khu vực, không ở xã")
    await expect(card).to_contain_text("Nhà mạng A · 0900 000 412")
    await expect(card.locator(".pill")).to_contain_text("Chưa ai nhận")
    await expect(page.locator("#a-ba-vi .number")).to_contain_text(str(incident.number))
    label = re.compile(rf"^Xã Minh Châu, bị ảnh hưởng, sự cố {incident.number}, từ (hôm qua )?\d\d:\d\d$")
    await expect(page.locator("#t-xa-minh-chau")).to_have_attribute("aria-label", label)
    await told(served, incident, EventKind.ACKNOWLEDGED, actor="Trần Thu Hà", ticket="NM-88213")
    await expect(card).to_contain_text(re.compile(r"Trần Thu Hà nhận \d\d:\d\d · phiếu NM-88213"))
    await expect(page.locator(".panel .pill")).to_have_count(0)
    await assert_whole(page)


async def test_a_card_opens_to_its_points_by_keyboard_and_stays_open(served: World, open_page: Open) -> None:
    await area_is_cut(served)
    page = await open_page()
    await expect(page.locator(".touched li").first).to_be_hidden()
    await page.locator(".card summary").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".touched li")).to_have_count(8)
    await expect(page.locator(".touched li").first).to_be_visible()
    await served.decide(["xa-vat-lai"], Status.UP, "", ago=timedelta(seconds=5))
    await expect(page.locator(".touched li")).to_have_count(7)
    await expect(page.locator(".touched li").first).to_be_visible()


async def test_a_new_incident_sounds_once(served: World, open_page: Open) -> None:
    page = await open_page()
    await page.add_init_script(COUNT_TONES)
    await page.goto(served.url)
    await page.wait_for_selector("html[data-state=live]", state="attached")
    await page.keyboard.press("m")
    await expect(page.locator("#sound-text")).to_have_text("Âm báo bật")
    await served.slow(["xa-huong-son"], ago=timedelta(minutes=1))
    await expect(page.locator("#t-xa-huong-son.s-degraded")).to_be_visible()
    assert await page.evaluate("window.tones") == 0, "a slow point is no alarm"
    await served.decide(BA_VI[:7], Status.UNREACHABLE, AREA, ago=timedelta(seconds=9))
    await expect(page.locator(".card.s-down[data-news]")).to_have_count(1)
    assert await page.evaluate("window.tones") == 2, "one chime of two tones"
    await served.decide(BA_VI[7:], Status.UNREACHABLE, AREA, ago=timedelta(seconds=8))
    await expect(page.locator("#t-xa-yen-bai.s-unreachable")).to_be_visible()
    await served.decide(BA_VI, Status.UP, "", ago=timedelta(seconds=2))
    await expect(page.locator("#t-xa-yen-bai.s-fresh")).to_be_visible()
    assert await page.evaluate("window.tones") == 2, "nothing for who joins, nothing for a recovery"


async def test_muted_is_silent_and_remembered(served: World, open_page: Open) -> None:
    page = await open_page()
    await page.add_init_script(COUNT_TONES)
    await page.keyboard.press("m")
    await page.keyboard.press("m")
    await page.goto(served.url)
    await page.wait_for_selector("html[data-state=live]", state="attached")
    await expect(page.locator("#sound-text")).to_have_text("Âm báo tắt")
    await area_is_cut(served)
    await expect(page.locator(".card")).to_have_count(1)
    assert await page.evaluate("window.tones") == 0


async def test_what_was_there_when_the_page_came_is_no_news(served: World, open_page: Open) -> None:
    await area_is_cut(served)
    page = await open_page()
    await served.slow(["xa-huong-son"], ago=timedelta(minutes=1))
    await expect(page.locator(".card")).to_have_count(2)
    await expect(page.locator("[data-news]")).to_have_count(0)


async def test_keys_reach_the_first_incident_and_take_it(served: World, open_page: Open) -> None:
    incident = await area_is_cut(served)
    page = await open_page()
    await page.keyboard.press("i")
    await expect(page.locator(".card h3 a")).to_be_focused()
    await page.keyboard.press("a")
    await expect(page.locator("#act-title")).to_have_text(f"Nhận xử lý sự cố {incident.number}")
    await page.get_by_label("Tên của bạn").fill("Trần Thu Hà")
    await page.get_by_label("Số phiếu").fill("NM-88213")
    await page.keyboard.press("Enter")
    await expect(page.locator("#act")).to_be_hidden()
    await expect(page.locator(".card")).to_contain_text(re.compile("Trần Thu Hà nhận .* phiếu NM-88213"))


async def test_the_page_of_an_incident(served: World, open_page: Open) -> None:
    incident = await area_is_cut(served)
    page = await open_page(f"/incidents/{incident.number}", width=1366, height=768)
    await expect(page.locator("h1")).to_contain_text("Khu vực Ba Vì mất kết nối")
    await expect(page.locator("#affected tbody tr")).to_have_count(8)
    await expect(page.locator("#evidence-1")).to_contain_text("Bằng chứng: Xã Vật Lại")
    await expect(page.locator("#evidence-1")).to_contain_text("mất 100 %")
    await page.locator(".hops summary").click()
    await expect(page.locator(".hops")).to_contain_text("10.1.2.1")
    await expect(page.locator("#timeline")).to_contain_text("8 điểm: Xã Vật Lại")
    await page.get_by_role("button", name="Ghi chú").click()
    await page.get_by_label("Tên của bạn").fill("Lê Quốc Bảo")
    await page.locator("#act").get_by_label("Ghi chú").fill("Đang nối cáp.")
    await page.locator("#act-go").click()
    await expect(page.locator("#timeline li").first).to_contain_text("Ghi chú Lê Quốc Bảo Đang nối cáp.")
    await page.get_by_role("button", name="Tạm ngừng báo").click()
    await expect(page.get_by_label("Tên của bạn")).to_have_value("Lê Quốc Bảo")
    await page.locator("#act-go").click()
    await expect(page.locator("#trouble")).to_contain_text("tới khi phục hồi")
    await page.get_by_role("button", name="Ghi nguyên nhân").click()
    await page.locator("#act").get_by_label("Nguyên nhân").select_option("cable")
    await page.locator("#act-go").click()
    await expect(page.locator("#trouble")).to_contain_text("Đứt cáp")
    await served.decide(BA_VI, Status.UP, "", ago=timedelta(seconds=20))
    await expect(page.locator(".state")).to_contain_text("Đã đóng")
    await expect(page.locator(".state")).to_contain_text("Đứt cáp")
    await expect(page.get_by_role("button", name="Nhận xử lý")).to_have_count(0)


async def test_from_elsewhere_a_token_is_asked_for_once(served: World, open_page: Open, watched: Watched) -> None:
    watched.forgive("401")
    incident = await area_is_cut(served)
    await served.store.add_token(
        Token(id=make_id(), name="wall", digest=digest("lt_secret"), scope="operate", created_at=served.clock())
    )
    page = await open_page(f"/incidents/{incident.number}", width=1366, height=768)
    await page.route(
        "**/api/v1/incidents/**",
        lambda route: route.continue_(headers={**route.request.headers, "X-Forwarded-For": "10.0.0.9"}),
    )
    await page.get_by_role("button", name="Nhận xử lý").click()
    await expect(page.get_by_label("Mã truy cập")).to_be_hidden()
    await page.get_by_label("Tên của bạn").fill("Hà")
    await page.locator("#act-go").click()
    await expect(page.locator("#act-error")).to_have_text("Từ máy này cần mã truy cập.")
    await page.get_by_label("Mã truy cập").fill("lt_secret")
    await page.locator("#act-go").click()
    await expect(page.locator("#trouble")).to_contain_text("Hà nhận")
    await page.get_by_role("button", name="Ghi chú").click()
    await page.locator("#act").get_by_label("Ghi chú").fill("x")
    await page.locator("#act-go").click()
    await expect(page.locator("#act")).to_be_hidden()
    await expect(page.locator("#timeline li").first).to_contain_text("Ghi chú Hà")


async def letters(world: World, incident: Incident) -> None:
    now = world.clock()
    due = now - timedelta(minutes=12)
    opened, other = (
        Message(
            id=make_id(), incident=incident.uid, kind=MessageKind.OPENED, channel=channel, route="all",
            created_at=due, due_at=due, payload={"number": incident.number},
        )
        for channel in ("inbox", "mail")
    )  # fmt: skip
    delivered = Delivery(
        message=opened.id, at=now, outcome=DeliveryOutcome.DELIVERED, attempt=1, title="Ba Vì mất kết nối", text="8 xã"
    )
    failed = Delivery(message=other.id, at=now, outcome=DeliveryOutcome.FAILED, attempt=1, detail="connection refused")
    await world.store.write_entries([opened, other, delivered, failed])
    await told(world, incident, EventKind.TOLD, what="opened", channel="inbox", late_seconds=720, message=opened.id)


async def test_the_inbox(served: World, open_page: Open) -> None:
    page = await open_page("/inbox", width=1366, height=768)
    await expect(page.locator(".letters")).to_contain_text("Chưa có tin nào")
    incident = await area_is_cut(served)
    await letters(served, incident)
    said, undelivered = page.locator(".letters li", has_text="inbox"), page.locator(".letters li", has_text="mail")
    await expect(said).to_contain_text("Ba Vì mất kết nối")
    await expect(said).to_contain_text("gửi muộn 12 phút")
    await expect(undelivered).to_contain_text("chưa gửi được, sẽ gửi lại")
    await expect(undelivered).to_contain_text("connection refused")
    await said.get_by_role("link", name=f"sự cố {incident.number}").click()
    await expect(page.locator("#told li")).to_have_count(2)


async def test_the_wall_leads_to_the_inbox_when_there_is_one(served: World, open_page: Open) -> None:
    page = await open_page()
    await page.get_by_role("link", name="Hộp thư thử").click()
    await expect(page.locator("h1")).to_have_text("Hộp thư thử")


async def test_the_list_of_incidents(served: World, open_page: Open) -> None:
    incident = await area_is_cut(served)
    await served.fail(["phuong-cua-nam"], ago=timedelta(minutes=5))
    await served.recover(["phuong-cua-nam"], ago=timedelta(minutes=2))
    page = await open_page("/incidents", width=1366, height=768)
    await expect(page.locator("#open li")).to_have_count(1)
    await expect(page.locator("#open li")).to_contain_text("Khu vực Ba Vì mất kết nối")
    await expect(page.locator("#closed li")).to_have_count(1)
    await expect(page.locator("#closed li")).to_contain_text("Phường Cửa Nam mất kết nối")
    await page.goto(f"{served.url}/incidents?point=phuong-cua-nam")
    await page.wait_for_selector("html[data-state=live]", state="attached")
    await expect(page.locator("#picture")).to_have_attribute("data-source", "/incidents/picture?point=phuong-cua-nam")
    await expect(page.locator("#open")).to_contain_text("Không có sự cố nào đang mở.")
    await expect(page.locator("#closed li")).to_have_count(1)
    await page.goto(f"{served.url}/points/phuong-cua-nam")
    await page.get_by_role("link", name="Phường Cửa Nam mất kết nối").click()
    await expect(page.locator(".state")).to_contain_text("phục hồi")
    await page.goto(f"{served.url}/points/xa-vat-lai")
    await page.get_by_role("link", name="Khu vực Ba Vì mất kết nối").click()
    await expect(page).to_have_url(re.compile(f"/incidents/{incident.number}$"))


async def test_no_such_incident(served: World, open_page: Open, watched: Watched) -> None:
    watched.forgive("404")
    page = await open_page()
    for path in ("/incidents/99", "/incidents/x", "/incidents?point=nobody", "/incidents?cursor=!", "/inbox?cursor=!"):
        await page.goto(served.url + path)
        await expect(page.locator("h1")).to_have_text("Không có trang này")


async def test_flags_show_on_the_map(served: World, open_page: Open) -> None:
    await served.flag("phuong-lang", Flag.FLAPPING)
    await served.flag("phuong-thanh-liet", Flag.MAINTENANCE, source="w")
    page = await open_page()
    await expect(page.locator("#t-phuong-lang.s-flapping")).to_be_visible()
    await expect(page.locator("#t-phuong-thanh-liet.s-maintenance")).to_be_visible()
    await expect(page.locator(".card")).to_contain_text("Phường Láng chập chờn")


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_a_monitor_that_is_cut_off_says_so(served: World, open_page: Open, language: str) -> None:
    points = [point.id for point in served.board.config.points if point.counted]
    await served.decide(points, Status.UNKNOWN, "vantage:", ago=timedelta(minutes=2))
    page = await open_page(f"/?lang={language}")
    said = {
        "vi": "Chưa xác định: máy giám sát mất mạng phía mình từ",
        "en": "Unknown: the monitor lost its own network",
    }
    await expect(page.locator("h1")).to_contain_text(said[language])
    await expect(page.locator("#verdict.v-unknown")).to_be_visible()
    await assert_whole(page)


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("size", [(1920, 1080), (1366, 768)])
async def test_nothing_is_clipped_when_all_are_affected(
    served: World, open_page: Open, language: str, size: tuple[int, int]
) -> None:
    await served.decide(["hub"], Status.DOWN, "", ago=timedelta(minutes=3))
    points = [point.id for point in served.board.config.points if point.counted]
    await served.decide(points, Status.UNREACHABLE, "point:hub", ago=timedelta(minutes=3))
    page = await open_page(f"/?lang={language}", width=size[0], height=size[1])
    await expect(page.locator("#map .tile.s-unreachable")).to_have_count(156)
    await expect(page.locator(".card")).to_have_count(1)
    await assert_whole(page)


async def phone(page: Page) -> bool:
    await page.set_viewport_size({"width": 390, "height": 844})
    return bool(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


async def test_nothing_runs_off_a_phone(served: World, open_page: Open) -> None:
    incident = await area_is_cut(served)
    await letters(served, incident)
    for path in ("/", f"/incidents/{incident.number}", "/incidents", "/inbox", "/points/xa-vat-lai"):
        assert await phone(await open_page(path)), path
