"""Staff give a petition its picture and an organisation its logo; a bad upload is explained and leaves nothing."""

from __future__ import annotations

import io

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart

from app.core.database import Database
from app.petitions import redrawing
from app.petitions.campaign_models import Picture
from app.staff import gate
from app.staff.models import EDITOR, ORGANISER, TRANSLATOR
from tests.pages import story
from tests.petitions import drawings
from tests.petitions.drawings import CANARY
from tests.staff.workroom import SignedIn, acts

PICTURE, DRAFT, LOGO = (
    "/staff/petitions/1/picture",
    "/staff/petitions/2/picture",
    "/staff/organisations/1/logo",
)
ALTS = {"alt_fa": "کلاسی خالی", "alt_en": "An empty classroom"}


def sends(
    client: FlaskClient, place: str, file: bytes | None, name: str = "IMG_2041.jpg", **more: str
) -> TestResponse:
    data: dict[str, object] = {**ALTS, **more}
    if file is not None:
        data["picture"] = FileStorage(io.BytesIO(file), name, "picture")
    boundary, body = encode_multipart(MultiDict(data))
    kind = f"multipart/form-data; boundary={boundary}"
    return client.post(place, data=body, content_type=kind)


def kept(database: Database) -> list[tuple[int | None, int | None, dict[str, str]]]:
    with database.reading() as session:
        rows = session.scalars(sa.select(Picture).order_by(Picture.id))
        return [(row.petition_id, row.organisation_id, row.alts) for row in rows]


def test_C23_a_picture_loses_its_notes_and_its_name_on_the_way(
    site: Flask, database: Database, signed_in: SignedIn
) -> None:
    editor = signed_in(EDITOR)
    file = drawings.with_notes("JPEG")
    answer = sends(editor, PICTURE, file, name=f"{CANARY.decode()}.jpg")
    assert (answer.status_code, answer.location) == (303, PICTURE)
    assert kept(database) == [(1, None, {"fa": "کلاسی خالی", "en": "An empty classroom"})]
    assert CANARY.decode() not in story.dump(database)
    assert CANARY.hex().upper() not in story.dump(database)
    shown = editor.get(f"{PICTURE}.webp")
    assert shown.mimetype == "image/webp"
    assert CANARY not in shown.data
    assert shown.headers["Cache-Control"] == "no-store"
    page = editor.get(PICTURE).text
    assert f'src="{PICTURE}.webp' in page
    assert 'alt="An empty classroom"' in page
    editor.post(f"{PICTURE}/remove")
    assert kept(database) == []
    assert editor.get(f"{PICTURE}.webp").status_code == 404
    assert [act for act, _ in acts(database)] == [
        "petition.picture-kept",
        "petition.picture-removed",
    ]


def test_what_is_said_of_it_is_changed_alone(
    site: Flask, database: Database, signed_in: SignedIn
) -> None:
    editor = signed_in(EDITOR)
    sends(editor, PICTURE, drawings.with_notes("PNG"))
    before = editor.get(f"{PICTURE}.webp").data
    assert sends(editor, PICTURE, None, alt_en="Desks").status_code == 303
    assert kept(database)[0][2]["en"] == "Desks"
    assert editor.get(f"{PICTURE}.webp").data == before


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (None, "Choose a file first."),
        (b"", "cannot be read as a picture"),
        (b"<svg onload='alert(1)'/>", "cannot be read as a picture"),
        (drawings.written(drawings.image(), "GIF"), "cannot be read as a picture"),
        (drawings.written(drawings.noise(300, 300))[:5000], "cannot be read as a picture"),
        (drawings.bomb(), "more than 16 million pixels"),
        (drawings.written(drawings.image(20, 20)), "too small"),
        (drawings.written(drawings.image(1000, 220)), "too narrow"),
        (drawings.with_notes("PNG") + bytes(redrawing.MOST_OCTETS), "larger than 8 megabytes"),
    ],
)
def test_R06_a_bad_upload_is_explained_and_leaves_nothing(
    site: Flask, database: Database, signed_in: SignedIn, file: bytes | None, told: str
) -> None:
    before = story.dump(database)
    for place in (PICTURE, LOGO):
        if (place, told) == (LOGO, "too small"):
            continue
        answer = sends(signed_in(ORGANISER), place, file)
        assert answer.status_code == 422
        assert told in answer.text
        assert 'aria-invalid="true"' in answer.text
        assert "<title>Error:" in answer.text
    assert kept(database) == []
    rows = [line for line in before.splitlines() if "staff_session" not in line]
    after = [line for line in story.dump(database).splitlines() if "staff_session" not in line]
    assert after == rows


