"""The demo's story, over and over: single faults, shared ones, planned work, with calm in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

from monitor.config.model import Config, Point
from monitor.field.hosts import Conduct, State, asked_host
from monitor.field.network import SimulatedNetwork

logger = logging.getLogger(__name__)

SLOW = State(Conduct.SLOW, delay_seconds=2.4)
"""Over the latency budget that the inventory gives a web page, and under its timeout."""
CUT = State(Conduct.HANG)
REFUSING = State(Conduct.REFUSE)
WELL = State()

ROUND = timedelta(minutes=15)
"""What one round takes: the planned work comes once in each, at the same minutes of every hour."""
FLAPS = 3
FLAP = timedelta(seconds=20)
"""Long enough for a fault to be confirmed, and for its end."""
BEHIND_THE_HUB = ("hub", "circuit", "ward", "branch")
"""Kinds of points that nobody reaches without the hub's uplink."""


@dataclass(frozen=True, slots=True)
class Scene:
    """From ``after`` (since the scene before) on these hosts are in this state."""

    after: timedelta
    hosts: tuple[str, ...]
    state: State
    told: str


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Planned work of each round: on ``point``, for ``lasts`` from ``after`` the round's begin on."""

    point: Point
    after: timedelta
    lasts: timedelta


def upkeep(config: Config) -> Upkeep | None:
    """The planned work that the story counts on: the ward is cut off within it. None without wards."""
    wards = _of(config, "ward")
    if not wards:
        return None
    return Upkeep(wards[len(wards) // 2], timedelta(seconds=675), timedelta(seconds=150))


def chapters(config: Config) -> Iterator[Sequence[Scene]]:
    """The scenes of one round after another; each round strikes other wards and another area.

    Yields nothing when the configuration has no ward.
    """
    planned = upkeep(config)
    if planned is None:
        return
    wards = [ward for ward in _of(config, "ward") if ward is not planned.point] or [planned.point]
    areas = sorted({ward.area for ward in wards})
    for turn in count():
        # All three are prime to 125 wards, 11 to 30 areas: a long way round before a place is struck again
        cut = wards[(turn * 37 + 5) % len(wards)]
        slow = wards[(turn * 53 + 71) % len(wards)]
        flapping = wards[(turn * 41 + 23) % len(wards)]
        area = areas[(turn * 11 + 1) % len(areas)]
        yield (
            *_single(cut, slow),
            *_shared(
                30, 90, _hosts(_of_area(config, area)), f"the whole area {area} loses its line", f"{area} is back"
            ),
            *_flap(flapping),
            # Late enough for the ward to be steady again: its incident is not to become part of this one
            *_shared(
                85, 60, _hosts(_of(config, "circuit")[-1:]), "the spare circuit is lost", "both circuits carry again"
            ),
            *_shared(55, 60, _hosts([planned.point]), f"work on {planned.point.name}", f"{planned.point.name} is done"),
            *_shared(
                60, 60, _hosts(_of(config, *BEHIND_THE_HUB)), "the hub's uplink fails", "the hub's uplink is back"
            ),
        )


async def play(config: Config, network: SimulatedNetwork) -> None:
    """Play the story until cancelled."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    for scenes in chapters(config):
        for scene in scenes:
            due += scene.after.total_seconds()
            await asyncio.sleep(due - loop.time())
            logger.info("story: %s", scene.told)
            for host in scene.hosts:
                network.set_state(host, scene.state)


def _single(cut: Point, slow: Point) -> tuple[Scene, ...]:
    return (
        Scene(timedelta(seconds=120), _hosts([cut]), CUT, f"{cut.name} is cut off"),
        Scene(timedelta(seconds=45), _hosts([cut]), WELL, f"{cut.name} is back"),
        Scene(timedelta(seconds=30), _hosts([slow]), SLOW, f"{slow.name} answers slowly"),
        Scene(timedelta(seconds=60), _hosts([slow]), WELL, f"{slow.name} is quick again"),
    )


def _shared(after: int, lasts: int, hosts: tuple[str, ...], begins: str, ends: str) -> tuple[Scene, Scene]:
    """Hosts cut off together, ``after`` seconds from the scene before, for ``lasts`` seconds."""
    return (Scene(timedelta(seconds=after), hosts, CUT, begins), Scene(timedelta(seconds=lasts), hosts, WELL, ends))


def _flap(ward: Point) -> Iterator[Scene]:
    for number in range(FLAPS):
        yield Scene(FLAP if number else timedelta(seconds=45), _hosts([ward]), REFUSING, f"{ward.name} flaps")
        yield Scene(FLAP, _hosts([ward]), WELL, f"{ward.name} answers for a moment")


def _of(config: Config, *kinds: str) -> list[Point]:
    return [point for point in config.points if point.kind in kinds]


def _of_area(config: Config, area: str) -> list[Point]:
    return [point for point in _of(config, "ward", "branch") if point.area == area]


def _hosts(points: Iterable[Point]) -> tuple[str, ...]:
    """The points' own hosts: those of their links, not the servers that they share with others."""
    return tuple(asked_host(point.endpoints[0]) for point in points)
