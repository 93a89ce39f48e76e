"""Counting a signature once it was proven, and taking it back (C05, C12, C17)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.ledger import WITHDRAWN, Ledger
from app.audience.subscriptions import Desk
from app.core.addresses import Address
from app.core.database import insert_into
from app.core.sealing import Index
from app.petitions.models import (
    ANONYMOUS,
    DRAFT,
    NOTHING,
    SHOWN_AS,
    WAITS,
    Petition,
    Signature,
)


def count(
    session: Session,
    desk: Desk,
    petition_id: int,
    address: Address,
    asked: Mapping[str, Any],
    choices: Mapping[str, Any],
    *,
    day: date,
    held: str = "",
) -> bool:
    """Make the signature; True when it is a new one. ``held`` says why it does not count yet.

    The same mailbox by its provider's rules counts once, silently; the very same address replaces what is shown,
    not the day. What was asked before the petition closed counts when it is proven. A draft takes none.
    """
    petition = session.get(Petition, petition_id)
    if petition is None or petition.state == DRAFT:
        return False
    key_id = index_key(session, petition, desk)
    index = desk.indexer.signature(address, petition.id, key_id)
    shown = _shown(petition, choices)
    inserted = session.execute(
        insert_into(session, Signature)
        .values(
            id=UUID(str(choices["signature_id"])),
            petition_id=petition.id,
            index_key_id=key_id,
            exact_hash=index.exact,
            mailbox_hash=index.mailbox,
            text_id=int(asked["text_id"]),
            wording_id=int(asked["wording_id"]),
            day=day,
            held=held,
            **shown,
        )
        .on_conflict_do_nothing(index_elements=["petition_id", "mailbox_hash"])
        .returning(Signature.id)
    ).scalar_one_or_none()
    if inserted is None:
        session.execute(
            sa.update(Signature)
            .where(Signature.petition_id == petition.id, Signature.exact_hash == index.exact)
            .values(id=UUID(str(choices["signature_id"])), shown_in=None, **shown)
        )
    return inserted is not None


def change_shown(
    session: Session, desk: Desk, petition_id: int, address: Address, choices: Mapping[str, Any]
) -> bool:
    """Show the signature of this very address as its signer now wants; False where there is none (C17).

    What was shown vanishes at once; the new name waits for a moderator like a first one.
    """
    petition = session.get(Petition, petition_id)
    if petition is None or petition.index_key_id is None:
        return False
    index = desk.indexer.signature(address, petition.id, petition.index_key_id)
    found = _own(session, petition, index)
    if found is None:
        return False
    found.shown_as, found.shown_name = _shown_name(choices)
    found.shown_state = WAITS if found.shown_name or found.affiliation else NOTHING
    found.shown_in = None
    session.flush()
    return True


def withdraw(
    session: Session, desk: Desk, ledger: Ledger, address: Address, subject: str, *, day: date
) -> list[int]:
    """Delete the signature of one petition (its id) or of ``all``; returns the petitions that lost one.

    Keyed by the address letter for letter. Each deletion is noted in the ledger before the commit.
    """
    petitions = sa.select(Petition).where(Petition.index_key_id.is_not(None))
    if subject != "all":
        petitions = petitions.where(Petition.id == int(subject))
    touched = []
    for petition in session.scalars(petitions):
        index = desk.indexer.signature(address, petition.id, str(petition.index_key_id))
        found = _own(session, petition, index)
        if found is None:
            continue
        ledger.append(
            WITHDRAWN, index, [found.exact_hash.hex()], day=day, subject=f"petition:{petition.id}"
        )
        session.delete(found)
        touched.append(petition.id)
    session.flush()
    return touched


def lift_withdrawal(
    session: Session, desk: Desk, ledger: Ledger, petition_id: int, address: Address, *, day: date
) -> None:
    """Who signs again after withdrawing takes the ledger's line back, so that a restore leaves the new one (C17)."""
    key_id = session.scalar(sa.select(Petition.index_key_id).where(Petition.id == petition_id))
    if key_id is None:
        return
    index = desk.indexer.signature(address, petition_id, key_id)
    ledger.lift(index, f"petition:{petition_id}", day=day)


def _own(session: Session, petition: Petition, index: Index) -> Signature | None:
    """The signature of an address letter for letter: what rights go by (C04)."""
    return session.scalar(
        sa.select(Signature).where(
            Signature.petition_id == petition.id, Signature.exact_hash == index.exact
        )
    )


def index_key(session: Session, petition: Petition, desk: Desk) -> str:
    """The index key that the petition keeps; the first signature fixes it, since the web knows no key (C03)."""
    if petition.index_key_id is None:
        session.execute(
            sa.update(Petition)
            .where(Petition.id == petition.id, Petition.index_key_id.is_(None))
            .values(index_key_id=desk.indexer.key_id)
        )
        session.refresh(petition, ["index_key_id"])
    return str(petition.index_key_id)


def _shown(petition: Petition, choices: Mapping[str, Any]) -> dict[str, Any]:
    """What the signer chose to have shown; a moderator looks at it before anyone else does."""
    shown_as, shown_name = _shown_name(choices)
    affiliation = _given(choices, "affiliation", petition.asks_affiliation)
    comment = _given(choices, "comment", petition.takes_comments)
    names_box = choices.get("names_box")
    return {
        "shown_as": shown_as,
        "shown_name": shown_name,
        "shown_state": WAITS if shown_name or affiliation else NOTHING,
        "names_box": base64.b64decode(names_box) if names_box else None,
        "country": _given(choices, "country", petition.asks_country),
        "affiliation": affiliation,
        "comment": comment,
        "comment_language": _given(choices, "comment_language", bool(comment)),
        "comment_state": WAITS if comment else NOTHING,
        "comment_day": None,
    }


def _shown_name(choices: Mapping[str, Any]) -> tuple[str, str]:
    """How to be shown, and what of the name is kept for that: of an anonymous signer nothing."""
    shown_as = str(choices.get("shown_as"))
    if shown_as not in SHOWN_AS or shown_as == ANONYMOUS:
        return ANONYMOUS, ""
    return shown_as, str(choices.get("shown_name") or "")


def _given(choices: Mapping[str, Any], name: str, asked: bool) -> str:
    """What was chosen, where the petition asks for it."""
    return str(choices.get(name) or "") if asked else ""
