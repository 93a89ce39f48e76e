"""The bytes of a mail: its headers and its parts."""

from __future__ import annotations

import email
import re
from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from emails.holes import Tokens
from emails.message import Kind, build, date_text
from emails.render import Picture, Rendered
from emails.skeleton import Skeleton
from tests.emails.samples import (
    a_confirmation,
    a_newsletter,
    an_invitation,
    edition_en,
    edition_fa,
)

VALUES = {
    "to": "leila@example.org",
    "message_id": "4oy3h2@example.org",
    "date": "Tue, 24 Nov 2026 08:00:00 +0000",
    "link": "https://peyvand.example/l/Zx9?a=b&c='d'",
    "unsubscribe": "https://peyvand.example/u/" + "Ab3_-=." * 40,
    "never_write": "https://peyvand.example/n/Qq",
    "code": "KX7MPR42",
    "number": "47",
}


def a_skeleton(
    rendered: Rendered | None = None, kind: Kind = "newsletter", **more: Any
) -> Skeleton:
    options: dict[str, Any] = {"sender": ("پیوند", "news@peyvand.example"), "languages": ("fa",)}
    if kind == "newsletter":
        options |= {
            "list_id": "news.fa-en.peyvand.example",
            "list_help": "https://peyvand.example/fa/help",
            "list_owner": "mailto:people@peyvand.example",
            "feedback_id": "37:newsletter:peyvand",
            "reply_to": "people@peyvand.example",
        }
    return build(rendered or a_newsletter(), kind=kind, **(options | more))


