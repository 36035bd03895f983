"""First tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calibration_run",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("scale", sa.String(length=80), nullable=False),
        sa.Column("model", sa.String(length=20), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("run_at", sa.String(length=27), nullable=False),
        sa.Column("seal", sa.String(length=71), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "center",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "checkpoint",
        sa.Column("size", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("root_hash", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.String(length=27), nullable=False),
        sa.Column("seal", sa.String(length=71), nullable=False),
        sa.PrimaryKeyConstraint("size"),
    )
    op.create_table(
        "exam",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("field", sa.String(length=80), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("title_zh", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "item_bank",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "journal_entry",
        sa.Column("sitting_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=71), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.PrimaryKeyConstraint("sitting_id", "number"),
    )
    op.create_table(
        "public_key",
        sa.Column("kid", sa.String(length=200), nullable=False),
        sa.Column("use", sa.String(length=20), nullable=False),
        sa.Column("algorithm", sa.String(length=20), nullable=False),
        sa.Column("jwk", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("seal", sa.String(length=71), nullable=False),
        sa.PrimaryKeyConstraint("kid"),
    )
    op.create_table(
        "sign_in_throttle",
        sa.Column("username", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("blocked_until", sa.String(length=27), nullable=True),
        sa.Column("last_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("username", "source"),
    )
    op.create_index("ix_sign_in_throttle_last_at", "sign_in_throttle", ["last_at"])
    op.create_table(
        "stored_response",
        sa.Column("sitting_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("sitting_id", "slot"),
    )
    op.create_table(
        "administration",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("exam_id", sa.String(length=24), nullable=False),
        sa.Column("part", sa.String(length=20), nullable=False),
        sa.Column("opens_at", sa.String(length=27), nullable=False),
        sa.Column("closes_at", sa.String(length=27), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_id"],
            ["exam.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "api_client",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("center_id", sa.String(length=24), nullable=True),
        sa.Column("public_jwk", sa.Text(), nullable=False),
        sa.Column("scopes", sa.String(length=200), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(
            ["center_id"],
            ["center.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "cut_score",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("exam_id", sa.String(length=24), nullable=False),
        sa.Column("part", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("scale", sa.String(length=80), nullable=False),
        sa.Column("theta", sa.String(length=40), nullable=False),
        sa.Column("method", sa.String(length=80), nullable=False),
        sa.Column("decided_on", sa.String(length=27), nullable=False),
        sa.Column("seal", sa.String(length=71), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_id"],
            ["exam.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("exam_id", "part", "number"),
    )
    op.create_table(
        "exam_form",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("exam_id", sa.String(length=24), nullable=False),
        sa.Column("part", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("seal", sa.String(length=71), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_id"],
            ["exam.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("exam_id", "part", "code"),
    )
    op.create_table(
        "item",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("bank_id", sa.String(length=24), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("is_retired", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bank_id"],
            ["item_bank.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("bank_id", "code"),
    )
    op.create_table(
        "stimulus",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("bank_id", sa.String(length=24), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["bank_id"],
            ["item_bank.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("bank_id", "code"),
    )
    op.create_table(
        "user",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("username", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("center_id", sa.String(length=24), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("session_epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(
            ["center_id"],
            ["center.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("username"),
    )
    op.create_table(
        "access_token",
        sa.Column("token_digest", sa.String(length=71), nullable=False),
        sa.Column("client_id", sa.String(length=24), nullable=False),
        sa.Column("scopes", sa.String(length=200), nullable=False),
        sa.Column("expires_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["api_client.id"],
        ),
        sa.PrimaryKeyConstraint("token_digest"),
    )
    op.create_table(
        "acknowledgement",
        sa.Column("client_id", sa.String(length=24), nullable=False),
        sa.Column("idempotency_key", sa.String(length=200), nullable=False),
        sa.Column("body_digest", sa.String(length=71), nullable=False),
        sa.Column("up_to", sa.Integer(), nullable=False),
        sa.Column("checkpoint", sa.Text(), nullable=False),
        sa.Column("acknowledged_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["api_client.id"],
        ),
        sa.PrimaryKeyConstraint("client_id", "idempotency_key"),
    )
    op.create_table(
        "administration_form",
        sa.Column("administration_id", sa.String(length=24), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("exam_form_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["administration_id"],
            ["administration.id"],
        ),
        sa.ForeignKeyConstraint(
            ["exam_form_id"],
            ["exam_form.id"],
        ),
        sa.PrimaryKeyConstraint("administration_id", "number"),
    )
    op.create_table(
        "item_version",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("item_id", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=20), nullable=False),
        sa.Column("area", sa.String(length=80), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("published_at", sa.String(length=27), nullable=False),
        sa.Column("seal", sa.String(length=71), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["item.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("item_id", "version"),
    )
    op.create_table(
        "paper",
        sa.Column("exam_form_id", sa.String(length=24), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("seal", sa.String(length=71), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_form_id"],
            ["exam_form.id"],
        ),
        sa.PrimaryKeyConstraint("exam_form_id"),
    )
    op.create_table(
        "registration",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("administration_id", sa.String(length=24), nullable=False),
        sa.Column("trainee_id", sa.String(length=24), nullable=False),
        sa.Column("center_id", sa.String(length=24), nullable=True),
        sa.Column("exam_form_id", sa.String(length=24), nullable=False),
        sa.Column("seat", sa.String(length=20), nullable=False),
        sa.Column("extra_minutes", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(
            ["administration_id"],
            ["administration.id"],
        ),
        sa.ForeignKeyConstraint(
            ["center_id"],
            ["center.id"],
        ),
        sa.ForeignKeyConstraint(
            ["exam_form_id"],
            ["exam_form.id"],
        ),
        sa.ForeignKeyConstraint(
            ["trainee_id"],
            ["user.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("administration_id", "trainee_id"),
    )
    op.create_table(
        "stimulus_version",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("stimulus_id", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("published_at", sa.String(length=27), nullable=False),
        sa.Column("seal", sa.String(length=71), nullable=False),
        sa.ForeignKeyConstraint(
            ["stimulus_id"],
            ["stimulus.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("stimulus_id", "version"),
    )
    op.create_table(
        "used_assertion",
        sa.Column("client_id", sa.String(length=24), nullable=False),
        sa.Column("jti", sa.String(length=200), nullable=False),
        sa.Column("expires_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["api_client.id"],
        ),
        sa.PrimaryKeyConstraint("client_id", "jti"),
    )
    op.create_table(
        "form_slot",
        sa.Column("exam_form_id", sa.String(length=24), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item_version_id", sa.String(length=24), nullable=False),
        sa.Column("stimulus_version_id", sa.String(length=24), nullable=True),
        sa.Column("points", sa.String(length=10), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("option_order", sa.Text(), nullable=False),
        sa.Column("seal", sa.String(length=71), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_form_id"],
            ["exam_form.id"],
        ),
        sa.ForeignKeyConstraint(
            ["item_version_id"],
            ["item_version.id"],
        ),
        sa.ForeignKeyConstraint(
            ["stimulus_version_id"],
            ["stimulus_version.id"],
        ),
        sa.PrimaryKeyConstraint("exam_form_id", "number"),
    )
    op.create_table(
        "item_parameters",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("item_version_id", sa.String(length=24), nullable=False),
        sa.Column("scale", sa.String(length=80), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=20), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("seal", sa.String(length=71), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_version_id"],
            ["item_version.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("item_version_id", "scale", "number"),
    )
    op.create_table(
        "sitting",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("registration_id", sa.String(length=24), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("exam_form_id", sa.String(length=24), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("started_at", sa.String(length=27), nullable=False),
        sa.Column("ends_at", sa.String(length=27), nullable=False),
        sa.Column("closed_at", sa.String(length=27), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column("last_digest", sa.String(length=71), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_form_id"],
            ["exam_form.id"],
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("registration_id", "attempt"),
    )
    with op.batch_alter_table("sitting", schema=None) as batch_op:
        batch_op.create_index(
            "one_open_sitting",
            ["registration_id"],
            unique=True,
            sqlite_where=sa.text("status = 'open'"),
            postgresql_where=sa.text("status = 'open'"),
        )

    op.create_table(
        "mark",
        sa.Column("sitting_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("category", sa.Integer(), nullable=False),
        sa.Column("highest", sa.Integer(), nullable=False),
        sa.Column("marker", sa.String(length=40), nullable=False),
        sa.Column("marked_at", sa.String(length=27), nullable=False),
        sa.Column("seal", sa.String(length=71), nullable=False),
        sa.ForeignKeyConstraint(
            ["sitting_id"],
            ["sitting.id"],
        ),
        sa.PrimaryKeyConstraint("sitting_id", "slot", "number"),
    )
    op.create_table(
        "result",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("raw_points", sa.String(length=20), nullable=False),
        sa.Column("highest_points", sa.String(length=20), nullable=False),
        sa.Column("theta", sa.String(length=40), nullable=False),
        sa.Column("standard_error", sa.String(length=40), nullable=False),
        sa.Column("cut_theta", sa.String(length=40), nullable=False),
        sa.Column("scaled", sa.String(length=20), nullable=False),
        sa.Column("is_passed", sa.Integer(), nullable=False),
        sa.Column("probability", sa.String(length=40), nullable=False),
        sa.Column("scorer", sa.String(length=80), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("evidence_digest", sa.String(length=71), nullable=False),
        sa.Column("scored_at", sa.String(length=27), nullable=False),
        sa.Column("seal", sa.String(length=71), nullable=False),
        sa.ForeignKeyConstraint(
            ["sitting_id"],
            ["sitting.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sitting_id", "number"),
    )
    op.create_table(
        "certificate",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("trainee_id", sa.String(length=24), nullable=False),
        sa.Column("holder_name", sa.String(length=200), nullable=False),
        sa.Column("exam_id", sa.String(length=24), nullable=False),
        sa.Column("theory_result_id", sa.String(length=24), nullable=False),
        sa.Column("practical_result_id", sa.String(length=24), nullable=False),
        sa.Column("probability", sa.String(length=40), nullable=False),
        sa.Column("issued_at", sa.String(length=27), nullable=False),
        sa.Column("seal", sa.String(length=71), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_id"],
            ["exam.id"],
        ),
        sa.ForeignKeyConstraint(
            ["practical_result_id"],
            ["result.id"],
        ),
        sa.ForeignKeyConstraint(
            ["theory_result_id"],
            ["result.id"],
        ),
        sa.ForeignKeyConstraint(
            ["trainee_id"],
            ["user.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("trainee_id", "exam_id", "number"),
    )
    op.create_table(
        "log_entry",
        sa.Column("index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("result_id", sa.String(length=24), nullable=False),
        sa.Column("record_id", sa.String(length=60), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("leaf_hash", sa.String(length=64), nullable=False),
        sa.Column("logged_at", sa.String(length=27), nullable=False),
        sa.Column("seal", sa.String(length=71), nullable=False),
        sa.ForeignKeyConstraint(
            ["result_id"],
            ["result.id"],
        ),
        sa.PrimaryKeyConstraint("index"),
        sa.UniqueConstraint("record_id"),
        sa.UniqueConstraint("result_id"),
    )
    op.create_table(
        "result_release",
        sa.Column("result_id", sa.String(length=24), nullable=False),
        sa.Column("released_by", sa.String(length=24), nullable=False),
        sa.Column("released_at", sa.String(length=27), nullable=False),
        sa.Column("seal", sa.String(length=71), nullable=False),
        sa.ForeignKeyConstraint(
            ["released_by"],
            ["user.id"],
        ),
        sa.ForeignKeyConstraint(
            ["result_id"],
            ["result.id"],
        ),
        sa.PrimaryKeyConstraint("result_id"),
    )


def downgrade() -> None:
    op.drop_table("result_release")
    op.drop_table("log_entry")
    op.drop_table("certificate")
    op.drop_table("result")
    op.drop_table("mark")
    with op.batch_alter_table("sitting", schema=None) as batch_op:
        batch_op.drop_index(
            "one_open_sitting", sqlite_where=sa.text("status = 'open'"), postgresql_where=sa.text("status = 'open'")
        )

    op.drop_table("sitting")
    op.drop_table("item_parameters")
    op.drop_table("form_slot")
    op.drop_table("used_assertion")
    op.drop_table("stimulus_version")
    op.drop_table("registration")
    op.drop_table("paper")
    op.drop_table("item_version")
    op.drop_table("administration_form")
    op.drop_table("acknowledgement")
    op.drop_table("access_token")
    op.drop_table("user")
    op.drop_table("stimulus")
    op.drop_table("item")
    op.drop_table("exam_form")
    op.drop_table("cut_score")
    op.drop_table("api_client")
    op.drop_table("administration")
    op.drop_table("stored_response")
    op.drop_table("sign_in_throttle")
    op.drop_table("public_key")
    op.drop_table("journal_entry")
    op.drop_table("item_bank")
    op.drop_table("exam")
    op.drop_table("checkpoint")
    op.drop_table("center")
    op.drop_table("calibration_run")
