"""what endorsements that unions ask for themselves, and exports offered once, need.

Revision: 5b1f0c7a9d34; after: d70ee32a0ba9; made: 2026-11-26 00:00:00+00:00.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "5b1f0c7a9d34"
down_revision: str | None = "d70ee32a0ba9"
branch_labels: str | None = None
depends_on: str | None = None

FILLED = ("typed", "reason")
"""Columns in which the endorsements that are there need a value."""


def upgrade() -> None:
    with op.batch_alter_table("endorsement", schema=None) as batch_op:
        batch_op.add_column(sa.Column("index_key_id", sa.String(length=8), nullable=True))
        batch_op.add_column(sa.Column("exact_hash", sa.LargeBinary(), nullable=True))
        batch_op.add_column(
            sa.Column("typed", sa.JSON(), nullable=False, server_default=sa.text("'{}'"))
        )
        batch_op.add_column(sa.Column("wording_id", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("reason", sa.String(length=200), nullable=False, server_default=sa.text("''"))
        )
        batch_op.alter_column("organisation_id", existing_type=sa.Integer(), nullable=True)
        batch_op.create_foreign_key(
            batch_op.f("fk_endorsement_wording_id_consent_wording"),
            "consent_wording",
            ["wording_id"],
            ["id"],
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_endorsement_petition_id_exact_hash"), ["petition_id", "exact_hash"]
        )
    # The defaults were for the rows that were there; from now on the model says what is new.
    with op.batch_alter_table("endorsement", schema=None) as batch_op:
        for column in FILLED:
            batch_op.alter_column(column, server_default=None)

    op.create_table(
        "export",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("petition_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=12), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["petition_id"],
            ["petition.id"],
            name=op.f("fk_export_petition_id_petition"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export")),
        sa.UniqueConstraint("petition_id", name=op.f("uq_export_petition_id")),
    )


def downgrade() -> None:
    op.drop_table("export")
    # The older schema knows no endorsement without an organisation: what staff never matched goes.
    op.execute("DELETE FROM endorsement WHERE organisation_id IS NULL")
    with op.batch_alter_table("endorsement", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("uq_endorsement_petition_id_exact_hash"), type_="unique"
        )
        batch_op.drop_constraint(
            batch_op.f("fk_endorsement_wording_id_consent_wording"), type_="foreignkey"
        )
        batch_op.alter_column("organisation_id", existing_type=sa.Integer(), nullable=False)
        batch_op.drop_column("reason")
        batch_op.drop_column("wording_id")
        batch_op.drop_column("typed")
        batch_op.drop_column("exact_hash")
        batch_op.drop_column("index_key_id")
