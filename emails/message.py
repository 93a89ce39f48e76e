"""The MIME message around a rendered letter: its headers (M01, M04 to M07) and its parts.

Headers are written here, for the email package may fold or encode what must stay whole, such as
the URI of List-Unsubscribe; the parts are its work. No User-Agent, no X- header (M06).
"""

from __future__ import annotations

import binascii
import re
import secrets
from base64 import b64encode
from datetime import UTC, datetime
from email.mime.base import MIMEBase
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import compat32
from email.utils import format_datetime
from typing import Literal

from emails.addresses import on_the_wire
from emails.errors import HoleError
from emails.holes import Hole, Tokens, context_of
from emails.render import Rendered
from emails.skeleton import Skeleton

Kind = Literal["newsletter", "confirmation", "invitation", "test"]

_POLICY = compat32.clone(linesep="\r\n", max_line_length=None, mangle_from_=False)
_BREAK = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\u2028\u2029]")
_PLAIN_SUBJECT = re.compile(r"[\x20-\x7e]{1,60}")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9 ]{1,60}")
_LIST_ID = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_LIST_URL = re.compile(r"(?:https?://|mailto:)[!#-;=?-~]{1,900}")
_FEEDBACK_ID = re.compile(r"[A-Za-z0-9._-]*(?::[A-Za-z0-9._-]+){1,3}")
_ENCODED_WORD_BYTES = 45
_LONGEST_LINE = 998


def date_text(moment: datetime) -> str:
    """``moment`` as a Date header says it, in +0000 whatever its zone (M06)."""
    if moment.tzinfo is None:
        raise ValueError("a Date needs a moment with its zone")
    return format_datetime(moment.astimezone(UTC))


