"""Where translations stand (F08), and that two people do not overwrite each other."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from app.core import differences
from app.core.errors import NotFoundError
from app.newsletters import issues, translating
from app.newsletters.issues import OverwriteError, Typed
from app.newsletters.models import Block
from tests.newsletters.conftest import FA, Written, an_issue, save_text

LATER = "کارگران هنوز دست از کار کشیده‌اند."


def block_of(session: Session, made: Written) -> Block:
    return next(b for b in issues.get(session, made.issue.id).blocks if b.id == made.text)


def state(session: Session, made: Written, language: str = "en") -> str:
    return translating.state(block_of(session, made), language, "fa")


def test_F08_a_text_without_translation_is_missing(session: Session) -> None:
    made = an_issue(session, written=("fa",))
    assert state(session, made) == "missing"
    assert state(session, made, "fa") == "approved"


def test_F08_a_first_translation_belongs_to_the_source_as_it_stands(session: Session) -> None:
    made = an_issue(session, written=("fa",))
    save_text(session, made, "en", "They have downed tools.", 0)
    text = translating.text_in(block_of(session, made), "en")
    assert text is not None
    assert (text.source_revision, text.source_body) == (1, FA)
    assert state(session, made) == "approved"


def test_F08_a_changed_source_makes_its_translations_stale(session: Session) -> None:
    made = an_issue(session)
    save_text(session, made, "fa", LATER, 1)
    assert state(session, made) == "stale"
    source = translating.text_in(block_of(session, made), "fa")
    assert source is not None
    assert source.revision == 2


def test_F08_saving_the_source_unchanged_changes_nothing(session: Session) -> None:
    made = an_issue(session)
    save_text(session, made, "fa", FA, 1)
    assert state(session, made) == "approved"


def test_F08_rewriting_a_stale_translation_does_not_approve_it_by_itself(session: Session) -> None:
    made = an_issue(session)
    save_text(session, made, "fa", LATER, 1)
    save_text(session, made, "en", "They still have downed tools.", 1)
    assert state(session, made) == "stale"


def test_F08_updated_and_approved_in_one_step(session: Session) -> None:
    made = an_issue(session)
    save_text(session, made, "fa", LATER, 1)
    save_text(session, made, "en", "They still have.", 1, approving=(made.text, "en"))
    assert state(session, made) == "approved"


def test_F08_a_change_that_does_not_alter_the_meaning_is_approved_without_a_new_text(
    session: Session,
) -> None:
    made = an_issue(session)
    save_text(session, made, "fa", LATER, 1)
    issues.save(session, made.issue.id, [], approving=(made.text, "en"))
    assert state(session, made) == "approved"


def test_F08_nobody_approves_against_a_source_they_have_not_seen(session: Session) -> None:
    made = an_issue(session)
    save_text(session, made, "fa", LATER, 1)
    seen = [Typed(made.text, "fa", "", FA, 1, touched=False)]  # given: the page showed revision 1
    with pytest.raises(OverwriteError) as caught:
        issues.save(session, made.issue.id, seen, approving=(made.text, "en"))
    assert caught.value.keys == ((made.text, "fa"),)


def test_the_change_of_a_source_is_shown_word_by_word(session: Session) -> None:
    made = an_issue(session)
    save_text(session, made, "fa", LATER, 1)
    pieces = translating.change_of_source(block_of(session, made), "en", "fa")
    assert [(piece.kind, piece.text) for piece in pieces] == [
        ("same", "کارگران"),
        ("new", "هنوز"),
        ("same", "دست از کار کشیده‌اند."),
    ]


def test_a_difference_names_what_went_and_what_came() -> None:
    pieces = differences.difference("two weeks on", "twenty days on and off")
    assert [(piece.kind, piece.text) for piece in pieces] == [
        ("gone", "two weeks"),
        ("new", "twenty days"),
        ("same", "on"),
        ("new", "and off"),
    ]


def test_a_text_that_two_people_changed_is_not_overwritten(session: Session) -> None:
    made = an_issue(session)
    save_text(session, made, "en", "Hers.", 1)
    with pytest.raises(OverwriteError) as caught:
        save_text(session, made, "en", "His.", 1)
    assert caught.value.keys == ((made.text, "en"),)
    text = translating.text_in(block_of(session, made), "en")
    assert text is not None
    assert text.body == "Hers."


def test_a_text_left_alone_is_no_reason_to_refuse(session: Session) -> None:
    made = an_issue(session)
    save_text(session, made, "fa", LATER, 1)
    issues.save(
        session,
        made.issue.id,
        [
            Typed(made.text, "fa", "", FA, 1, touched=False),
            Typed(made.text, "en", "", "New words.", 1),
        ],
    )
    source = translating.text_in(block_of(session, made), "fa")
    assert source is not None
    assert source.body == LATER


def test_two_first_texts_do_not_overwrite_each_other(session: Session) -> None:
    made = an_issue(session, written=("fa",))
    save_text(session, made, "en", "Hers.", 0)
    with pytest.raises(OverwriteError):
        save_text(session, made, "en", "His.", 0)


def test_a_block_of_another_issue_is_not_touched(session: Session) -> None:
    made, other = an_issue(session), an_issue(session)
    with pytest.raises(NotFoundError):
        issues.save(session, made.issue.id, [Typed(other.text, "fa", "", "x", 1)])


def test_words_count_zwnj_as_one_word() -> None:
    assert translating.words("می‌کنم و نمی‌کنم") == 3


def test_progress_of_a_language_counts_its_approved_blocks(session: Session) -> None:
    made = an_issue(session, written=("fa",))
    assert translating.approved_of(made.issue, "fa") == (2, 2)
    assert translating.approved_of(made.issue, "en") == (0, 2)
