"""Subscribing, leaving, and the languages one reads: the only ways a subscription changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import suppressions
from app.audience.models import Consent, Contact, MailingList, Subscription
from app.core import ids, languages, tokens
from app.core.addresses import Address
from app.core.database import insert_into
from app.core.sealing import Indexer, Opener
from app.core.tokens import MailedSecrets

FORGET_AT_ONCE: Final = 500


class Desk:
    """The worker's keys, as the verbs of this room need them."""

    def __init__(self, opener: Opener, indexer: Indexer) -> None:
        self.opener = opener
        self.indexer = indexer
        self.secrets = MailedSecrets(indexer)


def subscribe(
    session: Session,
    desk: Desk,
    address: Address,
    list_slug: str,
    *,
    languages: Sequence[str],
    wording_id: int,
    language: str,
    day: date,
    quiet: bool = False,
) -> Subscription:
    """Put a proven address on a list, or replace the languages of who is on it already.

    Makes the contact where there is none, and forgets that the list was ever left. Raises NoResultFound for a list that does not exist.
    """
    mailing_list = session.scalars(
        sa.select(MailingList).where(MailingList.slug == list_slug)
    ).one()
    # Locked, so that retention neither takes the contact away meanwhile nor, with it, this subscription.
    while (contact := contact_of(session, desk, address, lock=True)) is None:
        make_contacts(session, [contact_row(desk, address)])
    found = session.scalar(
        sa.select(Subscription).where(
            Subscription.contact_id == contact.id, Subscription.list_id == mailing_list.id
        )
    )
    if found is None:
        found = new_subscription(desk, contact.id, mailing_list.id, day=day)
        session.add(found)
    found.languages = tuple(languages)
    found.quiet = quiet
    session.flush()
    for index in desk.indexer.every_index(address):
        suppressions.lift(session, index.mailbox, suppressions.left(mailing_list.id))
    session.add(
        Consent(subscription_id=found.id, wording_id=wording_id, language=language, day=day)
    )
    session.flush()
    return found


def new_subscription(desk: Desk, contact_id: UUID, list_id: int, *, day: date) -> Subscription:
    """A subscription with its unsubscribe link; whoever makes it gives it languages and a consent."""
    subscription_id, key_id = ids.new(), desk.indexer.key_id
    secret = desk.secrets.token(tokens.ONE_CLICK, subscription_id, key_id)
    return Subscription(
        id=subscription_id,
        contact_id=contact_id,
        list_id=list_id,
        day=day,
        key_id=key_id,
        unsubscribe_hash=tokens.fingerprint(secret),
    )


def contact_of(
    session: Session, desk: Desk, address: Address, *, lock: bool = False
) -> Contact | None:
    """The contact with exactly this address, under whichever index key it was made."""
    matches = [
        sa.and_(Contact.index_key_id == index.key_id, Contact.exact_index == index.exact)
        for index in desk.indexer.every_index(address)
    ]
    query = sa.select(Contact).where(sa.or_(*matches))
    return session.scalar(query.with_for_update() if lock else query)


def change(
    session: Session,
    contact: Contact,
    list_slug: str,
    *,
    languages: Sequence[str],
    quiet: bool = False,
) -> None:
    """Set the languages of one subscription; nothing happens where there is none."""
    session.execute(
        sa.update(Subscription)
        .where(Subscription.contact_id == contact.id, Subscription.list_id == _list_id(list_slug))
        .values(languages=tuple(languages), quiet=quiet)
    )


def leave(session: Session, contact: Contact, list_slug: str, *, day: date) -> None:
    """End one subscription, and forget the contact where it was the last."""
    _end(
        session,
        sa.and_(Subscription.contact_id == contact.id, Subscription.list_id == _list_id(list_slug)),
        day=day,
    )
    forget_without_purpose(session)


def end_by_token(session: Session, token: str, *, day: date) -> None:
    """End the one subscription a mailed link stands for; needs no key, and twice is as good as once (M02).

    The contact goes with the next round of retention, the same day.
    """
    _end(session, Subscription.unsubscribe_hash == tokens.fingerprint(token), day=day)


def behind_link(session: Session, token: str) -> MailingList | None:
    """The list that an unsubscribe link would end; None for a used or false one. Changes nothing (M03)."""
    return session.scalar(
        sa.select(MailingList)
        .join(Subscription, Subscription.list_id == MailingList.id)
        .where(Subscription.unsubscribe_hash == tokens.fingerprint(token))
    )


def list_names(session: Session, language: str) -> dict[str, str]:
    """Every list's name in ``language``, by its slug."""
    return {
        found.slug: name_of(found, language) for found in session.scalars(sa.select(MailingList))
    }


def name_of(mailing_list: MailingList, language: str) -> str:
    """A list's name in ``language``, else in any it has."""
    return languages.first_of(mailing_list.names, language) or ""


def forget_without_purpose(session: Session) -> int:
    """Delete every contact that no subscription holds any more (C16); returns how many.

    Asked again once they are locked: who subscribes at this moment is passed over.
    """
    unheld = ~sa.exists().where(Subscription.contact_id == Contact.id)
    some = sa.select(Contact.id).where(unheld).limit(FORGET_AT_ONCE)
    forgotten = 0
    while found := session.scalars(some.with_for_update(skip_locked=True)).all():
        gone = session.execute(sa.delete(Contact).where(Contact.id.in_(found), unheld))
        forgotten += (deleted := cast("sa.CursorResult[object]", gone).rowcount)
        if not deleted:
            break
    return forgotten


def contact_row(desk: Desk, address: Address) -> dict[str, Any]:
    """What a new contact of this address holds: the address sealed, and two indexes of it (C06)."""
    contact_id: UUID = ids.new()
    index = desk.indexer.index(address)
    return {
        "id": contact_id,
        "box": desk.opener.seal("contact", contact_id, {"address": address.exact}),
        "index_key_id": index.key_id,
        "exact_index": index.exact,
        "mailbox_index": index.mailbox,
        "destination": desk.indexer.destination(address),
    }


def make_contacts(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert contacts that nothing holds yet; one that another transaction made meanwhile is left as it is."""
    statement = insert_into(session, Contact).on_conflict_do_nothing(
        index_elements=["index_key_id", "exact_index"]
    )
    session.execute(statement, list(rows))


def _end(session: Session, ended: sa.ColumnElement[bool], *, day: date) -> None:
    """Delete these subscriptions, and note whose mailbox left which list: no import puts it back (C18)."""
    leaving = sa.select(Contact.index_key_id, Contact.mailbox_index, Subscription.list_id).join(
        Subscription, Subscription.contact_id == Contact.id
    )
    for key_id, mailbox_index, list_id in session.execute(leaving.where(ended)).all():
        suppressions.add(session, key_id, mailbox_index, suppressions.left(list_id), day=day)
    session.execute(sa.delete(Subscription).where(ended))


def _list_id(slug: str) -> sa.ScalarSelect[int]:
    return sa.select(MailingList.id).where(MailingList.slug == slug).scalar_subquery()
