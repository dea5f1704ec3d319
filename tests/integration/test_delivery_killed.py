"""Killed between any two steps, the program delivers each message at least once, under the same id."""

from __future__ import annotations

import asyncio
from pathlib import Path

from monitor.incidents.model import DeliveryOutcome
from tests.integration.delivery_world import Killer, Life, Post, channel, config, living, no_step, stepping


async def story(life: Life) -> None:
    """An incident opens and closes, whatever of it an earlier life has written down already."""
    incident = life.incidents.get("i1")
    kept = await life.letters()
    if incident is None and not kept:
        life.tell(*life.opened(1))
        await life.quiet()
        incident = life.incidents.get("i1")
    if incident is not None and incident.is_open:
        life.tell(*life.closed(1))
    await life.quiet()


async def test_at_least_once_wherever_it_is_killed(tmp_path: Path) -> None:
    killed_at: list[str] = []
    async with Post().serve() as post:
        while True:
            killer = Killer(len(killed_at))
            directory = tmp_path / str(killer.at)
            post.taken.clear()
            if not await lives_until(killer, post, directory):
                break
            killed_at.append(killer.name)
            await lives_again(post, directory)
    assert {"before writing", "written", "before sending", "arrived", "sent"} == set(killed_at)


async def lives_until(killer: Killer, post: Post, directory: Path) -> bool:
    """Whether it was killed before the end of the story."""
    post.step = killer
    setup = config([channel("duty", post.url)])
    async with living(setup, directory, step=killer, channels=stepping(killer)) as life:
        playing = asyncio.create_task(story(life))
        killing = asyncio.create_task(killer.reached.wait())
        await asyncio.wait([playing, killing], return_when=asyncio.FIRST_COMPLETED)
        for task in (playing, killing):
            task.cancel()
        await asyncio.wait([playing, killing])
    post.step = no_step
    return killer.reached.is_set()


async def lives_again(post: Post, directory: Path) -> None:
    """The next life: what was durable goes on, and at the end everything has arrived."""
    async with living(config([channel("duty", post.url)]), directory) as life:
        await story(life)
        letters = await life.letters()
        assert [letter.message.kind.value for letter in letters] == ["opened", "recovered"]
        for letter in letters:
            assert [each.outcome for each in letter.deliveries] == [DeliveryOutcome.DELIVERED]
    arrived = [taken.id for taken in post.at("duty")]
    assert set(arrived) == {letter.message.id for letter in letters}
    assert len(arrived) <= 3
