"""A point's page, the list and the errors in a browser; and what a screen reader and a keyboard meet on all of them."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from monitor.model import Reason
from monitor.storage.store import Store
from tests.e2e.world import Open, Watched, World

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
AXE_RUN = Path(__file__).parent / "axe_run.js"
POINT = "/points/phuong-linh-nam"


async def trouble(world: World) -> None:
    """A few statuses at once."""
    await world.slow(["xa-huong-son", "website"], ago=timedelta(minutes=43))
    await world.fail(["xa-minh-chau", "xa-vat-lai", "xa-co-do"], ago=timedelta(minutes=12))
    await world.fail(["phuong-o-cho-dua"], ago=timedelta(minutes=8))
    await world.fail(["phuong-linh-nam"], Reason.HTTP_STATUS, "processing", only="portal", ago=timedelta(minutes=6))
    await world.recover(["phuong-o-cho-dua"], ago=timedelta(minutes=2))


async def test_a_point(served: World, open_page: Open) -> None:
    await trouble(served)
    page = await open_page(POINT, width=1366, height=768)
    await expect(page.locator("h1")).to_have_text("Phường Lĩnh Nam")
    await expect(page.locator(".head p")).to_contain_text("khu vực Hoàng Mai · mã 00328")
    await expect(page.locator(".state")).to_contain_text("Lỗi dịch vụ")
    await expect(page.locator("#trouble")).to_contain_text("Máy chủ trả lời báo lỗi. Lỗi ở Cổng một cửa.")
    await expect(page.locator("#endpoints ol li")).to_have_count(4)
    await expect(page.locator("#e-portal .swatch.s-down")).to_be_visible()
    await expect(page.locator("#e-exchange .bar > span")).to_have_count(5)
    await expect(page.locator("#contact")).to_contain_text("Đỗ Văn Long · 0900 000 283")
    await expect(page.locator("#uptime tbody tr")).to_have_count(3)
    await expect(page.locator("#uptime td").nth(1)).to_have_text("100 %")
    await expect(page.locator("#days g")).to_have_count(90)
    await expect(page.locator("#changes li").first).to_contain_text("Lỗi dịch vụ Cổng một cửa: máy chủ trả lời báo lỗi")
    await expect(page.locator("#chart canvas")).to_be_visible()
    await page.get_by_role("button", name="Đường truyền").click()
    await expect(page.get_by_role("button", name="Đường truyền")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#chart canvas")).to_be_visible()


async def test_a_point_follows_the_stream(served: World, open_page: Open) -> None:
    page = await open_page("/points/phuong-cua-nam", width=1366, height=768)
    await expect(page.locator(".state.s-stable")).to_be_visible()
    await served.fail(["phuong-cua-nam"], ago=timedelta(seconds=30))
    await expect(page.locator(".state.s-down")).to_be_visible()
    await expect(page.locator("#trouble")).to_contain_text("Hết thời gian chờ kết nối TCP")
    await expect(page).to_have_title("Phường Cửa Nam · Mất kết nối")


@pytest.mark.parametrize("path", ["/", POINT, "/points", "/points?status=trouble"])
async def test_nothing_runs_off_a_phone(served: World, open_page: Open, path: str) -> None:
    await trouble(served)
    page = await open_page(path) if path.startswith(POINT) or path == "/" else await visit(served, open_page, path)
    await page.set_viewport_size({"width": 390, "height": 844})
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def visit(world: World, open_page: Open, path: str) -> Page:
    """A page that isn't live."""
    page = await open_page()
    await page.goto(world.url + path)
    return page


async def test_the_present_is_shown_when_the_past_cannot_be_read(
    served: World, open_page: Open, watched: Watched, tmp_path: Path
) -> None:
    watched.forgive("503")
    await trouble(served)
    await served.die()
    await served.store.close()
    served.store = Store(f"sqlite:///{tmp_path}")
    await served.serve()
    page = await open_page(POINT, width=1366, height=768)
    await expect(page.locator(".state")).to_contain_text("Lỗi dịch vụ")
    await expect(page.locator("#uptime")).to_contain_text("Chưa đọc được lịch sử")
    await expect(page.locator("#changes")).to_contain_text("Chưa đọc được lịch sử")
    await page.goto(served.url)
    await expect(page.locator(".card").first).to_contain_text("mất kết nối")
    await served.store.close()


async def test_the_list(served: World, open_page: Open) -> None:
    await trouble(served)
    page = await visit(served, open_page, "/points?status=trouble")
    await expect(page.locator(".rows li")).to_have_count(6)
    await expect(page.locator(".rows li").first).to_contain_text("mất kết nối", ignore_case=True)
    await page.goto(served.url + "/points?area=ba-vi")
    await expect(page.locator("h1")).to_have_text("Các điểm: khu vực Ba Vì")
    await expect(page.locator(".rows li")).to_have_count(9)
    await page.get_by_role("searchbox").fill("khong co")
    await page.keyboard.press("Enter")
    await expect(page.locator(".rows")).to_contain_text("Không có điểm nào như vậy.")


async def test_a_page_that_is_not_there(served: World, open_page: Open, watched: Watched) -> None:
    watched.forgive("404")
    page = await visit(served, open_page, "/points/nowhere")
    await expect(page.locator("h1")).to_have_text("Không có trang này")
    await page.get_by_role("link", name="Bảng chung").click()
    await expect(page).to_have_url(re.compile("/$"))


async def violations(page: Page) -> list[dict[str, Any]]:
    """What axe-core finds that is serious or critical."""
    session = await page.context.new_cdp_session(page)
    await session.send("Runtime.evaluate", {"expression": AXE.read_text()})
    found = await session.send("Runtime.evaluate", {"expression": AXE_RUN.read_text(), "awaitPromise": True})
    await session.detach()
    return [each for each in json.loads(found["result"]["value"]) if each["impact"] in ("serious", "critical")]


@pytest.mark.parametrize(
    ("path", "width"),
    [
        ("/", 1920),
        ("/", 390),
        (POINT, 1366),
        (POINT, 390),
        ("/points", 1366),
        ("/nowhere", 390),
        ("/incidents", 1366),
        ("/incidents/1", 1366),
        ("/incidents/1", 390),
        ("/inbox", 390),
    ],
)
async def test_accessible(served: World, open_page: Open, watched: Watched, path: str, width: int) -> None:
    watched.forgive("404")
    await trouble(served)
    page = await open_page()
    await page.set_viewport_size({"width": width, "height": 1080})
    for language in ("vi", "en"):
        for theme in ("dark", "light"):
            await page.goto(f"{served.url}{path}?lang={language}&theme={theme}")
            if not path.startswith(("/points?", "/nowhere")) and path != "/points":
                await page.wait_for_selector("html[data-state=live]", state="attached")
            assert await violations(page) == [], (language, theme)
