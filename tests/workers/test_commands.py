"""``python -m workers COMMAND``: what each says, and what it refuses (C02, C03, C26)."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from app.audience.models import Contact, Subscription
from app.core.database import Database
from app.newsletters.models import Issue, Report
from app.organisations.models import Organisation
from app.petitions.models import Petition
from emails import mailbox
from workers import loop, setup
from workers.__main__ import cli


@pytest.fixture
def keys_folder(tmp_path: Path) -> Path:
    setup.make_keys(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def environment(tmp_path: Path, keys_folder: Path) -> dict[str, str]:
    """A worker's environment with a database that is up to date."""
    url = f"sqlite:///{tmp_path / 'peyvand.sqlite'}"
    setup.bring_schema_up(url)
    return setup.environment_of(
        "worker",
        keys_folder,
        {
            "PEYVAND_DATABASE_URL": url,
            "PEYVAND_SMTP_URL": f"mailbox:{tmp_path / 'mailbox'}",
            "PEYVAND_LEDGER": str(tmp_path / "ledger.jsonl"),
            "PEYVAND_INSTANCE": str(tmp_path),
            "PEYVAND_EMBEDDED": "1",
        },
    )


def call(environment: dict[str, str], *words: str) -> Result:
    empty = dict.fromkeys(("PEYVAND_SECRET_KEY", "PEYVAND_SECRET_KEY_FILE"), "")
    return CliRunner().invoke(cli, words, env={**empty, **environment})


def test_keys_are_made_into_a_folder_split_by_who_may_read_them(tmp_path: Path) -> None:
    said = call({}, "keys", "make", str(tmp_path / "new"))
    assert said.exit_code == 0
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        "web",
        "worker",
        "public",
        "offline",
    }
    assert "Move offline/" in said.output


def test_C03_keys_are_checked_against_the_rows(environment: dict[str, str]) -> None:
    said = call(environment, "keys", "check")
    assert (said.exit_code, "Every row's key is held." in said.output) == (0, True)
    assert "Seal keys: 1; index keys: 1." in said.output
    database = Database(environment["PEYVAND_DATABASE_URL"])
    with database.unit_of_work() as session:
        session.add(
            Contact(
                box=b"9:x", index_key_id="7", exact_index=b"", mailbox_index=b"", destination=""
            )
        )
    database.dispose()
    said = call(environment, "keys", "check")
    assert said.exit_code == 1
    assert "index key 7, seal key 9" in said.output


def test_C02_a_command_without_its_keys_names_what_is_missing(environment: dict[str, str]) -> None:
    bare = {**environment, "PEYVAND_INDEX_KEY_FILE": "", "PEYVAND_INDEX_KEY": ""}
    said = call(bare, "keys", "check")
    assert said.exit_code == 1
    assert "PEYVAND_INDEX_KEY is not set" in said.output
    assert "Traceback" not in said.output


def test_C26_the_demo_is_loaded_once_and_into_a_trial_only(environment: dict[str, str]) -> None:
    earnest = {**environment, "PEYVAND_EMBEDDED": "0"}
    assert "only for the trial set-up" in call(earnest, "demo").output
    assert "The demo is loaded." in call(environment, "demo").output
    again = call(environment, "demo")
    assert again.exit_code == 1
    assert "empty database" in again.output
    database = Database(environment["PEYVAND_DATABASE_URL"])
    with database.reading() as reading:
        totals = dict(reading.execute(sa.select(Petition.live, Petition.published_total)).all())
        counts = {
            table.__tablename__: reading.scalar(sa.select(sa.func.count()).select_from(table))
            for table in (Petition, Report, Issue, Subscription)
        }
        choices = set(reading.scalars(sa.select(Subscription.languages)))
        assert reading.scalar(sa.select(sa.func.count()).select_from(Organisation))
    database.dispose()
    assert totals[True] == 48
    assert (counts["petition"], counts["report"], counts["issue"]) == (2, 3, 1)
    assert counts["subscription"] is not None
    assert counts["subscription"] >= 80
    assert choices >= {("fa",), ("en",), ("fa", "en")}


def test_a_test_mail_goes_out_and_says_what_became_of_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    said = call(environment, "mail", "test", "leila@example.org")
    assert said.output.startswith("accepted (250")
    (mail,) = mailbox.read_folder(tmp_path / "mailbox")
    assert mail.subject == "Peyvand: test"


def test_an_address_that_is_none_is_told(environment: dict[str, str]) -> None:
    assert "not an address" in call(environment, "mail", "test", "leila").output


def test_R04_a_mail_server_that_is_away_is_told(
    environment: dict[str, str], socket_enabled: None
) -> None:
    away = {**environment, "PEYVAND_SMTP_URL": "smtp://127.0.0.1:1"}
    assert "was not reached" in call(away, "mail", "test", "leila@example.org").output


def test_R07_the_worker_does_not_run_on_an_older_schema(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[object] = []
    monkeypatch.setattr(loop, "run", ran.append)
    assert call(environment, "run").exit_code == 0
    assert len(ran) == 1
    old = {**environment, "PEYVAND_DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite'}"}
    said = call(old, "run")
    assert said.exit_code == 1
    assert "init" in said.output
    assert len(ran) == 1
