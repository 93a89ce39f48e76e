"""Forgetting a contact: the last step of an erasure, which leaves a line in the ledger (C17)."""

from __future__ import annotations

from datetime import date
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import caps, suppressions
from app.audience.ledger import ERASED, LIFTED, Ledger
from app.audience.models import Contact
from app.audience.subscriptions import Desk, contact_of
from app.core.addresses import Address
from app.core.database import keep_apart

AUDIENCE: Final = "audience"
"""What erasures and an import's batches are kept apart by, so that none misses what the other does."""


def forget(session: Session, desk: Desk, ledger: Ledger, address: Address, *, day: date) -> None:
    """Delete the contact with all subscriptions and consents, and note the erasure before the commit.

    A mailbox that was never a contact is noted too, so that an import keeps it out.
    """
    keep_apart(session, AUDIENCE, alone=False)
    contact = contact_of(session, desk, address)
    indexes = list(desk.indexer.every_index(address))
    rows = [contact.exact_index.hex()] if contact is not None else []
    ledger.append(ERASED, indexes[0], rows, day=day)
    if contact is not None:
        session.execute(sa.delete(Contact).where(Contact.id == contact.id))
        session.expunge(contact)
    suppressions.forget_left(session, [index.mailbox for index in indexes])
    caps.drop(session, indexes)


def welcome_back(desk: Desk, ledger: Ledger, address: Address, *, day: date) -> None:
    """A proof given after an erasure lifts it: the person came of their own wish."""
    indexes = list(desk.indexer.every_index(address))
    if ledger.erased(indexes):
        for index in indexes:
            ledger.append(LIFTED, index, [], day=day)
