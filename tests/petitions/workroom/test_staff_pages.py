"""The petition editor: languages side by side, versions, preview, opening and closing."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.database import Database
from app.petitions import addressing, editing
from app.petitions.models import CLOSED, DRAFT, OPEN, Petition, PetitionText
from app.staff.models import EDITOR, ORGANISER
from tests.petitions import campaigning
from tests.staff.workroom import WHOLE, SignedIn, acts

SETTINGS = {"slug": "nurses", "goal": "2000"}
OILERS = {"slug": "oil-workers", "goal": "2000"}


def typed(code: str, seen: int, **change: str) -> dict[str, str]:
    """What the form sends for one language: the whole text with changes."""
    words = {name: getattr(WHOLE, name) for name in editing.LONGEST}
    return {f"{code}-{name}": text for name, text in {**words, **change, "seen": str(seen)}.items()}


def versions(database: Database, petition_id: int = 2) -> list[tuple[str, int, str]]:
    with database.reading() as session:
        rows = session.scalars(
            sa.select(PetitionText)
            .where(PetitionText.petition_id == petition_id)
            .order_by(PetitionText.id)
        )
        return [(row.language, row.version, row.title) for row in rows]


def state_of(database: Database, petition_id: int = 2) -> str:
    with database.reading() as session:
        return session.get_one(Petition, petition_id).state


def test_a_new_petition_is_a_draft_with_its_texts(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    data = {"slug": "Oil-Workers", "goal": "۵٬۰۰۰", "live": "y", **typed("fa", 0), **typed("en", 0)}
    answer = signed_in(EDITOR).post("/staff/petitions/new", data=data)
    assert (answer.status_code, answer.location) == (303, "/staff/petitions/3")
    with database.reading() as session:
        made = session.get_one(Petition, 3)
        assert (made.slug, made.goal, made.live, made.hand_over_names, made.state) == (
            "oil-workers",
            5000,
            True,
            False,
            DRAFT,
        )
    assert {language for language, _, _ in versions(database, 3)} == {"fa", "en"}
    assert acts(database) == [
        ("petition.created", "petition:3"),
        ("petition.wrote", "petition:3"),
        ("petition.wrote", "petition:3"),
    ]
    assert site.test_client().get("/en/petitions/oil-workers").status_code == 404


def test_saving_makes_a_version_where_the_text_changed_and_nowhere_else(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    client = signed_in(EDITOR)
    data = {**SETTINGS, **typed("en", 1), **typed("fa", 0, title="نه به اضافه‌کاری")}
    answer = client.post("/staff/petitions/2", data=data)
    assert answer.status_code == 303
    assert versions(database) == [("en", 1, WHOLE.title), ("fa", 1, "نه به اضافه‌کاری")]
    page = client.get("/staff/petitions/2").text
    assert "Persian: version 1" in page
    assert acts(database) == [("petition.wrote", "petition:2")]


def test_a_colleague_who_saved_first_is_not_overwritten_but_shown(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    one, other = signed_in(EDITOR), signed_in(ORGANISER)
    assert (
        other.post(
            "/staff/petitions/2", data={**SETTINGS, **typed("en", 1, title="Theirs")}
        ).status_code
        == 303
    )
    mine = {**SETTINGS, "goal": "77", **typed("en", 1, title="Mine")}
    answer = one.post("/staff/petitions/2", data=mine)
    assert answer.status_code == 409
    assert "A colleague saved this petition meanwhile" in answer.text
    assert 'value="Mine"' in answer.text
    assert "Theirs" in answer.text
    assert [title for _, _, title in versions(database)] == [WHOLE.title, "Theirs"]
    with database.reading() as session:
        assert session.get_one(Petition, 2).goal == 2000
    seen = re.search(r'name="en-seen"[^>]*value="(\d+)"', answer.text)
    assert seen is not None
    again = one.post("/staff/petitions/2", data={**mine, "en-seen": seen.group(1)})
    assert again.status_code == 303
    assert versions(database)[-1] == ("en", 3, "Mine")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"slug": ""}, "Latin letters"),
        ({"slug": "معلمان"}, "Latin letters"),
        ({"slug": "a/b"}, "Latin letters"),
        ({"slug": "teachers"}, "Another petition or language has this address"),
        ({"en-slug": "teachers"}, "Another petition or language has this address"),
        ({"en-slug": "a/b"}, "Persian or Latin letters"),
        ({"goal": ""}, "whole number"),
        ({"goal": "many"}, "whole number"),
        ({"goal": "0"}, "between 1 and ten million"),
        ({"en-title": "x" * 201}, "at most 200 characters"),
    ],
)
def test_R06_what_cannot_be_taken_is_said_and_nothing_is_lost_or_stored(
    signed_in: SignedIn, site: Flask, database: Database, change: dict[str, str], words: str
) -> None:
    data = {**SETTINGS, **typed("en", 1, summary="A new summary"), **change}
    answer = signed_in(EDITOR).post("/staff/petitions/2", data=data)
    assert answer.status_code == 422
    assert "<title>Error:" in answer.text
    assert words in answer.text
    assert "A new summary" in answer.text
    assert len(versions(database)) == 1
    assert acts(database) == []


def test_address_and_source_of_an_open_petition_stay_whatever_is_sent(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    page = signed_in(EDITOR).get("/staff/petitions/1").text
    assert "/en/petitions/teachers" in page
    with database.reading() as session:
        texts = editing.newest(editing.get(session, 1))
    data = {"slug": "elsewhere", "source_language": "en", "goal": "9000"}
    for code, text in texts.items():
        data |= {f"{code}-{name}": getattr(text, name) for name in editing.LONGEST}
        data[f"{code}-seen"] = str(text.version)
    assert signed_in(EDITOR).post("/staff/petitions/1", data=data).status_code == 303
    with database.reading() as session:
        kept = session.get_one(Petition, 1)
        assert (kept.slug, kept.source_language, kept.goal) == ("teachers", "fa", 9000)
    assert acts(database) == [("petition.changed", "petition:1")]


def test_each_language_has_an_address_that_its_editor_chose(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    # given an open petition, whose editor is offered an address made from each title
    with database.reading() as session:
        texts = editing.newest(editing.get(session, 1))
    page = signed_in(EDITOR).get("/staff/petitions/1").text
    for text in texts.values():
        assert f'<option value="{addressing.suggestion(text.title)}">' in page
    # when they choose one for each language, and then another
    data = {"slug": "teachers", "goal": "9000"}
    for code, text in texts.items():
        data |= {f"{code}-{name}": getattr(text, name) for name in editing.LONGEST}
        data |= {f"{code}-seen": str(text.version), f"{code}-slug": "free-them"}
    data["fa-slug"] = "معلم‌ها"
    for _ in range(2):
        assert signed_in(EDITOR).post("/staff/petitions/1", data=data).status_code == 303
    signed_in(EDITOR).post("/staff/petitions/1", data={**data, "en-slug": "teachers-free"})
    # then the editor shows them, readers find them, and the old one leads on
    page = signed_in(EDITOR).get("/staff/petitions/1").text
    assert re.search(r'name="fa-slug"[^>]*value="معلم-ها"', page)
    assert re.search(r'name="en-slug"[^>]*value="teachers-free"', page)
    reader = site.test_client()
    assert reader.get("/fa/petitions/معلم-ها").status_code == 200
    assert reader.get("/en/petitions/free-them").location == "/en/petitions/teachers-free"
    assert acts(database).count(("petition.addressed", "petition:1")) == 3


def test_C25_the_preview_is_the_public_page_shut_in(signed_in: SignedIn, site: Flask) -> None:
    answer = signed_in(EDITOR).get("/staff/petitions/2/preview/en")
    policy = answer.headers["Content-Security-Policy"]
    assert answer.status_code == 200
    assert policy.startswith("sandbox allow-same-origin; default-src 'none'")
    assert "frame-ancestors 'self'" in policy
    assert "allow-scripts" not in policy
    assert "allow-forms" not in policy
    assert WHOLE.title in answer.text
    assert 'id="sign"' in answer.text
    assert "This petition is closed" not in answer.text


@pytest.mark.parametrize("locale", ["fa", "en"])
def test_a_preview_of_an_open_petition_is_what_readers_see(
    signed_in: SignedIn, site: Flask, database: Database, locale: str
) -> None:
    # given an open petition with an organisation, an update, sheets and signers
    with database.unit_of_work() as session:
        petition = session.get_one(Petition, 1)
        campaigning.an_endorsement(session, petition, statement="We stand with them.")
        campaigning.an_update(session, petition, fa="وزیر پاسخ داد", en="The minister answered")
        campaigning.paper(session, petition, 120)
        for _signer in range(20):
            campaigning.a_signature(session, petition, "م. ر.", shown_in=1)
    # when it is previewed, then all of it is there, to the byte
    preview = signed_in(EDITOR).get(f"/staff/petitions/1/preview/{locale}")
    page = site.test_client().get(f"/{locale}/petitions/teachers")
    main = re.compile(r"<main\b.*</main>", re.DOTALL)
    assert main.findall(preview.text) == main.findall(page.text)
    for word in ("Example Education Union", "We stand with them.", "م. ر."):
        assert word in preview.text


def test_a_preview_in_a_language_without_text_shows_the_one_there_is(
    signed_in: SignedIn, site: Flask
) -> None:
    client = signed_in(EDITOR)
    page = client.get("/staff/petitions/2/preview/fa")
    assert 'lang="fa" dir="rtl"' in page.text
    assert WHOLE.title in page.text
    assert client.get("/staff/petitions/2/preview/xx").status_code == 404
    assert client.get("/staff/petitions/9/preview/fa").status_code == 404
    assert (
        'lang="en"' in client.get("/staff/petitions").text[:200]
    )  # the preview's language was its own


def test_R05_opening_is_asked_once_and_done_once(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    client = signed_in(ORGANISER)
    page = client.get("/staff/petitions/2/open").text
    assert "Readers of a language that is missing" in page
    assert client.post("/staff/petitions/2/open").status_code == 303
    assert state_of(database) == OPEN
    assert client.post("/staff/petitions/2/open").status_code == 409
    assert site.test_client().get("/en/petitions/nurses").status_code == 200
    assert acts(database) == [("petition.opened", "petition:2")]


def test_what_keeps_a_petition_from_opening_is_said(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    client = signed_in(ORGANISER)
    half = {**SETTINGS, **typed("en", 1), "fa-title": "نه", "fa-seen": "0"}
    client.post("/staff/petitions/2", data=half)
    page = client.get("/staff/petitions/2/open").text
    assert "disabled" in page
    assert "half written" in page
    answer = client.post("/staff/petitions/2/open")
    assert answer.status_code == 422
    assert "The text in" in answer.text
    assert state_of(database) == DRAFT


def test_a_petition_closes_for_good(signed_in: SignedIn, site: Flask, database: Database) -> None:
    client = signed_in(ORGANISER)
    assert client.post("/staff/petitions/2/close").status_code == 409
    assert client.post("/staff/petitions/1/close").status_code == 303
    assert state_of(database, 1) == CLOSED
    assert client.post("/staff/petitions/1/open").status_code == 409
    assert acts(database) == [("petition.closed", "petition:1")]


def test_an_editor_writes_but_does_not_open(signed_in: SignedIn, site: Flask) -> None:
    page = signed_in(EDITOR).get("/staff/petitions/2").text
    assert "/staff/petitions/2/open" not in page
    assert "/staff/petitions/2/open" in signed_in(ORGANISER).get("/staff/petitions/2").text


def test_the_list_says_what_is_missing(signed_in: SignedIn, site: Flask) -> None:
    page = signed_in(EDITOR).get("/staff/petitions").text
    assert "Persian: missing" in page
    assert WHOLE.title in page
    assert "fewer than 20" in page


def test_F03_markup_in_a_text_is_shown_as_text(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    client = signed_in(EDITOR)
    nasty = "<script>alert(1)</script>"
    data = {**SETTINGS, **typed("en", 1, title=nasty, body=nasty + "\n\n[x](javascript:alert(1))")}
    assert client.post("/staff/petitions/2", data=data).status_code == 303
    for page in (
        "/staff",
        "/staff/petitions",
        "/staff/petitions/2",
        "/staff/petitions/2/preview/en",
    ):
        text = client.get(page).text
        assert "<script>alert" not in text
        assert 'href="javascript' not in text


def test_F08_a_translation_is_reviewed_beside_what_changed(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    # given a petition written and translated by an editor, who may not approve
    data = {**OILERS, "source_language": "fa", **typed("fa", 0), **typed("en", 0)}
    editor = signed_in(EDITOR)
    assert editor.post("/staff/petitions/new", data=data).status_code == 303
    page = editor.get("/staff/petitions/3").text
    assert "English: to review" in page
    assert "It says what the source says" not in page
    approving = {"seen": "1", "source": "1"}
    assert editor.post("/staff/petitions/3/approve/en", data=approving).status_code == 403
    # when an organiser approves it as it was read
    organiser = signed_in(ORGANISER)
    assert "It says what the source says" in organiser.get("/staff/petitions/3").text
    answer = organiser.post("/staff/petitions/3/approve/en", data=approving)
    assert answer.status_code == 303
    assert ("petition.approved", "petition:3") in acts(database)
    assert "English: approved, version 1" in organiser.get("/staff/petitions/3").text
    # then a change of the source makes it stale, and shows what changed
    changed = {**OILERS, **typed("fa", 1, title="چیزی دیگر"), **typed("en", 1)}
    organiser.post("/staff/petitions/3", data=changed)
    page = organiser.get("/staff/petitions/3").text
    assert "English: stale" in page
    assert "<ins>چیزی دیگر</ins>" in page
    # and an approval of what was read before is refused
    assert organiser.post("/staff/petitions/3/approve/en", data=approving).status_code == 409


def test_F08_a_translation_saved_beside_a_new_source_is_one_of_that_source(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    organiser = signed_in(ORGANISER)
    data = {**OILERS, "source_language": "en", **typed("fa", 0), **typed("en", 0)}
    organiser.post("/staff/petitions/new", data=data)
    both = {**data, **typed("fa", 1, title="تازه"), **typed("en", 1, title="New")}
    organiser.post("/staff/petitions/3", data=both)
    with database.reading() as session:
        petition = editing.get(session, 3)
        newest = editing.newest(petition)
    assert (newest["en"].version, newest["en"].source_version) == (2, None)
    assert (newest["fa"].version, newest["fa"].source_version) == (2, 2)
