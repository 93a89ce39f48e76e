"""The forms of an organisation that endorses a petition: its address first, all else beside the proof (U04, C12)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import BooleanField, Field, SelectField, TextAreaField, ValidationError

from app.core import languages, sealing
from app.core.countries import countries
from app.optin.pages import CodeForm
from app.organisations.staff_forms import TYPE_NAMES
from app.web.forms import AddressField, ConsentField, LineField, PublicForm, SeenField, option
from app.web.language import current

NAME_LIMIT: Final = 100
LINE_LIMIT: Final = 200
LINK_LIMIT: Final = 300
STATEMENT_LIMIT: Final = 1000
"""In characters; what an alphabet needs in octets may be more than the sealed box holds, which the form tells too."""
_LIMITS: Final = {
    "organisation": NAME_LIMIT,
    "website": LINE_LIMIT,
    "mandate": LINE_LIMIT,
    "document": LINK_LIMIT,
    "statement": STATEMENT_LIMIT,
}


class EndorseForm(PublicForm):
    """The office's address and one consent; nothing else is asked before the proof."""

    address = AddressField(
        lazy_gettext("Your organisation’s own email address"),
        description=lazy_gettext(
            "Its office, not a person: only to confirm that you write for it. Never shown."
        ),
    )
    consent = ConsentField(
        missing=lazy_gettext("Without this consent we cannot keep an endorsement.")
    )
    wording_seen = SeenField()


def _line(limit: int, **more: str) -> dict[str, str]:
    return {"autocomplete": "off", "maxlength": str(limit), "dir": "auto", **more}


class EndorsementChoices(PublicForm):
    """What an organisation says of itself, its decision and its statement. No field asks a person's name."""

    organisation = LineField(lazy_gettext("Name of the organisation"), render_kw=_line(NAME_LIMIT))
    type = SelectField(lazy_gettext("What kind of organisation?"), validate_choice=False)
    country = SelectField(lazy_gettext("Country"), default="", validate_choice=False)
    website = LineField(
        lazy_gettext("Website"),
        description=lazy_gettext("A link that begins with https://"),
        render_kw=_line(LINE_LIMIT, dir="ltr", inputmode="url", spellcheck="false"),
    )
    mandate = LineField(
        lazy_gettext("Who decided it, and when"),
        description=lazy_gettext(
            "Such as: executive committee, 12 November 2026. No person’s name."
        ),
        render_kw=_line(LINE_LIMIT),
    )
    document = LineField(
        lazy_gettext("Where the decision can be read"),
        description=lazy_gettext("A link that begins with https://"),
        render_kw=_line(LINK_LIMIT, dir="ltr", inputmode="url", spellcheck="false"),
    )
    statement = TextAreaField(
        lazy_gettext("What your organisation says"),
        filters=[lambda text: languages.tidy_lines(text or "").strip()],
        description=lazy_gettext(
            "A few sentences in the language of this page, for everyone to read."
        ),
        render_kw={"maxlength": str(STATEMENT_LIMIT), "dir": "auto", "rows": "6"},
    )
    may_publish = BooleanField(
        lazy_gettext("You may name our organisation on the page, with what it says.")
    )

    def offer(self, page_language: str) -> None:
        """Name the kinds of organisations and the countries, in the page's language."""
        self.type.choices = [option(kind, name) for kind, name in TYPE_NAMES.items()]
        known = [option(code, name) for code, name in countries(page_language)]
        self.country.choices = [option("", "–"), *known]

    def validate_organisation(self, field: Field) -> None:
        """An organisation has a name."""
        _needed(field, _("Write your organisation’s name."))

    def validate_mandate(self, field: Field) -> None:
        """Some body of it decided."""
        _needed(field, _("Write which body decided it, and when."))

    def validate_type(self, field: SelectField) -> None:
        """One of those offered."""
        _offered(field)

    def validate_country(self, field: SelectField) -> None:
        """One of those offered, or none."""
        _offered(field)

    def validate_website(self, field: Field) -> None:
        """A page, where one is named."""
        _link(field)

    def validate_document(self, field: Field) -> None:
        """A page, where one is named."""
        _link(field)

    def validate_statement(self, field: Field) -> None:
        """No longer than the limit, and all together no larger than the sealed box."""
        _short(field)
        if not sealing.fits("choices", {**self.chosen(), "language": current()}):
            raise ValidationError(_("That is too long; please shorten it."))

    def chosen(self) -> dict[str, Any]:
        """What goes into the box of choices."""
        return {
            "name": self.organisation.data or "",
            "type": str(self.type.data or ""),
            "country": str(self.country.data or ""),
            "website": self.website.data or "",
            "mandate": self.mandate.data or "",
            "document": self.document.data or "",
            "statement": self.statement.data or "",
            "may_publish": bool(self.may_publish.data),
        }


class EndorsementCode(CodeForm, EndorsementChoices):
    """The waiting page: the code, and the endorsement beside it."""


def _short(field: Field) -> None:
    if len(field.data or "") > _LIMITS[field.short_name]:
        raise ValidationError(_("That is too long; please shorten it."))


def _needed(field: Field, words: str) -> None:
    if not field.data:
        raise ValidationError(words)
    _short(field)


def _offered(field: Any) -> None:
    if field.data not in {choice.value for choice in field.choices or ()}:
        raise ValidationError(_("Choose one of the list."))


def _link(field: Field) -> None:
    _short(field)
    if field.data and not _is_https(field.data):
        raise ValidationError(_("Write a link that begins with https://, or leave it empty."))


def _is_https(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme == "https" and bool(parts.hostname) and " " not in address
    except ValueError:
        return False
