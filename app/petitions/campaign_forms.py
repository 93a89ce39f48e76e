"""The workroom's forms for updates, endorsements and signatures on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired

from app.core import languages
from app.core.errors import InvalidError
from app.petitions import campaign_models as campaign
from app.petitions.campaigning import LONGEST_BODY, LONGEST_STATEMENT, LONGEST_TITLE, Backing
from app.web.forms import NumberField, PlainDateField, option, put_error

KINDS = {
    campaign.NEWS: lazy_gettext("Update"),
    campaign.MILESTONE: lazy_gettext("Milestone"),
    campaign.ANSWER: lazy_gettext("Answer of the addressee"),
    campaign.OUTCOME: lazy_gettext("Outcome"),
}


class UpdateForm(FlaskForm):  # type: ignore[misc]
    """What kind of update it is; its texts stand beside it, one form a language."""

    kind = SelectField(
        lazy_gettext("What is it?"), choices=[option(kind, name) for kind, name in KINDS.items()]
    )


class UpdateTextForm(FlaskForm):  # type: ignore[misc]
    """An update in one language."""

    class Meta:
        csrf = False  # the update's form on the same page carries the token

    title = StringField(lazy_gettext("Title"))
    body = TextAreaField(lazy_gettext("Text"))


class EndorsementForm(FlaskForm):  # type: ignore[misc]
    """An organisation's decision, with its proof."""

    organisation = SelectField(lazy_gettext("Organisation"), coerce=str)
    mandate = StringField(
        lazy_gettext("Who decided it, and when"),
        description=lazy_gettext(
            "Such as: executive committee, 12 November 2026. No person’s name."
        ),
        render_kw={"maxlength": 300, "dir": "auto"},
    )
    document = StringField(
        lazy_gettext("Where the decision can be read"),
        description=lazy_gettext("A link that begins with https://"),
        render_kw={"maxlength": 300, "dir": "ltr"},
    )
    language = SelectField(lazy_gettext("Language of the statement"))
    statement = TextAreaField(
        lazy_gettext("What the organisation says"),
        render_kw={"maxlength": LONGEST_STATEMENT, "dir": "auto", "rows": 4},
    )
    may_publish = BooleanField(lazy_gettext("It agreed to be named on the page"))

    def offer(self, organisations: Sequence[tuple[int, str]], locales: Sequence[str]) -> None:
        """Name the organisations and the languages of the site."""
        self.organisation.choices = [option(str(row_id), name) for row_id, name in organisations]
        self.language.choices = [option(code, languages.own_name(code)) for code in locales]

    def backing(self) -> Backing:
        """What was typed."""
        return Backing(
            organisation_id=int(self.organisation.data or 0),
            mandate=self.mandate.data or "",
            language=self.language.data or "",
            document=self.document.data or "",
            statement=self.statement.data or "",
            may_publish=bool(self.may_publish.data),
        )


class PaperForm(FlaskForm):  # type: ignore[misc]
    """Signatures on paper: a number and the day of the scan."""

    signatures = NumberField(lazy_gettext("Signatures on the sheets"), digits=8, needed=True)
    scanned = PlainDateField(
        lazy_gettext("Day of the scan"),
        validators=[InputRequired(lazy_gettext("Write the day as 2026-11-24."))],
        render_kw={"dir": "ltr"},
    )
    note = StringField(
        lazy_gettext("Where they were collected"),
        description=lazy_gettext("No person’s name."),
        render_kw={"maxlength": 200, "dir": "auto"},
    )


def text_forms(
    locales: Sequence[str], update: campaign.PetitionUpdate | None
) -> dict[str, UpdateTextForm]:
    """One form a language, filled from the update where nothing was typed."""
    known = {text.language: text for text in update.texts} if update else {}
    forms = {code: UpdateTextForm(prefix=code, obj=known.get(code)) for code in locales}
    for code, form in forms.items():
        shared = {"lang": code, "dir": languages.direction(code)}
        form.title.render_kw = {**shared, "maxlength": LONGEST_TITLE}
        form.body.render_kw = {**shared, "maxlength": LONGEST_BODY, "rows": 6}
    return forms


def texts_of(forms: Mapping[str, UpdateTextForm]) -> dict[str, tuple[str, str]]:
    """What was typed, by language."""
    return {code: (form.title.data or "", form.body.data or "") for code, form in forms.items()}


def show(form: FlaskForm, error: InvalidError) -> None:
    """Put an error that a verb raised beside its field, in words that help."""
    told = {
        "half written": _("Write both title and text, or leave both empty."),
        "needed": _("This is needed."),
        "too long": _("That is too long; please shorten it."),
        "out of bounds": _("Write a whole number from 1 up."),
        "not yet": _("That day has not come yet."),
        "no link": _("Write a link that begins with https://, or leave it empty."),
    }
    words = told.get(str(error)) or _("Choose one of the list.")
    put_error(form, error.field.partition("-")[0], words)
