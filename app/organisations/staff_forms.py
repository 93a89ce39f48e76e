"""The forms of the organisations' staff pages: an organisation, and the invitation of a representative."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import Field, SelectField, StringField, ValidationError

from app.core import languages
from app.core.countries import countries
from app.core.errors import InvalidError
from app.organisations.models import TYPES, Organisation
from app.organisations.records import LONGEST_NAME, Entry
from app.web import language
from app.web.forms import (
    AddressField,
    LanguageField,
    LineField,
    NumberField,
    PlainDateField,
    line_in,
    option,
    put_error,
)

TYPE_NAMES: Final = {
    "local": lazy_gettext("Local union"),
    "national-union": lazy_gettext("National union"),
    "national-centre": lazy_gettext("National centre"),
    "global-federation": lazy_gettext("Global union federation"),
    "ituc": lazy_gettext("International Trade Union Confederation"),
    "ngo": lazy_gettext("Non-governmental organisation"),
    "embassy": lazy_gettext("Embassy"),
    "other": lazy_gettext("Other"),
}


class OptionalAddressField(AddressField):
    """A mail address that may be left out."""

    def pre_validate(self, form: Any) -> None:
        if self.data:
            super().pre_validate(form)


class OrganisationForm(FlaskForm):  # type: ignore[misc]
    """What an organisation publishes about itself. The names' fields are added per language of the site."""

    type = SelectField(
        lazy_gettext("Type"), choices=[option(kind, TYPE_NAMES[kind]) for kind in TYPES]
    )
    country = SelectField(lazy_gettext("Country"))
    sector = LineField(lazy_gettext("Sector"), render_kw={"maxlength": 80})
    parent = SelectField(
        lazy_gettext("Belongs to"), coerce=lambda value: int(value) if value else None
    )
    members = NumberField(lazy_gettext("Members it represents"))
    website = StringField(
        lazy_gettext("Website"),
        filters=[lambda value: languages.tidy(value or "")],
        render_kw={"dir": "ltr", "inputmode": "url", "maxlength": 300, "spellcheck": "false"},
    )
    published_address = OptionalAddressField(
        lazy_gettext("Address it publishes"),
        description=lazy_gettext("Only one that stands on its own pages; it is kept in clear."),
    )
    source = LineField(
        lazy_gettext("Source"),
        description=lazy_gettext("Where these facts stand: a page’s address, a letter, a call."),
        render_kw={"maxlength": 300},
    )
    verified = PlainDateField(lazy_gettext("Checked on"), render_kw={"dir": "ltr", "type": "date"})

    def offer(self, page_language: str, parents: list[tuple[int, str]]) -> None:
        """Set the countries, sorted as readers of this language do, and the possible parents."""
        self.country.choices = _with_none(countries(page_language))
        self.parent.choices = _with_none([(str(number), name) for number, name in parents])

    def validate_sector(self, field: Field) -> None:
        if len(field.data or "") > 80:
            raise ValidationError(_("Write it in 80 characters or fewer."))

    def validate_source(self, field: Field) -> None:
        if len(field.data or "") > 300:
            raise ValidationError(_("Write it in 300 characters or fewer."))

    def validate_website(self, field: Field) -> None:
        if len(field.data or "") > 300:
            raise ValidationError(_("Write it in 300 characters or fewer."))

    def entry(self, locales: tuple[str, ...]) -> Entry:
        """What was typed."""
        return Entry(
            type=self.type.data,
            names={code: self[f"name_{code}"].data or "" for code in locales},
            country=self.country.data or "",
            sector=self.sector.data or "",
            parent_id=self.parent.data,
            members=self.members.data,
            website=self.website.data or "",
            published_address=self.published_address.data or "",
            source=self.source.data or "",
            verified=self.verified.data,
        )


def organisation_form(
    locales: tuple[str, ...], row: Organisation | None = None
) -> OrganisationForm:
    """The form with one name field a language, filled from ``row`` where nothing was typed."""
    names = {f"name_{code}": line_in(code, LONGEST_NAME) for code in locales}
    form_class = type("OrganisationFormHere", (OrganisationForm,), names)
    given: dict[str, Any] = {}
    if row is not None:
        given = {f"name_{code}": row.names.get(code, "") for code in locales}
        given["parent"] = str(row.parent_id or "")
    form: OrganisationForm = form_class(obj=row, data=given)
    return form


class RepresentativeForm(FlaskForm):  # type: ignore[misc]
    """Whom to invite: a role, languages, and an address that only the worker will read."""

    role = LineField(
        lazy_gettext("Role"),
        description=lazy_gettext("For example: international secretary. No name."),
    )
    language = LanguageField(lazy_gettext("Language of the invitation"))
    languages = SelectField(lazy_gettext("Newsletter in"))
    address = AddressField(
        description=lazy_gettext("Sealed at once: nobody here can read it again, you neither."),
    )

    def offer(self, locales: tuple[str, ...]) -> None:
        """Set the languages of this site: each one, and each pair in one letter."""
        self.language.offer(locales)
        pairs = [(one, other) for one in locales for other in locales if one != other]
        self.languages.choices = [
            option(",".join(codes), " + ".join(languages.own_name(code) for code in codes))
            for codes in [*((code,) for code in locales), *pairs]
        ]


def _with_none(pairs: list[tuple[str, str]]) -> list[Any]:
    return [option("", "–"), *(option(value, label) for value, label in pairs)]


def show(form: FlaskForm, error: InvalidError) -> None:
    """Put an error that a verb raised beside its field, in words that help."""
    name = error.field
    if name == "names":
        name = next(field.name for field in form if field.name.startswith("name_"))
    if name == "address" and "published_address" in form:
        name = "published_address"
    put_error(form, name, _words(error))


def _words(error: InvalidError) -> str:
    known = {
        ("names", "needed"): _("Write the name in at least one language."),
        ("names", "too long"): _(
            "Write each name in %(most)s characters or fewer.",
            most=languages.digits(LONGEST_NAME, language.current()),
        ),
        ("website", "not an address"): _("Begin the address with https://."),
        ("source", "needed"): _("Say where the published address stands."),
        ("parent", "below itself"): _("That organisation already belongs to this one."),
        ("members", "out of bounds"): _("Write a number of members that can be true."),
        ("role", "empty or too long"): _("Write the role in up to 80 characters."),
    }
    found = known.get((error.field, str(error)))
    return str(found or _("This cannot be taken; please write it another way."))
