"""The spool survives being cut off anywhere, never hands out what was not put in, and keeps to its bounds."""

import resource
import signal
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.incidents.model import (
    Delivery,
    DeliveryOutcome,
    Entry,
    EventKind,
    IncidentEvent,
    Message,
    MessageKind,
)
from monitor.model import EndpointKey, Flag, FlagChange, Reason, Result, Status, Transition
from monitor.storage.errors import StorageError
from monitor.storage.ring import Ring
from monitor.storage.spool import Queue, Spool
from monitor.storage.wire import decode_entries, decode_results, encode_entries, encode_results

BEGIN = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SIZE = 256 * 1024

names = st.text(max_size=12)
keys = st.builds(EndpointKey, names, names)
times = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  (bounds)
stored_results = st.builds(
    Result,
    key=keys,
    vantage=names,
    begun=times,
    latency_seconds=st.floats(0, 1e6),
    reason=st.sampled_from(Reason),
)
whole_transitions = st.builds(
    Transition,
    key=keys,
    at=times,
    recorded_at=times,
    status=st.sampled_from(Status),
    previous=st.sampled_from(Status),
    reason=st.sampled_from(Reason),
    failed_phase=names,
    detail=names,
    culprit=names,
    not_before=st.none() | times,
    first=st.booleans(),
    fault=names,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(names, json_values, max_size=3)
entries = st.one_of(
    whole_transitions,
    st.builds(
        FlagChange,
        key=keys,
        flag=st.sampled_from(Flag),
        on=st.booleans(),
        at=times,
        recorded_at=times,
        source=names,
    ),
    st.builds(
        IncidentEvent,
        id=names,
        incident=names,
        kind=st.sampled_from(EventKind),
        at=times,
        recorded_at=times,
        point=names,
        actor=names,
        text=names,
        data=objects,
    ),
    st.builds(
        Message,
        id=names,
        incident=names,
        kind=st.sampled_from(MessageKind),
        channel=names,
        route=names,
        created_at=times,
        due_at=times,
        payload=objects,
    ),
    st.builds(
        Delivery,
        message=names,
        at=times,
        outcome=st.sampled_from(DeliveryOutcome),
        attempt=st.integers(0, 99),
        detail=names,
        title=names,
        text=names,
    ),
)


def result(number: int) -> Result:
    return Result(
        key=EndpointKey(f"ward-{number % 126}", "link"),
        vantage="local",
        begun=BEGIN + timedelta(seconds=number),
        latency_seconds=number / 1000,
        reason=Reason.OK,
    )


def transition(number: int) -> Transition:
    at = BEGIN + timedelta(seconds=number)
    return Transition(
        key=EndpointKey(f"ward-{number % 126}", "link"),
        at=at,
        recorded_at=at,
        status=Status.DOWN,
        previous=Status.UP,
        detail=f"{number * 2654435761 % 2**32:x}",
    )


@contextmanager
def spool_in(directory: Path, size_bytes: int = SIZE) -> Iterator[Spool]:
    spool = Spool(directory, size_bytes)
    spool.open()
    try:
        yield spool
    finally:
        spool.close()


def drain(queue: "Queue[Result] | Queue[Entry]") -> list[Result] | list[Entry]:
    """Everything that waits, taken out."""
    found: list[object] = []
    while (waiting := queue.oldest()) is not None:
        found += waiting.items
        queue.release(waiting)  # type: ignore[arg-type]
    return found  # type: ignore[return-value]


@given(st.lists(stored_results))
def test_results_come_back_as_stored(results: list[Result]) -> None:
    assert decode_results(encode_results(results)) == results


@given(st.lists(entries))
def test_entries_of_every_kind_come_back_whole_and_in_order(kept: list[Entry]) -> None:
    found = decode_entries(encode_entries(kept))
    assert found == kept
    assert [type(entry) for entry in found] == [type(entry) for entry in kept]


def test_a_record_of_the_first_version_is_read() -> None:
    """As it was written when transitions were all that the spool held, before they had a fault."""
    rows = (
        '[["ward-1","link",1,2,"down","up","timeout","connect","chậm","link",null,false],'
        '["ward-2","",3,4,"up","down","ok","","","",0,true]]'
    )
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    micro = timedelta(microseconds=1)
    assert decode_entries(zlib.compress(rows.encode())) == [
        Transition(
            key=EndpointKey("ward-1", "link"),
            at=epoch + micro,
            recorded_at=epoch + 2 * micro,
            status=Status.DOWN,
            previous=Status.UP,
            reason=Reason.TIMEOUT,
            failed_phase="connect",
            detail="chậm",
            culprit="link",
        ),
        Transition(
            key=EndpointKey("ward-2", ""),
            at=epoch + 3 * micro,
            recorded_at=epoch + 4 * micro,
            status=Status.UP,
            previous=Status.DOWN,
            not_before=epoch,
            first=True,
        ),
    ]


def test_what_waits_outlives_the_process_and_comes_out_in_order(tmp_path: Path) -> None:
    with spool_in(tmp_path) as spool:
        for begin in range(0, 100, 10):
            spool.entries.append([transition(n) for n in range(begin, begin + 10)], durable=True)
            spool.results.append([result(n) for n in range(begin, begin + 10)], durable=False)
    with spool_in(tmp_path) as spool:
        assert (len(spool.entries), len(spool.results)) == (100, 100)
        assert drain(spool.entries) == [transition(n) for n in range(100)]
        assert drain(spool.results) == [result(n) for n in range(100)]
        assert (len(spool.entries), len(spool.results)) == (0, 0)
    with spool_in(tmp_path) as spool:
        assert spool.entries.oldest() is None


def test_what_was_handed_out_and_not_released_is_handed_out_again(tmp_path: Path) -> None:
    with spool_in(tmp_path) as spool:
        spool.entries.append([transition(1)], durable=True)
        assert spool.entries.oldest() == spool.entries.oldest()
    with spool_in(tmp_path) as spool:
        assert drain(spool.entries) == [transition(1)]


def test_what_is_appended_while_the_oldest_are_written_elsewhere_stays(tmp_path: Path) -> None:
    with spool_in(tmp_path) as spool:
        spool.results.append([result(1)], durable=False)
        waiting = spool.results.oldest()
        assert waiting is not None
        spool.results.append([result(2)], durable=False)
        spool.results.release(waiting)
        spool.results.release(waiting)
        assert drain(spool.results) == [result(2)]


def test_a_full_spool_drops_the_oldest_results_and_counts_them(tmp_path: Path) -> None:
    with spool_in(tmp_path) as spool:
        count = 0
        while not spool.results.dropped:
            spool.results.append([result(count)], durable=False)
            count += 1
        for _ in range(count):
            spool.results.append([result(count)], durable=False)
            count += 1
        assert len(spool.results) + spool.results.dropped == count
        size = sum(file.stat().st_size for file in tmp_path.iterdir())
        assert size <= SIZE + 2 * 4096
        dropped = spool.results.dropped
        assert drain(spool.results) == [result(n) for n in range(dropped, count)]


def test_a_segment_that_was_dropped_while_handed_out_is_released_without_harm(tmp_path: Path) -> None:
    with spool_in(tmp_path) as spool:
        spool.results.append([result(0)], durable=False)
        waiting = spool.results.oldest()
        assert waiting is not None
        while not spool.results.dropped:
            spool.results.append([result(1)], durable=False)
        left = len(spool.results)
        spool.results.release(waiting)
        assert len(spool.results) == left


def test_a_full_spool_takes_no_more_transitions_and_keeps_those_it_has(tmp_path: Path) -> None:
    with spool_in(tmp_path) as spool:
        taken = 0
        with pytest.raises(StorageError, match="full"):
            while True:
                spool.entries.append([transition(taken)], durable=False)
                taken += 1
        spool.results.append([result(1)], durable=False)
        assert taken > 10
        waiting = spool.entries.oldest()
        assert waiting is not None
        spool.entries.release(waiting)
        spool.entries.append([transition(taken)], durable=True)
        assert drain(spool.entries) == [transition(n) for n in range(len(waiting.items), taken + 1)]


def test_a_batch_larger_than_a_segment_is_divided(tmp_path: Path) -> None:
    with spool_in(tmp_path, 16 * SIZE) as spool:
        spool.results.append([result(n) for n in range(5000)], durable=True)
        assert drain(spool.results) == [result(n) for n in range(5000)]


def test_a_disk_that_ends_is_an_error_and_what_was_written_stays(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk's end; the file itself was laid out before."""
    with spool_in(tmp_path) as spool:
        spool.results.append([result(1)], durable=False)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
            with pytest.raises(StorageError):
                while True:
                    spool.results.append([result(n) for n in range(200)], durable=False)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, handler)
        spool.results.append([result(2)], durable=True)
        assert drain(spool.results) == [result(1), result(2)]


def test_one_item_larger_than_a_segment_is_refused(tmp_path: Path) -> None:
    with spool_in(tmp_path) as spool:
        huge = Result(
            key=EndpointKey("".join(map(chr, range(300, 9000))), "link"),
            vantage="local",
            begun=BEGIN,
            latency_seconds=1.0,
            reason=Reason.OK,
        )
        with pytest.raises(StorageError, match="bytes"):
            spool.results.append([huge], durable=False)


def test_two_programs_do_not_share_a_spool(tmp_path: Path) -> None:
    with spool_in(tmp_path), pytest.raises(StorageError, match="spool"):
        Spool(tmp_path, SIZE).open()


def test_a_directory_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        Spool(tmp_path / "file" / "spool", SIZE).open()


def test_another_size_waits_until_the_spool_is_empty(tmp_path: Path) -> None:
    with spool_in(tmp_path) as spool:
        spool.results.append([result(1)], durable=False)
    with spool_in(tmp_path, 2 * SIZE) as spool:
        assert drain(spool.results) == [result(1)]
        assert (tmp_path / "results.spool").stat().st_size < SIZE + 4096
    with spool_in(tmp_path, 2 * SIZE) as spool:
        assert (tmp_path / "results.spool").stat().st_size > SIZE + 4096
        assert len(spool.results) == 0


def test_a_file_that_is_no_spool_is_laid_out_anew(tmp_path: Path) -> None:
    (tmp_path / "results.spool").write_bytes(b"something else, and long enough to hold a head" * 200)
    with spool_in(tmp_path) as spool:
        spool.results.append([result(1)], durable=False)
        assert drain(spool.results) == [result(1)]


def test_a_record_of_a_later_version_holds_nothing_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with spool_in(tmp_path) as spool:
        spool.entries.append([transition(1)], durable=True)
    ring = Ring(tmp_path / "transitions.spool", size_bytes=SIZE // 8, segment_bytes=4096, keep=True)
    ring.open()
    ring.append(b"not ours", 1)
    ring.close()
    with spool_in(tmp_path) as spool:
        spool.entries.append([transition(2)], durable=True)
        assert drain(spool.entries) == [transition(1), transition(2)]
    assert "cannot be read" in caplog.text


def records(path: Path) -> list[bytes]:
    ring = Ring(path, size_bytes=2048, segment_bytes=256, keep=False)
    ring.open()
    found: list[bytes] = []
    while (oldest := ring.oldest()) is not None:
        found += oldest[1]
        ring.release(oldest[0])
    ring.close()
    return found


def test_a_write_that_is_cut_off_at_any_byte_loses_only_itself(tmp_path: Path) -> None:
    """kill -9 in the middle of a write: the file is as before with a part of the new bytes in it."""
    path = tmp_path / "ring"
    ring = Ring(path, size_bytes=2048, segment_bytes=256, keep=False)
    ring.open()
    written: list[bytes] = []
    for number in range(60):
        before = path.read_bytes()
        payload = bytes([number]) * (number * 7 % 90)
        dropped = ring.dropped
        ring.append(payload, 1)
        written = [*written, payload][ring.dropped - dropped :]
        after = path.read_bytes()
        changed = [at for at in range(len(before)) if before[at] != after[at]]
        for cut in range(changed[0], changed[-1] + 2):
            torn = tmp_path / "torn"
            torn.write_bytes(after[:cut] + before[cut:])
            found = records(torn)
            assert found in (written, written[:-1]) or found == written[: len(found)]
            assert len(found) >= len(written) - 1
        if number == 30:
            break
    ring.close()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.binary(max_size=150), min_size=1, max_size=12), st.data())
