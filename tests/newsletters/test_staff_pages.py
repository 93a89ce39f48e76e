"""Previews, audience, check-list and the steps of a send, as pages: nothing goes out by accident."""

from __future__ import annotations

import pytest
from flask import Flask

from app.audience.models import COMPLAINT
from app.audience.subscriptions import Desk
from app.core.database import Database
from app.newsletters import issues
from app.newsletters.issues import Typed
from app.newsletters.models import DRAFT, SENDING
from app.outbox.models import TEST, UNAPPROVED, WAITING
from app.staff.models import EDITOR, Account
from tests.newsletters.conftest import (
    EN,
    FA,
    Written,
    an_account,
    readers_of,
    save_text,
    suppress,
    with_test_address,
)
from tests.newsletters.looking import editor, newest_send, stored
from tests.newsletters.newsroom import Newsroom, Page

# Previews and test mails.


def test_C25_a_preview_is_a_document_shut_in_by_its_own_policy(
    newsroom: Newsroom, made: Written
) -> None:
    frames = newsroom.open(f"{editor(made)}/preview").frames
    assert len(frames) == 12  # fa, en, both, both the other way round; phone, desktop, dark
    for address in frames:
        response = newsroom.client.get(address)
        assert response.headers["Content-Security-Policy"] == (
            "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
            "frame-ancestors 'self'"
        )
        assert "X-Frame-Options" not in response.headers
        assert response.headers["Cache-Control"] == "no-store"


def test_F02_a_preview_shows_both_languages_each_in_its_direction(
    newsroom: Newsroom, made: Written
) -> None:
    html = newsroom.client.get(f"{editor(made)}/preview/fa-en").get_data(as_text=True)
    assert FA in html
    assert EN in html
    assert 'dir="rtl"' in html
    assert 'dir="ltr"' in html


def test_C22_a_preview_loads_nothing(newsroom: Newsroom, made: Written) -> None:
    html = newsroom.client.get(f"{editor(made)}/preview/fa-en").get_data(as_text=True)
    for loading in ("src=", "@import", "<link", "url("):
        assert loading not in html


def test_F08_a_preview_shows_what_is_missing(
    newsroom: Newsroom, made: Written, database: Database
) -> None:
    with database.unit_of_work() as session:
        issues.save(session, made.issue.id, [Typed(made.text, "en", "", "", 1)])
    html = newsroom.client.get(f"{editor(made)}/preview/en").get_data(as_text=True)
    assert "Missing in this language" in html


def test_a_dark_preview_has_the_dark_rules_always_on(newsroom: Newsroom, made: Written) -> None:
    dark = newsroom.client.get(f"{editor(made)}/preview/fa?scheme=dark").get_data(as_text=True)
    light = newsroom.client.get(f"{editor(made)}/preview/fa").get_data(as_text=True)
    assert "prefers-color-scheme" not in dark + light
    assert dark != light


def test_an_unknown_preview_is_not_found(newsroom: Newsroom, made: Written) -> None:
    for choice in ("de", "fa-fa", "x" * 200, "en-fa-de"):
        assert newsroom.client.get(f"{editor(made)}/preview/{choice}").status_code == 404


def test_a_test_mail_is_asked_for_by_a_row(
    newsroom: Newsroom, made: Written, database: Database, desk: Desk, roya: Account
) -> None:
    with database.unit_of_work() as session:
        with_test_address(desk, session.merge(roya), "roya@mail.example")
    page = newsroom.open(f"{editor(made)}/preview")
    page = newsroom.send(page, "/test", choice=["fa", "fa-en", "nonsense"])
    assert "on its way to your own address" in page.text
    send = newest_send(database)
    assert send is not None
    assert (send.purpose, send.state, send.round) == (TEST, WAITING, 0)
    assert send.options["choices"] == [["fa"], ["fa", "en"]]


def test_without_a_proven_address_the_page_says_how_to_give_one(
    newsroom: Newsroom, made: Written, database: Database
) -> None:
    page = newsroom.open(f"{editor(made)}/preview")
    assert "/staff/settings" in page.html
    with newsroom.client.session_transaction("/staff") as cookie:
        token = cookie.get("csrf_token")
    assert token is None or newest_send(database) is None


