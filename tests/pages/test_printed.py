"""Posters, sheets, share pictures and the public record of deliveries, as visitors and caches get them."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.core.database import Database
from app.petitions import delivering, typesetting
from app.petitions.models import DRAFT, Petition
from tests.factories import DAY
from tests.petitions import readable

FILES = ["poster.pdf", "sheet.pdf", "share.png"]
TYPES = {"pdf": ("application/pdf", b"%PDF-"), "png": ("image/png", b"\x89PNG")}


@pytest.mark.parametrize("locale", ["fa", "en"])
@pytest.mark.parametrize("file", FILES)
def test_each_file_is_served_in_each_language(visitor: FlaskClient, locale: str, file: str) -> None:
    answer = visitor.get(f"/{locale}/petitions/teachers/{file}")

    media, beginning = TYPES[file[-3:]]
    assert (answer.status_code, answer.mimetype) == (200, media)
    assert answer.data.startswith(beginning)
    assert "Set-Cookie" not in answer.headers
    name = f"teachers-{file[:-4]}.{locale}.{file[-3:]}"
    assert answer.headers["Content-Disposition"] == f'inline; filename="{name}"'


def test_a_cache_may_keep_them_and_ask_whether_they_changed(visitor: FlaskClient) -> None:
    first = visitor.get("/en/petitions/teachers/poster.pdf")
    assert first.headers["Cache-Control"].startswith("public, max-age=")
    again = visitor.get(
        "/en/petitions/teachers/poster.pdf", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")


def test_the_poster_shows_this_petition_s_link(visitor: FlaskClient) -> None:
    [words] = readable.words(visitor.get("/en/petitions/teachers/poster.pdf").data)
    assert "127.0.0.1:8000/en/p/1" in words
    assert visitor.get("/en/p/1").location == "/en/petitions/teachers"


def test_a_changed_text_shows_at_once(visitor: FlaskClient, database: Database) -> None:
    before = visitor.get("/en/petitions/teachers/share.png").data
    with database.unit_of_work() as session:
        for text in session.get_one(Petition, 1).texts:
            text.title = "Another title"
    assert visitor.get("/en/petitions/teachers/share.png").data != before


@pytest.mark.parametrize("file", [*FILES, "delivery"])
def test_a_draft_and_none_give_nothing(visitor: FlaskClient, database: Database, file: str) -> None:
    with database.unit_of_work() as session:
        session.get_one(Petition, 1).state = DRAFT
    for slug in ("teachers", "nobody"):
        assert visitor.get(f"/en/petitions/{slug}/{file}").status_code == 404


def test_a_closed_petition_has_a_share_picture_and_nothing_to_sign(visitor: FlaskClient) -> None:
    answers = [visitor.get(f"/en/petitions/pensions/{file}").status_code for file in FILES]
    assert answers == [404, 404, 200]


def test_without_pango_the_files_are_missing_and_the_page_stays(
    visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typesetting, "available", lambda: False)
    assert visitor.get("/en/petitions/teachers/poster.pdf").status_code == 404
    page = visitor.get("/en/petitions/teachers")
    assert page.status_code == 200
    for place in ("poster.pdf", "sheet.pdf", "share.png"):
        assert place not in page.text
    assert "share.png" not in visitor.get("/en/petitions/teachers/snippet").text


def test_with_pango_the_page_leads_to_them(visitor: FlaskClient) -> None:
    page = visitor.get("/en/petitions/teachers").text
    for place in ("poster.pdf", "sheet.pdf", "share.png"):
        assert place in page


def test_the_record_shows_what_was_handed_over(visitor: FlaskClient, database: Database) -> None:
    empty = visitor.get("/en/petitions/teachers/delivery")
    assert "Nothing has been handed over yet." in empty.text
    with database.unit_of_work() as session:
        delivering.record(
            session, 1, form="pdf", language="fa", line="5e" * 16, digest="ab" * 32, day=DAY
        )
    told = visitor.get("/en/petitions/teachers/delivery")
    for word in (
        "5e" * 16,
        "ab" * 16 + "<wbr>" + "ab" * 16,
        "Document (PDF), فارسی",
        "24 November 2026",
    ):
        assert word in told.text
    assert "Nothing has been handed over yet." not in told.text
    assert visitor.get("/fa/petitions/pensions/delivery").status_code == 200
