"""Counting a signature and taking it back (C05, C12, C17)."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.ledger import Ledger
from app.audience.subscriptions import Desk
from app.core import addresses, ids
from app.core.database import Database
from app.petitions import signing
from app.petitions.models import CLOSED, DRAFT, WAITS, Petition, Signature
from tests.factories import DAY, Keys, a_petition

LEILA = addresses.parse("Leila.K@gmail.com")
SAME_MAILBOX = addresses.parse("leilak+petition@googlemail.com")
KARIM = addresses.parse("karim@union.example")


@pytest.fixture
def petition(session: Session) -> Petition:
    return a_petition(session)


def choices(**chosen: object) -> dict[str, object]:
    return {"shown_as": "anonymous", "signature_id": ids.new().hex, **chosen}


def count(
    session: Session,
    desk: Desk,
    petition: Petition,
    address: addresses.Address = LEILA,
    chosen: Mapping[str, object] | None = None,
    *,
    days: int = 0,
) -> bool:
    asked = {"text_id": petition.texts[0].id, "wording_id": 1}
    day = DAY + timedelta(days=days)
    return signing.count(session, desk, petition.id, address, asked, chosen or choices(), day=day)


def signatures(session: Session) -> list[Signature]:
    session.expire_all()
    return list(session.scalars(sa.select(Signature).order_by(Signature.day)))


@pytest.mark.both_databases
def test_C05_a_signature_is_two_hashes_versions_a_day_and_what_is_shown(
    session: Session, desk: Desk, petition: Petition
) -> None:
    minted, text_id = ids.new(), petition.texts[0].id
    chosen = choices(shown_as="initials", shown_name="ل. ک.", signature_id=minted.hex)
    assert count(session, desk, petition, LEILA, chosen)
    (found,) = signatures(session)
    index = desk.indexer.signature(LEILA, petition.id, "1")
    assert (found.id, found.exact_hash, found.mailbox_hash) == (minted, index.exact, index.mailbox)
    assert (found.text_id, found.wording_id, found.day) == (text_id, 1, DAY)
    assert (found.shown_as, found.shown_name, found.names_box) == ("initials", "ل. ک.", None)
    assert petition.index_key_id == "1"


def test_C05_it_points_to_no_contact_and_holds_no_address() -> None:
    table = sa.inspect(Signature).local_table
    points_at = {key.target_fullname for key in table.foreign_keys}
    assert points_at == {"petition.id", "petition_text.id", "consent_wording.id"}
    assert {column.key for column in table.columns} == {
        "id",
        "petition_id",
        "index_key_id",
        "exact_hash",
        "mailbox_hash",
        "text_id",
        "wording_id",
        "day",
        "shown_as",
        "shown_name",
        "names_box",
        "country",
        "affiliation",
        "shown_state",
        "shown_in",
        "held",
        "invalid",
        "comment",
        "comment_language",
        "comment_state",
        "comment_day",
    }


@pytest.mark.both_databases
def test_C12_what_was_chosen_to_be_shown_waits_for_a_moderator(
    session: Session, desk: Desk, petition: Petition
) -> None:
    petition.takes_comments = petition.asks_affiliation = petition.asks_country = True
    said = {"affiliation": "Teachers", "comment": "No one signs alone.", "country": "DE"}
    count(session, desk, petition, LEILA, choices(shown_as="initials", shown_name="L. K.", **said))
    (found,) = signatures(session)
    assert (found.shown_state, found.comment_state, found.country) == (WAITS, WAITS, "DE")
    assert (found.affiliation, found.comment) == ("Teachers", "No one signs alone.")


def test_C12_what_the_petition_does_not_ask_is_not_kept(
    session: Session, desk: Desk, petition: Petition
) -> None:
    said = {"affiliation": "Teachers", "comment": "No one signs alone.", "country": "DE"}
    count(session, desk, petition, LEILA, choices(shown_as="anonymous", **said))
    (found,) = signatures(session)
    assert (found.affiliation, found.comment, found.country) == ("", "", "")
    assert (found.shown_state, found.comment_state) == ("", "")


@pytest.mark.both_databases
def test_C17_a_signer_changes_how_they_are_shown_and_nothing_else(
    session: Session, desk: Desk, petition: Petition
) -> None:
    # given a signature that is shown by its name, and one of somebody else
    count(session, desk, petition, LEILA, choices(shown_as="full-name", shown_name="Leila K"))
    before = signatures(session)[0]
    before.shown_state, before.shown_in = "approved", 3
    session.flush()
    kept = (before.id, before.day, before.exact_hash, before.names_box)
    # when its signer wants initials
    wish = {"shown_as": "initials", "shown_name": "L. K."}
    assert signing.change_shown(session, desk, petition.id, LEILA, wish)
    # then the name is gone at once, and the initials wait to be looked at
    (found,) = signatures(session)
    assert (found.shown_as, found.shown_name) == ("initials", "L. K.")
    assert (found.shown_state, found.shown_in) == (WAITS, None)
    assert (found.id, found.day, found.exact_hash, found.names_box) == kept


def test_C04_only_the_very_address_changes_how_it_is_shown(
    session: Session, desk: Desk, petition: Petition
) -> None:
    count(session, desk, petition, LEILA, choices(shown_as="full-name", shown_name="Leila K"))
    wish = {"shown_as": "anonymous", "shown_name": ""}
    assert not signing.change_shown(session, desk, petition.id, SAME_MAILBOX, wish)
    assert signatures(session)[0].shown_name == "Leila K"


def test_C21_a_changed_name_is_taken_down_and_waits_again(
    session: Session, desk: Desk, petition: Petition
) -> None:
    count(session, desk, petition, LEILA, choices(shown_as="full-name", shown_name="Leila K"))
    (found,) = signatures(session)
    found.shown_state, found.shown_in = "approved", 3
    session.flush()
    count(session, desk, petition, LEILA, choices(shown_as="initials", shown_name="L. K."))
    (found,) = signatures(session)
    assert (found.shown_name, found.shown_state, found.shown_in) == ("L. K.", WAITS, None)


@pytest.mark.both_databases
def test_C05_the_same_mailbox_by_its_provider_s_rules_counts_once_silently(
    session: Session, desk: Desk, petition: Petition
) -> None:
    first = choices(shown_as="full-name", shown_name="Leila K")
    assert count(session, desk, petition, LEILA, first)
    assert not count(session, desk, petition, SAME_MAILBOX, choices(shown_as="anonymous"))
    (found,) = signatures(session)
    assert (found.id, found.shown_name) == (UUID(str(first["signature_id"])), "Leila K")


@pytest.mark.both_databases
def test_C12_a_second_proof_replaces_what_is_shown_and_not_the_day(
    session: Session, desk: Desk, petition: Petition
) -> None:
    count(session, desk, petition, LEILA, choices(shown_as="full-name", shown_name="Leila K"))
    second = choices(shown_as="initials", shown_name="L. K.")
    assert not count(session, desk, petition, LEILA, second, days=5)
    (found,) = signatures(session)
    assert (found.shown_as, found.shown_name, found.day) == ("initials", "L. K.", DAY)
    assert found.id == UUID(str(second["signature_id"])), "the names box is bound to the new id"


@pytest.mark.both_databases
def test_C05_two_people_and_two_petitions_count_apart(
    session: Session, desk: Desk, petition: Petition
) -> None:
    other = a_petition(session, "pensions")
    for address in (LEILA, KARIM):
        for one in (petition, other):
            assert count(session, desk, one, address)
    hashes = [found.exact_hash for found in signatures(session)]
    assert len(set(hashes)) == 4, "nothing links one person's signatures"


def test_C12_what_was_asked_before_closing_counts_when_it_is_proven(
    session: Session, desk: Desk, petition: Petition
) -> None:
    petition.state = CLOSED
    assert count(session, desk, petition)


def test_a_draft_or_no_petition_takes_no_signature(
    session: Session, desk: Desk, petition: Petition
) -> None:
    petition.state = DRAFT
    assert not count(session, desk, petition)
    unknown = {"text_id": 1, "wording_id": 1}
    assert not signing.count(session, desk, 987, LEILA, unknown, choices(), day=DAY)
    assert signatures(session) == []


@pytest.mark.parametrize(
    ("chosen", "shown_as", "shown_name"),
    [
        ({"shown_as": "anonymous", "shown_name": "Leila"}, "anonymous", ""),
        ({"shown_as": "root", "shown_name": "Leila"}, "anonymous", ""),
        ({"shown_as": None}, "anonymous", ""),
        ({"shown_as": "initials", "shown_name": None}, "initials", ""),
    ],
)
def test_C12_only_what_was_chosen_is_shown(
    session: Session,
    desk: Desk,
    petition: Petition,
    chosen: Mapping[str, object],
    shown_as: str,
    shown_name: str,
) -> None:
    count(session, desk, petition, LEILA, choices(**chosen))
    (found,) = signatures(session)
    assert (found.shown_as, found.shown_name) == (shown_as, shown_name)


@pytest.mark.both_databases
def test_C05_a_name_to_hand_over_opens_with_the_offline_key_and_for_its_signature_only(
    session: Session, desk: Desk, petition: Petition, keys: Keys
) -> None:
    minted = ids.new()
    box = keys.names.seal("name", minted, {"name": "لیلا ک."})
    chosen = choices(signature_id=minted.hex, names_box=base64.b64encode(box).decode())
    count(session, desk, petition, LEILA, chosen)
    (found,) = signatures(session)
    assert found.names_box == box
    assert keys.names.open("name", found.id, found.names_box) == {"name": "لیلا ک."}


@pytest.mark.both_databases
def test_C03_a_petition_keeps_the_index_key_it_opened_with(
    session: Session, keys: Keys, petition: Petition
) -> None:
    assert count(session, keys.desk, petition)
    assert not count(session, keys.rotated, petition), "still counted once after the rotation"
    assert petition.index_key_id == "1"
    later = a_petition(session, "pensions")
    count(session, keys.rotated, later)
    assert later.index_key_id == "2"


@pytest.mark.both_databases
def test_R05_many_proofs_of_one_mailbox_at_once_count_once(database: Database, desk: Desk) -> None:
    with database.unit_of_work() as session:
        petition_id = a_petition(session).id
    ready = threading.Barrier(6)
    counted: list[bool] = []

    def sign(number: int) -> None:
        address = addresses.parse(f"leila{'.' * (number % 2)}k+{number}@gmail.com")
        ready.wait()
        with database.unit_of_work() as session:
            counted.append(count(session, desk, session.get_one(Petition, petition_id), address))

    threads = [threading.Thread(target=sign, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counted) == [False] * 5 + [True]


# Withdrawing.


def withdraw(
    session: Session, desk: Desk, ledger: Ledger, subject: str, address: addresses.Address = LEILA
) -> list[int]:
    return signing.withdraw(session, desk, ledger, address, subject, day=DAY)


@pytest.mark.both_databases
def test_C17_withdrawing_deletes_the_signature_of_that_petition(
    session: Session, desk: Desk, ledger: Ledger, petition: Petition
) -> None:
    other = a_petition(session, "pensions")
    for one in (petition, other):
        count(session, desk, one)
    count(session, desk, petition, KARIM)
    gone = desk.indexer.signature(LEILA, petition.id, "1")
    assert withdraw(session, desk, ledger, str(petition.id)) == [petition.id]
    assert {
        (found.petition_id, found.exact_hash == gone.exact) for found in signatures(session)
    } == {
        (petition.id, False),
        (other.id, False),
    }
    (line,) = ledger.lines()
    assert line["act"] == "withdrawn"
    assert line["rows"] == [gone.exact.hex()]
    assert line["mailbox"] == gone.mailbox.hex()
    assert line["subject"] == f"petition:{petition.id}"


@pytest.mark.both_databases
def test_C17_withdrawing_all_reaches_every_petition_closed_ones_too(
    session: Session, desk: Desk, ledger: Ledger, petition: Petition
) -> None:
    closed = a_petition(session, "pensions")
    unsigned = a_petition(session, "none")
    for one in (petition, closed):
        count(session, desk, one)
    closed.state = CLOSED
    session.flush()
    assert sorted(withdraw(session, desk, ledger, "all")) == [petition.id, closed.id]
    assert signatures(session) == []
    assert unsigned.index_key_id is None
    assert len(list(ledger.lines())) == 2


def test_C17_who_never_signed_withdraws_nothing_and_leaves_no_line(
    session: Session, desk: Desk, ledger: Ledger, petition: Petition
) -> None:
    count(session, desk, petition)
    assert withdraw(session, desk, ledger, "all", KARIM) == []
    assert withdraw(session, desk, ledger, "987") == []
    assert len(signatures(session)) == 1
    assert list(ledger.lines()) == []


def test_C04_rights_go_by_the_address_letter_for_letter(
    session: Session, desk: Desk, ledger: Ledger, petition: Petition
) -> None:
    count(session, desk, petition)
    assert withdraw(session, desk, ledger, "all", SAME_MAILBOX) == []
    assert len(signatures(session)) == 1


def test_C17_the_ledger_is_written_before_the_row_goes(
    session: Session,
    desk: Desk,
    ledger: Ledger,
    petition: Petition,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count(session, desk, petition)

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(ledger, "append", full)
    with pytest.raises(OSError, match="no space"):
        withdraw(session, desk, ledger, "all")
    assert len(signatures(session)) == 1


def test_C05_who_withdrew_may_sign_again(
    session: Session, desk: Desk, ledger: Ledger, petition: Petition
) -> None:
    count(session, desk, petition)
    withdraw(session, desk, ledger, "all")
    assert count(session, desk, petition, days=1)
    (found,) = signatures(session)
    assert found.day == DAY + timedelta(days=1)
