"""The demo's story, over and over: calm, a ward goes down and comes back, one is slow, an area loses its link, calm."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

from monitor.config.model import Config, Point
from monitor.field.hosts import Conduct, State, asked_host
from monitor.field.network import SimulatedNetwork

logger = logging.getLogger(__name__)

SLOW = State(Conduct.SLOW, delay_seconds=2.4)
"""Over the latency budget that the inventory gives a web page, and under its timeout."""


@dataclass(frozen=True, slots=True)
class Scene:
    """From ``after`` (since the scene before) on these hosts are in this state."""

    after: timedelta
    hosts: tuple[str, ...]
    state: State
    told: str


def chapters(config: Config) -> Iterator[Sequence[Scene]]:
    """The scenes of one round after another; each round strikes other wards and another area.

    Yields nothing when the configuration has no ward.
    """
    wards = [point for point in config.points if point.kind == "ward"]
    areas = sorted({ward.area for ward in wards})
    if not wards:
        return
    for turn in count():
        # 37 and 53 are prime to 126 wards, 11 to 30 areas: a long way round before a place is struck again
        cut = wards[(turn * 37 + 5) % len(wards)]
        slow = wards[(turn * 53 + 71) % len(wards)]
        area = areas[(turn * 11 + 1) % len(areas)]
        lost = tuple(host for ward in wards if ward.area == area for host in _hosts(ward))
        yield (
            Scene(timedelta(seconds=120), _hosts(cut), State(Conduct.HANG), f"{cut.name} is cut off"),
            Scene(timedelta(seconds=45), _hosts(cut), State(), f"{cut.name} is back"),
            Scene(timedelta(seconds=20), _hosts(slow), SLOW, f"{slow.name} answers slowly"),
            Scene(timedelta(seconds=60), _hosts(slow), State(), f"{slow.name} is quick again"),
            Scene(timedelta(seconds=20), lost, State(Conduct.HANG), f"the whole area {area} loses its link"),
            Scene(timedelta(seconds=90), lost, State(), f"the area {area} is back"),
        )


async def play(config: Config, network: SimulatedNetwork) -> None:
    """Play the story until cancelled."""
    for scenes in chapters(config):
        for scene in scenes:
            await asyncio.sleep(scene.after.total_seconds())
            logger.info("story: %s", scene.told)
            for host in scene.hosts:
                network.set_state(host, scene.state)


def _hosts(point: Point) -> tuple[str, ...]:
    """The point's own hosts: those of its link, not the servers that it shares with others."""
    return (asked_host(point.endpoints[0]),)
