"""From blocks to editions: safe Markdown, petitions, and gaps that nobody can overlook (F08, C22)."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from app.newsletters import composing, issues
from app.newsletters.composing import GapError, html_of, text_of
from app.newsletters.issues import Typed
from config import Config
from emails.newsletter import Edition
from tests.newsletters.conftest import FA, Written, a_petition, an_issue, untranslated


def edition(
    session: Session, made: Written, config: Config, language: str, *, strict: bool = True
) -> Edition:
    (found,) = composing.editions(
        session,
        issues.get(session, made.issue.id),
        [language],
        config=config,
        gettext=untranslated,
        strict=strict,
    )
    return found


def test_markdown_becomes_plain_html_and_text() -> None:
    source = "Two **weeks** on,\n[read](https://example.org/a?b=1&c=2)\n\n- one\n- two"
    assert html_of(source) == (
        "<p>Two <strong>weeks</strong> on,\n"
        '<a href="https://example.org/a?b=1&amp;c=2">read</a></p>\n'
        "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"
    )
    assert text_of(source) == (
        "Two weeks on,\nread <https://example.org/a?b=1&c=2>\n\n– one\n– two"
    )


@pytest.mark.parametrize(
    "source",
    [
        "![x](https://example.org/pixel.png)",
        '<img src="https://example.org/pixel.png">',
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](http://example.org/)",
        "[x](data:text/html,hello)",
        "[x]: https://example.org/\n\n# heading",
    ],
)
def test_C22_nothing_that_loads_or_runs_comes_through(source: str) -> None:
    html = html_of(source)
    for bad in ("<img", "<script", 'javascript:alert(1)"', 'href="http:', 'href="data:', "<h1"):
        assert bad not in html


def test_ordered_lists_keep_their_numbers_in_plain_text() -> None:
    assert text_of("3. three\n4. four") == "3. three\n4. four"


def test_an_edition_says_the_issue_in_its_language(session: Session, config: Config) -> None:
    made = an_issue(session)
    found = edition(session, made, config, "fa")
    assert found.subject == "Subject fa"
    assert found.masthead == "کنفدراسیون کار ایران – خارج از کشور"
    assert found.number_line == "No. ۱ · ۳ آذر ۱۴۰۵"
    assert (found.passages[0].text, found.preheader) == (FA, FA)
    assert found.preferences_url.startswith("https://peyvand.example/fa/")


def test_F08_a_gap_stops_the_letter(session: Session, config: Config) -> None:
    made = an_issue(session, written=("fa",))
    with pytest.raises(GapError):
        edition(session, made, config, "en")


def test_F08_a_preview_shows_the_gap(session: Session, config: Config) -> None:
    made = an_issue(session, written=("fa",))
    passage = edition(session, made, config, "en", strict=False).passages[0]
    assert passage.text == "Missing in this language: it will not be sent like this."


def test_F08_a_fallback_is_visible_and_keeps_its_direction(
    session: Session, config: Config
) -> None:
    made = an_issue(session, written=("fa",), fall_back=True)
    found = edition(session, made, config, "en")
    note = "This part is not translated yet; here it is in Persian."
    assert found.passages[0].text == f"{note}\n\n{FA}"
    assert f'<p><span lang="fa" dir="rtl">{FA}</span></p>' in found.passages[0].html
    assert note in found.passages[0].html
    assert found.subject == "\u2068Subject fa\u2069"


def test_a_petition_brings_its_own_words_and_address(session: Session, config: Config) -> None:
    made, petition = an_issue(session), a_petition(session)
    issues.add_block(session, made.issue.id, "petition", petition_id=petition.id)
    passage = edition(session, made, config, "en").passages[-1]
    assert passage.heading == "Free the teachers (en)"
    assert passage.text == "A teacher is not a criminal (en)"
    assert passage.button_label == "Sign this petition"
    assert passage.button_url == f"https://peyvand.example/en/p/{petition.id}"


def test_F08_a_petition_without_the_language_falls_back_or_stops(
    session: Session, config: Config
) -> None:
    petition = a_petition(session, languages=("fa",))
    made = an_issue(session)
    issues.add_block(session, made.issue.id, "petition", petition_id=petition.id)
    with pytest.raises(GapError):
        edition(session, made, config, "en")
    issues.choose(
        session, made.issue.id, lists=["newsletter"], languages=("fa", "en"), fall_back=True
    )
    passage = edition(session, made, config, "en").passages[-1]
    assert passage.heading == "Free the teachers (fa)"
    assert "not translated yet" in passage.text


def test_a_button_carries_its_address(session: Session, config: Config) -> None:
    made = an_issue(session)
    button = issues.add_block(session, made.issue.id, "button", url="https://example.org/x")
    issues.save(session, made.issue.id, [Typed(button, "fa", "بخوانید", "", 0)])
    passage = edition(session, made, config, "fa").passages[-1]
    assert (passage.kind, passage.button_label, passage.button_url) == (
        "button",
        "بخوانید",
        "https://example.org/x",
    )


def test_the_line_an_inbox_shows_ends_at_a_word(session: Session, config: Config) -> None:
    made = an_issue(session, ("fa",))
    issues.save(session, made.issue.id, [Typed(made.text, "fa", "", "واژه " * 60, 1)])
    shown = edition(session, made, config, "fa").preheader
    assert len(shown) <= 111
    assert shown.endswith("واژه…")


def test_a_petition_that_is_not_public_is_a_gap(session: Session, config: Config) -> None:
    petition = a_petition(session)
    petition.state = "draft"
    made = an_issue(session, fall_back=True)
    issues.add_block(session, made.issue.id, "petition", petition_id=petition.id)
    with pytest.raises(GapError):
        edition(session, made, config, "fa")
    passage = edition(session, made, config, "fa", strict=False).passages[-1]
    assert passage.text.startswith("Missing in this language")
