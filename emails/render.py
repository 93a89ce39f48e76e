"""From templates to a letter: Jinja, then MJML, then HTML and text with tokens for the holes.

What is not ours (staff's words, names, URLs, catalogues) never goes through MJML: a slot stands
for it and is replaced afterwards in one pass, so no text can be taken for layout (M16).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound
from markupsafe import Markup, escape
from mjml import mjml2html

from emails.direction import isolate, script_of
from emails.errors import RenderError
from emails.holes import Tokens

Gettext = Callable[[str, str], str]
"""(language, msgid) -> the text in that language."""

TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that travels with the mail; HTML names it ``cid:`` plus ``cid`` (C22)."""

    cid: str
    subtype: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Rendered:
    """A letter with tokens where its holes are; ``nonce`` tells those tokens from all else."""

    subject: str
    html: str = field(repr=False)
    text: str = field(repr=False)
    pictures: tuple[Picture, ...] = ()
    nonce: str = field(default="", repr=False)


class HoleToken(str):
    """A token, which is put in as it is: no isolate round it, nothing escaped."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


def render(
    name: str,
    *,
    languages: tuple[str, ...],
    context: Mapping[str, object],
    gettext: Gettext,
    pictures: tuple[Picture, ...] = (),
) -> Rendered:
    """The letter ``name`` in ``languages``, the reader's first one leading.

    ``context`` is what the template asks for; a missing name raises RenderError, as does a
    template or layout that is broken. Deterministic but for the nonce.
    """
    if not languages:
        raise RenderError("a letter needs a language")
    letter = _Letter(gettext)
    values = {**context, "languages": languages, "lead": script_of(languages[0])}
    try:
        subject = _one_line(letter.plain(f"{name}/subject.txt", values))
        text = letter.plain(f"{name}/letter.txt", values)
        html = letter.html(f"{name}/letter.mjml", {**values, "title": subject})
    except TemplateNotFound as error:
        raise RenderError(f"there is no template {error.name}") from None
    except TemplateError as error:
        raise RenderError(f"the letter {name} cannot be rendered: {error.message}") from None
    return Rendered(
        subject=subject,
        html=html,
        text=re.sub(r"\n{3,}", "\n\n", text).strip() + "\n",
        pictures=pictures,
        nonce=letter.tokens.nonce,
    )


def _one_line(text: str) -> str:
    # Not str.split(), which would take the no-break space for a blank.
    return re.sub(r"[ \t\r\n]+", " ", text).strip()


class _Letter:
    """One rendering: its tokens, its slots, its languages."""

    def __init__(self, gettext: Gettext) -> None:
        self.tokens = Tokens()
        self._gettext = gettext
        self._slots: dict[str, str] = {}
        self._slot = re.compile(rf"slot{self.tokens.nonce}x\d+x")

    def plain(self, template: str, values: Mapping[str, object]) -> str:
        return (
            _environment(markup=False)
            .get_template(template)
            .render(
                values,
                tongue=lambda language: partial(self._say, language),
                hole=lambda name, digits="latn": HoleToken(self.tokens.hole(name, digits)),
            )
        )

    def html(self, template: str, values: Mapping[str, object]) -> str:
        source = (
            _environment(markup=True)
            .get_template(template)
            .render(
                values,
                tongue=lambda language: partial(self._say_html, language),
                hole=lambda name, digits="latn": Markup("%s") % self.tokens.hole(name, digits),
                slot=self._put,
            )
        )
        try:
            html: str = mjml2html(source, fonts={})
        except ValueError as error:
            raise RenderError(f"the layout of {template} is broken: {error}") from None
        return self._slot.sub(lambda match: self._slots[match[0]], html)

    def _put(self, value: object) -> Markup:
        """Set ``value`` (escaped unless it is markup already) aside until MJML is done."""
        if isinstance(value, Markup) and self._slot.fullmatch(value):
            return value
        token = f"slot{self.tokens.nonce}x{len(self._slots)}x"
        self._slots[token] = str(escape(value))
        return Markup(token)  # noqa: S704 - a token made here

    def _say(self, language: str, msgid: str, **values: object) -> str:
        text = self._gettext(language, msgid)
        if not values:
            return text
        return text % {
            name: value if isinstance(value, HoleToken) else isolate(str(value))
            for name, value in values.items()
        }

    def _say_html(self, language: str, msgid: str, **values: object) -> Markup:
        text = escape(self._gettext(language, msgid))
        if values:
            text = text % {
                name: value if isinstance(value, Markup) else Markup("<bdi>%s</bdi>") % value
                for name, value in values.items()
            }
        return self._put(text)


@lru_cache(maxsize=2)
def _environment(*, markup: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=markup,  # noqa: S701 - plain text has nothing to escape
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.globals["script_of"] = script_of
    environment.filters["isolate"] = isolate
    return environment
