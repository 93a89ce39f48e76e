"""The picture of a petition and the logo of an organisation: kept, described, taken away, and who may see them.

What is kept was drawn anew by ``redrawing``. A picture's address holds the digest of its octets, so that it may be
kept for good; whether it is public is asked each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.core import languages
from app.core.database import insert_into
from app.core.errors import InvalidError, NotFoundError
from app.organisations import records
from app.petitions import editing
from app.petitions.campaign_models import CHECKED, Endorsement, Picture
from app.petitions.models import PUBLIC, Petition
from app.petitions.redrawing import Drawn

LONGEST_ALT: Final = 300


@dataclass(frozen=True)
class ShownPicture:
    """A picture without its octets; ``alts`` says in each language what it shows."""

    digest: str
    width: int
    height: int
    alts: Mapping[str, str]

    def language(self, language: str) -> str:
        """The language in which a reader of ``language`` is told what it shows."""
        return languages.first_of({code: code for code in self.alts}, language) or language

    def alt(self, language: str) -> str:
        """What it shows, in ``language`` or the first there is; empty for a logo, whose name stands beside it."""
        return self.alts.get(self.language(language), "")


def keep(session: Session, petition_id: int, drawn: Drawn | None, alts: Mapping[str, str]) -> None:
    """Give a petition its picture, replace it, or with no ``drawn`` change only what is said of it.

    Raises NotFoundError for no such petition; InvalidError where there is no picture yet (field "picture"), and for
    a description that is too long or is missing in a language of the petition's texts (field "alt-" and its code).
    """
    petition = editing.get(session, petition_id)
    known = {code: languages.tidy(alt) for code, alt in alts.items()}
    needed = {text.language for text in petition.texts} or set(known)
    for code, alt in known.items():
        if code in needed and not alt:
            raise InvalidError("needed", field=f"alt-{code}")
        if len(alt) > LONGEST_ALT:
            raise InvalidError("too long", field=f"alt-{code}")
    told = {code: alt for code, alt in known.items() if alt}
    if drawn is not None:
        _write(session, "petition_id", petition_id, drawn, told)
    elif not _changed(
        session.execute(
            sa.update(Picture).where(Picture.petition_id == petition_id).values(alts=told)
        )
    ):
        raise InvalidError("needed", field="picture")


def keep_logo(session: Session, organisation_id: int, drawn: Drawn) -> None:
    """Give an organisation its logo, or replace it. Raises NotFoundError for no such organisation."""
    records.get(session, organisation_id)
    _write(session, "organisation_id", organisation_id, drawn, {})


def remove(session: Session, petition_id: int) -> bool:
    """Take a petition's picture away; False where there was none."""
    return _remove(session, Picture.petition_id == petition_id)


def remove_logo(session: Session, organisation_id: int) -> bool:
    """Take an organisation's logo away; False where there was none."""
    return _remove(session, Picture.organisation_id == organisation_id)


def of_petition(session: Session, petition_id: int) -> ShownPicture | None:
    """A petition's picture, in whatever state the petition is."""
    return _shown_by(session, Picture.petition_id, [petition_id]).get(petition_id)


def of_petitions(session: Session, petition_ids: Iterable[int]) -> dict[int, ShownPicture]:
    """The pictures of those petitions that have one."""
    return _shown_by(session, Picture.petition_id, petition_ids)


def logos(session: Session, organisation_ids: Iterable[int]) -> dict[int, ShownPicture]:
    """The logos of those organisations that have one."""
    return _shown_by(session, Picture.organisation_id, organisation_ids)


def logo_octets(session: Session, organisation_ids: Iterable[int]) -> dict[int, bytes]:
    """The files of those organisations' logos, for staff and for documents."""
    rows = session.execute(
        sa.select(Picture.organisation_id, Picture.octets).where(
            Picture.organisation_id.in_(list(organisation_ids))
        )
    )
    return {row[0]: row[1] for row in rows if row[0] is not None}


def public_octets(session: Session, digest: str) -> bytes:
    """The file under a digest, where anyone may see it.

    That is: a petition that has a page shows it, or an organisation that may be named behind one. Raises
    NotFoundError for all else.
    """
    shown = sa.or_(
        sa.exists().where(Petition.id == Picture.petition_id, Petition.state.in_(PUBLIC)),
        sa.exists().where(
            Endorsement.organisation_id == Picture.organisation_id,
            Endorsement.state == CHECKED,
            Endorsement.may_publish.is_(True),
            Petition.id == Endorsement.petition_id,
            Petition.state.in_(PUBLIC),
        ),
    )
    found = session.scalar(
        sa.select(Picture.octets).where(Picture.digest == digest, shown).limit(1)
    )
    if found is None:
        raise NotFoundError("no such picture")
    return found


def octets(session: Session, petition_id: int) -> bytes | None:
    """The file of a petition's picture, for staff and for documents; None where there is none."""
    return session.scalar(sa.select(Picture.octets).where(Picture.petition_id == petition_id))


def _write(
    session: Session, owner: str, owner_id: int, drawn: Drawn, alts: Mapping[str, str]
) -> None:
    kept = {
        "octets": drawn.octets,
        "width": drawn.width,
        "height": drawn.height,
        "digest": drawn.digest,
        "alts": dict(alts),
    }
    session.execute(
        insert_into(session, Picture)
        .values({owner: owner_id, **kept})
        .on_conflict_do_update(index_elements=[owner], set_=kept)
    )


def _remove(session: Session, where: sa.ColumnElement[bool]) -> bool:
    return _changed(session.execute(sa.delete(Picture).where(where)))


def _changed(result: sa.Result[Any]) -> bool:
    return cast("sa.CursorResult[Any]", result).rowcount == 1


def _shown_by(
    session: Session, owner: InstrumentedAttribute[int | None], owners: Iterable[int]
) -> dict[int, ShownPicture]:
    wanted = list(owners)
    if not wanted:
        return {}
    rows = session.execute(
        sa.select(owner, Picture.digest, Picture.width, Picture.height, Picture.alts).where(
            owner.in_(wanted)
        )
    )
    return {row[0]: ShownPicture(*row[1:]) for row in rows if row[0] is not None}
