"""The results: appended in batches, packed into blocks, read back from both, dropped when old.

Every step may be cut off by a kill and done again: a result that lies both in a batch and in a block is one result,
known by its series and begin.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from heapq import merge as merge_sorted
from itertools import chain
from operator import attrgetter
from typing import Final

from sqlalchemy import Row as TableRow
from sqlalchemy import Select, and_, bindparam, delete, func, literal, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.model import EndpointKey, Result, StoredResult
from monitor.storage.blocks import (
    NOTHING,
    Columns,
    DamagedBlock,
    Row,
    decode_batch,
    decode_block,
    encode_batch,
    encode_block,
    merge,
    microseconds,
    row,
    slot_of,
)
from monitor.storage.database import Database
from monitor.storage.errors import StorageError
from monitor.storage.names import MANY, Names, SeriesName
from monitor.storage.series import Results
from monitor.storage.tables import batches, blocks

_BATCH_ROWS: Final = 2000
"""The most results in one batch: what is encoded without letting the loop go."""
_STEP_ROWS: Final = 50_000
"""The most results that packing holds in memory, about."""
_STEP_BLOCKS: Final = 500
"""Blocks written in one transaction: some 10 ms for who waits to write a transition."""
_STEP_BATCHES: Final = 100
"""Batches deleted in one transaction."""


class Archive:
    """Results on ``database``. Raises StorageError."""

    def __init__(self, database: Database, names: Names) -> None:
        self._database = database
        self._names = names
        self._packing = asyncio.Lock()

    async def encode(self, results: Sequence[Result]) -> list[dict[str, object]]:
        """Rows for the table of batches, one for each slot and ``_BATCH_ROWS`` results."""
        numbers = await self._names.make_series((result.key, result.vantage) for result in results)
        rows: list[dict[str, object]] = []
        for begin in range(0, len(results), _BATCH_ROWS):
            by_slot: dict[int, list[tuple[int, Row]]] = defaultdict(list)
            for result in results[begin : begin + _BATCH_ROWS]:
                numbered = numbers[result.key, result.vantage], row(result.begun, result.latency_seconds, result.reason)
                by_slot[slot_of(numbered[1][0])].append(numbered)
            await asyncio.sleep(0)
            rows.extend({"slot": slot, "rows": encode_batch(part)} for slot, part in by_slot.items())
            await asyncio.sleep(0)
        return rows

    async def read(
        self, keys: Collection[EndpointKey], begin: datetime, end: datetime
    ) -> dict[EndpointKey, Sequence[StoredResult]]:
        """The results of each key that began within [begin, end), oldest first, of all vantages."""
        found: dict[EndpointKey, list[Results]] = {key: [] for key in keys}
        if begin < end:
            for (key, vantage), columns in await self._read_columns(keys, microseconds(begin), microseconds(end)):
                found[key].append(Results(columns, vantage))
        return {key: _joined(parts) for key, parts in found.items()}

    async def _read_columns(
        self, keys: Collection[EndpointKey], begin: int, end: int
    ) -> list[tuple[SeriesName, Columns]]:
        first, last = slot_of(begin), slot_of(end - 1)
        async with self._database.reading() as connection:
            names = await self._names.find_series(connection, keys)
            # Batches first: what packing moves between the two questions is then seen twice, not missed.
            unpacked = await connection.scalars(
                select(batches.c.rows).where(batches.c.slot.between(first, last)).order_by(batches.c.id)
            )
            packed = await connection.execute(_blocks_between(first, last, names))
        loose = await self._spread(unpacked.all(), names, since=begin)
        parts: dict[int, list[Columns]] = defaultdict(list)
        with self._damage():
            for place, (slot, number, data) in enumerate(packed):
                if number in names:
                    parts[number].append(decode_block(slot, data))
                if place % 100 == 99:
                    await asyncio.sleep(0)
        return [
            (name, _within(merge(_concatenated(parts[number]), loose.get(number, ())), begin, end))
            for number, name in names.items()
        ]

    async def _spread(self, data: Sequence[bytes], names: Collection[int], *, since: int = 0) -> dict[int, list[Row]]:
        """The batches' rows by series, of the series in ``names``; batches that end before ``since`` are left out."""
        found: dict[int, list[Row]] = defaultdict(list)
        lowest, highest = min(names, default=0), max(names, default=0)
        for place, packed in enumerate(data):
            with self._damage():
                series, *columns = decode_batch(packed, lowest, highest)
            if max(columns[0], default=0) >= since:
                for number, numbers in zip(series, zip(*columns, strict=True), strict=True):
                    if number in names:
                        found[number].append(numbers)
            if place % 10 == 9:
                await asyncio.sleep(0)
        return found

    async def pack(self, before: datetime) -> int:
        """Move the batches of every slot that ended by ``before`` into blocks. Returns how many batches were moved."""
        moved = 0
        async with self._packing:
            async for slot, rows in self._slots(slot_of(microseconds(before))):
                for numbers in await self._shares([data for _, data in rows]):
                    await self._pack_share(slot, numbers, [data for _, data in rows])
                await self._delete_batches([number for number, _ in rows])
                moved += len(rows)
        return moved

    async def _slots(self, end: int) -> AsyncIterator[tuple[int, Sequence[TableRow[int, bytes]]]]:
        """The slots before ``end`` that have batches, with (id, rows) of these."""
        while True:
            async with self._database.reading() as connection:
                slot = await connection.scalar(select(func.min(batches.c.slot)))
                if slot is None or slot >= end:
                    return
                query = select(batches.c.id, batches.c.rows).where(batches.c.slot == slot).order_by(batches.c.id)
                rows = (await connection.execute(query)).all()
            yield slot, rows

    async def _shares(self, data: Sequence[bytes]) -> list[list[int]]:
        """The numbers of the series in these batches, in shares of about ``_STEP_ROWS`` results."""
        numbers: set[int] = set()
        total = 0
        for rows in data:
            with self._damage():
                series = decode_batch(rows).series
            numbers.update(series)
            total += len(series)
            await asyncio.sleep(0)
        ordered = sorted(numbers)
        size = max(1, len(ordered) * _STEP_ROWS // max(1, total))
        return [ordered[begin : begin + size] for begin in range(0, len(ordered), size)]

    async def _pack_share(self, slot: int, numbers: Sequence[int], data: Sequence[bytes]) -> None:
        loose = await self._spread(data, dict.fromkeys(numbers))
        async with self._database.reading() as connection:
            query = select(blocks.c.series, blocks.c.rows).where(
                blocks.c.slot == slot, blocks.c.series.between(numbers[0], numbers[-1])
            )
            stored = {packed.series: packed.rows for packed in await connection.execute(query)}
        changed: list[dict[str, object]] = []
        for number in numbers:
            with self._damage():
                before = decode_block(slot, stored[number]) if number in stored else NOTHING
            after = merge(before, loose[number])
            if len(after.begun) > len(before.begun):
                changed.append({"slot": slot, "series": number, "rows": encode_block(slot, after)})
            if len(changed) % 20 == 0:
                await asyncio.sleep(0)
        for begin in range(0, len(changed), _STEP_BLOCKS):
            async with self._database.writing() as connection:
                await self._write_blocks(connection, changed[begin : begin + _STEP_BLOCKS])

    async def _write_blocks(self, connection: AsyncConnection, rows: Sequence[dict[str, object]]) -> None:
        statement = self._database.insert(blocks)
        await connection.execute(
            statement.on_conflict_do_update(
                index_elements=[blocks.c.slot, blocks.c.series], set_={"rows": statement.excluded.rows}
            ),
            rows,
        )

    async def _delete_batches(self, numbers: Sequence[int]) -> None:
        for begin in range(0, len(numbers), _STEP_BATCHES):
            async with self._database.writing() as connection:
                await connection.execute(
                    delete(batches).where(batches.c.id == bindparam("number")),
                    [{"number": number} for number in numbers[begin : begin + _STEP_BATCHES]],
                )

    async def prune(self, before: datetime) -> int:
        """Drop the results of every slot that ended by ``before``. Returns how many blocks and batches were dropped."""
        end = slot_of(microseconds(before))
        async with self._database.writing() as connection:
            dropped = (await connection.execute(delete(batches).where(batches.c.slot < end))).rowcount
        while True:
            async with self._database.writing() as connection:
                slot = await connection.scalar(select(func.min(blocks.c.slot)))
                if slot is None or slot >= end:
                    return dropped
                here = blocks.c.slot == slot
                some = select(blocks.c.series).where(here).order_by(blocks.c.series).limit(_STEP_BLOCKS)
                query = delete(blocks).where(here, blocks.c.series.in_(some))
                dropped += (await connection.execute(query)).rowcount

    @contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except DamagedBlock as error:
            raise StorageError(f"{self._database.name}: stored results are damaged: {error}") from error


def _blocks_between(first: int, last: int, numbers: Collection[int]) -> Select[int, int, bytes]:
    """Asks for each slot by its key, for a scan of the slots' range would read every series.

    Of more than MANY series it asks for all, and gives others too.
    """
    wanted = blocks.c.series.in_(numbers) if len(numbers) <= MANY else true()
    slots = select(literal(first).label("slot")).cte("slots", recursive=True)
    slots = slots.union_all(select(slots.c.slot + 1).where(slots.c.slot < last))
    return (
        select(blocks.c.slot, blocks.c.series, blocks.c.rows)
        .select_from(slots.join(blocks, and_(blocks.c.slot == slots.c.slot, wanted)))
        .order_by(blocks.c.slot)
    )


def _concatenated(parts: Sequence[Columns]) -> Columns:
    """Parts that follow one another as one."""
    if len(parts) == 1:
        return parts[0]
    return Columns(*(tuple(chain.from_iterable(column)) for column in zip(*parts, strict=True))) if parts else NOTHING


def _within(columns: Columns, begin: int, end: int) -> Columns:
    part = slice(bisect_left(columns.begun, begin), bisect_left(columns.begun, end))
    return Columns(*(column[part] for column in columns))


def _joined(parts: Sequence[Results]) -> Sequence[StoredResult]:
    """Several vantages' results of one endpoint as one sequence."""
    if len(parts) <= 1:
        return parts[0] if parts else Results()
    return tuple(merge_sorted(*parts, key=attrgetter("begun")))
