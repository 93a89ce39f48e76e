"""Whatever comes in, a page that helps goes out (R06), and nothing personal is logged (C23)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from html import unescape

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

import app.core.database as core_database
from app.core import errors as core_errors
from app.core.database import Database
from app.factory import PUBLIC_BODY, create_app
from app.optin.models import Request
from app.web import errors
from config import Config
from tests import factories
from tests.pages import story

CANARY = "canary.leila@example.org"
SIGN = "/en/petitions/teachers/sign"
HOSTILE = (
    "\x00\x01\x1f",
    "\u202e\u2066gnp.exe\u2069",
    "\ud7ff\ufffe\uffff",
    "💥" * 2000,
    "a\u0300" * 500,
    "<script>alert(1)</script>",
    "{{ 7*7 }}{% raw %}%s%%",
    "' OR 1=1; DROP TABLE request; --",
    "../../etc/passwd",
    "\r\nSet-Cookie: a=b",
)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is given up on after a fifth of a second instead of five."""
    monkeypatch.setattr(core_database, "BUSY_SECONDS", 0.2)


@pytest.fixture
def locked(impatient: None, database: Database) -> Iterator[sqlite3.Connection]:
    """Somebody holds the write lock until the test rolls back."""
    holder = sqlite3.connect(str(database.engine.url.database), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    yield holder
    holder.close()


def requests(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Request)) or 0


def test_R06_a_locked_database_keeps_the_form_and_stores_nothing(
    locked: sqlite3.Connection,
    visitor: FlaskClient,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = visitor.post(SIGN, data={"address": f'"{CANARY}', "consent": "y"})
    assert answer.status_code == 422  # read and refused without the lock
    answer = visitor.post(SIGN, data={"address": CANARY, "consent": "y"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert "Nothing you sent was stored" in story.words(answer)
    html = answer.get_data(as_text=True)
    kept = {
        name: unescape(value)
        for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', html)
    }
    assert kept == {"address": CANARY, "consent": "y"}
    assert f'action="{SIGN}"' in html
    assert "canary" not in caplog.text
    assert requests(database) == 0
    # when the lock is gone, the page's own button sends it
    locked.execute("ROLLBACK")
    assert visitor.post(SIGN, data=kept).status_code == 303
    assert requests(database) == 1


def test_R06_reading_goes_on_while_somebody_writes(
    locked: sqlite3.Connection, visitor: FlaskClient
) -> None:
    assert visitor.get("/en/petitions/teachers").status_code == 200


@pytest.mark.sockets
def test_R06_a_database_that_is_away_leaves_the_texts_readable(keys: factories.Keys) -> None:
    away = "postgresql://nobody:secret@127.0.0.1:1/away"
    app = create_app(Config.from_env("web", keys.web(PEYVAND_DATABASE_URL=away)))
    visitor = app.test_client()
    for place in ("/fa/", "/en/petitions/teachers", "/health", "/en/c/x"):
        answer = visitor.get(place)
        assert answer.status_code == 503, place
        assert answer.headers["Retry-After"]
        assert "secret" not in answer.get_data(as_text=True)
    assert visitor.get("/fa/safety").status_code == 200
    asked = visitor.post("/fa/my-choices", data={"address": CANARY, "purpose": "erasure"})
    assert asked.status_code == 503
    assert CANARY in asked.get_data(as_text=True)


@pytest.mark.parametrize("typed", HOSTILE)
def test_R06_hostile_text_gets_a_page(visitor: FlaskClient, database: Database, typed: str) -> None:
    names: tuple[str, ...] = (
        "address",
        "consent",
        "purpose",
        "petition",
        "language1",
        "wish",
        "code",
        "shown_as",
    )
    names += ("shown_name", "newsletter", "quiet")
    data = dict.fromkeys(names, typed.encode("utf-8", "surrogatepass"))
    place = "AAAAAAAAAAAAAAAAAAAAAA"
    for url in (
        SIGN,
        "/fa/newsletter",
        "/fa/my-choices",
        f"/fa/petitions/teachers/check/{place}",
        f"/fa/newsletter/check/{place}",
        f"/fa/my-choices/preferences/check/{place}",
        "/fa/c/x",
        "/fa/never/x",
        "/u/x",
    ):
        answer = visitor.post(url, data=data)
        assert answer.status_code < 500, url
        assert "Set-Cookie" not in answer.headers
        assert "<script>alert" not in answer.get_data(as_text=True)
    assert visitor.get("/fa/reports", query_string={"q": typed}).status_code == 200
    assert requests(database) == 0


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"%%%=&&&;;;=%ff%00", "application/x-www-form-urlencoded"),
        (b"--x\r\nContent-Disposition: nonsense\r\n\r\n", "multipart/form-data; boundary=x"),
        (b"no boundary", "multipart/form-data"),
        (b'{"address": [1, {', "application/json"),
        (b"\xff\xfe\x00", "text/plain; charset=utf-7"),
        (
            b"&".join(b"a=%d" % number for number in range(5000)),
            "application/x-www-form-urlencoded",
        ),
    ],
)
def test_R06_bodies_that_are_no_form(visitor: FlaskClient, body: bytes, content_type: str) -> None:
    for url in (SIGN, "/u/x", "/fa/newsletter"):
        answer = visitor.post(url, data=body, content_type=content_type)
        assert answer.status_code < 500
        assert "<h1" in answer.get_data(as_text=True)


