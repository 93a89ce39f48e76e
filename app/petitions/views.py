"""A petition's pages: read, sign, wait for the mail, choose, share."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.audience import wordings
from app.audience.models import ConsentWording
from app.core import clock
from app.core.errors import NotFoundError
from app.optin import pages
from app.optin.models import SIGNATURE
from app.petitions import address_views, campaign, picturing, queries, signable, typesetting
from app.petitions.forms import SignatureChoices, SignatureCode, SignForm
from app.petitions.queries import ShownPetition
from app.petitions.signable import Readable, Signable
from app.web import language
from app.web.context import config, names_sealer, reading
from app.web.limits import limited
from app.web.recent import recent

petitions = Blueprint("petitions", __name__)


@dataclass(frozen=True)
class Choosing:
    """A petition with the wordings that stand beside its choices."""

    petition: ShownPetition
    news: ConsentWording | None
    newsletter: ConsentWording | None
    hand_over: bool


@petitions.get("/p/<int:petition_id>")
def shortest(petition_id: int) -> ResponseReturnValue:
    """The short link that names no language: lead to the petition in the reader's."""
    answer = redirect(_by_number(petition_id), 302)
    answer.vary.add("Accept-Language")
    return answer


@petitions.get("/<locale:locale>/p/<int:petition_id>")
def short(petition_id: int) -> ResponseReturnValue:
    """The short link that people pass on."""
    return redirect(_by_number(petition_id), 301)


@petitions.get("/<locale:locale>/petitions/<slug:slug>")
def petition(slug: str) -> ResponseReturnValue:
    """The petition, the truth about signing, and the form."""
    return _page(slug, SignForm())


@petitions.get("/<locale:locale>/petitions/<slug:slug>/sign")
def form_only(slug: str) -> ResponseReturnValue:
    """Where a reload of the form's answer leads."""
    return redirect(url_for(".petition", slug=slug, _anchor="sign"), 302)


@petitions.post("/<locale:locale>/petitions/<slug:slug>/sign")
@limited("sign")
def sign(slug: str) -> ResponseReturnValue:
    """Write down the wish to sign, and send the visitor to the waiting page (C01)."""
    form = SignForm(request.form)
    found = _signable(slug, form.text_seen.data, form.wording_seen.data)
    if found.open and form.validate() and form.address.address:
        fields = {
            "address": form.address.address.exact,
            "text_id": found.text_id,
            "wording_id": found.wording_id,
        }
        request_id = pages.ask(SIGNATURE, str(found.petition_id), fields)
        return redirect(url_for(".check", slug=slug, request_id=request_id), 303)
    return _page(slug, form, status=422 if found.open else 409)


@petitions.get("/<locale:locale>/petitions/<slug:slug>/check/<request_id>")
def check(slug: str, request_id: str) -> ResponseReturnValue:
    """The waiting page: what to look for, the code, the choices. Reads no request (C11)."""
    return _waiting(slug, request_id, SignatureCode())


@petitions.post("/<locale:locale>/petitions/<slug:slug>/check/<request_id>")
@limited("code")
def prove(slug: str, request_id: str) -> ResponseReturnValue:
    """Take the code and what was chosen beside it."""
    form = SignatureCode(request.form)
    with reading() as session:
        around = choosing(session, address_views.petition(session, slug), form)
    prepare(form, around)
    if form.validate():
        chosen = form.chosen(news=around.news, newsletter=around.newsletter)
        subject = str(around.petition.id)
        if pages.prove_by_code(request_id, SIGNATURE, form, chosen, subject=subject):
            return redirect(url_for(".thanks", slug=slug), 303)
    return _waiting(slug, request_id, form, status=422)


@petitions.post("/<locale:locale>/petitions/<slug:slug>/check/<request_id>/again")
@limited("again")
def again(slug: str, request_id: str) -> ResponseReturnValue:
    """Ask for the same mail once more."""
    pages.send_again(request_id, SIGNATURE)
    return redirect(url_for(".check", slug=slug, request_id=request_id, again=1), 303)


@petitions.get("/<locale:locale>/petitions/<slug:slug>/check/<request_id>/again")
def again_page(slug: str, request_id: str) -> ResponseReturnValue:
    """Where a reload of the button's answer leads."""
    return redirect(url_for(".check", slug=slug, request_id=request_id), 302)


@petitions.get("/<locale:locale>/petitions/<slug:slug>/thanks")
def thanks(slug: str) -> ResponseReturnValue:
    """After the proof: thanks, and links to share."""
    with reading() as session:
        found = address_views.petition(session, slug)
    return render_template(
        "petitions/thanks.html", petition=found, share=address_views.short_link(found)
    )


def choosing(session: Session, found: ShownPetition, form: SignatureChoices) -> Choosing:
    """What the choices of a petition's signature need to show; of each sentence what ``form`` showed before."""
    return Choosing(
        petition=found,
        news=_wording(session, wordings.PETITION_NEWS, form.news_seen.data),
        newsletter=_wording(session, wordings.NEWSLETTER, form.newsletter_seen.data),
        hand_over=found.hand_over_names and names_sealer() is not None,
    )


def prepare(form: SignatureChoices, around: Choosing) -> None:
    """Offer the languages, and leave out what this petition or instance does not offer."""
    form.offer(config().locales, language.current())
    form.ask(around.petition)
    if around.hand_over:
        form.shown_name.description = _(
            "Only for initials, a full name, or a name that is passed on."
        )
    else:
        form.hand_over.data = False


def _by_number(petition_id: int) -> str:
    with reading() as session:
        found = queries.petition_of_id(session, petition_id, language.current(), config().locales)
    return url_for(".petition", slug=found.slug)


def _page(slug: str, form: SignForm, *, status: int = 200) -> ResponseReturnValue:
    code, locales = language.current(), config().locales
    with reading() as session:
        found = address_views.petition(session, slug)
        consent = _wording(session, wordings.SIGNATURE)
        around = (
            campaign.around(session, found.id, code, locales, day=clock.today())
            if status != 422
            else None
        )
        picture = picturing.of_petition(session, found.id) if status != 422 else None
    page = render_template(
        "petitions/petition.html" if status != 422 else "petitions/sign.html",
        petition=found,
        form=form,
        consent=consent,
        campaign=around,
        picture=picture,
        printable=typesetting.available(),
        share=address_views.short_link(found),
        site_url=config().base_url,
        days=config().request_days,
    )
    return page, status


def _waiting(
    slug: str, request_id: str, form: SignatureCode, *, status: int = 200
) -> ResponseReturnValue:
    mail = pages.waiting(request_id)
    with reading() as session:
        around = choosing(session, address_views.petition(session, slug), form)
    prepare(form, around)
    page = render_template("petitions/check.html", mail=mail, around=around, form=form)
    return page, status


def _signable(slug: str, text_seen: int | None, wording_seen: int | None) -> Signable:
    """What a form names. When many sign, the petition is not read again for each (C21)."""

    def read() -> Readable:
        with reading() as session:
            return signable.readable(session, slug)

    found = recent().get(
        ("signable", slug), read, holds=lambda known: known.shows(text_seen, wording_seen)
    )
    return found.signable(
        language.current(),
        config().locales,
        pages.wording_languages(),
        text_seen=text_seen,
        wording_seen=wording_seen,
    )


def _wording(session: Session, purpose: str, seen: int | None = None) -> ConsentWording | None:
    try:
        return pages.wording(session, purpose, seen=seen)
    except NotFoundError:
        return None
