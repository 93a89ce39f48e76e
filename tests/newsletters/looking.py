"""What tests of the newsroom's pages look up behind the pages' backs."""

from __future__ import annotations

from app.core.database import Database
from app.newsletters import issues, translating
from app.newsletters.models import Issue
from app.outbox.models import Send
from tests.newsletters.conftest import Written


def stored(database: Database, made: Written) -> Issue:
    with database.reading() as session:
        return issues.get(session, made.issue.id)


def body_of(database: Database, made: Written, language: str) -> str:
    block = next(b for b in stored(database, made).blocks if b.id == made.text)
    text = translating.text_in(block, language)
    return text.body if text else ""


def editor(made: Written) -> str:
    return f"/staff/newsletters/{made.issue.id}"


def body_field(made: Written, language: str) -> str:
    return f"t-{made.text.hex}-{language}-body"


def newest_send(database: Database) -> Send | None:
    with database.reading() as session:
        return session.query(Send).order_by(Send.id.desc()).first()