# The audience.


def test_C19_the_audience_is_told_in_cells_of_twenty(
    newsroom: Newsroom, made: Written, database: Database, desk: Desk
) -> None:
    with database.unit_of_work() as session:
        people = readers_of(session, desk, 45, ("fa",))
        readers_of(session, desk, 7, ("en", "fa"))
        suppress(session, people[0], COMPLAINT)
    text = newsroom.open(f"{editor(made)}/readers").text
    assert "52 would get it" in text
    assert "other 52" in text  # 45 would betray the 7
    assert "Suppressed fewer than 20" in text


def test_C19_a_small_audience_has_no_number(newsroom: Newsroom, made: Written) -> None:
    assert "fewer than 20 would get it" in newsroom.open(f"{editor(made)}/readers").text


def test_lists_languages_and_fallback_are_chosen(
    newsroom: Newsroom, made: Written, database: Database
) -> None:
    page = newsroom.open(f"{editor(made)}/readers")
    newsroom.send(
        page,
        "/readers",
        list=["unions", "newsletter", "petition-1"],
        language=["fa", "xx"],
        fall_back="yes",
    )
    issue = stored(database, made)
    assert (issue.lists, issue.languages, issue.fall_back) == (
        ["newsletter", "unions"],
        ("fa",),
        True,
    )


def test_R06_a_choice_that_cannot_be_is_refused_and_kept(
    newsroom: Newsroom, made: Written, database: Database
) -> None:
    page = newsroom.open(f"{editor(made)}/readers")
    page = newsroom.send(page, "/readers", list=["newsletter"], language=["en"])
    assert page.response.status_code == 422
    assert "The issue is written in Persian" in page.text
    assert page.form("/readers")[1].getlist("language") == ["en"]
    page = newsroom.send(page, "/readers", list=None, language=["fa"])
    assert "Choose one list at least." in page.text
    assert stored(database, made).languages == ("fa", "en")


# The check-list, and what follows.


def test_F08_the_button_stays_shut_with_its_reasons_beside_it(
    newsroom: Newsroom, made: Written, database: Database
) -> None:
    with database.unit_of_work() as session:
        issues.save(session, made.issue.id, [Typed(made.text, "en", "", "", 1)])
    page = newsroom.open(f"{editor(made)}/send")
    assert "English: one text is missing" in page.text
    assert not page.says("")
    page = newsroom.send(page, "/send")
    assert page.response.status_code == 422
    assert newest_send(database) is None


def test_C28_sending_shows_the_seconds_and_can_be_undone(
    newsroom: Newsroom, made: Written, database: Database
) -> None:
    page = newsroom.send(newsroom.open(f"{editor(made)}/send"), "/send")
    assert "It begins by itself at 12:01:00 UTC" in page.text
    assert page.says("undo")
    page = newsroom.send(page, "/sends/1", do="undo")
    assert "the issue is a draft again" in page.text
    assert (newest_send(database), stored(database, made).state) == (None, DRAFT)


def test_R05_the_second_click_shows_the_same_send(
    newsroom: Newsroom, made: Written, database: Database
) -> None:
    page = newsroom.open(f"{editor(made)}/send")
    newsroom.send(page, "/send")
    again = newsroom.send(page, "/send")
    assert again.response.status_code == 200
    assert again.response.request.path == "/staff/sends/1"
    assert stored(database, made).state == SENDING


def test_an_issue_that_changed_under_the_check_list_is_not_sent(
    newsroom: Newsroom, made: Written, database: Database
) -> None:
    page = newsroom.open(f"{editor(made)}/send")
    with database.unit_of_work() as session:
        save_text(session, made, "en", "Changed.", 1)
    page = newsroom.send(page, "/send")
    assert page.response.status_code == 409
    assert "Somebody changed the issue meanwhile" in page.text
    assert newest_send(database) is None


