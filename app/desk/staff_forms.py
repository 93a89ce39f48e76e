"""The forms of "my settings", and of an order about an address."""

from __future__ import annotations

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import SelectField

from app.optin.models import LIFT, NO_OUTREACH, SUPPRESS
from app.web.forms import AddressField, LanguageField, option


class TestAddressForm(FlaskForm):  # type: ignore[misc]
    """One's own address for test mails."""

    __test__ = False

    address = AddressField(
        lazy_gettext("My address for test mails"),
    )


class LanguageForm(FlaskForm):  # type: ignore[misc]
    """The language the workroom opens in."""

    language = LanguageField(lazy_gettext("Language of the workroom"))


class OrderForm(FlaskForm):  # type: ignore[misc]
    """What the worker is to do about one address, at its owner's wish."""

    address = AddressField(lazy_gettext("Address, letter for letter"))
    order = SelectField(
        lazy_gettext("What does its owner want?"),
        choices=[
            option(SUPPRESS, lazy_gettext("Never get mail from us again")),
            option(NO_OUTREACH, lazy_gettext("No invitations; only what they ask for themselves")),
            option(LIFT, lazy_gettext("Get mail again, from tomorrow")),
        ],
    )
