"""M16: holes are filled once, each value for its own place, whatever it holds."""

from __future__ import annotations

import json
import random

import pytest

from emails.errors import AddressError, HoleError
from emails.holes import Hole, Tokens
from emails.message import Kind
from emails.render import Rendered
from emails.skeleton import Skeleton
from tests.emails.samples import (
    a_confirmation,
    a_newsletter,
    edition_en,
)
from tests.emails.test_message import HOLES, VALUES, a_skeleton, parsed, part


def test_a_retry_fills_the_same_bytes() -> None:
    skeleton = a_skeleton()
    assert skeleton.fill(VALUES) == skeleton.fill(dict(reversed(VALUES.items())))


def test_a_skeleton_comes_back_from_its_row() -> None:
    skeleton = a_skeleton(a_confirmation("fa"), "confirmation")
    content, holes = skeleton.to_row()
    again = Skeleton.from_row(memoryview(content), json.loads(json.dumps(holes)))  # type: ignore[arg-type]
    assert again == skeleton
    assert again.fill(VALUES) == skeleton.fill(VALUES)
    assert again.names == {"to", "message_id", "date", "link", "code", "number", "never_write"}


@pytest.mark.parametrize("holes", [[[5, "to", "text"], [4, "to", "text"]], [[99, "to", "text"]]])
def test_a_row_that_does_not_fit_is_refused(holes: list[list[int | str]]) -> None:
    with pytest.raises(HoleError):
        Skeleton.from_row(b"1234567", holes)
    with pytest.raises(HoleError):
        Skeleton.from_row(b"1234567", [[1, "to", "no-such-place"]])


def test_a_missing_value_is_named_and_others_are_left_aside() -> None:
    skeleton = a_skeleton()
    skeleton.fill(VALUES | {"other": "\r\n"})
    with pytest.raises(HoleError, match="unsubscribe"):
        skeleton.fill({name: text for name, text in VALUES.items() if name != "unsubscribe"})


BREAKS = ["\r\n", "\n", "\r", "\0", "\x0b", "\u2028", "\r\nBcc: all@example.net\r\n"]


@pytest.mark.parametrize("name", sorted(VALUES))
@pytest.mark.parametrize("broken", BREAKS)
def test_M04_line_breaks_are_refused_in_every_hole(name: str, broken: str) -> None:
    rendered = a_confirmation() if name != "unsubscribe" else a_newsletter()
    kind: Kind = "confirmation" if name != "unsubscribe" else "newsletter"
    skeleton = a_skeleton(rendered, kind)
    for value in (VALUES[name] + broken, broken + VALUES[name], broken):
        with pytest.raises(HoleError):
            skeleton.fill(VALUES | {name: value})


@pytest.mark.parametrize("broken", BREAKS)
def test_M04_line_breaks_are_refused_in_every_header_that_staff_write(broken: str) -> None:
    for changes in (
        {"sender": (f"Pey{broken}vand", "news@peyvand.example")},
        {"list_id": f"news{broken}.example"},
        {"list_help": f"https://peyvand.example/{broken}"},
        {"feedback_id": f"a:b{broken}:c"},
        {"languages": (f"fa{broken}",)},
    ):
        with pytest.raises(HoleError):
            a_skeleton(**changes)
    for changes in (
        {"sender": ("Peyvand", f"news{broken}@peyvand.example")},
        {"reply_to": f"people@peyvand{broken}.example"},
    ):
        with pytest.raises(AddressError):
            a_skeleton(**changes)
    rendered = Rendered(f"a{broken}b", "<p>x</p>", "x", nonce="0" * 32)
    with pytest.raises(HoleError):
        a_skeleton(rendered)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://peyvand.example/u/x",
        "https://peyvand.example/<b>",
        'https://peyvand.example/"x',
        "https://peyvand.example/ü",
        "https://peyvand.example/a b",
        "https://peyvand.example/" + "a" * 900,
        "//peyvand.example/",
        "",
    ],
)
def test_a_link_that_is_no_plain_https_url_is_refused_in_a_header(url: str) -> None:
    with pytest.raises(HoleError):
        a_skeleton().fill(VALUES | {"unsubscribe": url})


def test_a_loopback_service_may_link_to_itself() -> None:
    url = "http://localhost:8000/u/x"
    assert f"<{url}>".encode() in a_skeleton().fill(VALUES | {"unsubscribe": url})


ALPHABET = "aZ09=. ,;:<>&\"'\\/?#%@{}[]()_-~\t\u200c\u2068\u2069ی🧱\u00a0" + "".join(
    map(chr, (0, 7, 10, 13, 27, 127, 0x2028))
)


