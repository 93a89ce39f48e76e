"""Staff look at what is held back and at what signers want shown, by form and keyboard alone (C19, C28)."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from app.core.database import Database
from app.petitions.models import APPROVED, WAITS, Petition, Signature
from app.staff.models import EDITOR, ORGANISER
from tests.petitions.test_guarding import signatures
from tests.staff.workroom import SignedIn, acts

pytestmark = pytest.mark.usefixtures("site")

GUARD = "/staff/petitions/1/guard"
MODERATE = "/staff/petitions/moderate"


def held(database: Database, count: int, reason: str = "burst") -> None:
    with database.unit_of_work() as session:
        signatures(session, session.get_one(Petition, 1), count, state={"held": reason})


def numbers(database: Database) -> tuple[int, int, int]:
    """How many are held, taken out, and count."""
    with database.reading() as session:
        rows = session.execute(sa.select(Signature.held, Signature.invalid)).all()
    out = sum(1 for row in rows if row.invalid)
    waiting = sum(1 for row in rows if row.held)
    return waiting, out, len(rows) - out - waiting


def test_held_signatures_are_let_go_taken_out_and_taken_back(
    database: Database, signed_in: SignedIn
) -> None:
    held(database, 25)
    organiser = signed_in(ORGANISER)
    assert "25" in organiser.get(GUARD).text
    organiser.post(GUARD, data={"do": "invalidate:burst", "why": "one robot"})
    assert numbers(database) == (0, 25, 0)
    assert "one robot" in organiser.get(GUARD).text
    organiser.post(GUARD, data={"do": "restore:one robot"})
    assert numbers(database) == (0, 0, 25)
    held(database, 20)
    organiser.post(GUARD, data={"do": "release:burst"})
    assert numbers(database) == (0, 0, 45)
    assert {"guard.invalidate", "guard.restore", "guard.release"} <= {
        act for act, _ in acts(database)
    }


def test_taking_out_without_a_reason_is_asked_about(
    database: Database, signed_in: SignedIn
) -> None:
    held(database, 20)
    answer = signed_in(ORGANISER).post(GUARD, data={"do": "invalidate:burst", "why": " "})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert numbers(database) == (20, 0, 0)


def test_C19_few_are_fewer_than_twenty(database: Database, signed_in: SignedIn) -> None:
    held(database, 7)
    page = signed_in(ORGANISER).get(GUARD).text
    assert "fewer than 20" in page
    assert not re.search(r"\b7\b", re.sub(r"<[^>]*>", " ", page.partition("<main")[2]))


def test_under_attack_everything_is_held_by_one_button(
    database: Database, signed_in: SignedIn
) -> None:
    organiser = signed_in(ORGANISER)
    for act, on in (("hold", True), ("let", False)):
        organiser.post(GUARD, data={"do": act})
        with database.reading() as session:
            assert session.get_one(Petition, 1).hold_all is on


def test_C28_who_only_writes_neither_moderates_nor_guards(signed_in: SignedIn) -> None:
    editor = signed_in(EDITOR)
    assert editor.get(GUARD).status_code == 403
    assert editor.get(MODERATE).status_code == 403
    assert editor.post(GUARD, data={"do": "hold"}).status_code == 403


def test_what_is_ticked_is_settled_and_the_rest_waits(
    database: Database, signed_in: SignedIn
) -> None:
    named = {"shown_as": "full-name", "shown_state": WAITS}
    with database.unit_of_work() as session:
        petition = session.get_one(Petition, 1)
        for name in ("Ana", "Ben", "Cem"):
            signatures(session, petition, 1, state={**named, "shown_name": name})
    organiser = signed_in(ORGANISER)
    page = organiser.get(MODERATE).text
    keys = dict(
        zip(
            re.findall(r"<b>(Ana|Ben|Cem)</b>", page),
            re.findall(r'name="shown" value="([^"]+)"', page),
            strict=True,
        )
    )
    ticked = {keys["Ana"]: "approve", keys["Ben"]: "refuse", keys["Cem"]: ""}
    organiser.post(MODERATE, data={"shown": list(keys.values()), **ticked})
    with database.reading() as session:
        rows = session.execute(sa.select(Signature.shown_name, Signature.shown_state)).all()
    assert {(row.shown_name, row.shown_state) for row in rows} == {
        ("Ana", APPROVED),
        ("", ""),
        ("Cem", WAITS),
    }
    # and one button shows all that the page showed
    organiser.post(MODERATE, data={"shown": [keys["Cem"]], "all": "approve"})
    assert "Nothing waits to be looked at" in organiser.get(MODERATE).text
