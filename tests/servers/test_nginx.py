"""``docs/nginx.conf`` under the real nginx, before the real service: what is kept, for whom, and what never is."""

from __future__ import annotations

import gzip
import http.client
import re
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from app.core import ids
from app.factory import create_app
from app.petitions import addressing
from app.petitions.models import FULL_NAME, Petition, Signature
from app.web.headers import KEPT_SECONDS, SAME_FOR_EVERYONE
from config import Config
from tests.factories import Keys, a_petition
from tests.journeys.worlds import World
from tests.petitions.campaigning import a_signature
from tests.servers.nginx import EXAMPLE, NAME, ONION, Nginx
from tests.servers.plugin import _made
from tests.servers.process import LOOPBACK

pytestmark = pytest.mark.sockets
PAGE = "/en/petitions/teachers"
UNIQUE = "Wren Featherstonehaugh"
FORM: dict[str, Any] = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass
class Front:
    """nginx, and the service behind it without a worker."""

    nginx: Nginx
    world: World

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: str | None = None,
        *,
        host: str = NAME,
        onion: bool = False,
        **headers: str,
    ) -> Answer:
        """One request of a visitor, over TLS or beside Tor; header names with _ for -."""
        line: http.client.HTTPConnection
        if onion:
            line = http.client.HTTPConnection(LOOPBACK, self.nginx.onion_port, timeout=20)
        else:
            trusting = ssl.create_default_context(cafile=str(self.nginx.folder / "fullchain.pem"))
            line = _Named(LOOPBACK, self.nginx.tls_port, timeout=20, context=trusting)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            line.request(method, path, body, {"Host": host, **given})
            answer = line.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            line.close()

    def in_cache(self) -> set[str]:
        """What lies in the cache, by key."""
        return {
            found.decode() for found in re.findall(rb"^KEY: (.+)$", self.nginx.kept(), re.MULTILINE)
        }


class _Named(http.client.HTTPSConnection):
    """Connects to loopback and asks for the site's name (SNI), as a browser does."""

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        context: ssl.SSLContext = self._context  # type: ignore[attr-defined]
        self.sock = context.wrap_socket(self.sock, server_hostname=NAME)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    settings = {
        "PEYVAND_BASE_URL": f"https://{NAME}",
        "PEYVAND_ONION_URL": f"http://{ONION}",
        "PEYVAND_TRUSTED_PROXIES": LOOPBACK,
        "PEYVAND_FORMS_AN_HOUR": "3",
        "PEYVAND_KEPT_SECONDS": "5",  # as a server has it
    }
    folder = tmp_path_factory.mktemp("front")
    with World(folder, mail="smtp://127.0.0.1:9", settings=settings) as world:
        nginx = _made(lambda: Nginx(world.port))
        try:
            world.write(_furnish)
            world.web.start()
            nginx.start()
            yield Front(nginx, world)
        finally:
            nginx.close()


def _furnish(session: Session) -> None:
    petition = a_petition(session)
    a_petition(session, "nurses")
    for petition_name in (UNIQUE, *(f"Signer {n}" for n in range(20))):
        a_signature(session, petition, petition_name, shown_as=FULL_NAME, shown_in=1)


@pytest.fixture
def up(front: Front) -> Front:
    """The service answers."""
    front.world.web.start()
    end = time.monotonic() + 30
    while not front.world.answers():
        assert time.monotonic() < end, front.world.web.words
        time.sleep(0.05)
    return front


def _site(folder: Path, keys: Keys) -> Flask:
    return create_app(
        Config.from_env(
            "web",
            keys.web(
                PEYVAND_DATABASE_URL=f"sqlite:///{folder / 'x.sqlite'}",
                PEYVAND_INSTANCE=str(folder),
                PEYVAND_SMTP_URL=f"mailbox:{folder / 'mailbox'}",
            ),
        )
    )


def test_the_example_keeps_the_pages_that_the_service_marks_and_no_others(tmp_path: Path) -> None:
    """A new page that is the same for everyone belongs in the example's ``location``, or nginx never keeps it."""
    given = re.search(r'location ~ "([^"]+)"', EXAMPLE.read_text("utf-8"))
    assert given is not None
    place = re.compile(given[1])
    site = _site(tmp_path, Keys())
    wrong = []
    for rule in site.url_map.iter_rules():
        samples = {
            "locale": "fa",
            "slug": "teachers",
            "petition_id": 1,
            "row_id": 1,
            "account_id": 1,
            "update_id": 1,
            "organisation_id": 1,
            "sheets_id": 1,
        }
        values = {name: samples.get(name, "x") for name in rule.arguments}
        path = rule.build(values, append_unknown=False)
        assert path is not None, rule
        matched = place.search(path[1]) is not None
        if matched != (rule.endpoint in SAME_FOR_EVERYONE):
            wrong.append((rule.endpoint, path[1], matched))
    assert wrong == []