def test_a_file_that_ends_anywhere_gives_back_what_is_whole(payloads: list[bytes], data: st.DataObject) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "ring"
        ring = Ring(path, size_bytes=4096, segment_bytes=256, keep=True)
        ring.open()
        for payload in payloads:
            ring.append(payload, 1)
        ring.close()
        whole = path.read_bytes()
        used = len(whole.rstrip(b"\0"))
        end = data.draw(st.integers(0, used))
        path.write_bytes(whole[:end])
        found = records_of(path)
        assert found == payloads[: len(found)]
        if end == used:
            assert len(found) >= len([payload for payload in payloads if payload.strip(b"\0")]) - 1
        ring = Ring(path, size_bytes=4096, segment_bytes=256, keep=True)
        ring.open()
        ring.append(b"after", 1)
        ring.close()
        assert records_of(path)[-1] == b"after"


def records_of(path: Path) -> list[bytes]:
    """What the file holds, left in it."""
    copy = path.with_suffix(".copy")
    copy.write_bytes(path.read_bytes())
    ring = Ring(copy, size_bytes=4096, segment_bytes=256, keep=True)
    ring.open()
    found: list[bytes] = []
    while (oldest := ring.oldest()) is not None:
        found += oldest[1]
        ring.release(oldest[0])
    ring.close()
    return found


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=12), st.data())
def test_damage_is_never_handed_out(payloads: list[bytes], data: st.DataObject) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "ring"
        ring = Ring(path, size_bytes=4096, segment_bytes=256, keep=True)
        ring.open()
        for payload in payloads:
            ring.append(payload, 1)
        ring.close()
        content = bytearray(path.read_bytes())
        at = data.draw(st.integers(0, len(content.rstrip(b"\0")) - 1))
        content[at] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        assert set(records_of(path)) <= set(payloads)
