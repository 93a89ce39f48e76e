"""The petition editor's forms: what a petition is, and its text in each language of the site."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateTimeLocalField,
    Field,
    HiddenField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import Optional

from app.core import languages, persian
from app.core.errors import InvalidError
from app.petitions import addressing
from app.petitions.editing import LONGEST, Settings, Wording
from app.petitions.models import DRAFT, Petition, PetitionText
from app.web import language
from app.web.forms import YEARS, LanguageField, NumberField, plain_number, put_error

SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?")
MOST_GOALS: Final = 10


class GoalsField(StringField):
    """Several whole numbers, apart by spaces or commas of either script."""

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = persian.latin_digits(languages.tidy(str(valuelist[0])) if valuelist else "")
        parts = re.split(r"[\s,،;؛]+", typed.strip()) if typed.strip() else []
        self.data = ()
        if len(parts) > MOST_GOALS or not all(p.isascii() and p.isdigit() for p in parts):
            raise ValueError(_("Write whole numbers with a space between them."))
        self.data = tuple(int(part[:9]) for part in parts)

    def _value(self) -> str:
        return self.raw_data[0] if self.raw_data else " ".join(map(str, self.data or ()))


class MomentField(DateTimeLocalField):
    """A day and an hour in UTC; empty for none."""

    def __init__(self, label: Any, **more: Any) -> None:
        super().__init__(label, validators=[Optional()], render_kw={"dir": "ltr"}, **more)

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata([persian.latin_digits(str(value)) for value in valuelist])
        except ValueError:
            raise ValueError(_("Write a day and an hour, such as 2027-01-31 12:00.")) from None
        if self.data is not None and self.data.year not in YEARS:
            self.data = None
            raise ValueError(_("Write a day and an hour, such as 2027-01-31 12:00."))
        if self.data is not None:
            self.data = self.data.replace(tzinfo=UTC)


class SettingsForm(FlaskForm):  # type: ignore[misc]
    """What a petition is in every language."""

    slug = StringField(
        lazy_gettext("Address"),
        description=lazy_gettext(
            "In every language that has none of its own: lower-case Latin letters, digits and "
            "hyphens. It stays once the petition is open."
        ),
        filters=[lambda value: (value or "").strip().lower()],
        render_kw={"dir": "ltr", "maxlength": 80, "spellcheck": "false", "autocapitalize": "none"},
    )
    source_language = LanguageField(
        lazy_gettext("Written first in"),
        description=lazy_gettext(
            "The other languages are its translations. It stays once the petition is open."
        ),
    )
    goal = NumberField(
        lazy_gettext("Goal"),
        digits=8,
        needed=True,
        wrong=lazy_gettext("Write a goal as a whole number, such as 5000."),
    )
    live = BooleanField(
        lazy_gettext("Show the exact total at once"),
        description=lazy_gettext(
            "Better not: who watches the page while someone signs learns that they signed. Left "
            "unticked, the total waits for a random minute, moves by five or more, and reads "
            "“fewer than 20” below that."
        ),
    )
    hand_over_names = BooleanField(
        lazy_gettext("Offer signers to have their name handed over"),
        description=lazy_gettext(
            "Each may say yes or no. Names are sealed to a key that is kept offline."
        ),
    )

    later_goals = GoalsField(
        lazy_gettext("Goals after that"),
        description=lazy_gettext("Each larger than the one before, such as 1000 5000 10000."),
        render_kw={"dir": "ltr", "inputmode": "numeric"},
    )
    takes_comments = BooleanField(
        lazy_gettext("Let signers add a comment"),
        description=lazy_gettext("Each is read before it shows, days later."),
    )
    asks_country = BooleanField(lazy_gettext("Let signers say their country"))
    asks_affiliation = BooleanField(lazy_gettext("Let signers say their union or occupation"))
    opens_at = MomentField(lazy_gettext("Opens by itself at (UTC)"))
    closes_at = MomentField(lazy_gettext("Closes by itself at (UTC)"))

    def validate_slug(self, field: Field) -> None:
        if not SLUG.fullmatch(field.data or ""):
            raise ValidationError(
                _("Write an address such as free-the-teachers: Latin letters, digits, hyphens.")
            )

    def settings(self) -> Settings:
        """What was typed."""
        return Settings(**{name: self[name].data for name in Settings.__dataclass_fields__})


class TextForm(FlaskForm):  # type: ignore[misc]
    """A petition in one language; the version it was opened with goes along."""

    class Meta:
        csrf = False  # the settings' form on the same page carries the token

    seen = HiddenField()
    topic = StringField(lazy_gettext("Topic"))
    title = StringField(lazy_gettext("Title"))
    slug = StringField(
        lazy_gettext("Address in this language"),
        render_kw={"dir": "auto", "maxlength": addressing.LONGEST, "spellcheck": "false"},
    )
    summary = TextAreaField(lazy_gettext("Summary, one or two sentences"))
    addressee = StringField(lazy_gettext("Addressee"))
    body = TextAreaField(lazy_gettext("Text"))
    demands = TextAreaField(lazy_gettext("Demands, one a line"))

    def wording(self) -> Wording:
        """What was typed."""
        return Wording(**{name: self[name].data or "" for name in LONGEST})

    @property
    def version_seen(self) -> int:
        """The version the page was opened with; 0 for none."""
        return number_of(self.seen.data)


def number_of(text: str | None) -> int:
    """A version's number as a hidden field gives it back; 0 for what is none."""
    return plain_number(text, 8) or 0


