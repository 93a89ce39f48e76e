"""Who speaks for an organisation: a role and a language, and a contact once they confirmed (U02, U05).

No name and no address stand here. The address that staff type goes into a sealed request, and the worker joins
the contact to the role after the person said yes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core.errors import InvalidError, NotFoundError
from app.core.languages import tidy
from app.organisations.models import Organisation, Representative

LONGEST_ROLE: Final = 80


def add(
    session: Session, organisation: Organisation, role: str, language: str, *, day: date
) -> Representative:
    """Note that somebody with this role was invited. Raises InvalidError for a role that is empty or too long."""
    role = tidy(role)
    if not role or len(role) > LONGEST_ROLE:
        raise InvalidError("empty or too long", field="role")
    representative = Representative(
        organisation_id=organisation.id, role=role, language=language, day=day
    )
    session.add(representative)
    session.flush()
    return representative


def of(session: Session, organisation_id: int) -> Sequence[Representative]:
    """The representatives of an organisation, in the order they were invited in."""
    return session.scalars(
        sa.select(Representative)
        .where(Representative.organisation_id == organisation_id)
        .order_by(Representative.day, Representative.id)
    ).all()


def remove(session: Session, organisation_id: int, representative_id: UUID) -> None:
    """Take a role away; the person's own subscription stays theirs. Raises NotFoundError."""
    gone = session.execute(
        sa.delete(Representative)
        .where(
            Representative.id == representative_id,
            Representative.organisation_id == organisation_id,
        )
        .returning(Representative.id)
    ).all()
    if not gone:
        raise NotFoundError("no such representative")


def counts(session: Session, organisation_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """For each organisation how many were invited and how many of them confirmed."""
    rows = session.execute(
        sa.select(
            Representative.organisation_id,
            sa.func.count(),
            sa.func.count(Representative.contact_id),
        )
        .where(Representative.organisation_id.in_(organisation_ids))
        .group_by(Representative.organisation_id)
    )
    return {organisation_id: (invited, confirmed) for organisation_id, invited, confirmed in rows}
