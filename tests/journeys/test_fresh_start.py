"""Journey: somebody clones the repository, types ``make run``, tries everything out, stops, comes back (Must show 1)."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser

from app.core.database import Database
from tests.journeys import robots
from tests.journeys.colleagues import Colleague
from tests.journeys.conftest import Visits
from tests.journeys.dumps import changed, settled
from tests.journeys.households import MAKE, Household, checked_out
from tests.journeys.visitors import MailboxReader
from tests.servers.postgresql import PostgreSQL
from tests.servers.process import wait_until
from workers.setup import head_revision

pytestmark = [pytest.mark.browser, pytest.mark.sockets]

TEACHERS = "free-the-teachers"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as git keeps it, with its catalogues compiled as ``make run`` does first."""
    folder = checked_out(tmp_path_factory.mktemp("clone"))
    for catalogue in folder.glob("app/translations/*/LC_MESSAGES/*.po"):
        command = [sys.executable, "-m", "babel.messages.frontend", "--quiet", "compile"]
        subprocess.run(
            [*command, "-i", str(catalogue), "-o", str(catalogue.with_suffix(".mo"))], check=True
        )
    return folder


@pytest.fixture(scope="module")
def home(clone: Path, browser: Browser) -> Iterator[Household]:
    """A household that runs, with the demo. Asks for the browser, so that its tests stay together."""
    with Household(clone) as home:
        home.serves()
        yield home


def test_a_visitor_signs_in_persian_then_in_english_and_the_count_rises_from_48_to_50(
    home: Household, visits: Visits
) -> None:
    database = Database(f"sqlite:///{home.database}")
    # given a service that was just started, and its mailbox in a window beside
    reader = visits(home.site, "fa", reader=True)
    assert isinstance(reader, MailboxReader)
    assert reader.opens(home.mailbox).ok
    shirin = visits(home.site, "fa")
    assert shirin.counted(TEACHERS) == 48

    # when somebody signs in Persian, reads the mail in the mailbox and types its code
    expected = shirin.signs(TEACHERS, "shirin@example.org")
    reader.finds_mail_to("shirin@example.org")
    assert reader.reads_subject() == expected.subject
    assert expected.number in reader.sees_letter()
    rows = settled(database)
    answers = robots.fetches_twice(reader.all_links())
    assert {answer.status for answer in answers} == {200}
    assert changed(rows, settled(database)) == [], "M03: looking changes nothing"
    shirin.types_code(reader.reads_code())
    shirin.is_thanked()

    # then the live petition shows one more
    wait_until(lambda: shirin.counted(TEACHERS) == 49, seconds=10, what="a count of 49")

    # when somebody signs in English and presses the link's button in another browser
    tom = visits(home.site, "en")
    tom.signs(TEACHERS, "tom@example.org")
    reader.language = "en"
    reader.finds_mail_to("tom@example.org")
    link = reader.finds_link()
    rows = settled(database)
    robots.fetches_twice(reader.all_links())
    assert changed(rows, settled(database)) == []
    elsewhere = visits(home.site, "en", width=390)
    elsewhere.presses_link(link)
    elsewhere.is_thanked()

    # then it shows two more; the used link opens nothing
    wait_until(lambda: tom.counted(TEACHERS) == 50, seconds=10, what="a count of 50")
    assert robots.asked(link).status == 404
    database.dispose()


def test_the_printed_link_signs_in_once_and_the_demo_is_there(
    home: Household, visits: Visits
) -> None:
    visitor = visits(home.site, "fa")
    with Colleague(visitor.context.browser, home.site, "fa") as staff:  # type: ignore[arg-type]
        staff.signs_in_by_link(home.workroom)
        staff.goes("/newsletters")
        assert staff.page.locator("table tbody tr").count() == 1
        staff.goes("/organisations")
        assert staff.page.locator("table tbody tr").count() >= 3
    assert robots.asked(home.workroom).status == 404, "it signs in once"
    assert visitor.opens("/reports").ok
    assert visitor.page.locator("main h3, main h2").count() >= 3


def test_C26_a_banner_says_that_it_is_not_for_real_people(home: Household, visits: Visits) -> None:
    for language, words in (("fa", "برای آدم‌های واقعی نیست"), ("en", "not for real people")):
        visitor = visits(home.site, language)
        visitor.opens()
        assert words in visitor.page.locator("body").inner_text()


