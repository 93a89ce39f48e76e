"""The pages at the door: signing in, and the links of invitations (C28, C09, C10)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.core.database import Database
from app.staff import invitations
from app.staff.models import ADMIN, EDITOR, Account, Invitation, StaffSession
from tests.staff.conftest import NOON, PASSWORD
from tests.staff.workroom import (
    SignedIn,
    acts,
    clock,
    database,
    furnished,
    guarded,
    keys,
    settings,
    signed_in,
    site,
    without_tokens,
)

__all__ = [
    "clock",
    "database",
    "furnished",
    "guarded",
    "keys",
    "settings",
    "signed_in",
    "site",
]


def test_C28_signing_in_leads_to_the_page_that_was_asked_for(
    site: Flask, database: Database, clock: time_machine.Traveller
) -> None:
    client = site.test_client()
    asked = client.get("/staff/petitions?x=1")
    page = client.get(asked.location).text
    back = re.search(r'name="next"[^>]*value="([^"]*)"', page)
    assert back is not None
    answer = client.post(
        "/staff/sign-in",
        data={"name": "One editor", "password": PASSWORD, "next": back.group(1)},
    )
    assert (answer.status_code, answer.location) == (303, "/staff/petitions?x=1")
    assert client.get("/staff/petitions").status_code == 200
    assert acts(database) == [("staff.signed-in", "account:3")]


def test_C28_an_unknown_name_and_a_wrong_password_get_the_same_page(
    site: Flask, clock: time_machine.Traveller
) -> None:
    answers = [
        site.test_client().post(
            "/staff/sign-in?language=en", data={"name": name, "password": "x" * 12}
        )
        for name in ("One admin", "One nobody")
    ]
    pages = [without_tokens(answer.data).replace(b"One nobody", b"One admin") for answer in answers]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert pages[0] == pages[1]
    assert b"do not fit" in pages[0]


def test_C09_too_many_attempts_at_a_name_read_like_a_wrong_password(
    site: Flask, clock: time_machine.Traveller, settings: dict[str, str]
) -> None:
    pages = []
    for number in range(21):
        client = site.test_client()
        wrong = client.post(
            "/staff/sign-in",
            data={"name": "One admin", "password": "x" * 12},
            environ_base={"REMOTE_ADDR": f"192.0.2.{number + 1}"},
        )
        pages.append((wrong.status_code, without_tokens(wrong.data)))
    assert len({status for status, _ in pages}) == 1
    right = {"name": "one  ADMIN ", "password": PASSWORD}
    shut = site.test_client().post(
        "/staff/sign-in", data=right, environ_base={"REMOTE_ADDR": "192.0.2.99"}
    )
    assert shut.status_code == 422
    other = site.test_client().post(
        "/staff/sign-in",
        data={"name": "One editor", "password": PASSWORD},
        environ_base={"REMOTE_ADDR": "192.0.2.99"},
    )
    assert other.status_code == 303


def test_C28_successes_do_not_use_up_the_attempts(
    site: Flask, clock: time_machine.Traveller
) -> None:
    right = {"name": "One admin", "password": PASSWORD}
    for number in range(22):
        answer = site.test_client().post(
            "/staff/sign-in", data=right, environ_base={"REMOTE_ADDR": f"192.0.2.{number + 1}"}
        )
        assert answer.status_code == 303


def test_C28_signing_out_ends_the_session_in_the_database(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    client = signed_in(EDITOR)
    assert client.post("/staff/sign-out").status_code == 303
    with database.reading() as session:
        assert session.scalars(sa.select(StaffSession)).all() == []
    assert client.get("/staff").status_code == 303


def test_C28_the_whole_way_of_an_invitation(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    shown = signed_in(ADMIN).post("/staff/people/invite", data={"role": EDITOR}).text
    found = re.search(r"http://127\.0\.0\.1:8000(/staff/link/[\w-]{43})", shown)
    assert found is not None
    address = found.group(1)
    newcomer = site.test_client()
    for _ in range(2):
        page = newcomer.get(address)
        assert page.status_code == 200
        assert page.headers["Referrer-Policy"] == "no-referrer"
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Invitation)) == 1
    newcomer.get("/staff/sign-in?language=en")
    refused = newcomer.post(address, data={"name": "Editor 5", "password": "short"})
    assert refused.status_code == 422
    assert "too short" in refused.text
    taken = newcomer.post(address, data={"name": "Editor 5", "password": PASSWORD})
    assert (taken.status_code, taken.location) == (303, "/staff")
    assert newcomer.get("/staff/petitions").status_code == 200
    assert newcomer.get("/staff/people").status_code == 403
    assert acts(database) == [
        ("staff.invited", "role:editor"),
        ("staff.joined", "account:5"),
        ("staff.signed-in", "account:5"),
    ]
    assert newcomer.post(address, data={}).status_code == 404


def test_C28_the_link_is_shown_once_and_kept_nowhere(signed_in: SignedIn, site: Flask) -> None:
    admin = signed_in(ADMIN)
    assert "/staff/link/" in admin.post("/staff/people/invite", data={"role": EDITOR}).text
    assert "/staff/link/" not in admin.get("/staff/people").text


def test_C28_an_open_invitation_can_be_taken_back(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    admin = signed_in(ADMIN)
    shown = admin.post("/staff/people/invite", data={"role": EDITOR}).text
    link = re.search(r"/staff/link/[\w-]{43}", shown)
    withdraw = re.search(r"/staff/people/invitations/[0-9a-f]{64}/withdraw", shown)
    assert link is not None
    assert withdraw is not None
    assert admin.post(withdraw.group()).status_code == 303
    assert site.test_client().get(link.group()).status_code == 404


def test_C10_used_false_and_old_links_are_one_page(
    site: Flask, database: Database, clock: time_machine.Traveller
) -> None:
    with database.unit_of_work() as session:
        used, old = (invitations.invite(session, EDITOR, invited_by=None, now=NOON) for _ in "ab")
    site.test_client().post(f"/staff/link/{used}", data={"name": "New", "password": PASSWORD})
    clock.shift(timedelta(days=7))
    answers = [
        site.test_client().get(f"/staff/link/{token}") for token in (used, old, "x" * 43, "nothing")
    ]
    texts = {re.sub(r"/staff/link/[\w-]+", "", answer.text) for answer in answers}
    assert [answer.status_code for answer in answers] == [404] * 4
    assert len(texts) == 1


def test_C28_a_sign_in_link_wants_a_press_and_works_once(
    site: Flask, database: Database, clock: time_machine.Traveller
) -> None:
    with database.unit_of_work() as session:
        account = session.get_one(Account, 1)
        token = invitations.sign_in_link(session, account, NOON)
    client = site.test_client()
    page = client.get(f"/staff/link/{token}")
    assert "One admin" in page.text
    assert client.get("/staff").status_code == 303
    assert client.post(f"/staff/link/{token}").status_code == 303
    assert client.get("/staff").status_code == 200
    assert site.test_client().post(f"/staff/link/{token}").status_code == 404


@pytest.mark.parametrize("method", ["get", "post"])
def test_C28_a_locked_accounts_link_is_dead(
    site: Flask, database: Database, clock: time_machine.Traveller, method: str
) -> None:
    with database.unit_of_work() as session:
        account = session.get_one(Account, 1)
        token = invitations.sign_in_link(session, account, NOON)
        account.active = False
    assert getattr(site.test_client(), method)(f"/staff/link/{token}").status_code == 404


def test_C28_administrators_change_roles_and_lock_and_the_audit_knows(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    admin = signed_in(ADMIN)
    admin.post("/staff/people/3/role", data={"role": "organiser"})
    admin.post("/staff/people/4/lock")
    admin.post("/staff/people/4/unlock")
    assert acts(database) == [
        ("staff.made-organiser", "account:3"),
        ("staff.locked", "account:4"),
        ("staff.unlocked", "account:4"),
    ]
    with database.reading() as session:
        assert session.get_one(Account, 3).role == "organiser"


@pytest.mark.parametrize(
    ("address", "role"),
    [
        ("/staff/people/1/lock", ""),
        ("/staff/people/1/role", "editor"),
        ("/staff/people/3/role", "owner"),
        ("/staff/people/invite", "owner"),
    ],
)
def test_R06_what_cannot_be_done_is_said_and_not_audited(
    signed_in: SignedIn, site: Flask, database: Database, address: str, role: str
) -> None:
    answer = signed_in(ADMIN).post(address, data={"role": role})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text or 'class="err"' in answer.text
    assert acts(database) == []
