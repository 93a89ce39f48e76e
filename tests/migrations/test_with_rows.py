"""Migrations run up and down over rows that were there before, and lose none of what both ends know (R07)."""

from __future__ import annotations

from uuid import uuid4

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from app.core.database import make_engine
from tests.journeys.processes import ROOT

FIRST = "c923e8ead4ca"
ROWS = (
    """INSERT INTO petition (id, slug, state, goal, live, hand_over_names, published_total)
    VALUES (1, 'teachers', 'open', 100, false, false, 48)""",
    """INSERT INTO petition_text
    (id, petition_id, language, version, day, topic, title, summary, body, demands, addressee)
    VALUES (1, 1, 'fa', 1, '2026-11-24', '', 'عنوان', 'خلاصه', 'متن', '', 'وزیر')""",
    """INSERT INTO consent_wording (id, purpose, language, version, text)
    VALUES (1, 'signature', 'fa', 1, 'x')""",
)


def migrate(url: str, monkeypatch: pytest.MonkeyPatch, to: str) -> None:
    monkeypatch.setenv("PEYVAND_DATABASE_URL", url)
    config = Config(ROOT / "alembic.ini")
    (command.upgrade if to == "head" else command.downgrade)(config, to)


@pytest.mark.both_databases
def test_R07_a_signature_of_the_first_schema_lives_through_up_and_down(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a database of the first schema with a petition and a signature
    monkeypatch.setenv("PEYVAND_DATABASE_URL", database_url)
    command.upgrade(Config(ROOT / "alembic.ini"), FIRST)
    engine = make_engine(database_url)
    signature = uuid4()
    insert = sa.text(
        "INSERT INTO signature (id, petition_id, index_key_id, exact_hash, mailbox_hash, text_id,"
        " wording_id, day, shown_as, shown_name)"
        " VALUES (:id, 1, '1', :hash, :hash, 1, 1, '2026-11-24', 'initials', 'م. ر.')"
    ).bindparams(sa.bindparam("id", type_=sa.Uuid()))
    with engine.begin() as connection:
        for statement in ROWS:
            connection.execute(sa.text(statement))
        connection.execute(insert, {"id": signature, "hash": b"h" * 32})

    # when it goes up to the newest schema
    migrate(database_url, monkeypatch, "head")

    # then both are there, and what is new says nothing yet
    with engine.connect() as connection:
        row = connection.execute(
            sa.text("SELECT shown_name, shown_state, held, invalid, comment FROM signature")
        ).one()
        assert tuple(row) == ("م. ر.", "", "", "", "")
        petition = connection.execute(
            sa.text("SELECT published_total, source_language, hold_all FROM petition")
        ).one()
        assert (petition[0], petition[1], bool(petition[2])) == (48, "fa", False)

    # and back down they are as they were
    migrate(database_url, monkeypatch, FIRST)
    with engine.connect() as connection:
        row = connection.execute(sa.text("SELECT shown_as, shown_name FROM signature")).one()
        assert tuple(row) == ("initials", "م. ر.")
        assert connection.scalar(sa.text("SELECT published_total FROM petition")) == 48
    engine.dispose()


BEFORE_ENDORSING = "d70ee32a0ba9"
ENDORSING = (
    (
        "INSERT INTO petition (id, slug, state, goal, live, hand_over_names, published_total,"
        " source_language, later_goals, takes_comments, asks_country, asks_affiliation, hold_all,"
        " published_weeks) VALUES (1, 'teachers', 'open', 100, false, false, 48, 'fa', '[]', false,"
        " false, false, false, '[]')"
    ),
    (
        "INSERT INTO organisation (id, type, names, folded_name, country, sector, website,"
        " published_address, source) VALUES (1, 'local', '{}', 'u', '', '', '', '', '')"
    ),
)


@pytest.mark.both_databases
def test_R07_an_endorsement_that_staff_entered_lives_through_up_and_down(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given an endorsement of the time when staff alone entered them
    monkeypatch.setenv("PEYVAND_DATABASE_URL", database_url)
    command.upgrade(Config(ROOT / "alembic.ini"), BEFORE_ENDORSING)
    engine = make_engine(database_url)
    entered = sa.text(
        "INSERT INTO endorsement (id, petition_id, organisation_id, state, mandate, document,"
        " language, statement, may_publish, day, entered_by)"
        " VALUES (:id, 1, 1, 'checked', 'EC', '', 'en', 'We stand.', true, '2026-11-24', 1)"
    ).bindparams(sa.bindparam("id", type_=sa.Uuid()))
    with engine.begin() as connection:
        for statement in ENDORSING:
            connection.execute(sa.text(statement))
        connection.execute(entered, {"id": uuid4()})

    # when it goes up, and an organisation asks for one that nobody has matched
    migrate(database_url, monkeypatch, "head")
    asked = sa.text(
        "INSERT INTO endorsement (id, petition_id, index_key_id, exact_hash, typed, state, reason,"
        " mandate, document, language, statement, may_publish, day)"
        " VALUES (:id, 1, '1', :hash, '{}', 'asked', '', 'EC', '', 'en', '', true, '2026-11-26')"
    ).bindparams(sa.bindparam("id", type_=sa.Uuid()))
    with engine.begin() as connection:
        row = connection.execute(sa.text("SELECT statement, reason, exact_hash FROM endorsement"))
        assert tuple(row.one()) == ("We stand.", "", None)
        connection.execute(asked, {"id": uuid4(), "hash": b"h" * 32})

    # then going down keeps what the older schema can hold
    migrate(database_url, monkeypatch, BEFORE_ENDORSING)
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT organisation_id, statement FROM endorsement"))
        assert [tuple(row) for row in rows] == [(1, "We stand.")]
        assert "export" not in sa.inspect(connection).get_table_names()
    engine.dispose()


BEFORE_ADDRESSES = "7b1f0c5a92de"


@pytest.mark.both_databases
def test_R07_a_petition_s_address_lives_through_up_and_down(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given two petitions of the time when one had one slug, and an odd row of the table that nothing used
    monkeypatch.setenv("PEYVAND_DATABASE_URL", database_url)
    command.upgrade(Config(ROOT / "alembic.ini"), BEFORE_ADDRESSES)
    engine = make_engine(database_url)
    other = ENDORSING[0].replace("(1, 'teachers'", "(2, 'nurses'")
    own = (
        "INSERT INTO petition_address (petition_id, language, slug) VALUES (2, 'fa', 'parastaran')"
    )
    taken = (
        "INSERT INTO petition_address (petition_id, language, slug) VALUES (2, 'en', 'teachers')"
    )
    with engine.begin() as connection:
        for statement in (ENDORSING[0], other, own, taken):
            connection.execute(sa.text(statement))

    # when it goes up, and a language's slug is replaced
    migrate(database_url, monkeypatch, "head")
    rows = sa.text("SELECT petition_id, language, slug FROM petition_address ORDER BY id")
    with engine.begin() as connection:
        assert [tuple(row) for row in connection.execute(rows)] == [
            (1, "", "teachers"),
            (2, "", "nurses"),
            (2, "fa", "parastaran"),
        ]
        connection.execute(
            sa.text("UPDATE petition_address SET current = false WHERE slug = 'parastaran'")
        )
        connection.execute(
            sa.text(
                "INSERT INTO petition_address (petition_id, language, slug, current)"
                " VALUES (2, 'fa', 'پرستاران', true)"
            )
        )

    # then going down keeps what the older schema can hold
    migrate(database_url, monkeypatch, BEFORE_ADDRESSES)
    with engine.connect() as connection:
        slugs = connection.execute(sa.text("SELECT id, slug FROM petition ORDER BY id"))
        assert [tuple(row) for row in slugs] == [(1, "teachers"), (2, "nurses")]
        left = connection.execute(sa.text("SELECT language, slug FROM petition_address"))
        assert [tuple(row) for row in left] == [("fa", "پرستاران")]
    engine.dispose()