def test_C02_both_processes_run_and_the_web_one_holds_no_private_key(home: Household) -> None:
    web, worker = [], []
    for pid in home.processes():
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"granian" in command:
            web.append(environment)
        elif command[-2:-1] == [b"run"]:
            worker.append(environment)
    assert web
    assert worker
    for environment in web:
        assert b"PEYVAND_SEAL_PRIVATE_KEY" not in environment
        assert b"PEYVAND_INDEX_KEY" not in environment
    for environment in worker:
        assert b"PEYVAND_SECRET_KEY" not in environment


def test_ctrl_c_ends_both_and_a_second_start_is_quick_and_keeps_everything(
    clone: Path, visits: Visits
) -> None:
    with Household(clone) as home:
        # given a household with one more signature than its demo
        home.serves()
        someone = visits(home.site, "en")
        reader = visits(home.site, "en", reader=True)
        assert isinstance(reader, MailboxReader)
        someone.signs(TEACHERS, "kept@example.org")
        reader.finds_mail_to("kept@example.org")
        someone.types_code(reader.reads_code())
        wait_until(lambda: someone.counted(TEACHERS) == 49, seconds=10, what="a count of 49")
        first_link = home.workroom

        # when Ctrl-C is pressed
        assert home.presses_ctrl_c() == 0

        # then nothing of it runs any more, nobody listens on the port, and it said so
        wait_until(lambda: home.processes() == [], seconds=3, what="the end of all processes")
        assert "Stopped." in home.words
        assert "Traceback" not in home.words

        # when it is started again
        seconds = home.serves()

        # then it serves at once: nothing is installed, made or loaded again. How fast, ``bench.start`` tells.
        assert min(seconds, home.processor_seconds()) < 10, f"{seconds:.1f} s"

        # and everything is as it was
        assert someone.counted(TEACHERS) == 49
        assert home.workroom != first_link
        assert "Loading the demo" not in home.words


