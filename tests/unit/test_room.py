"""How much room is left, on real disks."""

from __future__ import annotations

import shutil
from pathlib import Path

from monitor.storage.room import Room, space_of


def test_it_is_the_disk_that_the_place_lies_on(tmp_path: Path) -> None:
    space, usage = space_of(tmp_path), shutil.disk_usage(tmp_path)
    assert space.size_bytes == usage.total
    assert 0 < space.free_bytes <= usage.total


def test_what_is_not_there_yet_is_looked_for_where_it_will_be(tmp_path: Path) -> None:
    assert space_of(tmp_path / "var" / "spool").size_bytes == space_of(tmp_path).size_bytes


async def test_each_place_is_told_by_its_name_once_it_was_looked_at(tmp_path: Path) -> None:
    room = Room({"spool": tmp_path, "database": tmp_path / "monitor.db"})
    assert room.state == {}
    await room.look()
    assert room.state.keys() == {"spool", "database"}
    room.close()


async def test_what_cannot_be_told_any_more_is_left_out(tmp_path: Path) -> None:
    room = Room({"spool": tmp_path})
    await room.look()
    room.close()
    await room.look()
    assert room.state == {}
