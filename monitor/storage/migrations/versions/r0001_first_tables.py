"""The first tables: subjects and series, runs, transitions, results in batches and blocks."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _names()
    op.create_table(
        "runs",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("vantage", sa.Text, nullable=False),
        sa.Column("begun", sa.BigInteger, nullable=False),
        sa.Column("alive", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_vantage_begun", "runs", ["vantage", "begun"])
    _transitions()
    op.create_table(
        "batches",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("slot", sa.Integer, nullable=False),
        sa.Column("rows", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
    )
    op.create_table(
        "blocks",
        sa.Column("slot", sa.Integer, nullable=False),
        sa.Column("series", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("slot", "series", name="pk_blocks"),
        sa.ForeignKeyConstraint(["series"], ["series.id"], name="fk_blocks_series"),
        sqlite_with_rowid=False,
    )


def _names() -> None:
    op.create_table(
        "subjects",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("point", sa.Text, nullable=False),
        sa.Column("endpoint", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_subjects"),
        sa.UniqueConstraint("point", "endpoint", name="uq_subjects_point_endpoint"),
    )
    op.create_table(
        "series",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("subject", sa.BigInteger, nullable=False),
        sa.Column("vantage", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_series"),
        sa.ForeignKeyConstraint(["subject"], ["subjects.id"], name="fk_series_subject"),
        sa.UniqueConstraint("subject", "vantage", name="uq_series_subject_vantage"),
    )


def _transitions() -> None:
    op.create_table(
        "transitions",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("subject", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("failed_phase", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("culprit", sa.Text, nullable=False),
        sa.Column("not_before", sa.BigInteger),
        sa.Column("first", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_transitions"),
        sa.ForeignKeyConstraint(["subject"], ["subjects.id"], name="fk_transitions_subject"),
        sa.UniqueConstraint(
            "subject", "at", "recorded_at", "status", name="uq_transitions_subject_at_recorded_at_status"
        ),
    )
    op.create_index("ix_transitions_subject_recorded_at_id", "transitions", ["subject", "recorded_at", "id"])
    op.create_index("ix_transitions_at_id", "transitions", ["at", "id"])
