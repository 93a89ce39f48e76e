"""The workroom's forms for a petition's picture and an organisation's logo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage

from app.core import languages
from app.core.errors import InvalidError
from app.petitions import redrawing
from app.petitions.picturing import LONGEST_ALT, ShownPicture
from app.web.forms import line_in, put_error
from app.web.language import current

ACCEPTED: Final = "image/jpeg,image/png,image/webp"


class PictureForm(FlaskForm):  # type: ignore[misc]
    """A file; ``picture_form`` adds a description for each language."""

    picture = FileField(
        lazy_gettext("Picture file"),
        description=lazy_gettext(
            "JPEG, PNG or WebP. It is drawn anew and made smaller; place, time and camera that the file may hold are"
            " not kept."
        ),
        render_kw={"accept": ACCEPTED},
    )

    def uploaded(self) -> bytes | None:
        """The file's octets, one more than may be taken at most; None where none was chosen."""
        file = self.picture.data
        if not isinstance(file, FileStorage) or not file.filename:
            return None
        return bytes(file.stream.read(redrawing.MOST_OCTETS + 1))


def picture_form(locales: Sequence[str], shown: ShownPicture | None) -> PictureForm:
    """The form of a petition's picture, with what is said of it in each language of the site."""
    alts = {f"alt_{code}": line_in(code, LONGEST_ALT) for code in locales}
    kind = type("PictureFormHere", (PictureForm,), alts)
    known = {f"alt_{code}": shown.alts.get(code, "") for code in locales} if shown else {}
    form: PictureForm = kind(data=known)
    return form


def alts(form: PictureForm, locales: Sequence[str]) -> dict[str, str]:
    """What was said of the picture, by language."""
    return {code: form[f"alt_{code}"].data or "" for code in locales}


def show(form: PictureForm, error: InvalidError) -> None:
    """Put an error that a verb raised beside its field, in words that help."""
    put_error(form, error.field.replace("-", "_"), _words(error))


def _words(error: InvalidError) -> str:
    here = current()
    known: dict[tuple[str, str], Any] = {
        ("picture", "needed"): _("Choose a file first."),
        ("picture", redrawing.TOO_LARGE): _(
            "That file is larger than %(most)s megabytes. Save it smaller and try again.",
            most=languages.digits(redrawing.MOST_OCTETS // 1024**2, here),
        ),
        ("picture", redrawing.TOO_MANY_PIXELS): _(
            "That picture has more than %(most)s million pixels. Make it smaller and try again.",
            most=languages.digits(redrawing.MOST_PIXELS // 1_000_000, here),
        ),
        ("picture", redrawing.TOO_SMALL): _(
            "That picture is too small to be seen. Choose a larger one."
        ),
        ("picture", redrawing.TOO_NARROW): _(
            "That picture is too narrow: one side is more than four times the other. Cut it first."
        ),
        ("picture", redrawing.UNREADABLE): _(
            "That file cannot be read as a picture. Choose a JPEG, PNG or WebP that opens elsewhere."
        ),
        ("alt", "needed"): _("Say what the picture shows, for people who cannot see it."),
        ("alt", "too long"): _(
            "Say it in %(most)s characters or fewer.", most=languages.digits(LONGEST_ALT, here)
        ),
    }
    return str(known[error.field.partition("-")[0], str(error)])
