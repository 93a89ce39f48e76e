"""What happens, for feed readers: one Atom feed for each petition and language, and one for all (RFC 4287)."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app.core import clock
from app.petitions import address_views, news, queries
from app.petitions.news import ShownUpdate
from app.petitions.queries import ShownPetition
from app.web import language
from app.web.context import config, reading

feeds = Blueprint("feeds", __name__)

ENTRIES = 50
"""A feed holds the newest ones; readers keep what they have seen."""


@feeds.get("/feed.atom")
def any_language() -> ResponseReturnValue:
    """Lead to the feed in the reader's language."""
    answer = redirect(url_for(".everything"), 302)
    answer.vary.add("Accept-Language")
    return answer


@feeds.get("/<locale:locale>/feed.atom")
def everything() -> ResponseReturnValue:
    """New petitions and all their updates, as an Atom feed (RFC 4287)."""
    code, locales = language.current(), config().locales
    with reading() as session:
        petitions = queries.shown_petitions(session, code, locales)
        told = news.updates(session, code, locales, day=clock.today(), limit=ENTRIES)
    return _feed(petitions, told, None)


@feeds.get("/<locale:locale>/petitions/<slug:slug>/feed.atom")
def petition(slug: str) -> ResponseReturnValue:
    """One petition's opening and updates, as an Atom feed (RFC 4287)."""
    code, locales = language.current(), config().locales
    with reading() as session:
        found = address_views.petition(session, slug)
        told = news.updates(session, code, locales, petition_id=found.id, day=clock.today())
    return _feed([found], told[:ENTRIES], found)


def _feed(
    petitions: list[ShownPetition], told: list[ShownUpdate], of: ShownPetition | None
) -> Response:
    by_id = {petition.id: petition for petition in petitions}
    opened = [petition for petition in petitions if petition.opened]
    days = [update.day for update in told] + [one.opened for one in opened if one.opened]
    page = render_template(
        "petitions/feed.xml",
        of=of,
        base=config().base_url,
        updates=[update for update in told if update.petition_id in by_id],
        petitions=by_id,
        opened=opened[:ENTRIES],
        latest=max(days, default=None),
        clean=xml_text,
    )
    answer = make_response(page)
    answer.content_type = "application/atom+xml; charset=utf-8"
    return answer


def xml_text(text: str) -> str:
    """The text without signs that XML 1.0 cannot hold at all, section 2.2."""
    return "".join(sign for sign in text if sign in "\t\n\r" or _is_char(ord(sign)))


def _is_char(point: int) -> bool:
    return 0x20 <= point <= 0xD7FF or 0xE000 <= point <= 0xFFFD or point >= 0x10000
