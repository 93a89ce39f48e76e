"""Endorsements that an organisation asked for itself: kept once proven, shown once staff saw the mandate (U04).

What was typed waits here until staff match it with an organisation. The address that asked leaves a keyed hash of its
own, by which it may change or withdraw what it asked for, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.ledger import ERASED, WITHDRAWN, Ledger
from app.audience.subscriptions import Desk
from app.core import ids, persian
from app.core.addresses import Address
from app.core.database import insert_into
from app.core.errors import InvalidError, NotFoundError
from app.core.languages import tidy
from app.organisations import records
from app.organisations.models import TYPES, Organisation
from app.organisations.records import Entry
from app.petitions import signing
from app.petitions.campaign_models import ASKED, CHECKED, REFUSED, Endorsement
from app.petitions.models import DRAFT, Petition

TYPED: Final = ("name", "type", "country", "website")
"""What an organisation writes of itself."""
WORDS: Final = ("mandate", "document", "statement", "language", "may_publish")
REFUSED_DAYS: Final = 7
"""A refused one is erased after as many days, like every refused text."""
LONGEST_REASON: Final = 200
MOST_SUGGESTIONS: Final = 5
PAGE: Final = 50
_SHORTEST_WORD: Final = 3


@dataclass(frozen=True)
class Asked:
    """One to decide on: what was typed, and the organisations that it may be.

    ``same`` is the one of exactly that name; where there is none, nothing is chosen for staff.
    """

    row: Endorsement
    suggested: Sequence[int] = ()
    same: int | None = None

    @property
    def mark(self) -> str:
        """A mark of the words that staff see, so that no others are checked in their stead."""
        return mark_of(self.row)


def ask(
    session: Session,
    desk: Desk,
    petition_id: int,
    address: Address,
    asked: Mapping[str, Any],
    choices: Mapping[str, Any],
    *,
    day: date,
) -> bool:
    """Keep what an organisation asked for and proved; True when staff are to look at it.

    The very same address replaces what it asked for. What was checked or refused waits for staff again only if a word
    of it changed. What was asked before the petition closed is kept when it is proven. A draft takes none.
    """
    petition = session.get(Petition, petition_id)
    if petition is None or petition.state == DRAFT:
        return False
    key_id = signing.index_key(session, petition, desk)
    index = desk.indexer.endorsement(address, petition.id, key_id)
    words = {
        "typed": {name: str(choices.get(name) or "") for name in TYPED},
        "mandate": str(choices.get("mandate") or ""),
        "document": str(choices.get("document") or ""),
        "statement": str(choices.get("statement") or ""),
        "language": str(choices.get("language") or petition.source_language),
        "may_publish": bool(choices.get("may_publish")),
    }
    own = (Endorsement.petition_id == petition.id, Endorsement.exact_hash == index.exact)
    found = session.scalar(sa.select(Endorsement).where(*own))
    if found is not None and all(getattr(found, name) == value for name, value in words.items()):
        return False
    state = {"state": ASKED, "organisation_id": None, "reason": "", "day": day, "entered_by": None}
    session.execute(
        insert_into(session, Endorsement)
        .values(
            id=ids.new(),
            petition_id=petition.id,
            index_key_id=key_id,
            exact_hash=index.exact,
            wording_id=int(asked["wording_id"]),
            **state,
            **words,
        )
        .on_conflict_do_update(
            index_elements=["petition_id", "exact_hash"],
            set_={**state, **words, "wording_id": int(asked["wording_id"])},
        )
    )
    if found is not None:
        session.refresh(found)
    return True


def withdraw(
    session: Session, desk: Desk, ledger: Ledger, address: Address, subject: str, *, day: date
) -> int:
    """Delete what this address asked for on one petition (its id) or on ``all``; returns how many.

    Keyed by the address letter for letter. Each deletion is noted in the ledger before the commit.
    """
    petitions = sa.select(Petition).where(Petition.index_key_id.is_not(None))
    if subject != "all":
        petitions = petitions.where(Petition.id == int(subject))
    found = _own(session, desk, address, session.scalars(petitions).all())
    for one in found:
        _delete(session, desk, ledger, address, one, day=day)
    session.flush()
    return len(found)


def forget(session: Session, desk: Desk, ledger: Ledger, address: Address, *, day: date) -> None:
    """Erase the address from all that it asked for (C17).

    A checked endorsement is the organisation's own public act and stays, without the hash; the others go. Either is
    noted in the ledger before the commit.
    """
    petitions = session.scalars(sa.select(Petition).where(Petition.index_key_id.is_not(None)))
    for one in _own(session, desk, address, petitions.all()):
        if one.state == CHECKED:
            _note(ERASED, desk, ledger, address, one, day=day)
            one.index_key_id = one.exact_hash = None
        else:
            _delete(session, desk, ledger, address, one, day=day)
    session.flush()


def lift_withdrawal(
    session: Session, desk: Desk, ledger: Ledger, petition_id: int, address: Address, *, day: date
) -> None:
    """Who asks again after withdrawing takes the ledger's line back, so that a restore leaves the new one (C17)."""
    key_id = session.scalar(sa.select(Petition.index_key_id).where(Petition.id == petition_id))
    if key_id is None:
        return
    index = desk.indexer.endorsement(address, petition_id, key_id)
    ledger.lift(index, _subject(petition_id), day=day)


