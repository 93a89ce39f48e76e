"""The worlds that journeys run in: everything on this computer, or real servers; and browsers for their people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser
from sqlalchemy.orm import Session

from app.core import clock
from app.staff import invitations
from tests.journeys.colleagues import Colleague
from tests.journeys.visitors import MailboxReader, Visitor
from tests.journeys.worlds import World
from tests.servers.postgresql import PostgreSQL
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.redis import Redis
from tests.servers.smtp_sink import SmtpSink
from workers import demo

EMBEDDED = "embedded"
"""SQLite, a socket in the instance folder, mail into a folder."""
SERVERS = "servers"
"""PostgreSQL, Redis, and an SMTP server."""
RABBIT = "rabbitmq"
"""PostgreSQL, RabbitMQ, and an SMTP server."""

Visits = Callable[..., Visitor]


def load_demo(world: World) -> None:
    """Put the demo of ``make run`` into a world."""
    world.write(lambda session: demo.load(session, world.desk, now=clock.now()))


def make_world(request: pytest.FixtureRequest, kind: str, **settings: str) -> Iterator[World]:
    """Start a world of this kind, and end it with all its servers."""
    if kind == EMBEDDED:
        with World(settings=settings) as world:
            yield world
        return
    postgresql: PostgreSQL = request.getfixturevalue("_postgresql")
    postgresql.start()
    broker: Redis | RabbitMQ
    if kind == RABBIT:
        broker = request.getfixturevalue("_rabbitmq")
        broker.start()
    else:
        broker = request.getfixturevalue("_redis")
        broker.start()
        broker.flush()
    sink = SmtpSink()
    sink.start()
    try:
        with World(
            database_url=postgresql.database(), broker_url=broker.url, mail=sink, settings=settings
        ) as world:
            yield world
    finally:
        sink.close()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """The demo on this computer; a journey that needs another world makes its own."""
    with World() as world:
        load_demo(world)
        world.start()
        yield world


@pytest.fixture
def staff(world: World, browser: Browser) -> Iterator[Colleague]:
    """The demo's colleague, signed in by the link that ``make run`` prints."""

    def link(session: Session) -> str:
        token = invitations.sign_in_link(session, demo.account(session), clock.now())
        return invitations.address(world.base_url, token)

    with Colleague(browser, world.base_url, "en") as staff:
        staff.signs_in_by_link(world.write(link))
        yield staff


@pytest.fixture
def visits(browser: Browser) -> Iterator[Visits]:
    """Opens a window: ``visits(world.base_url, "fa")``; ``reader=True`` for the mailbox's."""
    opened: list[Visitor] = []

    def visit(base_url: str, language: str, *, reader: bool = False, **more: Any) -> Visitor:
        opened.append((MailboxReader if reader else Visitor)(browser, base_url, language, **more))
        return opened[-1]

    yield visit
    for visitor in opened:
        visitor.leaves_the_room()
