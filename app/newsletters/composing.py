"""From an issue to the editions that are mailed: Markdown made safe, petitions looked up, gaps made visible (F08).

What staff write is Markdown of the plainest kind: paragraphs, lists, links, emphasis. It becomes HTML and plain
text from one parse. Nothing that loads comes through, and a link leads to https or to a mailbox (C22).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import escape
from sqlalchemy.orm import Session

from app.core import languages as tongues
from app.core.errors import NotFoundError
from app.newsletters import translating
from app.newsletters.models import BUTTON, PETITION, QUOTE, SUBJECT, Block, BlockText, Issue
from app.petitions import queries
from config import Config
from emails.newsletter import Edition, Passage

Gettext = Callable[[str, str], str]
"""(language, msgid) -> the text in that language."""

_TAGS: Final = {"p", "br", "strong", "em", "a", "ul", "ol", "li", "bdi", "span"}
_ATTRIBUTES: Final = {"a": {"href"}, "span": {"lang", "dir"}, "bdi": {"lang", "dir"}}
_SCHEMES: Final = {"https", "mailto"}
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).disable(
    [
        "heading",
        "lheading",
        "code",
        "fence",
        "hr",
        "image",
        "html_block",
        "html_inline",
        "reference",
    ]
)


def N_(msgid: str) -> str:  # noqa: N802 (the catalogue's own word for "to be translated later")
    """Mark a text for the catalogue; the language is known only where it is said."""
    return msgid


NUMBER: Final = N_("No. %(number)s")
SIGN: Final = N_("Sign this petition")
FALLEN_BACK: Final = N_("This part is not translated yet; here it is in %(language)s.")
GAP: Final = N_("Missing in this language: it will not be sent like this.")


class GapError(Exception):
    """A text is missing and the issue's staff chose that nothing falls back."""


def html_of(markdown: str) -> str:
    """Markdown as clean HTML: https and mailto links, no picture, no heading, no HTML of the writer's own."""
    return nh3.clean(
        _MARKDOWN.render(markdown),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel=None,
    )


def text_of(markdown: str) -> str:
    """Markdown as a reader without HTML sees it: paragraphs, dashes, and addresses behind their words."""
    return _plain(_MARKDOWN.parse(markdown)).strip()


def editions(
    session: Session,
    issue: Issue,
    languages: Sequence[str],
    *,
    config: Config,
    gettext: Gettext,
    strict: bool = True,
) -> list[Edition]:
    """The issue as readers of ``languages`` get it, one edition a language in their order.

    With ``strict``, raises GapError for a missing text where the issue does not fall back; without, as previews
    are made, the gap stands in the edition and says that it would not be sent.
    """
    return [
        _Writer(session, issue, language, config, gettext, strict).edition()
        for language in languages
    ]


def quiet_subject(issue: Issue, language: str, gettext: Gettext) -> str:
    """The subject of a quiet newsletter: a number, nothing else (C14)."""
    return gettext(language, NUMBER) % {"number": tongues.digits(issue.number, language)}