def text_form(code: str, last: PetitionText | None, petition: Petition | None) -> TextForm:
    """The form of one language, filled from its last version where nothing was typed."""
    form = TextForm(
        prefix=code,
        obj=last,
        data={"seen": str(last.version if last else 0)},
        slug=addressing.own(petition, code) if petition else "",
    )
    form.slug.description = _(
        "Persian or Latin letters, digits and hyphens. Left empty, it is that of the settings."
    )
    if petition and petition.state != DRAFT:
        form.slug.description += " " + _("You may change it; the one from before leads on.")
    for name, most in LONGEST.items():
        form[name].render_kw = {
            "lang": code,
            "dir": languages.direction(code),
            "maxlength": most,
        }
    return form


def settings_form(petition: Petition | None, locales: Sequence[str]) -> SettingsForm:
    """The settings' form, filled from the petition where nothing was typed."""
    first = petition.source_language if petition else language.current()
    form = SettingsForm(obj=petition, data={"source_language": first})
    fixed = petition is not None and petition.state != DRAFT
    form.source_language.offer((first,) if fixed else locales)
    return form


def show(form: FlaskForm, error: InvalidError) -> None:
    """Put an error that a verb raised beside its field, in words that help."""
    put_error(form, error.field.partition("-")[0], words(error))


def words(error: InvalidError) -> str:
    """What happened and what to do."""
    name = error.field.partition("-")[0]
    if str(error) == "too long":
        return str(
            _(
                "This is too long; write at most %(most)s characters.",
                most=languages.digits(LONGEST[name], language.current()),
            )
        )
    known = {
        ("slug", "taken"): _(
            "Another petition or language has this address, or had it; choose another."
        ),
        ("slug", "odd"): _(
            "Write Persian or Latin letters, digits and hyphens, such as free-the-teachers."
        ),
        ("slug", "links lead there"): _(
            "The petition is open and links lead to its address; it stays as it is."
        ),
        ("source_language", "translations were approved"): _(
            "The petition is open and its translations were approved against this language; it "
            "stays as it is."
        ),
        ("goal", "out of bounds"): _("Write a goal between 1 and ten million."),
        ("later_goals", "not rising"): _("Each goal must be larger than the one before."),
        ("closes_at", "before the opening"): _("It must close after it opens."),
        ("language", "no text"): _("Write the petition in at least one language first."),
    }
    needed = _(
        "An open petition needs this in every language it has; fill it in, or leave the whole "
        "language empty."
    )
    return str(known.get((name, str(error))) or needed)
