"""One's own choices: change the newsletter, withdraw a signature, erase everything (C17).

One form for all of them. It asks the address letter for letter and answers the same for everyone; what there is
shows behind the mailed link at most, and of a signature nothing shows.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import RadioField, SelectField, ValidationError

from app.audience.models import NEWSLETTER
from app.core.errors import NotFoundError
from app.newsletters.forms import PreferencesCode
from app.optin import pages
from app.optin.models import ERASURE, PREFERENCES, SHOWING, WITHDRAWAL
from app.optin.pages import CodeForm
from app.petitions import queries
from app.petitions.forms import ShownCode
from app.web import language
from app.web.context import config, reading
from app.web.forms import AddressField, PublicForm, option
from app.web.limits import limited

choices = Blueprint("choices", __name__)

PURPOSES: Final = (PREFERENCES, SHOWING, WITHDRAWAL, ERASURE)


class PurposeField(RadioField):
    """What somebody wants; nothing is chosen for them."""

    def __init__(self, label: Any, **more: Any) -> None:
        offered = [
            option(PREFERENCES, lazy_gettext("Change the newsletter’s languages, or leave it")),
            option(SHOWING, lazy_gettext("Change how my signature is shown")),
            option(WITHDRAWAL, lazy_gettext("Withdraw a signature or an endorsement")),
            option(ERASURE, lazy_gettext("Erase everything you keep of me")),
        ]
        super().__init__(label, choices=offered, **more)

    def pre_validate(self, form: Any) -> None:
        if self.data not in PURPOSES:
            raise ValidationError(_("Choose what we should do."))
        super().pre_validate(form)


class WishForm(PublicForm):
    """The address, and what is wanted."""

    purpose = PurposeField(lazy_gettext("What should we do?"))
    petition = SelectField(
        lazy_gettext("Which petition?"),
        validate_choice=False,
        description=lazy_gettext("Only where it is about a signature."),
    )
    address = AddressField(
        description=lazy_gettext("Letter for letter as you gave it to us, dots and capitals too.")
    )

    def offer(self, petitions: list[queries.ShownPetition]) -> None:
        """Name the petitions a signature can be withdrawn from."""
        self._offered = {pages.ALL, *(str(petition.id) for petition in petitions)}
        self.petition.choices = [
            option(pages.ALL, _("all petitions")),
            *(option(str(petition.id), petition.title) for petition in petitions),
        ]

    def validate_petition(self, field: SelectField) -> None:
        """Only what was offered, and only where it matters; a name is shown on one petition at a time."""
        wanted = self._offered if self.purpose.data == WITHDRAWAL else self._offered - {pages.ALL}
        if self.purpose.data in (SHOWING, WITHDRAWAL) and str(field.data) not in wanted:
            raise ValidationError(_("Choose a petition from the list."))

    @property
    def subject(self) -> str:
        """What the request is about."""
        if self.purpose.data == PREFERENCES:
            return NEWSLETTER
        of_petition = self.purpose.data in (SHOWING, WITHDRAWAL)
        return str(self.petition.data) if of_petition else pages.ALL


@choices.get("/<locale:locale>/my-choices")
def ask() -> ResponseReturnValue:
    """One's own choices: the form."""
    return _page(WishForm())


@choices.post("/<locale:locale>/my-choices")
@limited("choices")
def asked() -> ResponseReturnValue:
    """Write down the wish, and send the visitor to the waiting page."""
    form = WishForm(request.form)
    with reading() as session:
        form.offer(queries.shown_petitions(session, language.current(), config().locales))
    if not form.validate() or form.address.address is None:
        return _page(form, status=422)
    purpose = str(form.purpose.data)
    request_id = pages.ask(purpose, form.subject, {"address": form.address.address.exact})
    return redirect(url_for(".check", purpose=purpose, request_id=request_id), 303)


@choices.get("/<locale:locale>/my-choices/<purpose>/check/<request_id>")
def check(purpose: str, request_id: str) -> ResponseReturnValue:
    """The waiting page. Reads no request (C11)."""
    return _waiting(purpose, request_id, _code_form(purpose))


@choices.post("/<locale:locale>/my-choices/<purpose>/check/<request_id>")
@limited("code")
def prove(purpose: str, request_id: str) -> ResponseReturnValue:
    """Take the code and, for the newsletter, what was chosen beside it."""
    form = _code_form(purpose, request.form)
    if form.validate():
        chosen: dict[str, Any] = {}
        if isinstance(form, PreferencesCode):
            chosen = form.chosen()
        elif isinstance(form, ShownCode):
            chosen = form.shown()
        if pages.prove_by_code(request_id, purpose, form, chosen):
            return redirect(url_for(".thanks", purpose=purpose), 303)
    return _waiting(purpose, request_id, form, status=422)


@choices.post("/<locale:locale>/my-choices/<purpose>/check/<request_id>/again")
@limited("again")
def again(purpose: str, request_id: str) -> ResponseReturnValue:
    """Ask for the same mail once more."""
    _known(purpose)
    pages.send_again(request_id, purpose)
    return redirect(url_for(".check", purpose=purpose, request_id=request_id, again=1), 303)


@choices.get("/<locale:locale>/my-choices/<purpose>/check/<request_id>/again")
def again_page(purpose: str, request_id: str) -> ResponseReturnValue:
    """Where a reload of the button's answer leads."""
    return redirect(url_for(".check", purpose=purpose, request_id=request_id), 302)


@choices.get("/<locale:locale>/my-choices/<purpose>/thanks")
def thanks(purpose: str) -> ResponseReturnValue:
    """After the proof."""
    return render_template("desk/choices_thanks.html", purpose=_known(purpose))


def _known(purpose: str) -> str:
    if purpose not in PURPOSES:
        raise NotFoundError("no such choice")
    return purpose


def _code_form(purpose: str, typed: Any = None) -> CodeForm:
    if _known(purpose) == SHOWING:
        return ShownCode(typed)
    if purpose != PREFERENCES:
        return CodeForm(typed)
    form = PreferencesCode(typed)
    form.offer(config().locales, language.current())
    return form


def _page(form: WishForm, *, status: int = 200) -> ResponseReturnValue:
    with reading() as session:
        form.offer(queries.shown_petitions(session, language.current(), config().locales))
    return render_template("desk/choices.html", form=form), status


def _waiting(
    purpose: str, request_id: str, form: CodeForm, *, status: int = 200
) -> ResponseReturnValue:
    mail = pages.waiting(request_id)
    page = render_template("desk/choices_check.html", mail=mail, form=form, purpose=purpose)
    return page, status
