"""The newsletter's forms: subscribe, and the choices of who is on it already."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import BooleanField, RadioField, ValidationError

from app.optin.pages import CodeForm
from app.web.forms import AddressField, ConsentField, LanguagesForm, option

KEEP: Final = "keep"
LEAVE: Final = "leave"


class SubscribeForm(LanguagesForm):
    """Address, languages, one consent."""

    address = AddressField(
        description=lazy_gettext("For the newsletter only; we pass it on to nobody.")
    )
    consent = ConsentField(
        missing=lazy_gettext("Without this consent we cannot send you the newsletter.")
    )


class WishField(RadioField):
    """Keep reading, or leave."""

    def __init__(self, label: Any, **more: Any) -> None:
        choices = [
            option(KEEP, lazy_gettext("Send it to me in the languages below")),
            option(LEAVE, lazy_gettext("End my subscription and erase my address")),
        ]
        super().__init__(label, choices=choices, **more)

    def pre_validate(self, form: Any) -> None:
        if self.data not in (KEEP, LEAVE):
            raise ValidationError(_("Choose what should happen with the newsletter."))
        super().pre_validate(form)


class PreferencesChoices(LanguagesForm):
    """What becomes of the newsletter."""

    wish = WishField(lazy_gettext("What should happen with the newsletter?"))
    quiet = BooleanField(
        lazy_gettext("Quiet letters: sender and subject do not name us."),
    )

    def preset(self, noted: dict[str, Any] | None) -> None:
        """Show what the worker noted behind the link, where nothing was sent yet."""
        newsletter = ((noted or {}).get("lists") or {}).get("newsletter")
        if newsletter and not self.wish.raw_data:
            self.wish.data = KEEP
            self.quiet.data = bool(newsletter.get("quiet"))

    def chosen(self) -> dict[str, Any]:
        """The box of choices; no language at all means to leave."""
        stays = self.wish.data == KEEP
        return {
            "lists": {
                "newsletter": {
                    "languages": list(self.languages) if stays else [],
                    "quiet": bool(self.quiet.data) and stays,
                }
            }
        }


class PreferencesCode(CodeForm, PreferencesChoices):
    """The waiting page: the code, and the choices made blind."""


class InvitationChoices(LanguagesForm):
    """What a union's representative confirms."""

    consent = ConsentField(
        missing=lazy_gettext("Without this consent we cannot send you the newsletter.")
    )