def test_R06_too_large_a_form(visitor: FlaskClient) -> None:
    answer = visitor.post("/fa/petitions/teachers/sign", data={"address": "x" * (PUBLIC_BODY + 1)})
    assert answer.status_code == 413
    assert "کوتاه کنید" in story.words(answer)


def test_R06_a_method_that_is_not_taken(visitor: FlaskClient) -> None:
    answer = visitor.delete("/en/newsletter")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert "use its form" in story.words(answer)


@pytest.mark.parametrize(
    ("place", "accepted", "language"),
    [
        ("/fa/nothing", "en", "fa"),
        ("/en/nothing", "fa", "en"),
        ("/de/", "en", "en"),
        ("/nothing", "en", "en"),
        ("/nothing", "", "fa"),
        ("/fa/petitions/%C0%AE", "en", "fa"),
        ("/fa/petitions/" + "x" * 3000, "en", "fa"),
        ("//evil.example/%2e%2e", "en", "en"),
    ],
)
def test_F01_error_pages_are_in_the_readers_language(
    visitor: FlaskClient, place: str, accepted: str, language: str
) -> None:
    answer = visitor.get(place, headers={"Accept-Language": accepted})
    assert answer.status_code in (404, 308)
    if answer.status_code == 404:
        assert f'<html lang="{language}"' in answer.get_data(as_text=True)


def test_errors_are_json_for_who_asks_for_json(visitor: FlaskClient) -> None:
    answer = visitor.get("/en/nothing", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert answer.get_json()["error"] == "There is no such page"


def test_C23_an_unexpected_error_shows_and_logs_no_value(
    environment: dict[str, str], filled: object, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(Config.from_env("web", environment))

    @app.get("/<locale:locale>/broken")
    def broken() -> str:
        raise RuntimeError(f"{CANARY} met an error")

    answer = app.test_client().get("/fa/broken")
    assert answer.status_code == 500
    assert "تقصیر شما نیست" in story.words(answer)
    assert "RuntimeError" in caplog.text
    assert "canary" not in caplog.text + answer.get_data(as_text=True)


def test_every_error_of_the_house_has_a_status(site: Flask) -> None:
    own = [kind for kind in vars(core_errors).values() if isinstance(kind, type)]
    assert set(own) == set(errors.STATUSES)
    with site.test_request_context("/en/"):
        for kind in {*own, *core_errors.PeyvandError.__subclasses__()}:
            assert errors.page(errors.status_of(kind("x"))).status_code in range(400, 500)
