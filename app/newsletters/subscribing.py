"""Carrying out what a reader proved: subscribing, and the choices behind their link (C12, C17)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import subscriptions
from app.audience.models import MailingList
from app.audience.subscriptions import Desk, contact_of
from app.core.addresses import Address
from app.core.database import insert_into


def subscribe(
    session: Session,
    desk: Desk,
    address: Address,
    list_slug: str,
    wanted: Mapping[str, Any],
    *,
    language: str,
    day: date,
    known_languages: Sequence[str],
) -> None:
    """Put a proven address on a list in the languages chosen, or in the language they asked in."""
    languages = _languages(wanted.get("languages"), known_languages) or (language,)
    subscriptions.subscribe(
        session,
        desk,
        address,
        list_slug,
        languages=languages,
        wording_id=int(wanted["wording_id"]),
        language=language,
        day=day,
        quiet=bool(wanted.get("quiet")),
    )


def change(
    session: Session,
    desk: Desk,
    address: Address,
    choices: Mapping[str, Any],
    *,
    day: date,
    known_languages: Sequence[str],
) -> None:
    """Set languages list by list; a list without any is left. For who has no subscription nothing happens."""
    contact = contact_of(session, desk, address)
    if contact is None:
        return
    for slug, wanted in dict(choices.get("lists") or {}).items():
        languages = _languages(wanted.get("languages"), known_languages)
        if languages:
            subscriptions.change(
                session, contact, slug, languages=languages, quiet=bool(wanted.get("quiet"))
            )
        else:
            subscriptions.leave(session, contact, slug, day=day)


def petition_list(session: Session, petition_id: int, names: Mapping[str, str]) -> str:
    """The list of a petition's news, made when its first reader asks for it; returns its slug."""
    slug = f"petition-{petition_id}"
    session.execute(
        insert_into(session, MailingList)
        .values(slug=slug, names=dict(names))
        .on_conflict_do_nothing(index_elements=["slug"])
    )
    return session.scalars(sa.select(MailingList.slug).where(MailingList.slug == slug)).one()


def _languages(wanted: Any, known: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(wanted, list):
        return ()
    return tuple(code for code in dict.fromkeys(map(str, wanted)) if code in known)
