"""pictures by their address.

Revision: 7b1f0c5a92de; after: 5b1f0c7a9d34; made: 2026-11-25 06:30:00+00:00.
"""

from __future__ import annotations

from alembic import op

revision: str = "7b1f0c5a92de"
down_revision: str | None = "5b1f0c7a9d34"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    with op.batch_alter_table("picture", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_picture_digest"), ["digest"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("picture", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_picture_digest"))
