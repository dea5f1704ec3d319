"""How much room is left on the disks that history goes to."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from monitor.storage.disk import Disk
from monitor.storage.errors import StorageError

log = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=5)


class Space(NamedTuple):
    """``free_bytes`` are those that a process without privileges may still fill."""

    free_bytes: int
    size_bytes: int


class Room:
    """``places`` are files or directories by what lies there; one that is not there yet is looked for at its parents.

    What cannot be told, because the disk hangs or the place is gone, is left out of ``state``.
    """

    def __init__(self, places: Mapping[str, Path]) -> None:
        self._places = places
        self._disk = Disk(PATIENCE)
        self._state: Mapping[str, Space] = {}

    @property
    def state(self) -> Mapping[str, Space]:
        """As last looked at, by what lies there."""
        return self._state

    async def look(self) -> None:
        """Look anew. Never waits long, whatever the disks do."""
        found = {}
        for name, path in self._places.items():
            try:
                found[name] = await self._disk.run(partial(space_of, path))
            except (OSError, StorageError) as error:
                log.debug("how much room is left for the %s cannot be told: %s", name, error)
        self._state = found

    def close(self) -> None:
        """Look no more."""
        self._disk.close()


def space_of(path: Path) -> Space:
    """Of the disk that ``path`` lies on, or will. Raises OSError."""
    there = next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
    usage = shutil.disk_usage(there)
    return Space(usage.free, usage.total)
