"""A browser and a served world for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, async_playwright

from monitor.config import load
from monitor.config.model import Config, Contact
from tests.e2e.world import INVENTORY, Open, Watched, World, world

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CONTACT = Contact(
    name="Đỗ Văn Long",
    phone="0900 000 283",
    provider="Nhà mạng A",
    provider_hotline="0900 000 412",
    circuit_id="TD-HM-07",
)
INTERVAL = timedelta(hours=2)
"""So long that what a test feeds once doesn't grow stale."""


@pytest.fixture(scope="session")
def config() -> Config:
    """The inventory as the simulated network serves it, with somebody to call."""
    loaded = load(INVENTORY, placeholders=True)
    points = [
        replace(
            point,
            contact=CONTACT,
            endpoints=tuple(replace(endpoint, interval=INTERVAL) for endpoint in point.endpoints),
        )
        for point in loaded.points
    ]
    return replace(loaded, points=tuple(points))


@pytest_asyncio.fixture
async def served(config: Config, tmp_path: Path) -> AsyncIterator[World]:
    """A served world in which everything is stable."""
    async with world(config, tmp_path) as made:
        yield made


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest_asyncio.fixture
async def browser(tmp_path: Path, watched: Watched) -> AsyncIterator[BrowserContext]:
    """A browser with a profile of its own; it must not have complained when the test ends."""
    async with AsyncExitStack() as stack:
        playwright = await stack.enter_async_context(async_playwright())
        context = await playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=CHROMIUM,
            headless=True,
            args=ARGUMENTS,
            viewport={"width": 1920, "height": 1080},
            reduced_motion="reduce",
        )
        stack.push_async_callback(context.close)
        yield context
    assert watched.faults == []


@pytest.fixture
def open_page(browser: BrowserContext, served: World, watched: Watched) -> Open:
    """Opens a page of the world and waits until it is live."""

    async def opened(path: str = "/", *, width: int = 1920, height: int = 1080) -> Page:
        page = await browser.new_page()
        await page.set_viewport_size({"width": width, "height": height})
        watched.watch(page)
        await page.goto(served.url + path)
        await page.wait_for_selector("html[data-state=live]", state="attached")
        await page.evaluate("document.fonts.ready")
        return page

    return opened
