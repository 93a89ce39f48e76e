"""What signers want shown is looked at first, by words alone, and settled once (C19, C21)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.petitions import moderating
from app.petitions.models import APPROVED, REFUSED, WAITS, Petition, Signature
from app.petitions.moderating import COMMENT, NAME
from tests.factories import DAY, a_petition
from tests.petitions.test_guarding import signatures


def named(session: Session, petition: Petition, name: str, **more: str) -> None:
    state = {"shown_as": "full-name", "shown_name": name, "shown_state": WAITS, **more}
    signatures(session, petition, 1, state=state)


def commented(session: Session, petition: Petition, text: str, **more: str) -> None:
    state = {"comment": text, "comment_language": "en", "comment_state": WAITS, **more}
    signatures(session, petition, 1, state=state)


def one(session: Session) -> Signature:
    session.expire_all()
    return session.scalars(sa.select(Signature)).one()


@pytest.mark.both_databases
def test_C19_a_moderator_sees_words_only_and_of_what_counts(session: Session) -> None:
    petition = a_petition(session)
    named(session, petition, "Leila K", affiliation="Teachers")
    commented(session, petition, "No one signs alone.")
    named(session, petition, "Held", held="burst")
    commented(session, petition, "Taken out", invalid="robots")
    signatures(session, petition, 3)
    found = moderating.waiting(session)
    assert [(item.kind, item.text, item.affiliation) for item in found] == [
        (NAME, "Leila K", "Teachers"),
        (COMMENT, "No one signs alone.", ""),
    ]
    assert moderating.how_many(session) == 2


@pytest.mark.both_databases
def test_C21_an_approved_comment_waits_for_a_random_day_of_the_next_seven(
    session: Session,
) -> None:
    petition = a_petition(session)
    for number in range(40):
        commented(session, petition, f"comment {number}")
    assert moderating.approve(session, moderating.waiting(session), day=DAY) == 40
    days = set(session.scalars(sa.select(Signature.comment_day)))
    assert days <= {DAY + timedelta(days=ahead) for ahead in range(1, 8)}
    assert len(days) > 2
    assert moderating.waiting(session) == []


def test_an_approved_name_may_be_shown(session: Session) -> None:
    named(session, a_petition(session), "Leila K")
    assert moderating.approve(session, moderating.waiting(session), day=DAY) == 1
    assert (one(session).shown_state, one(session).shown_name) == (APPROVED, "Leila K")


def test_a_refused_name_leaves_an_anonymous_signature(session: Session) -> None:
    named(session, a_petition(session), "An insult", affiliation="Another")
    assert moderating.refuse(session, moderating.waiting(session), day=DAY) == 1
    found = one(session)
    assert (found.shown_as, found.shown_name, found.affiliation) == ("anonymous", "", "")
    assert found.shown_state == ""


@pytest.mark.both_databases
def test_C16_a_refused_comment_is_erased_after_seven_days(session: Session) -> None:
    commented(session, a_petition(session), "An insult")
    moderating.refuse(session, moderating.waiting(session), day=DAY)
    assert one(session).comment_state == REFUSED
    assert moderating.forget_refused(session, today=DAY + timedelta(days=6)) == 0
    assert moderating.forget_refused(session, today=DAY + timedelta(days=7)) == 1
    found = one(session)
    assert (found.comment, found.comment_state, found.comment_day) == ("", "", None)


def test_C12_other_words_than_those_seen_are_not_approved(session: Session) -> None:
    named(session, a_petition(session), "Leila K")
    (seen,) = moderating.waiting(session)
    session.execute(sa.update(Signature).values(shown_name="Something else"))
    assert moderating.approve(session, [seen], day=DAY) == 0
    assert one(session).shown_state == WAITS
    assert replace(seen, text="Something else").key != seen.key
    assert moderating.approve(session, moderating.waiting(session), day=DAY) == 1
    assert moderating.approve(session, [seen], day=DAY) == 0, "settled once"
