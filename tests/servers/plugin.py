"""The pytest plugin of the set-up floor: server fixtures, socket rules, and what a run left out.

Servers start when the first test asks for one and belong to one test process: a test may restart or kill
its server and disturbs no test beside it. A missing server skips at home and fails in CI.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.servers.postgresql import PostgreSQL
from tests.servers.process import MissingServerError, Server, find_program
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.redis import Redis
from tests.servers.smtp_sink import SmtpSink

IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
LOOPBACK_HOSTS = ["127.0.0.1", "::1", "localhost"]
SERVER_FIXTURES = frozenset(
    {"postgresql", "redis_server", "rabbitmq", "smtp_sink", "smtp_sinks", "page", "browser"}
)
BROWSER_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LONG = (
    "test_newsletter",
    "test_campaign",
    "test_fresh_start",
    "test_signing",
    "test_staff_pages",
    "test_choices",
)
"""Of what drives a browser, these begin first, so that no process works on one while the others rest."""
# Timing matters to the first, and the second starts the same servers: all in one process.
TOGETHER = ("tests/faults/", "tests/servers/test_servers.py")

AnyServer = TypeVar("AnyServer", bound=Server)


def _missing(name: str) -> None:
    message = f"{name} is not installed"
    if IN_CI:
        pytest.fail(f"{message}, and in CI nothing is left out", pytrace=False)
    pytest.skip(message)


def _made(make: Callable[[], AnyServer]) -> AnyServer:
    try:
        return make()
    except MissingServerError as error:
        _missing(str(error))
        raise


def _kept(make: Callable[[], AnyServer]) -> Iterator[AnyServer]:
    server = _made(make)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def _postgresql() -> Iterator[PostgreSQL]:
    yield from _kept(PostgreSQL)


@pytest.fixture(scope="session")
def _redis() -> Iterator[Redis]:
    yield from _kept(Redis)


@pytest.fixture(scope="session")
def _rabbitmq() -> Iterator[RabbitMQ]:
    yield from _kept(RabbitMQ)


@pytest.fixture
def postgresql(_postgresql: PostgreSQL) -> PostgreSQL:
    """A running PostgreSQL; ``database()`` gives a fresh database. A test may stop or kill it."""
    _postgresql.start()
    return _postgresql


@pytest.fixture
def redis_server(_redis: Redis) -> Redis:
    """A running, empty Redis. A test may stop, kill, freeze or flush it."""
    _redis.start()
    _redis.thaw()
    _redis.flush()
    return _redis


@pytest.fixture
def rabbitmq(_rabbitmq: RabbitMQ) -> RabbitMQ:
    """A running RabbitMQ; queues of earlier tests may be there: use names of your own, or ``flush``."""
    _rabbitmq.start()
    _rabbitmq.thaw()
    return _rabbitmq


@pytest.fixture
def smtp_sinks() -> Iterator[Callable[..., SmtpSink]]:
    """Makes running SMTP servers: ``smtp_sinks("-f", "RCPT")`` refuses every recipient."""
    made: list[SmtpSink] = []

    def make(*options: str) -> SmtpSink:
        made.append(_made(lambda: SmtpSink(*options)))
        made[-1].start()
        return made[-1]

    yield make
    for sink in made:
        sink.close()


@pytest.fixture
def smtp_sink(smtp_sinks: Callable[..., SmtpSink]) -> SmtpSink:
    """A running SMTP server that accepts everything and keeps each mail."""
    return smtp_sinks()


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database: SQLite, and PostgreSQL too for tests marked ``both_databases``."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield f"sqlite:///{tmp_path / 'peyvand.sqlite'}"
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    # Not dropped afterwards: that costs a checkpoint, and the whole cluster goes with the run.
    yield server.database()


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Debian's Chromium (or Chrome) on this machine."""
    try:
        return find_program(
            "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"
        )
    except MissingServerError as error:
        _missing(str(error))
        raise


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, object], chromium: Path
) -> dict[str, object]:
    """Playwright drives the machine's own Chromium, which calls nobody."""
    return {
        **browser_type_launch_args,
        "executable_path": str(chromium),
        "args": list(BROWSER_FLAGS),
    }


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run database tests marked ``both_databases`` on both."""
    if "database_url" in metafunc.fixturenames and any(
        mark.name == "both_databases" for mark in metafunc.definition.iter_markers()
    ):
        metafunc.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests that use a server reach loopback."""
    for item in items:
        used = set(getattr(item, "fixturenames", ()))
        if used & {"page", "browser"}:
            item.add_marker("browser")
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        on_postgresql = "postgresql" in parameters.values()
        if used & SERVER_FIXTURES or on_postgresql or item.get_closest_marker("sockets"):
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK_HOSTS))


@pytest.hookimpl(trylast=True, specname="pytest_collection_modifyitems")
def pytest_in_order_of_need(items: list[pytest.Item]) -> None:
    """The long room of faults first, the modules that drive a browser last, all else between.

    Playwright leaves an event loop running in its process, in which no later test could run one of its own.
    """
    driving = {item.path for item in items if item.get_closest_marker("browser")}
    rooms = tuple(str(Path(room)) for room in TOGETHER)

    def need(item: pytest.Item) -> int:
        if item.path in driving:
            return 2 if item.path.stem in LONG else 3
        return 0 if any(room in str(item.path) for room in rooms) else 1

    items.sort(key=need)


class ByModule(LoadScopeScheduling):  # type: ignore[misc, unused-ignore]
    """A module's tests in one process, since they share servers; all that kill and freeze in one process too.

    ``--dist loadgroup`` of pytest-xdist 3.8 writes to ``Item._nodeid``, which pytest 9.2 no longer reads, and so
    parts groups without a word.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return TOGETHER[0] if path.startswith(TOGETHER) else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByModule:
    """Part the run by modules, whatever ``--dist`` says, in the order in which they were collected."""
    config.option.loadscopereorder = False
    return ByModule(config, log)


def _left_out(reporter: pytest.TerminalReporter) -> list[str]:
    """Each reason for a skip, with the number of tests it left out."""
    reasons: dict[str, int] = {}
    for report in reporter.stats.get("skipped", []):
        words = report.longrepr
        reason = str(words[2] if isinstance(words, tuple) else words).removeprefix("Skipped: ")
        reasons[reason] = reasons.get(reason, 0) + 1
    return [f"{reason} ({count} left out)" for reason, count in sorted(reasons.items())]


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skip is a failure: nothing may be left out there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and IN_CI and exitstatus == pytest.ExitCode.OK and _left_out(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what this run left out."""
    left_out = _left_out(terminalreporter)
    if left_out:
        verdict = "in CI that is a failure" if IN_CI else "install it to run them"
        terminalreporter.section(f"left out; {verdict}")
        for line in left_out:
            terminalreporter.write_line(line)
