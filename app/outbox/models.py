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
INVITATION: Final = "invitation"
"""The kind of a letter that goes to somebody who did not ask for it."""

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
    """One purpose, subject and round of mail. Confirmations share one standing send that never ends.

    Kept: as long as the instance runs: what remains is who of staff sent what, and counts.
    """

    __tablename__ = "send"
    __table_args__ = (sa.UniqueConstraint("purpose", "subject", "round"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    """Plain: its number."""
    purpose: Mapped[str] = mapped_column(sa.String(16))
    """Plain: confirmation, newsletter or test."""
    subject: Mapped[str] = mapped_column(sa.String(64), default="")
    """Plain: which issue."""
    round: Mapped[int] = mapped_column(default=0)
    """Plain: counts up where the same is sent again."""
    state: Mapped[str] = mapped_column(sa.String(12))
    """Plain: how far it is."""
    priority: Mapped[int]
    """Plain: which lanes overtake which."""
    scheduled_by: Mapped[int | None]
    """Plain: the staff account that scheduled it."""
    approved_by: Mapped[int | None]
    """Plain: the staff account that agreed."""
    begins_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Plain: when its seconds of undo are over."""
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Plain: when it began."""
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Plain: when its last mail went."""
    options: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    """Plain: which letter goes to which choice of languages, and how far the freeze is."""


class Letter(Base):
    """A mail rendered once for one tuple of languages; ``holes`` are byte offsets filled per reader (M16).

    ``key_id`` names the index key of its deliveries' secrets, Message-IDs and bounce addresses; ``sender`` is
    the address whose domain they carry, ``base_url`` where their links lead.

    Kept: as long as its send.
    """

    __tablename__ = "letter"
    __table_args__ = (sa.UniqueConstraint("send_id", "kind", "languages", "quiet", "revision"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    """Plain: its number."""
    send_id: Mapped[int] = mapped_column(sa.ForeignKey("send.id", ondelete="CASCADE"))
    """Plain: whose it is."""
    kind: Mapped[str] = mapped_column(sa.String(16))
    """Plain: confirmation, invitation, or the list it goes to."""
    languages: Mapped[tuple[str, ...]] = mapped_column(Languages)
    """Plain: its languages in order."""
    quiet: Mapped[bool] = mapped_column(default=False)
    """Plain: whether subject and sender name nobody."""
    revision: Mapped[str] = mapped_column(sa.String(16), default="")
    """Plain: tells versions of a confirmation apart."""
    sender: Mapped[str] = mapped_column(sa.String(254))
    """Plain: whose domain stands in its ids."""
    base_url: Mapped[str] = mapped_column(sa.String(200))
    """Plain: where its links lead."""
    key_id: Mapped[str] = mapped_column(sa.String(8))
    """Plain: which index key makes its deliveries' secrets and ids."""
    skeleton: Mapped[bytes]
    """Plain: the mail but for what differs by reader."""
    holes: Mapped[list[Any]] = mapped_column(sa.JSON)
    """Plain: where that goes, as byte offsets."""


class Slice(Base):
    """Deliveries of one letter to one destination group: one connection's lane, sent in order.

    The counters are what pages show.

    Kept: PEYVAND_SEND_DAYS after the last mail; then its send becomes counts.
    """

    __tablename__ = "slice"
    __table_args__ = (sa.Index(None, "state", "priority", "id"), sa.Index(None, "send_id"))

    id: Mapped[int] = mapped_column(
        sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True
    )
    """Plain: its number."""
    send_id: Mapped[int] = mapped_column(sa.ForeignKey("send.id", ondelete="CASCADE"))
    """Plain: whose it is."""
    letter_id: Mapped[int] = mapped_column(sa.ForeignKey("letter.id"))
    """Plain: which letter it carries."""
    destination: Mapped[str] = mapped_column(sa.String(64))
    """Plain: a provider's name, a domain's HMAC, or the rest."""
    priority: Mapped[int]
    """Plain: which lanes overtake which."""
    state: Mapped[str] = mapped_column(sa.String(8), default=READY)
    """Plain: ready, claimed or done."""
    owner: Mapped[UUID | None]
    """Random: the worker that holds it."""
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Plain: until when, should the worker be silent."""
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Plain: until when the destination rests."""
    done_on: Mapped[date | None]
    """Plain: when its last mail went."""
    size: Mapped[int]
    """Plain: how many deliveries stand in it."""
    queued: Mapped[int]
    """Plain: how many wait."""
    accepted: Mapped[int] = mapped_column(default=0)
    """Plain: how many a server took."""
    deferred: Mapped[int] = mapped_column(default=0)
    """Plain: how many are tried again."""
    bounced: Mapped[int] = mapped_column(default=0)
    """Plain: how many were refused."""
    suppressed: Mapped[int] = mapped_column(default=0)
    """Plain: how many were passed over."""
    unknown: Mapped[int] = mapped_column(default=0)
    """Plain: of how many nobody knows."""


class Delivery(Base):
    """One mail to one mailbox. ``recipient`` is a contact's id, or that of who is no contact (see Envelope).

    ``id`` is random; the bounce address and Message-ID are made from it (M06, M08).

    Kept: PEYVAND_SEND_DAYS after the last mail; then a count per letter and outcome.
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
    """Plain: which slice it stands in."""
    position: Mapped[int] = mapped_column(primary_key=True)
    """Plain: its place there."""
    id: Mapped[UUID] = mapped_column(unique=True)
    """Random: Message-ID and bounce address are made from it."""
    send_id: Mapped[int] = mapped_column(sa.ForeignKey("send.id", ondelete="CASCADE"))
    """Plain: which send it belongs to."""
    recipient: Mapped[UUID]
    """Random: the contact's id, or the request's."""
    round: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    """Plain: counts a request's mails."""
    subscription_id: Mapped[UUID | None]
    """Random: what it rests on; its unsubscribe link ends it."""
    state: Mapped[str] = mapped_column(sa.String(10), default=QUEUED)
    """Plain: what became of it."""
    code: Mapped[int | None] = mapped_column(sa.SmallInteger)
    """Plain: the SMTP server's code, without its words."""


class Envelope(Base):
    """Address and holes for a delivery to who is no contact; the box goes with the final outcome.

    What stays for ten days is what ``may_receive`` and a bounce ask: the index, and the hash of "never write to me".

    Kept: PEYVAND_SEND_DAYS from its day; the box goes with the final outcome.
    """

    __tablename__ = "envelope"

    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    """Random: whose it is."""
    day: Mapped[date] = mapped_column(index=True)
    """Plain: when it was posted."""
    box: Mapped[bytes | None]
    """Sealed: the address, link, code and number."""
    index_key_id: Mapped[str] = mapped_column(sa.String(8))
    """Plain: which index key made the hash."""
    mailbox_index: Mapped[bytes]
    """Hashed: HMAC of the mailbox by its provider's rules."""
    never_write_hash: Mapped[bytes | None] = mapped_column(unique=True)
    """Hashed: SHA-256 of the secret in "never write to me again"."""
    never_write: Mapped[bool] = mapped_column(default=False)
    """Plain: whether it was pressed."""


class Retry(Base):
    """A deferred delivery's next attempt; ``attempts`` against the schedule says when to give up (M09).

    Without ``due_at`` the attempt is under way. ``again_after_unknown`` is set when a confirmation of unknown
    fate goes out its second and last time (R02).

    Kept: until the delivery's final outcome.
    """

    __tablename__ = "retry"

    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    """Random: whose it is."""
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """Plain: the next attempt."""
    attempts: Mapped[int] = mapped_column(default=0)
    """Plain: how many failed."""
    again_after_unknown: Mapped[bool] = mapped_column(default=False)
    """Plain: whether this is the one repeat of a confirmation."""


class SendMinute(Base):
    """How many mails of a send were accepted in one minute: the rate on the progress page.

    Kept: PEYVAND_SEND_DAYS after the last mail.
    """

    __tablename__ = "send_minute"

    send_id: Mapped[int] = mapped_column(
        sa.ForeignKey("send.id", ondelete="CASCADE"), primary_key=True
    )
    """Plain: whose it is."""
    minute: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    """Plain: the minute counted."""
    accepted: Mapped[int]
    """Plain: how many mails were accepted in it."""


class SendResult(Base):
    """What closing a send leaves: a count per letter and outcome (C16).

    Kept: as long as its letter.
    """

    __tablename__ = "send_result"

    letter_id: Mapped[int] = mapped_column(
        sa.ForeignKey("letter.id", ondelete="CASCADE"), primary_key=True
    )
    """Plain: which letter."""
    state: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    """Plain: which outcome."""
    deliveries: Mapped[int]
    """Plain: how many."""


class Worker(Base):
    """A running worker process and its last beat.

    Kept: until the process ends, or was silent for an hour.
    """

    __tablename__ = "worker"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Random: names the lock file too."""
    host: Mapped[str] = mapped_column(sa.String(120))
    """Plain: the machine it runs on."""
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """Plain: when it began."""
    beat_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    """Plain: when it was last heard."""
