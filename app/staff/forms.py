"""The forms at the workroom's door and of the staff list; errors say what to do."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, SelectField, StringField

from app.core import languages
from app.core.errors import InvalidError
from app.staff.accounts import LONGEST_NAME
from app.staff.models import ROLES
from app.staff.passwords import LONGEST, SHORTEST
from app.web import language
from app.web.forms import option, put_error

ROLE_NAMES = {
    "admin": lazy_gettext("Administrator"),
    "organiser": lazy_gettext("Organiser"),
    "editor": lazy_gettext("Editor"),
    "translator": lazy_gettext("Translator"),
}


class SignInForm(FlaskForm):  # type: ignore[misc]
    """Working name and password."""

    name = StringField(lazy_gettext("Working name"))
    password = PasswordField(lazy_gettext("Password"))
    next = HiddenField()


class AcceptForm(FlaskForm):  # type: ignore[misc]
    """What the invited choose."""

    name = StringField(
        lazy_gettext("Working name"),
        description=lazy_gettext(
            "Your colleagues see it, nobody else. It need not be your own name."
        ),
    )
    password = PasswordField(
        lazy_gettext("Password"),
        description=lazy_gettext(
            "At least 12 characters. Four words that do not belong together are easy to keep in mind."
        ),
    )


class InviteForm(FlaskForm):  # type: ignore[misc]
    """The role to invite somebody to."""

    role = SelectField(
        lazy_gettext("Role"),
        choices=[option(role, ROLE_NAMES[role]) for role in reversed(ROLES)],
    )


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """The old password and a new one."""

    old = PasswordField(lazy_gettext("Present password"))
    new = PasswordField(
        lazy_gettext("New password"), description=lazy_gettext("At least 12 characters.")
    )


def show(form: FlaskForm, error: InvalidError) -> None:
    """Put an error that a verb raised beside its field, in words that help."""
    put_error(form, error.field, words(error))


def words(error: InvalidError) -> str:
    """What happened and what to do."""
    known = {
        "name": {
            "taken": _("Somebody here has this working name already; choose another."),
            "empty or too long": _(
                "Write a working name of up to %(most)s characters.", most=_digits(LONGEST_NAME)
            ),
        },
        "old": {"wrong": _("That is not your present password; type it again.")},
        "account": {
            "one's own account": _("You cannot do that to your own account; ask a colleague.")
        },
        "role": {"no such role": _("Choose one of the four roles.")},
    }
    password = {
        "too short": _(
            "The password is too short; take at least %(least)s characters.",
            least=_digits(SHORTEST),
        ),
        "too long": _(
            "The password is too long; take at most %(most)s characters.", most=_digits(LONGEST)
        ),
        "too easy": _(
            "The password is too easy to guess; do not use your name or one sign again and again."
        ),
    }
    found = {**password, **known.get(error.field, {})}.get(str(error))
    return str(found or _("This cannot be taken; please write it another way."))


def _digits(number: int) -> str:
    return languages.digits(number, language.current())
