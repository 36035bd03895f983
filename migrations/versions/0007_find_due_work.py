"""Find due work without going through all sittings."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_open = sa.text("status = 'open'")
    op.create_index("open_sittings_by_end", "sitting", ["ends_at"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_index("sittings_by_closing", "sitting", ["closed_at"])
    op.create_index("releases_by_time", "result_release", ["released_at"])


def downgrade() -> None:
    op.drop_index("releases_by_time", "result_release")
    op.drop_index("sittings_by_closing", "sitting")
    op.drop_index("open_sittings_by_end", "sitting")
