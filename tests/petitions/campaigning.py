"""What stands around a petition, as tests need it: signatures, updates, organisations, sheets of paper."""

from __future__ import annotations

import itertools
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from app.core import ids
from app.organisations.models import Organisation
from app.petitions.campaign_models import (
    CHECKED,
    NEWS,
    Endorsement,
    PaperSheets,
    PetitionUpdate,
    UpdateText,
)
from app.petitions.models import APPROVED, INITIALS, Petition, Signature
from tests.factories import DAY

_numbers = itertools.count()


def a_signature(
    session: Session,
    petition: Petition,
    name: str = "",
    *,
    day: date = DAY,
    shown_as: str = INITIALS,
    state: str = APPROVED,
    signature_id: UUID | None = None,
    **columns: object,
) -> Signature:
    """A counted signature; with a ``name``, one that a moderator has approved."""
    number = next(_numbers).to_bytes(32)
    signature = Signature(
        id=signature_id or ids.new(),
        petition_id=petition.id,
        index_key_id="1",
        exact_hash=number,
        mailbox_hash=number,
        text_id=petition.texts[0].id,
        wording_id=1,
        day=day,
        shown_as=shown_as if name else "anonymous",
        shown_name=name,
        shown_state=state if name else "",
        **columns,
    )
    session.add(signature)
    session.flush()
    return signature


def signatures(session: Session, petition: Petition, number: int, day: date) -> list[Signature]:
    """So many anonymous ones of one day."""
    return [a_signature(session, petition, day=day) for _ in range(number)]


def an_update(
    session: Session,
    petition: Petition,
    day: date | None = DAY,
    *,
    kind: str = NEWS,
    **titles: str,
) -> PetitionUpdate:
    """An update with a title in each language that is named: ``en="The minister answered"``."""
    update = PetitionUpdate(petition_id=petition.id, kind=kind, published=day)
    for language, title in (titles or {"en": "A report"}).items():
        more = "بیشتر" if language == "fa" else "more"
        body = f"{title}: **{more}**."
        update.texts.append(UpdateText(language=language, title=title, body=body))
    session.add(update)
    session.flush()
    return update


def an_endorsement(
    session: Session,
    petition: Petition,
    *,
    state: str = CHECKED,
    may_publish: bool = True,
    country: str = "FR",
    statement: str = "",
    language: str = "en",
    **names: str,
) -> Endorsement:
    """An organisation with a name in each language that is given, and its endorsement."""
    organisation = Organisation(
        type="national-union",
        names=names or {"en": "Example Education Union"},
        folded_name=" ".join(names.values()),
        country=country,
    )
    session.add(organisation)
    session.flush()
    endorsement = Endorsement(
        petition_id=petition.id,
        organisation_id=organisation.id,
        state=state,
        mandate="the executive committee, 3 November 2026",
        language=language,
        statement=statement,
        may_publish=may_publish,
        day=DAY,
    )
    session.add(endorsement)
    session.flush()
    return endorsement


def paper(session: Session, petition: Petition, signatures: int) -> None:
    """A scan of so many signatures."""
    session.add(PaperSheets(petition_id=petition.id, scanned=DAY, signatures=signatures))
    session.flush()
