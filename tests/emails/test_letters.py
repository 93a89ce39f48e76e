"""What the letters say and how they are set: languages, directions, nothing that loads."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from emails.direction import script_of
from emails.errors import RenderError
from emails.markup import dress
from emails.newsletter import Passage, render_newsletter
from emails.preview import preview
from emails.render import Picture, Rendered, render
from tests.emails.samples import (
    PERSIAN,
    a_confirmation,
    a_newsletter,
    an_invitation,
    edition_en,
    edition_fa,
    gettext,
)

FA, EN = script_of("fa"), script_of("en")
VOID = {"br", "hr", "img", "meta", "link", "input", "col"}


class Reader(HTMLParser):
    """What a client sees: each piece of text with the lang and dir that hold for it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[tuple[str, dict[str, str]]] = []
        self.said: list[tuple[str, str, str]] = []
        self.cells: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.stack.append((tag, {k: v or "" for k, v in attrs}))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID or ":" in tag, tag

    def handle_endtag(self, tag: str) -> None:
        assert self.stack, f"</{tag}> closes nothing"
        opened, _ = self.stack.pop()
        assert opened == tag, f"</{tag}> where </{opened}> was due"

    def handle_data(self, data: str) -> None:
        if data.strip() and self.stack and self.stack[-1][0] not in ("style", "title"):
            self.said.append((" ".join(data.split()), self._held("lang"), self._held("dir")))

    def _held(self, name: str) -> str:
        return next((a[name] for tag, a in reversed(self.stack) if name in a and tag != "html"), "")


ALL = {
    "newsletter fa": lambda: a_newsletter(edition_fa()),
    "newsletter en": lambda: a_newsletter(edition_en()),
    "newsletter fa en": lambda: a_newsletter(edition_fa(), edition_en()),
    "newsletter en fa": lambda: a_newsletter(edition_en(), edition_fa()),
    "newsletter of three": lambda: a_newsletter(
        edition_fa(), edition_en(), edition_en(language="de")
    ),
    "confirmation fa": lambda: a_confirmation("fa"),
    "confirmation en fa": lambda: a_confirmation("en", "fa"),
    "invitation fa": lambda: an_invitation("fa"),
    "invitation en": lambda: an_invitation("en"),
}
every_letter = pytest.mark.parametrize("make", ALL.values(), ids=ALL.keys())

PERSIAN_LETTER = re.compile(r"[\u0620-\u06d3]")
LATIN_WORD = re.compile(r"[A-Za-z]{3,}")


@every_letter
def test_F01_F02_each_text_stands_under_its_own_lang_and_dir(make: object) -> None:
    rendered: Rendered = make()  # type: ignore[operator]
    for text, lang, direction in Reader(rendered.html).said:
        # The wrapper in the body carries them too, since clients strip <html>.
        if PERSIAN_LETTER.search(text):
            assert (lang, direction) == ("fa", "rtl"), text
        elif LATIN_WORD.search(text) and not text.startswith(("hole", "Iran Labour", "Leila M.")):
            assert direction == "ltr" or "union stood" in text, text


@every_letter
def test_the_html_is_in_balance(make: object) -> None:
    reader = Reader(make().html)  # type: ignore[operator]
    assert reader.stack == []


LOADS = re.compile(
    r"\bsrc\s*=\s*(?![\"']?cid:)|\bsrcset|\bbackground\s*=|url\s*\(|@import|@font-face|<link\b"
    r"|<img\b(?![^>]*\bsrc=\"cid:)|<(?:script|iframe|object|embed|video|audio|source|base|form)\b",
    re.IGNORECASE,
)


@every_letter
def test_C22_nothing_in_a_mail_loads_anything(make: object) -> None:
    rendered: Rendered = make()  # type: ignore[operator]
    assert LOADS.search(rendered.html) is None
    assert "googleapis" not in rendered.html


HOSTILE = """<p onclick=x>a</p><img src="https://evil.example/p.png"><img src="cid:wall" alt="w">
<IMG SRC=//evil.example/x><style>@import url(https://evil.example)</style><p style="background:url(
https://evil.example)">b</p><table background="https://evil.example"><tr><td>c</td></tr></table>
<link rel=stylesheet href=https://evil.example><script>bad()</script><svg><image href=x /></svg>
<video poster=https://evil.example src=x></video><a href="javascript:x">d</a><iframe src=x>e</iframe>
<a href="https://ok.example/?a=1&amp;b=%22">f</a><base href="https://evil.example"><b><i>g"""


