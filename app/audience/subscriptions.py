"""Subscribing, leaving, and the languages one reads: the only ways a subscription changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.models import Consent, Contact, MailingList, Subscription
from app.core import ids, languages, tokens
from app.core.addresses import Address
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

    Makes the contact where there is none. Raises NoResultFound for a list that does not exist.
    """
    mailing_list = session.scalars(
        sa.select(MailingList).where(MailingList.slug == list_slug)
    ).one()
    # Locked, so that retention neither takes the contact away meanwhile nor, with it, this subscription.
    known = contact_of(session, desk, address, lock=True)
    contact = known or _new_contact(session, desk, address)
    found = session.scalar(
        sa.select(Subscription).where(
            Subscription.contact_id == contact.id, Subscription.list_id == mailing_list.id
        )
    )
    if found is None:
        subscription_id = ids.new()
        key_id = desk.indexer.key_id
        found = Subscription(
            id=subscription_id,
            contact_id=contact.id,
            list_id=mailing_list.id,
            day=day,
            key_id=key_id,
            unsubscribe_hash=tokens.fingerprint(
                desk.secrets.token(tokens.ONE_CLICK, subscription_id, key_id)
            ),
        )
        session.add(found)
    found.languages = tuple(languages)
    found.quiet = quiet
    session.flush()
    session.add(
        Consent(subscription_id=found.id, wording_id=wording_id, language=language, day=day)
    )
    session.flush()
    return found


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


def leave(session: Session, contact: Contact, list_slug: str) -> None:
    """End one subscription, and forget the contact where it was the last."""
    session.execute(
        sa.delete(Subscription).where(
            Subscription.contact_id == contact.id, Subscription.list_id == _list_id(list_slug)
        )
    )
    forget_without_purpose(session)


def end_by_token(session: Session, token: str) -> None:
    """End the one subscription a mailed link stands for; needs no key, and twice is as good as once (M02).

    The contact goes with the next round of retention, the same day.
    """
    session.execute(
        sa.delete(Subscription).where(Subscription.unsubscribe_hash == tokens.fingerprint(token))
    )


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


def _new_contact(session: Session, desk: Desk, address: Address) -> Contact:
    contact_id: UUID = ids.new()
    index = desk.indexer.index(address)
    contact = Contact(
        id=contact_id,
        box=desk.opener.seal("contact", contact_id, {"address": address.exact}),
        index_key_id=index.key_id,
        exact_index=index.exact,
        mailbox_index=index.mailbox,
        destination=desk.indexer.destination(address),
    )
    session.add(contact)
    session.flush()
    return contact


def _list_id(slug: str) -> sa.ScalarSelect[int]:
    return sa.select(MailingList.id).where(MailingList.slug == slug).scalar_subquery()