def test_R06_a_description_is_asked_for_and_what_was_typed_stays(
    site: Flask, database: Database, signed_in: SignedIn
) -> None:
    answer = sends(signed_in(EDITOR), PICTURE, drawings.with_notes("PNG"), alt_fa="")
    assert answer.status_code == 422
    assert "Say what the picture shows" in answer.text
    assert 'value="An empty classroom"' in answer.text
    assert "choose it again" in answer.text
    assert kept(database) == []


def test_R06_more_than_the_page_takes_is_refused_unread(
    site: Flask, database: Database, signed_in: SignedIn
) -> None:
    limit = redrawing.MOST_OCTETS + gate.LARGEST_FORM
    answer = sends(signed_in(EDITOR), PICTURE, bytes(limit))
    assert answer.status_code == 413
    assert "smaller file" in answer.text
    assert kept(database) == []


def test_only_these_forms_take_so_much_and_only_of_whom_a_session_is_known(
    site: Flask, database: Database, signed_in: SignedIn
) -> None:
    file = bytes(gate.LARGEST_FORM + 1)
    assert sends(signed_in(ORGANISER), "/staff/petitions/1/updates", file).status_code == 413
    assert sends(signed_in(ORGANISER), PICTURE, file).status_code == 422
    site.config["WTF_CSRF_ENABLED"] = True  # as it runs: the token is looked for before the gate
    stranger = site.test_client()
    assert sends(stranger, PICTURE, file).status_code == 413
    assert sends(stranger, "/en/petitions/teachers/sign", bytes(70_000)).status_code == 413


def test_C28_a_translator_and_a_stranger_see_and_change_nothing(
    site: Flask, database: Database, signed_in: SignedIn
) -> None:
    sends(signed_in(EDITOR), DRAFT, drawings.with_notes("PNG"), alt_fa="")
    translator, stranger = signed_in(TRANSLATOR), site.test_client()
    for place in (DRAFT, f"{DRAFT}.webp", LOGO, f"{LOGO}.webp"):
        assert translator.get(place).status_code == 403
        assert stranger.get(place).status_code == 303
    for place in (DRAFT, f"{DRAFT}/remove", LOGO, f"{LOGO}/remove"):
        assert sends(translator, place, drawings.with_notes("PNG")).status_code == 403
        assert sends(stranger, place, drawings.with_notes("PNG")).status_code == 403
    assert signed_in(EDITOR).get(LOGO).status_code == 403
    assert [row[0] for row in kept(database)] == [2]


def test_a_draft_s_picture_is_seen_in_its_preview_and_nowhere_else(
    site: Flask, database: Database, signed_in: SignedIn
) -> None:
    editor = signed_in(EDITOR)
    sends(editor, DRAFT, drawings.with_notes("WEBP"))
    page = editor.get("/staff/petitions/2/preview/en").text
    assert f'<img src="{DRAFT}.webp" width="480" height="320" alt="An empty classroom">' in page
    with database.reading() as session:
        digest = session.scalars(sa.select(Picture.digest)).one()
    stranger = site.test_client()
    assert stranger.get(f"/pictures/{digest}.webp").status_code == 404
    assert f'href="{DRAFT}"' in editor.get("/staff/petitions/2").text


def test_U01_a_logo_is_kept_replaced_and_removed(
    site: Flask, database: Database, signed_in: SignedIn
) -> None:
    organiser = signed_in(ORGANISER)
    assert f'href="{LOGO}"' in organiser.get("/staff/organisations/1").text
    for colour in ("teal", "navy"):
        file = drawings.written(drawings.image(900, 600, colour=colour))
        assert sends(organiser, LOGO, file).status_code == 303
    [(petition_id, organisation_id, _)] = kept(database)
    assert (petition_id, organisation_id) == (None, 1)
    logo = drawings.opened(organiser.get(f"{LOGO}.webp").data)
    assert logo.size == (400, 267)
    assert 'width="400" height="267"' in organiser.get(LOGO).text
    organiser.post(f"{LOGO}/remove")
    assert kept(database) == []
    assert [act for act, _ in acts(database)][-1] == "organisation.logo-removed"
