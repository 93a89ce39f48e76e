"""The workroom is shut by default: every address of it, for every role, as the table says (C28)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.core.database import Database
from app.staff import gate
from app.staff.models import ADMIN, EDITOR, ORGANISER, ROLES, TRANSLATOR, StaffSession
from app.staff.roles import may
from tests.staff.conftest import PASSWORD
from tests.staff.workroom import (
    SignedIn,
    clock,
    database,
    furnished,
    guarded,
    keys,
    settings,
    signed_in,
    site,
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

SOMETHING = {"token": "x" * 43, "mark": "AAAAAAAAAAAAAAAAAAAAAA", "code": "en", "choice": "en"}
NEEDED = {
    "desk_staff.dashboard": TRANSLATOR,
    "desk_staff.settings": TRANSLATOR,
    "newsletters_staff.listing": TRANSLATOR,
    "newsletters_staff.schedule": ORGANISER,
    "newsletters_staff.act": ORGANISER,
    "petitions_staff.listing": EDITOR,
    "petitions_staff.save": EDITOR,
    "petitions_staff.preview": EDITOR,
    "petitions_staff.publish": ORGANISER,
    "petitions_staff.close": ORGANISER,
    "organisations_staff.listing": ORGANISER,
    "organisations_staff.show": ORGANISER,
    "organisations_staff.remove": ORGANISER,
    "desk_staff.invite": ORGANISER,
    "desk_staff.audit": ADMIN,
    "staff.people": ADMIN,
    "staff.invite": ADMIN,
    "staff.withdraw": ADMIN,
    "staff.change_role": ADMIN,
    "staff.lock": ADMIN,
    "staff.unlock": ADMIN,
}
"""The least role that each of these pages opens to."""
RANKS = [TRANSLATOR, EDITOR, ORGANISER, ADMIN]


def staff_rules(app: Flask, *, door: bool = False) -> Iterator[tuple[Rule, str, str]]:
    """Each address of the workroom with a method and an address filled in; signing out comes last."""
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: rule.endpoint == "staff.sign_out")
    adapter = app.url_map.bind("localhost")
    for rule in rules:
        if rule.rule != "/staff" and not rule.rule.startswith("/staff/"):
            continue
        if (rule.endpoint.partition(".")[0] == gate.DOOR) != door:
            continue
        values = {name: SOMETHING.get(name, 1) for name in rule.arguments}
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            yield rule, method, adapter.build(rule.endpoint, values, method=method)


def is_to_sign_in(response: object) -> bool:
    location = getattr(response, "location", None) or ""
    return getattr(response, "status_code", 0) == 303 and location.startswith("/staff/sign-in")


def test_C28_every_page_of_the_workroom_is_behind_the_gate(site: Flask) -> None:
    found = list(staff_rules(site))
    assert len(found) > 40
    assert [rule.rule for rule, _, _ in found if gate.required(site, rule.endpoint) is None] == []


def test_C28_without_a_session_every_page_asks_to_sign_in_or_refuses(site: Flask) -> None:
    visitor = site.test_client()
    open_pages = []
    for rule, method, address in staff_rules(site):
        response = visitor.open(address, method=method)
        shut = is_to_sign_in(response) if method == "GET" else response.status_code == 403
        if not shut:
            open_pages.append((method, rule.rule, response.status_code))
    assert open_pages == []


def test_C28_the_door_is_the_only_room_without_a_session(site: Flask) -> None:
    assert {rule.endpoint for rule, _, _ in staff_rules(site, door=True)} == {
        "door.sign_in",
        "door.enter",
        "door.link",
        "door.take_link",
    }


@pytest.mark.parametrize("role", ROLES)
def test_C28_each_role_is_let_in_where_the_table_says_and_nowhere_else(
    site: Flask, signed_in: SignedIn, role: str
) -> None:
    client = signed_in(role)
    wrong = []
    for rule, method, address in staff_rules(site):
        asked = gate.required(site, rule.endpoint) or frozenset()
        status = client.open(address, method=method).status_code
        if (status != 403) != all(may(role, permission) for permission in asked):
            wrong.append((method, rule.rule, status))
        if status >= 500:
            wrong.append((method, rule.rule, status))
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_C28_the_pages_that_matter_most_open_to_these_roles(
    site: Flask, signed_in: SignedIn, role: str
) -> None:
    client = signed_in(role)
    for rule, method, address in staff_rules(site):
        least = NEEDED.get(rule.endpoint)
        if least is None:
            continue
        refused = client.open(address, method=method).status_code == 403
        assert refused == (RANKS.index(role) < RANKS.index(least)), (role, method, rule.rule)


def test_C28_a_page_that_nobody_closed_is_refused(site: Flask) -> None:
    forgotten = Blueprint("forgotten", __name__, url_prefix="/staff/forgotten")
    forgotten.add_url_rule("", view_func=lambda: "everything")
    site.register_blueprint(forgotten)
    site.add_url_rule("/staff/loose", "loose", lambda: "everything")
    visitor = site.test_client()
    assert visitor.get("/staff/forgotten").status_code == 403
    assert visitor.get("/staff/loose").status_code == 403


def test_C28_every_form_of_the_workroom_wants_its_token(
    guarded: Flask, signed_in: SignedIn
) -> None:
    client = signed_in(ADMIN)
    taken = []
    for rule, method, address in [*staff_rules(guarded), *staff_rules(guarded, door=True)]:
        if method == "POST" and client.post(address, data={"role": EDITOR}).status_code != 400:
            taken.append(rule.rule)
    assert taken == []


def test_C28_the_cookie_is_the_workrooms_alone_and_holds_no_row(
    settings: dict[str, str], signed_in: SignedIn, site: Flask, database: Database
) -> None:
    client = site.test_client()
    answer = client.post("/staff/sign-in", data={"name": "One admin", "password": PASSWORD})
    cookie = answer.headers["Set-Cookie"]
    assert "Path=/staff" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie  # the base address of this instance is http
    with client.session_transaction("/staff") as kept:
        assert set(kept) <= {gate.SECRET, gate.CSRF, "language"}


class TestOverHttps:
    """An instance with a real address."""

    @pytest.fixture
    def settings(self, settings: dict[str, str]) -> dict[str, str]:
        return {**settings, "PEYVAND_BASE_URL": "https://peyvand.example.org"}

    def test_C28_the_cookie_goes_over_https_only(self, site: Flask) -> None:
        answer = site.test_client().post(
            "/staff/sign-in", data={"name": "One admin", "password": PASSWORD}
        )
        assert "; Secure" in answer.headers["Set-Cookie"]


def test_C28_an_idle_session_is_asked_to_sign_in_again(
    signed_in: SignedIn, site: Flask, clock: time_machine.Traveller
) -> None:
    client = signed_in(EDITOR)
    clock.shift(timedelta(minutes=29))
    assert client.get("/staff").status_code == 200
    clock.shift(timedelta(minutes=29))
    assert client.get("/staff").status_code == 200  # the visit before counted as use
    clock.shift(timedelta(minutes=30))
    assert is_to_sign_in(client.get("/staff"))


def test_C28_twelve_hours_end_a_session_in_use(
    signed_in: SignedIn, site: Flask, clock: time_machine.Traveller
) -> None:
    client = signed_in(EDITOR)
    for _ in range(29):
        clock.shift(timedelta(minutes=24))
        assert client.get("/staff").status_code == 200
    clock.shift(timedelta(minutes=24))
    assert is_to_sign_in(client.get("/staff"))


def test_C28_use_is_written_at_most_once_a_minute(
    signed_in: SignedIn, site: Flask, database: Database, clock: time_machine.Traveller
) -> None:
    client = signed_in(EDITOR)
    written: list[str] = []

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def note(_c: object, _u: object, statement: str, *_more: object) -> None:
        if "UPDATE staff_session" in statement:
            written.append(statement)

    for _ in range(6):
        clock.shift(timedelta(seconds=20))
        client.get("/staff")
    assert len(written) == 2


def test_C28_a_locked_colleague_is_out_with_the_next_click(
    signed_in: SignedIn, site: Flask
) -> None:
    editor, admin = signed_in(EDITOR), signed_in(ADMIN)
    assert editor.get("/staff").status_code == 200
    assert admin.post("/staff/people/3/lock").status_code == 303
    assert is_to_sign_in(editor.get("/staff"))


def test_R06_a_form_sent_after_the_session_ended_says_how_to_keep_what_was_typed(
    signed_in: SignedIn, site: Flask, database: Database, clock: time_machine.Traveller
) -> None:
    client = signed_in(EDITOR)
    clock.shift(timedelta(minutes=31))
    answer = client.post("/staff/petitions/2", data={"en-title": "Lost?"})
    assert answer.status_code == 403
    assert "what you typed is not lost" in answer.text


def test_R06_a_form_left_open_can_be_sent_after_signing_in_again(
    guarded: Flask, signed_in: SignedIn, clock: time_machine.Traveller
) -> None:
    client = signed_in(ADMIN)
    token = _token(client, "/staff/people")
    clock.shift(timedelta(minutes=31))
    assert client.post("/staff/people/invite", data={"csrf_token": token}).status_code == 403
    door = _token(client, "/staff/sign-in")
    client.post(
        "/staff/sign-in", data={"name": "One admin", "password": PASSWORD, "csrf_token": door}
    )
    again = client.post("/staff/people/invite", data={"csrf_token": token, "role": EDITOR})
    assert again.status_code == 200
    assert "/staff/link/" in again.text


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("/staff", True),
        ("/staff/petitions/1?x=1", True),
        ("/staffelsee", False),
        ("//example.org/staff", False),
        ("https://example.org/staff/", False),
        ("/staff/\\example.org", False),
        ("/staff/ x", False),
        ("/en/", False),
        ("", False),
        (None, False),
    ],
)
def test_C28_signing_in_leads_into_the_workroom_and_nowhere_else(
    address: str | None, kept: bool
) -> None:
    assert gate.safe_return(address) == (address if kept else None)


def test_the_workrooms_forms_may_be_longer_than_a_visitors(
    signed_in: SignedIn, site: Flask
) -> None:
    long = {"en-body": "x" * 200_000, "slug": "nurses", "goal": "5"}
    assert signed_in(EDITOR).post("/staff/petitions/2", data=long).status_code == 422
    assert site.test_client().post("/en/petitions/teachers/sign", data=long).status_code == 413


def test_C28_a_session_row_holds_a_hash_and_two_moments(
    signed_in: SignedIn, database: Database
) -> None:
    signed_in(EDITOR)
    with database.reading() as session:
        kept = session.scalars(sa.select(StaffSession)).one()
    assert len(kept.token_hash) == 32


def _token(client: FlaskClient, address: str) -> str:
    page = client.get(address).text
    return page.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]


def test_R06_a_database_that_is_away_gets_the_page_that_keeps_the_form_and_no_password(
    signed_in: SignedIn, site: Flask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(ADMIN)

    def away(*_given: object, **_more: object) -> None:
        raise sa.exc.OperationalError("", None, Exception("the disk is gone"))

    with monkeypatch.context() as patched:
        # The gate still reads; the pages, and the side bar of an error page, find nothing.
        patched.setattr("app.staff.accounts.change_password", away)
        patched.setattr("app.desk.sidebar.reading", away)
        answer = client.post(
            "/staff/settings/password", data={"old": PASSWORD, "new": "eight amber bricks"}
        )
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert PASSWORD not in answer.text
    assert "eight amber bricks" not in answer.text
