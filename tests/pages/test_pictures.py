"""Pictures and logos on public pages and in the JSON: served once and for good, and only while something shows them."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from app.core.database import Database
from app.petitions import picturing, redrawing
from app.petitions.models import DRAFT, Petition
from app.web.headers import PUBLIC_POLICY
from tests.petitions import drawings
from tests.petitions.campaigning import an_endorsement

ALTS = {"fa": "کلاسی خالی", "en": "An empty classroom"}
PICTURE = redrawing.picture(drawings.with_notes("JPEG"))
LOGO = redrawing.logo(drawings.written(drawings.image(600, 300)))


@pytest.fixture
def shown(database: Database) -> str:
    """The teachers' petition with a picture, and a union with a logo behind it; the picture's address."""
    with database.unit_of_work() as session:
        picturing.keep(session, 1, PICTURE, ALTS)
        endorsement = an_endorsement(
            session, session.get_one(Petition, 1), en="Example Union", statement="We stand by you."
        )
        picturing.keep_logo(session, endorsement.organisation_id or 0, LOGO)
    return f"/pictures/{PICTURE.digest}.webp"


def test_a_file_is_kept_for_good_and_is_nothing_but_a_picture(
    visitor: FlaskClient, shown: str
) -> None:
    answer = visitor.get(shown)
    assert (answer.status_code, answer.data) == (200, PICTURE.octets)
    assert answer.content_type == "image/webp"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == PUBLIC_POLICY
    assert "Set-Cookie" not in answer.headers
    assert "Last-Modified" not in answer.headers
    again = visitor.get(shown, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert visitor.head(shown).status_code == 200


@pytest.mark.parametrize(
    "digest", ["0" * 64, "x", PICTURE.digest[:-1], PICTURE.digest.upper(), "%00", "a" * 5000]
)
def test_another_digest_is_no_page_and_is_not_kept(
    visitor: FlaskClient, shown: str, digest: str
) -> None:
    answer = visitor.get(f"/pictures/{digest}.webp")
    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("locale", ["fa", "en"])
def test_A01_the_page_shows_it_with_its_size_and_in_words(
    visitor: FlaskClient, shown: str, locale: str
) -> None:
    page = visitor.get(f"/{locale}/petitions/teachers").text
    [tag] = re.findall(rf'<img src="{shown}"[^>]*>', page)
    assert 'width="480" height="320"' in tag
    assert f'alt="{ALTS[locale]}"' in tag
    assert f'src="/pictures/{LOGO.digest}.webp"' in page


def test_F01_a_description_in_another_language_says_so(
    visitor: FlaskClient, database: Database, shown: str
) -> None:
    with database.unit_of_work() as session:
        for text in list(session.get_one(Petition, 1).texts):
            if text.language == "en":
                session.delete(text)
        session.flush()
        session.expire_all()
        picturing.keep(session, 1, None, {"fa": ALTS["fa"]})
    page = visitor.get("/en/petitions/teachers").text
    assert f'alt="{ALTS["fa"]}" lang="fa" dir="rtl"' in page


def test_C22_a_page_loads_pictures_from_here_alone(visitor: FlaskClient, shown: str) -> None:
    page = visitor.get("/en/petitions/teachers").text
    sources = re.findall(r'<(?:img|source|iframe|script)[^>]* src="([^"]*)"', page)
    assert len(sources) >= 2
    assert all(source.startswith("/") and not source.startswith("//") for source in sources)


def test_a_draft_s_picture_and_logo_are_gone_with_the_page(
    visitor: FlaskClient, database: Database, shown: str
) -> None:
    with database.unit_of_work() as session:
        session.get_one(Petition, 1).state = DRAFT
    for place in (shown, f"/pictures/{LOGO.digest}.webp"):
        assert visitor.get(place).status_code == 404


def test_the_json_names_both(visitor: FlaskClient, shown: str) -> None:
    told = visitor.get("/api/petitions/1").get_json()
    picture, logo = told["picture"], told["endorsements"][0]["logo"]
    assert picture["url"].endswith(shown)
    assert (picture["width"], picture["height"], picture["alts"]) == (480, 320, ALTS)
    assert logo["url"].endswith(f"/pictures/{LOGO.digest}.webp")
    assert logo["alts"] == {}
    assert visitor.get("/api/petitions/2").get_json()["picture"] is None
