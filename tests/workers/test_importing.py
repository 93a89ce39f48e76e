"""``python -m workers audience import``: what it says is the file's own, and nobody's address (C19, C23)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from app.audience import erasing, importing, subscriptions, suppressions
from app.audience.ledger import ERASED, Ledger
from app.audience.models import COMPLAINT, NEWSLETTER, Consent, ConsentWording, Subscription
from app.audience.subscriptions import Desk
from app.core import addresses, clock, tokens
from app.core.database import Database
from app.core.sealing import Index
from app.staff.models import AuditEntry
from config import Config
from tests.factories import Keys, a_subscriber
from workers import __main__ as program
from workers import importing as command

LEILA = addresses.parse("leila@secretword.example")


class Office:
    """A worker's environment, and an officer with a list."""

    def __init__(self, keys: Keys, database: Database, url: str, folder: Path) -> None:
        self.keys, self.database, self.folder = keys, database, folder
        self.ledger = Ledger(str(folder / "ledger.jsonl"))
        self.wording = folder / "wording.txt"
        self.wording.write_text("Send me the newsletter.\n")
        self.environment = {
            "PEYVAND_DATABASE_URL": url,
            "PEYVAND_SEAL_PUBLIC_KEY": keys.seal_public,
            "PEYVAND_SEAL_PRIVATE_KEY": keys.seal_private,
            "PEYVAND_INDEX_KEY": keys.index,
            "PEYVAND_LEDGER": str(folder / "ledger.jsonl"),
        }

    @property
    def desk(self) -> Desk:
        return self.keys.desk

    def bring_in(self, *lines: str, **options: str) -> Result:
        """Run the command over a file with these lines."""
        file = self.folder / "list.csv"
        file.write_text("\n".join(["email,language", *lines, ""]))
        given = {
            "list": NEWSLETTER,
            "language": "en",
            "wording": str(self.wording),
            "source": "old-site",
            "consent-day": "2025-03-08",
            **{name.replace("_", "-"): value for name, value in options.items()},
        }
        words = [word for name, value in given.items() for word in (f"--{name}", value)]
        return CliRunner().invoke(
            program.cli, ["audience", "import", str(file), *words], env=self.environment
        )

    def readers(self) -> int:
        with self.database.reading() as session:
            return session.scalar(sa.select(sa.func.count()).select_from(Subscription)) or 0


