"""Mails as their readers hold them: whole, parsed, with the links and the code that stand in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from html.parser import HTMLParser
from typing import Final
from weakref import WeakKeyDictionary

from tests.journeys import arrivals
from tests.journeys.worlds import World
from tests.servers.process import wait_until
from tests.servers.smtp_sink import SmtpSink

CODE: Final = re.compile(r"^\s*([23456789A-Z]{4}[\s-]?[23456789A-Z]{4})\s*$", re.MULTILINE)
LINK: Final = re.compile(r"https?://[^\s<>\"]+")
_LOADS: Final = re.compile(r"url\(|@import|expression\(", re.IGNORECASE)
_LOADING: Final = {"src", "srcset", "background", "poster", "data", "lowsrc", "dynsrc", "action"}
_LOADING_TAGS: Final = {"link", "script", "iframe", "object", "embed", "base", "form", "img"}


@dataclass(frozen=True)
class Mail:
    """One mail and who got it."""

    recipient: str
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    @property
    def code(self) -> str:
        """The code to type."""
        found = CODE.search(self.text)
        assert found is not None, self.text
        return found[1]

    @property
    def link(self) -> str:
        """The link to press."""
        return self.links("/c/")[0]

    def links(self, within: str = "") -> list[str]:
        """Every address in any part or header, each once."""
        hrefs = _Tags(self.html).values("href")
        everywhere = [*LINK.findall(self.text), *hrefs, *LINK.findall(str(self.one_click_header))]
        return [link for link in dict.fromkeys(everywhere) if within in link and "://" in link]

    @property
    def one_click_header(self) -> str:
        return str(self.message["List-Unsubscribe"] or "")

    @property
    def one_click(self) -> str:
        """Where a mail client posts its single click (RFC 8058)."""
        found = re.fullmatch(r"<(https?://[^>]+)>", self.one_click_header)
        assert found is not None, self.one_click_header
        return found[1]

    @property
    def bodies(self) -> list[tuple[str, str]]:
        """Language and direction of the letter's halves in the HTML, in order; the first is the whole letter's."""
        return _Tags(self.html).bodies

    @property
    def loads(self) -> list[str]:
        """Whatever a mail client would fetch to show it (C22): must be nothing."""
        tags = _Tags(self.html)
        found = [f"<{name}>" for name, _ in tags.seen if name in _LOADING_TAGS]
        found += [
            f"{key}={value}"
            for _, attributes in tags.seen
            for key, value in attributes.items()
            if key in _LOADING and not value.startswith(("cid:", "data:"))
        ]
        found += _LOADS.findall(self.html)
        parts = [part.get_content_type() for part in self.message.walk()]
        found += [kind for kind in parts if kind not in ("multipart/alternative", *_PARTS)]
        return found

    def _part(self, subtype: str) -> str:
        part = self.message.get_body((subtype,))
        assert part is not None, f"no text/{subtype} part"
        return str(part.get_content())


_PARTS: Final = ("text/plain", "text/html")


class _Tags(HTMLParser):
    """The tags of a document, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, {name: value or "" for name, value in attrs}))

    def values(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.seen if name in attributes]

    @property
    def bodies(self) -> list[tuple[str, str]]:
        return [
            (attributes["lang"], attributes.get("dir", ""))
            for _, attributes in self.seen
            if "lang" in attributes
        ]


def of_world(world: World, recipient: str = "") -> list[Mail]:
    """Every mail that arrived in this world, or every one to ``recipient``; each is parsed once."""
    parsed = _parsed.setdefault(world, {})
    found = []
    for to, content in _arrived(world):
        if recipient in ("", to):
            if (to, content) not in parsed:
                message = BytesParser(policy=policy.default).parsebytes(content)
                parsed[to, content] = Mail(to, message)
            found.append(parsed[to, content])
    return found


def _arrived(world: World) -> Iterator[tuple[str, bytes]]:
    if isinstance(world.way_out, SmtpSink):
        for sunk in world.way_out.mails():
            for to in sunk.recipients:
                yield to, sunk.raw
    else:
        for path in arrivals.in_folder(world.mailbox):
            content = path.read_bytes()
            yield arrivals.delivered_to(content), content


_parsed: WeakKeyDictionary[World, dict[tuple[str, bytes], Mail]] = WeakKeyDictionary()


def to(world: World, recipient: str, *, count: int = 1) -> list[Mail]:
    """The mails to one address, once there are ``count``."""
    world.wait_for_mail(recipient, count=count)
    return in_order(of_world(world, recipient))


def new(world: World, recipient: str) -> Mail:
    """The one mail to this address that this function has not handed out yet, once it is there."""
    seen = _seen.setdefault(world, set())
    unseen: list[Mail] = []

    def came() -> bool:
        unseen[:] = [
            mail for mail in of_world(world, recipient) if mail.message["Message-ID"] not in seen
        ]
        return bool(unseen)

    wait_until(came, seconds=20, what=f"a new mail to {recipient}")
    [mail] = unseen
    seen.add(str(mail.message["Message-ID"]))
    return mail


_seen: WeakKeyDictionary[World, set[str]] = WeakKeyDictionary()


def in_order(mails: Sequence[Mail]) -> list[Mail]:
    """The oldest first, as far as their seconds tell."""
    return sorted(mails, key=lambda mail: mail.message["Date"].datetime)
