"""Organisations that stand behind a petition, and signatures on paper, each counted apart from individuals (U04)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import languages
from app.organisations.models import Organisation
from app.petitions import picturing
from app.petitions.campaign_models import CHECKED, Endorsement, PaperSheets
from app.petitions.picturing import ShownPicture


@dataclass(frozen=True)
class Endorser:
    """An organisation whose mandate staff have seen and that agreed to be named."""

    name: str
    language: str
    names: Mapping[str, str]
    country: str
    website: str
    statement: str
    statement_language: str
    logo: ShownPicture | None = None


def endorsers(
    session: Session, petition_id: int, language: str, locales: Sequence[str] = ()
) -> list[Endorser]:
    """The checked ones that may be named, by the alphabet of ``language`` (F06)."""
    rows = named(session, petition_id)
    logos = picturing.logos(session, [organisation.id for _, organisation in rows])
    found = [
        _endorser(organisation, endorsement, language, locales, logos.get(organisation.id))
        for endorsement, organisation in rows
    ]
    return sorted(found, key=lambda one: languages.sort_key(one.name, language))


def named(session: Session, petition_id: int) -> Sequence[tuple[Endorsement, Organisation]]:
    """The checked endorsements whose organisations agreed to be named, in the order of their random ids."""
    rows = session.execute(
        sa.select(Endorsement, Organisation)
        .join(Organisation, Organisation.id == Endorsement.organisation_id)
        .where(
            Endorsement.petition_id == petition_id,
            Endorsement.state == CHECKED,
            Endorsement.may_publish.is_(True),
        )
        .order_by(Endorsement.id)
    )
    return [(row[0], row[1]) for row in rows]


def on_paper(session: Session, petition_id: int) -> int:
    """How many signatures stand on the scanned sheets of a petition."""
    return all_on_paper(session, petition_id).get(petition_id, 0)


def all_on_paper(session: Session, *petition_ids: int) -> dict[int, int]:
    """How many signatures stand on scanned sheets, for each of these petitions that has any."""
    rows = session.execute(
        sa.select(PaperSheets.petition_id, sa.func.sum(PaperSheets.signatures))
        .where(PaperSheets.petition_id.in_(petition_ids))
        .group_by(PaperSheets.petition_id)
    )
    return {row[0]: int(row[1]) for row in rows}


def _endorser(
    organisation: Organisation,
    endorsement: Endorsement,
    language: str,
    locales: Sequence[str],
    logo: ShownPicture | None,
) -> Endorser:
    names = organisation.names
    code = languages.first_of({code: code for code in names if names[code]}, language, *locales)
    return Endorser(
        name=names[code] if code else "",
        language=code or language,
        names=names,
        country=organisation.country,
        website=organisation.website if organisation.website.startswith("https://") else "",
        statement=endorsement.statement,
        statement_language=endorsement.language,
        logo=logo,
    )