@pytest.fixture
def office(
    keys: Keys,
    database: Database,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Office:
    monkeypatch.setattr(
        command, "check_schema", lambda _: None
    )  # the tests' schema is no migration's
    office = Office(keys, database, database_url, tmp_path)
    office.ledger.begin()
    return office


def erased(office: Office) -> None:
    with office.database.unit_of_work() as session:
        erasing.forget(session, office.desk, office.ledger, LEILA, day=clock.today())


def silent(office: Office) -> None:
    index = office.desk.indexer.index(LEILA)
    with office.database.unit_of_work() as session:
        suppressions.add(session, index.key_id, index.mailbox, COMPLAINT, day=clock.today())


def left(office: Office) -> None:
    with office.database.unit_of_work() as session:
        reader = a_subscriber(session, office.desk, LEILA.exact)
        token = office.desk.secrets.token(tokens.ONE_CLICK, reader.id, reader.key_id)
        subscriptions.end_by_token(session, token, day=clock.today())


def reading(office: Office) -> None:
    with office.database.unit_of_work() as session:
        a_subscriber(session, office.desk, LEILA.exact)


def unknown(_office: Office) -> None:
    """Nobody has heard of her."""


@pytest.mark.parametrize(
    ("history", "afterwards"), [(unknown, 2), (reading, 2), (left, 1), (silent, 1), (erased, 1)]
)
def test_C19_the_answer_is_the_same_whoever_is_on_the_file(
    office: Office, history: Callable[[Office], None], afterwards: int
) -> None:
    history(office)
    said = office.bring_in(LEILA.exact, "karim@secretword.example")
    assert (said.exit_code, said.stderr) == (0, "")
    assert said.output.endswith(
        "2 addresses, and 0 lines that repeat one.\n"
        "Each address is on the list now, but for those whose owners left it, were erased or want no mail. "
        "How many these are is told to nobody.\n"
    )
    assert office.readers() == afterwards


@pytest.mark.both_databases
def test_C23_what_cannot_be_taken_is_told_by_its_line_and_no_address_by_anyone(
    office: Office, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "MOST_NUMBERS", 2)
    lines = [
        *(LEILA.exact, "leila@secretword.example,fa", "secretword", "secretword@"),
        *("x@mailinator.com", "@secretword.example", "y@secretword.example,tlh"),
    ]
    said = office.bring_in(*lines)
    assert said.exit_code == 0, said.output
    assert "1 addresses, and 1 lines that repeat one." in said.output
    assert "no address that mail can go to: line 4, 5 and 1 more." in said.output
    assert "a mailbox that is thrown away: line 6." in said.output
    assert "a language that this site does not have: line 8." in said.output
    assert "secretword" not in said.output + caplog.text


@pytest.mark.both_databases
def test_an_import_goes_on_after_it_was_cut_and_adds_none_twice(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a file of three batches whose second one meets a database that went away
    monkeypatch.setattr(command, "BATCH", 2)
    real, batches = importing.take_up, iter([None, sa.exc.OperationalError("", {}, OSError())])

    def cut(*given: object, **more: object) -> None:
        real(*given, **more)  # type: ignore[arg-type]
        if error := next(batches):
            raise error

    lines = [f"r{number}@secretword.example" for number in range(5)]
    monkeypatch.setattr(importing, "take_up", cut)
    said = office.bring_in(*lines)
    assert (said.exit_code, office.readers()) == (1, 2), "a batch is a transaction"
    assert "Error: The database is away (OSError); run the same again" in said.output
    assert "secretword" not in said.output
    # when one of those who are in leaves, and the same is run again, twice
    monkeypatch.setattr(importing, "take_up", real)
    with office.database.unit_of_work() as session:
        leaving = session.scalars(sa.select(Subscription)).first()
        assert leaving is not None
        token = office.desk.secrets.token(tokens.ONE_CLICK, leaving.id, leaving.key_id)
        subscriptions.end_by_token(session, token, day=clock.today())
    # then all are there but for who left
    for _ in range(2):
        assert office.bring_in(*lines).exit_code == 0
        assert office.readers() == 4


def test_C13_the_sentence_its_source_and_its_day_are_kept(office: Office) -> None:
    assert office.bring_in(LEILA.exact).exit_code == 0
    with office.database.reading() as session:
        consent = session.scalars(sa.select(Consent)).one()
        wording = session.get_one(ConsentWording, consent.wording_id)
        act = session.scalars(sa.select(AuditEntry)).one()
    assert (wording.text, wording.language) == ("Send me the newsletter.", "en")
    assert wording.purpose == "imported:old-site"
    assert consent.day.isoformat() == "2025-03-08"
    assert (act.action, act.subject, act.account_id) == ("readers.imported", "list:1", None)


def test_C17_without_the_ledger_or_its_keys_nobody_comes_in(office: Office) -> None:
    office.ledger.append(ERASED, Index("7", b"", b"gone"), [], day=clock.today())
    said = office.bring_in(LEILA.exact)
    assert "keys that are not held: index key 7" in said.output
    (office.folder / "ledger.jsonl").unlink()
    again = office.bring_in(LEILA.exact)
    assert "PEYVAND_LEDGER: there is no erasure ledger" in again.output
    assert (said.exit_code, again.exit_code, office.readers()) == (1, 1, 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"list": "petition-9"}, "There is no such list."),
        ({"list": "unions"}, "confirm themselves"),
        ({"language": "tlh"}, "The languages of this site are fa, en."),
        ({"source": "Old site"}, "A source is named by"),
        ({"consent_day": "2999-01-01"}, "has not been yet"),
        ({"consent_day": "yesterday"}, "Invalid value"),
    ],
)
def test_what_does_not_fit_is_told_before_anybody_comes_in(
    office: Office, options: dict[str, str], said: str
) -> None:
    result = office.bring_in(LEILA.exact, **options)
    assert result.exit_code in (1, 2)
    assert re.search(said, result.output)
    assert office.readers() == 0


def test_a_file_that_is_none_says_which_line(office: Office) -> None:
    said = office.bring_in(LEILA.exact, '"secretword"@example.org')
    assert (said.exit_code, "Line 3 cannot be read as CSV." in said.output) == (1, True)
    office.wording.write_bytes(b"\xff")
    assert "no short text in UTF-8" in office.bring_in(LEILA.exact).output


def test_C17_a_worker_s_start_makes_an_empty_ledger_and_leaves_one_that_is_there(
    config: Config,
) -> None:
    ledger = Ledger(config.ledger)
    assert not ledger.has_begun()
    ledger.begin()
    ledger.append(ERASED, Index("1", b"", b"gone"), [], day=clock.today())
    ledger.begin()
    assert len(list(ledger.lines())) == 1
    assert Path(config.ledger).stat().st_mode & 0o777 == 0o600
