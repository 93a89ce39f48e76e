"""Asking and proving as the web does it: without keys, and alike for everyone (C01, C09-C12)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.audience.subscriptions import Desk
from app.core import ids
from app.core.database import Database
from app.optin import requests
from app.optin.models import (
    ANSWERED,
    ASKED,
    FAILED,
    MAX_TRIES,
    PROVEN,
    SIGNATURE,
    SUBSCRIPTION,
    SUPPRESS,
    Request,
)
from tests.factories import a_request, an_answered_request
from tests.fixtures import NOON

CHOICES = b"1:a sealed box of choices"
MINUTE = timedelta(minutes=1)
WRONG = "WRONGWRN"


@dataclass
class Asked:
    """An answered request with what its mail carries."""

    row: Request
    link: str
    code: str


@pytest.fixture
def asked(session: Session, desk: Desk) -> Asked:
    return Asked(*an_answered_request(session, desk, SIGNATURE, "1", now=NOON))


def by_code(session: Session, asked: Asked, code: str, **changed: object) -> bool:
    given = {"request_id": asked.row.id, "purpose": SIGNATURE, "now": NOON, **changed}
    return requests.prove_by_code(session, code=code, choices=CHOICES, **given)  # type: ignore[arg-type]


def by_link(session: Session, link: str, **changed: object) -> bool:
    return requests.prove_by_link(session, link, CHOICES, **{"now": NOON, **changed})  # type: ignore[arg-type]


def state(session: Session, request: Request) -> str:
    session.expire(request)
    return request.state


@pytest.mark.both_databases
def test_C01_a_wish_is_one_row_with_nothing_to_read(session: Session, desk: Desk) -> None:
    request_id = a_request(session, desk, SIGNATURE, "1", now=NOON, address="canary@example.org")
    row = session.get_one(Request, request_id)
    assert (row.purpose, row.subject, row.language, row.day) == (
        "signature",
        "1",
        "en",
        NOON.date(),
    )
    assert (row.state, row.mails, row.answered, row.tries) == (ASKED, 1, 0, 0)
    assert row.expires_at == NOON + timedelta(days=7)
    unanswered = (row.key_id, row.link_hash, row.code_hash, row.choices, row.noted)
    assert all(value is None for value in unanswered)
    assert b"canary" not in row.box
    assert session.info["wakes"] == {"requests"}


@pytest.mark.both_databases
def test_C11_the_code_proves_with_the_choices_made_beside_it(
    session: Session, asked: Asked
) -> None:
    assert by_code(session, asked, f" {asked.code[:4].lower()}-{asked.code[4:].lower()} ")
    assert state(session, asked.row) == PROVEN
    assert asked.row.choices == CHOICES
    assert "requests" in session.info["wakes"]


@pytest.mark.both_databases
def test_C10_the_link_proves_and_is_then_used(session: Session, asked: Asked) -> None:
    assert by_link(session, asked.link)
    assert state(session, asked.row) == PROVEN
    assert not by_link(session, asked.link)
    assert not by_code(session, asked, asked.code)
    assert requests.behind_link(session, asked.link, now=NOON) is None


def test_C12_a_second_press_changes_no_choice(session: Session, asked: Asked) -> None:
    by_link(session, asked.link)
    assert not requests.prove_by_link(session, asked.link, b"1:others", now=NOON)
    session.expire(asked.row)
    assert asked.row.choices == CHOICES


@pytest.mark.both_databases
def test_C11_five_tries_and_the_sixth_is_refused_however_right(
    session: Session, asked: Asked
) -> None:
    assert [by_code(session, asked, WRONG) for _ in range(MAX_TRIES)] == [False] * 5
    assert not by_code(session, asked, asked.code)
    assert state(session, asked.row) == ANSWERED
    assert asked.row.tries == MAX_TRIES


def test_C11_the_fifth_try_still_counts(session: Session, asked: Asked) -> None:
    for _ in range(MAX_TRIES - 1):
        by_code(session, asked, WRONG)
    assert by_code(session, asked, asked.code)


@pytest.mark.both_databases
def test_C11_spent_tries_leave_the_link_alive(session: Session, asked: Asked) -> None:
    for _ in range(MAX_TRIES + 1):
        by_code(session, asked, WRONG)
    assert requests.behind_link(session, asked.link, now=NOON) is asked.row
    assert by_link(session, asked.link)


@pytest.mark.both_databases
def test_C11_a_code_is_good_for_its_hour_and_the_link_longer(
    session: Session, asked: Asked
) -> None:
    assert not by_code(session, asked, asked.code, now=NOON + 60 * MINUTE)
    assert by_code(session, asked, asked.code, now=NOON + 59 * MINUTE)


def test_C10_an_expired_request_opens_neither_by_link_nor_by_code(
    session: Session, asked: Asked
) -> None:
    asked.row.code_expires_at = NOON + timedelta(days=9)
    session.flush()
    late = NOON + timedelta(days=3)
    assert requests.behind_link(session, asked.link, now=late) is None
    assert not by_link(session, asked.link, now=late)
    assert not by_code(session, asked, asked.code, now=late)
    assert by_link(session, asked.link, now=late - MINUTE)


def test_C11_another_purpose_or_another_request_takes_no_code(
    session: Session, desk: Desk, asked: Asked
) -> None:
    other = Asked(*an_answered_request(session, desk, SIGNATURE, "1", now=NOON))
    assert not by_code(session, asked, asked.code, purpose=SUBSCRIPTION)
    assert not by_code(session, other, asked.code)
    assert not by_code(session, asked, asked.code, request_id=ids.new())
    session.expire(asked.row)
    assert asked.row.tries == 0, "the attempts of another address spend none of these"


@pytest.mark.parametrize(
    "code", ["", " ", "\x00", "'; DROP TABLE request; --", "ل" * 9000, "\ud800"]
)
def test_R06_any_code_gets_an_answer(session: Session, asked: Asked, code: str) -> None:
    assert not by_code(session, asked, code)


@pytest.mark.parametrize("link", ["", "x", "1.", "\x00", "ل" * 9000, "\ud800"])
def test_R06_any_link_gets_an_answer(session: Session, asked: Asked, link: str) -> None:
    assert requests.behind_link(session, link, now=NOON) is None
    assert not by_link(session, link)


def test_C11_a_request_that_was_not_answered_cannot_be_proven(session: Session, desk: Desk) -> None:
    request_id = a_request(session, desk, SIGNATURE, "1", now=NOON)
    for code in ("", "NONE", WRONG):
        assert not requests.prove_by_code(session, request_id, SIGNATURE, code, CHOICES, now=NOON)


@pytest.mark.both_databases
def test_C10_looking_behind_a_link_changes_nothing(session: Session, asked: Asked) -> None:
    for _ in range(2):
        assert requests.behind_link(session, asked.link, now=NOON) is asked.row
    assert not session.dirty
    assert by_link(session, asked.link)


# Resending.


@pytest.mark.both_databases
def test_C11_a_resend_asks_for_one_more_mail_up_to_the_third(
    session: Session, asked: Asked
) -> None:
    requests.resend(session, asked.row.id, SIGNATURE)
    requests.resend(session, asked.row.id, SIGNATURE)
    session.expire(asked.row)
    assert asked.row.mails == 2, "the one asked for is still to be dealt with"
    for _ in range(4):
        asked.row.answered = asked.row.mails
        session.flush()
        requests.resend(session, asked.row.id, SIGNATURE)
        session.expire(asked.row)
    assert asked.row.mails == 3


def test_C11_a_resend_gives_no_try_back(session: Session, asked: Asked) -> None:
    for _ in range(3):
        by_code(session, asked, WRONG)
    requests.resend(session, asked.row.id, SIGNATURE)
    session.expire(asked.row)
    assert asked.row.tries == 3


@pytest.mark.parametrize("became", [ASKED, PROVEN, FAILED])
def test_C11_only_what_waits_for_its_proof_is_sent_again(
    session: Session, asked: Asked, became: str
) -> None:
    asked.row.state = became
    session.flush()
    requests.resend(session, asked.row.id, SIGNATURE)
    requests.resend(session, ids.new(), SIGNATURE)
    session.expire(asked.row)
    assert asked.row.mails == 1


def test_C11_a_resend_for_another_purpose_does_nothing(session: Session, asked: Asked) -> None:
    requests.resend(session, asked.row.id, SUBSCRIPTION)
    session.expire(asked.row)
    assert asked.row.mails == 1


# Orders of staff.


def test_C19_an_order_goes_to_the_worker_at_once_and_to_nobody_by_mail(
    session: Session, desk: Desk
) -> None:
    request_id = ids.new()
    box = desk.opener.seal("request", request_id, {"address": "leila@example.org"})
    requests.order(session, request_id, SUPPRESS, box, language="fa", now=NOON, keep_days=7)
    assert state(session, session.get_one(Request, request_id)) == PROVEN
    with pytest.raises(ValueError, match="no such order"):
        requests.order(session, ids.new(), SIGNATURE, box, language="fa", now=NOON, keep_days=7)


# No oracle.


class Statements:
    """The statements of one engine, as the database got them."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def note(self, _c: object, _cursor: object, statement: str, *_: object) -> None:
        self.seen.append(statement)


