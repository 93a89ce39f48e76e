"""A proven endorsement is carried out, changed, withdrawn and erased by the address that asked for it (U04, C17)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import wordings
from app.optin import models as purposes
from app.optin.models import Request
from app.organisations.models import Organisation
from app.petitions import campaign, endorsing
from app.petitions.campaign_models import ASKED, CHECKED, REFUSED, Endorsement
from app.petitions.models import CLOSED, DRAFT, Petition, Signature
from tests.factories import DAY, a_petition
from tests.fixtures import NOON
from tests.workers.wishes import carry_out, count, proven, signing_wish, wording
from workers import retention
from workers.requests import Room

SAID = {
    "name": "Example Union of Nurses",
    "type": "national-union",
    "country": "DE",
    "website": "https://nurses.example",
    "mandate": "Executive committee",
    "document": "",
    "statement": "We stand with them.",
    "may_publish": True,
    "language": "en",
}


def endorsing_wish(session: Session, room: Room, petition: Petition, **said: object) -> Request:
    return proven(
        session,
        room,
        purposes.ENDORSEMENT,
        str(petition.id),
        {**SAID, **{key: said.pop(key) for key in list(said) if key in SAID}},
        wording_id=wording(session, wordings.ENDORSEMENT),
        **said,
    )


def ask(session: Session, room: Room, petition: Petition, **said: object) -> Endorsement:
    endorsing_wish(session, room, petition, **said)
    assert carry_out(session, room) == 1
    return session.scalars(sa.select(Endorsement)).one()


def check(session: Session, row: Endorsement) -> None:
    endorsing.check(session, row.id, endorsing.mark_of(row), None, account_id=1, day=DAY)


def shown(session: Session, petition: Petition) -> list[str]:
    return [one.name for one in campaign.around(session, petition.id, "en", day=DAY).endorsers]


@pytest.mark.both_databases
def test_U04_a_proven_endorsement_waits_for_staff_and_keeps_no_address(
    session: Session, room: Room
) -> None:
    petition = a_petition(session)
    found = ask(session, room, petition)
    assert (found.state, found.organisation_id, found.day) == (ASKED, None, DAY)
    assert found.typed == {key: SAID[key] for key in endorsing.TYPED}
    assert (found.mandate, found.statement, found.may_publish) == (
        "Executive committee",
        "We stand with them.",
        True,
    )
    assert found.wording_id == wording(session, wordings.ENDORSEMENT)
    assert count(session, Request) == count(session, Signature) == 0
    assert shown(session, petition) == []


@pytest.mark.both_databases
def test_U04_checked_it_shows_and_the_same_words_again_change_nothing(
    session: Session, room: Room
) -> None:
    petition = a_petition(session)
    check(session, ask(session, room, petition))
    assert shown(session, petition) == ["Example Union of Nurses"]
    assert ask(session, room, petition).state == CHECKED
    again = ask(session, room, petition, statement="We stand with every one of them.")
    assert (again.state, again.organisation_id) == (ASKED, None)
    assert shown(session, petition) == []


def test_U04_a_second_proof_replaces_what_is_still_asked(session: Session, room: Room) -> None:
    petition = a_petition(session)
    ask(session, room, petition)
    assert ask(session, room, petition, mandate="Congress").mandate == "Congress"
    assert endorsing.how_many(session) == 1


def test_C05_the_hash_matches_no_signature_of_the_same_address(
    session: Session, room: Room
) -> None:
    petition = a_petition(session)
    signing_wish(session, room, petition)
    found = ask_beside(session, room, petition)
    signature = session.scalars(sa.select(Signature)).one()
    assert found.exact_hash not in (signature.exact_hash, signature.mailbox_hash)


def ask_beside(session: Session, room: Room, petition: Petition) -> Endorsement:
    endorsing_wish(session, room, petition)
    carry_out(session, room)
    return session.scalars(sa.select(Endorsement)).one()


@pytest.mark.parametrize("state", [CLOSED, DRAFT])
def test_C12_one_asked_before_the_closing_is_heard_and_a_draft_takes_none(
    session: Session, room: Room, state: str
) -> None:
    petition = a_petition(session, state=state)
    endorsing_wish(session, room, petition)
    carry_out(session, room)
    assert count(session, Endorsement) == (state == CLOSED)


@pytest.mark.both_databases
@pytest.mark.parametrize("subject", ["one", "all"])
def test_C17_withdrawing_takes_the_endorsement_of_the_same_address_along(
    session: Session, room: Room, subject: str
) -> None:
    petition = a_petition(session)
    signing_wish(session, room, petition)
    check(session, ask_beside(session, room, petition))
    # another address of the same provider has no right to it
    other = proven(session, room, purposes.WITHDRAWAL, "all", address="Leila@example.org")
    assert other.purpose == purposes.WITHDRAWAL
    carry_out(session, room)
    assert shown(session, petition) == ["Example Union of Nurses"]
    proven(session, room, purposes.WITHDRAWAL, str(petition.id) if subject == "one" else "all")
    carry_out(session, room)
    assert (count(session, Endorsement), count(session, Signature)) == (0, 0)
    assert shown(session, petition) == []
    assert [(line["act"], line["subject"]) for line in room.ledger.lines()] == [
        ("withdrawn", f"petition:{petition.id}"),
        ("withdrawn", f"endorsement:{petition.id}"),
    ]
    ask(session, room, petition)
    last = list(room.ledger.lines())[-1]
    assert (last["act"], last["subject"]) == ("lifted", f"endorsement:{petition.id}")


def test_C17_withdrawing_from_one_petition_leaves_the_other(session: Session, room: Room) -> None:
    first, second = a_petition(session), a_petition(session, "nurses")
    for petition in (first, second):
        endorsing_wish(session, room, petition)
    carry_out(session, room)
    proven(session, room, purposes.WITHDRAWAL, str(first.id))
    carry_out(session, room)
    assert session.scalars(sa.select(Endorsement.petition_id)).all() == [second.id]


@pytest.mark.both_databases
def test_C17_erasing_clears_the_hash_of_a_checked_one_and_deletes_the_others(
    session: Session, room: Room
) -> None:
    first, second = a_petition(session), a_petition(session, "nurses")
    made = ask(session, room, first)
    check(session, made)
    hash_before = made.exact_hash
    endorsing_wish(session, room, second)
    carry_out(session, room)
    proven(session, room, purposes.ERASURE, "all")
    carry_out(session, room)
    left = session.scalars(sa.select(Endorsement)).one()
    assert (left.petition_id, left.exact_hash, left.index_key_id) == (first.id, None, None)
    assert shown(session, first) == ["Example Union of Nurses"]
    # then the ledger tells a restore which hash goes, and which row; and last of the mailbox
    noted = {line["subject"]: (line["act"], line["rows"]) for line in room.ledger.lines()}
    assert hash_before is not None
    assert noted[f"endorsement:{first.id}"] == ("erased", [hash_before.hex()])
    assert noted[f"endorsement:{second.id}"][0] == "withdrawn"
    assert noted[""][0] == "erased"
    # and who endorses again of their own wish is not taken back by a restore
    endorsing_wish(session, room, first)
    carry_out(session, room)
    assert [line["act"] for line in room.ledger.lines() if line["subject"]].count("lifted") == 1


def test_C16_a_refused_one_is_erased_within_seven_days(session: Session, room: Room) -> None:
    petition = a_petition(session)
    row = ask(session, room, petition)
    endorsing.refuse(session, row.id, endorsing.mark_of(row), "no mandate", account_id=1, day=DAY)
    assert ask(session, room, petition).state == REFUSED, "the same words are not asked again"
    retention.forget_on_time(session, room.config, now=NOON + timedelta(days=6))
    assert count(session, Endorsement) == 1
    retention.forget_on_time(session, room.config, now=NOON + timedelta(days=7))
    assert count(session, Endorsement) == 0


def test_U04_a_second_organisation_row_is_made_only_when_staff_say_so(
    session: Session, room: Room
) -> None:
    petition = a_petition(session)
    known = Organisation(
        type="national-union",
        names={"en": "Union of Nurses"},
        folded_name="union of nurses",
    )
    session.add(known)
    session.flush()
    row = ask(session, room, petition)
    [waiting] = endorsing.waiting(session)
    assert waiting.suggested == [known.id]
    endorsing.check(session, row.id, waiting.mark, known.id, account_id=1, day=DAY)
    assert count(session, Organisation) == 1
    assert shown(session, petition) == ["Union of Nurses"]
