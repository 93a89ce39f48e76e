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

SLICE_SIZE: Final = 500
OWN_GROUP_FROM: Final = 20
"""A domain with this many readers in a send has slices of its own; the others share the group "rest"."""
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
        slice_ = _new_slice(session, letter, destination, size=len(in_order))
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


def freeze(
    session: Session,
    send: Send,
    letter_ids: Mapping[tuple[tuple[str, ...], bool], int],
    recipients: sa.Select[Any],
    *,
    slices: int = 20,
) -> bool:
    """Fix a send's recipients, at most ``slices`` slices a call; True once all are fixed.

    ``recipients`` selects destination, contact_id, subscription_id, languages, quiet. The cursor stands in the
    send's options and moves in the same transaction as the rows, so that a cut loses and doubles nothing; who
    is selected twice is fixed once. Order within a slice is that of the contact's random id.
    """
    chosen = recipients.subquery("chosen")
    plan = send.options.get("freeze") or _plan(session, chosen, letter_ids)
    for _ in range(slices):
        if plan["unit"] == len(plan["units"]):
            break
        _freeze_slice(session, send, chosen, letter_ids, plan)
    send.options = {**send.options, "freeze": plan}
    session.flush()
    wake_after_commit(session, wake.DELIVER)
    return bool(plan["unit"] == len(plan["units"]))


def _plan(
    session: Session, chosen: sa.Subquery, letter_ids: Mapping[tuple[tuple[str, ...], bool], int]
) -> dict[str, Any]:
    own = session.scalars(
        sa.select(chosen.c.destination)
        .group_by(chosen.c.destination)
        .having(sa.func.count() >= OWN_GROUP_FROM)
        .order_by(chosen.c.destination)
    ).all()
    units = [
        [list(languages), quiet, group] for languages, quiet in letter_ids for group in (*own, REST)
    ]
    return {"own": list(own), "units": units, "unit": 0, "after": ""}


def _freeze_slice(
    session: Session,
    send: Send,
    chosen: sa.Subquery,
    letter_ids: Mapping[tuple[tuple[str, ...], bool], int],
    plan: dict[str, Any],
) -> None:
    languages, quiet, group = plan["units"][plan["unit"]]
    in_unit = [
        chosen.c.languages == tuple(languages),
        chosen.c.quiet == quiet,
        chosen.c.destination == group
        if group != REST
        else chosen.c.destination.not_in(plan["own"]),
    ]
    if plan["after"]:
        in_unit.append(chosen.c.contact_id > UUID(plan["after"]))
    last: UUID | None = session.scalar(
        sa.select(chosen.c.contact_id)
        .where(*in_unit)
        .order_by(chosen.c.contact_id)
        .offset(SLICE_SIZE - 1)
        .limit(1)
    )
    if last is not None:
        in_unit.append(chosen.c.contact_id <= last)
    letter = session.get_one(Letter, letter_ids[tuple(languages), quiet])
    slice_ = _new_slice(session, letter, group, size=0)
    fixed = _insert_deliveries(session, send, slice_, chosen, in_unit)
    if fixed:
        slice_.size = slice_.queued = fixed
    else:
        session.delete(slice_)
    if last is None:
        plan.update(unit=plan["unit"] + 1, after="")
    else:
        plan["after"] = last.hex


def _insert_deliveries(
    session: Session,
    send: Send,
    slice_: Slice,
    chosen: sa.Subquery,
    in_unit: Sequence[sa.ColumnElement[bool]],
) -> int:
    sqlite = session.get_bind().dialect.name == "sqlite"
    random_id = (
        sa.func.lower(sa.func.hex(sa.func.randomblob(16))) if sqlite else sa.func.gen_random_uuid()
    )
    place = sa.func.row_number().over(order_by=chosen.c.contact_id) - 1
    source = sa.select(
        sa.literal(slice_.id),
        place,
        random_id,
        sa.literal(send.id),
        chosen.c.contact_id,
        sa.literal(send.round),
        chosen.c.subscription_id,
        sa.literal(QUEUED),
    ).where(*in_unit)
    inserted = session.execute(
        insert_into(session, Delivery)
        .from_select(
            [
                "slice_id",
                "position",
                "id",
                "send_id",
                "recipient",
                "round",
                "subscription_id",
                "state",
            ],
            source,
        )
        .on_conflict_do_nothing(index_elements=["send_id", "recipient", "round"])
        .returning(Delivery.position)
    )
    return len(inserted.all())


def _new_slice(session: Session, letter: Letter, destination: str, *, size: int) -> Slice:
    send = session.get_one(Send, letter.send_id)
    slice_ = Slice(
        send_id=send.id,
        letter_id=letter.id,
        destination=destination,
        priority=send.priority,
        size=size,
        queued=size,
    )
    session.add(slice_)
    session.flush()
    return slice_


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
