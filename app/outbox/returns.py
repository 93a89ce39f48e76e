"""What comes back from a mail that was sent: "never write to me again" (C14); bounces join it here."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import tokens, wake
from app.core.database import wake_after_commit
from app.outbox.models import Envelope


def never_write(session: Session, token: str) -> None:
    """Mark the delivery whose link this is; the worker suppresses the mailbox. The same for any token."""
    session.execute(
        sa.update(Envelope)
        .where(Envelope.never_write_hash == tokens.fingerprint(token))
        .values(never_write=True)
    )
    wake_after_commit(session, wake.REQUESTS)
