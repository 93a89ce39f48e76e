"""What staff keep around a petition: its updates, the organisations behind it, the signatures on paper (U04)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from app.core.database import insert_into
from app.core.errors import InvalidError, NotFoundError
from app.core.languages import tidy, tidy_lines
from app.organisations.models import Organisation
from app.petitions import editing
from app.petitions.campaign_models import (
    CHECKED,
    KINDS,
    Endorsement,
    PaperSheets,
    PetitionUpdate,
    UpdateText,
)

LONGEST_TITLE: Final = 200
LONGEST_BODY: Final = 20_000
LONGEST_STATEMENT: Final = 2_000
MOST_ON_PAPER: Final = 10_000_000


@dataclass(frozen=True)
class Backing:
    """An organisation's decision, as staff enter it: which body took it, where it can be read, what is said of it."""

    organisation_id: int
    mandate: str
    language: str
    document: str = ""
    statement: str = ""
    may_publish: bool = False


def save_update(
    session: Session,
    petition_id: int,
    kind: str,
    texts: Mapping[str, tuple[str, str]],
    *,
    update_id: int | None = None,
) -> PetitionUpdate:
    """Keep an update as a draft, or change one; ``texts`` gives title and body by language, empty ones go.

    Raises InvalidError for no whole text, a half one, or what is too long; NotFoundError for no such update.
    """
    editing.get(session, petition_id)
    if kind not in KINDS:
        raise InvalidError("unknown", field="kind")
    clean = {code: (tidy(title), tidy_lines(body).strip()) for code, (title, body) in texts.items()}
    written = {code: text for code, text in clean.items() if any(text)}
    if not written:
        raise InvalidError("needed", field="title")
    for code, (title, body) in written.items():
        if not title or not body:
            raise InvalidError("half written", field=f"title-{code}")
        if len(title) > LONGEST_TITLE or len(body) > LONGEST_BODY:
            raise InvalidError("too long", field=f"body-{code}")
    update = update_of(session, petition_id, update_id) if update_id else PetitionUpdate()
    update.petition_id, update.kind = petition_id, kind
    known = {text.language: text for text in update.texts}
    update.texts = [known.get(code) or UpdateText(language=code) for code in written]
    for text in update.texts:
        text.title, text.body = written[text.language]
    session.add(update)
    session.flush()
    return update


def update_of(session: Session, petition_id: int, update_id: int) -> PetitionUpdate:
    """One update of a petition with its texts. Raises NotFoundError."""
    found = session.scalar(
        sa.select(PetitionUpdate)
        .where(PetitionUpdate.id == update_id, PetitionUpdate.petition_id == petition_id)
        .options(selectinload(PetitionUpdate.texts))
    )
    if found is None:
        raise NotFoundError("no such update")
    return found


def publish_update(session: Session, petition_id: int, update_id: int, *, day: date) -> None:
    """Show an update from ``day`` on; one that is shown keeps its day. Raises NotFoundError."""
    found = update_of(session, petition_id, update_id)
    found.published = found.published or day


def remove_update(session: Session, petition_id: int, update_id: int) -> None:
    """Take an update away. Raises NotFoundError."""
    session.delete(update_of(session, petition_id, update_id))


def updates(session: Session, petition_id: int) -> Sequence[PetitionUpdate]:
    """All updates of a petition, drafts first, then the newest."""
    return session.scalars(
        sa.select(PetitionUpdate)
        .where(PetitionUpdate.petition_id == petition_id)
        .options(selectinload(PetitionUpdate.texts))
        .order_by(
            PetitionUpdate.published.is_not(None),
            PetitionUpdate.published.desc(),
            PetitionUpdate.id.desc(),
        )
    ).all()


def endorse(
    session: Session, petition_id: int, backing: Backing, *, account_id: int, day: date
) -> None:
    """Enter an organisation's endorsement whose mandate was seen; entered again, the newer words stand (U04).

    Raises InvalidError without a mandate, for what is too long, and for no such organisation.
    """
    editing.get(session, petition_id)
    mandate = tidy(backing.mandate)
    statement = tidy_lines(backing.statement).strip()
    if session.get(Organisation, backing.organisation_id) is None:
        raise InvalidError("unknown", field="organisation")
    if not mandate:
        raise InvalidError("needed", field="mandate")
    if len(mandate) > 300 or len(statement) > LONGEST_STATEMENT:
        raise InvalidError("too long", field="statement")
    document = tidy(backing.document)
    if document and not document.startswith("https://"):
        raise InvalidError("no link", field="document")
    words = {
        "state": CHECKED,
        "mandate": mandate,
        "document": document,
        "language": backing.language,
        "statement": statement,
        "may_publish": backing.may_publish,
        "day": day,
        "entered_by": account_id,
    }
    session.execute(
        insert_into(session, Endorsement)
        .values(petition_id=petition_id, organisation_id=backing.organisation_id, **words)
        .on_conflict_do_update(index_elements=["petition_id", "organisation_id"], set_=words)
    )


def withdraw_endorsement(session: Session, petition_id: int, organisation_id: int) -> bool:
    """Delete an endorsement; False where there was none."""
    gone = session.execute(
        sa.delete(Endorsement).where(
            Endorsement.petition_id == petition_id, Endorsement.organisation_id == organisation_id
        )
    )
    return cast("sa.CursorResult[object]", gone).rowcount == 1


def endorsements(session: Session, petition_id: int) -> Sequence[tuple[Endorsement, Organisation]]:
    """All endorsements of a petition with their organisations, by name as search folds it."""
    rows = session.execute(
        sa.select(Endorsement, Organisation)
        .join(Organisation, Organisation.id == Endorsement.organisation_id)
        .where(Endorsement.petition_id == petition_id)
        .order_by(Organisation.folded_name)
    )
    return [(row[0], row[1]) for row in rows]


def enter_paper(
    session: Session,
    petition_id: int,
    signatures: int,
    scanned: date,
    note: str,
    *,
    account_id: int,
    today: date,
) -> None:
    """Enter how many signatures stand on scanned sheets. Raises InvalidError for a number or day that cannot be."""
    editing.get(session, petition_id)
    if not 1 <= signatures <= MOST_ON_PAPER:
        raise InvalidError("out of bounds", field="signatures")
    if scanned > today:
        raise InvalidError("not yet", field="scanned")
    session.add(
        PaperSheets(
            petition_id=petition_id,
            scanned=scanned,
            signatures=signatures,
            note=tidy(note)[:200],
            entered_by=account_id,
        )
    )


def remove_paper(session: Session, petition_id: int, sheets_id: int) -> bool:
    """Take an entry back; False where there was none."""
    gone = session.execute(
        sa.delete(PaperSheets).where(
            PaperSheets.id == sheets_id, PaperSheets.petition_id == petition_id
        )
    )
    return cast("sa.CursorResult[object]", gone).rowcount == 1


def papers(session: Session, petition_id: int) -> Sequence[PaperSheets]:
    """All entries of a petition, the newest scan first."""
    return session.scalars(
        sa.select(PaperSheets)
        .where(PaperSheets.petition_id == petition_id)
        .order_by(PaperSheets.scanned.desc(), PaperSheets.id.desc())
    ).all()
