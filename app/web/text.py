"""Markdown that people wrote, as HTML that can do nothing: no script, no picture, no odd link."""

from __future__ import annotations

import functools
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
_TAGS: Final = {
    "p", "br", "hr", "h2", "h3", "h4", "ul", "ol", "li", "strong", "em", "blockquote", "a", "code",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_SHIFT: Final = {"h1": "h2", "h2": "h2", "h3": "h3", "h4": "h4", "h5": "h4", "h6": "h4"}


def _link(_tag: str, attribute: str, value: str) -> str | None:
    if attribute != "href":
        return value
    own = value.startswith("/") and not value.startswith(("//", "/\\"))
    return value if own or value.startswith(("https://", "mailto:")) else None


_CLEANER: Final = nh3.Cleaner(
    tags=_TAGS,
    attributes={"a": {"href"}, "ol": {"start"}},
    attribute_filter=_link,
    url_schemes={"https", "mailto"},
    link_rel="noreferrer",
)


@functools.lru_cache(maxsize=128)
def markdown(text: str) -> Markup:
    """The text as HTML; links lead to https, mail or this site, headings begin at the second level.

    Kept: every page that shows a long text would else parse it again, and a table of 40 KB takes two seconds.
    """
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = _SHIFT[token.tag]
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return Markup(_CLEANER.clean(html))  # noqa: S704 (cleaned on this line)
