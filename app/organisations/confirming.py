"""What becomes of a representative by their own word: they confirm, or they are forgotten (U02, U05)."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.organisations.models import Representative


def confirm(session: Session, representative_id: UUID, contact_id: UUID) -> None:
    """Tie the invited representative to the contact that confirmed; nothing where the entry went meanwhile."""
    session.execute(
        sa.update(Representative)
        .where(Representative.id == representative_id)
        .values(contact_id=contact_id)
    )


def forget(session: Session, contact_id: UUID) -> None:
    """Delete every entry of a person who asked to be erased."""
    session.execute(sa.delete(Representative).where(Representative.contact_id == contact_id))
