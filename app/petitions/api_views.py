"""The read-only JSON of petitions: what the public pages show, and nothing more (C21); described by ``openapi``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import NotFoundError
from app.petitions import (
    endorsing_queries,
    news,
    openapi,
    picturing,
    queries,
    showing_signers,
    weeks,
)
from app.petitions.picturing import ShownPicture
from app.petitions.queries import FEW, Counts, ShownPetition
from app.web.context import config, reading

api = Blueprint("api", __name__)


@api.get("/api/openapi.json")
def description() -> ResponseReturnValue:
    """The description of this interface, OpenAPI 3.1."""
    return openapi.document(config().base_url, config().locales)


@api.get("/api/petitions")
def petitions() -> ResponseReturnValue:
    """All public petitions with their published totals."""
    by_id: dict[int, dict[str, ShownPetition]] = {}
    with reading() as session:
        for code in config().locales:
            for found in queries.shown_petitions(session, code):
                by_id.setdefault(found.id, {})[found.language] = found
        paper = endorsing_queries.all_on_paper(session, *by_id)
    return {
        "petitions": [_summary(texts, paper.get(number, 0)) for number, texts in by_id.items()],
    }


@api.get("/api/petitions/<int:petition_id>")
def petition(petition_id: int) -> ResponseReturnValue:
    """One public petition with all that its page shows."""
    with reading() as session:
        texts = _in_each_language(session, petition_id)
        answer = _summary(texts, endorsing_queries.on_paper(session, petition_id))
        for code, found in texts.items():
            answer["texts"][code] |= {"body": found.body, "demands": list(found.demands)}
        answer["picture"] = _picture(picturing.of_petition(session, petition_id))
        return answer | _around(session, petition_id, texts.keys())


def _in_each_language(session: Session, petition_id: int) -> dict[str, ShownPetition]:
    texts = {}
    for code in config().locales:
        found = queries.petition_of_id(session, petition_id, code)
        texts[found.language] = found
    if not texts:
        raise NotFoundError("no such petition")
    return texts


def _summary(texts: dict[str, ShownPetition], paper: int) -> dict[str, Any]:
    one = next(iter(texts.values()))
    return {
        "id": one.id,
        "open": one.open,
        "opened": one.opened.isoformat() if one.opened else None,
        "closed": one.closed.isoformat() if one.closed else None,
        "signatures": _counts(one.counts, paper),
        "texts": {code: _text(code, found) for code, found in texts.items()},
    }


def _counts(counts: Counts, paper: int) -> dict[str, Any]:
    return {
        "total": counts.total,
        "fewer_than": FEW if counts.total is None else None,
        "goal": counts.goal,
        "live": counts.live,
        "paper": paper,
    }


def _picture(found: ShownPicture | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "url": config().base_url + url_for("pictures.picture", digest=found.digest),
        "width": found.width,
        "height": found.height,
        "alts": dict(found.alts),
    }


def _text(code: str, found: ShownPetition) -> dict[str, Any]:
    base, locales = config().base_url, config().locales
    locale = code if code in locales else locales[0]
    return {
        "topic": found.topic,
        "title": found.title,
        "summary": found.summary,
        "addressee": found.addressee,
        "page": base + url_for("petitions.petition", locale=locale, slug=found.slug),
        "short": base + url_for("petitions.short", locale=locale, petition_id=found.id),
        "feed": base + url_for("feeds.petition", locale=locale, slug=found.slug),
    }


def _around(session: Session, petition_id: int, codes: Iterable[str]) -> dict[str, Any]:
    language = next(iter(codes))
    day = clock.today()
    return {
        "updates": [
            {
                "kind": update[0].kind,
                "day": update[0].day.isoformat(),
                "texts": {
                    text.language: {"title": text.title, "body": text.body} for text in update
                },
            }
            for update in news.in_each_language(session, petition_id, day=day)
        ],
        "endorsements": [
            {
                "names": dict(one.names),
                "country": one.country or None,
                "website": one.website or None,
                "statement": one.statement or None,
                "statement_language": one.statement_language if one.statement else None,
                "logo": _picture(one.logo),
            }
            for one in endorsing_queries.endorsers(session, petition_id, language)
        ],
        "weeks": [
            {
                "first": group.first.isoformat(),
                "last": group.last.isoformat(),
                "signatures": group.signatures,
            }
            for group in weeks.published(session, petition_id)
        ],
        "signers_shown": showing_signers.number_of_signers(session, petition_id),
        "signers": [
            {
                "name": one.name,
                "country": one.country or None,
                "affiliation": one.affiliation or None,
            }
            for one in showing_signers.signers(session, petition_id)
        ],
        "comments": [
            {"text": one.text, "language": one.language or None, "name": one.name or None}
            for one in showing_signers.comments(session, petition_id, day=day)
        ],
    }
