"""What keeps alerts standing, and what shows that the program itself does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import aiohttp

from monitor.alerts.courier import Pace
from monitor.alerts.desk import Desk
from monitor.alerts.writing import Writer
from monitor.channels.base import Item, Standing, Undelivered

log = logging.getLogger(__name__)

Well = Callable[[], bool]


def watchdog(vantage: str, begun: datetime) -> Item:
    """The alert that always fires: where it stops, the monitor is dead (a dead man's switch)."""
    return Item(
        incident="watchdog",
        number=0,
        kind="watchdog",
        begins=begun,
        ends=None,
        labels={"alertname": "Watchdog", "severity": "none", "vantage": vantage},
        annotations={"summary": "The monitor is running; when this alert is gone, nobody watches any more."},
    )


class Keeper:
    """Renews what stands at one channel, and the watchdog while the program is well. ``turn`` is held meanwhile."""

    def __init__(
        self,
        name: str,
        channel: Standing,
        *,
        desk: Desk,
        writer: Writer,
        pace: Pace,
        dog: Item,
        well: Well,
        turn: asyncio.Lock,
    ) -> None:
        self.writer = writer
        self._name = name
        self._channel = channel
        self._desk = desk
        self._pace = pace
        self._dog = dog
        self._well = well
        self._turn = turn
        self._wake = asyncio.Event()
        self._failing = False

    def wake(self) -> None:
        """What stands has changed."""
        self._wake.set()

    async def run(self) -> None:
        """Renew until cancelled."""
        while True:
            self._wake.clear()
            async with self._turn:
                await self._renew()
            await self._pause()

    def items(self) -> Sequence[Item]:
        """What stands now."""
        stands = self.writer.standing_items(self._desk.outbox.standing(self._name), self._desk.clock())
        return [self._dog, *stands] if self._well() else stands

    async def _renew(self) -> None:
        try:
            items = self.items()
            if items:
                async with asyncio.timeout(self._pace.attempt.total_seconds()):
                    await self._channel.renew(items)
        except (Undelivered, TimeoutError) as error:
            if not self._failing:
                log.warning("%s: alerts cannot be renewed: %s", self._name, error or "no answer")
            self._failing = True
        except Exception:
            log.exception("%s: alerts cannot be renewed", self._name)
        else:
            self._failing = False

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._channel.renew_every.total_seconds()):
                await self._wake.wait()
        except TimeoutError:
            return
        await asyncio.sleep(self._pace.renew_gap.total_seconds())


async def beat(
    session: aiohttp.ClientSession,
    *,
    url: Callable[[], str],
    every: Callable[[], timedelta],
    well: Well,
    pace: Pace,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Ask ``url`` again and again while the program is well, until cancelled: who runs it notices when that stops."""
    failing = False
    while True:
        if (address := url()) and well():
            failed = await _ask(session, address, pace)
            if failed and not failing:
                log.warning("the heartbeat's address does not answer: %s", failed)
            failing = bool(failed)
        await sleep(every().total_seconds())


async def _ask(session: aiohttp.ClientSession, url: str, pace: Pace) -> str:
    """What went wrong; "" when nothing did. The address is a secret and isn't said."""
    try:
        async with asyncio.timeout(pace.attempt.total_seconds()), session.get(url) as answer:
            return "" if answer.ok else f"status {answer.status}"
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        return type(error).__name__
