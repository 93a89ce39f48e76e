"""What comes back from a mail that was sent: "never write to me again" (C14); bounces join it here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import ids, tokens, wake
from app.core.database import wake_after_commit
from app.outbox.models import CLOSED, Delivery, Envelope, Send


def never_write(session: Session, token: str) -> None:
    """Mark the delivery whose link this is; the worker suppresses the mailbox. The same for any token."""
    session.execute(
        sa.update(Envelope)
        .where(Envelope.never_write_hash == tokens.fingerprint(token))
        .values(never_write=True)
    )
    wake_after_commit(session, wake.REQUESTS)


def take_never_write(session: Session) -> list[tuple[str, bytes]]:
    """The mailboxes that asked for silence since the last look, as key id and provider-rule index.

    Their mark is taken back, and the link's hash goes: it has done its work.
    """
    rows = session.execute(
        sa.update(Envelope)
        .where(Envelope.never_write.is_(True), Envelope.never_write_hash.is_not(None))
        .values(never_write_hash=None)
        .returning(Envelope.index_key_id, Envelope.mailbox_index)
    ).all()
    return [(row.index_key_id, row.mailbox_index) for row in rows]


def forget(session: Session, contact_id: UUID | None, mailbox_indexes: Sequence[bytes]) -> None:
    """Unlink an erased person's deliveries and drop their envelopes; what was still queued is passed over.

    The rows stay for the counters of their sends, under a recipient that is nobody (R07).
    """
    session.execute(sa.delete(Envelope).where(Envelope.mailbox_index.in_(mailbox_indexes)))
    if contact_id is None:
        return
    for send_id in session.scalars(sa.select(Send.id).where(Send.state != CLOSED)):
        session.execute(
            sa.update(Delivery)
            .where(Delivery.send_id == send_id, Delivery.recipient == contact_id)
            .values(recipient=ids.new(), subscription_id=None)
        )


def forget_old(session: Session, *, before: date) -> None:
    """Delete the envelopes of days before ``before``: their links are no longer good (C14, C16)."""
    session.execute(sa.delete(Envelope).where(Envelope.day < before))
