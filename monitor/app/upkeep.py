"""What is done again and again beside probing: signs of life, uptimes, packing, pruning."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from monitor.alerts.listener import Listener
from monitor.app.keeping import Keeping, quietly
from monitor.config.model import Config
from monitor.schedule import Periodic
from monitor.storage.closing import Closing
from monitor.storage.room import Room
from monitor.storage.store import Store
from monitor.web.access import Access
from monitor.web.stream import BEAT_EVERY, Hub
from monitor.web.uptimes import Uptimes

MARK_EVERY = timedelta(seconds=5)
UPTIMES_EVERY = timedelta(seconds=20)
ROOM_EVERY = timedelta(seconds=30)
LISTEN_EVERY = timedelta(seconds=10)
PACK_EVERY = timedelta(minutes=1)
PACK_AFTER = timedelta(minutes=5)
PRUNE_EVERY = timedelta(hours=1)
CLOSE_EVERY = timedelta(hours=1)


def start_upkeep(
    periodic: Periodic,
    *,
    config: Callable[[], Config],
    store: Store,
    keeping: Keeping,
    access: Access,
    hub: Hub,
    uptimes: Uptimes,
    listener: Listener,
    closing: Closing,
    room: Room,
    clock: Callable[[], datetime],
) -> None:
    """Set every periodic job going. ``config`` gives the configuration in force."""

    async def pack() -> None:
        await quietly(store.pack(clock() - PACK_AFTER), logging.WARNING)

    async def prune() -> None:
        await quietly(store.prune(clock() - config().storage.keep_results), logging.WARNING)

    async def close() -> None:
        await quietly(closing.close(), logging.WARNING)

    async def audit() -> None:
        await quietly(access.write_waiting())

    async def beat() -> None:
        hub.beat()

    periodic.every(BEAT_EVERY, beat, "beat", now=True)
    periodic.every(UPTIMES_EVERY, uptimes.try_refresh, "uptimes", now=True)
    periodic.every(ROOM_EVERY, room.look, "room", now=True)
    periodic.every(LISTEN_EVERY, listener.listen, "silences", now=True)
    periodic.every(MARK_EVERY, keeping.mark, "mark", now=True)
    periodic.every(MARK_EVERY, audit, "audit")
    periodic.every(PACK_EVERY, pack, "pack")
    periodic.every(PRUNE_EVERY, prune, "prune")
    periodic.every(CLOSE_EVERY, close, "close", now=True)
    periodic.start()