@pytest.fixture
def statements(session: Session) -> Iterator[Statements]:
    engine = session.get_bind()
    noted = Statements()
    event.listen(engine, "before_cursor_execute", noted.note)
    yield noted
    event.remove(engine, "before_cursor_execute", noted.note)


@pytest.mark.both_databases
def test_C09_every_class_of_code_runs_the_same_statements(
    session: Session, desk: Desk, statements: Statements
) -> None:
    def make(**changed: object) -> Asked:
        one = Asked(*an_answered_request(session, desk, SIGNATURE, "1", now=NOON))
        for name, value in changed.items():
            setattr(one.row, name, value)
        session.flush()
        return one

    unknown = make()
    classes: dict[str, tuple[UUID, str]] = {
        "right": ((one := make()).row.id, one.code),
        "wrong": (make().row.id, WRONG),
        "spent": ((one := make(tries=5)).row.id, one.code),
        "expired": ((one := make(expires_at=NOON)).row.id, one.code),
        "too old": ((one := make(code_expires_at=NOON)).row.id, one.code),
        "used": ((one := make(state=PROVEN)).row.id, one.code),
        "never sent": (make(state=ASKED, link_hash=None, code_hash=None).row.id, WRONG),
        "failed": ((one := make(state=FAILED)).row.id, one.code),
        "nobody's": (ids.new(), unknown.code),
    }
    ran = {}
    for name, (request_id, code) in classes.items():
        statements.seen.clear()
        requests.prove_by_code(session, request_id, SIGNATURE, code, CHOICES, now=NOON)
        ran[name] = list(statements.seen)
    assert set(map(tuple, ran.values())) == {tuple(ran["right"])}, ran
    assert len(ran["right"]) == 2


