"""The sign form, and the choices that follow the proof (C12)."""

from __future__ import annotations

import base64
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import BooleanField, RadioField, SelectField, TextAreaField, ValidationError

from app.audience.models import ConsentWording
from app.core import ids, languages
from app.core.countries import countries
from app.optin.pages import CodeForm, seal_name
from app.petitions.models import ANONYMOUS, FULL_NAME, INITIALS
from app.petitions.queries import ShownPetition
from app.petitions.showing import initials, shown_name
from app.web.forms import (
    NAME_LIMIT,
    AddressField,
    ConsentField,
    LanguagesForm,
    LineField,
    PublicForm,
    SeenField,
    option,
)
from app.web.language import current

AFFILIATION_LIMIT: Final = 80
COMMENT_LIMIT: Final = 600


class SignForm(PublicForm):
    """Address and one consent; nothing else is asked before the proof."""

    address = AddressField(description=lazy_gettext("Only to confirm your signature. Never shown."))
    consent = ConsentField(missing=lazy_gettext("Without this consent we cannot keep a signature."))
    text_seen = SeenField()
    wording_seen = SeenField()


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


class ShownChoices(PublicForm):
    """How a signature is to be shown."""

    shown_as = ShownAsField(lazy_gettext("How should your signature be shown?"))
    shown_name = LineField(
        lazy_gettext("Name"),
        render_kw={"autocomplete": "off", "maxlength": str(NAME_LIMIT), "dir": "auto"},
        description=lazy_gettext("Only for initials or a full name."),
    )

    def validate_shown_name(self, field: LineField) -> None:
        """Initials, a full name and a name passed on need a name, and a name only."""
        name = field.data or ""
        wanted = self.shown_as.data in (INITIALS, FULL_NAME)
        if wanted and not initials(name):
            raise ValidationError(_("To show initials or a name, write your name here."))
        if "hand_over" in self and self["hand_over"].data and not initials(name):
            raise ValidationError(_("To pass your name on, write it here."))
        if len(name) > NAME_LIMIT:
            raise ValidationError(_("That is too long for a name; please shorten it."))
        if any(sign in name for sign in "@/<>\\"):
            raise ValidationError(_("Write a name only, without an address or a link."))

    def shown(self) -> dict[str, str]:
        """How the signature is to be shown; of the name only what that needs (C05)."""
        shown_as = str(self.shown_as.data)
        return {
            "shown_as": shown_as,
            "shown_name": shown_name(shown_as, self.shown_name.data or ""),
        }


class ShownCode(CodeForm, ShownChoices):
    """The waiting page: the code, and how the signature is to be shown."""


class SignatureChoices(ShownChoices, LanguagesForm):
    """How to be shown, and what else is wanted: each apart, none ticked beforehand."""

    hand_over = BooleanField(
        lazy_gettext("Pass my name on to the addressee together with the signatures.")
    )
    country = SelectField(
        lazy_gettext("Country"),
        default="",
        description=lazy_gettext("Shown only beside a full name, never beside initials."),
    )
    affiliation = LineField(
        lazy_gettext("Union or occupation"),
        render_kw={"autocomplete": "off", "maxlength": str(AFFILIATION_LIMIT), "dir": "auto"},
        description=lazy_gettext(
            "Shown only beside a full name, never beside initials, and once somebody has read it."
        ),
    )
    comment = TextAreaField(
        lazy_gettext("Comment"),
        filters=[lambda text: languages.tidy_lines(text or "").strip()],
        render_kw={"maxlength": str(COMMENT_LIMIT), "dir": "auto", "rows": "4"},
        description=lazy_gettext(
            "It is read first and shows days later. Write nothing that tells who or where you are."
        ),
    )
    petition_news = ConsentField()
    news_seen = SeenField()
    newsletter = ConsentField()
    newsletter_seen = SeenField()

    def ask(self, found: ShownPetition) -> None:
        """Leave out what this petition does not ask."""
        asked = {
            "country": found.asks_country,
            "affiliation": found.asks_affiliation,
            "comment": found.takes_comments,
        }
        for name in [name for name, wanted in asked.items() if name in self and not wanted]:
            del self[name]
        if found.asks_country:
            here = current()
            known = [option(code, name) for code, name in countries(here)]
            self.country.choices = [option("", "–"), *known]

    def validate_affiliation(self, field: LineField) -> None:
        """A word or two, no link."""
        if len(field.data or "") > AFFILIATION_LIMIT:
            raise ValidationError(_("That is too long; please shorten it."))
        if any(sign in (field.data or "") for sign in "@<>\\") or "//" in (field.data or ""):
            raise ValidationError(_("Write it without an address or a link."))

    def validate_comment(self, field: TextAreaField) -> None:
        """Plain text of a few sentences, no link."""
        if len(field.data or "") > COMMENT_LIMIT:
            raise ValidationError(_("That is too long; please shorten it."))
        if "@" in (field.data or "") or "//" in (field.data or ""):
            raise ValidationError(_("Write it without an address or a link."))

    def _said(self) -> dict[str, str]:
        """What was said of country, affiliation and comment, where the petition asks."""
        asked = [name for name in ("country", "affiliation", "comment") if name in self]
        said = {name: self[name].data or "" for name in asked}
        return {**said, "comment_language": current()} if said.get("comment") else said

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
            **self.shown(),
            "signature_id": signature_id.hex,
            "names_box": base64.b64encode(names_box).decode("ascii") if names_box else None,
            **self._said(),
            "petition_news": news.id if self.petition_news.data and news else None,
            "newsletter": (
                {"languages": list(self.languages), "wording_id": newsletter.id}
                if letters and newsletter
                else None
            ),
        }


class SignatureCode(CodeForm, SignatureChoices):
    """The waiting page: the code, and the choices beside it."""