def _lives(pid: int) -> bool:
    """Whether a process is there and has not ended; one that ended may wait for its new parent to be told."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("victim", ["granian", "run"])
def test_a_process_that_dies_is_started_again(clone: Path, victim: str) -> None:
    with Household(clone) as home:
        home.serves()
        [pid] = [
            pid
            for pid in _children(home)
            if victim in Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        ]
        group = _group(pid)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: "starting it again" in home.words, seconds=5, what="the word of it")
        wait_until(lambda: _answers(home.site), seconds=15, what="an answer")
        wait_until(
            lambda: len(_children(home)) == 2 and pid not in _children(home),
            seconds=10,
            what="two processes again",
        )
        # and nothing of the dead one serves on
        wait_until(lambda: not any(map(_lives, group)), seconds=10, what="the dead one's end")


def test_R07_a_start_on_an_older_schema_copies_the_file_and_migrates(
    clone: Path, tmp_path: Path
) -> None:
    # given a household of today's version with a signature, and a newer version with one more migration
    newer = tmp_path / "newer"
    shutil.copytree(clone, newer)
    _add_migration(newer, "later", head_revision())
    with Household(clone) as home:
        home.serves()
        home.presses_ctrl_c()
        before = _rows(home.database, "signature")

        # when the newer version starts on it
        home.folder = newer
        home.serves()

        # then it serves, nothing is lost, and the file as it was stands beside
        assert "later" in _columns(home.database, "petition")
        assert _rows(home.database, "signature") == before
        copy = home.instance / "peyvand.sqlite.before-later"
        assert _rows(copy, "signature") == before
        assert "later" not in _columns(copy, "petition")
        assert copy.stat().st_mode & 0o077 == 0


def test_R07_on_postgresql_an_older_schema_names_the_command(
    clone: Path, tmp_path: Path, postgresql: PostgreSQL
) -> None:
    # given a PostgreSQL database at today's schema, and a newer version
    url = postgresql.database()
    command = [sys.executable, "-c", f"from workers import setup; setup.upgrade({url!r})"]
    subprocess.run(command, cwd=clone, check=True)
    newer = tmp_path / "newer"
    shutil.copytree(clone, newer)
    _add_migration(newer, "later", head_revision())

    # when it is started there
    with Household(newer, settings={"PEYVAND_DATABASE_URL": url}) as home:
        home.starts()
        # then it does not touch the schema, and says what to type
        assert home.ends() == 1
        assert ".venv/bin/flask --app wsgi init" in home.words
        assert "Traceback" not in home.words
    engine = sa.create_engine(url)
    assert "later" not in {column["name"] for column in sa.inspect(engine).get_columns("petition")}
    engine.dispose()


def test_PORT_and_the_settings_are_respected(clone: Path, tmp_path: Path, visits: Visits) -> None:
    database = tmp_path / "elsewhere.sqlite"
    settings = {
        "PEYVAND_DATABASE_URL": f"sqlite:///{database}",
        "PEYVAND_MAIL_FROM": "post@union.example",
        "PEYVAND_ORGANISATION": "fa=اتحادیهٔ نمونه;en=Example Union",
        "PEYVAND_UNPROVEN_HOURS": "24",
    }
    with Household(clone, settings=settings) as home:
        home.serves()
        assert home.site == f"http://127.0.0.1:{home.port}"
        assert database.exists()
        assert not home.database.exists()
        someone = visits(home.site, "en")
        someone.opens()
        assert "Example Union" in someone.page.content()
        assert someone.signs(TEACHERS, "set@example.org").sender == "post@union.example"
        assert "24 hours" in someone.page.locator("main").inner_text()


def test_a_taken_port_is_told_in_words(clone: Path) -> None:
    with closing(socket.socket()) as taken, Household(clone) as home:
        taken.bind(("127.0.0.1", home.port))
        taken.listen()
        home.starts()
        assert home.ends() != 0
        assert f"port {home.port}" in home.words
        assert "PORT=" in home.words
        assert "Traceback" not in home.words
        assert home.processes() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PEYVAND_SMTP_URL", "carrier-pigeon:coop"),
        ("PEYVAND_BASE_URL", "https://peyvand.example"),
        ("PEYVAND_LOCALES", "fa,klingon-or-so"),
        ("PEYVAND_UNPROVEN_HOURS", "-3"),
    ],
)
def test_R06_an_odd_setting_is_named_and_nothing_starts(clone: Path, name: str, value: str) -> None:
    with Household(clone, settings={name: value}) as home:
        home.starts()
        assert home.ends() == 1
        assert name in home.words
        assert "Traceback" not in home.words


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_fresh_clone_serves_within_three_minutes_downloads_included(tmp_path: Path) -> None:
    """The environment is made anew from the pinned packages, nothing of it cached."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    clone = checked_out(tmp_path / "clone")
    settings = {"PIP_NO_CACHE_DIR": "1", "PYTHON": sys.executable}
    with Household(clone, command=MAKE, settings=settings) as home:
        seconds = home.serves(within=180)
        print(f"make run served after {seconds:.0f} s")
        assert _answers(home.site)
        # make itself ends by the signal, once what it started has ended well
        assert home.presses_ctrl_c() in (0, -signal.SIGINT)
        assert home.words.rstrip().endswith("Stopped.")
        wait_until(lambda: home.processes() == [], seconds=3, what="the end of all processes")
        home.serves()


def _group(pid: int) -> list[int]:
    """The processes of a process's own group."""
    found = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    return [one for one in found if _group_of(one) == pid]


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def _children(home: Household) -> list[int]:
    """The two processes that the household started: those that lead a session of their own."""
    return [pid for pid in home.processes() if os.getsid(pid) == pid and pid != home_pid(home)]


def home_pid(home: Household) -> int:
    assert home._process is not None
    return home._process.pid


def _answers(site: str) -> bool:
    try:
        with urllib.request.urlopen(f"{site}/health", timeout=1) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def _rows(database: Path, table: str) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


def _columns(database: Path, table: str) -> set[str]:
    with closing(sqlite3.connect(database)) as connection:
        return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def _add_migration(folder: Path, revision: str, below: str | None) -> None:
    """One more migration: a column that the code does not know."""
    (folder / "migrations" / "versions" / f"{revision}.py").write_text(
        f'''"""a later column"""
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {below!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("petition", sa.Column("later", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("petition", "later")
''',
        "utf-8",
    )
