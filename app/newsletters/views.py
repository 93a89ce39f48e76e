"""The newsletter's public pages: subscribe, wait for the mail, thanks; and the news themselves."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.audience import wordings
from app.audience.models import NEWSLETTER
from app.core import languages
from app.core.errors import NotFoundError
from app.newsletters import reports
from app.newsletters.forms import SubscribeForm
from app.optin import pages
from app.optin.models import SUBSCRIPTION
from app.optin.pages import CodeForm
from app.web import language
from app.web.context import config, reading
from app.web.limits import limited

newsletters = Blueprint("newsletters", __name__)

BESIDE: Final = 3
ON_A_PAGE: Final = 20
SEARCH_LIMIT: Final = 80


@newsletters.get("/<locale:locale>/newsletter")
def newsletter() -> ResponseReturnValue:
    """What the newsletter is, and the form to subscribe."""
    return _page(SubscribeForm())


@newsletters.post("/<locale:locale>/newsletter")
@limited("subscribe")
def subscribe() -> ResponseReturnValue:
    """Write down the wish to subscribe, and send the visitor to the waiting page (C01)."""
    form = SubscribeForm(request.form)
    form.offer(config().locales, language.current())
    with reading() as session:
        consent = pages.wording(session, wordings.NEWSLETTER, seen=form.wording_seen.data)
    if not form.validate() or form.address.address is None:
        return _page(form, status=422)
    request_id = pages.ask(
        SUBSCRIPTION,
        NEWSLETTER,
        {
            "address": form.address.address.exact,
            "languages": list(form.languages),
            "wording_id": consent.id,
        },
    )
    return redirect(url_for(".check", request_id=request_id), 303)


@newsletters.get("/<locale:locale>/newsletter/check/<request_id>")
def check(request_id: str) -> ResponseReturnValue:
    """The waiting page. Reads no request (C11)."""
    return _waiting(request_id, CodeForm())


@newsletters.post("/<locale:locale>/newsletter/check/<request_id>")
@limited("code")
def prove(request_id: str) -> ResponseReturnValue:
    """Take the code."""
    form = CodeForm(request.form)
    if form.validate() and pages.prove_by_code(request_id, SUBSCRIPTION, form, {}):
        return redirect(url_for(".thanks"), 303)
    return _waiting(request_id, form, status=422)


@newsletters.post("/<locale:locale>/newsletter/check/<request_id>/again")
@limited("again")
def again(request_id: str) -> ResponseReturnValue:
    """Ask for the same mail once more."""
    pages.send_again(request_id, SUBSCRIPTION)
    return redirect(url_for(".check", request_id=request_id, again=1), 303)


@newsletters.get("/<locale:locale>/newsletter/check/<request_id>/again")
def again_page(request_id: str) -> ResponseReturnValue:
    """Where a reload of the button's answer leads."""
    return redirect(url_for(".check", request_id=request_id), 302)


@newsletters.get("/<locale:locale>/newsletter/thanks")
def thanks() -> ResponseReturnValue:
    """After the proof."""
    return render_template("newsletters/thanks.html")


@newsletters.get("/<locale:locale>/reports")
def archive() -> ResponseReturnValue:
    """All news, the newest first; ``q`` searches, ``page`` turns the pages."""
    words = languages.tidy(request.args.get("q", ""))[:SEARCH_LIMIT]
    number = max(1, request.args.get("page", 1, type=int))
    with reading() as session:
        found = reports.search(session, language.current(), words, locales=config().locales)
    last = max(1, -(-len(found) // ON_A_PAGE))
    number = min(number, last)
    return render_template(
        "newsletters/archive.html",
        news=found[(number - 1) * ON_A_PAGE : number * ON_A_PAGE],
        words=words,
        number=number,
        last=last,
    )


@newsletters.get("/<locale:locale>/reports/<slug:slug>")
def report(slug: str) -> ResponseReturnValue:
    """One report."""
    with reading() as session:
        found = reports.by_slug(session, slug, language.current(), locales=config().locales)
        others = reports.latest(
            session, language.current(), limit=BESIDE + 1, locales=config().locales
        )
    return render_template(
        "newsletters/report.html",
        report=found,
        others=[other for other in others if other.slug != slug][:BESIDE],
    )


def _page(form: SubscribeForm, *, status: int = 200) -> ResponseReturnValue:
    form.offer(config().locales, language.current())
    with reading() as session:
        try:
            consent = pages.wording(session, wordings.NEWSLETTER)
        except NotFoundError:
            consent = None
        news = reports.latest(session, language.current(), limit=BESIDE, locales=config().locales)
    page = render_template("newsletters/subscribe.html", form=form, consent=consent, news=news)
    return page, status


def _waiting(request_id: str, form: CodeForm, *, status: int = 200) -> ResponseReturnValue:
    mail = pages.waiting(request_id)
    return render_template("newsletters/check.html", mail=mail, form=form), status
