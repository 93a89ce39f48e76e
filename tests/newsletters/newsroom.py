"""A browser at the newsroom's desk: signs in, reads pages as trees, fills and sends their forms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from app.core import clock
from app.core.database import Database
from app.staff import gate, signing_in
from app.staff.models import Account


class Page(HTMLParser):
    """The forms and the plain text of an answer."""

    def __init__(self, response: TestResponse) -> None:
        super().__init__()
        self.response = response
        self.html = response.get_data(as_text=True)
        self.forms: list[tuple[str, MultiDict[str, str]]] = []
        self.buttons: list[dict[str, str | None]] = []
        self.frames: list[str] = []
        self._area = ""
        self._select = ""
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self.forms.append((given.get("action") or "", MultiDict()))
        elif tag == "iframe":
            self.frames.append(given.get("src") or "")
        elif tag == "button":
            self.buttons.append(given)
        elif tag == "input" and self.forms and name and "disabled" not in given:
            ticking = given.get("type") in ("checkbox", "radio")
            if not ticking or "checked" in given:
                self.forms[-1][1].add(name, value)
        elif tag == "textarea":
            self._area = name
            self.forms[-1][1].add(name, "")
        elif tag == "select" and self.forms:
            self._select = name
        elif tag == "option" and "selected" in given and self._select:
            self.forms[-1][1].add(self._select, value)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            fields = self.forms[-1][1]
            fields[self._area] = (fields[self._area] + data).removeprefix("\n")

    @property
    def text(self) -> str:
        """What a reader sees, without markup, on one line."""
        bare = re.sub(r"<[^>]+>", " ", self.html)
        return " ".join(bare.replace("&#39;", "'").replace("&amp;", "&").split())

    def form(self, ending: str = "") -> tuple[str, MultiDict[str, str]]:
        """The first form whose address, without its query, ends so."""
        return next(
            (action, fields.copy())
            for action, fields in self.forms
            if action.partition("?")[0].endswith(ending)
        )

    def says(self, do: str) -> bool:
        """Whether there is a button for this act that can be pressed."""
        return any(
            (button.get("value") or "").startswith(do) and "disabled" not in button
            for button in self.buttons
        )


class Newsroom:
    """One signed-in browser."""

    def __init__(self, app: Flask, database: Database, account: Account) -> None:
        self.client: FlaskClient = app.test_client()
        with database.unit_of_work() as session:
            token = signing_in.begin(session, account.id, clock.now())
        with self.client.session_transaction("/staff") as cookie:
            cookie[gate.SECRET] = token
            cookie["language"] = "en"

    def open(self, address: str) -> Page:
        """Follow an address, and where it leads."""
        return Page(self.client.get(address, follow_redirects=True))

    def send(self, page: Page, ending: str = "", **changes: str | Sequence[str] | None) -> Page:
        """Fill the form whose address ends so, and press its button; None takes a field away."""
        action, fields = page.form(ending)
        for name, value in changes.items():
            if value is None:
                fields.poplist(name)
            else:
                fields.setlist(name, [value] if isinstance(value, str) else list(value))
        return Page(self.client.post(action, data=fields, follow_redirects=True))
