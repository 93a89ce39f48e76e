"""The servers that other tests lean on: they start, lose what they should, and are gone afterwards."""

from __future__ import annotations

import contextlib
import smtplib
import socket
from collections.abc import Callable
from pathlib import Path

import pika
import psycopg
import pytest
import pytest_socket
import redis
import sqlalchemy
from playwright.sync_api import Page

from tests.servers.postgresql import PostgreSQL
from tests.servers.process import ServerFailedError, answers, wait_until
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.redis import Redis
from tests.servers.smtp_sink import SmtpSink


def test_postgresql_keeps_what_was_committed_over_a_kill(postgresql: PostgreSQL) -> None:
    url = postgresql.database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")

    postgresql.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    postgresql.start()

    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT one FROM kept").fetchall() == [(1,)]
        assert connection.execute("SHOW fsync").fetchall() == [("on",)]


def test_each_postgresql_database_is_empty_or_a_copy(postgresql: PostgreSQL) -> None:
    first = postgresql.database()
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE mine (id int)")

    tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'mine'"
    with psycopg.connect(postgresql.database()) as connection:
        assert connection.execute(tables).fetchall() == [(0,)]
    with psycopg.connect(postgresql.database(template=first)) as connection:
        assert connection.execute(tables).fetchall() == [(1,)]


def test_postgresql_can_cut_every_connection(postgresql: PostgreSQL) -> None:
    connection = psycopg.connect(postgresql.database())
    postgresql.disconnect_all()
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()


def test_redis_loses_everything_over_a_restart(redis_server: Redis) -> None:
    with redis_server.client() as client:
        client.set("message", "wake")
    redis_server.restart()
    with redis_server.client() as client:
        assert client.get("message") is None


def test_a_frozen_redis_accepts_and_never_answers(redis_server: Redis) -> None:
    redis_server.freeze()
    try:
        assert answers(redis_server.port)
        impatient = redis.Redis.from_url(redis_server.url, socket_timeout=0.2, retry=None)
        with impatient as client, pytest.raises(redis.TimeoutError):
            client.ping()
    finally:
        redis_server.thaw()


def test_rabbitmq_comes_back_after_a_kill_and_can_be_emptied(rabbitmq: RabbitMQ) -> None:
    def declare(*, passive: bool) -> None:
        parameters = pika.URLParameters(rabbitmq.url)
        with contextlib.closing(pika.BlockingConnection(parameters)) as connection:
            connection.channel().queue_declare("kept", durable=True, passive=passive)

    declare(passive=False)
    rabbitmq.kill()
    assert not answers(rabbitmq.port)
    rabbitmq.start()
    # Whether a queue outlives a kill is the broker's own business: nothing of ours counts on it.
    declare(passive=False)

    rabbitmq.flush()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        declare(passive=True)


def test_smtp_sink_keeps_each_mail_and_not_one_that_was_cut(smtp_sink: SmtpSink) -> None:
    with smtplib.SMTP("127.0.0.1", smtp_sink.port) as client:
        client.sendmail("a@example.org", ["b@example.org"], b"Subject: one\r\n\r\n.dot\r\n")
    cut = smtplib.SMTP("127.0.0.1", smtp_sink.port)
    cut.ehlo()
    cut.mail("a@example.org")
    cut.rcpt("c@example.org")
    cut.docmd("DATA")
    cut.send(b"Subject: cut\r\n\r\n" + b"not the end\r\n" * 2000)
    wait_until(lambda: len(list(smtp_sink.mail.iterdir())) == 2, seconds=5, what="a second file")
    [while_open] = smtp_sink.mails()
    cut.close()

    [mail] = smtp_sink.wait_for(1)
    assert while_open == mail
    assert (mail.sender, mail.recipients) == ("a@example.org", ("b@example.org",))
    assert mail.message["Subject"] == "one"
    assert mail.raw.endswith(b"\n\n.dot\n")


def test_smtp_sink_refuses_what_it_is_told_to(smtp_sinks: Callable[..., SmtpSink]) -> None:
    sink = smtp_sinks("-f", "RCPT")
    with (
        smtplib.SMTP("127.0.0.1", sink.port) as client,
        pytest.raises(smtplib.SMTPRecipientsRefused),
    ):
        client.sendmail("a@example.org", ["b@example.org"], b"Subject: no\r\n\r\n")
    assert sink.mails() == []


def test_servers_do_not_run_as_root(postgresql: PostgreSQL, redis_server: Redis) -> None:
    for server in (postgresql, redis_server):
        owner = Path(f"/proc/{server.pid}").stat().st_uid
        assert owner != 0


def test_a_server_that_cannot_start_says_why(smtp_sinks: Callable[..., SmtpSink]) -> None:
    with pytest.raises(ServerFailedError, match="invalid option"):
        smtp_sinks("-!")


@pytest.mark.filterwarnings("ignore:A test tried to use socket")
def test_an_ordinary_test_has_no_sockets() -> None:
    with pytest.raises(pytest_socket.SocketBlockedError):
        socket.socket(socket.AF_INET, socket.SOCK_STREAM)


@pytest.mark.sockets
@pytest.mark.filterwarnings("ignore:A test tried to use socket")
def test_sockets_reach_loopback_only() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as outward,
        pytest.raises(pytest_socket.SocketConnectBlockedError),
    ):
        outward.connect(("192.0.2.1", 9))


@pytest.mark.both_databases
def test_database_url_is_a_fresh_database_of_each_kind(database_url: str) -> None:
    engine = sqlalchemy.create_engine(database_url)
    assert sqlalchemy.inspect(engine).get_table_names() == []
    engine.dispose()


@pytest.mark.browser
def test_chromium_is_driven(page: Page) -> None:
    page.set_content("<h1>پیوند</h1>")
    assert page.get_by_role("heading").inner_text() == "پیوند"
