"""Bringing a list of readers in that was kept elsewhere: who agreed there, and against nothing they said here (C17, C18).

An import subscribes at once. Who was ever erased here, is suppressed, or left that list stays out until they come
back themselves; whoever is on the list is left as they are. What it finds out about an address is told to nobody,
in no number either (C19).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import consents, subscriptions, suppressions
from app.audience.erasing import AUDIENCE
from app.audience.ledger import Ledger
from app.audience.list_files import Listed
from app.audience.models import UNIONS, Consent, Contact, MailingList, Subscription, Suppression
from app.audience.subscriptions import Desk
from app.core.database import keep_apart
from app.core.errors import InvalidError, NotFoundError
from app.core.sealing import Index

IMPORTED: Final = "imported:"
"""Begins the purpose of a wording that was agreed to elsewhere; its source follows."""
LONGEST_WORDING: Final = 2000
_SOURCE: Final = re.compile(r"[a-z0-9-]{1,15}")


@dataclass(frozen=True)
class Ground:
    """What imported subscriptions rest on: the list, and the consent with its wording, language and day (C13)."""

    list_id: int
    wording_id: int
    language: str
    day: date


@dataclass(frozen=True)
class Sealed:
    """One reader before a transaction begins: keyed hashes, the row of a new contact, the language of the letters."""

    indexes: tuple[Index, ...]
    row: dict[str, Any]
    language: str


def begin(
    session: Session,
    list_slug: str,
    *,
    wording: str,
    language: str,
    source: str,
    day: date,
    today: date,
) -> Ground:
    """Keep the sentence that these people agreed to, where and when, and find the list.

    Raises NotFoundError where there is no such list; InvalidError for the unions' list, whose readers confirm by
    themselves (U05), for an empty or long sentence, an odd source and a day that has not been.
    """
    found = session.scalar(sa.select(MailingList).where(MailingList.slug == list_slug))
    if found is None:
        raise NotFoundError("there is no such list")
    if list_slug == UNIONS:
        raise InvalidError("representatives of unions are invited, and confirm themselves")
    if not wording.strip() or len(wording) > LONGEST_WORDING:
        raise InvalidError(f"the sentence agreed to has 1 to {LONGEST_WORDING} characters")
    if not _SOURCE.fullmatch(source):
        raise InvalidError("a source is named by 1 to 15 of a-z, 0-9 and the hyphen")
    if day > today:
        raise InvalidError("the day of the consent has not been yet")
    kept = consents.publish(session, f"{IMPORTED}{source}", language, wording.strip())
    return Ground(found.id, kept.id, language, day)


def seal(desk: Desk, listed: Listed) -> Sealed:
    """What needs the keys and no database, made before the transaction, which is the shorter for it."""
    return Sealed(
        tuple(desk.indexer.every_index(listed.address)),
        subscriptions.contact_row(desk, listed.address),
        listed.language,
    )


def take_up(
    session: Session,
    desk: Desk,
    ledger: Ledger,
    ground: Ground,
    batch: Sequence[Sealed],
    *,
    today: date,
) -> None:
    """Put a batch on the list, one transaction; twice is as good as once.

    Erasures wait for its end, or it sees their lines. Who leaves at this moment stays out, since the list is asked
    before the suppressions are.
    """
    keep_apart(session, AUDIENCE, alone=True)
    batch = list({one.row["exact_index"]: one for one in batch}.values())
    contacts = _contacts(session, batch)
    on_list = _on_list(session, ground.list_id, contacts.values())
    kept_out = _kept_out(session, ground.list_id, batch)
    coming = [
        one
        for one in batch
        if contacts.get(one.row["exact_index"]) not in on_list
        and not kept_out.intersection(index.mailbox for index in one.indexes)
        and not ledger.ever_erased(one.indexes)
    ]
    new = [one for one in coming if one.row["exact_index"] not in contacts]
    if new:
        subscriptions.make_contacts(session, [one.row for one in new])
        made = _contacts(session, new)
        on_list |= _on_list(session, ground.list_id, made.values())
        contacts |= made
    for one in coming:
        contact_id = contacts[one.row["exact_index"]]
        if contact_id not in on_list:
            _subscribe(session, desk, ground, contact_id, one.language, today)
    session.flush()


def _subscribe(
    session: Session, desk: Desk, ground: Ground, contact_id: UUID, language: str, today: date
) -> None:
    made = subscriptions.new_subscription(desk, contact_id, ground.list_id, day=today)
    made.languages = (language,)
    made.consents.append(
        Consent(wording_id=ground.wording_id, language=ground.language, day=ground.day)
    )
    session.add(made)


def _contacts(session: Session, batch: Iterable[Sealed]) -> dict[bytes, UUID]:
    """The contacts of these addresses under any index key, by the current key's exact hash.

    Locked, so that retention does not take one away meanwhile.
    """
    current = {index.exact: one.row["exact_index"] for one in batch for index in one.indexes}
    rows = session.execute(
        sa.select(Contact.exact_index, Contact.id)
        .where(Contact.exact_index.in_(current))
        .order_by(Contact.id)
        .with_for_update()
    )
    return {current[exact]: contact_id for exact, contact_id in rows}


def _on_list(session: Session, list_id: int, contacts: Iterable[UUID]) -> set[UUID | None]:
    found = sa.select(Subscription.contact_id).where(
        Subscription.list_id == list_id, Subscription.contact_id.in_(list(contacts))
    )
    return set(session.scalars(found))


def _kept_out(session: Session, list_id: int, batch: Iterable[Sealed]) -> set[bytes]:
    """The mailboxes that complained, want silence or no outreach, bounced, or left this list, under any index key."""
    mailboxes = [index.mailbox for one in batch for index in one.indexes]
    found = sa.select(Suppression.mailbox_index).where(
        Suppression.mailbox_index.in_(mailboxes), suppressions.keeps_out(list_id)
    )
    return set(session.scalars(found))
