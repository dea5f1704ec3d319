"""Stored results as a sequence over columns: tens of thousands are read back without making an object for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import repeat
from typing import overload

from monitor.model import StoredResult
from monitor.storage.blocks import NOTHING, REASONS, Columns, instant


class Results(Sequence[StoredResult]):
    """One endpoint's results as one vantage saw them, oldest first.

    ``columns`` are their numbers, for who wants only these.
    """

    __slots__ = ("columns", "vantage")

    def __init__(self, columns: Columns = NOTHING, vantage: str = "") -> None:
        self.columns = columns
        self.vantage = vantage

    def __len__(self) -> int:
        return len(self.columns.begun)

    @overload
    def __getitem__(self, index: int) -> StoredResult: ...
    @overload
    def __getitem__(self, index: slice) -> Results: ...
    def __getitem__(self, index: int | slice) -> StoredResult | Results:
        begun, latency, reason = self.columns
        if isinstance(index, slice):
            return Results(Columns(begun[index], latency[index], reason[index]), self.vantage)
        return StoredResult(instant(begun[index]), REASONS[reason[index]], latency[index] / 1e6, self.vantage)

    def __iter__(self) -> Iterator[StoredResult]:
        # Loops in C: a page reads twenty thousand. A double holds microseconds since 1970 exactly beyond the year 2200.
        seconds = map((1e6).__rtruediv__, self.columns.begun)
        return map(
            tuple.__new__,
            repeat(StoredResult),
            zip(
                map(datetime.fromtimestamp, seconds, repeat(UTC)),
                map(REASONS.__getitem__, self.columns.reason),
                map((1e6).__rtruediv__, self.columns.latency),
                repeat(self.vantage),
                strict=False,
            ),
        )

    def __repr__(self) -> str:
        return f"Results({list(self)!r})"
