"""an address for each language.

Revision: 3e8d41f6a0b7; after: 7b1f0c5a92de; made: 2026-11-29 19:20:00+00:00.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "3e8d41f6a0b7"
down_revision: str | None = "7b1f0c5a92de"
branch_labels: str | None = None
depends_on: str | None = None

PETITION = sa.table("petition", sa.column("id", sa.Integer), sa.column("slug", sa.String))
ADDRESS = sa.table(
    "petition_address",
    sa.column("petition_id", sa.Integer),
    sa.column("language", sa.String),
    sa.column("slug", sa.String),
    sa.column("current", sa.Boolean),
)
OLD = ("petition_id", "language", "slug")


def owner() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["petition_id"],
        ["petition.id"],
        name=op.f("fk_petition_address_petition_id_petition"),
        ondelete="CASCADE",
    )


def upgrade() -> None:
    # A petition's slug becomes the row of all languages that have none of their own.
    connection = op.get_bind()
    rows = {
        row.slug: {"petition_id": row.id, "language": "", "slug": row.slug, "current": True}
        for row in connection.execute(sa.select(PETITION).order_by(PETITION.c.id))
    }
    own = sa.select(ADDRESS.c.petition_id, ADDRESS.c.language, ADDRESS.c.slug)
    own = own.order_by(ADDRESS.c.petition_id, ADDRESS.c.language)
    for row in connection.execute(own).mappings():
        rows.setdefault(row["slug"], {**row, "current": True})
    op.drop_table("petition_address")
    op.create_table(
        "petition_address",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("petition_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        owner(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_petition_address")),
        sa.UniqueConstraint("slug", name=op.f("uq_petition_address_slug")),
    )
    op.create_index(
        op.f("ix_petition_address_petition_id_language"),
        "petition_address",
        ["petition_id", "language"],
        unique=True,
        sqlite_where=sa.text("current"),
        postgresql_where=sa.text("current"),
    )
    op.bulk_insert(ADDRESS, list(rows.values()))
    with op.batch_alter_table("petition", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_petition_slug"), type_="unique")
        batch_op.drop_column("slug")


def downgrade() -> None:
    connection = op.get_bind()
    used = sa.select(ADDRESS).where(ADDRESS.c.current).order_by(ADDRESS.c.petition_id)
    rows = connection.execute(used).mappings().all()
    with op.batch_alter_table("petition", schema=None) as batch_op:
        batch_op.add_column(sa.Column("slug", sa.String(length=80), nullable=True))
    for row in rows:
        if not row["language"]:
            connection.execute(
                sa.update(PETITION)
                .where(PETITION.c.id == row["petition_id"])
                .values(slug=row["slug"])
            )
    with op.batch_alter_table("petition", schema=None) as batch_op:
        batch_op.alter_column("slug", existing_type=sa.String(length=80), nullable=False)
        batch_op.create_unique_constraint(batch_op.f("uq_petition_slug"), ["slug"])
    op.drop_index(op.f("ix_petition_address_petition_id_language"), table_name="petition_address")
    op.drop_table("petition_address")
    op.create_table(
        "petition_address",
        sa.Column("petition_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        owner(),
        sa.PrimaryKeyConstraint("petition_id", "language", name=op.f("pk_petition_address")),
        sa.UniqueConstraint("language", "slug", name=op.f("uq_petition_address_language_slug")),
    )
    # What was replaced goes: the older schema leads from no slug to another.
    own = [{name: row[name] for name in OLD} for row in rows if row["language"]]
    if own:
        op.bulk_insert(sa.table("petition_address", *map(sa.column, OLD)), own)
