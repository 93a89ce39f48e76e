"""The gaps in a letter that each reader's own values fill, and one encoder for each place (M16).

While a letter is rendered, a hole is a token with a nonce of that letter alone, so nothing that
staff wrote can look like one. In a finished skeleton it is a byte offset. A value is encoded for
the one place where it goes, and is never looked at again.
"""

from __future__ import annotations

import binascii
import re
import secrets
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from emails.addresses import on_the_wire
from emails.direction import DIGITS
from emails.errors import AddressError, HoleError

URL_NAMES = frozenset({"link", "unsubscribe", "never_write"})
TEXT_NAMES = frozenset({"code", "number"})
HEADER_NAMES = frozenset({"to", "message_id", "date"})

MAX_URL = 900
"""Bytes of a URL; with its header's name and brackets still under the 998 of RFC 5322 2.1.1."""

Encoder = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Hole:
    """A gap ``offset`` bytes into the skeleton, for the value ``name``, encoded for ``context``."""

    offset: int
    name: str
    context: str


class Tokens:
    """The tokens of one letter while it is rendered."""

    def __init__(self, nonce: str | None = None) -> None:
        self.nonce = nonce or secrets.token_hex(16)
        self.pattern = re.compile(rf"hole{self.nonce}0([a-z_]+)0([a-z]+)0")

    def hole(self, name: str, digits: str = "latn") -> str:
        """The token for ``name``; ``digits`` is the digit system the value is shown in."""
        if name not in URL_NAMES and name not in TEXT_NAMES:
            raise HoleError(f"no letter has a hole named {name!r}")
        if digits not in DIGITS:
            raise HoleError(f"no digits are named {digits!r}")
        return f"hole{self.nonce}0{name}0{digits}0"


_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(?:[/?#][A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*)?")
_SAFE_URL = re.compile(r"https://|http://(?:localhost|127\.0\.0\.1|\[::1\])(?:[:/?#]|$)")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,200}@[A-Za-z0-9.-]{1,253}")
_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} "
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d \+0000"
)
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"})


def _quoted(text: str) -> bytes:
    # A hole stands between two soft breaks, so a value begins at column 0 and is followed by "=".
    if text.isascii() and "=" not in text:
        if len(text) < 76:
            return text.encode("ascii")
        return b"=\r\n".join(text[at : at + 75].encode("ascii") for at in range(0, len(text), 75))
    # The sentinel keeps its last line one column shorter, which is that "=" [RFC 2045 6.7 (5)].
    coded = binascii.b2a_qp(text.encode() + b"x")[:-1]
    return coded.replace(b"\n", b"\r\n") if b"\n" in coded else coded


def _no_breaks(value: str) -> str:
    if _CONTROL.search(value):
        raise HoleError("a value holds a line break or a control character")
    return value


def _url(value: str) -> str:
    if len(value) > MAX_URL or not _URL.fullmatch(value):
        raise HoleError("a link is no plain http or https URL")
    return value


def _text(value: str) -> bytes:
    return _quoted(_no_breaks(value))


def _html(value: str) -> bytes:
    return _quoted(_no_breaks(value).translate(_HTML))


def _text_url(value: str) -> bytes:
    return _quoted(_url(value))


def _html_url(value: str) -> bytes:
    # Of all that HTML minds, only these two can stand in a URL that came so far.
    return _quoted(_url(value).replace("&", "&amp;").replace("'", "&#39;"))


def _header_url(value: str) -> bytes:
    # [RFC 8058 3.1] wants https; a loopback service has none to offer.
    if not _SAFE_URL.match(_url(value)):
        raise HoleError("a link in a header must be https")
    return value.encode("ascii")


def _header_address(value: str) -> bytes:
    try:
        return on_the_wire(value).spec.encode()
    except AddressError as error:
        raise HoleError(str(error)) from None


def _header_message_id(value: str) -> bytes:
    if not _MESSAGE_ID.fullmatch(value):
        raise HoleError("a Message-ID has the form name@domain, without brackets")
    return value.encode("ascii")


def _header_date(value: str) -> bytes:
    if not _DATE.fullmatch(value):
        raise HoleError("a Date reads like: Tue, 24 Nov 2026 08:00:00 +0000")
    return value.encode("ascii")


def _subject(value: str) -> bytes:
    # Always an encoded word of its own: the blanks around it then belong to its neighbours.
    word = b64encode(_no_breaks(value).encode())
    if len(word) > 60:
        raise HoleError("a value is too long for a subject")
    return b"=?utf-8?b?" + word + b"?="


_ENCODERS: dict[str, Encoder] = {
    "text": _text,
    "text-url": _text_url,
    "html": _html,
    "html-url": _html_url,
    "header-url": _header_url,
    "header-address": _header_address,
    "header-message-id": _header_message_id,
    "header-date": _header_date,
    "subject": _subject,
}


def context_of(place: str, name: str, digits: str) -> str:
    """The context of the hole ``name`` in ``place``: "text", "html" or "subject"."""
    if name in URL_NAMES:
        if place == "subject":
            raise HoleError("a subject holds no link")
        return f"{place}-url"
    return place if digits == "latn" else f"{place}:{digits}"


@lru_cache(maxsize=64)
def encoder_for(context: str) -> Encoder:
    """The one encoder for ``context``. Raises HoleError for a context nobody knows."""
    place, _, digits = context.partition(":")
    encode = _ENCODERS.get(place)
    if encode is None or (digits and digits not in DIGITS):
        raise HoleError(f"no place in a letter is called {context!r}")
    if not digits:
        return encode
    table = DIGITS[digits]
    return lambda value: encode(value.translate(table))
