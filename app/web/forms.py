"""Fields that public forms share. They have no session and no token; what is typed is cleaned as it comes in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup
from wtforms import BooleanField, Form, SelectField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import InputRequired

from app.core import addresses, languages, persian
from app.core.addresses import Address
from app.core.errors import InvalidError
from app.core.tokens import CODE_LENGTH, typed_code
from app.web.language import current

NAME_LIMIT: Final = 60
MOST_LANGUAGES: Final = 3


def option(value: str, label: Any) -> Any:
    """One thing to choose in a select or radio field."""
    return SelectChoice(value, label)


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
        needed = [InputRequired(missing)] if missing else []
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
