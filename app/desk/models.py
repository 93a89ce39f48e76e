"""A petition's export for the officers, on its way from the worker to a colleague who fetches it once (C20)."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core import ids
from app.core.database import Base

ASKED: Final = "asked"
"""A colleague asked; the worker has not made it yet."""
READY: Final = "ready"
FAILED: Final = "failed"

NO_KEYS: Final = "no-keys"
"""No officer's key is set, or one that is none."""
NOT_MADE: Final = "not-made"
"""Anything else; the worker's log names the error."""


class Export(Base):
    """What goes to a petition's addressee, encrypted to the officers; the server cannot open it.

    Kept: until it was fetched, at most PEYVAND_EXPORT_DAYS; ``staff lock`` deletes it.
    """

    __tablename__ = "export"
    __table_args__ = (sa.UniqueConstraint("petition_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new)
    """Random: tells it from others."""
    petition_id: Mapped[int] = mapped_column(sa.ForeignKey("petition.id", ondelete="CASCADE"))
    """Plain: which petition."""
    state: Mapped[str] = mapped_column(sa.String(8), default=ASKED)
    """Plain: asked, ready or failed."""
    reason: Mapped[str] = mapped_column(sa.String(12), default="")
    """Plain: why it could not be made."""
    day: Mapped[date]
    """Plain: when it was asked for."""
    asked_by: Mapped[int]
    """Plain: which colleague asked for it."""
    octets: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    """Sealed: an age file to the officers' keys; no box of the worker's, which cannot open it."""
