"""One channel's messages, one after the other: when they are ready, as fast as is allowed, again when they fail."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from monitor.alerts.backoff import Allowance, full_jitter
from monitor.alerts.desk import Desk
from monitor.alerts.outbox import Parcel
from monitor.alerts.writing import Writer
from monitor.channels.base import Channel, Standing, Undelivered, attempt_seconds
from monitor.config.model import ChannelSettings

log = logging.getLogger(__name__)

_SHORTEST_PAUSE_SECONDS = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How patient delivery is."""

    attempt: timedelta = timedelta(seconds=10)
    """A channel may ask for longer (Patient)."""
    backoff_base: timedelta = timedelta(seconds=1)
    backoff_cap: timedelta = timedelta(seconds=60)
    renew_gap: timedelta = timedelta(seconds=1)
    """After a change alerts are renewed so much later, together with what else changes meanwhile."""


class Courier:
    """Delivers for one channel. ``chance`` gives random numbers in [0, 1).

    ``turn`` is held while it sends: a renewal that overtook an end would raise the alert again.
    """

    def __init__(
        self,
        settings: ChannelSettings,
        channel: Channel,
        *,
        desk: Desk,
        writer: Writer,
        pace: Pace,
        chance: Callable[[], float],
        turn: asyncio.Lock,
    ) -> None:
        self.settings = settings
        self.writer = writer
        self._channel = channel
        self._desk = desk
        self._pace = pace
        self._attempt_seconds = attempt_seconds(channel, pace.attempt)
        self._chance = chance
        self._turn = turn
        self._allowance = Allowance(settings.rate, settings.rate_per.total_seconds())
        self._wake = asyncio.Event()
        self._failures = 0
        self._retry_at = 0.0
        self._retrying: Sequence[Parcel] = ()
        """What failed goes again as it was, under the same id: it may have arrived after all."""
        self._singly = False
        """Something among the messages brings the program down: they go one by one until those that can are gone."""
        self._settle_seconds = channel.stands_at_least.total_seconds() if isinstance(channel, Standing) else None
        """None: no alerts stand there."""

    def wake(self) -> None:
        """Something may have changed."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self._wake.clear()
            await self._deliver()
            await self._pause()

    async def _deliver(self) -> None:
        """Send what is ready, as far as rate and back-off allow."""
        while parcels := self._next():
            now = self._desk.time()
            if max(self._retry_at - now, self._allowance.wait_seconds(now)) > 0:
                return
            self._allowance.take(now)
            async with self._turn:
                await self._attempt(parcels)

    def _next(self) -> Sequence[Parcel]:
        """What is to be sent next, after what need not be is out of the way."""
        desk, name = self._desk, self.settings.name
        while True:
            batch = desk.outbox.batch(name, desk.time(), settle_seconds=self._settle_seconds)
            if batch.dropped:
                desk.dropped(batch.dropped)
            if batch.unheard:
                desk.given_up(batch.unheard, "its fault was given up")
            if not (batch.dropped or batch.unheard):
                break
        self._retrying = [parcel for parcel in self._retrying if parcel.message.id in desk.outbox]
        ready = self._retrying or batch.send
        if self._singly and ready:
            return [min(ready, key=lambda parcel: parcel.attempts)]
        return ready

    async def _attempt(self, parcels: Sequence[Parcel]) -> None:
        try:
            await self._send(parcels)
        except Undelivered as error:
            self._failed(parcels, str(error), final=error.final, retry_after=error.retry_after)
        except TimeoutError:
            self._failed(parcels, f"no answer within {self._attempt_seconds:g} s")
        except Exception:
            log.exception("%s: a message brought the program down", self.settings.name)
            self._singly = True
            self._failed(parcels, "a fault of the program: see its log")
            self._retrying = ()
        else:
            self._failures = 0
            self._retrying = ()
            self._singly = self._singly and any(each.attempts for each in self._desk.outbox.of(self.settings.name))

    async def _send(self, parcels: Sequence[Parcel]) -> None:
        desk = self._desk
        at = desk.time()
        late = {parcel.message.id: parcel.late_seconds(at) for parcel in parcels}
        standing = desk.outbox.standing(self.settings.name) if self._settle_seconds is not None else None
        envelope = self.writer.envelope(
            [parcel.message for parcel in parcels], late_seconds=late, now=desk.clock(), standing=standing
        )
        async with asyncio.timeout(self._attempt_seconds):
            await self._channel.send(envelope)
        desk.delivered(parcels, envelope, late)

    def _failed(
        self, parcels: Sequence[Parcel], why: str, *, final: bool = False, retry_after: timedelta | None = None
    ) -> None:
        desk, at = self._desk, self._desk.time()
        patience = self.settings.give_up_after.total_seconds()
        wanted = [parcel for parcel in parcels if desk.outbox.still_wanted(parcel)]
        hopeless = [parcel for parcel in wanted if final or parcel.waited_seconds(at) >= patience]
        again = [parcel for parcel in wanted if parcel not in hopeless]
        if unwanted := [parcel for parcel in parcels if parcel not in wanted]:
            desk.dropped(unwanted)
        if hopeless:
            desk.given_up(hopeless, why)
        if again:
            desk.failed(again, why)
        self._retrying = again
        if final:
            return
        self._failures += 1
        log.warning("%s: %s; attempt %d", self.settings.name, why, self._failures)
        wait = full_jitter(
            self._failures,
            self._chance(),
            base_seconds=self._pace.backoff_base.total_seconds(),
            cap_seconds=self._pace.backoff_cap.total_seconds(),
        )
        self._retry_at = at + max(wait, retry_after.total_seconds() if retry_after else 0.0)

    async def _pause(self) -> None:
        """Until something changes or time makes something ready."""
        now = self._desk.time()
        ready_at = self._desk.outbox.next_at(self.settings.name, settle_seconds=self._settle_seconds)
        timeout = None
        if ready_at is not None:
            wait = max(ready_at - now, self._retry_at - now, self._allowance.wait_seconds(now))
            timeout = max(_SHORTEST_PAUSE_SECONDS, wait)
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            return