def test_C22_not_even_where_an_editions_html_was_not_cleaned() -> None:
    hostile = edition_en(passages=(Passage("text", "H", HOSTILE, "H"),))
    html = a_newsletter(hostile, pictures=(Picture("wall", "png", b"x"),)).html
    assert LOADS.search(html) is None
    assert "evil.example" not in html
    assert "javascript:" not in html
    assert "onclick" not in html
    assert '<img src="cid:wall"' in html
    assert 'href="https://ok.example/?a=1&amp;b=%22"' in html
    Reader(html)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("a < b & c", "a &lt; b &amp; c"),
        ("<p>open", '<p style="margin:0 0 14px">open</p>'),
        ("</p></div>x</td></table>", "x"),
        ("<b><i>x</b>y</i>", '<b><i style="font-style:italic">x</i></b>y'),
        ("<!-- gone --><![CDATA[gone]]>x", "x"),
        ("می‌خواهیم", "می‌خواهیم"),
        ('<bdi dir="ltr" lang="en">ILO</bdi>', '<bdi dir="ltr" lang="en">ILO</bdi>'),
        ('<span lang=\'"><p>\' dir="up">x</span>', "<span>x</span>"),
        ("<br/>", "<br>"),
        ("<script>a<b</script>c", "c"),
    ],
)
def test_a_passages_html_is_written_anew(html: str, expected: str) -> None:
    assert dress(html, EN) == expected


def test_F02_a_passage_in_another_language_begins_at_its_own_side() -> None:
    html = dress('<div lang="en" dir="ltr"><p>x</p></div><p dir="rtl">y</p>', FA)
    assert '<div dir="ltr" lang="en" style="text-align:left">' in html
    assert '<p dir="rtl" style="margin:0 0 14px;text-align:right">' in html


def test_F02_lists_and_quotes_begin_at_the_right_side() -> None:
    assert "padding-right:24px" in dress("<ul><li>x</ul>", FA)
    assert "padding-left:24px" in dress("<ul><li>x</ul>", EN)
    assert "border-right" in dress("<blockquote>x</blockquote>", FA)
    assert "italic" not in dress("<em>x</em>", FA)


def test_a_bilingual_letter_is_680_wide_and_pairs_its_passages() -> None:
    html = a_newsletter(edition_fa(), edition_en()).html
    assert "max-width:680px" in html
    assert html.count('<td class="col"') == 2 * (4 + 1)  # four passages, and the foot
    for fa, en in zip(edition_fa().passages, edition_en().passages, strict=True):
        assert html.index(fa.heading) < html.index(en.heading)
    assert "max-width:600px" in a_newsletter(edition_fa()).html


def test_the_readers_first_language_leads() -> None:
    fa_first, en_first = (
        a_newsletter(edition_fa(), edition_en()),
        a_newsletter(edition_en(), edition_fa()),
    )
    assert '<html lang="fa" dir="rtl"' in fa_first.html
    assert '<html lang="en" dir="ltr"' in en_first.html
    assert fa_first.text.index("نفت پیمانی") < fa_first.text.index("Oil contract")
    assert en_first.text.index("Oil contract") < en_first.text.index("نفت پیمانی")
    assert fa_first.subject.startswith("\u2068نفت")


def test_an_edition_with_fewer_passages_leaves_a_gap_and_no_shift() -> None:
    shorter = edition_en(passages=edition_en().passages[:2])
    html = a_newsletter(edition_fa(), shorter).html
    Reader(html)
    assert html.count('class="col"') == 4 * 2 + 2


def test_F07_the_faces_fall_back_to_tahoma_and_arial() -> None:
    html = a_newsletter(edition_fa()).html
    assert "Vazirmatn,Tahoma" in html.replace(" ", "")
    assert "Ubuntu" not in html


@pytest.mark.parametrize("language", ["fa", "en"])
def test_C14_a_confirmation_names_nobody_and_nothing(language: str) -> None:
    rendered = a_confirmation(language)
    said = rendered.subject + rendered.text + rendered.html
    for word in ("Peyvand", "Labour", "کنفدراسیون", "کارزار", "petition", "newsletter"):
        assert word not in said, word
    assert "#F2A81D" not in rendered.html  # no brick either
    names = set(re.findall(r"hole[0-9a-f]{32}0([a-z_]+)0", said))
    assert names == {"link", "code", "number", "never_write"}


@pytest.mark.parametrize("language", ["fa", "en"])
def test_C14_it_says_ignore_this_and_never_again(language: str) -> None:
    for text in (a_confirmation(language).text, a_confirmation(language).html):
        for msgid in (
            "If it was not you, ignore this mail: nothing happens, and what was written is erased.",
            "Never write to me again",
            "The code is good for an hour; the link lasts longer.",
        ):
            assert gettext(language, msgid) in text


