"""An export in the workroom: asked for, offered once, gone; ``staff lock`` deletes it (C20, C28)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.database import Database
from app.desk import exporting
from app.desk.models import NO_KEYS, Export
from app.staff.models import EDITOR, ORGANISER
from tests.staff.workroom import NOON, SignedIn, acts

pytestmark = pytest.mark.usefixtures("site")

PAGE = "/staff/exports/1"
FILE = b"age-encryption.org/v1\n" + bytes(range(256))


def make(database: Database, octets: bytes = FILE) -> None:
    """What the worker does."""
    with database.unit_of_work() as session:
        for export in exporting.waiting(session):
            exporting.ready(session, export.id, octets)


def states(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(sa.select(Export.state)))


def test_C20_an_export_is_fetched_once_and_then_gone(
    database: Database, signed_in: SignedIn
) -> None:
    # given an export that one colleague asked for and the worker made
    organiser, colleague = signed_in(ORGANISER), signed_in("admin")
    assert PAGE in organiser.get("/staff/petitions/1/campaign").text
    assert "Nobody has asked" in organiser.get(PAGE).text
    assert organiser.post(PAGE).status_code == 303
    assert "Being made" in organiser.get(PAGE).text
    make(database)
    page = organiser.get(PAGE)
    assert "fetched once" in page.text
    assert "v1" not in page.text
    assert states(database) == ["ready"], "looking takes nothing"
    # when both press the button
    first, second = colleague.post(f"{PAGE}/fetch"), organiser.post(f"{PAGE}/fetch")
    # then one has the file, and nothing of it is left
    assert (first.status_code, first.data) == (200, FILE)
    assert first.headers["Content-Type"] == "application/octet-stream"
    assert first.headers["Content-Disposition"] == 'attachment; filename="petition-1.age"'
    assert first.headers["Cache-Control"] == "no-store"
    assert second.status_code == 303
    assert states(database) == []
    assert "no longer here" in organiser.get(PAGE).text
    assert acts(database)[-2:] == [
        ("petition.export-asked", "petition:1"),
        ("petition.export-fetched", "petition:1"),
    ]


def test_C20_why_there_is_none_is_said_and_it_can_be_asked_for_anew(
    database: Database, signed_in: SignedIn
) -> None:
    organiser = signed_in(ORGANISER)
    organiser.post(PAGE)
    with database.unit_of_work() as session:
        [export] = exporting.waiting(session)
        exporting.failed(session, export.id, NO_KEYS)
    assert "PEYVAND_OFFICER_KEYS" in organiser.get(PAGE).text
    assert organiser.post(f"{PAGE}/fetch").status_code == 303
    organiser.post(PAGE)
    assert states(database) == ["asked"]


def test_C20_one_made_anew_replaces_the_unfetched_one(
    database: Database, signed_in: SignedIn
) -> None:
    organiser = signed_in(ORGANISER)
    organiser.post(PAGE)
    make(database)
    organiser.post(PAGE)
    assert organiser.post(f"{PAGE}/fetch").status_code == 303, "the older one is not offered"
    make(database, b"newer")
    assert organiser.post(f"{PAGE}/fetch").data == b"newer"


def test_C28_locking_the_house_deletes_every_export(
    database: Database, signed_in: SignedIn, site: Flask
) -> None:
    signed_in(ORGANISER).post(PAGE)
    make(database)
    result = site.test_cli_runner().invoke(args=["staff", "lock"])
    assert "all exports" in result.output
    assert states(database) == []


def test_C28_an_editor_neither_asks_nor_fetches(database: Database, signed_in: SignedIn) -> None:
    with database.unit_of_work() as session:
        exporting.ask(session, 1, account_id=1, day=NOON.date())
    make(database)
    editor = signed_in(EDITOR)
    for answer in (editor.get(PAGE), editor.post(PAGE), editor.post(f"{PAGE}/fetch")):
        assert answer.status_code == 403
    assert PAGE not in editor.get("/staff/petitions/1/campaign").text
    assert states(database) == ["ready"]


def test_a_draft_has_no_export(database: Database, signed_in: SignedIn) -> None:
    organiser = signed_in(ORGANISER)
    assert "nothing to hand over" in organiser.get("/staff/exports/2").text
    assert organiser.post("/staff/exports/2").status_code == 404
    assert organiser.get("/staff/exports/99").status_code == 404
    assert states(database) == []
