"""What other sites may show of a petition: words to copy and a picture to keep there, nothing loaded from here (C22)."""

from __future__ import annotations

import re
from html import unescape
from xml.etree import ElementTree as ET

import pytest
from flask.testing import FlaskClient

from app.core.database import Database
from app.petitions import picturing, redrawing, typesetting
from app.petitions.models import CLOSED, DRAFT, Petition
from tests.factories import TEXTS
from tests.pages import story
from tests.petitions import drawings

PLACE = "petitions/teachers/snippet"


def snippet(visitor: FlaskClient, locale: str = "en") -> ET.Element:
    """The text to copy, which is well-formed whatever the titles hold."""
    page = visitor.get(f"/{locale}/{PLACE}")
    assert page.status_code == 200
    [typed] = re.findall(r"<textarea[^>]*\breadonly\b[^>]*>(.*?)</textarea>", page.text, re.DOTALL)
    return ET.fromstring(unescape(typed).replace("<br>", "<br/>").replace('auto">', 'auto"/>'))  # noqa: S314 (our own)


@pytest.mark.parametrize("locale", ["fa", "en"])
def test_C22_the_text_leads_here_and_loads_nothing_from_here(
    visitor: FlaskClient, locale: str
) -> None:
    found = snippet(visitor, locale)
    [link] = found.iter("a")
    assert str(link.get("href")).endswith(f"/{locale}/p/1")
    assert (found.get("lang"), found.get("dir")) == (locale, "rtl" if locale == "fa" else "ltr")
    assert TEXTS[locale]["title"] in "".join(found.itertext())
    [picture] = found.iter("img")
    assert picture.get("src") == f"teachers-share.{locale}.png", "a name of the other site's own"
    assert {element.tag for element in found.iter()} == {"p", "a", "img", "br", "strong"}


@pytest.mark.parametrize("locale", ["fa", "en"])
def test_its_picture_can_be_downloaded_under_that_name(visitor: FlaskClient, locale: str) -> None:
    page = visitor.get(f"/{locale}/{PLACE}").text
    [(source, name)] = re.findall(r'href="([^"]+)" download="([^"]+)"', page)
    answer = visitor.get(source)
    assert answer.data.startswith(b"\x89PNG")
    assert name == f"teachers-share.{locale}.png"
    assert f'filename="{name}"' in answer.headers["Content-Disposition"]


def test_M16_a_title_cannot_leave_its_place(visitor: FlaskClient, database: Database) -> None:
    title = '"><script>alert(1)</script></textarea>{{ 7*7 }}%(x)s'
    with database.unit_of_work() as session:
        for text in session.get_one(Petition, 1).texts:
            text.title = title
    assert title in "".join(snippet(visitor).itertext())
    assert "<script" not in visitor.get(f"/en/{PLACE}").text


def test_without_pango_the_petition_s_own_picture_stands_in(
    visitor: FlaskClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typesetting, "available", lambda: False)
    assert list(snippet(visitor).iter("img")) == []
    drawn = redrawing.picture(drawings.written(drawings.image()))
    with database.unit_of_work() as session:
        picturing.keep(session, 1, drawn, {"fa": "کلاسی خالی", "en": 'An "empty" classroom'})
    [picture] = snippet(visitor).iter("img")
    assert (picture.get("src"), picture.get("alt")) == ("teachers.webp", 'An "empty" classroom')
    assert f'href="/pictures/{drawn.digest}.webp" download="teachers.webp"' in (
        visitor.get(f"/en/{PLACE}").text
    )


def test_a_text_that_fell_back_is_called_in_its_own_language(
    visitor: FlaskClient, database: Database
) -> None:
    with database.unit_of_work() as session:
        for text in list(session.get_one(Petition, 1).texts):
            if text.language == "en":
                session.delete(text)
    found = snippet(visitor)
    assert found.get("lang") == "fa"
    assert "کارزار را امضا کنید" in "".join(found.itertext())


def test_a_closed_petition_is_read_and_a_draft_has_none(
    visitor: FlaskClient, database: Database
) -> None:
    for state, status in ((CLOSED, 200), (DRAFT, 404)):
        with database.unit_of_work() as session:
            session.get_one(Petition, 1).state = state
        answer = visitor.get(f"/en/{PLACE}")
        assert answer.status_code == status
        assert "Sign this petition" not in answer.text
    assert visitor.get("/en/petitions/nobody/snippet").status_code == 404


@pytest.mark.parametrize("where", ["petitions/teachers", "petitions/teachers/thanks"])
def test_the_page_and_the_thanks_lead_there_and_share_by_plain_links(
    visitor: FlaskClient, where: str
) -> None:
    answer = visitor.get(f"/en/{where}")
    assert f"/en/{PLACE}" in story.hrefs(answer)
    away = [link for link in story.hrefs(answer, "section") if not link.startswith("/")]
    away += re.findall(
        r'href="(https://(?:t\.me|wa\.me|x\.com|www\.facebook\.com)/[^"]*)"', answer.text
    )
    assert len({link.split("/")[2] for link in away if link.startswith("https:")}) == 4
    for tag in re.findall(r'<a [^>]*href="https://[^>]*>', answer.text):
        assert 'rel="noreferrer"' in tag
    carried = unescape(" ".join(away))
    assert "/en/p/1" in carried
    for word in ("utm", "ref=", "check", "workroom"):
        assert word not in carried