def waiting(session: Session, *, limit: int = PAGE) -> list[Asked]:
    """What waits for staff, in the order of the random ids, each with the organisations that it may be."""
    rows = session.scalars(
        sa.select(Endorsement)
        .where(Endorsement.state == ASKED)
        .order_by(Endorsement.petition_id, Endorsement.id)
        .limit(limit)
    ).all()
    known = session.execute(sa.select(Organisation.id, Organisation.names)).all()
    names = [(one.id, {persian.fold(name).strip() for name in one.names.values()}) for one in known]
    return [_asked(row, names) for row in rows]


def how_many(session: Session, petition_id: int | None = None) -> int:
    """How many wait for staff, on one petition or on all."""
    query = sa.select(sa.func.count()).select_from(Endorsement).where(Endorsement.state == ASKED)
    if petition_id is not None:
        query = query.where(Endorsement.petition_id == petition_id)
    return session.scalar(query) or 0


def check(
    session: Session,
    endorsement_id: UUID,
    mark: str,
    organisation_id: int | None,
    *,
    account_id: int,
    day: date,
) -> Endorsement:
    """The mandate was seen: tie the endorsement to an organisation, or to a new one of what was typed.

    Where that organisation stands behind the petition already, these newer words stand in place of the older ones.
    Raises NotFoundError for one that no longer waits with these words, InvalidError for no such organisation and for
    what cannot be entered as one.
    """
    found = _waiting(session, endorsement_id, mark)
    if organisation_id is None:
        organisation_id = records.add(session, _entry(found, day)).id
    elif session.get(Organisation, organisation_id) is None:
        raise InvalidError("unknown", field="organisation")
    session.execute(
        sa.delete(Endorsement).where(
            Endorsement.petition_id == found.petition_id,
            Endorsement.organisation_id == organisation_id,
            Endorsement.id != found.id,
        )
    )
    found.organisation_id = organisation_id
    found.state, found.reason, found.entered_by, found.day = CHECKED, "", account_id, day
    session.flush()
    return found


def refuse(
    session: Session, endorsement_id: UUID, mark: str, reason: str, *, account_id: int, day: date
) -> Endorsement:
    """Never show it; it is erased within seven days.

    Raises NotFoundError for one that no longer waits with these words, InvalidError without a reason.
    """
    found = _waiting(session, endorsement_id, mark)
    reason = tidy(reason)
    if not reason:
        raise InvalidError("needed", field="reason")
    if len(reason) > LONGEST_REASON:
        raise InvalidError("too long", field="reason")
    found.state, found.reason, found.entered_by, found.day = REFUSED, reason, account_id, day
    session.flush()
    return found