def build(
    rendered: Rendered,
    *,
    sender: tuple[str, str],
    languages: tuple[str, ...],
    kind: Kind,
    reply_to: str | None = None,
    list_id: str | None = None,
    list_help: str | None = None,
    list_owner: str | None = None,
    feedback_id: str | None = None,
) -> Skeleton:
    """The skeleton of ``rendered``, made once for a letter and its languages.

    ``sender`` is a name and an address. A newsletter carries List-Unsubscribe for its hole
    ``unsubscribe`` [RFC 8058], and with a test what describes the list [RFC 2369, 2919]; the other
    kinds carry no List-* (M05). Every message has the holes ``to``, ``message_id``, ``date``.
    Raises HoleError when a header's value cannot stand in a header, AddressError for an address.
    """
    listed = {"List-Id": list_id, "List-Help": list_help, "List-Owner": list_owner}
    if kind not in ("newsletter", "test") and any((*listed.values(), feedback_id)):
        raise ValueError(f"a mail of the kind {kind} belongs to no list")
    tokens = Tokens(rendered.nonce or None)
    lines = [
        f"From: {_mailbox(*sender)}",
        f"To: {_mark(tokens, 'to', 'header-address')}",
    ]
    if reply_to:
        lines.append(f"Reply-To: <{_ascii_address(reply_to)}>")
    lines += [
        f"Subject: {_subject(rendered.subject, tokens)}",
        f"Date: {_mark(tokens, 'date', 'header-date')}",
        f"Message-ID: <{_mark(tokens, 'message_id', 'header-message-id')}>",
    ]
    if kind == "newsletter":
        lines += [
            f"List-Unsubscribe: <{_mark(tokens, 'unsubscribe', 'header-url')}>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        ]
    for name, value in listed.items():
        if value:
            pattern = _LIST_ID if name == "List-Id" else _LIST_URL
            lines.append(f"{name}: <{_fitting(pattern, value, name)}>")
    if feedback_id:
        lines.append(f"Feedback-ID: {_fitting(_FEEDBACK_ID, feedback_id, 'Feedback-ID')}")
    if kind == "confirmation":
        lines.append("Auto-Submitted: auto-generated")
    lines.append(f"Content-Language: {_fitting_languages(languages)}")
    head = "\r\n".join(lines).encode("ascii") + b"\r\n"
    return _cut(head + _parts(rendered, tokens).as_bytes(policy=_POLICY), tokens)


def encoded_words(text: str) -> str:
    """``text`` in encoded words of at most 72 characters, folded, cut between characters.

    [RFC 2047 2, 5 (3)]; ZWNJ and bidi isolates come through as any other character does.
    """
    words: list[str] = []
    chunk = b""
    for character in text:
        coded = character.encode()
        if len(chunk) + len(coded) > _ENCODED_WORD_BYTES:
            words.append(_word(chunk))
            chunk = b""
        chunk += coded
    if chunk:
        words.append(_word(chunk))
    return "\r\n ".join(words)


def _word(chunk: bytes) -> str:
    return f"=?utf-8?b?{b64encode(chunk).decode('ascii')}?="


def _mark(tokens: Tokens, name: str, context: str) -> str:
    return f"hole{tokens.nonce}.{name}.{context}."


def _subject(subject: str, tokens: Tokens) -> str:
    if _BREAK.search(subject):
        raise HoleError("a subject holds a line break or a control character")
    parts = tokens.pattern.split(subject)
    if len(parts) == 1:
        plain = _PLAIN_SUBJECT.fullmatch(subject) and "=?" not in subject
        return subject if plain else encoded_words(subject)
    words: list[str] = []
    for index in range(0, len(parts), 3):
        if parts[index]:
            words.append(encoded_words(parts[index]))
        if index + 2 < len(parts):
            name, digits = parts[index + 1], parts[index + 2]
            words.append(_mark(tokens, name, context_of("subject", name, digits)))
    return "\r\n ".join(words)


def _mailbox(name: str, address: str) -> str:
    if _BREAK.search(name):
        raise HoleError("a sender's name holds a line break or a control character")
    spec = _ascii_address(address)
    if not name:
        return f"<{spec}>"
    phrase = name if _PLAIN_NAME.fullmatch(name) else encoded_words(name)
    return f"{phrase} <{spec}>"


def _ascii_address(address: str) -> str:
    wire = on_the_wire(address)
    if wire.smtputf8:
        raise HoleError("a sender's own address stays within ASCII")
    return wire.spec


def _fitting(pattern: re.Pattern[str], value: str, header: str) -> str:
    if not pattern.fullmatch(value):
        raise HoleError(f"{header} cannot hold that value")
    return value


def _fitting_languages(languages: tuple[str, ...]) -> str:
    pattern = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
    tags = [tag.replace("_", "-") for tag in languages]
    return ", ".join(_fitting(pattern, tag, "Content-Language") for tag in tags)


def _parts(rendered: Rendered, tokens: Tokens) -> MIMEBase:
    alternative = MIMEMultipart("alternative", boundary=_boundary())
    alternative.attach(_text_part("plain", rendered.text, tokens))
    html = _text_part("html", rendered.html, tokens)
    if rendered.pictures:
        related = MIMEMultipart("related", boundary=_boundary(), type="text/html")
        del related["MIME-Version"]
        related.attach(html)
        for picture in rendered.pictures:
            part = MIMEImage(picture.content, picture.subtype)
            part["Content-ID"] = f"<{picture.cid}>"
            part["Content-Disposition"] = "inline"
            del part["MIME-Version"]
            related.attach(part)
        alternative.attach(related)
    else:
        alternative.attach(html)
    return alternative


def _boundary() -> str:
    # "=_" cannot occur in quoted-printable or base64 [RFC 2045 6.7].
    return f"=_{secrets.token_hex(16)}"


def _text_part(subtype: str, text: str, tokens: Tokens) -> MIMENonMultipart:
    place = "html" if subtype == "html" else "text"
    part = MIMENonMultipart("text", subtype, charset="utf-8")
    del part["MIME-Version"]
    part["Content-Transfer-Encoding"] = "quoted-printable"
    part.set_payload(_quoted_body(text, tokens, place))
    return part


def _quoted_body(text: str, tokens: Tokens, place: str) -> str:
    """Quoted-printable with each hole alone between soft breaks, as ``holes`` expects."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    parts = tokens.pattern.split(text if text.endswith("\n") else text + "\n")
    coded: list[str] = []
    for index in range(0, len(parts), 3):
        if index + 2 < len(parts):
            name, digits = parts[index + 1], parts[index + 2]
            literal = binascii.b2a_qp(parts[index].encode() + b"x")[:-1]
            mark = _mark(tokens, name, context_of(place, name, digits))
            coded += [literal.decode("ascii"), "=\n", mark, "=\n"]
        else:
            coded.append(binascii.b2a_qp(parts[index].encode()).decode("ascii"))
    return "".join(coded)


def _cut(message: bytes, tokens: Tokens) -> Skeleton:
    pattern = re.compile(rf"hole{tokens.nonce}\.([a-z_]+)\.([a-z:-]+)\.".encode("ascii"))
    pieces = pattern.split(message)
    holes: list[Hole] = []
    offset = 0
    for index in range(0, len(pieces) - 1, 3):
        offset += len(pieces[index])
        name, context = pieces[index + 1].decode("ascii"), pieces[index + 2].decode("ascii")
        holes.append(Hole(offset, name, context))
    content = b"".join(pieces[::3])
    if tokens.nonce.encode("ascii") in content:
        raise HoleError("a hole stands where no value can go")
    if any(len(line) > _LONGEST_LINE for line in content.split(b"\r\n")):
        raise HoleError("a line is over 998 octets")
    return Skeleton(content, tuple(holes))
