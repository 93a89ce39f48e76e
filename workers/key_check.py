"""Whether every key that a row or the ledger names is still held (C03): a key may go only when none does."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.ledger import Ledger
from app.audience.models import CapCounter, Contact, Subscription, Suppression
from app.audience.subscriptions import Desk
from app.optin.models import Request
from app.outbox.models import Envelope, Letter
from app.petitions.models import Petition, Signature

INDEXED = (
    Contact.index_key_id,
    Suppression.index_key_id,
    CapCounter.index_key_id,
    Envelope.index_key_id,
    Petition.index_key_id,
    Signature.index_key_id,
    Subscription.key_id,
    Letter.key_id,
    Request.key_id,
)
BOXES = (Contact.box, Envelope.box, Request.box)


def missing_keys(session: Session, desk: Desk, ledger: Ledger) -> set[str]:
    """The ids of keys that rows or lines of the ledger name and this worker lacks."""
    named = {f"index key {key}" for key in ledger.key_ids()}
    for column in INDEXED:
        named |= {
            f"index key {key}" for key in session.scalars(sa.select(column).distinct()) if key
        }
    for box in BOXES:
        named |= {
            f"seal key {bytes(start).partition(b':')[0].decode('ascii', 'replace')}"
            for start in session.scalars(sa.select(sa.func.substr(box, 1, 9)).distinct())
            if start
        }
    held = {f"index key {key}" for key in desk.indexer.key_ids}
    held |= {f"seal key {key}" for key in desk.opener.key_ids}
    return named - held
