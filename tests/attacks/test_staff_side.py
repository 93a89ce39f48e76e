"""The workroom under attack: forged forms, planted sessions, others' rows, texts that want to run (C25, C28)."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
import time_machine

from app.core.database import Base
from app.newsletters import issues
from app.organisations.models import Organisation, Representative
from app.staff import gate, invitations, signing_in
from app.staff.models import Account, Invitation, StaffSession
from tests.attacks.conftest import NOON, PASSWORD, House, sends
from tests.attacks.hostile import links_of
from tests.attacks.insiders import inside, posts, sign_in, token_of

RETURNS = (
    "https://evil.example/staff",
    "//evil.example/staff",
    "/\\evil.example/staff",
    "\\\\evil.example",
    "/staff\\@evil.example",
    "/\tevil.example",
    "/staff/\r\nLocation: //evil.example",
    "//[",
    "http://[::1/staff",
    "javascript:alert(1)//staff",
    "staff",
    "/staffx",
    "/en/",
    "",
)


def test_C28_a_form_with_a_foreign_or_spoiled_token_changes_nothing(guarded: House) -> None:
    client, other = guarded.staff(), guarded.staff()
    own, foreign = token_of(client, "/staff/people"), token_of(other, "/staff/people")
    before = guarded.rows()
    forged = ("", "x", foreign, own[:-2], own + "A", own.swapcase(), "null", own + "\x00")
    for place in posts(guarded):
        for token in forged:
            data = {"csrf_token": token, "role": "admin", "do": "approve", "slug": "x"}
            answer = client.post(place, data=data, headers={"Origin": "https://evil.example"})
            assert answer.status_code == 400, (place, token)
        for headers in ({"X-CSRFToken": foreign}, {"X-CSRF-Token": "x"}):
            assert client.post(place, data={}, headers=headers).status_code == 400
    assert guarded.rows() == before
    assert inside(client)


def test_C28_a_token_in_the_address_is_no_token(guarded: House) -> None:
    client = guarded.staff()
    own = token_of(client, "/staff/people")
    answer = client.post(f"/staff/people/3/lock?csrf_token={own}")
    assert answer.status_code == 400


# Sessions


def test_C28_a_session_planted_before_signing_in_is_worth_nothing(house: House) -> None:
    attacker, victim = house.visitor(), house.visitor()
    attacker.get("/staff/sign-in?language=fa")
    with attacker.session_transaction("/staff") as cookie:
        cookie[gate.SECRET] = "planted"
        planted = dict(cookie)
    with victim.session_transaction("/staff") as cookie:
        cookie.update(planted)
    assert sign_in(victim) == 303
    with victim.session_transaction("/staff") as cookie:
        assert cookie[gate.SECRET] != "planted"
    assert inside(victim)
    assert not inside(attacker)


def test_C28_signing_out_ends_the_session_on_the_server(house: House) -> None:
    client, thief = house.staff(), house.visitor()
    with client.session_transaction("/staff") as cookie:
        stolen = dict(cookie)
    with thief.session_transaction("/staff") as cookie:
        cookie.update(stolen)
    assert inside(thief)
    client.post("/staff/sign-out")
    assert not inside(thief)


def test_C28_a_new_password_ends_sessions_and_sign_in_links(house: House) -> None:
    client, thief = house.staff("editor"), house.staff("editor")
    with house.database.unit_of_work() as session:
        account = session.scalars(sa.select(Account).where(Account.name == "One editor")).one()
        link = invitations.sign_in_link(session, account, NOON)
    answer = client.post("/staff/settings/password", data={"old": PASSWORD, "new": "x" * 40})
    assert answer.status_code == 422, "too easy: nothing changed"
    assert inside(thief)
    changed = {"old": PASSWORD, "new": "eight violet tiles"}
    assert client.post("/staff/settings/password", data=changed).status_code == 303
    assert not inside(thief)
    assert house.visitor().post(f"/staff/link/{link}").status_code == 404
    assert sign_in(house.visitor()) == 422
    assert sign_in(house.visitor(), password="eight violet tiles") == 303


@pytest.mark.parametrize("step", ["role", "lock"])
def test_C28_a_changed_colleague_is_out_with_every_link_they_gave(house: House, step: str) -> None:
    editor, admin = house.staff("editor"), house.staff("admin")
    with house.database.unit_of_work() as session:
        account = session.scalars(sa.select(Account).where(Account.name == "One editor")).one()
        given = invitations.invite(session, "admin", invited_by=account.id, now=NOON)
    place = f"/staff/people/{account.id}/{step}"
    assert admin.post(place, data={"role": "organiser"}).status_code == 303
    assert not inside(editor)
    accepted = {"name": "Sleeper", "password": "nine orange doors"}
    assert house.visitor().post(f"/staff/link/{given}", data=accepted).status_code == 404


def test_C28_an_invitation_makes_one_account_of_its_own_role(house: House) -> None:
    place = f"/staff/link/{house.inside.invitation}"
    data = {"name": "Newcomer", "password": "nine orange doors", "role": "admin", "account_id": "1"}
    assert house.visitor().post(place, data=data).status_code == 303
    assert house.visitor().post(place, data={**data, "name": "Second"}).status_code == 404
    with house.database.reading() as session:
        made = session.scalars(sa.select(Account).where(Account.id > 4)).all()
        left = session.scalars(sa.select(Invitation)).all()
    assert [(account.name, account.role) for account in made] == [("Newcomer", "editor")]
    assert left == []


@pytest.mark.parametrize("value", ["", "x", "e30.e30.x", "." * 3000, "\ud7ff", "null", "[]", "-1"])
def test_C28_a_forged_cookie_is_nobody(house: House, value: str) -> None:
    client = house.visitor()
    client.set_cookie("workroom", value, path="/staff")
    assert client.get("/staff").status_code == 303
    with house.app.test_client().session_transaction("/staff") as cookie:
        cookie[gate.SECRET] = [value]


@pytest.mark.parametrize("secret", [None, 1, [], {}, ["x"], "", "x" * 5000, "\x00"])
def test_C28_a_signed_cookie_with_an_odd_secret_is_nobody(house: House, secret: object) -> None:
    client = house.visitor()
    with client.session_transaction("/staff") as cookie:
        cookie[gate.SECRET], cookie["language"] = secret, secret
    assert client.get("/staff").status_code == 303


def test_C28_a_row_of_the_sessions_table_opens_nothing(house: House) -> None:
    house.staff()
    with house.database.reading() as session:
        stored = session.scalars(sa.select(StaffSession.token_hash)).first()
    assert stored is not None
    for text in (stored.hex(), stored.decode("latin-1")):
        client = house.visitor()
        with client.session_transaction("/staff") as cookie:
            cookie[gate.SECRET] = text
        assert not inside(client)


@pytest.mark.parametrize("place", RETURNS)
def test_C28_signing_in_leads_nowhere_else(house: House, place: str) -> None:
    asked = house.visitor().get("/staff/sign-in", query_string={"next": place})
    assert asked.status_code == 200
    data = {"name": "One editor", "password": PASSWORD, "next": place}
    answer = house.visitor().post("/staff/sign-in", data=data)
    assert (answer.status_code, answer.location) == (303, "/staff")


def test_C28_guessing_a_password_ends_after_twenty_tries_whatever_the_spelling(
    guarded: House,
) -> None:
    guarded.app.config["WTF_CSRF_ENABLED"] = False
    spellings = ("One editor", " One  editor", "One\u202eeditor", "one EDITOR", "One editor\x00")
    for number in range(20):
        assert sign_in(guarded.visitor(), spellings[number % 2], f"wrong {number}") == 422
    for name in spellings:
        assert sign_in(guarded.visitor(), name) == 422, "even the right one, for an hour"
    assert sign_in(guarded.visitor(), "One admin") == 303, "others are not held up"


# Others' rows


def test_C28_nobody_agrees_to_their_own_send(house: House) -> None:
    state, scheduled_by, _ = sends(house)[0]
    with house.database.reading() as session:
        names = {row.id: row.role for row in session.execute(sa.select(Account.id, Account.role))}
    own, other = house.staff(names[scheduled_by or 0]), house.staff("organiser")
    assert own.post("/staff/sends/1", data={"do": "approve"}).status_code == 409
    assert own.post("/staff/sends/1", data={"do": "approve", "account_id": "2"}).status_code == 409
    assert sends(house)[0] == (state, scheduled_by, None)
    assert house.staff("editor").post("/staff/sends/1", data={"do": "approve"}).status_code == 403
    assert other.post("/staff/sends/1", data={"do": "approve"}).status_code == 303
    assert other.post("/staff/sends/1", data={"do": "approve"}).status_code == 409


def test_C19_a_test_address_is_ones_own_whatever_else_is_sent(house: House) -> None:
    data = {"address": "spy@example.org", "account_id": "1", "subject": "1", "id": "1"}
    assert house.staff("translator").post("/staff/settings/address", data=data).status_code == 303
    with house.database.reading() as session:
        me = session.scalars(sa.select(Account.id).where(Account.name == "One translator")).one()
        found = session.execute(
            sa.text("SELECT subject FROM request WHERE purpose = 'staff-address'")
        )
        assert sorted(row.subject for row in found) == sorted(["1", str(me)])


def test_C28_a_row_is_reached_through_its_own_parent_only(house: House) -> None:
    admin = house.staff()
    with house.database.unit_of_work() as session:
        other = Organisation(
            type="ngo", names={"en": "Other"}, folded_name="other", sector="", source=""
        )
        session.add(other)
        session.flush()
        other_id = other.id
        block = issues.get(session, 2).blocks[-1].id.hex
    mark = house.inside.representative
    place = f"/staff/organisations/{other_id}/representatives/{mark}/remove"
    before = house.rows()
    assert admin.post(place).status_code == 404
    for act in (f"remove:{block}", f"up:{block}", f"approve:{block}:en"):
        admin.post("/staff/newsletters/1", data={"do": act, f"b-{block}-url": "https://x.example"})
    texts = house.rows()["block_text"], house.rows()["block"]
    assert texts == (before["block_text"], before["block"])
    with house.database.reading() as session:
        assert session.scalars(sa.select(Representative)).all()


@pytest.mark.parametrize("role", ["translator", "editor", "organiser"])
def test_C28_no_role_makes_itself_more(house: House, role: str) -> None:
    client = house.staff(role)
    with house.database.reading() as session:
        me = session.scalars(sa.select(Account.id).where(Account.name == f"One {role}")).one()
    for place in (f"/staff/people/{me}/role", "/staff/people/invite", "/staff/people/1/lock"):
        assert client.post(place, data={"role": "admin"}).status_code == 403
    client.post("/staff/settings/language", data={"language": "en", "role": "admin"})
    with house.database.reading() as session:
        assert session.get_one(Account, me).role == role


# Texts that want to run


def test_C10_pages_with_a_secret_are_kept_nowhere_and_referred_to_nowhere(house: House) -> None:
    link = next(iter(house.inside.links.values()))
    places = [
        f"/en/c/{link}",
        "/en/c/nothing",
        f"/u/{house.inside.unsubscribe}",
        "/en/never/x",
        f"/staff/link/{house.inside.invitation}",
        "/staff/link/nothing",
        *(f"/en/newsletter/check/{one}" for one in list(house.inside.requests.values())[:2]),
    ]
    for place in places:
        answer = house.visitor().get(place)
        assert answer.headers["Cache-Control"] == "no-store", place
        assert answer.headers["Referrer-Policy"] == "no-referrer", place
        assert answer.headers["X-Robots-Tag"] == "noindex", place
        foreign = [found for found in links_of(answer.text) if "://" in found]
        assert [one for one in foreign if not one.startswith("http://localhost")] == [], place
        assert "ETag" not in answer.headers
        assert "Last-Modified" not in answer.headers


def test_C28_the_invitations_link_is_shown_once_and_stands_in_no_row(house: House) -> None:
    admin = house.staff()
    shown = admin.post("/staff/people/invite", data={"role": "editor"}).text
    found = re.search(r"/staff/link/([\w-]{43})", shown)
    assert found is not None
    assert found[1] not in admin.get("/staff/people").text
    assert found[1] not in admin.get("/staff/audit").text
    assert found[1] not in repr(house.rows())


def test_C28_staff_pages_answer_no_foreign_origin(house: House) -> None:
    for place in ("/staff", "/staff/people", "/staff/sends/1.json"):
        answer = house.staff().get(place, headers={"Origin": "https://evil.example"})
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_every_table_is_one_the_attacks_watch(house: House) -> None:
    assert set(house.rows()) == set(Base.metadata.tables) - {"staff_session"}


def test_C28_a_session_of_a_locked_account_is_nobodys(
    house: House, clock: time_machine.Traveller
) -> None:
    with house.database.unit_of_work() as session:
        account = session.get_one(Account, 1)
        token = signing_in.begin(session, account.id, NOON)
        account.active = False
    client = house.visitor()
    with client.session_transaction("/staff") as cookie:
        cookie[gate.SECRET] = token
    assert not inside(client)
