"""The ledger's sums of closed days."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_LENGTHS = ("down", "unreachable", "faulty", "degraded", "unknown", "up", "unobserved", "maintenance")


def upgrade() -> None:
    op.create_table(
        "days",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("subject", sa.BigInteger, nullable=False),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("area_name", sa.Text, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _LENGTHS),
        sa.PrimaryKeyConstraint("id", name="pk_days"),
        sa.ForeignKeyConstraint(["subject"], ["subjects.id"], name="fk_days_subject"),
        sa.UniqueConstraint("subject", "day", "recorded_at", name="uq_days_subject_day_recorded_at"),
    )
    op.create_index("ix_days_day", "days", ["day"])
