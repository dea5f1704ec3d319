"""The sums of closed days, on every database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.model import Status
from monitor.storage.backup import back_up, restore
from monitor.storage.days import ClosedDay
from monitor.storage.store import Store

T = datetime(2026, 3, 2, 17, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRST = ClosedDay(
    point="phuong-cua-nam",
    day=date(2026, 3, 1),
    recorded_at=T,
    name="Phường Cửa Nam",
    kind="ward",
    area="hoan-kiem",
    area_name="Hoàn Kiếm",
    spent={**dict.fromkeys(Status, timedelta()), Status.UP: 22 * HOUR, Status.DOWN: HOUR + timedelta(microseconds=1)},
    maintenance=timedelta(microseconds=3_599_999_999),
)  # fmt: skip
SECOND = replace(FIRST, day=date(2026, 3, 2))
OTHER = replace(FIRST, point="xa-đông-anh", name="Xã Đông Anh", area="", area_name="")


async def test_come_back_as_they_were_by_day_and_point(store: Store) -> None:
    await store.close_days([])
    await store.close_days([SECOND, OTHER, FIRST])
    assert await store.closed_days(date(2026, 3, 1), date(2026, 3, 3)) == [FIRST, OTHER, SECOND]
    assert await store.closed_days(date(2026, 3, 1), date(2026, 3, 2)) == [FIRST, OTHER]
    assert await store.closed_days(date(2026, 3, 1), date(2026, 4, 1), points=[OTHER.point]) == [OTHER]
    assert await store.closed_days(date(2026, 3, 3), date(2026, 4, 1)) == []
    assert await store.last_closed_days() == {FIRST.point: SECOND.day, OTHER.point: OTHER.day}


async def test_written_twice_are_kept_once(store: Store) -> None:
    await store.close_days([FIRST])
    await store.close_days([FIRST, SECOND])
    assert await store.closed_days(date(2026, 1, 1), date(2027, 1, 1)) == [FIRST, SECOND]


async def test_the_row_recorded_last_holds_and_the_one_before_stays(store: Store) -> None:
    corrected = replace(
        FIRST, recorded_at=T + HOUR, spent={**FIRST.spent, Status.DOWN: timedelta()}, maintenance=2 * HOUR
    )
    await store.close_days([corrected])
    await store.close_days([FIRST])
    span = date(2026, 3, 1), date(2026, 3, 2)
    assert await store.closed_days(*span) == [corrected]
    assert await store.closed_days(*span, as_of=T + HOUR / 2) == [FIRST]
    assert await store.closed_days(*span, as_of=T - HOUR) == []


async def test_a_backup_holds_them_for_either_database(store: Store, url: str, tmp_path: Path, postgres: Any) -> None:
    await store.close_days([FIRST, SECOND])
    await back_up(url, tmp_path / "copy.db")
    name = "days_of_file" if "sqlite" in url else "days_of_server"
    postgres.psql(f"CREATE DATABASE {name}")
    for place in (f"sqlite:///{tmp_path}/restored.db", str(postgres.get_uri(database=name))):
        await restore(tmp_path / "copy.db", place)
        restored = Store(place)
        assert await restored.closed_days(date(2026, 1, 1), date(2027, 1, 1)) == [FIRST, SECOND]
        await restored.close()
