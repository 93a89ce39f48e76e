"""The newsletter's forms: subscribe, and the choices of who is on it already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import BooleanField, RadioField, SelectMultipleField, ValidationError
from wtforms.widgets import CheckboxInput

from app.audience.models import NEWSLETTER, UNIONS
from app.optin.pages import CodeForm
from app.web.forms import AddressField, ConsentField, LanguagesForm, SeenField, option

KEEP: Final = "keep"
LEAVE: Final = "leave"
ONE_NEWSLETTER: Final = (NEWSLETTER, UNIONS)


class SubscribeForm(LanguagesForm):
    """Address, languages, one consent."""

    address = AddressField(
        description=lazy_gettext("For the newsletter only; we pass it on to nobody.")
    )
    consent = ConsentField(
        missing=lazy_gettext("Without this consent we cannot send you the newsletter.")
    )
    wording_seen = SeenField()


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


class EndingField(SelectMultipleField):
    """Lists to leave, each a tick box of its own; behind the link only, where the lists are known."""

    option_widget = CheckboxInput()

    def __init__(self, label: Any, **more: Any) -> None:
        super().__init__(label, choices=[], validate_choice=False, **more)

    def post_validate(self, _form: Any, _stopped: bool) -> None:
        offered = {str(one.value) for one in cast("list[Any]", self.choices)}
        self.data = [slug for slug in self.data or () if slug in offered]


class PreferencesChoices(LanguagesForm):
    """What becomes of the newsletter, and which other lists are to end.

    The newsletter for unions follows the same choice: a reader has one newsletter, whoever they read it for.
    """

    wish = WishField(lazy_gettext("What should happen with the newsletter?"))
    quiet = BooleanField(
        lazy_gettext("Quiet letters: sender and subject do not name us."),
    )
    leave = EndingField(lazy_gettext("Also end"))

    def preset(self, noted: Mapping[str, Any], names: Mapping[str, str]) -> None:
        """Show what the worker noted behind the link, where nothing was sent yet; ``names`` are the lists'."""
        self.leave.choices = [
            option(slug, names[slug])
            for slug in noted
            if slug in names and slug not in ONE_NEWSLETTER
        ]
        found = noted_newsletter(noted)
        if found and not self.wish.raw_data:
            self.wish.data = KEEP
            self.quiet.data = bool(found.get("quiet"))

    def chosen(self) -> dict[str, Any]:
        """The box of choices; no language at all means to leave."""
        stays = self.wish.data == KEEP
        newsletter = {
            "languages": list(self.languages) if stays else [],
            "quiet": bool(self.quiet.data) and stays,
        }
        ended = {str(slug): {"languages": [], "quiet": False} for slug in self.leave.data or ()}
        return {"lists": {**ended, **dict.fromkeys(ONE_NEWSLETTER, newsletter)}}


def noted_newsletter(noted: Mapping[str, Any]) -> dict[str, Any]:
    """The newsletter among the lists that the worker noted, under whichever of its slugs."""
    return next((dict(noted[slug]) for slug in ONE_NEWSLETTER if slug in noted), {})


class PreferencesCode(CodeForm, PreferencesChoices):
    """The waiting page: the code, and the choices made blind."""


class InvitationChoices(LanguagesForm):
    """What a union's representative confirms."""

    consent = ConsentField(
        missing=lazy_gettext("Without this consent we cannot send you the newsletter.")
    )
