"""What is written in the workroom or arrives by mail never runs and loads nothing (C22, C25)."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
import sqlalchemy as sa

from app.audience.models import MailingList
from app.newsletters.models import ReportText
from app.organisations.models import Organisation, Representative
from app.petitions.models import PetitionText
from app.staff.models import Account
from app.web.headers import DOCUMENT_POLICY
from tests.attacks.conftest import House, write_block

MARK = "zz-evil"


EVIL = (
    f'"><{MARK} onload="alert(1)">\'--></script></textarea></title><{MARK}> '
    f"{{{{ 7*191 }}}}{{% raw %}}%(x)s [a](javascript:alert(1)) ![b](https://{MARK}.example/x.png)"
)


class _Tags(HTMLParser):
    """What a browser would take for elements and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in given}
        if tag == MARK:
            self.wrong.append(f"an element {tag}")
        self.wrong += [f"{tag} {name}" for name in attributes if name.startswith("on")]
        if tag == "script" and not attributes.get("src", "").startswith("/static/"):
            self.wrong.append("an inline script")
        if "style" in attributes:
            self.wrong.append(f"{tag} style")
        for name in ("href", "src", "action", "formaction", "data", "srcset", "poster"):
            value = attributes.get(name, "").strip().lower()
            if value.startswith(("javascript:", "data:text", "vbscript:", "//")):
                self.wrong.append(f"{tag} {name}={value[:30]}")
            if name in ("src", "srcset", "poster", "data") and MARK in value:
                self.wrong.append(f"{tag} loads {value[:40]}")


def poison(house: House) -> None:
    """Put the text wherever staff and visitors may leave one, past every form."""
    with house.database.unit_of_work() as session:
        for account in session.scalars(sa.select(Account)):
            if account.name != "One admin":
                account.name = f"{EVIL}"[:190] + str(account.id)
        for text in session.scalars(sa.select(PetitionText)):
            for name in ("topic", "title", "summary", "body", "demands", "addressee"):
                setattr(text, name, EVIL)
        for report in session.scalars(sa.select(ReportText)):
            for name in ("topic", "title", "summary", "body"):
                setattr(report, name, EVIL)
        for one in session.scalars(sa.select(MailingList)):
            one.names = {"fa": EVIL, "en": EVIL}
        for union in session.scalars(sa.select(Organisation)):
            union.names = {"fa": EVIL, "en": EVIL}
            union.website, union.sector, union.source = f"https://x/{EVIL}", EVIL, EVIL
            union.published_address = EVIL
        for speaker in session.scalars(sa.select(Representative)):
            speaker.role = EVIL
    for kind in ("text", "quote"):
        write_block(house, kind, {"fa": (EVIL, EVIL), "en": (EVIL, EVIL)})
    for url in ("javascript:alert(1)", "data:text/html,x", f"https://x/{EVIL}", "//x", "cid:x"):
        write_block(house, "button", {"fa": (EVIL, ""), "en": (EVIL, "")}, url=url)


def test_C25_stored_texts_never_run_on_any_page(house: House) -> None:
    poison(house)
    admin, visitor = house.staff(), house.visitor()
    wrong = []
    seen = 0
    for rule in house.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint in ("static", "mailbox.document"):
            continue
        for locale in ("fa", "en"):
            client = admin if rule.rule.startswith("/staff") else visitor
            answer = client.get(house.address(rule, locale=locale), query_string={"q": EVIL})
            if answer.status_code >= 500:
                wrong.append((rule.rule, [str(answer.status_code)]))
            if answer.mimetype in (
                "application/json",
                "application/pdf",
                "image/png",
                "image/webp",
            ):
                continue  # no browser runs these
            body = answer.text
            if answer.headers["Content-Security-Policy"] == DOCUMENT_POLICY:
                continue  # a letter has its own styles and is shut in; see below
            parser = _Tags()
            parser.feed(body)
            if "1337" in body:
                parser.wrong.append("a template was filled in")
            seen += MARK in body
            if parser.wrong:
                wrong.append((rule.rule, parser.wrong[:4]))
    assert wrong == []
    assert seen > 40, "else the texts were shown nowhere"


@pytest.mark.parametrize("choice", ["fa", "en", "fa-en"])
def test_C22_C25_a_hostile_letter_is_shut_in_and_loads_nothing(house: House, choice: str) -> None:
    poison(house)
    for query in ({}, {"scheme": "dark"}):
        answer = house.staff().get(f"/staff/newsletters/1/preview/{choice}", query_string=query)
        assert answer.status_code == 200
        assert answer.headers["Content-Security-Policy"] == DOCUMENT_POLICY
        assert answer.headers["Cache-Control"] == "no-store"


def test_C25_a_hostile_mail_in_the_trial_mailbox_is_shut_in(house: House) -> None:
    visitor = house.visitor()
    document = visitor.get(f"/mailbox/{house.inside.mail}/html")
    assert document.headers["Content-Security-Policy"] == DOCUMENT_POLICY
    assert "sandbox;" in document.headers["Content-Security-Policy"]
    assert document.headers["X-Content-Type-Options"] == "nosniff"
    for view in ("letter", "text", "headers", "dark", "<script>"):
        page = visitor.get(f"/mailbox/{house.inside.mail}", query_string={"view": view})
        parser = _Tags()
        parser.feed(page.text)
        assert parser.wrong == []
        assert "onclick=alert" not in page.text


# Where secrets may stay
