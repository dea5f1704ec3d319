"""The wall in a browser: what it shows, that nothing is clipped, and that it never lies."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from monitor.config import load
from monitor.config.model import Config
from monitor.model import Reason, Status
from tests.e2e.world import INVENTORY, Open, Watched, World

BA_VI = [
    f"xa-{name}" for name in ("vat-lai", "co-do", "quang-oai", "minh-chau", "bat-bat", "suoi-hai", "ba-vi", "yen-bai")
]
LAYOUT = (Path(__file__).parent / "layout.js").read_text()


async def mixed(world: World) -> None:
    """Several statuses at once."""
    await world.fail(["phuong-lang"], Reason.DNS, "request", only="dns", ago=timedelta(minutes=70))
    await world.slow(["xa-huong-son"], ago=timedelta(minutes=43))
    await world.slow(["hotline-19001009"], ago=timedelta(minutes=16))
    await world.decide(BA_VI, Status.UNREACHABLE, "label:area=ba-vi", ago=timedelta(minutes=12))
    await world.fail(["phuong-o-cho-dua"], ago=timedelta(minutes=8))
    await world.fail(["phuong-linh-nam"], Reason.HTTP_STATUS, "processing", only="portal", ago=timedelta(minutes=6))
    await world.recover(["phuong-o-cho-dua"], ago=timedelta(minutes=2))


async def assert_whole(page: Page) -> None:
    """Nothing is clipped, nothing lies over another thing, nothing scrolls."""
    assert await page.evaluate(LAYOUT) == {"clipped": [], "overlapping": [], "scrolls": [False, False]}


async def test_all_stable(served: World, open_page: Open) -> None:
    page = await open_page()
    await expect(page.locator("h1")).to_have_text("Tất cả 156 điểm hoạt động ổn định")
    await expect(page.locator("#verdict p")).to_have_text("Không có sự cố. Bảy dịch vụ dùng chung đều ổn định.")
    await expect(page.locator("#map .tile.s-stable")).to_have_count(156)
    await expect(page.locator(".cell")).to_have_count(30)
    await expect(page.locator("#panel h2").first).to_have_text("Không có sự cố")
    await expect(page).to_have_title("156/156 ổn định")
    await assert_whole(page)


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("size", [(1920, 1080), (1366, 768), (3840, 2160)])
async def test_nothing_is_clipped_when_mixed(
    served: World, open_page: Open, language: str, size: tuple[int, int]
) -> None:
    await mixed(served)
    page = await open_page(f"/?lang={language}", width=size[0], height=size[1])
    await assert_whole(page)


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_nothing_is_clipped_when_all_is_down(served: World, open_page: Open, language: str) -> None:
    points = [point.id for point in served.board.config.points]
    await served.decide(points, Status.DOWN, "", ago=timedelta(minutes=3))
    page = await open_page(f"/?lang={language}")
    await expect(page.locator("#map .tile.s-down")).to_have_count(156)
    await expect(page.locator(".cell.alarm")).to_have_count(30)
    await assert_whole(page)


async def test_nothing_is_clipped_after_a_start(config: Config, served: World, open_page: Open) -> None:
    served.board.reload(Config())
    served.board.reload(config)
    await served.all_up()
    page = await open_page()
    await expect(page.locator("h1")).to_have_text("156 điểm đang hoạt động, chưa đủ 5 phút")
    await expect(page.locator("#map .tile.s-fresh")).to_have_count(156)
    await assert_whole(page)


async def test_nothing_is_clipped_when_nothing_is_declared(served: World, open_page: Open) -> None:
    served.board.reload(load(INVENTORY))
    page = await open_page()
    await expect(page.locator("h1")).to_have_text("Chưa có điểm nào được khai báo")
    await expect(page.locator("#map .tile.s-undeclared")).to_have_count(156)
    await expect(page.locator("#infrastructure")).to_contain_text("168 điểm chưa khai báo")
    await assert_whole(page)


async def test_trouble_is_listed_worst_first_in_plain_words(served: World, open_page: Open) -> None:
    await served.slow(["xa-huong-son"], ago=timedelta(minutes=43))
    await served.fail(["xa-minh-chau"], ago=timedelta(minutes=12))
    await served.fail(["phuong-linh-nam"], Reason.HTTP_STATUS, "processing", only="portal", ago=timedelta(minutes=6))
    page = await open_page()
    await expect(page.locator("h1")).to_have_text(re.compile(r"153/156 điểm hoạt động ổn định\s*·\s*3 sự cố"))
    cards = page.locator(".card")
    await expect(cards).to_have_count(3)
    await expect(cards.nth(0)).to_contain_text("Xã Minh Châu mất kết nối")
    await expect(cards.nth(0)).to_contain_text("12 phút")
    await expect(cards.nth(0)).to_contain_text("Hết thời gian chờ kết nối TCP.")
    await expect(cards.nth(0)).to_contain_text("Lỗi ở Đường truyền")
    await expect(cards.nth(0).locator("a[href='tel:0900000283']")).to_have_text("Đỗ Văn Long · 0900 000 283")
    await expect(cards.nth(1)).to_contain_text("Phường Lĩnh Nam lỗi dịch vụ")
    await expect(cards.nth(2)).to_contain_text("Xã Hương Sơn suy giảm")
    tile = page.locator("#t-xa-minh-chau")
    label = re.compile(r"^Xã Minh Châu, mất kết nối, sự cố 2, từ (hôm qua )?\d\d:\d\d$")
    await expect(tile).to_have_attribute("aria-label", label)
    await expect(tile.locator("use")).to_have_attribute("href", "#g-down")


async def test_a_row_names_the_endpoint_and_whom_to_call(served: World, open_page: Open) -> None:
    wards = ["xa-minh-chau", "phuong-linh-nam", "phuong-cua-nam", "xa-vat-lai", "xa-co-do", "xa-suoi-hai"]
    for number, ward in enumerate(wards):
        await served.fail([ward], ago=timedelta(minutes=16 - number))
    page = await open_page()
    rows = page.locator(".card.row")
    await expect(rows).not_to_have_count(0)
    for row in await rows.all():
        await expect(row).to_contain_text("Đường truyền: Hết thời gian chờ kết nối TCP")
    assert await page.locator(".card.row a[href^='tel:']").count() == await rows.count()
    await assert_whole(page)


async def test_a_change_arrives_without_a_reload(served: World, open_page: Open) -> None:
    page = await open_page()
    await page.evaluate("window.same = document.getElementById('t-phuong-cua-nam')")
    await served.fail(["phuong-cua-nam"], ago=timedelta(seconds=30))
    await expect(page.locator("#t-phuong-cua-nam.s-down")).to_be_visible()
    assert await page.evaluate("window.same === document.getElementById('t-phuong-cua-nam')")
    await expect(page).to_have_title("(1) 155/156 ổn định")
    await served.recover(["phuong-cua-nam"])
    await expect(page.locator("#t-phuong-cua-nam.s-fresh")).to_be_visible()
    await expect(page.locator("#c-fresh b")).to_have_text("1")


async def test_a_lost_server_is_told_and_colour_comes_back_with_it(
    served: World, open_page: Open, watched: Watched
) -> None:
    watched.forgive("ERR_CONNECTION_REFUSED")
    page = await open_page()
    await expect(page.locator(".lost")).to_be_hidden()
    await served.die()
    await page.wait_for_selector("html[data-state=lost]", state="attached", timeout=30_000)
    await expect(page.locator(".lost-title")).to_have_text("Mất liên lạc với máy chủ giám sát")
    await expect(page.locator("#lost-since")).to_have_text(re.compile(r"^Hình dừng lúc \d\d:\d\d:\d\d\.$"))
    for size in ({"width": 390, "height": 844}, {"width": 1920, "height": 1080}):
        await page.set_viewport_size(size)
        filters = await page.evaluate(
            "[...document.querySelectorAll('#picture > *')].map(one => getComputedStyle(one).filter)"
        )
        assert filters
        assert all("grayscale(1)" in one for one in filters)
    await served.fail(["phuong-cua-nam"])
    await served.serve()
    await page.wait_for_selector("html[data-state=live]", state="attached", timeout=30_000)
    await expect(page.locator("#t-phuong-cua-nam.s-down")).to_be_visible()
    await expect(page.locator(".banner.back")).to_have_text(re.compile(r"^Đã nối lại lúc"))


async def test_a_picture_that_cannot_be_had_is_a_lost_server_though_the_stream_goes_on(
    served: World, open_page: Open, watched: Watched
) -> None:
    watched.forgive("500")
    page = await open_page()
    await page.route("**/picture", lambda route: route.fulfill(status=500))
    await served.fail(["phuong-cua-nam"])
    await expect(page.locator(".lost")).to_be_visible(timeout=30_000)
    await expect(page.locator("#lost-since")).to_have_text(re.compile(r"^Hình dừng lúc \d\d:\d\d:\d\d\.$"))
    await page.unroute("**/picture")
    await expect(page.locator("#t-phuong-cua-nam.s-down")).to_be_visible(timeout=30_000)
    await expect(page.locator(".lost")).to_be_hidden()


async def test_a_page_that_hears_nothing_shows_the_banner(served: World, open_page: Open, watched: Watched) -> None:
    watched.forgive("ERR_FAILED")
    page = await open_page()
    await page.route("**/api/v1/stream", lambda route: route.abort())
    await page.goto(served.url)
    await expect(page.locator(".lost")).to_be_visible(timeout=30_000)


async def test_a_page_whose_script_never_runs_shows_the_banner(
    served: World, open_page: Open, watched: Watched
) -> None:
    watched.forgive("ERR_FAILED")
    page = await open_page()
    await page.route("**/*.js?*", lambda route: route.abort())
    await page.goto(served.url)
    await expect(page.locator(".lost")).to_be_visible(timeout=30_000)


async def test_search_ignores_diacritics(served: World, open_page: Open) -> None:
    page = await open_page()
    await page.keyboard.press("/")
    await page.keyboard.type("cua nam")
    bright = page.locator("#map .tile:not([data-dim])")
    await expect(bright).to_have_count(1)
    await expect(bright).to_have_attribute("href", "/points/phuong-cua-nam")
    await page.keyboard.press("Escape")
    await expect(page.locator("#map .tile[data-dim]")).to_have_count(0)
    await page.keyboard.press("/")
    await page.keyboard.type("00082")
    await expect(bright).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/points/phuong-cua-nam$"))


async def test_keys(served: World, open_page: Open) -> None:
    await mixed(served)
    page = await open_page()
    await page.keyboard.press("4")
    await expect(page.locator("#map .tile:not([data-dim])")).to_have_count(1)
    await page.keyboard.press("3")
    await expect(page.locator("#map .tile:not([data-dim])")).to_have_count(8)
    await expect(page.locator("#c-unreachable")).to_have_attribute("aria-pressed", "true")
    await served.decide(["phuong-cua-nam"], Status.UNREACHABLE, "point:hub", ago=timedelta())
    await expect(page.locator("#map .tile:not([data-dim])")).to_have_count(9)
    await page.keyboard.press("3")
    await expect(page.locator("#map .tile[data-dim]")).to_have_count(0)
    await page.locator("#t-phuong-ba-dinh").focus()
    await page.keyboard.press("ArrowLeft")
    assert await page.evaluate("document.activeElement.id") == "t-phuong-ngoc-ha"
    await page.keyboard.press("ArrowDown")
    assert await page.evaluate("document.activeElement.id") == "t-phuong-giang-vo"
    await page.keyboard.press("i")
    await expect(page.locator(".card.large a").first).to_be_focused()
    await page.keyboard.press("?")
    await expect(page.locator("#help")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#help")).to_be_hidden()
    await page.keyboard.press("m")
    await expect(page.locator("#sound-text")).to_have_text("Âm báo bật")
    await page.keyboard.press("m")
    await expect(page.locator("#sound-text")).to_have_text("Âm báo tắt")


async def test_language_and_theme_are_remembered(served: World, open_page: Open) -> None:
    page = await open_page()
    await page.keyboard.press("l")
    await expect(page.locator("h1")).to_have_text("All 156 points stable")
    await page.wait_for_selector("html[data-state=live]", state="attached")
    await page.keyboard.press("t")
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    await page.goto(served.url + "/points")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_banners_cover_nothing(served: World, open_page: Open, language: str) -> None:
    served.banners = ["simulated", "unwritten", "spooling"]
    page = await open_page(f"/?lang={language}")
    await expect(page.locator(".banner")).to_have_count(3)
    await assert_whole(page)


async def test_banners(served: World, open_page: Open) -> None:
    served.banners = ["simulated", "unwritten"]
    page = await open_page()
    await expect(page.locator(".banner.simulated")).to_have_text("Mạng mô phỏng")
    await expect(page.locator(".banner.unwritten")).to_have_text("Chưa ghi được xuống đĩa, đang giữ tạm")
    served.banners = ["simulated"]
    await expect(page.locator(".banner.unwritten")).to_have_count(0)


async def test_old_data_are_told_until_new_ones_come(served: World, open_page: Open) -> None:
    endpoint = served.endpoints("phuong-cua-nam")[0]
    await served.feed([served.up(endpoint, served.clock())])
    page = await open_page()
    late, text = page.locator("html[data-late]"), page.locator("#freshness-text")
    await expect(text).to_have_text(re.compile(r"^Dữ liệu mới"))
    served.clock.shift += timedelta(days=1)
    await expect(text).to_have_text(re.compile(r"^Dữ liệu cũ 1 ngày"))
    await expect(late).to_have_count(1)
    await served.feed([served.up(endpoint, served.clock())], age=False)
    await expect(text).to_have_text(re.compile(r"^Dữ liệu mới"))
    await expect(late).to_have_count(0)


async def test_the_phone(served: World, open_page: Open) -> None:
    await mixed(served)
    page = await open_page(width=390, height=844)
    assert (await page.evaluate(LAYOUT))["scrolls"][0] is False
    await expect(page.locator(".cell").first).to_be_visible()
    await expect(page.locator(".tile").first).to_be_hidden()
    await page.mouse.wheel(0, 900)
    await expect(page.locator("#short")).to_be_visible()
    await page.locator("#search").fill("cua nam")
    await page.keyboard.press("Enter")
    await expect(page.locator(".rows li")).to_have_count(1)
    await expect(page.locator(".rows li")).to_contain_text("Phường Cửa Nam")
