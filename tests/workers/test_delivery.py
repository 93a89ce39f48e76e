"""``python -m workers delivery``: export on the server, open on the officers' machine, record on the server (C20)."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from app.core import ids, officers
from app.core.database import Database
from app.core.sealing import Opener
from app.petitions.campaign_models import Handover
from app.petitions.models import Signature
from app.staff.models import AuditEntry
from tests import factories
from workers import setup
from workers.__main__ import cli

NAME = "پروین قناری"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    setup.make_keys(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def server(tmp_path: Path, keys: Path) -> dict[str, str]:
    """A worker's environment, with a petition and one signer who hands a name over."""
    url = f"sqlite:///{tmp_path / 'peyvand.sqlite'}"
    setup.bring_schema_up(url)
    names = Opener(
        (keys / "public/names_public_key").read_text(), (keys / setup.NAMES_PRIVATE).read_text()
    )
    database = Database(url)
    with database.unit_of_work() as session:
        factories.basics(session)
        petition = factories.a_petition(session, hand_over_names=True)
        signature_id = ids.new()
        session.add(
            Signature(
                id=signature_id,
                petition_id=petition.id,
                index_key_id="1",
                exact_hash=b"e",
                mailbox_hash=b"m",
                text_id=petition.texts[0].id,
                wording_id=1,
                day=factories.DAY,
                names_box=names.seal("name", signature_id, {"name": NAME}),
            )
        )
    database.dispose()
    return setup.environment_of(
        "worker", keys, {"PEYVAND_DATABASE_URL": url, "PEYVAND_INSTANCE": str(tmp_path)}
    )


def call(environment: dict[str, str], *words: str) -> Result:
    empty = {
        f"{name}{form}": ""
        for name in ("PEYVAND_SECRET_KEY", *setup.KEY_FILES)
        for form in ("", "_FILE")
    }
    return CliRunner().invoke(cli, ["delivery", *words], env={**empty, **environment})


def open_export(keys: Path, export: Path, to: Path, *more: str) -> Result:
    """As the officers do: without a server's settings."""
    officer = str(keys / setup.OFFICER_PRIVATE)
    return call({}, "open", str(export), "--officer-key", officer, "--to", str(to), *more)


def rows(server: dict[str, str], table: type[Handover] | type[AuditEntry]) -> list[object]:
    database = Database(server["PEYVAND_DATABASE_URL"])
    with database.reading() as session:
        found = list(session.scalars(sa.select(table)))
    database.dispose()
    return found  # type: ignore[return-value]


def test_from_the_petition_to_the_public_record(
    server: dict[str, str], keys: Path, tmp_path: Path
) -> None:
    # given an export, which tells nobody who is no officer anything
    export = tmp_path / "delivery.age"
    said = call(server, "export", "1", str(export))
    assert said.exit_code == 0, said.output
    assert "1 signers who agreed to be named, 1 of them sealed" in said.output
    assert NAME.encode() not in export.read_bytes()
    assert stat.S_IMODE(export.stat().st_mode) == 0o600
    # when the officers open it with both keys
    files = tmp_path / "files"
    said = open_export(keys, export, files, "--names-key", str(keys / setup.NAMES_PRIVATE))
    assert said.exit_code == 0, said.output
    # then the files are there for them alone, and name who agreed
    assert {path.name for path in files.iterdir()} == {
        "teachers.fa.pdf",
        "teachers.en.pdf",
        "teachers.csv",
        "record.json",
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.iterdir()} == {0o600}
    assert NAME in (files / "teachers.csv").read_text("utf-8-sig")
    assert NAME not in (files / "record.json").read_text()
    # and once recorded, their digests are public, once
    first, again = (call(server, "record", str(files / "record.json")) for _ in range(2))
    assert "3 files are recorded, 0 were recorded before." in first.output
    assert "0 files are recorded, 3 were recorded before." in again.output
    told = json.loads((files / "record.json").read_text())["files"]
    recorded = rows(server, Handover)
    assert {row.digest for row in recorded} == {one["digest"] for one in told}  # type: ignore[attr-defined]
    assert [entry.action for entry in rows(server, AuditEntry)] == [  # type: ignore[attr-defined]
        "petition.exported",
        "petition.recorded",
    ]


