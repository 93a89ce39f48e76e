"""What goes to the addressee: gathered by the worker, and recorded in public once it was made.

The worker gathers what is published anyway, and the sealed names of those who asked that theirs be handed over; it
can open none of them. ``delivery_files`` makes the files on the officers' machine.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from app.core import languages
from app.core.errors import InvalidError, NotFoundError
from app.petitions import (
    endorsing_queries,
    guarding,
    picturing,
    queries,
    showing_signers,
    translating,
)
from app.petitions.campaign_models import Handover
from app.petitions.models import INITIALS, PUBLIC, Petition, Signature

VERSION: Final = 3
"""Of the export's form; a file of another one is refused by name."""
PDF: Final = "pdf"
CSV: Final = "csv"
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
_HEX: Final = re.compile(r"[0-9a-f]+")


@dataclass(frozen=True)
class DeliveredText:
    """The petition in one language: the version that readers see, and since when."""

    language: str
    version: int
    day: date
    title: str
    summary: str
    body: str
    demands: tuple[str, ...]
    addressee: str


@dataclass(frozen=True)
class SignedVersion:
    """A version that twenty or more signed."""

    language: str
    version: int
    day: date
    signatures: int


@dataclass(frozen=True)
class Endorser:
    """An organisation that may be named, with its statement and its logo (WebP, base64; empty where it has none)."""

    names: Mapping[str, str]
    country: str
    language: str
    statement: str
    logo: str = field(default="", repr=False)

    def name(self, language: str) -> str:
        """Its name in ``language``, else the first it has."""
        return languages.first_of(self.names, language) or ""


@dataclass(frozen=True)
class Signer:
    """Who agreed to be named: what is shown of them, and their sealed name where they asked for that."""

    id: str
    box: str = field(repr=False)
    shown: str = field(repr=False)
    affiliation: str = field(repr=False)


@dataclass(frozen=True)
class Delivery:
    """All that a delivery is made of. ``total`` is the published one, None for fewer than 20 (C21).

    ``versions`` and ``other_versions`` make up that total; both are empty where the text never changed.
    """

    petition_id: int
    slug: str
    link: str
    organisations: Mapping[str, str]
    day: date
    source_language: str
    total: int | None
    paper: int
    texts: tuple[DeliveredText, ...]
    versions: tuple[SignedVersion, ...]
    other_versions: int
    endorsers: tuple[Endorser, ...]
    signers: tuple[Signer, ...] = field(repr=False)


def gather(
    session: Session,
    petition_id: int,
    *,
    link: str,
    organisations: Mapping[str, str],
    day: date,
) -> Delivery:
    """What is handed over of a petition that has a page, as it stands in this transaction.

    ``organisations`` is who hands over, in each language; the languages are those the petition's texts have.
    Held and invalid signatures name nobody, nor does a name that no moderator has seen.
    Raises NotFoundError for a draft and for none.
    """
    petition = session.scalar(
        sa.select(Petition).where(Petition.id == petition_id).options(selectinload(Petition.texts))
    )
    if petition is None or petition.state not in PUBLIC:
        raise NotFoundError("no such petition")
    total = queries.public_counts(session, petition.id).total
    texts = _texts(petition)
    changed = any(text.version > 1 for text in texts)
    versions, others = _versions(session, petition, total) if changed and total else ((), 0)
    return Delivery(
        petition_id=petition.id,
        slug=petition.slug,
        link=link,
        organisations=dict(organisations),
        day=day,
        source_language=petition.source_language,
        total=total,
        paper=endorsing_queries.on_paper(session, petition.id),
        texts=texts,
        versions=versions,
        other_versions=others,
        endorsers=_endorsers(session, petition.id),
        signers=_signers(session, petition),
    )


def to_json(delivery: Delivery) -> bytes:
    """The delivery as it is exported, before it is encrypted (C20)."""
    fields = {**asdict(delivery), "version": VERSION}
    return json.dumps(
        fields, ensure_ascii=False, separators=(",", ":"), default=date.isoformat
    ).encode()