def a_hostile_value(dice: random.Random) -> str:
    length = dice.choice([0, 1, 2, 7, 30, 74, 75, 76, 77, 150, 400])
    if dice.random() < 0.5:
        return "".join(dice.choices(ALPHABET, k=length))
    return "https://peyvand.example/" + "".join(dice.choices("aZ09-._~=&'()%/?#.", k=length))


@pytest.mark.parametrize("seed", range(40))
def test_M16_any_value_is_refused_or_arrives_as_it_is_and_changes_nothing_else(seed: int) -> None:
    dice = random.Random(seed)
    rendered, kind = (
        (a_confirmation("fa"), "confirmation") if seed % 2 else (a_newsletter(), "newsletter")
    )
    skeleton = a_skeleton(rendered, kind)  # type: ignore[arg-type]
    usual = parsed(skeleton.fill(VALUES))
    went = 0
    for _ in range(60):
        name = dice.choice(sorted(skeleton.names))
        value = a_hostile_value(dice)
        try:
            message = skeleton.fill(VALUES | {name: value})
        except HoleError:
            continue
        went += 1
        got = parsed(message)
        assert got.keys() == usual.keys()
        assert [p.get_content_type() for p in got.walk()] == [
            p.get_content_type() for p in usual.walk()
        ]
        body = message.partition(b"\r\n\r\n")[2]
        assert max(map(len, body.split(b"\r\n"))) <= 76
        shown = (
            value.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
            if name == "number"
            else value
        )
        if name in HOLES:
            plain = part(message, "plain")
            assert shown in plain
        for header in list(usual.keys()):
            if name not in ("to", "date", "message_id", "number", "unsubscribe"):
                assert got[header] == usual[header] or header == "Content-Type"
    assert went, "every value was refused: the test says nothing"


@pytest.mark.parametrize(
    ("content", "value", "dots"),
    [
        (b"a\r\n|b\r\n", "c", False),
        (b"a.b\r\n|..\r\n.", "c", True),
        (b"a\r\n|.b\r\n", "c", True),
        (b"a\r\n|b\r\n", ".c", True),
        (b"a|b\r\n", "c.d", False),
        (b".a|b\r\n", "c", True),
        (b"a\r\n|b\r\n", "c" * 75 + ".d", True),
    ],
)
def test_a_letter_knows_whether_a_line_may_begin_with_a_dot(
    content: bytes, value: str, *, dots: bool
) -> None:
    at = content.index(b"|")
    skeleton = Skeleton(content.replace(b"|", b""), (Hole(at, "link", "text"),))
    message, told = skeleton.fill_for_wire({"link": value})
    assert told is dots
    assert dots or not any(line.startswith(b".") for line in message.split(b"\r\n"))


def test_M16_what_staff_write_is_no_template_and_no_hole() -> None:
    other = a_newsletter()
    token = f"hole{other.nonce}0unsubscribe0latn0"
    words = "{{ 7 * 7 }} {% raw %} %(organisation)s {{ hole('link') }} <mj-raw> slot0x0x " + token
    edition = edition_en(subject=words, masthead=words, number_line=words, preheader=words)
    rendered = a_newsletter(edition)
    message = a_skeleton(rendered).fill(VALUES)
    assert str(parsed(message)["Subject"]) == words
    assert words in part(message, "plain")
    assert part(message, "html").count("{{ 7 * 7 }} {% raw %} %(organisation)s {{ hole(") >= 3


def test_M16_a_value_is_text_in_html_and_itself_in_plain_text() -> None:
    message = a_skeleton(a_confirmation("en"), "confirmation").fill(VALUES | {"code": "<b>&\"'x"})
    assert "<b>&\"'x" in part(message, "plain")
    assert "&lt;b&gt;&amp;&#34;&#39;x" in part(message, "html")
    assert "<b>&" not in part(message, "html")


def test_M16_a_value_is_never_scanned_again() -> None:
    rendered = a_confirmation("en")
    skeleton = a_skeleton(rendered, "confirmation")
    trap = f"hole{rendered.nonce}0link0latn0"
    message = skeleton.fill(VALUES | {"code": trap})
    assert trap in part(message, "plain")
    assert part(message, "plain").count(VALUES["link"]) == 1


def test_a_hole_where_no_value_can_go_is_refused() -> None:
    tokens = Tokens()
    rendered = Rendered("x", f"<p>{tokens.hole('link')[:-1]}</p>", "x", nonce=tokens.nonce)
    with pytest.raises(HoleError):
        a_skeleton(rendered)
    linked = Rendered(tokens.hole("link"), "<p>x</p>", "x", nonce=tokens.nonce)
    with pytest.raises(HoleError):
        a_skeleton(linked)
    with pytest.raises(HoleError):
        tokens.hole("no_such")
