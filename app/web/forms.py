"""Fields that public forms share. They have no session and no token; what is typed is cleaned as it comes in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup
from wtforms import (
    BooleanField,
    DateField,
    Field,
    Form,
    HiddenField,
    SelectField,
    StringField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import InputRequired

from app.core import addresses, languages, persian
from app.core.addresses import Address
from app.core.errors import InvalidError
from app.core.tokens import CODE_LENGTH, typed_code
from app.web.language import current

NAME_LIMIT: Final = 60
MOST_LANGUAGES: Final = 3
YEARS: Final = range(1900, 2200)
"""A slip of the keys beyond them is asked about; the Persian calendar has no day before 622."""
_SEPARATORS: Final = dict.fromkeys(map(ord, "٬,.’' \u00a0\u202f"))


def option(value: str, label: Any) -> Any:
    """One thing to choose in a select or radio field."""
    return SelectChoice(value, label)


def plain_number(text: str | None, digits: int) -> int | None:
    """What an address or a hidden field gives back as a number of ``digits`` at most; None for anything else."""
    sound = text and text.isascii() and text.isdigit() and len(text) <= digits
    return int(text) if text and sound else None


def put_error(form: Form, name: str, words: str) -> None:
    """Put words about an error that a verb raised beside the field ``name``, or the first where there is none such."""
    field: Field = form[name] if name in form else next(iter(form))
    field.errors = [*field.errors, words]


class PublicForm(Form):
    """A form anyone may send."""

    @property
    def wrong(self) -> bool:
        """Whether anything is to be put right."""
        return bool(self.errors)


class LineField(StringField):
    """One typed line: no control characters, no stray direction marks, trimmed (F03)."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            self.data = languages.tidy(str(valuelist[0]))


def line_in(code: str, limit: int) -> LineField:
    """A line that is written in that language, which is its label too."""
    way = languages.direction(code)
    label = Markup('<span lang="{0}" dir="{1}">{2}</span>').format(
        code, way, languages.own_name(code)
    )
    return LineField(label, render_kw={"lang": code, "dir": way, "maxlength": limit})


class SeenField(HiddenField):
    """The number of a row that the page showed; None for what can be none."""

    data: Any

    def __init__(self, **more: Any) -> None:
        super().__init__(filters=[lambda typed: plain_number(typed, 9)], **more)


class NumberField(StringField):
    """A whole number as people type it: Persian or Latin digits, with or without separators (F05)."""

    data: Any

    def __init__(
        self,
        label: Any = None,
        *,
        digits: int = 10,
        needed: bool = False,
        wrong: Any = None,
        **more: Any,
    ) -> None:
        attributes = {"inputmode": "numeric", "dir": "ltr"}
        super().__init__(label, render_kw=attributes, **more)
        self._digits, self._needed = digits, needed
        self._wrong = wrong or lazy_gettext("Write a whole number, such as 12000.")

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = languages.tidy(str(valuelist[0])) if valuelist else ""
        plain = persian.latin_digits(typed).translate(_SEPARATORS)
        self.data = None
        if not plain and not self._needed:
            return
        if not plain.isascii() or not plain.isdigit() or len(plain) > self._digits:
            raise ValueError(self._wrong)
        self.data = int(plain)

    def _value(self) -> str:
        return (
            self.raw_data[0] if self.raw_data else str(self.data if self.data is not None else "")
        )