def from_json(written: bytes) -> Delivery:
    """What ``to_json`` wrote. Raises InvalidError for anything else: whoever knows an officer's key can write one,
    and its slug and languages become names of files.
    """
    try:
        fields: dict[str, Any] = json.loads(written)
        if fields.pop("version") != VERSION:
            raise InvalidError("this export was made by another release")
        texts = [{**text, "demands": tuple(text["demands"])} for text in fields.pop("texts")]
        read = Delivery(
            day=date.fromisoformat(fields.pop("day")),
            texts=tuple(DeliveredText(**_dated(text)) for text in texts),
            versions=tuple(SignedVersion(**_dated(one)) for one in fields.pop("versions")),
            endorsers=tuple(Endorser(**one) for one in fields.pop("endorsers")),
            signers=tuple(Signer(**one) for one in fields.pop("signers")),
            **fields,
        )
        numbers = [read.petition_id, read.paper, read.total or 0, read.other_versions]
        numbers += [text.version for text in read.texts]
        numbers += [number for one in read.versions for number in (one.version, one.signatures)]
        codes = [text.language for text in read.texts] + [one.language for one in read.endorsers]
        codes += [one.language for one in read.versions]
        sound = (
            all(isinstance(number, int) for number in numbers)
            and _SLUG.fullmatch(read.slug)
            and read.texts
            and all(languages.is_known(code) for code in (read.source_language, *codes))
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InvalidError("this is no export of a delivery") from None
    if not sound:
        raise InvalidError("this is no export of a delivery")
    return read


def record(
    session: Session,
    petition_id: int,
    *,
    form: str,
    language: str,
    line: str,
    digest: str,
    day: date,
) -> bool:
    """Put a file that was made into the public record; False when it stands there already.

    Raises NotFoundError for no such petition, InvalidError for what can be no line or digest.
    """
    if session.get(Petition, petition_id) is None:
        raise NotFoundError("no such petition")
    if form not in (PDF, CSV):
        raise InvalidError("a file is pdf or csv", field="form")
    if len(digest) != 64 or not _HEX.fullmatch(digest):
        raise InvalidError("a SHA-256 has 64 hexadecimal digits", field="digest")
    if not 16 <= len(line) <= 64 or not _HEX.fullmatch(line):
        raise InvalidError("a line has 16 to 64 hexadecimal digits", field="line")
    if not re.fullmatch(r"[a-zA-Z_]{0,8}", language):
        raise InvalidError("no such language", field="language")
    known = sa.select(Handover.id).where(
        Handover.petition_id == petition_id, Handover.digest == digest
    )
    if session.scalar(known) is not None:
        return False
    session.add(
        Handover(
            petition_id=petition_id, day=day, form=form, language=language, line=line, digest=digest
        )
    )
    session.flush()
    return True


def handed_over(session: Session, petition_id: int) -> Sequence[Handover]:
    """The public record of a petition, the newest first."""
    return session.scalars(
        sa.select(Handover)
        .where(Handover.petition_id == petition_id)
        .order_by(Handover.day.desc(), Handover.id.desc())
    ).all()


def _texts(petition: Petition) -> tuple[DeliveredText, ...]:
    """The newest version in each language, the source language first."""
    codes = dict.fromkeys([petition.source_language, *(text.language for text in petition.texts)])
    shown = (queries.as_shown(petition, code, ()) for code in codes)
    return tuple(
        DeliveredText(
            one.language,
            one.version,
            one.written,
            one.title,
            one.summary,
            one.body,
            one.demands,
            one.addressee,
        )
        for code, one in zip(codes, shown, strict=True)
        if one is not None and one.language == code
    )


def _versions(
    session: Session, petition: Petition, total: int
) -> tuple[tuple[SignedVersion, ...], int]:
    """How many signed which version, and how many the others together."""
    found = translating.signed_by_version(session, petition.id, total)
    versions = tuple(
        SignedVersion(
            text.language, queries.public_number(petition, text), text.day, found.shown[text.id]
        )
        for text in petition.texts
        if text.id in found.shown
    )
    return versions, found.other


def _dated(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {**fields, "day": date.fromisoformat(fields["day"])}


def _endorsers(session: Session, petition_id: int) -> tuple[Endorser, ...]:
    rows = endorsing_queries.named(session, petition_id)
    logos = picturing.logo_octets(session, [organisation.id for _row, organisation in rows])
    return tuple(
        Endorser(
            organisation.names,
            organisation.country,
            row.language,
            row.statement,
            base64.b64encode(logos.get(organisation.id, b"")).decode("ascii"),
        )
        for row, organisation in rows
    )


def _signers(session: Session, petition: Petition) -> tuple[Signer, ...]:
    """In the order of their random ids, which tells nothing of who signed when."""
    shown = showing_signers.may_be_named()
    handed = sa.and_(sa.literal(petition.hand_over_names), Signature.names_box.is_not(None))
    rows = session.execute(
        sa.select(
            Signature.id,
            Signature.names_box,
            Signature.shown_as,
            Signature.shown_name,
            Signature.affiliation,
            shown.label("shown"),
        )
        .where(
            Signature.petition_id == petition.id,
            guarding.counts(),
            sa.or_(shown, handed),
        )
        .order_by(Signature.id)
    )
    return tuple(_signer(row, hand_over=petition.hand_over_names) for row in rows)


def _signer(row: sa.Row[UUID, bytes | None, str, str, str, bool], *, hand_over: bool) -> Signer:
    box = base64.b64encode(row.names_box).decode() if hand_over and row.names_box else ""
    # Beside initials an affiliation could tell who it is (C21).
    placed = row.shown and row.shown_as != INITIALS
    return Signer(
        id=row.id.hex,
        box=box,
        shown=row.shown_name if row.shown else "",
        affiliation=row.affiliation if placed else "",
    )
