"""The forms of "my settings"."""

from __future__ import annotations

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm

from app.web.forms import AddressField, LanguageField


class TestAddressForm(FlaskForm):  # type: ignore[misc]
    """One's own address for test mails."""

    __test__ = False

    address = AddressField(
        lazy_gettext("My address for test mails"),
    )


class LanguageForm(FlaskForm):  # type: ignore[misc]
    """The language the workroom opens in."""

    language = LanguageField(lazy_gettext("Language of the workroom"))