def test_a_page_is_kept_and_answers_with_its_etag(up: Front) -> None:
    first = up.ask(PAGE)
    assert first.status == 200
    assert f"https{NAME}{PAGE}" in up.in_cache()
    etag = first.headers["ETag"]

    def count_on(session: Session) -> None:
        session.get_one(Petition, 1).published_total += 5

    up.world.write(count_on)
    kept = up.ask(PAGE)
    assert (kept.body, kept.headers["ETag"]) == (first.body, etag), "within thirty seconds: a copy"
    asked = up.ask(PAGE, If_None_Match=etag)
    assert (asked.status, asked.body) == (304, b"")
    head = up.ask(PAGE, "HEAD")
    assert (head.status, head.body, head.headers["ETag"]) == (200, b"", etag)
    assert "Set-Cookie" not in kept.headers
    assert len(kept.headers.get_all("Strict-Transport-Security") or []) == 1


def test_a_persian_address_and_where_a_page_is_now_are_kept_too(up: Front) -> None:
    # given a petition whose address in Persian was chosen
    slug = "کارگران-نفت"
    persian = f"/fa/petitions/{quote(slug)}"
    up.world.write(lambda s: addressing.give(s, a_petition(s, "oil"), "fa", slug))
    # when page, short link and the address from before are asked for
    places = (persian, "/fa/p/3", "/fa/petitions/oil/updates")
    answers = [up.ask(place) for place in places]
    # then each lies in the cache, with where it leads
    assert [answer.status for answer in answers] == [200, 301, 301]
    assert answers[1].headers["Location"] == persian
    assert up.in_cache() >= {f"https{NAME}{place}" for place in places}


def test_C17_a_withdrawn_name_is_gone_within_a_minute(up: Front) -> None:
    place = "/en/petitions/teachers/signers"
    assert UNIQUE in up.ask(place).body.decode()
    up.world.write(lambda s: s.execute(sa.delete(Signature).where(Signature.shown_name == UNIQUE)))
    began = time.monotonic()
    assert UNIQUE in up.ask(place).body.decode(), "a copy: else this test shows nothing"
    while UNIQUE in up.ask(place).body.decode():
        assert time.monotonic() - began < 60
        time.sleep(0.5)
    assert time.monotonic() - began < KEPT_SECONDS + 5 + 10
    end = time.monotonic() + 25
    while UNIQUE.encode() in up.nginx.kept():  # other pages' idle copies
        assert time.monotonic() < end, "an idle copy stays on the disk"
        time.sleep(0.5)


def test_C10_forms_answers_secrets_and_staff_are_never_kept(up: Front) -> None:
    before = up.in_cache()
    waiting = f"{PAGE}/check/{ids.in_url(ids.new())}"
    for path in (
        *(waiting, "/en/c/secret", "/en/u/secret", "/u/secret", "/en/never/secret"),
        *("/en/my-choices", "/en/newsletter", "/staff", "/staff/sign-in", "/", "/p/1", "/health"),
        *(f"{PAGE}/thanks", f"{PAGE}?utm=mail", "/en/petitions/none", "/en/reports?q=prison"),
    ):
        for _ in range(2):
            answer = up.ask(path)
            assert answer.headers["Cache-Control"] == "no-store", path
    wrong = up.ask(f"{PAGE}/sign", "POST", "address=no", **FORM)
    assert (wrong.status, wrong.headers["Cache-Control"]) == (422, "no-store")
    missing = up.ask("/en/petitions/later/updates")
    assert missing.status == 404
    up.world.write(lambda session: a_petition(session, "later"))
    assert up.ask("/en/petitions/later/updates").status == 200, "the error was not kept"
    assert up.in_cache() - before == {f"https{NAME}/en/petitions/later/updates"}


def test_a_form_sent_to_a_kept_page_s_address_is_not_answered_from_the_cache(up: Front) -> None:
    up.ask(PAGE)
    assert up.ask(PAGE, "POST", "address=x", **FORM).status == 405


