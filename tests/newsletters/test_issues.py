"""Blocks of an issue: their order, their stable ids, and what may no longer be changed."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import ids
from app.core.errors import InvalidError, NotFoundError
from app.newsletters import issues
from app.newsletters.issues import BlockChange, IssueLockedError, TooManyBlocksError, Typed
from app.newsletters.models import SENDING, SUBJECT, BlockText, Issue
from tests.newsletters.conftest import NOON, an_issue, count


def order(session: Session, issue_id: int) -> list[str]:
    return [block.kind for block in issues.get(session, issue_id).blocks]


@pytest.mark.both_databases
def test_drafts_are_numbered_in_turn(session: Session) -> None:
    numbers = [an_issue(session).issue.number for _ in range(3)]
    assert numbers == [1, 2, 3]


def test_a_draft_begins_with_its_subject(session: Session) -> None:
    made = an_issue(session)
    assert [(block.position, block.kind) for block in made.issue.blocks] == [
        (0, SUBJECT),
        (1, "text"),
    ]


def test_a_draft_has_its_source_among_its_languages(session: Session) -> None:
    with pytest.raises(InvalidError):
        issues.draft(session, source_language="fa", languages=("en",), day=NOON.date())


def test_blocks_are_added_at_the_end_and_moved_past_each_other(session: Session) -> None:
    made = an_issue(session)
    quote = issues.add_block(session, made.issue.id, "quote")
    button = issues.add_block(session, made.issue.id, "button", url="https://example.org/")
    assert order(session, made.issue.id) == [SUBJECT, "text", "quote", "button"]
    issues.move_block(session, made.issue.id, button, up=True)
    assert order(session, made.issue.id) == [SUBJECT, "text", "button", "quote"]
    issues.move_block(session, made.issue.id, button, up=True)
    issues.move_block(session, made.issue.id, button, up=True)  # nothing above but the subject
    assert order(session, made.issue.id) == [SUBJECT, "button", "text", "quote"]
    issues.move_block(session, made.issue.id, quote, up=False)
    assert order(session, made.issue.id)[-1] == "quote"


def test_a_block_keeps_its_id_and_texts_wherever_it_moves(session: Session) -> None:
    made = an_issue(session)
    issues.add_block(session, made.issue.id, "quote")
    issues.move_block(session, made.issue.id, made.text, up=False)
    last = issues.get(session, made.issue.id).blocks[-1]
    assert (last.id, len(last.texts)) == (made.text, 2)


def test_a_block_goes_with_its_texts_and_twice_is_once(session: Session) -> None:
    made = an_issue(session)
    before = count(session, BlockText)
    issues.remove_block(session, made.issue.id, made.text)
    issues.remove_block(session, made.issue.id, made.text)
    assert order(session, made.issue.id) == [SUBJECT]
    assert count(session, BlockText) == before - 2


def test_the_subject_neither_moves_nor_goes(session: Session) -> None:
    made = an_issue(session)
    issues.remove_block(session, made.issue.id, made.subject)
    with pytest.raises(NotFoundError):
        issues.move_block(session, made.issue.id, made.subject, up=False)
    assert order(session, made.issue.id) == [SUBJECT, "text"]


def test_an_issue_holds_forty_blocks(session: Session) -> None:
    made = an_issue(session)
    for _ in range(38):
        issues.add_block(session, made.issue.id, "text")
    with pytest.raises(TooManyBlocksError):
        issues.add_block(session, made.issue.id, "text")


def test_an_unknown_kind_of_block_is_refused(session: Session) -> None:
    made = an_issue(session)
    for kind in ("subject", "script", ""):
        with pytest.raises(InvalidError):
            issues.add_block(session, made.issue.id, kind)


def test_addresses_change_only_in_the_issue_they_belong_to(session: Session) -> None:
    made, other = an_issue(session), an_issue(session)
    button = issues.add_block(session, other.issue.id, "button")
    issues.change_blocks(session, made.issue.id, {button: BlockChange(url="https://x.example/")})
    assert issues.get(session, other.issue.id).blocks[-1].url == ""


def test_an_issue_that_is_scheduled_cannot_be_changed(session: Session) -> None:
    made = an_issue(session)
    session.execute(sa.update(Issue).values(state=SENDING))
    for change in (
        lambda: issues.save(session, made.issue.id, [Typed(made.text, "fa", "", "x", 1)]),
        lambda: issues.add_block(session, made.issue.id, "text"),
        lambda: issues.move_block(session, made.issue.id, made.text, up=True),
        lambda: issues.remove_block(session, made.issue.id, made.text),
        lambda: issues.change_blocks(session, made.issue.id, {}),
        lambda: issues.choose(
            session, made.issue.id, lists=["unions"], languages=("fa",), fall_back=True
        ),
    ):
        with pytest.raises(IssueLockedError):
            change()


def test_what_is_not_there_is_not_found(session: Session) -> None:
    with pytest.raises(NotFoundError):
        issues.get(session, 99)
    with pytest.raises(NotFoundError):
        issues.add_block(session, 99, "text")


def test_an_issue_goes_to_a_list_and_has_its_source(session: Session) -> None:
    made = an_issue(session)
    with pytest.raises(InvalidError):
        issues.choose(session, made.issue.id, lists=[], languages=("fa",), fall_back=False)
    with pytest.raises(InvalidError):
        issues.choose(
            session, made.issue.id, lists=["newsletter"], languages=("en",), fall_back=False
        )


def test_only_a_written_translation_can_be_approved(session: Session) -> None:
    made = an_issue(session, written=("fa",))
    for block_id, language in ((made.text, "en"), (made.text, "fa")):
        with pytest.raises(InvalidError):
            issues.save(session, made.issue.id, [], approving=(block_id, language))
    with pytest.raises(NotFoundError):
        issues.save(session, made.issue.id, [], approving=(ids.new(), "en"))