def test_C28_who_asked_cannot_agree_and_who_agrees_starts_the_seconds(
    app: Flask, newsroom: Newsroom, made: Written, database: Database
) -> None:
    with database.unit_of_work() as session:
        kaveh = an_account(session, "Kaveh", "organiser")
    page = newsroom.send(newsroom.open(f"{editor(made)}/send"), "/send")
    assert not page.says("approve")
    assert newsroom.send(page, "/sends/1", do="approve").response.status_code == 409
    send = newest_send(database)
    assert send is not None
    assert send.state == UNAPPROVED
    second = Newsroom(app, database, kaveh)
    page = second.open("/staff/sends/1")
    assert page.says("approve")
    page = second.send(page, "/sends/1", do="approve")
    assert "It begins by itself at 12:01:00 UTC" in page.text


def test_an_editor_cannot_send(app: Flask, made: Written, database: Database) -> None:
    with database.unit_of_work() as session:
        nima = an_account(session, "Nima", EDITOR)
    newsroom = Newsroom(app, database, nima)
    page = newsroom.open(f"{editor(made)}/send")
    assert "an organiser or an administrator sends them" in page.text
    assert newsroom.send(page, "/send").response.status_code == 403
    assert newest_send(database) is None


def test_a_scheduled_issue_opens_as_it_will_be_read(newsroom: Newsroom, made: Written) -> None:
    newsroom.send(newsroom.open(f"{editor(made)}/send"), "/send")
    page = newsroom.open(editor(made))
    assert page.response.request.path.endswith("/preview")


def test_every_act_is_in_the_audit(
    newsroom: Newsroom, made: Written, database: Database, roya: Account
) -> None:
    page = newsroom.send(newsroom.open(f"{editor(made)}/send"), "/send")
    newsroom.send(page, "/sends/1", do="undo")
    from app.staff.models import AuditEntry

    with database.reading() as session:
        acts = [(one.account_id, one.action, one.subject) for one in session.query(AuditEntry)]
    subject = f"issue:{made.issue.id}"
    assert acts == [
        (roya.id, "newsletter.scheduled", subject),
        (roya.id, "send.undone", subject),
    ]


def test_what_is_not_there_is_a_page(newsroom: Newsroom) -> None:
    for address in ("newsletters/99", "newsletters/99/send", "sends/99", "sends/99.json"):
        assert newsroom.client.get(f"/staff/{address}").status_code == 404


def test_a_visitor_sees_nothing_of_it(app: Flask, made: Written) -> None:
    client = app.test_client()
    for ending in ("", "/preview", "/preview/fa", "/readers", "/send"):
        assert client.get(f"{editor(made)}{ending}").status_code in (303, 403)


@pytest.mark.parametrize("language", ["fa", "en"])
def test_every_page_opens_in_both_languages(
    newsroom: Newsroom, made: Written, language: str
) -> None:
    newsroom.send(newsroom.open(f"{editor(made)}/send"), "/send")
    for address in (
        "newsletters",
        "newsletters/1/preview",
        "newsletters/1/readers",
        "sends",
        "sends/1",
    ):
        page: Page = newsroom.open(f"/staff/{address}?language={language}")
        assert page.response.status_code == 200, address
        assert f'<html lang="{language}"' in page.html


def test_the_command_schedules_or_says_why_not(
    app: Flask, made: Written, database: Database, roya: Account
) -> None:
    run = app.test_cli_runner().invoke
    wrong = run(args=["newsletter", "send", str(made.issue.id), "--by", "nobody"])
    assert wrong.exit_code == 1
    assert "nobody of that name may send" in wrong.output
    with database.unit_of_work() as session:
        save_text(session, made, "fa", "متن تازه.", 1)
    unready = run(args=["newsletter", "send", str(made.issue.id), "--by", roya.name])
    assert "1 stale in en" in unready.output
    with database.unit_of_work() as session:
        issues.save(session, made.issue.id, [], approving=(made.text, "en"))
    done = run(args=["newsletter", "send", str(made.issue.id), "--by", roya.name])
    assert done.output == "Send 1 begins at 12:01:00 UTC; until then undo it.\n"


def test_the_audit_says_in_words_what_was_done(newsroom: Newsroom, made: Written) -> None:
    newsroom.send(newsroom.open(f"{editor(made)}/send"), "/send")
    assert "asked to send a newsletter" in newsroom.open("/staff/audit").text
