"""Putting mail on the road: sends, letters, and deliveries fixed in slices before any is sent (R01).

Nothing here sends. A row that these verbs commit is either sent, listed as unknown, or listed as why not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.subscriptions import Desk
from app.core import ids, tokens, wake
from app.core.addresses import Address
from app.core.database import insert_into, wake_after_commit
from app.outbox.models import (
    CONFIRMATION,
    PRIORITY,
    QUEUED,
    RUNNING,
    Delivery,
    Envelope,
    Letter,
    Send,
    Slice,
)
from emails.skeleton import Skeleton

REST: Final = "rest"


@dataclass(frozen=True)
class Mail:
    """One mail to who is no contact: the address and the values of the letter's holes, sealed until it is gone.

    ``recipient`` is the id of the row that asked; ``round`` counts its mails from 0.
    """

    letter: Letter
    recipient: UUID
    round: int
    address: Address = field(repr=False)
    holes: Mapping[str, str] = field(repr=False, default_factory=dict)
    never_write: bool = False


def schedule(
    session: Session,
    *,
    purpose: str,
    subject: str,
    round_: int = 0,
    begins_at: datetime | None,
    scheduled_by: int | None,
    state: str,
    options: Mapping[str, Any] | None = None,
) -> Send | None:
    """Make a send, or None when this purpose, subject and round has one: two clicks start one (R05)."""
    made = session.execute(
        insert_into(session, Send)
        .values(
            purpose=purpose,
            subject=subject,
            round=round_,
            state=state,
            priority=PRIORITY[purpose],
            begins_at=begins_at,
            scheduled_by=scheduled_by,
            options=dict(options or {}),
        )
        .on_conflict_do_nothing(index_elements=["purpose", "subject", "round"])
        .returning(Send.id)
    ).scalar_one_or_none()
    wake_after_commit(session, wake.DELIVER)
    return session.get_one(Send, made) if made is not None else None


def standing_send(session: Session) -> Send:
    """The send of all confirmations, which never ends."""
    find = sa.select(Send).where(Send.purpose == CONFIRMATION, Send.subject == "")
    found = session.scalar(find)
    if found is None:
        schedule(
            session,
            purpose=CONFIRMATION,
            subject="",
            begins_at=None,
            scheduled_by=None,
            state=RUNNING,
        )
        found = session.scalars(find).one()
    return found


def add_letter(
    session: Session,
    send: Send,
    *,
    kind: str,
    languages: tuple[str, ...],
    skeleton: Skeleton,
    sender: str,
    base_url: str,
    key_id: str,
    quiet: bool = False,
    revision: str = "",
) -> Letter:
    """Keep a rendered letter, or give back the one of the same kind, languages and revision."""
    content, holes = skeleton.to_row()
    same = (
        Letter.send_id == send.id,
        Letter.kind == kind,
        Letter.languages == languages,
        Letter.quiet == quiet,
        Letter.revision == revision,
    )
    session.execute(
        insert_into(session, Letter)
        .values(
            send_id=send.id,
            kind=kind,
            languages=languages,
            quiet=quiet,
            revision=revision,
            sender=sender,
            base_url=base_url,
            key_id=key_id,
            skeleton=content,
            holes=holes,
        )
        .on_conflict_do_nothing(
            index_elements=["send_id", "kind", "languages", "quiet", "revision"]
        )
    )
    return session.scalars(sa.select(Letter).where(*same)).one()


def post(session: Session, desk: Desk, mails: Sequence[Mail], *, now: datetime) -> None:
    """Fix mails to people who are no contacts, one slice for each letter and destination group.

    Raises IntegrityError when a recipient has had this round of this send already.
    """
    by_lane = sorted(mails, key=lambda mail: (mail.letter.id, mail.address.provider or REST))
    for (_, destination), lane in groupby(
        by_lane, key=lambda mail: (mail.letter.id, mail.address.provider or REST)
    ):
        in_order = list(lane)
        letter = in_order[0].letter
        slice_ = new_slice(session, letter, destination, size=len(in_order))
        rows = [_delivery(slice_, place, mail) for place, mail in enumerate(in_order)]
        session.execute(sa.insert(Delivery), rows)
        session.execute(
            sa.insert(Envelope),
            [
                _envelope(desk, row["id"], mail, now)
                for row, mail in zip(rows, in_order, strict=True)
            ],
        )
    wake_after_commit(session, wake.DELIVER)


def new_slice(session: Session, letter: Letter, destination: str, *, size: int) -> Slice:
    """A slice of a letter's send, ready to be claimed once this transaction is committed."""
    (made,) = new_slices(session, letter, destination, sizes=[size])
    return made


def new_slices(
    session: Session, letter: Letter, destination: str, *, sizes: Sequence[int]
) -> list[Slice]:
    """As ``new_slice``, one for each of ``sizes`` and in one statement."""
    send = session.get_one(Send, letter.send_id)
    made = [
        Slice(
            send_id=send.id,
            letter_id=letter.id,
            destination=destination,
            priority=send.priority,
            size=size,
            queued=size,
        )
        for size in sizes
    ]
    session.add_all(made)
    session.flush()
    return made


def _delivery(slice_: Slice, place: int, mail: Mail) -> dict[str, Any]:
    return {
        "slice_id": slice_.id,
        "position": place,
        "id": ids.new(),
        "send_id": slice_.send_id,
        "recipient": mail.recipient,
        "round": mail.round,
        "state": QUEUED,
    }


def _envelope(desk: Desk, delivery_id: UUID, mail: Mail, now: datetime) -> dict[str, Any]:
    index = desk.indexer.index(mail.address)
    holes = dict(mail.holes)
    row: dict[str, Any] = {
        "delivery_id": delivery_id,
        "day": now.date(),
        "index_key_id": index.key_id,
        "mailbox_index": index.mailbox,
        "never_write": False,
        "never_write_hash": None,
    }
    if mail.never_write:
        token = desk.secrets.token(tokens.NEVER_WRITE, delivery_id, mail.letter.key_id)
        row["never_write_hash"] = tokens.fingerprint(token)
        holes["never_write"] = f"{holes['never_write']}{token}"
    row["box"] = desk.opener.seal(
        "envelope", delivery_id, {"address": mail.address.exact, "holes": holes}
    )
    return row
