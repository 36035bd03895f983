"""PostgreSQL refuses to empty what never changes, and leaves room where newer responses take the place of older ones."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEPT = (
    "calibration_run", "certificate", "checkpoint", "cut_score", "exam_form", "extra_time", "form_slot",
    "item_parameters", "item_version", "journal_entry", "log_entry", "mark", "paper", "public_key", "result",
    "result_release", "stimulus_version",
)  # fmt: skip


def upgrade() -> None:
    # SQLite has no TRUNCATE: its DELETE is refused already
    if op.get_bind().dialect.name == "sqlite":
        return
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute("ALTER TABLE stored_response SET (fillfactor = 80)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute("ALTER TABLE stored_response RESET (fillfactor)")
    for table in KEPT:
        op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")