@pytest.mark.both_databases
def test_C09_asking_and_resending_run_the_same_statements_for_everyone(
    session: Session, desk: Desk, statements: Statements, asked: Asked
) -> None:
    def asking(address: str) -> list[str]:
        statements.seen.clear()
        a_request(session, desk, SIGNATURE, "1", now=NOON, address=address)
        return list(statements.seen)

    def again(request_id: UUID) -> list[str]:
        statements.seen.clear()
        requests.resend(session, request_id, SIGNATURE)
        return list(statements.seen)

    assert asking("leila@example.org") == asking("nobody@gmail.com")
    assert again(asked.row.id) == again(ids.new())


# Races.


@pytest.mark.both_databases
def test_C11_tries_are_counted_atomically(database: Database, desk: Desk) -> None:
    with database.unit_of_work() as session:
        row, _, code = an_answered_request(session, desk, SIGNATURE, "1", now=NOON)
        request_id = row.id
    started = threading.Barrier(8)
    proofs: list[bool] = []

    def guess() -> None:
        started.wait()
        for _ in range(2):
            with database.unit_of_work() as session:
                proofs.append(
                    requests.prove_by_code(session, request_id, SIGNATURE, WRONG, CHOICES, now=NOON)
                )

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.unit_of_work() as session:
        assert len(proofs) == 16
        assert not any(proofs)
        assert session.get_one(Request, request_id).tries == MAX_TRIES
        assert not requests.prove_by_code(session, request_id, SIGNATURE, code, CHOICES, now=NOON)


@pytest.mark.both_databases
def test_C11_of_many_proofs_at_once_one_is_taken(database: Database, desk: Desk) -> None:
    with database.unit_of_work() as session:
        row, link, code = an_answered_request(session, desk, SIGNATURE, "1", now=NOON)
        request_id = row.id
    started = threading.Barrier(6)
    proofs: list[bool] = []

    def prove(number: int) -> None:
        started.wait()
        with database.unit_of_work() as session:
            box = f"choices of {number}".encode()
            proofs.append(
                requests.prove_by_link(session, link, box, now=NOON)
                if number % 2
                else requests.prove_by_code(session, request_id, SIGNATURE, code, box, now=NOON)
            )

    threads = [threading.Thread(target=prove, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(proofs) == [False] * 5 + [True]
    with database.reading() as reading:
        assert reading.scalar(sa.select(Request.state)) == PROVEN
