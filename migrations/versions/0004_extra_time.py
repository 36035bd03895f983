"""Decisions on extra time are rows that say who, when and why."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "extra_time",
        sa.Column("registration_id", sa.String(length=24), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("factor", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("decided_by", sa.String(length=24), nullable=False),
        sa.Column("decided_at", sa.String(length=27), nullable=False),
        sa.Column("seal", sa.String(length=71), nullable=False),
        sa.ForeignKeyConstraint(["registration_id"], ["registration.id"]),
        sa.PrimaryKeyConstraint("registration_id", "number"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER extra_time_no_{verb.lower()} BEFORE {verb} ON extra_time "
                "BEGIN SELECT RAISE(ABORT, 'extra_time rows never change'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER extra_time_no_change BEFORE UPDATE OR DELETE ON extra_time "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("extra_time")
