"""A passage's HTML dressed for mail clients: styles in line, nothing that loads (C22).

The HTML was cleaned when staff saved it. It is taken apart and written anew all the same, since
mail needs its styles on each element, and a fault upstream must not put a pixel into a letter.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

from emails.direction import Script

_VOID = frozenset({"br", "hr", "img"})
_SWALLOW = frozenset({"script", "style", "title", "textarea", "iframe", "noscript", "template"})
_HREF = re.compile(r"(?:https?://|mailto:)[^\s\"'<>\\]+", re.IGNORECASE)
_CID = re.compile(r"cid:[A-Za-z0-9.@_-]+")
_LANG = re.compile(r"[A-Za-z0-9-]{1,35}")
_NUMBER = re.compile(r"\d{1,4}")


def _styles(script: Script) -> dict[str, str]:
    rtl = script.dir == "rtl"
    inner = f"padding:0;padding-{script.start}:24px"
    strong = "font-style:normal;font-weight:700" if rtl else "font-style:italic"
    heading = f"margin:18px 0 8px;font-weight:700;line-height:{script.head_leading}"
    return {
        "p": "margin:0 0 14px",
        "ul": f"margin:0 0 14px;{inner}",
        "ol": f"margin:0 0 14px;{inner}",
        "li": "margin:0 0 6px",
        "blockquote": f"margin:0 0 14px;padding:0;padding-{script.start}:16px;"
        f"border-{script.start}:3px solid #CDD8DA",
        "h2": f"{heading};font-size:19px",
        "h3": f"{heading};font-size:18px",
        "h4": f"{heading};font-size:17px",
        "hr": "border:0;border-top:1px solid #CDD8DA;margin:18px 0",
        "a": "color:#0A5060;text-decoration:underline",
        "em": strong,
        "i": strong,
        "img": "display:block;max-width:100%;height:auto;border:0",
    } | dict.fromkeys(("br", "strong", "b", "span", "bdi", "div", "s", "sub", "sup", "code"), "")


_BLOCKS = frozenset({"p", "div", "ul", "ol", "li", "blockquote", "h2", "h3", "h4"})
_SIDES = {"ltr": "left", "rtl": "right"}
_CLASSES = {"a": "lnk", "hr": "line", "blockquote": "line"}


def dress(html: str, script: Script) -> str:
    """``html`` written anew for ``script``: known elements, in balance, each with its style."""
    writer = _Writer(script)
    writer.feed(html)
    writer.close()
    return writer.finish()


class _Writer(HTMLParser):
    def __init__(self, script: Script) -> None:
        super().__init__(convert_charrefs=True)
        self._styles = _styles(script)
        self._out: list[str] = []
        self._open: list[str] = []
        self._swallowing: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SWALLOW and self._swallowing is None:
            self._swallowing = tag
        if self._swallowing is not None or tag not in self._styles:
            return
        kept = self._attributes(tag, {name: value or "" for name, value in attrs})
        if kept is None:
            return
        self._out.append(f"<{tag}{kept}>")
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._swallowing is not None:
            if tag == self._swallowing:
                self._swallowing = None
            return
        if tag in _VOID or tag not in self._open:
            return
        while self._open:
            closing = self._open.pop()
            self._out.append(f"</{closing}>")
            if closing == tag:
                return

    def handle_data(self, data: str) -> None:
        if self._swallowing is None:
            self._out.append(escape(data, quote=False))

    def finish(self) -> str:
        while self._open:
            self._out.append(f"</{self._open.pop()}>")
        return "".join(self._out)

    def _attributes(self, tag: str, given: dict[str, str]) -> str | None:
        kept: dict[str, str] = {}
        if given.get("dir") in ("ltr", "rtl", "auto"):
            kept["dir"] = given["dir"]
        if _LANG.fullmatch(given.get("lang", "")):
            kept["lang"] = given["lang"]
        if tag == "a" and _HREF.fullmatch(given.get("href", "")):
            kept["href"] = given["href"]
        if tag == "ol" and _NUMBER.fullmatch(given.get("start", "")):
            kept["start"] = given["start"]
        if tag == "img":
            if not _CID.fullmatch(given.get("src", "")):
                return None
            kept |= {"src": given["src"], "alt": given.get("alt", "")}
            kept |= {
                n: given[n] for n in ("width", "height") if _NUMBER.fullmatch(given.get(n, ""))
            }
        if tag in _CLASSES:
            kept["class"] = _CLASSES[tag]
        style = self._styles[tag]
        if tag in _BLOCKS and kept.get("dir") in _SIDES:
            # A passage in another language begins at its own side (F02).
            style = ";".join(filter(None, (style, f"text-align:{_SIDES[kept['dir']]}")))
        if style:
            kept["style"] = style
        return "".join(f' {name}="{escape(value)}"' for name, value in kept.items())
