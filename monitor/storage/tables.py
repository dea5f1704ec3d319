"""What is stored. The migrations make these tables; a test holds the two together.

Times are whole microseconds since 1970 UTC: exact, comparable, and the same in every database.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from monitor.storage.types import Day, Instant, Json, Length, Said

REVISION: Final = "0003"
"""The newest migration. A database that says so needs none."""


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
    Column("detail", Said, nullable=False),
    Column("culprit", Text, nullable=False),
    Column("not_before", Instant),
    Column("first", Boolean(create_constraint=False), nullable=False),
    Column("fault", Text, nullable=False, server_default=""),
    UniqueConstraint("subject", "at", "recorded_at", "status"),
    Index(None, "subject", "recorded_at", "id"),
    Index(None, "at", "id"),
)

# What is said of a point beside its status. Rows are never altered and never deleted.
flags: Final = Table(
    "flags",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("subject", BigInteger, ForeignKey(subjects.c.id), nullable=False),
    Column("flag", Text, nullable=False),
    Column("on", Boolean(create_constraint=False), nullable=False),
    Column("at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("source", Text, nullable=False),
    UniqueConstraint("subject", "flag", "at", "recorded_at"),
    Index(None, "subject", "flag", "recorded_at", "id"),
    Index(None, "at"),
)

# The ledger's sums of a point's closed days, in microseconds: the time in each status outside maintenance, and the time
# in it. Of one day the row recorded last holds; rows are never altered and never deleted. What the configuration called
# the point is as it was when the day was closed.
days: Final = Table(
    "days",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("subject", BigInteger, ForeignKey(subjects.c.id), nullable=False),
    Column("day", Day, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("name", Said, nullable=False),
    Column("kind", Text, nullable=False),
    Column("area", Text, nullable=False),
    Column("area_name", Said, nullable=False),
    Column("down", Length, nullable=False),
    Column("unreachable", Length, nullable=False),
    Column("faulty", Length, nullable=False),
    Column("degraded", Length, nullable=False),
    Column("unknown", Length, nullable=False),
    Column("up", Length, nullable=False),
    Column("unobserved", Length, nullable=False),
    Column("maintenance", Length, nullable=False),
    UniqueConstraint("subject", "day", "recorded_at"),
    Index(None, "day"),
)

# What happened to the incidents, in the order of recording. Rows are never altered and never deleted.
incident_events: Final = Table(
    "incident_events",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("event", Text, nullable=False, unique=True),
    Column("incident", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("point", Text, nullable=False),
    Column("actor", Said, nullable=False),
    Column("text", Said, nullable=False),
    Column("data", Json, nullable=False),
    Index(None, "incident", "id"),
)

# What is asked for of incidents, reckoned from their events in the transaction that writes these.
incidents: Final = Table(
    "incidents",
    metadata,
    Column("uid", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("fault", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("began", Instant, nullable=False),
    Column("opened", Instant, nullable=False),
    Column("closed", Instant),
    Index(None, "number"),
    Index(None, "opened", "uid"),
    Index(None, "closed"),
)

# Which points an incident ever touched.
incident_points: Final = Table(
    "incident_points",
    metadata,
    Column("point", Text, primary_key=True),
    Column("incident", Text, primary_key=True),
    sqlite_with_rowid=False,
)

# Messages in the order of recording; never deleted, altered only in ``settled``: when the last that was to be done
# about it was done, so that what is still to be sent is found without reading the rest.
outbox: Final = Table(
    "outbox",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("message", Text, nullable=False, unique=True),
    Column("incident", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("payload", Json, nullable=False),
    Column("settled", Instant),
    Index(None, "settled", "id"),
    Index(None, "incident", "id"),
)

# Attempts to deliver. Rows are never altered and never deleted.
deliveries: Final = Table(
    "deliveries",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("message", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("detail", Said, nullable=False),
    Column("title", Said, nullable=False),
    Column("text", Said, nullable=False),
    UniqueConstraint("message", "attempt", "outcome"),
)

# Planned work that was entered by hand; what the YAML plans is not here.
windows: Final = Table(
    "windows",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Said, nullable=False),
    Column("begin", Instant, nullable=False),
    Column("duration", Length, nullable=False),
    Column("rule", Text, nullable=False),
    Column("points", Json, nullable=False),
    Column("areas", Json, nullable=False),
    Column("labels", Json, nullable=False),
    Column("created_by", Said, nullable=False),
    Column("created_at", Instant),
    Column("cancelled_at", Instant),
)

# Who may do what. Of a token only a digest is kept.
tokens: Final = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Said, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("scope", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
)

# Who did what and when. Rows are never altered and never deleted.
audit: Final = Table(
    "audit",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", Said, nullable=False),
    Column("act", Text, nullable=False),
    Column("subject", Said, nullable=False),
    Column("detail", Said, nullable=False),
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
