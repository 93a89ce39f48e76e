"""Scheduling, agreeing, undoing; and what the worker makes of it (C28, R05, F08, M05)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.subscriptions import Desk
from app.core.database import Database
from app.core.errors import NotFoundError, StaleError
from app.newsletters import checklist, issues, sending
from app.newsletters.checklist import Hindrance
from app.newsletters.issues import Typed
from app.newsletters.models import DRAFT, SENDING
from app.newsletters.sending import (
    AlreadyScheduledError,
    ChangedError,
    NotReadyError,
    TooLateError,
)
from app.outbox import freezing, posting, sends
from app.outbox.models import FREEZING, UNAPPROVED, WAITING, Delivery, Letter, Send
from app.petitions.models import CLOSED
from app.staff.models import EDITOR, TRANSLATOR, Account
from config import Config
from emails.skeleton import Skeleton
from tests.newsletters.conftest import (
    NOON,
    Written,
    a_petition,
    a_reader,
    an_account,
    an_issue,
    count,
    readers_of,
    save_text,
    two_senders,
    untranslated,
)

MINUTE = timedelta(seconds=60)
SETTINGS = Config(role="web", seal_public_key="")


def schedule(session: Session, made: Written, account: Account, seen: str | None = None) -> Send:
    return sending.schedule(session, made.issue.id, account.id, SETTINGS, now=NOON, seen=seen)


def state_of(session: Session, made: Written) -> str:
    return issues.get(session, made.issue.id).state


@pytest.fixture
def ready(session: Session, desk: Desk) -> Written:
    """An issue that may go, with a reader."""
    a_reader(session, desk, "leila@mail.example")
    return an_issue(session)


def test_C28_one_sender_alone_has_sixty_seconds_to_undo(session: Session, ready: Written) -> None:
    an_account(session, "Nima", EDITOR)
    an_account(session, "Sara", active=False)
    send = schedule(session, ready, an_account(session))
    assert (send.state, send.begins_at) == (WAITING, NOON + MINUTE)
    assert state_of(session, ready) == SENDING


def test_C28_where_two_may_send_a_second_person_agrees_first(
    session: Session, ready: Written
) -> None:
    roya, kaveh = two_senders(session)
    send = schedule(session, ready, roya)
    assert (send.state, send.begins_at) == (UNAPPROVED, None)
    assert not sends.approve(session, send.id, roya.id, now=NOON, undo_seconds=60)
    assert sends.approve(session, send.id, kaveh.id, now=NOON, undo_seconds=60)
    session.refresh(send)
    assert (send.state, send.begins_at, send.approved_by) == (WAITING, NOON + MINUTE, kaveh.id)


def test_C28_undone_in_time_nothing_goes_and_the_issue_is_a_draft(
    session: Session, ready: Written
) -> None:
    roya = an_account(session)
    send = schedule(session, ready, roya)
    later = NOON + timedelta(seconds=59)
    assert sending.undo(session, send.id, now=later) == ready.issue.id
    sends.start_due(session, now=NOON + 2 * MINUTE)
    assert (count(session, Send), state_of(session, ready)) == (0, DRAFT)
    session.expunge(send)
    assert schedule(session, ready, roya).state == WAITING  # and it can be sent another time


def test_C28_the_second_person_can_send_it_back(session: Session, ready: Written) -> None:
    send = schedule(session, ready, two_senders(session)[0])
    sending.undo(session, send.id, now=NOON + timedelta(days=3))
    assert state_of(session, ready) == DRAFT


def test_C28_after_the_seconds_it_is_too_late(session: Session, ready: Written) -> None:
    send = schedule(session, ready, an_account(session))
    with pytest.raises(TooLateError):
        sending.undo(session, send.id, now=NOON + MINUTE)
    assert state_of(session, ready) == SENDING


def test_R05_the_second_click_schedules_nothing(session: Session, ready: Written) -> None:
    roya = an_account(session)
    schedule(session, ready, roya)
    with pytest.raises(AlreadyScheduledError):
        schedule(session, ready, roya)
    assert count(session, Send) == 1


@pytest.mark.both_databases
def test_R05_two_clicks_at_once_schedule_once(database: Database, desk: Desk) -> None:
    with database.unit_of_work() as session:
        a_reader(session, desk, "leila@mail.example")
        made, account = an_issue(session), an_account(session)

    def click(_: int) -> bool:
        try:
            with database.unit_of_work() as session:
                schedule(session, made, account)
        except StaleError:
            return False
        return True

    with ThreadPoolExecutor(4) as clicks:
        went = list(clicks.map(click, range(4)))
    assert sorted(went) == [False, False, False, True]
    with database.reading() as session:
        assert count(session, Send) == 1


def test_an_issue_that_changed_under_the_page_is_not_sent(session: Session, ready: Written) -> None:
    roya = an_account(session)
    seen = checklist.stamp(ready.issue)
    issues.save(session, ready.issue.id, [Typed(ready.subject, "en", "Another", "", 1)])
    with pytest.raises(ChangedError), session.begin_nested():
        schedule(session, ready, roya, seen=seen)
    now_seen = checklist.stamp(issues.get(session, ready.issue.id))
    assert schedule(session, ready, roya, seen=now_seen).state


def test_F08_missing_and_stale_texts_stop_the_send_and_are_named(
    session: Session, ready: Written
) -> None:
    save_text(session, ready, "fa", "Another text.", 1)
    issues.save(session, ready.issue.id, [Typed(ready.subject, "en", "", "", 1)])
    with pytest.raises(NotReadyError) as caught:
        schedule(session, ready, an_account(session))
    assert set(caught.value.hindrances) == {
        Hindrance("missing", 1, "en"),
        Hindrance("stale", 1, "en"),
    }


def test_F08_where_staff_chose_so_a_missing_translation_stops_nothing(
    session: Session, desk: Desk
) -> None:
    a_reader(session, desk, "leila@mail.example")
    made = an_issue(session, written=("fa",), fall_back=True)
    assert checklist.hindrances(session, made.issue) == []
    bare = an_issue(session, written=("en",), fall_back=True)
    assert Hindrance("missing", 2, "fa") in checklist.hindrances(session, bare.issue)


def test_buttons_petitions_and_readers_are_checked(session: Session, ready: Written) -> None:
    petition = a_petition(session, languages=("fa",))
    issue_id = ready.issue.id
    button = issues.add_block(session, issue_id, "button", url="http://example.org/")
    issues.save(session, issue_id, [Typed(button, code, "Read", "", 0) for code in ("fa", "en")])
    issues.add_block(session, issue_id, "petition", petition_id=petition.id)
    issues.choose(session, issue_id, lists=["unions"], languages=("fa", "en"), fall_back=False)
    found = checklist.hindrances(session, issues.get(session, issue_id))
    assert {hindrance.reason for hindrance in found} == {"button", "petition", "nobody"}


def test_a_closed_petition_is_not_advertised(session: Session, ready: Written) -> None:
    petition = a_petition(session)
    issues.add_block(session, ready.issue.id, "petition", petition_id=petition.id)
    assert checklist.hindrances(session, issues.get(session, ready.issue.id)) == []
    petition.state = CLOSED
    session.flush()
    found = checklist.hindrances(session, issues.get(session, ready.issue.id))
    assert [hindrance.reason for hindrance in found] == ["petition"]


def test_an_issue_without_content_is_not_ready(session: Session, ready: Written) -> None:
    issues.remove_block(session, ready.issue.id, ready.text)
    found = checklist.hindrances(session, issues.get(session, ready.issue.id))
    assert Hindrance("empty") in found


def test_who_may_send_is_counted_by_role(session: Session) -> None:
    two_senders(session)
    an_account(session, "Nima", EDITOR)
    an_account(session, "Sara", TRANSLATOR)
    an_account(session, "Ava", active=False)
    assert sending.senders(session) == 2


def test_a_send_that_is_no_newsletter_is_not_found(session: Session) -> None:
    with pytest.raises(NotFoundError):
        sending.issue_of(session, posting.standing_send(session).id)


# What the worker makes of it.


def started(session: Session, made: Written) -> Send:
    send = schedule(session, made, an_account(session))
    sends.start_due(session, now=NOON + MINUTE)
    session.refresh(send)
    assert send.state == FREEZING
    return send


def freeze_all(session: Session, send: Send) -> None:
    for _ in range(50):
        if sending.freeze(session, send):
            return
    raise AssertionError("freezing does not end")


def mails(session: Session, desk: Desk, send: Send) -> Iterator[tuple[Letter, EmailMessage]]:
    letters = session.scalars(
        sa.select(Letter).where(Letter.send_id == send.id).order_by(Letter.id)
    )
    for letter in letters:
        raw = Skeleton.from_row(letter.skeleton, letter.holes).fill(
            {
                "to": "leila@mail.example",
                "message_id": f"x@{letter.sender.rpartition('@')[2]}",
                "date": "Tue, 24 Nov 2026 12:00:00 +0000",
                "unsubscribe": f"{letter.base_url}/u/token",
            }
        )
        yield letter, message_from_bytes(raw, _class=EmailMessage, policy=policy.default)


@pytest.mark.both_databases
def test_F08_one_letter_for_each_order_of_languages(
    session: Session, desk: Desk, config: Config
) -> None:
    for choice in (("fa",), ("en",), ("fa", "en"), ("en", "fa"), ("de", "en")):
        a_reader(session, desk, f"{'-'.join(choice)}@mail.example", choice)
    a_reader(session, desk, "german@mail.example", ("de",))
    send = started(session, an_issue(session))
    sending.prepare(session, desk, send, config, untranslated)
    sending.prepare(session, desk, send, config, untranslated)
    freeze_all(session, send)
    found = {letter.languages for letter in session.scalars(sa.select(Letter))}
    assert found == {("fa",), ("en",), ("fa", "en"), ("en", "fa")}
    assert count(session, Letter) == 4
    assert count(session, Delivery) == 5


@pytest.mark.both_databases
def test_who_is_on_two_lists_gets_one_mail(session: Session, desk: Desk, config: Config) -> None:
    a_reader(session, desk, "both@mail.example", ("fa",))
    union = a_reader(session, desk, "both@mail.example", ("en",), on="unions", quiet=True)
    a_reader(session, desk, "only@mail.example", ("en",), on="unions")
    send = started(session, an_issue(session, lists=("newsletter", "unions")))
    sending.prepare(session, desk, send, config, untranslated)
    freeze_all(session, send)
    taken = {
        (row.recipient, row.subscription_id)
        for row in session.execute(sa.select(Delivery.recipient, Delivery.subscription_id))
    }
    assert len(taken) == 2
    assert (union.contact_id, union.id) in taken


def test_R01_freezing_that_is_cut_goes_on_where_it_was(
    database: Database, desk: Desk, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.unit_of_work() as session:
        readers_of(session, desk, 7, ("fa",))
        for person in range(5):
            a_reader(session, desk, f"u{person}@mail.example", ("fa",), on="unions")
        made = an_issue(session, lists=("newsletter", "unions"))
        send_id = started(session, made).id
    with database.unit_of_work() as session:
        sending.prepare(session, desk, session.get_one(Send, send_id), config, untranslated)
    monkeypatch.setattr(freezing, "SLICE_SIZE", 2)
    done = False
    for turn in range(40):
        try:
            with database.unit_of_work() as session:
                done = sending.freeze(session, session.get_one(Send, send_id))
                if turn % 2:
                    raise KeyboardInterrupt  # cut before the commit
        except KeyboardInterrupt:
            continue
        if done:
            break
    assert done
    with database.reading() as session:
        assert count(session, Delivery) == 12
        assert session.scalar(sa.select(sa.func.count(sa.distinct(Delivery.recipient)))) == 12


def test_M05_list_headers_are_those_of_the_list_and_its_languages(
    session: Session, desk: Desk, config: Config
) -> None:
    a_reader(session, desk, "leila@mail.example", ("fa", "en"))
    a_reader(session, desk, "union@mail.example", ("en",), on="unions")
    send = started(session, an_issue(session, lists=("newsletter", "unions")))
    sending.prepare(session, desk, send, config, untranslated)
    found = {mail["List-Id"]: mail for _, mail in mails(session, desk, send)}
    assert set(found) == {
        "<newsletter-fa-en.peyvand.example>",
        "<unions-en.peyvand.example>",
    }
    mail = found["<newsletter-fa-en.peyvand.example>"]
    assert mail["List-Owner"] == "<mailto:news@peyvand.example>"
    assert mail["List-Help"].startswith("<https://peyvand.example/fa/")
    assert mail["Feedback-ID"] == "1:newsletter:issue:peyvand.example"
    assert mail["List-Unsubscribe"] == "<https://peyvand.example/u/token>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["From"].endswith("<news@peyvand.example>")


def test_C14_a_quiet_letter_names_nothing_before_it_is_opened(
    session: Session, desk: Desk, config: Config
) -> None:
    a_reader(session, desk, "leila@mail.example", ("en", "fa"), quiet=True)
    send = started(session, an_issue(session))
    sending.prepare(session, desk, send, config, untranslated)
    ((letter, mail),) = mails(session, desk, send)
    assert letter.quiet
    assert (mail["Subject"], mail["From"]) == ("No. 1", "post@plain.example")
    for name, value in mail.items():
        for word in ("peyvand", "Confederation", "newsletter"):
            assert word not in value, name
    html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "No. 1\u00a0\u034f" in html


def test_someone_who_joins_in_a_new_language_while_it_freezes_waits_for_the_next(
    session: Session, desk: Desk, config: Config
) -> None:
    a_reader(session, desk, "leila@mail.example", ("fa",))
    send = started(session, an_issue(session))
    sending.prepare(session, desk, send, config, untranslated)
    a_reader(session, desk, "late@mail.example", ("en",))
    freeze_all(session, send)
    assert count(session, Delivery) == 1


def test_the_command_sends_for_a_colleague_who_may(session: Session, ready: Written) -> None:
    an_account(session, "Nima", EDITOR)
    an_account(session, "Ava", active=False)
    for name in ("Nima", "Ava", "nobody"):
        with pytest.raises(NotFoundError):
            sending.schedule_as(session, ready.issue.id, name, SETTINGS, now=NOON)
    roya = an_account(session)
    send = sending.schedule_as(session, ready.issue.id, "Roya", SETTINGS, now=NOON)
    assert (send.state, send.scheduled_by) == (WAITING, roya.id)


def test_what_the_mail_room_refuses_stops_the_send_at_the_button(
    session: Session, ready: Written
) -> None:
    issues.save(session, ready.issue.id, [Typed(ready.subject, "en", "One\u2028two", "", 1)])
    with pytest.raises(NotReadyError) as caught:
        schedule(session, ready, an_account(session))
    assert caught.value.hindrances == (Hindrance("render"),)