class PlainDateField(DateField):
    """A day, which the browser's own field writes as 2026-11-24."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = [persian.latin_digits(str(value).strip()) for value in valuelist]
        if not typed or not typed[0]:
            self.data = None
            return
        try:
            super().process_formdata(typed)
        except ValueError:
            raise ValueError(_("Write the day as 2026-11-24.")) from None
        if self.data is not None and self.data.year not in YEARS:
            self.data = None
            raise ValueError(_("Write the day as 2026-11-24."))


class AddressField(LineField):
    """A mail address; ``address`` is what was understood of it."""

    address: Address | None = None

    def __init__(self, label: Any = None, **more: Any) -> None:
        attributes = {
            "type": "email",
            "dir": "ltr",
            "autocomplete": "email",
            "inputmode": "email",
            "spellcheck": "false",
            "maxlength": "320",
        }
        super().__init__(label or lazy_gettext("Email address"), render_kw=attributes, **more)

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist)
        self.data = persian.latin_digits(self.data or "")

    def pre_validate(self, _form: Any) -> None:
        if not self.data:
            raise ValidationError(_("Write your email address here, like name@example.org."))
        try:
            self.address = addresses.parse(self.data)
        except InvalidError:
            raise ValidationError(_address_advice(self.data)) from None


class CodeField(LineField):
    """The mailed code, as people type it."""

    def __init__(self, label: Any = None, **more: Any) -> None:
        attributes = {
            "dir": "ltr",
            "inputmode": "text",
            "autocomplete": "one-time-code",
            "autocapitalize": "characters",
            "spellcheck": "false",
            "maxlength": "24",
        }
        super().__init__(label or lazy_gettext("Code from the mail"), render_kw=attributes, **more)

    def pre_validate(self, _form: Any) -> None:
        if not self.data:
            raise ValidationError(_("Type the code that stands in the mail."))
        if len(typed_code(self.data)) != CODE_LENGTH:
            raise ValidationError(
                _(
                    "The code has %(number)s letters and digits; please compare it with the mail.",
                    number=languages.digits(CODE_LENGTH, current()),
                )
            )


class ConsentField(BooleanField):
    """One tick box for one consent, never ticked beforehand."""

    def __init__(self, label: Any = "", *, missing: Any = None, **more: Any) -> None:
        needed = [InputRequired(missing)] if missing is not None else []
        super().__init__(label, validators=needed, **more)


class LanguageField(SelectField):
    """One of the site's languages, by its own name; ``empty`` offers "none" first."""

    def __init__(self, label: Any, *, empty: Any = None, **more: Any) -> None:
        super().__init__(label, validate_choice=True, **more)
        self._empty = empty

    def pre_validate(self, form: Any) -> None:
        try:
            super().pre_validate(form)
        except ValidationError:
            raise ValidationError(_("Choose one of the languages offered.")) from None

    def offer(self, locales: Sequence[str]) -> None:
        """Set what can be chosen; asked of each form, since the settings name the languages."""
        first = [option("", self._empty)] if self._empty is not None else []
        self.choices = [*first, *(option(code, languages.own_name(code)) for code in locales)]


class LanguagesForm(PublicForm):
    """In which languages somebody reads, in their own order (F08)."""

    language1 = LanguageField(lazy_gettext("Language"))
    language2 = LanguageField(
        lazy_gettext("Second language, in the same letter"), empty=lazy_gettext("none")
    )
    language3 = LanguageField(
        lazy_gettext("Third language, in the same letter"), empty=lazy_gettext("none")
    )

    def offer(self, locales: Sequence[str], first: str, chosen: Sequence[str] = ()) -> None:
        """Offer the site's languages; preset to ``chosen``, else to the language of the page."""
        for place, field in enumerate(self.language_fields):
            field.offer(locales)
            if not field.raw_data:
                field.data = chosen[place] if place < len(chosen) else ("" if place else first)
            if place >= len(locales):
                del self[field.short_name]

    @property
    def language_fields(self) -> list[LanguageField]:
        """The fields there are: no more than the site has languages."""
        return [field for field in self if isinstance(field, LanguageField)]

    @property
    def languages(self) -> tuple[str, ...]:
        """What was chosen, each once, in order."""
        wanted = [str(field.data or "") for field in self.language_fields]
        return languages.in_order(wanted, [code for code in wanted if code])


def control(field: Any, **attributes: Any) -> Markup:
    """A field's input, tied to its hint and its error (A02); a template global.

    ``class`` is given as ``class_``; ``hint`` is false where the hint stands elsewhere.
    """
    described = [f"{field.id}-h"] if attributes.pop("hint", True) and field.description else []
    if field.errors:
        described.append(f"{field.id}-e")
        attributes["aria-invalid"] = "true"
    if described:
        attributes["aria-describedby"] = " ".join(described)
    return Markup(field(**attributes))  # noqa: S704 (WTForms escapes what was typed)


def _address_advice(typed: str) -> str:
    local, at, domain = typed.rpartition("@")
    if not at or not local or not domain or "." not in domain:
        return str(_("That address is incomplete. Write something like name@example.org."))
    too_long = len(typed.encode()) > addresses.MAX_OCTETS
    if too_long or len(local.encode()) > addresses.MAX_LOCAL_OCTETS:
        return str(_("That address is too long for mail. Please write a shorter one."))
    return str(_("Mail cannot go to that address. Look for a typing slip or a space in it."))