def test_the_commands_on_the_server_close_what_they_opened(
    server: dict[str, str], keys: Path, tmp_path: Path
) -> None:
    # given what counts each connection to a database while it is open
    still_open: list[object] = []
    opened = (sa.pool.Pool, "connect", lambda connection, _record: still_open.append(connection))
    closed = (sa.pool.Pool, "close", lambda connection, _record: still_open.remove(connection))
    for listener in (opened, closed):
        sa.event.listen(*listener)
    try:
        # when an export is made and its files are recorded
        assert call(server, "export", "1", str(tmp_path / "e.age")).exit_code == 0
        open_export(keys, tmp_path / "e.age", tmp_path / "files")
        assert call(server, "record", str(tmp_path / "files/record.json")).exit_code == 0
    finally:
        for listener in (opened, closed):
            sa.event.remove(*listener)
    # then none is left
    assert still_open == []


def test_C05_without_the_names_key_sealed_names_are_left_out(
    server: dict[str, str], keys: Path, tmp_path: Path
) -> None:
    call(server, "export", "1", str(tmp_path / "e.age"))
    said = open_export(keys, tmp_path / "e.age", tmp_path / "files")
    assert said.exit_code == 0
    assert "1 sealed names were left out" in said.output
    assert NAME not in (tmp_path / "files/teachers.csv").read_text("utf-8-sig")


def test_a_wrong_names_key_makes_nothing(
    server: dict[str, str], keys: Path, tmp_path: Path
) -> None:
    setup.make_keys(tmp_path / "others")
    call(server, "export", "1", str(tmp_path / "e.age"))
    wrong = str(tmp_path / "others" / setup.NAMES_PRIVATE)
    said = open_export(keys, tmp_path / "e.age", tmp_path / "files", "--names-key", wrong)
    assert said.exit_code == 1
    assert "1 names do not open" in said.output
    assert not (tmp_path / "files").exists()


def test_C20_another_officer_s_key_opens_nothing(
    server: dict[str, str], keys: Path, tmp_path: Path
) -> None:
    call(server, "export", "1", str(tmp_path / "e.age"))
    (keys / setup.OFFICER_PRIVATE).write_text(officers.make_key_pair()[0])
    said = open_export(keys, tmp_path / "e.age", tmp_path / "files")
    assert said.exit_code == 1
    assert "This key does not open the file." in said.output


def test_C20_nothing_is_exported_without_officers(server: dict[str, str], tmp_path: Path) -> None:
    bare = {**server, "PEYVAND_OFFICER_KEYS_FILE": ""}
    said = call(bare, "export", "1", str(tmp_path / "e.age"))
    assert said.exit_code == 1
    assert "PEYVAND_OFFICER_KEYS: no officer's key is given." in said.output
    assert not (tmp_path / "e.age").exists()
    assert rows(server, AuditEntry) == []


def test_no_file_is_written_over(server: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "e.age").write_text("what was here")
    said = call(server, "export", "1", str(tmp_path / "e.age"))
    assert said.exit_code == 1
    assert "nothing was overwritten" in said.output
    assert (tmp_path / "e.age").read_text() == "what was here"


@pytest.mark.parametrize("written", ["", "[]", "{}", '{"petition": 1, "files": [{}]}', "\0"])
def test_R06_what_is_no_record_is_refused(
    server: dict[str, str], tmp_path: Path, written: str
) -> None:
    (tmp_path / "record.json").write_text(written)
    said = call(server, "record", str(tmp_path / "record.json"))
    assert said.exit_code == 1
    assert "This is no record of a delivery." in said.output
    assert rows(server, Handover) == []


def test_R06_a_petition_that_is_not_there_is_named_as_such(
    server: dict[str, str], tmp_path: Path
) -> None:
    said = call(server, "export", "99", str(tmp_path / "e.age"))
    assert (said.exit_code, "No such petition." in said.output) == (1, True)
