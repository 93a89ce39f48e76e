"""Which petition an address means, for every page of a petition; and the addresses that people pass on."""

from __future__ import annotations

from flask import abort, redirect, request, url_for
from sqlalchemy.orm import Session

from app.petitions import queries
from app.petitions.queries import ShownPetition
from app.web import language
from app.web.context import config


def petition(session: Session, slug: str) -> ShownPetition:
    """The public petition at this address, in the page's language.

    Who reads (GET, HEAD) at a slug that was replaced, or that is another language's, is led to this language's (301);
    a form is taken where it was sent to. Raises NotFoundError for a draft and for none.
    """
    code, locales = language.current(), config().locales
    found = queries.shown_petition(session, slug, code, locales)
    language.say_arguments({one: {"slug": found.slug_in(one, locales)} for one in locales})
    if slug != found.slug and request.method in ("GET", "HEAD"):
        abort(redirect(_here(found.slug), 301))
    return found


def short_link(found: ShownPetition) -> str:
    """The short address of a petition in the page's language, for paper, codes and whoever passes it on."""
    return config().base_url + url_for("petitions.short", petition_id=found.id)


def _here(slug: str) -> str:
    """This page's address with another slug, and with its query as it came."""
    place = url_for(request.endpoint or "", **{**(request.view_args or {}), "slug": slug})
    query = request.query_string.decode("ascii", "ignore")
    return f"{place}?{query}" if query else place