def parsed(message: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(message, policy=default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    return parsed


def part(message: bytes, kind: str) -> str:
    body = parsed(message).get_body((kind,))
    assert isinstance(body, EmailMessage)
    return str(body.get_content()).replace("\r\n", "\n")


def filled_by_hand(text: str, nonce: str, *, html: bool) -> str:
    """What ``text`` reads like once its holes are filled, worked out without any offsets."""
    for name in HOLES:
        value = VALUES[name]
        shown = value.replace("&", "&amp;").replace("'", "&#39;") if html else value
        text = text.replace(Tokens(nonce).hole(name), shown)
        persian = shown.translate(str.maketrans("47", "۴۷"))
        text = text.replace(Tokens(nonce).hole(name, "arabext"), persian)
    return text


HOLES = {"link", "unsubscribe", "never_write", "code", "number"}


def letters() -> list[tuple[Rendered, Kind]]:
    return [
        (a_newsletter(), "newsletter"),
        (a_newsletter(edition_fa(), edition_en()), "newsletter"),
        (a_newsletter(edition_en(), edition_fa(), edition_en(language="de")), "test"),
        (a_confirmation("fa"), "confirmation"),
        (a_confirmation("en", "fa"), "confirmation"),
        (an_invitation("en"), "invitation"),
    ]


@pytest.mark.parametrize("number", range(6))
def test_M07_each_part_decodes_to_what_was_rendered(number: int) -> None:
    rendered, kind = letters()[number]
    message = a_skeleton(rendered, kind).fill(VALUES)
    for which, text in (("plain", rendered.text), ("html", rendered.html)):
        expected = filled_by_hand(text, rendered.nonce, html=which == "html")
        assert part(message, which).rstrip("\n") == expected.rstrip("\n")
        assert "hole" + rendered.nonce not in expected
    assert parsed(message).get_content_type() == "multipart/alternative"


@pytest.mark.parametrize("number", range(6))
def test_M07_no_line_is_too_long_and_every_line_ends_in_crlf(number: int) -> None:
    rendered, kind = letters()[number]
    message = a_skeleton(rendered, kind).fill(VALUES)
    assert b"\n" not in message.replace(b"\r\n", b"")
    assert b"\r" not in message.replace(b"\r\n", b"")
    assert message.isascii()
    body = message.partition(b"\r\n\r\n")[2]
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert max(map(len, message.split(b"\r\n"))) <= 998


SUBJECTS = [
    "می‌خواهیم: نه‌گفتن",
    "\u2068نفت پیمانی\u2069 | \u2068Oil\u2069",
    "خبرنامهٔ شمارهٔ ۳۷ — " + "کارگران پیمانی صنعت نفت می‌گویند " * 12 + "بس است",
    "plain",
    "=?utf-8?b?aGFsbG8=?= is no code",
    "a" * 300,
    "🧱 brick 🧱🧱",
    "ü" * 23 + " " + "ü" * 22,
    'quotes " and <angles>, commas; and (comments)',
]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_M04_subjects_survive_with_zwnj_and_isolates(subject: str) -> None:
    message = a_skeleton(a_newsletter(edition_fa(subject=subject))).fill(VALUES)
    assert str(parsed(message)["Subject"]) == subject
    raw = message.partition(b"\r\n\r\n")[0]
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    words = re.findall(rb"=\?utf-8\?b\?[^?]*\?=", raw)
    assert all(len(word) <= 75 for word in words)


def test_C14_the_number_stands_in_the_subject_in_the_letters_own_digits() -> None:
    persian = a_skeleton(a_confirmation("fa"), "confirmation").fill(VALUES)
    english = a_skeleton(a_confirmation("en"), "confirmation").fill(VALUES)
    assert str(parsed(persian)["Subject"]) == "درخواست‌تان را تأیید کنید: ۴۷"
    assert str(parsed(english)["Subject"]) == "Please confirm your request: 47"
    assert "شمارهٔ ۴۷" in part(persian, "plain")


def test_M01_M04_list_unsubscribe_is_whole_and_plain() -> None:
    message = a_skeleton().fill(VALUES)
    lines = message.split(b"\r\n")
    assert f"List-Unsubscribe: <{VALUES['unsubscribe']}>".encode() in lines
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines


def test_M05_a_newsletter_says_which_list_it_belongs_to() -> None:
    headers = parsed(a_skeleton().fill(VALUES))
    assert headers["List-Id"] == "<news.fa-en.peyvand.example>"
    assert headers["List-Help"] == "<https://peyvand.example/fa/help>"
    assert headers["List-Owner"] == "<mailto:people@peyvand.example>"
    assert headers["Feedback-ID"] == "37:newsletter:peyvand"
    assert headers["Auto-Submitted"] is None


@pytest.mark.parametrize("kind", ["confirmation", "invitation"])
def test_M05_other_mails_carry_no_list_header(kind: Kind) -> None:
    rendered = a_confirmation() if kind == "confirmation" else an_invitation()
    headers = parsed(a_skeleton(rendered, kind).fill(VALUES))
    assert not [name for name in headers if name.lower().startswith(("list-", "feedback"))]
    assert headers["Auto-Submitted"] == ("auto-generated" if kind == "confirmation" else None)
    with pytest.raises(ValueError, match="no list"):
        a_skeleton(rendered, kind, list_id="a.example")


def test_a_test_mail_offers_no_one_click() -> None:
    headers = parsed(a_skeleton(kind="test", list_id="news.peyvand.example").fill(VALUES))
    assert headers["List-Unsubscribe"] is None
    assert headers["List-Id"] == "<news.peyvand.example>"


def test_M06_the_headers_are_these_and_no_others() -> None:
    headers = parsed(a_skeleton().fill(VALUES))
    assert list(headers.keys()) == [
        "From",
        "To",
        "Reply-To",
        "Subject",
        "Date",
        "Message-ID",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "List-Id",
        "List-Help",
        "List-Owner",
        "Feedback-ID",
        "Content-Language",
        "Content-Type",
        "MIME-Version",
    ]
    assert headers["Message-ID"] == "<4oy3h2@example.org>"
    assert headers["Date"].datetime == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert headers["From"].addresses[0].display_name == "پیوند"
    assert headers["From"].addresses[0].addr_spec == "news@peyvand.example"
    assert headers["Content-Language"] == "fa"


def test_M06_dates_are_in_utc_whatever_the_zone() -> None:
    tehran = timezone(timedelta(hours=3, minutes=30))
    assert date_text(datetime(2026, 11, 24, 11, 30, tzinfo=tehran)) == VALUES["date"]
    with pytest.raises(ValueError, match="zone"):
        date_text(datetime(2026, 11, 24))  # noqa: DTZ001 - the point


def test_M12_an_idn_domain_goes_out_as_a_labels() -> None:
    message = a_skeleton().fill(VALUES | {"to": "leila@کار.ایران"})
    assert b"\r\nTo: leila@xn--mgbu27a.xn--mgba3a4f16a\r\n" in message


def test_a_picture_travels_inside_the_mail() -> None:
    picture = Picture("wall", "png", b"\x89PNG\r\n\x1a\n" + bytes(200))
    message = a_skeleton(a_newsletter(pictures=(picture,))).fill(VALUES)
    parts = {p.get_content_type(): p for p in parsed(message).walk()}
    assert parts["image/png"]["Content-ID"] == "<wall>"
    assert parts["image/png"].get_content() == picture.content
    assert "multipart/related" in parts
    assert part(message, "html")
