"""What the Store promises about incidents, the outbox, flags and what operators enter, on every database."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select, text

from monitor.calendar.model import Window
from monitor.incidents.model import (
    Decision,
    Delivery,
    DeliveryOutcome,
    Entry,
    EventKind,
    IncidentEvent,
    Message,
    MessageKind,
)
from monitor.model import EndpointKey, Flag, FlagChange, Reason, Status, Transition
from monitor.storage.database import Database
from monitor.storage.errors import StorageError
from monitor.storage.outbox import unsent
from monitor.storage.records import AuditRow, Letter, Token
from monitor.storage.store import Store
from monitor.storage.tables import incidents

T = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
WARD = EndpointKey("phuong-cua-nam", "")
LINK = EndpointKey("phuong-cua-nam", "link")


def event(
    incident: str, kind: EventKind, minutes: float = 0, *, name: str = "", point: str = "", **data: Any
) -> IncidentEvent:
    at = T + minutes * MINUTE
    return IncidentEvent(
        id=name or f"{incident}-{kind}-{minutes}-{point}",
        incident=incident,
        kind=kind,
        at=at,
        recorded_at=at + timedelta(seconds=3),
        point=point,
        data=data,
    )


def opened(incident: str, number: int, minutes: float = 0, *, severity: str = "warning") -> IncidentEvent:
    began = (T + minutes * MINUTE - timedelta(seconds=5)).isoformat()
    return event(
        incident, EventKind.OPENED, minutes, number=number, fault="point:mach-1", severity=severity, began=began
    )


def joined(incident: str, point: str, minutes: float = 0) -> IncidentEvent:
    return event(incident, EventKind.JOINED, minutes, point=point, status="down", reason="timeout")


def closed(incident: str, minutes: float) -> IncidentEvent:
    return event(incident, EventKind.CLOSED, minutes, why="recovered")


def message(name: str, incident: str = "a", minutes: float = 0) -> Message:
    return Message(
        id=name,
        incident=incident,
        kind=MessageKind.OPENED,
        channel="zalo",
        route="trực ca",
        created_at=T + minutes * MINUTE,
        due_at=T + minutes * MINUTE + timedelta(microseconds=1),
        payload={"name": "Phường Cửa Nam", "points": [{"id": "a", "until": None}], "affected": 1, "share": 0.5},
    )


def delivery(of: str, outcome: DeliveryOutcome = DeliveryOutcome.DELIVERED, attempt: int = 1) -> Delivery:
    return Delivery(
        message=of,
        at=T + attempt * MINUTE,
        outcome=outcome,
        attempt=attempt,
        detail="chậm",
        title="Mất",
        text="kết nối",
    )


def flag(
    minutes: float, on: bool, *, point: str = WARD.point, kind: Flag = Flag.MAINTENANCE, late: float = 0
) -> FlagChange:
    at = T + minutes * MINUTE
    return FlagChange(
        key=EndpointKey(point, ""), flag=kind, on=on, at=at, recorded_at=at + late * MINUTE, source="w1" if on else ""
    )


def row(minutes: float, status: Status = Status.UNREACHABLE, fault: str = "point:mach-1") -> Transition:
    at = T + minutes * MINUTE
    return Transition(key=WARD, at=at, recorded_at=at, status=status, previous=Status.UP, fault=fault)


def a_decision() -> Decision:
    """An incident from its first row to a delivered message."""
    return Decision(
        rows=(row(0), flag(1, True)),
        events=(opened("a", 7), joined("a", "phuong-cua-nam"), event("a", EventKind.WORSENED, 1, severity="critical")),
        messages=(message("m1"), message("m2")),
        deliveries=(delivery("m1", DeliveryOutcome.FAILED), delivery("m1", attempt=2)),
    )


async def everything(store: Store) -> tuple[object, ...]:
    """All that a decision may have changed."""
    uids, _ = await store.incident_page(T - DAY, T + DAY)
    return (
        list(await store.transitions(T - DAY, T + DAY)),
        dict((await store.resume("local", T)).flags),
        uids,
        await store.incident_events(uids),
        await store.resume_incidents(),
        (await store.incident_page(T - DAY, T + DAY, state="open"))[0],
        (await store.incident_page(T - DAY, T + DAY, point="phuong-cua-nam"))[0],
        await store.outbox(),
        (await store.letters())[0],
    )


class TestADecision:
    async def test_comes_back_whole(self, store: Store) -> None:
        decision = a_decision()
        await store.write_entries(decision.entries)
        assert list(await store.transitions(T, T + DAY)) == list(decision.transitions)
        assert await store.incident_events(["a", "unknown"]) == {"a": list(decision.events)}
        assert (await store.resume("local", T)).flags == {("phuong-cua-nam", Flag.MAINTENANCE): decision.rows[1]}
        assert list(await store.outbox()) == [
            Letter(message=message("m1"), deliveries=decision.deliveries),
            Letter(message=message("m2")),
        ]
        assert [letter.settled for letter in await store.outbox()] == [True, False]

    async def test_is_all_or_none(self, store: Store) -> None:
        """The last thing that is written is one that no database takes."""
        broken = delivery("m2")
        object.__setattr__(broken, "detail", None)
        before = await everything(store)
        with pytest.raises(StorageError):
            await store.write_entries([*a_decision().entries, broken])
        assert await everything(store) == before

    async def test_cut_off_anywhere_is_all_or_none_and_locks_nothing(self, store: Store) -> None:
        """Cancelled after ever more turns of the loop, that is at every place where it waits, until it gets through."""
        before = await everything(store)
        for turns in count(0, 3):
            task = asyncio.create_task(store.write_entries(a_decision().entries))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            await store.write_audit(AuditRow(at=T, actor="", act="look", subject=""))
            if (await store.letters())[0]:
                break
            assert list(await store.transitions(T - DAY, T + DAY)) == []
        found = await everything(store)
        await store.write_entries(a_decision().entries)
        assert before != found == await everything(store)

    async def test_written_again_in_any_part_changes_nothing(self, store: Store) -> None:
        """As out of the spool after a crash: a part that is there already, then what follows."""
        chance = random.Random(11)
        later = Decision(
            events=(closed("a", 5), opened("b", 8, 6), joined("b", "other", 6)),
            messages=(message("m3", "b"),),
            deliveries=(delivery("m2", DeliveryOutcome.DROPPED),),
        )
        entries = (*a_decision().entries, *later.entries)
        await store.write_entries(entries)
        whole = await everything(store)
        for _ in range(30):
            begin, end = sorted(chance.choices(range(len(entries) + 1), k=2))
            await store.write_entries(entries[begin:end])
            assert await everything(store) == whole

    @pytest.mark.parametrize("size", [1, 2, 3, 5])
    async def test_cut_into_slices_adds_up_to_the_same(self, store: Store, size: int) -> None:
        entries = a_decision().entries
        for begin in range(0, len(entries), size):
            await store.write_entries(entries[begin : begin + size])
        sliced = await everything(store)
        await store.write_entries(entries)
        assert await everything(store) == sliced
        assert [letter.settled for letter in await store.outbox()] == [True, False]

    async def test_with_text_that_no_database_takes_is_kept_with_a_mark_in_its_place(self, store: Store) -> None:
        wild = "a\0b\ud800c Cửa Nam 😀"
        entries: Sequence[Entry] = (
            dataclasses.replace(row(0), detail=wild),
            dataclasses.replace(opened("a", 1), text=wild, actor=wild),
            event("a", EventKind.EVIDENCE, 1, banner=wild, lines=[wild, 1, None]),
            dataclasses.replace(message("m"), payload={wild: wild}),
            dataclasses.replace(delivery("m"), detail=wild, title=wild, text=wild),
        )
        await store.write_entries(entries)
        tamed = "a\ufffdb\ufffdc Cửa Nam 😀"
        events = (await store.incident_events(["a"]))["a"]
        (letter,) = await store.outbox()
        assert [kept.detail for kept in await store.transitions(T, T + DAY)] == [tamed]
        assert (events[0].text, events[0].actor) == (tamed, tamed)
        assert events[1].data == {"banner": wild, "lines": [wild, 1, None]}
        assert letter.message.payload == {wild: wild}
        assert [(each.detail, each.title, each.text) for each in letter.deliveries] == [(tamed, tamed, tamed)]


class TestIncidents:
    async def test_of_none(self, store: Store) -> None:
        found = await store.resume_incidents()
        assert (found.events, found.last_number) == ({}, 0)
        assert await store.incident_page(T, T + DAY) == ([], "")
        assert await store.incident_events([]) == {}
        assert await store.incident_uid(1) is None
        assert await store.outbox() == []
        assert await store.letters() == ([], "")

    async def test_resume_with_the_open_ones_and_the_last_number(self, store: Store) -> None:
        await store.write_entries(
            [
                opened("a", 1),
                joined("a", "p"),
                closed("a", 1),
                opened("b", 2, 2),
                opened("c", 3, 3),
                joined("b", "p", 4),
            ]
        )
        await store.write_entries([event("c", EventKind.TAKEN_OVER, 4, into="b", number=2)])
        found = await store.resume_incidents()
        assert found.events == {"b": [opened("b", 2, 2), joined("b", "p", 4)]}
        assert found.last_number == 3

    async def test_come_in_the_order_of_recording_not_of_happening(self, store: Store) -> None:
        events = [opened("a", 1, 5), joined("a", "q", 9), joined("a", "p", 2), event("a", EventKind.NOTED, 7)]
        for each in events:
            await store.write_entries([each])
        assert (await store.incident_events(["a"]))["a"] == events

    async def test_are_found_by_their_number(self, store: Store) -> None:
        await store.write_entries([opened("a", 1), opened("b", 2, 1)])
        assert (await store.incident_uid(1), await store.incident_uid(2)) == ("a", "b")
        # A start without its database begins to count anew.
        await store.write_entries([opened("z", 1, 30)])
        assert await store.incident_uid(1) == "z"

    @pytest.mark.parametrize(
        ("begin", "end", "asked", "expected"),
        [
            (0, 100, {}, ["d", "c", "b", "a"]),
            (0, 100, {"state": "open"}, ["d", "b"]),
            (0, 100, {"state": "closed"}, ["c", "a"]),
            (0, 100, {"point": "p"}, ["c", "a"]),
            (0, 100, {"point": "nobody"}, []),
            (0, 25, {}, ["b", "a"]),
            (16, 25, {}, ["b"]),
            (80, 100, {}, ["d", "b"]),
            (80, 100, {"point": "q", "state": "open"}, ["b"]),
            (-9, 1, {}, ["a"]),
            (-9, 0, {}, []),
        ],
    )
    async def test_are_listed_by_time_state_and_point(
        self, store: Store, begin: int, end: int, asked: dict[str, Any], expected: list[str]
    ) -> None:
        await store.write_entries([opened("a", 1, 1), joined("a", "p"), closed("a", 15), opened("b", 2, 20)])
        await store.write_entries(
            [joined("b", "q", 20), opened("c", 3, 30), joined("c", "p", 31), joined("c", "q", 31)]
        )
        await store.write_entries([closed("c", 40), opened("d", 4, 50)])
        page = await store.incident_page(T + begin * MINUTE, T + end * MINUTE, **asked)
        assert page == (expected, "")

    async def test_are_paged_without_a_gap_or_a_repetition(self, store: Store) -> None:
        await store.write_entries([opened(f"{number:02}", number, number // 3) for number in range(20)])
        found: list[str] = []
        cursor = ""
        while True:
            uids, cursor = await store.incident_page(T - DAY, T + DAY, limit=4, cursor=cursor)
            found += uids
            if not cursor:
                break
        assert found == [f"{number:02}" for number in range(19, -1, -1)]

    async def test_close_once_and_only_grow_worse(self, store: Store, url: str) -> None:
        worse = event("a", EventKind.WORSENED, 2, severity="critical")
        less = event("a", EventKind.WORSENED, 1, severity="warning")
        events = [opened("a", 1, severity="info"), less, worse, closed("a", 5)]
        await store.write_entries(events)
        again = event("a", EventKind.CLOSED, 90, name="again", why="removed")
        await store.write_entries([again, *events[:2], dataclasses.replace(less, id="anew")])
        database = Database(url)
        async with database.reading() as connection:
            columns = incidents.c.number, incidents.c.fault, incidents.c.severity, incidents.c.closed
            rows = (await connection.execute(select(*columns))).all()
        await database.close()
        assert [tuple(row) for row in rows] == [(1, "point:mach-1", "critical", T + 5 * MINUTE)]

    async def test_an_opening_that_lacks_something_holds_nothing_up(
        self, store: Store, caplog: pytest.LogCaptureFixture
    ) -> None:
        await store.write_entries([event("a", EventKind.OPENED, number=1), opened("b", 2)])
        assert (await store.incident_page(T - DAY, T + DAY))[0] == ["b"]
        assert len(await store.incident_events(["a"])) == 1
        assert "cannot be listed" in caplog.text

    async def test_of_more_than_one_question_names(self, store: Store) -> None:
        uids = [f"u{number}" for number in range(1100)]
        await store.write_entries([opened(uid, number) for number, uid in enumerate(uids)])
        found = await store.incident_events(uids)
        assert [next(iter(found)), len(found), found["u1099"]] == ["u0", 1100, [opened("u1099", 1099)]]


class TestTheOutbox:
    @pytest.mark.parametrize("outcome", DeliveryOutcome)
    async def test_holds_what_is_still_to_be_sent(self, store: Store, outcome: DeliveryOutcome) -> None:
        await store.write_entries([message("m1", "a"), message("m2", "b"), delivery("m1", outcome)])
        names = [letter.message.id for letter in await store.outbox()]
        assert names == (["m1", "m2"] if outcome is DeliveryOutcome.FAILED else ["m2"])

    async def test_holds_all_about_the_incidents_that_are_open(self, store: Store) -> None:
        sent = [delivery("m1"), delivery("m2")]
        await store.write_entries([opened("a", 1), opened("b", 2), message("m1", "a"), message("m2", "b"), *sent])
        await store.write_entries([closed("a", 3)])
        assert [letter.message.id for letter in await store.outbox()] == ["m2"]

    @pytest.mark.parametrize("outcome", [DeliveryOutcome.DELIVERED, DeliveryOutcome.GIVEN_UP])
    async def test_holds_what_became_of_a_fault_whose_end_is_still_to_be_told(
        self, store: Store, outcome: DeliveryOutcome
    ) -> None:
        await store.write_entries([opened("a", 1), message("m1", "a"), delivery("m1", outcome)])
        await store.write_entries([closed("a", 3), message("m2", "a"), message("m3", "b"), delivery("m3")])
        letters = await store.outbox()
        assert [(each.message.id, each.settled) for each in letters] == [("m1", True), ("m2", False)]
        await store.write_entries([delivery("m2")])
        assert await store.outbox() == []

    async def test_a_delivery_that_comes_before_its_message_counts(self, store: Store) -> None:
        await store.write_entries([delivery("m1")])
        assert await store.outbox() == []
        await store.write_entries([message("m1")])
        assert await store.outbox() == []
        assert (await store.letters())[0] == [Letter(message=message("m1"), deliveries=(delivery("m1"),))]

    async def test_is_paged_newest_first(self, store: Store) -> None:
        names = [f"m{number}" for number in range(11)]
        await store.write_entries([message(name, "b" if number % 2 else "a") for number, name in enumerate(names)])
        await store.write_entries([delivery("m4"), delivery("m10", DeliveryOutcome.FAILED)])
        found: list[Letter] = []
        cursor = ""
        while True:
            letters, cursor = await store.letters(limit=3, cursor=cursor)
            found += letters
            if not cursor:
                break
        assert [letter.message.id for letter in found] == names[::-1]
        assert {letter.message.id: len(letter.deliveries) for letter in found if letter.deliveries} == {
            "m4": 1,
            "m10": 1,
        }
        of_a, _ = await store.letters(incident="a")
        assert [letter.message.id for letter in of_a] == ["m10", "m8", "m6", "m4", "m2", "m0"]

    async def test_finds_what_is_to_be_sent_by_an_index_among_what_was(self, store: Store, url: str) -> None:
        for begin in range(0, 3000, 1000):
            names = [f"old{number}" for number in range(begin, begin + 1000)]
            await store.write_entries([*map(message, names), *map(delivery, names)])
        await store.write_entries([message("new", "b")])
        assert [letter.message.id for letter in await store.outbox()] == ["new"]
        database = Database(url)
        async with database.writing() as connection:
            await connection.execute(text("ANALYZE"))
            query = unsent().compile(connection.sync_engine, compile_kwargs={"literal_binds": True})
            explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
            plan = "\n".join(str(row) for row in await connection.execute(text(explain + str(query))))
        await database.close()
        assert "ix_outbox_settled_id" in plan
        assert "SCAN outbox" not in plan
        assert "Seq Scan on outbox" not in plan


class TestFlags:
    async def test_the_row_recorded_last_is_in_force_for_each_flag(self, store: Store) -> None:
        rows = [flag(0, True), flag(5, False), flag(2, False, late=9), flag(1, True, kind=Flag.FLAPPING)]
        rows.append(flag(3, True, point="other"))
        await store.write_entries(rows)
        found = (await store.resume("local", T + DAY)).flags
        assert found == {
            ("phuong-cua-nam", Flag.MAINTENANCE): rows[2],
            ("phuong-cua-nam", Flag.FLAPPING): rows[3],
            ("other", Flag.MAINTENANCE): rows[4],
        }

    async def test_a_history_holds_the_maintenance_of_the_point_for_its_endpoints_too(self, store: Store) -> None:
        rows = [flag(0, True), flag(10, False), flag(20, True), flag(30, False)]
        rows += [flag(15, True, kind=Flag.FLAPPING), flag(15, True, point="other")]
        await store.write_entries([*rows, row(0)])
        found = await store.histories([WARD, LINK], T + 15 * MINUTE, T + 25 * MINUTE)
        assert [list(found[key].flags) for key in (WARD, LINK)] == [rows[1:3], rows[1:3]]
        assert list(found[LINK].transitions) == []
        assert list((await store.history(EndpointKey("nobody", ""), T, T + DAY)).flags) == []

    async def test_of_many_points_at_once(self, store: Store) -> None:
        names = [f"p{number}" for number in range(1100)]
        await store.write_entries([flag(1, True, point=name) for name in names])
        found = await store.histories([EndpointKey(name, "") for name in names], T, T + DAY)
        assert all(len(history.flags) == 1 for history in found.values())


WINDOW = Window(
    id="w1",
    name="Cắt điện phường Cửa Nam",
    begin=T,
    duration=timedelta(hours=2, microseconds=1),
    rule="FREQ=WEEKLY;BYDAY=SU",
    points=("phuong-cua-nam", "mach-1"),
    areas=("hoan-kiem",),
    labels={"provider": "VNPT"},
    created_by="Lan",
    created_at=T - DAY,
)
TOKEN = Token(id="t1", name="bàn trực", digest="ab" * 32, scope="operate", created_at=T, expires_at=T + DAY)


class TestWhatOperatorsEnter:
    async def test_windows_come_back_as_they_were_in_the_order_of_their_begins(self, store: Store) -> None:
        plain = Window(id="w0", name="", begin=T + DAY, duration=MINUTE)
        await store.put_window(plain)
        await store.put_window(WINDOW)
        assert await store.windows() == [WINDOW, plain]
        renamed = dataclasses.replace(WINDOW, name="Bảo trì", labels={}, begin=T + 2 * DAY)
        await store.put_window(renamed)
        assert await store.windows() == [plain, renamed]

    async def test_a_window_is_cancelled_once_and_kept(self, store: Store) -> None:
        await store.put_window(WINDOW)
        assert await store.cancel_window("w1", T + MINUTE)
        assert not await store.cancel_window("w1", T + DAY)
        assert not await store.cancel_window("w2", T + DAY)
        assert await store.windows() == [dataclasses.replace(WINDOW, cancelled_at=T + MINUTE)]

    async def test_a_token_is_kept_once_and_revoked_once(self, store: Store) -> None:
        other = dataclasses.replace(TOKEN, id="t2", digest="cd" * 32, scope="read", expires_at=None)
        await store.add_token(TOKEN)
        await store.add_token(other)
        for twin in (dataclasses.replace(TOKEN, id="t3"), dataclasses.replace(TOKEN, digest="ef" * 32)):
            with pytest.raises(StorageError):
                await store.add_token(twin)
        assert await store.revoke_token("t1", T + MINUTE)
        assert not await store.revoke_token("t1", T + DAY)
        assert not await store.revoke_token("t3", T + DAY)
        assert await store.tokens() == [dataclasses.replace(TOKEN, revoked_at=T + MINUTE), other]

    async def test_the_audit_log_is_paged_newest_first(self, store: Store) -> None:
        rows = [AuditRow(at=T, actor="Lan", act="note", subject=f"{n}", detail="gọi \0VNPT") for n in range(7)]
        for each in rows:
            await store.write_audit(each)
        kept = [dataclasses.replace(each, detail="gọi \ufffdVNPT") for each in rows]
        first, cursor = await store.audit(limit=4)
        rest, end = await store.audit(limit=4, cursor=cursor)
        assert [*first, *rest] == kept[::-1]
        assert end == ""


@pytest.mark.parametrize("cursor", ["x", "-", "1-", "-a", "²", "²-a", "-1", "9" * 30, "9" * 30 + "-1", "1-" + "a" * 90])
@pytest.mark.parametrize(
    "ask",
    [
        lambda store, cursor: store.incident_page(T, T + DAY, cursor=cursor),
        lambda store, cursor: store.letters(cursor=cursor),
        lambda store, cursor: store.audit(cursor=cursor),
        lambda store, cursor: store.page_transitions(T, T + DAY, cursor=cursor),
    ],
    ids=["incidents", "letters", "audit", "transitions"],
)
async def test_a_cursor_from_elsewhere_is_refused(store: Store, ask: Callable[[Store, str], Any], cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        await ask(store, cursor)


async def test_resuming_reads_reasons_and_faults_as_they_were(store: Store) -> None:
    kept = dataclasses.replace(row(0, fault="label:provider=Viettel"), reason=Reason.TIMEOUT)
    await store.write_entries([kept])
    assert (await store.resume("local", T + DAY)).statuses == {WARD: kept}