@dataclass
class _Writer:
    session: Session
    issue: Issue
    language: str
    config: Config
    gettext: Gettext
    strict: bool

    def edition(self) -> Edition:
        subject, passages = "", []
        for block in self.issue.blocks:
            if block.kind == SUBJECT:
                subject = self._subject(block)
            else:
                passages.append(self._passage(block))
        base = f"{self.config.base_url}/{self.language}"
        return Edition(
            masthead=self.config.organisation_name(self.language),
            number_line=_number_line(self.issue, self.issue.day, self.language, self.gettext),
            language=self.language,
            subject=subject,
            preheader=_first_words(passages),
            passages=tuple(passages),
            preferences_url=f"{base}/my-choices",
            privacy_url=f"{base}/privacy",
        )

    def _say(self, msgid: str, **values: str) -> str:
        text = self.gettext(self.language, msgid)
        return text % values if values else text

    def _subject(self, block: Block) -> str:
        text, fallen = self._text(block)
        if text is None:
            return self._say(
                "No. %(number)s", number=tongues.digits(self.issue.number, self.language)
            )
        return tongues.isolate(text.heading) if fallen else text.heading

    def _passage(self, block: Block) -> Passage:
        if block.kind == PETITION:
            return self._petition(block)
        text, fallen = self._text(block)
        if text is None:
            return self._gap(block)
        note_html, note_text = self._note(text.language) if fallen else ("", "")
        if block.kind == BUTTON:
            return Passage(
                kind=BUTTON,
                html=note_html,
                text=note_text,
                button_label=text.heading,
                button_url=block.url,
            )
        html, plain = html_of(text.body), text_of(text.body)
        if fallen:
            html = _in_language(html, text.language)
        return Passage(
            kind=QUOTE if block.kind == QUOTE else "text",
            heading=text.heading,
            html=note_html + html,
            text=f"{note_text}\n\n{plain}".strip(),
        )

    def _petition(self, block: Block) -> Passage:
        try:
            found = queries.petition_of_id(
                self.session, block.petition_id or 0, self.language, (self.issue.source_language,)
            )
        except NotFoundError:
            return self._gap(block)
        own = found.language == self.language
        if not own and not self.issue.fall_back:
            return self._gap(block)
        note_html, note_text = ("", "") if own else self._note(found.language)
        body = f"<p>{escape(found.summary)}</p>"
        return Passage(
            kind=PETITION,
            heading=found.title,
            html=note_html + (body if own else _in_language(body, found.language)),
            text=f"{note_text}\n\n{found.summary}".strip(),
            button_label=self._say(SIGN),
            button_url=f"{self.config.base_url}/{found.language}/p/{found.id}",
        )

    def _text(self, block: Block) -> tuple[BlockText | None, bool]:
        """The block's text for this reader, and whether it is the source standing in for a translation."""
        text = translating.text_in(block, self.language)
        if text is not None:
            return text, False
        if self.issue.fall_back:
            text = translating.text_in(block, self.issue.source_language)
        return text, text is not None

    def _note(self, written_in: str) -> tuple[str, str]:
        said = self._say(
            FALLEN_BACK,
            language=tongues.name_in(written_in, self.language),
        )
        return f"<p><strong>{escape(said)}</strong></p>", said

    def _gap(self, block: Block) -> Passage:
        if self.strict:
            raise GapError(f"block {block.position} has no text in {self.language}")
        said = self._say(GAP)
        return Passage(kind="text", html=f"<p><strong>{escape(said)}</strong></p>", text=said)


def _number_line(issue: Issue, day: date, language: str, gettext: Gettext) -> str:
    number = gettext(language, NUMBER) % {"number": tongues.digits(issue.number, language)}
    return f"{number} · {tongues.day(day, language)}"


def _in_language(html: str, language: str) -> str:
    """Every paragraph of a text that stands in a letter of another language says its own (F02)."""
    opening = f'<span lang="{language}" dir="{tongues.direction(language)}">'
    for tag in ("p", "li"):
        html = html.replace(f"<{tag}>", f"<{tag}>{opening}").replace(
            f"</{tag}>", f"</span></{tag}>"
        )
    return html


def _first_words(passages: Sequence[Passage]) -> str:
    text = next((passage.text for passage in passages if passage.text), "")
    line = text.split("\n", 1)[0]
    if len(line) <= 110:
        return line
    return line[:110].rsplit(" ", 1)[0] + "…"


def _plain(tokens: Sequence[Token]) -> str:
    parts: list[str] = []
    numbers: list[int | None] = []
    for token in tokens:
        if token.type in ("bullet_list_open", "ordered_list_open"):
            numbers.append(int(token.attrGet("start") or 1) if "ordered" in token.type else None)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            numbers.pop()
            parts.append("\n")
        elif token.type == "list_item_open":
            parts.append(_mark(numbers))
        elif token.type == "inline":
            parts.append(_inline(token.children or []))
            parts.append("\n" if numbers else "\n\n")
    return "".join(parts)


def _mark(numbers: list[int | None]) -> str:
    number = numbers[-1]
    if number is None:
        return "– "
    numbers[-1] = number + 1
    return f"{number}. "


def _inline(tokens: Sequence[Token]) -> str:
    parts: list[str] = []
    address = ""
    for token in tokens:
        if token.type == "link_open":
            address = str(token.attrGet("href") or "")
        elif token.type == "link_close":
            if address.startswith(("https://", "mailto:")):
                parts.append(f" <{address.removeprefix('mailto:')}>")
            address = ""
        elif token.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        else:
            parts.append(token.content)
    return "".join(parts)
