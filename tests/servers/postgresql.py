"""A PostgreSQL server with its durable defaults, and fresh databases in it."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from tests.servers.process import LOOPBACK, Server, ServerFailedError, find_program

OWNER = "peyvand"


def _folders() -> list[Path]:
    """Where Debian, Fedora and Homebrew keep the binaries, newest version first."""
    debian = sorted(
        Path("/usr/lib/postgresql").glob("[0-9]*/bin"),
        key=lambda folder: int(folder.parent.name),
        reverse=True,
    )
    return [*debian, Path("/usr/pgsql/bin"), Path("/opt/homebrew/bin")]


class PostgreSQL(Server):
    """One cluster; ``database()`` gives a fresh database in it. fsync stays on (R08)."""

    program = "postgres"
    account = "postgres"
    start_seconds = 60  # recovery after a kill syncs every file of every database first
    stop_signal = signal.SIGINT  # "fast": ends open connections and checkpoints

    def __init__(self) -> None:
        self._postgres = find_program("postgres", folders=_folders())
        initdb = find_program("initdb", folders=_folders())
        super().__init__()
        self._numbers = itertools.count(1)
        self.data = self.folder / "data"
        self.run(
            *(initdb, "--pgdata", self.data, "--username", OWNER, "--auth", "trust"),
            *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"),
        )

    def command(self) -> Sequence[str | os.PathLike[str]]:
        settings = {
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "port": str(self.port),
            "max_connections": "200",
            "timezone": "UTC",
            "log_min_messages": "fatal",
            "log_statement": "none",
        }
        pairs = itertools.chain.from_iterable(("-c", f"{k}={v}") for k, v in settings.items())
        return [self._postgres, "-D", self.data, *pairs]

    def start(self) -> None:
        """Start the server; after a kill its last children may hold the shared memory for a moment."""
        for pause in (0.2, 0.5, 1.0, 2.0):
            try:
                super().start()
            except ServerFailedError as error:
                if "pre-existing shared memory" not in str(error):
                    raise
                time.sleep(pause)
        super().start()

    def ready(self) -> bool:
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def database(self, *, template: str | None = None) -> str:
        """The URL of a new, empty database; or of a copy of ``template``, a URL of ours.

        Nobody may be connected to the template.
        """
        name = f"test_{next(self._numbers)}"
        copied = template.rsplit("/", 1)[1] if template else "template0"
        with self._connect("postgres") as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(copied)
                )
            )
        return f"postgresql://{OWNER}@{LOOPBACK}:{self.port}/{name}"

    def disconnect_all(self) -> None:
        """End every client's connection, as a failover would."""
        with self._connect("postgres") as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host=LOOPBACK,
            port=self.port,
            user=OWNER,
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        )
