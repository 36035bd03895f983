"""Sittings are prepared hours before they may begin."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "prepared_sitting",
        sa.Column("sitting_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("registration_id", sa.String(length=24), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("exam_form_id", sa.String(length=24), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["exam_form_id"], ["exam_form.id"]),
        sa.ForeignKeyConstraint(["registration_id"], ["registration.id"]),
        sa.PrimaryKeyConstraint("sitting_id"),
        sa.UniqueConstraint("registration_id", "attempt"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # each save changes its sitting's row, which stays on its page when the page has room
        op.execute("ALTER TABLE sitting SET (fillfactor = 70)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE sitting RESET (fillfactor)")
    op.drop_table("prepared_sitting")
