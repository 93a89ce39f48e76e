"""The worker's answer: a mail or none, and nothing in the row that tells which (C01, C09, C11, C14-C16, C18)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import suppressions
from app.audience.models import COMPLAINT, DO_NOT_CONTACT, HARD_BOUNCE, NEVER_WRITE, Suppression
from app.audience.subscriptions import Desk
from app.core import addresses, ids, tokens
from app.optin import answering, requests
from app.optin.letters import Letters
from app.optin.models import (
    ANSWERED,
    PREFERENCES,
    PROVEN,
    REPRESENTATIVE,
    SIGNATURE,
    SUBSCRIPTION,
    Request,
)
from app.outbox import lanes
from app.outbox.models import Envelope, Letter
from app.staff.models import AuditEntry
from config import Config
from tests.factories import a_request, a_subscriber
from tests.fixtures import NOON
from tests.optin.answering import A_DAY, HOUR, Answering


def suppress(session: Session, desk: Desk, reason: str, day: datetime = NOON) -> None:
    index = desk.indexer.index(addresses.parse("leila@example.org"))
    suppressions.add(session, index.key_id, index.mailbox, reason, day=day.date())


def rows_of(session: Session, request: Request) -> Sequence[str]:
    """Which columns of a request are filled."""
    session.expire(request)
    return [
        column.key
        for column in sa.inspect(Request).columns
        if getattr(request, column.key) is not None
    ]


@pytest.mark.both_databases
def test_C01_the_mail_carries_link_code_number_and_never_write(
    worker: Answering, desk: Desk
) -> None:
    request = worker.ask(language="fa")
    (holes,) = worker.mails(request)
    token = holes["link"].removeprefix("https://plain.example/fa/c/")
    assert tokens.fingerprint(token) == request.link_hash
    assert tokens.code_fingerprint(request.id, holes["code"]) == request.code_hash
    assert holes["number"] == ids.number(request.id)
    assert holes["never_write"].startswith("https://plain.example/fa/never/")
    envelope = worker.session.scalars(sa.select(Envelope)).one()
    never = holes["never_write"].rpartition("/")[2]
    assert envelope.never_write_hash == tokens.fingerprint(never)
    assert (request.state, request.answered) == (ANSWERED, 1)


def test_C01_what_the_mail_carries_proves_the_request(worker: Answering) -> None:
    request = worker.ask()
    (holes,) = worker.mails(request)
    taken = requests.prove_by_code(
        worker.session, request.id, SIGNATURE, holes["code"], b"1:x", now=NOON
    )
    assert taken
    other = worker.ask()
    token = worker.mails(other)[0]["link"].rpartition("/")[2]
    assert requests.prove_by_link(worker.session, token, b"1:x", now=NOON)


@pytest.mark.both_databases
def test_C09_every_column_is_filled_alike_mail_or_no_mail(
    worker: Answering, session: Session, desk: Desk
) -> None:
    """Nothing in the row tells who was mailed, capped, suppressed, known, or nobody."""
    classes = {"new": worker.ask(address="new@example.org")}
    a_subscriber(session, desk, "known@example.org")
    classes["known"] = worker.ask(address="known@example.org")
    suppress(session, desk, COMPLAINT)
    classes["suppressed"] = worker.ask(address="leila@example.org")
    for _ in range(3):
        worker.ask(address="capped@example.org")
    classes["capped"] = worker.ask(address="capped@example.org")
    classes["bounced"] = worker.ask(address="bounced@example.org")
    mailed = {name: len(worker.mails(row)) for name, row in classes.items()}
    assert mailed == {"new": 1, "known": 1, "suppressed": 0, "capped": 0, "bounced": 1}

    filled = {name: rows_of(session, row) for name, row in classes.items()}
    assert len({tuple(columns) for columns in filled.values()}) == 1
    same = {
        (row.state, row.mails, row.answered, row.tries, row.expires_at, row.code_expires_at)
        for row in classes.values()
    }
    assert same == {(ANSWERED, 1, 1, 0, NOON + 72 * HOUR, NOON + HOUR)}
    assert len({len(row.box) for row in classes.values()}) == 1


def test_C17_a_preferences_link_notes_lists_for_who_has_some_and_is_filled_for_nobody(
    worker: Answering, session: Session, desk: Desk
) -> None:
    a_subscriber(session, desk, "known@example.org", languages=("fa", "en"))
    known = worker.ask(purpose=PREFERENCES, address="known@example.org")
    nobody = worker.ask(purpose=PREFERENCES, address="nobody@example.org")
    assert known.noted == {"lists": {"newsletter": {"languages": ["fa", "en"], "quiet": False}}}
    assert nobody.noted == {"lists": {}}
    assert rows_of(session, known) == rows_of(session, nobody)
    assert worker.ask(purpose=SIGNATURE).noted is None


@pytest.mark.both_databases
def test_C15_three_mails_a_day_and_six_a_month_silently(worker: Answering) -> None:
    def mailed(now: datetime) -> list[int]:
        return [len(worker.mails(worker.ask(now=now))) for _ in range(4)]

    assert mailed(NOON) == [1, 1, 1, 0]
    assert mailed(NOON + A_DAY) == [1, 1, 1, 0]
    assert mailed(NOON + 2 * A_DAY) == [0, 0, 0, 0]
    assert mailed(NOON + 32 * A_DAY) == [1, 1, 1, 0]


def test_C15_the_limits_are_settings(session: Session, desk: Desk, config: Config) -> None:
    import dataclasses

    few = dataclasses.replace(config, mails_a_day=1, mails_a_month=2)
    worker = Answering(session, desk, few)
    days = [NOON, NOON, NOON + A_DAY, NOON + 2 * A_DAY]
    assert [len(worker.mails(worker.ask(now=day))) for day in days] == [1, 0, 1, 0]


def test_C15_an_earlier_link_keeps_working_when_a_later_one_was_not_mailed(
    worker: Answering, session: Session
) -> None:
    first = worker.ask()
    token = worker.mails(first)[0]["link"].rpartition("/")[2]
    for _ in range(4):
        worker.ask()
    assert requests.behind_link(session, token, now=NOON) is first


@pytest.mark.both_databases
def test_C11_a_resend_carries_the_same_link_and_code_as_another_mail(
    worker: Answering, session: Session
) -> None:
    request = worker.ask()
    requests.resend(session, request.id, SIGNATURE)
    assert worker.answer(NOON + HOUR) == 1
    first, second = worker.mails(request)
    for hole in ("link", "code", "number"):
        assert first[hole] == second[hole]
    assert first["never_write"] != second["never_write"], "each delivery has its own"
    assert (request.answered, request.mails) == (2, 2)
    assert request.code_expires_at == NOON + HOUR, "answering again gives no time back"
    assert worker.answer(NOON + HOUR) == 0


@pytest.mark.parametrize("reason", [COMPLAINT, NEVER_WRITE, HARD_BOUNCE])
def test_C18_who_complained_wants_silence_or_bounced_this_week_gets_no_mail(
    worker: Answering, session: Session, desk: Desk, reason: str
) -> None:
    suppress(session, desk, reason)
    request = worker.ask()
    assert worker.mails(request) == []
    assert request.state == ANSWERED


@pytest.mark.both_databases
def test_C18_one_confirmation_a_week_really_goes_to_who_bounced(
    worker: Answering, session: Session, desk: Desk
) -> None:
    suppress(session, desk, HARD_BOUNCE, NOON - 8 * A_DAY)
    first, second = worker.ask(), worker.ask()
    assert (len(worker.mails(first)), len(worker.mails(second))) == (1, 0)
    owner = ids.new()
    lane = lanes.claim(session, owner, most=9, now=NOON)
    assert lane is not None
    session.flush()
    fetched = lanes.next_in_lane(session, lane, owner, after=-1, limit=9, now=NOON)
    assert [mail.recipient for mail in fetched.mails] == [first.id]
    assert session.scalar(sa.select(sa.func.count()).select_from(Suppression)) == 2


@pytest.mark.parametrize("change", ["row", "subject", "garbage", "address"])
def test_C03_a_box_that_does_not_belong_is_refused_reported_and_looks_like_any_other(
    worker: Answering,
    session: Session,
    desk: Desk,
    caplog: pytest.LogCaptureFixture,
    change: str,
) -> None:
    good = worker.ask()
    row = session.get_one(Request, a_request(session, desk, SIGNATURE, "1", now=NOON))
    if change == "row":
        row.box = good.box
    elif change == "subject":
        row.subject = "2"
    elif change == "garbage":
        row.box = b"1:garbage"
    else:
        row.box = desk.opener.seal("request", row.id, {"address": "canary", "subject": "1"})
    session.flush()
    worker.answer()
    assert worker.mails(row) == []
    assert rows_of(session, row) == rows_of(session, good)
    assert session.scalars(sa.select(AuditEntry.action)).all() == ["box-refused"]
    assert "refused" in caplog.text
    assert "canary" not in caplog.text


def test_R04_one_request_that_cannot_be_answered_holds_up_no_other(
    worker: Answering,
    session: Session,
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    odd = session.get_one(Request, a_request(session, desk, SIGNATURE, "1", now=NOON))
    letter = Letters.letter

    def failing(self: Letters, *args: object, **more: object) -> Letter:
        if odd.answered and args[2] == "xx":
            raise RuntimeError("canary@example.org")
        return letter(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Letters, "letter", failing)
    odd.language = "xx"
    session.flush()
    good = worker.ask()
    assert (odd.state, odd.answered) == (ANSWERED, 1)
    assert len(worker.mails(good)) == 1
    assert worker.answer() == 0, "it is not tried for ever"
    assert session.scalars(sa.select(AuditEntry.action)).all() == ["request-failed"]
    assert "canary" not in caplog.text


def test_C16_a_request_lives_three_days_from_its_mail_and_seven_in_any_case(
    worker: Answering, session: Session, config: Config
) -> None:
    request = worker.ask()
    accepted = NOON + 5 * HOUR
    answering.mail_accepted(session, [request.id], accepted, config=config)
    assert request.expires_at == accepted + 72 * HOUR
    assert request.code_expires_at == accepted + HOUR, "C11: an hour after its mail was accepted"
    late = NOON + 6 * A_DAY
    answering.mail_accepted(session, [request.id], late, config=config)
    assert request.expires_at <= NOON + 7 * A_DAY


def test_C16_an_answer_that_comes_late_gives_no_more_than_seven_days(worker: Answering) -> None:
    request_id = a_request(worker.session, worker.desk, SIGNATURE, "1", now=NOON)
    worker.answer(NOON + 6 * A_DAY)
    assert worker.session.get_one(Request, request_id).expires_at <= NOON + 7 * A_DAY


@pytest.mark.both_databases
def test_C16_what_nobody_proved_is_erased_and_what_was_proven_waits(
    worker: Answering, session: Session
) -> None:
    worker.ask()
    proven = worker.ask()
    proven.state = PROVEN
    session.flush()
    answering.forget_expired(session, now=NOON + 72 * HOUR - HOUR)
    assert session.scalar(sa.select(sa.func.count()).select_from(Request)) == 2
    answering.forget_expired(session, now=NOON + 72 * HOUR)
    assert session.scalars(sa.select(Request.id)).all() == [proven.id]


def test_C11_a_mail_accepted_after_the_proof_changes_nothing(
    worker: Answering, session: Session, config: Config
) -> None:
    request = worker.ask()
    request.state = PROVEN
    session.flush()
    before = request.expires_at
    answering.mail_accepted(session, [request.id], NOON + HOUR, config=config)
    assert request.expires_at == before


@pytest.mark.both_databases
@pytest.mark.parametrize(("purpose", "mails"), [(REPRESENTATIVE, 0), (SUBSCRIPTION, 1)])
def test_C18_do_not_contact_keeps_an_invitation_back_and_no_wish_of_their_own(
    worker: Answering, session: Session, desk: Desk, purpose: str, mails: int
) -> None:
    suppress(session, desk, DO_NOT_CONTACT)
    request = worker.ask(purpose=purpose, organisation="A union", invited_by="Roya")
    assert len(worker.mails(request)) == mails
    assert request.state == ANSWERED, "the same as everyone's"


def test_proven_requests_come_in_order_of_their_expiry(worker: Answering, session: Session) -> None:
    made: list[UUID] = []
    for hours in (2, 1, 3):
        request = worker.ask(now=NOON + hours * HOUR, address=f"a{hours}@example.org")
        request.state = PROVEN
        made.append(request.id)
    session.flush()
    assert [row.id for row in answering.proven(session, today=NOON.date())] == [
        made[1],
        made[0],
        made[2],
    ]
    assert len(answering.proven(session, today=NOON.date(), limit=2)) == 2


def test_C23_nothing_of_who_asked_is_logged(
    worker: Answering, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        worker.ask(address="canary@example.org")
    assert "canary" not in caplog.text
