"""Pages kept in the web process: given at once, for a few seconds, and never somebody else's (C21, C25)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask, request
from flask.testing import FlaskClient

from app.core.database import Database
from app.factory import create_app
from app.petitions import addressing, editing
from app.petitions.models import PetitionText
from app.web import keeping
from config import Config

PAGE = "/en/petitions/teachers"
BASE = "https://peyvand.example"


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(keeping, "time", made)
    return made


@pytest.fixture
def keeper(environment: dict[str, str], clock: Clock) -> Iterator[Flask]:
    """The application that keeps its pages for five seconds."""
    app = create_app(Config.from_env("web", {**environment, "PEYVAND_KEPT_SECONDS": "5"}))
    yield app
    app.extensions["peyvand"].database.dispose()


@pytest.fixture
def reader(keeper: Flask) -> FlaskClient:
    return keeper.test_client()


def rename(database: Database, title: str) -> None:
    with database.unit_of_work() as session:
        session.execute(sa.update(PetitionText).values(title=title))


def test_C21_a_kept_page_is_given_as_it_was_and_made_anew_after_its_seconds(
    reader: FlaskClient, database: Database, clock: Clock
) -> None:
    # given a page that somebody read, and a title that changes then
    first = reader.get(PAGE)
    rename(database, "Another title")
    # when it is asked for within its seconds, then it is the same, to the byte
    again = reader.get(PAGE)
    assert again.get_data() == first.get_data()
    assert dict(again.headers) == dict(first.headers)
    # and afterwards it is the new one
    clock.seconds += 5.1
    assert "Another title" in reader.get(PAGE).get_data(as_text=True)


def test_C21_who_has_the_page_is_told_so_without_its_words(
    reader: FlaskClient, database: Database, clock: Clock
) -> None:
    etag = reader.get(PAGE).headers["ETag"]
    for asked in (etag, f'"other", W/{etag}', "*"):
        told = reader.get(PAGE, headers={"If-None-Match": asked})
        assert (told.status_code, told.get_data()) == (304, b"")
        assert told.headers["ETag"] == etag
        assert "s-maxage" in told.headers["Cache-Control"]
        assert "Content-Length" not in told.headers
    # also where the page has to be made anew, which is then kept for the next
    clock.seconds += 6
    assert reader.get(PAGE, headers={"If-None-Match": etag}).status_code == 304
    rename(database, "Another title")
    assert reader.get(PAGE, headers={"If-None-Match": etag}).status_code == 304
    clock.seconds += 6
    assert reader.get(PAGE, headers={"If-None-Match": etag}).status_code == 200


def test_HEAD_tells_of_a_page_and_gives_no_word_of_it(reader: FlaskClient) -> None:
    head = reader.head(PAGE)
    whole = reader.get(PAGE)
    assert head.get_data() == b""
    assert head.headers["ETag"] == whole.headers["ETag"]
    assert head.headers["Content-Length"] == str(len(whole.get_data()))
    assert reader.head("/en/nothing").status_code == 404


def test_C25_a_page_is_kept_for_one_scheme_host_language_and_leaf(keeper: Flask) -> None:
    asked: list[str] = []
    keeper.before_request(lambda: asked.append(request.url))
    reader = keeper.test_client()
    apart = [
        (PAGE, BASE),
        (PAGE, "http://peyvand.example"),
        (PAGE, "http://abcdefabcdef.onion"),
        ("/fa/petitions/teachers", BASE),
        ("/en/reports", BASE),
        ("/en/reports?page=2", BASE),
    ]
    for _time in range(2):
        for place, base in apart:
            assert reader.get(place, base_url=base).status_code == 200
    assert asked == [base + place for place, base in apart]


def test_C21_where_a_page_is_now_is_kept_like_the_page(keeper: Flask, clock: Clock) -> None:
    # given a short link and a page whose address is another now, each asked for before
    asked: list[str] = []
    with keeper.app_context(), keeper.extensions["peyvand"].database.unit_of_work() as session:
        addressing.give(session, editing.get(session, 1), "en", "free-them")
    keeper.before_request(lambda: asked.append(request.path))
    reader = keeper.test_client()
    places = ["/en/p/1", PAGE]
    first = [reader.get(place) for place in places]
    # then each is given again as it was, whatever the asker says to have
    for condition in ({}, {"If-None-Match": "*"}, {"If-None-Match": '""'}):
        again = [reader.get(place, headers=condition) for place in places]
        assert [answer.status_code for answer in again] == [301, 301]
        assert [dict(answer.headers) for answer in again] == [dict(one.headers) for one in first]
        assert {answer.location for answer in again} == {"/en/petitions/free-them"}
    assert asked == places
    # and made anew after its seconds; one with a query each time
    clock.seconds += 6
    assert reader.get(PAGE).status_code == 301
    assert [reader.get(f"{PAGE}?page={leaf}").status_code for leaf in (1, 1)] == [301, 301]
    assert asked == [*places, PAGE, PAGE, PAGE]


@pytest.mark.parametrize(
    ("place", "status"), [("/en/petitions/none", 404), ("/en/reports?q=prison", 200), ("/", 302)]
)
def test_C10_what_is_not_the_same_for_everyone_is_asked_for_each_time(
    keeper: Flask, place: str, status: int
) -> None:
    asked: list[str] = []
    keeper.before_request(lambda: asked.append(place))
    reader = keeper.test_client()
    assert [reader.get(place).status_code for _time in range(3)] == [status] * 3
    assert len(asked) == 3


def test_a_form_is_never_answered_from_what_is_kept(reader: FlaskClient) -> None:
    reader.get(PAGE)
    assert reader.post(f"{PAGE}/sign").status_code == 422
    assert reader.post(PAGE).status_code == 405


def test_R06_the_keeping_is_bounded(
    reader: FlaskClient, keeper: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_PAGES", 3)
    for host in range(20):
        assert reader.get("/en/tor", base_url=f"http://host{host}.example").status_code == 200
    pages = keeper.wsgi_app._pages  # type: ignore[attr-defined]
    assert [key[1] for key in pages] == ["host17.example", "host18.example", "host19.example"]
    octets = sum(len(kept.body) for kept in pages.values())
    assert keeper.wsgi_app._octets == octets  # type: ignore[attr-defined]
    # and by octets
    monkeypatch.setattr(keeping, "MOST_OCTETS", octets // 3 + 10)
    reader.get("/en/tor", base_url="http://host99.example")
    assert [key[1] for key in pages] == ["host99.example"]
