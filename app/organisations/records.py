"""What is kept about an organisation: entered, changed, found (U01, U02, F04).

Everything here is what an organisation publishes about itself; people are in ``representatives``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import addresses, languages, persian
from app.core.errors import InvalidError, NotFoundError
from app.organisations.models import TYPES, Organisation

LONGEST_NAME: Final = 150
MOST_MEMBERS: Final = 1_000_000_000
PAGE: Final = 50


@dataclass(frozen=True)
class Entry:
    """An organisation as it was typed."""

    type: str
    names: Mapping[str, str]
    country: str = ""
    sector: str = ""
    parent_id: int | None = None
    members: int | None = None
    website: str = ""
    published_address: str = ""
    source: str = ""
    verified: date | None = None


def add(session: Session, entry: Entry) -> Organisation:
    """Enter an organisation. Raises InvalidError with the field that cannot be taken."""
    organisation = Organisation()
    _write(session, organisation, entry)
    session.add(organisation)
    session.flush()
    return organisation


def change(session: Session, organisation_id: int, entry: Entry) -> None:
    """Replace what is kept about an organisation. Raises InvalidError as ``add`` does, NotFoundError."""
    _write(session, get(session, organisation_id), entry)
    session.flush()


def remove(session: Session, organisation_id: int) -> None:
    """Delete an organisation with its representatives' roles; their subscriptions are their own and stay."""
    session.delete(get(session, organisation_id))
    session.flush()


def get(session: Session, organisation_id: int) -> Organisation:
    """The organisation. Raises NotFoundError."""
    organisation = session.get(Organisation, organisation_id)
    if organisation is None:
        raise NotFoundError("no such organisation")
    return organisation


def search(
    session: Session,
    text: str = "",
    *,
    type_: str = "",
    country: str = "",
    language: str,
    page: int = 1,
) -> tuple[Sequence[Organisation], int]:
    """One page of the organisations whose names hold every word of ``text``, and how many there are in all.

    Names are compared folded (F04) and sorted by the alphabet of ``language`` (F06); the directory has a few
    hundred rows, so sorting happens here.
    """
    query = sa.select(Organisation)
    for word in languages.tidy(text)[:200].split():
        query = query.where(Organisation.folded_name.contains(persian.fold(word), autoescape=True))
    if type_:
        query = query.where(Organisation.type == type_)
    if country:
        query = query.where(Organisation.country == country)
    found = sorted(
        session.scalars(query),
        key=lambda row: languages.sort_key(name_in(row, language), language),
    )
    return found[(page - 1) * PAGE : page * PAGE], len(found)


def countries(session: Session) -> Sequence[str]:
    """The countries that organisations are in, as two letters (ISO 3166-1)."""
    query = sa.select(Organisation.country).where(Organisation.country != "").distinct()
    return sorted(session.scalars(query))


def affiliates(session: Session, organisation_id: int) -> Sequence[Organisation]:
    """The organisations whose parent this is."""
    return session.scalars(
        sa.select(Organisation)
        .where(Organisation.parent_id == organisation_id)
        .order_by(Organisation.id)
    ).all()


def possible_parents(
    session: Session, organisation_id: int | None, language: str
) -> Sequence[Organisation]:
    """The organisations that may stand above this one: all but itself and those below it."""
    rows = list(session.scalars(sa.select(Organisation)))
    below = _below(organisation_id, rows)
    return sorted(
        (row for row in rows if row.id not in below),
        key=lambda row: languages.sort_key(name_in(row, language), language),
    )


def name_in(organisation: Organisation, language: str) -> str:
    """The name in a language, else the first it has."""
    return languages.first_of(organisation.names, language) or ""


def _below(organisation_id: int | None, rows: Sequence[Organisation]) -> set[int]:
    if organisation_id is None:
        return set()
    below = {organisation_id}
    while True:
        more = {row.id for row in rows if row.parent_id in below} - below
        if not more:
            return below
        below |= more


def _is_page(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and " " not in address
    except ValueError:
        return False


def _write(session: Session, organisation: Organisation, entry: Entry) -> None:
    names = {code: languages.tidy(name) for code, name in entry.names.items()}
    names = {code: name for code, name in names.items() if name}
    if not names:
        raise InvalidError("needed", field="names")
    if any(len(name) > LONGEST_NAME for name in names.values()):
        raise InvalidError("too long", field="names")
    if entry.type not in TYPES:
        raise InvalidError("no such type", field="type")
    if entry.members is not None and not 0 <= entry.members <= MOST_MEMBERS:
        raise InvalidError("out of bounds", field="members")
    if entry.website and not _is_page(entry.website):
        raise InvalidError("not an address", field="website")
    published = str(addresses.parse(entry.published_address)) if entry.published_address else ""
    if published and not entry.source:
        raise InvalidError("needed", field="source")
    if entry.parent_id is not None:
        rows = list(session.scalars(sa.select(Organisation)))
        if entry.parent_id not in {row.id for row in rows}:
            raise InvalidError("no such organisation", field="parent")
        if entry.parent_id in _below(organisation.id, rows):
            raise InvalidError("below itself", field="parent")
    organisation.type = entry.type
    organisation.names = names
    organisation.folded_name = persian.fold(" ".join(names.values()))[:400]
    organisation.country = entry.country.upper()
    organisation.sector = languages.tidy(entry.sector)
    organisation.parent_id = entry.parent_id
    organisation.members = entry.members
    organisation.website = entry.website
    organisation.published_address = published
    organisation.source = languages.tidy(entry.source)
    organisation.verified = entry.verified
