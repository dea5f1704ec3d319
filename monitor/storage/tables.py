"""What is stored. The migrations make these tables; a test holds the two together.

Times are whole microseconds since 1970 UTC: exact, comparable, and the same in every database.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from monitor.storage.blocks import instant, microseconds

REVISION: Final = "0001"
"""The newest migration. A database that says so needs none."""


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, stored as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else instant(value)


# SQLite gives numbers by itself only to a key declared INTEGER, which has 64 bits there.
_NUMBER = BigInteger().with_variant(Integer, "sqlite")

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# An endpoint, or a point (endpoint ""). The fingerprint is what it was when last registered.
subjects: Final = Table(
    "subjects",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("point", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("fingerprint", Text),
    UniqueConstraint("point", "endpoint"),
)

# What one vantage saw of one endpoint.
series: Final = Table(
    "series",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("subject", BigInteger, ForeignKey(subjects.c.id), nullable=False),
    Column("vantage", Text, nullable=False),
    UniqueConstraint("subject", "vantage"),
)

# A time in which a vantage's program ran: from its begin to its last sign of life (a mark or a result).
runs: Final = Table(
    "runs",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("vantage", Text, nullable=False),
    Column("begun", Instant, nullable=False),
    Column("alive", Instant, nullable=False),
    Index(None, "vantage", "begun"),
)

# Rows are never altered and never deleted.
transitions: Final = Table(
    "transitions",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("subject", BigInteger, ForeignKey(subjects.c.id), nullable=False),
    Column("at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("failed_phase", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("culprit", Text, nullable=False),
    Column("not_before", Instant),
    Column("first", Boolean(create_constraint=False), nullable=False),
    UniqueConstraint("subject", "at", "recorded_at", "status"),
    Index(None, "subject", "recorded_at", "id"),
    Index(None, "at", "id"),
)

# What was written together and is not packed yet: rows of any series that began in one slot. There are never many, so
# no index slows the writing down.
batches: Final = Table(
    "batches",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("slot", Integer, nullable=False),
    Column("rows", LargeBinary, nullable=False),
)

# One series' results in one slot of time. The key begins with the slot: packing then appends, where a key that begins
# with the series would dirty a page for every block.
blocks: Final = Table(
    "blocks",
    metadata,
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("series", BigInteger, ForeignKey(series.c.id), primary_key=True, autoincrement=False),
    Column("rows", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
