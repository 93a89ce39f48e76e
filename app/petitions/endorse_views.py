"""An organisation endorses a petition itself: the address, the waiting page, the code with all else beside it (U04)."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.audience import wordings
from app.audience.models import ConsentWording
from app.core.errors import NotFoundError
from app.optin import pages
from app.optin.models import ENDORSEMENT
from app.petitions import address_views
from app.petitions.endorse_forms import EndorseForm, EndorsementCode
from app.web import language
from app.web.context import config, reading
from app.web.limits import limited

endorse = Blueprint("endorse", __name__)
PLACE = "/<locale:locale>/petitions/<slug:slug>/endorse"


@endorse.get(PLACE)
def form(slug: str) -> ResponseReturnValue:
    """What an endorsement is, and the form."""
    return _page(slug, EndorseForm())


@endorse.post(PLACE)
@limited("endorse")
def ask(slug: str) -> ResponseReturnValue:
    """Write down the wish to endorse, and send the visitor to the waiting page (C01)."""
    typed = EndorseForm(request.form)
    with reading() as session:
        found = address_views.petition(session, slug)
        consent_id = pages.wording(session, wordings.ENDORSEMENT, seen=typed.wording_seen.data).id
    if not found.open:
        return _page(slug, typed, status=409)
    if not typed.validate() or typed.address.address is None:
        return _page(slug, typed, status=422)
    request_id = pages.ask(
        ENDORSEMENT,
        str(found.id),
        {"address": typed.address.address.exact, "wording_id": consent_id},
    )
    return redirect(url_for(".check", slug=slug, request_id=request_id), 303)


@endorse.get(f"{PLACE}/check/<request_id>")
def check(slug: str, request_id: str) -> ResponseReturnValue:
    """The waiting page: what to look for, the code, the endorsement. Reads no request (C11)."""
    return _waiting(slug, request_id, EndorsementCode())


@endorse.post(f"{PLACE}/check/<request_id>")
@limited("code")
def prove(slug: str, request_id: str) -> ResponseReturnValue:
    """Take the code and what was written beside it."""
    typed = EndorsementCode(request.form)
    typed.offer(language.current())
    with reading() as session:
        subject = str(address_views.petition(session, slug).id)
    if typed.validate() and pages.prove_by_code(
        request_id, ENDORSEMENT, typed, typed.chosen(), subject=subject
    ):
        return redirect(url_for(".thanks", slug=slug), 303)
    return _waiting(slug, request_id, typed, status=422)


@endorse.post(f"{PLACE}/check/<request_id>/again")
@limited("again")
def again(slug: str, request_id: str) -> ResponseReturnValue:
    """Ask for the same mail once more."""
    pages.send_again(request_id, ENDORSEMENT)
    return redirect(url_for(".check", slug=slug, request_id=request_id, again=1), 303)


@endorse.get(f"{PLACE}/check/<request_id>/again")
def again_page(slug: str, request_id: str) -> ResponseReturnValue:
    """Where a reload of the button's answer leads."""
    return redirect(url_for(".check", slug=slug, request_id=request_id), 302)


@endorse.get(f"{PLACE}/thanks")
def thanks(slug: str) -> ResponseReturnValue:
    """After the proof: what happens next."""
    with reading() as session:
        found = address_views.petition(session, slug)
    return render_template("petitions/endorse_thanks.html", petition=found)


def _page(slug: str, typed: EndorseForm, *, status: int = 200) -> ResponseReturnValue:
    with reading() as session:
        page = render_template(
            "petitions/endorse.html",
            petition=address_views.petition(session, slug),
            form=typed,
            consent=_wording(session),
            days=config().request_days,
        )
    return page, status


def _waiting(
    slug: str, request_id: str, typed: EndorsementCode, *, status: int = 200
) -> ResponseReturnValue:
    mail = pages.waiting(request_id)
    typed.offer(language.current())
    with reading() as session:
        page = render_template(
            "petitions/endorse_check.html",
            mail=mail,
            petition=address_views.petition(session, slug),
            form=typed,
        )
    return page, status


def _wording(session: Session) -> ConsentWording | None:
    try:
        return pages.wording(session, wordings.ENDORSEMENT)
    except NotFoundError:
        return None