def refused(session: Session, petition_id: int) -> Sequence[Endorsement]:
    """What was refused on a petition and is not erased yet, for colleagues who ask why."""
    return session.scalars(
        sa.select(Endorsement)
        .where(Endorsement.petition_id == petition_id, Endorsement.state == REFUSED)
        .order_by(Endorsement.day.desc(), Endorsement.id)
    ).all()


def forget_refused(session: Session, *, today: date) -> int:
    """Erase what was refused a week ago; returns how many."""
    erased = session.execute(
        sa.delete(Endorsement).where(
            Endorsement.state == REFUSED,
            Endorsement.day <= today - timedelta(days=REFUSED_DAYS),
        )
    )
    return cast("sa.CursorResult[object]", erased).rowcount


def mark_of(row: Endorsement) -> str:
    """A mark of an endorsement's words."""
    words = [row.typed, *(getattr(row, name) for name in WORDS)]
    written = json.dumps(words, sort_keys=True, ensure_ascii=False).encode()
    return hashlib.sha256(written).hexdigest()[:16]


def _waiting(session: Session, endorsement_id: UUID, mark: str) -> Endorsement:
    """The one that staff saw, locked while they decide; a second proof may have changed its words meanwhile."""
    found = session.scalar(
        sa.select(Endorsement)
        .where(Endorsement.id == endorsement_id, Endorsement.state == ASKED)
        .with_for_update()
    )
    if found is None or mark_of(found) != mark:
        raise NotFoundError("no such endorsement waits")
    return found


def _entry(row: Endorsement, day: date) -> Entry:
    """An organisation of what was typed; staff complete it on its own page."""
    kind = row.typed.get("type", "")
    return Entry(
        type=kind if kind in TYPES else "other",
        names={row.language: row.typed.get("name", "")},
        country=row.typed.get("country", ""),
        website=row.typed.get("website", ""),
        source=row.document,
        verified=day,
    )


def _own(
    session: Session, desk: Desk, address: Address, petitions: Sequence[Petition]
) -> list[Endorsement]:
    """What an address asked for, letter for letter: what rights go by (C04)."""
    hashes = {
        petition.id: desk.indexer.endorsement(
            address, petition.id, str(petition.index_key_id)
        ).exact
        for petition in petitions
    }
    rows = session.scalars(
        sa.select(Endorsement).where(Endorsement.exact_hash.in_(hashes.values()))
    )
    return [row for row in rows if hashes.get(row.petition_id) == row.exact_hash]


def _delete(
    session: Session, desk: Desk, ledger: Ledger, address: Address, row: Endorsement, *, day: date
) -> None:
    _note(WITHDRAWN, desk, ledger, address, row, day=day)
    session.delete(row)


def _note(
    act: str, desk: Desk, ledger: Ledger, address: Address, row: Endorsement, *, day: date
) -> None:
    """After WITHDRAWN a restore takes the row away, after ERASED only its hash where staff had checked it."""
    index = desk.indexer.endorsement(address, row.petition_id, str(row.index_key_id))
    ledger.append(act, index, [index.exact.hex()], day=day, subject=_subject(row.petition_id))


def _subject(petition_id: int) -> str:
    return f"endorsement:{petition_id}"


def _asked(row: Endorsement, known: Sequence[tuple[int, set[str]]]) -> Asked:
    """With the organisations whose folded names share most words with what was typed, the best first."""
    typed = persian.fold(row.typed.get("name", "")).strip()
    words = _words(typed)
    scored = [
        (max(len(words & _words(name)) for name in names), row_id)
        for row_id, names in known
        if names
    ]
    best = sorted((-score, row_id) for score, row_id in scored if score)
    same = [row_id for row_id, names in known if typed in names]
    suggested = dict.fromkeys([*same, *(row_id for _score, row_id in best)])
    return Asked(row, list(suggested)[:MOST_SUGGESTIONS], same[0] if len(same) == 1 else None)


def _words(folded: str) -> set[str]:
    return {word for word in folded.split() if len(word) >= _SHORTEST_WORD}
