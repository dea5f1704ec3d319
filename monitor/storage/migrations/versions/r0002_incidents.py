"""Faults of transitions, flags, incidents, the outbox, and what operators enter."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("transitions", sa.Column("fault", sa.Text, nullable=False, server_default=""))
    _flags()
    _incidents()
    _outbox()
    _operators()


def _flags() -> None:
    op.create_table(
        "flags",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("subject", sa.BigInteger, nullable=False),
        sa.Column("flag", sa.Text, nullable=False),
        sa.Column("on", sa.Boolean, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_flags"),
        sa.ForeignKeyConstraint(["subject"], ["subjects.id"], name="fk_flags_subject"),
        sa.UniqueConstraint("subject", "flag", "at", "recorded_at", name="uq_flags_subject_flag_at_recorded_at"),
    )
    op.create_index("ix_flags_subject_flag_recorded_at_id", "flags", ["subject", "flag", "recorded_at", "id"])
    op.create_index("ix_flags_at", "flags", ["at"])


def _incidents() -> None:
    op.create_table(
        "incident_events",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("incident", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("point", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incident_events"),
        sa.UniqueConstraint("event", name="uq_incident_events_event"),
    )
    op.create_index("ix_incident_events_incident_id", "incident_events", ["incident", "id"])
    op.create_table(
        "incidents",
        sa.Column("uid", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("fault", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("began", sa.BigInteger, nullable=False),
        sa.Column("opened", sa.BigInteger, nullable=False),
        sa.Column("closed", sa.BigInteger),
        sa.PrimaryKeyConstraint("uid", name="pk_incidents"),
    )
    op.create_index("ix_incidents_number", "incidents", ["number"])
    op.create_index("ix_incidents_opened_uid", "incidents", ["opened", "uid"])
    op.create_index("ix_incidents_closed", "incidents", ["closed"])
    op.create_table(
        "incident_points",
        sa.Column("point", sa.Text, nullable=False),
        sa.Column("incident", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("point", "incident", name="pk_incident_points"),
        sqlite_with_rowid=False,
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("incident", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("settled", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("message", name="uq_outbox_message"),
    )
    op.create_index("ix_outbox_settled_id", "outbox", ["settled", "id"])
    op.create_index("ix_outbox_incident_id", "outbox", ["incident", "id"])
    op.create_table(
        "deliveries",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("message", "attempt", "outcome", name="uq_deliveries_message_attempt_outcome"),
    )


def _operators() -> None:
    op.create_table(
        "windows",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("begin", sa.BigInteger, nullable=False),
        sa.Column("duration", sa.BigInteger, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("points", sa.Text, nullable=False),
        sa.Column("areas", sa.Text, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger),
        sa.Column("cancelled_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_windows"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("digest", name="uq_tokens_digest"),
    )
    op.create_table(
        "audit",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
