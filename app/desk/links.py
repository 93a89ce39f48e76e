"""Behind every mailed link: confirm, unsubscribe, "never write to me again".

GET and HEAD change nothing and tell nothing of a person; one button does it (C10, M03). The one-click POST of
RFC 8058 needs no cookie, no token of ours beside the link's own, and is answered without a redirect (M02).
"""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.audience import subscriptions, wordings
from app.audience.models import ConsentWording
from app.core import clock
from app.core.errors import NotFoundError
from app.newsletters.forms import InvitationChoices, PreferencesChoices, noted_newsletter
from app.optin import pages
from app.optin.models import (
    ENDORSEMENT,
    ERASURE,
    PREFERENCES,
    REPRESENTATIVE,
    SHOWING,
    SIGNATURE,
    STAFF_ADDRESS,
    SUBSCRIPTION,
    WITHDRAWAL,
    Request,
)
from app.outbox import returns
from app.petitions import queries
from app.petitions.endorse_forms import EndorsementChoices
from app.petitions.forms import ShownChoices, SignatureChoices
from app.petitions.queries import ShownPetition
from app.petitions.views import Choosing, choosing, prepare
from app.web import language
from app.web.context import config, reading, unit_of_work
from app.web.forms import PublicForm
from app.web.limits import limited

links = Blueprint("links", __name__)

ONE_CLICK: Final = "List-Unsubscribe"


class Behind:
    """A live link's request with the form that stands behind it, filled from ``typed`` where there is any."""

    def __init__(self, found: Request, typed: Any = None) -> None:
        self.request = found
        self.around: Choosing | None = None
        self.petition: ShownPetition | None = None
        self.petition_title = ""
        self.wording: ConsentWording | None = None
        self.form: PublicForm = PublicForm(typed)
        locales = config().locales
        names: dict[str, str] = {}
        with reading() as session:
            if found.purpose == PREFERENCES:
                names = subscriptions.list_names(session, language.current())
            if found.purpose == SIGNATURE:
                petition = queries.petition_of_id(
                    session, int(found.subject), language.current(), locales
                )
                self.form = SignatureChoices(typed)
                self.around = choosing(session, petition, self.form)
                self.wording = pages.wording(session, wordings.SIGNATURE)
                prepare(self.form, self.around)
            elif found.purpose == ENDORSEMENT:
                self.petition = queries.petition_of_id(
                    session, int(found.subject), language.current(), locales
                )
                self.wording = pages.wording(session, wordings.ENDORSEMENT)
                self.form = EndorsementChoices(typed)
                self.form.offer(language.current())
            elif found.purpose in (SUBSCRIPTION, REPRESENTATIVE):
                self.wording = pages.wording(session, wordings.NEWSLETTER)
            elif found.purpose in (SHOWING, WITHDRAWAL) and found.subject != pages.ALL:
                self.petition_title = queries.petition_of_id(
                    session, int(found.subject), language.current(), locales
                ).title
        if found.purpose == SHOWING:
            self.form = ShownChoices(typed)
        if found.purpose == REPRESENTATIVE:
            self.form = InvitationChoices(typed)
            self.form.offer(locales, language.current())
        if found.purpose == PREFERENCES:
            self.form = PreferencesChoices(typed)
            noted = (found.noted or {}).get("lists") or {}
            chosen = noted_newsletter(noted).get("languages", ())
            self.form.offer(locales, language.current(), chosen)
            self.form.preset(noted, names)

    def chosen(self) -> dict[str, Any]:
        """What goes into the box of choices, by purpose."""
        if isinstance(self.form, SignatureChoices) and self.around:
            return self.form.chosen(news=self.around.news, newsletter=self.around.newsletter)
        if isinstance(self.form, EndorsementChoices):
            return self.form.chosen()
        if isinstance(self.form, ShownChoices):
            return dict(self.form.shown())
        if isinstance(self.form, PreferencesChoices):
            return self.form.chosen()
        if isinstance(self.form, InvitationChoices) and self.wording:
            return {"languages": list(self.form.languages), "wording_id": self.wording.id}
        return {}

    def thanks(self) -> str:
        """Where the visitor is sent once it is done."""
        if self.around:
            return url_for("petitions.thanks", slug=self.around.petition.slug)
        if self.petition:
            return url_for("endorse.thanks", slug=self.petition.slug)
        if self.request.purpose in (SUBSCRIPTION, REPRESENTATIVE):
            return url_for("newsletters.thanks")
        if self.request.purpose == STAFF_ADDRESS:
            return url_for("links.address_confirmed")
        return url_for("choices.thanks", purpose=self.request.purpose)