def test_C25_compressed_once_and_never_where_secrets_are(up: Front) -> None:
    path = "/fa/petitions/nurses"
    plain = up.ask(path)
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["Vary"] == "Accept-Encoding"
    packed = up.ask(path, Accept_Encoding="gzip, br")
    assert packed.headers.get_all("Content-Encoding") == ["gzip"]
    assert packed.headers.get_all("Vary") == ["Accept-Encoding"]
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 2
    weak = packed.headers["ETag"]
    assert up.ask(path, Accept_Encoding="gzip", If_None_Match=weak).status == 304
    waiting = f"{PAGE}/check/{ids.in_url(ids.new())}"
    for secret in (
        waiting,
        "/en/c/x",
        "/en/u/x",
        "/en/never/x",
        "/staff/sign-in",
        "/en/my-choices",
    ):
        answer = up.ask(secret, Accept_Encoding="gzip")
        assert "Content-Encoding" not in answer.headers, secret
        assert len(answer.body) > 1000


def test_the_cache_mixes_neither_languages_nor_names(up: Front) -> None:
    path = "/petitions/nurses/updates"
    for code in ("fa", "en"):
        for asked in ("fa", "en"):
            answer = up.ask(f"/{code}{path}", Accept_Language=asked)
            assert f'<html lang="{code}"'.encode() in answer.body
    for asked in ("fa", "en"):
        assert up.ask("/", Accept_Language=asked).headers["Location"] == f"/{asked}/"
    clear = up.ask(f"/en{path}")
    hidden = up.ask(f"/en{path}", onion=True, host=ONION)
    assert clear.headers["Onion-Location"] == f"http://{ONION}/en{path}"
    assert "Onion-Location" not in hidden.headers
    assert {f"https{NAME}/en{path}", f"http{ONION}/en{path}"} <= up.in_cache()


def test_a_foreign_name_reaches_nothing_and_poisons_nothing(up: Front) -> None:
    before = up.in_cache()
    with pytest.raises(http.client.RemoteDisconnected):
        up.ask("/en/", host="evil.example", onion=True)
    with pytest.raises(http.client.RemoteDisconnected):
        up.ask("/en/", host="evil.example")
    forged = up.ask("/en/safety", X_Forwarded_Host="evil.example", X_Forwarded_Proto="ftp")
    assert b"evil" not in forged.body
    assert "evil" not in str(forged.headers)
    assert up.in_cache() - before == {f"https{NAME}/en/safety"}


def test_C24_limits_see_the_visitor_on_the_clear_net_and_nobody_over_tor(up: Front) -> None:
    path = "/en/newsletter"
    told = [
        up.ask(path, "POST", "address=x", X_Forwarded_For=f"198.51.100.{n}", **FORM).status
        for n in range(4)
    ]
    assert told == [422, 422, 422, 429], "a forged header buys no more forms"
    told = [
        up.ask(path, "POST", "address=x", onion=True, host=ONION, **FORM).status for _ in range(5)
    ]
    assert told == [422] * 5, "all who come over Tor share no place of one network"


def test_C23_nothing_of_a_visitor_is_written_down(up: Front) -> None:
    up.ask("/en/c/secretive", "POST", "x" * 70_000, **FORM)
    up.ask(f"{PAGE}/sign", "POST", "address=swallow%40nest.example", **FORM)
    up.ask("/en/%00secretive")
    words = up.nginx.words
    assert "secretive" not in words
    assert LOOPBACK not in words
    bodies = [path for path in (up.nginx.folder / "bodies").rglob("*") if path.is_file()]
    assert bodies == [], "a typed address lies in a file"


def test_R06_a_body_too_large_is_refused_before_the_service_sees_it(up: Front) -> None:
    assert up.ask(f"{PAGE}/sign", "POST", "x" * 66_000, **FORM).status == 413


def test_R06_while_the_service_is_away_a_page_says_so_and_is_not_kept(up: Front) -> None:
    path = "/en/petitions/nurses/signers"
    up.world.web.kill()
    away = up.ask(path)
    assert (away.status, away.headers["Retry-After"]) == (503, "30")
    assert away.headers["Cache-Control"] == "no-store"
    assert away.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "try again" in away.body.decode()
    assert up.ask(f"{PAGE}/sign", "POST", "address=a%40b.example", **FORM).status == 503
    up.world.web.start()
    end = time.monotonic() + 30
    while up.ask(path).status != 200:
        assert time.monotonic() < end
        time.sleep(0.1)