def test_C14_an_invitation_names_who_invites_and_why() -> None:
    rendered = an_invitation("en", organisation='Union <b> & "co"', reason="You wrote to us.")
    assert rendered.subject == '\u2068Union <b> & "co"\u2069 invites you to its newsletter'
    assert "\u2068Leila M.\u2069 of \u2068Union <b>" in rendered.text
    assert "\u2068You wrote to us.\u2069" in rendered.text
    assert "<bdi>Union &lt;b&gt; &amp; &#34;co&#34;</bdi>" in rendered.html
    assert "<bdi>You wrote to us.</bdi>" in rendered.html
    assert "<b> &" not in rendered.html
    Reader(rendered.html)


def test_a_newsletter_says_why_it_came_and_how_it_ends() -> None:
    rendered = a_newsletter(edition_fa(), edition_en())
    for text in (rendered.text, rendered.html):
        for page in ("choices", "privacy", "newsletters/37"):
            assert f"https://peyvand.example/fa/{page}" in text
            assert f"https://peyvand.example/en/{page}" in text
        assert len(re.findall("hole[0-9a-f]{32}0unsubscribe0", text)) == 2
        assert PERSIAN["Unsubscribe"] in text


def test_each_msgid_has_a_persian_text_in_the_same_shape() -> None:
    for msgid, text in PERSIAN.items():
        assert sorted(re.findall(r"%\(\w+\)s", msgid)) == sorted(re.findall(r"%\(\w+\)s", text))
        assert not set(text) & set("يكة,;?")


@pytest.mark.parametrize("weird", ["<", "&", "</mj-text>", "%", "]]>", "'\"", "<p", "\u202e", "{{"])
def test_texts_of_any_shape_break_no_layout(weird: str) -> None:
    passage = Passage("text", weird, f"<p>{weird}</p>", weird, weird, "https://x.example/?a&b='c'")
    edition = edition_en(
        passages=(passage, Passage("quote", weird, weird, weird), Passage("button", weird)),
        masthead=weird,
        subject=weird,
        preheader=weird,
        number_line=weird,
        web_url="https://x.example/?a&b='c'",
    )
    for rendered in (a_newsletter(edition), a_newsletter(edition, edition_fa())):
        Reader(rendered.html)
        assert weird in rendered.text
    Reader(an_invitation("en", organisation=weird, reason=weird).html)


def test_catalogues_with_markup_are_text_too() -> None:
    rendered = render(
        "confirmation", languages=("de",), context={}, gettext=lambda _, m: f"<b>{m}</b> 100 %%"
    )
    assert "<b>Never" not in rendered.html
    assert "&lt;b&gt;Never" in rendered.html


def test_broken_letters_are_render_errors() -> None:
    with pytest.raises(RenderError):
        render("no-such", languages=("fa",), context={}, gettext=gettext)
    with pytest.raises(RenderError, match="inviter"):
        render("invitation", languages=("en",), context={"organisation": "x"}, gettext=gettext)
    with pytest.raises(RenderError):
        render("confirmation", languages=(), context={}, gettext=gettext)
    with pytest.raises(RenderError):
        render_newsletter([], organisation="x", gettext=gettext)
    with pytest.raises(RenderError):
        a_newsletter(edition_fa(), edition_fa())
    with pytest.raises(RenderError):
        a_newsletter(edition_en(language="it"))
    with pytest.raises(RenderError):
        a_newsletter(edition_en(passages=(Passage("carousel"),)))
    with pytest.raises(RenderError):
        a_newsletter(edition_en(passages=(Passage("button", "", "", "", "x", "javascript:x"),)))


def test_C25_a_preview_holds_no_hole_and_pictures_as_data() -> None:
    edition = edition_en(passages=(Passage("text", "H", '<img src="cid:wall">', "H"),))
    rendered = a_newsletter(edition, pictures=(Picture("wall", "png", b"\x89PNG"),))
    html = preview(rendered, values={"unsubscribe": "https://x.example/?a&b"})
    assert "hole" + rendered.nonce not in html
    assert 'href="https://x.example/?a&amp;b"' in html
    assert 'src="data:image/png;base64,iVBORw=="' in html
    assert "cid:" not in html


@every_letter
def test_C25_dark_rules_hold_or_are_gone_whatever_the_viewer_prefers(make: object) -> None:
    rendered: Rendered = make()  # type: ignore[operator]
    assert "prefers-color-scheme" in rendered.html
    light, dark = preview(rendered), preview(rendered, dark=True)
    assert "prefers-color-scheme" not in light + dark
    assert "#132126!important" in dark
    assert "#132126!important" not in light
    assert "light dark" not in light + dark
    assert "max-width:599px" in light
    Reader(dark)


def test_C14_the_preview_shows_the_number_in_the_letters_digits() -> None:
    assert "شمارهٔ ۴۷" in preview(a_confirmation("fa"))
    assert "the number 47" in preview(a_confirmation("en"))