@links.get("/<locale:locale>/c/<token>")
def confirm(token: str) -> ResponseReturnValue:
    """What was asked, the choices, one button; changes nothing."""
    found = _live(token)
    return _confirm_page(Behind(found)) if found else pages.dead_link()


@links.post("/<locale:locale>/c/<token>")
@limited("link")
def prove(token: str) -> ResponseReturnValue:
    """The button."""
    found = _live(token)
    if found is None:
        return pages.dead_link()
    behind = Behind(found, request.form)
    if not behind.form.validate():
        return _confirm_page(behind, status=422)
    if not pages.prove_by_link(token, found.id, behind.chosen()):
        return pages.dead_link()
    return redirect(behind.thanks(), 303)


@links.get("/<locale:locale>/address-confirmed")
def address_confirmed() -> ResponseReturnValue:
    """A staff member's own address for test mails is confirmed."""
    return render_template("desk/address_confirmed.html")


@links.get("/u/<token>", defaults={"locale": None})
@links.get("/<locale:locale>/u/<token>")
def unsubscribe(token: str) -> ResponseReturnValue:
    """What would end, and one button; changes nothing (M03)."""
    with reading() as session:
        found = subscriptions.behind_link(session, token)
    if found is None:
        return _left(404)
    name = subscriptions.name_of(found, language.current())
    return render_template("desk/unsubscribe.html", name=name)


@links.post("/u/<token>", defaults={"locale": None})
@links.post("/<locale:locale>/u/<token>")
def leave(token: str) -> ResponseReturnValue:
    """End the one subscription: by a mail client's single click, or by the page's button. Twice is as once."""
    with unit_of_work() as session:
        subscriptions.end_by_token(session, token, day=clock.today())
    if request.form.get(ONE_CLICK) == "One-Click":
        return "", 200, {"Content-Type": "text/plain; charset=utf-8"}
    return _left(200)


@links.get("/<locale:locale>/never/<token>")
def never(token: str) -> ResponseReturnValue:  # noqa: ARG001 (it is not even looked up)
    """What "never write to me again" would do; the same page for any token."""
    g.neutral_links = True
    return render_template("desk/never.html", done=False)


@links.post("/<locale:locale>/never/<token>")
@limited("never")
def never_again(token: str) -> ResponseReturnValue:
    """Mark the delivery; the worker suppresses the mailbox. The same page for any token."""
    with unit_of_work() as session:
        returns.never_write(session, token)
    g.neutral_links = True
    return render_template("desk/never.html", done=True)


def _live(token: str) -> Request | None:
    with reading() as session:
        return pages.behind_link(session, token)


def _confirm_page(behind: Behind, *, status: int = 200) -> ResponseReturnValue:
    kinds = {
        SIGNATURE: "petitions/confirm.html",
        ENDORSEMENT: "petitions/endorse_confirm.html",
        SUBSCRIPTION: "newsletters/confirm.html",
        REPRESENTATIVE: "newsletters/invitation.html",
        PREFERENCES: "desk/confirm_preferences.html",
        SHOWING: "desk/confirm_showing.html",
        WITHDRAWAL: "desk/confirm_withdrawal.html",
        ERASURE: "desk/confirm_erasure.html",
        STAFF_ADDRESS: "desk/confirm_address.html",
    }
    if behind.request.purpose not in kinds:
        raise NotFoundError("no page for this purpose")
    page = render_template(kinds[behind.request.purpose], behind=behind, form=behind.form)
    return page, status


def _left(status: int) -> ResponseReturnValue:
    g.neutral_links = True
    return render_template("desk/left.html", status=status), status
