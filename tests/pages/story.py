"""What tests of pages ask over and over: the database as text, the statements of a request, links and ids."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import unescape
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from app.core import ids
from app.core.database import Database


def dump(database: Database) -> str:
    """Every row of an SQLite database."""
    with sqlite3.connect(str(database.engine.url.database)) as connection:
        text = "\n".join(connection.iterdump())
    connection.close()
    return text


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The SQL that runs inside, without its parameters."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def what_each_sees(
    visitor: FlaskClient, database: Database, place: str, forms: Sequence[Mapping[str, str]]
) -> list[tuple[list[str], str]]:
    """For each form posted to ``place``: the statements that ran, and the waiting page but for what is drawn at random."""
    seen = []
    for form in forms:
        with statements(database) as ran:
            answer = visitor.post(place, data=form)
        page = visitor.get(answer.headers["Location"]).get_data(as_text=True)
        seen.append((ran, neutral(page, request_id_of(answer))))
    return seen


def words(response: TestResponse) -> str:
    """The page's text as a reader sees it."""
    html = re.sub(r"<(script|style).*?</\1>", "", response.get_data(as_text=True), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def title(response: TestResponse) -> str:
    """The page's title."""
    found = re.search(r"<title>(.*?)</title>", response.get_data(as_text=True), re.DOTALL)
    return unescape(found[1]) if found else ""


def hrefs(response: TestResponse, within: str = "") -> list[str]:
    """The links of a page, or of one of its elements."""
    html = response.get_data(as_text=True)
    if within:
        found = re.search(rf"<{within}\b.*?</{within}>", html, re.DOTALL)
        html = found[0] if found else ""
    return [unescape(link) for link in re.findall(r'<a [^>]*href="([^"]+)"', html)]


def request_id_of(response: TestResponse) -> str:
    """The id at the end of a waiting page's address."""
    return str(response.headers["Location"]).rsplit("/", 1)[-1]


def neutral(page: str, request_id: str) -> str:
    """The bytes of a waiting page but its id and its two digits."""
    known = ids.from_url(request_id)
    assert known is not None
    number = ids.number(known)
    page = page.replace(request_id, "ID").replace(f">{number}<", ">NN<")
    return page.replace(f": {number}<", ": NN<")
