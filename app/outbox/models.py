"""The road that every mail takes: a send, its letters, and its deliveries in slices (R01).

The indexes on ``delivery`` are few on purpose: one on its state would forbid PostgreSQL's HOT updates, and a mail
costs one row update.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, Languages, UtcDateTime

# What a send is for.
CONFIRMATION: Final = "confirmation"
NEWSLETTER: Final = "newsletter"
TEST: Final = "test"

# Which lane goes first: a smaller number overtakes a larger one.
PRIORITY: Final = {CONFIRMATION: 0, TEST: 1, NEWSLETTER: 2}

# States of a delivery, the same words everywhere.
QUEUED: Final = "queued"
ACCEPTED: Final = "accepted"
DEFERRED: Final = "deferred"
BOUNCED: Final = "bounced"
SUPPRESSED: Final = "suppressed"
UNKNOWN: Final = "unknown"
STATES: Final = (QUEUED, ACCEPTED, DEFERRED, BOUNCED, SUPPRESSED, UNKNOWN)

# States of a send.
UNAPPROVED: Final = "unapproved"
"""A second person must agree first."""
WAITING: Final = "waiting"
"""The seconds in which it can be undone (C28)."""
FREEZING: Final = "freezing"
"""Its recipients are being fixed; may be cut anywhere and resumed."""
RUNNING: Final = "sending"
PAUSED: Final = "paused"
SENT: Final = "sent"
CLOSED: Final = "closed"
"""Its deliveries became counts; it cannot be sent again (C16)."""

# States of a slice.
READY: Final = "ready"
CLAIMED: Final = "claimed"
DONE: Final = "done"


class Send(Base):
    """One purpose, subject and round of mail. Confirmations share one standing send that never ends."""

    __tablename__ = "send"
    __table_args__ = (sa.UniqueConstraint("purpose", "subject", "round"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(sa.String(16))
    subject: Mapped[str] = mapped_column(sa.String(64), default="")
    round: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(sa.String(12))
    priority: Mapped[int]
    scheduled_by: Mapped[int | None]
    approved_by: Mapped[int | None]
    begins_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    options: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)


class Letter(Base):
    """A mail rendered once for one tuple of languages; ``holes`` are byte offsets filled per reader (M16).

    ``key_id`` names the index key of its deliveries' secrets, Message-IDs and bounce addresses; ``sender`` is
    the address whose domain they carry, ``base_url`` where their links lead.
    """

    __tablename__ = "letter"
    __table_args__ = (sa.UniqueConstraint("send_id", "kind", "languages", "quiet", "revision"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    send_id: Mapped[int] = mapped_column(sa.ForeignKey("send.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(sa.String(16))
    languages: Mapped[tuple[str, ...]] = mapped_column(Languages)
    quiet: Mapped[bool] = mapped_column(default=False)
    revision: Mapped[str] = mapped_column(sa.String(16), default="")
    sender: Mapped[str] = mapped_column(sa.String(254))
    base_url: Mapped[str] = mapped_column(sa.String(200))
    key_id: Mapped[str] = mapped_column(sa.String(8))
    skeleton: Mapped[bytes]
    holes: Mapped[list[Any]] = mapped_column(sa.JSON)


class Slice(Base):
    """Deliveries of one letter to one destination group: one connection's lane, sent in order.

    The counters are what pages show.
    """

    __tablename__ = "slice"
    __table_args__ = (sa.Index(None, "state", "priority", "id"), sa.Index(None, "send_id"))

    id: Mapped[int] = mapped_column(
        sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True
    )
    send_id: Mapped[int] = mapped_column(sa.ForeignKey("send.id", ondelete="CASCADE"))
    letter_id: Mapped[int] = mapped_column(sa.ForeignKey("letter.id"))
    destination: Mapped[str] = mapped_column(sa.String(64))
    priority: Mapped[int]
    state: Mapped[str] = mapped_column(sa.String(8), default=READY)
    owner: Mapped[UUID | None]
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_on: Mapped[date | None]
    size: Mapped[int]
    queued: Mapped[int]
    accepted: Mapped[int] = mapped_column(default=0)
    deferred: Mapped[int] = mapped_column(default=0)
    bounced: Mapped[int] = mapped_column(default=0)
    suppressed: Mapped[int] = mapped_column(default=0)
    unknown: Mapped[int] = mapped_column(default=0)


class Delivery(Base):
    """One mail to one mailbox. ``recipient`` is a contact's id, or that of who is no contact (see Envelope).

    ``id`` is random; the bounce address and Message-ID are made from it (M06, M08).
    """

    __tablename__ = "delivery"
    __table_args__ = (
        sa.UniqueConstraint("send_id", "recipient", "round"),
        {"postgresql_with": {"fillfactor": "50"}},
    )

    slice_id: Mapped[int] = mapped_column(
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        sa.ForeignKey("slice.id", ondelete="CASCADE"),
        primary_key=True,
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    send_id: Mapped[int] = mapped_column(sa.ForeignKey("send.id", ondelete="CASCADE"))
    recipient: Mapped[UUID]
    round: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    subscription_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(sa.String(10), default=QUEUED)
    code: Mapped[int | None] = mapped_column(sa.SmallInteger)


class Envelope(Base):
    """Address and holes for a delivery to who is no contact; the box goes with the final outcome.

    What stays for ten days is what ``may_receive`` and a bounce ask: the index, and the hash of "never write to me".
    """

    __tablename__ = "envelope"

    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(index=True)
    box: Mapped[bytes | None]
    index_key_id: Mapped[str] = mapped_column(sa.String(8))
    mailbox_index: Mapped[bytes]
    never_write_hash: Mapped[bytes | None] = mapped_column(unique=True)
    never_write: Mapped[bool] = mapped_column(default=False)


class Retry(Base):
    """A deferred delivery's next attempt; ``attempts`` against the schedule says when to give up (M09).

    Without ``due_at`` the attempt is under way. ``again_after_unknown`` is set when a confirmation of unknown
    fate goes out its second and last time (R02).
    """

    __tablename__ = "retry"

    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    again_after_unknown: Mapped[bool] = mapped_column(default=False)


class SendMinute(Base):
    """How many mails of a send were accepted in one minute: the rate on the progress page."""

    __tablename__ = "send_minute"

    send_id: Mapped[int] = mapped_column(
        sa.ForeignKey("send.id", ondelete="CASCADE"), primary_key=True
    )
    minute: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    accepted: Mapped[int]


class SendResult(Base):
    """What closing a send leaves: a count per letter and outcome (C16)."""

    __tablename__ = "send_result"

    letter_id: Mapped[int] = mapped_column(
        sa.ForeignKey("letter.id", ondelete="CASCADE"), primary_key=True
    )
    state: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    deliveries: Mapped[int]


class Worker(Base):
    """A running worker process and its last beat."""

    __tablename__ = "worker"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(sa.String(120))
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    beat_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
