"""What someone asked for and has not yet proven (C01)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, UtcDateTime

SIGNATURE: Final = "signature"
ENDORSEMENT: Final = "endorsement"
"""An organisation's own, asked for on a petition's page."""
SUBSCRIPTION: Final = "subscription"
PREFERENCES: Final = "preferences"
WITHDRAWAL: Final = "withdrawal"
SHOWING: Final = "showing"
"""To change how one's signature is shown."""
ERASURE: Final = "erasure"
REPRESENTATIVE: Final = "representative"
STAFF_ADDRESS: Final = "staff-address"
SUPPRESS: Final = "suppress"
NO_OUTREACH: Final = "no-outreach"
LIFT: Final = "lift"
ORDERS: Final = (SUPPRESS, NO_OUTREACH, LIFT)
"""What staff order about an address: carried out by the worker without a mail to anyone (C19)."""

ASKED: Final = "asked"
"""Written by the web; the worker has not looked yet."""
ANSWERED: Final = "answered"
"""The worker decided about the mail; link and code can prove it."""
PROVEN: Final = "proven"
"""Link or code came back; the worker carries it out and deletes the row."""
FAILED: Final = "failed"
"""It was proven, but carrying it out failed; staff are told, and it is erased when it expires."""

MAX_TRIES: Final = 5
MAX_MAILS: Final = 3


class Request(Base):
    """One wish of one visitor, sealed by the web and opened by the worker alone.

    ``mails`` counts the mails asked for (the first and each resend), ``answered`` those the worker has dealt
    with. ``noted`` is what the worker shows behind the link of a preferences request: lists and languages.

    Kept: until it was carried out; unproven PEYVAND_UNPROVEN_HOURS after its mail, PEYVAND_REQUEST_DAYS in any case.
    """

    __tablename__ = "request"
    __table_args__ = (sa.Index(None, "state", "expires_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Random: stands in the waiting page's address."""
    purpose: Mapped[str] = mapped_column(sa.String(24))
    """Plain: which wish it is."""
    subject: Mapped[str] = mapped_column(sa.String(64))
    """Plain: which petition or list it is about."""
    language: Mapped[str] = mapped_column(sa.String(8))
    """Plain: the language of page and mail."""
    day: Mapped[date]
    """Plain: when it was asked."""
    state: Mapped[str] = mapped_column(sa.String(10), default=ASKED)
    """Plain: asked, answered, proven or failed."""
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """Plain: when it is erased; finer than a day, since link and page must agree on the end."""
    box: Mapped[bytes]
    """Sealed: address, subject once more, and what the first form consented to."""
    choices: Mapped[bytes | None]
    """Sealed: what was chosen beside the proof."""
    mails: Mapped[int] = mapped_column(default=1)
    """Plain: how many mails were asked for."""
    answered: Mapped[int] = mapped_column(default=0)
    """Plain: how many of them the worker dealt with, mailed or not."""
    tries: Mapped[int] = mapped_column(default=0)
    """Plain: how many codes were tried."""
    key_id: Mapped[str | None] = mapped_column(sa.String(8))
    """Plain: which index key made link and code."""
    link_hash: Mapped[bytes | None] = mapped_column(unique=True)
    """Hashed: SHA-256 of the link's secret."""
    code_hash: Mapped[bytes | None]
    """Hashed: SHA-256 of the code together with the id."""
    code_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Plain: until when the code is good."""
    noted: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    """Plain: lists and languages, for a preferences link alone; empty for who has none."""
