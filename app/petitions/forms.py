"""The sign form, and the choices that follow the proof (C12)."""

from __future__ import annotations

import base64
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import BooleanField, RadioField, ValidationError

from app.audience.models import ConsentWording
from app.core import ids
from app.optin.pages import CodeForm, seal_name
from app.petitions.models import ANONYMOUS, FULL_NAME, INITIALS
from app.petitions.showing import initials, shown_name
from app.web.forms import (
    NAME_LIMIT,
    AddressField,
    ConsentField,
    LanguagesForm,
    LineField,
    PublicForm,
    option,
)


class SignForm(PublicForm):
    """Address and one consent; nothing else is asked before the proof."""

    address = AddressField(description=lazy_gettext("Only to confirm your signature. Never shown."))
    consent = ConsentField(missing=lazy_gettext("Without this consent we cannot keep a signature."))


class ShownAsField(RadioField):
    """How the signature is shown; anonymous unless somebody wants otherwise."""

    def __init__(self, label: Any, **more: Any) -> None:
        choices = [
            option(ANONYMOUS, lazy_gettext("Anonymous")),
            option(INITIALS, lazy_gettext("Initials")),
            option(FULL_NAME, lazy_gettext("Full name")),
        ]
        super().__init__(label, choices=choices, default=ANONYMOUS, **more)

    def pre_validate(self, form: Any) -> None:
        if self.data not in (ANONYMOUS, INITIALS, FULL_NAME):
            raise ValidationError(_("Choose how your signature should be shown."))
        super().pre_validate(form)


class SignatureChoices(LanguagesForm):
    """How to be shown, and what else is wanted: each apart, none ticked beforehand."""

    shown_as = ShownAsField(lazy_gettext("How should your signature be shown?"))
    shown_name = LineField(
        lazy_gettext("Name"),
        render_kw={"autocomplete": "off", "maxlength": str(NAME_LIMIT), "dir": "auto"},
        description=lazy_gettext("Only for initials, a full name, or a name that is passed on."),
    )
    hand_over = BooleanField(
        lazy_gettext("Pass my name on to the addressee together with the signatures.")
    )
    petition_news = ConsentField()
    newsletter = ConsentField()

    def validate_shown_name(self, field: LineField) -> None:
        """Initials, a full name and a name passed on need a name, and a name only."""
        name = field.data or ""
        wanted = self.shown_as.data in (INITIALS, FULL_NAME)
        if wanted and not initials(name):
            raise ValidationError(_("To show initials or a name, write your name here."))
        if self.hand_over.data and not initials(name):
            raise ValidationError(_("To pass your name on, write it here."))
        if len(name) > NAME_LIMIT:
            raise ValidationError(_("That is too long for a name; please shorten it."))
        if any(sign in name for sign in "@/<>\\"):
            raise ValidationError(_("Write a name only, without an address or a link."))

    def chosen(
        self, *, news: ConsentWording | None, newsletter: ConsentWording | None
    ) -> dict[str, Any]:
        """What goes into the box of choices. The signature's id is minted here, so that it does not stand in
        the browser's history and the names box can be bound to it (C05)."""
        signature_id = ids.new()
        name = self.shown_name.data or ""
        names_box = seal_name(signature_id, name) if self.hand_over.data and name else None
        letters = bool(self.newsletter.data and newsletter)
        return {
            "shown_as": self.shown_as.data,
            "shown_name": shown_name(str(self.shown_as.data), name),
            "signature_id": signature_id.hex,
            "names_box": base64.b64encode(names_box).decode("ascii") if names_box else None,
            "petition_news": news.id if self.petition_news.data and news else None,
            "newsletter": (
                {"languages": list(self.languages), "wording_id": newsletter.id}
                if letters and newsletter
                else None
            ),
        }


class SignatureCode(CodeForm, SignatureChoices):
    """The waiting page: the code, and the choices beside it."""
