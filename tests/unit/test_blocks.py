"""Blocks and batches give back exactly what went in."""

import zlib
from datetime import UTC, datetime, timedelta
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Reason, StoredResult
from monitor.storage.blocks import (
    NOTHING,
    REASON_NUMBERS,
    REASONS,
    SLOT,
    Columns,
    DamagedBlock,
    decode_batch,
    decode_block,
    encode_batch,
    encode_block,
    instant,
    merge,
    microseconds,
    row,
    slot_begin,
    slot_of,
)
from monitor.storage.series import Results

SLOTS = st.integers(0, 5_000_000)
LATENCIES = st.one_of(st.integers(0, 300), st.integers(0, 2**32 - 1))
REASON_CODES = st.integers(0, len(REASONS) - 1)
INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def rows(offsets: st.SearchStrategy[int]) -> st.SearchStrategy[list[tuple[int, int, int]]]:
    return st.lists(st.tuples(offsets, LATENCIES, REASON_CODES), unique_by=lambda item: item[0], max_size=80).map(
        sorted
    )


WITHIN_SLOT = rows(st.integers(0, SLOT // timedelta(microseconds=1) - 1))


def columns(items: list[tuple[int, int, int]], begin: int = 0) -> Columns:
    return Columns(*zip(*((begin + at, *others) for at, *others in items), strict=True)) if items else NOTHING


def plain(found: Columns) -> list[tuple[int, ...]]:
    return list(zip(*found, strict=True))


@given(SLOTS, WITHIN_SLOT.filter(bool))
def test_a_block_gives_back_its_rows(slot: int, items: list[tuple[int, int, int]]) -> None:
    stored = columns(items, slot_begin(slot))
    assert plain(decode_block(slot, encode_block(slot, stored))) == plain(stored)
    assert {slot_of(begun) for begun in stored.begun} == {slot}


NUMBERED = st.lists(
    st.tuples(st.integers(1, 60_000), st.tuples(st.integers(0, 2**52), LATENCIES, REASON_CODES)), min_size=1
)


@given(NUMBERED)
def test_a_batch_gives_back_its_rows_in_the_order_of_series_and_begin(
    items: list[tuple[int, tuple[int, int, int]]],
) -> None:
    found = decode_batch(encode_batch(items))
    assert list(zip(*found, strict=True)) == [(series, *numbers) for series, numbers in sorted(items)]


@given(NUMBERED, st.integers(0, 60_001), st.integers(0, 60_001))
def test_a_part_of_a_batch_is_its_rows_of_these_series(
    items: list[tuple[int, tuple[int, int, int]]], lowest: int, highest: int
) -> None:
    lowest, highest = sorted((lowest, highest))
    found = decode_batch(encode_batch(items), lowest, highest)
    expected = [(series, *numbers) for series, numbers in sorted(items) if lowest <= series <= highest]
    assert list(zip(*found, strict=True)) == expected


@given(WITHIN_SLOT, WITHIN_SLOT)
def test_merging_keeps_each_begin_once_and_the_stored_row_of_two(
    old: list[tuple[int, int, int]], new: list[tuple[int, int, int]]
) -> None:
    expected = {**{item[0]: item for item in new}, **{item[0]: item for item in old}}
    found = merge(columns(old), new)
    assert plain(found) == [expected[begun] for begun in sorted(expected)]
    assert plain(merge(found, [*new, *old])) == plain(found)


@given(INSTANTS)
def test_instants_are_exact(at: datetime) -> None:
    assert instant(microseconds(at)) == at


@given(INSTANTS, st.integers(0, 3_600_000_000), st.sampled_from(list(Reason)))
def test_a_result_comes_back_to_the_microsecond(at: datetime, latency: int, reason: Reason) -> None:
    begun, *others = row(at, latency / 1e6, reason)
    found = Results(Columns((begun,), *((other,) for other in others)), "local")
    assert list(found) == [found[0]] == [StoredResult(at, reason, latency / 1e6, "local")]


@pytest.mark.parametrize(("seconds", "kept"), [(-0.1, 0), (0.0000004, 0), (0.0000006, 1), (1e9, 2**32 - 1)])
def test_latencies_are_rounded_and_bounded(seconds: float, kept: int) -> None:
    assert row(instant(0), seconds, Reason.OK)[1] == kept


def test_every_reason_has_a_number_and_the_numbers_on_disk_do_not_move() -> None:
    assert set(REASONS) == set(Reason)
    assert len(REASONS) == len(set(REASONS))
    known = "ok timeout dns refused unreachable reset tls http_status content protocol latency loss certificate"
    known += " resolver resources permission stalled stale internal redundancy config"
    assert [REASON_NUMBERS[Reason(name)] for name in known.split()] == list(range(21))


@pytest.mark.parametrize(
    "data",
    [b"", b"no block", zlib.compress(b""), zlib.compress(b"\x09\x01\x00\x00\x00\x00"), zlib.compress(b"\x01\x09")],
)
def test_damage_is_named(data: bytes) -> None:
    with pytest.raises(DamagedBlock):
        decode_block(0, data)
    with pytest.raises(DamagedBlock):
        decode_batch(data)


@given(st.binary(max_size=40))
def test_a_body_that_is_too_short_is_damage(body: bytes) -> None:
    data = zlib.compress(b"\x01\xff\x00\x00\x00\x03" + body)
    with pytest.raises(DamagedBlock):
        decode_block(0, data)
    with pytest.raises(DamagedBlock):
        decode_batch(data)


def test_results_are_a_sequence() -> None:
    found = Results(columns([(0, 1, 0), (5, 2, 1), (9, 3, 0)]), "local")
    assert len(found) == 3
    assert found[-1] == list(found)[2]
    assert list(found[1:]) == list(found)[1:]
    assert found[1] in found
    assert "Reason.TIMEOUT" in repr(found)
    assert [reason for reason, _ in groupby(result.reason for result in found)] == [
        Reason.OK,
        Reason.TIMEOUT,
        Reason.OK,
    ]
    assert list(Results()) == []
