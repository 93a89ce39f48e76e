"""A newsletter: its editions, one a language, set side by side or one below another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Literal

from markupsafe import Markup

from emails.direction import Script, isolate, script_of
from emails.errors import RenderError
from emails.markup import dress
from emails.render import Gettext, Picture, Rendered, render

PassageKind = Literal["text", "quote", "button", "petition"]


@dataclass(frozen=True)
class Passage:
    """One language's version of a block.

    ``html`` is cleaned already; ``text`` says the same in plain text. A quote's ``heading`` is
    who says it. A button shows where it has both a label and a URL.
    """

    kind: str
    heading: str = ""
    html: str = ""
    text: str = ""
    button_label: str = ""
    button_url: str = ""


@dataclass(frozen=True)
class Edition:
    """One language's version of a newsletter.

    ``number_line`` is as it is shown ("No. 37 · 24 Nov 2026"). The last four are plain public
    pages, the same for every reader: languages and preferences, what we keep, this letter on the
    web; a line whose URL is empty is left out.
    """

    masthead: str
    number_line: str
    language: str
    subject: str
    preheader: str
    passages: tuple[Passage, ...]
    preferences_url: str = ""
    privacy_url: str = ""
    web_url: str = ""


@dataclass(frozen=True)
class _Set:
    """A passage as it is set."""

    script: Script
    kind: str
    heading: str
    body: Markup
    text: str
    button_label: str
    button_url: str
    first: bool
    empty: bool = field(default=False)


def render_newsletter(
    editions: Sequence[Edition],
    *,
    organisation: str | Mapping[str, str],
    gettext: Gettext,
    pictures: tuple[Picture, ...] = (),
) -> Rendered:
    """The letter for readers of these languages in this order; its one hole is ``unsubscribe``.

    One language: 600 px. Two: 680 px, a passage's versions side by side, stacked on phones. More:
    one below another. ``organisation`` is its name, or its names by language. Editions are paired by the place of their passages. Raises RenderError.
    """
    if not editions:
        raise RenderError("a newsletter needs an edition")
    languages = tuple(edition.language for edition in editions)
    if not isinstance(organisation, str) and not set(languages) <= set(organisation):
        raise RenderError("the organisation has no name in one of the languages")
    if len(set(languages)) != len(languages):
        raise RenderError("two editions of a newsletter have the same language")
    columns = [
        [
            _set(passage, edition.language, first=place == 0)
            for place, passage in enumerate(passages)
        ]
        for edition in editions
        for passages in [edition.passages]
    ]
    blank = [_blank(edition.language) for edition in editions]
    rows = [
        [passage or blank[place] for place, passage in enumerate(row)]
        for row in zip_longest(*columns)
    ]
    return render(
        "newsletter",
        languages=languages,
        gettext=gettext,
        pictures=pictures,
        context={
            "editions": editions,
            "columns": columns,
            "rows": rows,
            "named": {
                language: organisation if isinstance(organisation, str) else organisation[language]
                for language in languages
            },
            "subject": _joined([edition.subject for edition in editions]),
        },
    )


def _set(passage: Passage, language: str, *, first: bool) -> _Set:
    if passage.kind not in ("text", "quote", "button", "petition"):
        raise RenderError(f"no passage is of the kind {passage.kind!r}")
    script = script_of(language)
    button = bool(passage.button_label and passage.button_url)
    if button and not passage.button_url.startswith(("https://", "http://")):
        raise RenderError("a button leads to an http or https page")
    return _Set(
        script=script,
        kind=passage.kind,
        heading=passage.heading,
        body=Markup(dress(passage.html, script)),  # noqa: S704 - written anew by dress
        text=passage.text.strip(),
        button_label=passage.button_label if button else "",
        button_url=passage.button_url if button else "",
        first=first,
    )


def _blank(language: str) -> _Set:
    return _Set(script_of(language), "text", "", Markup(""), "", "", "", first=False, empty=True)


def _joined(texts: list[str]) -> str:
    """Each text once; where there are several, each is isolated from the others (F03)."""
    distinct = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
    return " | ".join(map(isolate, distinct)) if len(distinct) > 1 else "".join(distinct)
