"""Two thousand forms as a clumsy or hostile hand would send them, and three hundred raw requests to a real server.

The chance is seeded: what fails, fails again. ``PEYVAND_FUZZ_SEED`` and ``PEYVAND_FUZZ_COUNT`` ask for others.
"""

from __future__ import annotations

import logging
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import time_machine
from flask.testing import FlaskClient

from tests.attacks.conftest import House
from tests.attacks.fairness import faults_of
from tests.attacks.hostile import BODIES, HEADERS, PARTS, TEXTS, TYPES, Form, forms_of
from tests.attacks.wholeness import Whole
from tests.journeys.worlds import World
from tests.servers.process import wait_until

SEED = int(os.environ.get("PEYVAND_FUZZ_SEED", "20261124"))
COUNT = int(os.environ.get("PEYVAND_FUZZ_COUNT", "2000"))
ROUND = 1000
"""So many to a house, which is used up then: an attack that is let in may lock, close or sign out."""
RESTORED_EVERY = 40
"""So often used links and codes are given back, since else only the first proof would reach what lies behind."""
WARM = 300
"""So many in a house until its pages, statements and catalogues are in memory."""
MEGABYTES = 15
"""How much more memory the rest of a house's forms may need."""


def all_forms(house: House, client: FlaskClient) -> list[Form]:
    """Each form of each page that this browser gets to see, once for each address it is sent to."""
    found: dict[tuple[str, tuple[str, ...]], Form] = {}
    for place in places(house):
        page = client.get(place)
        if page.mimetype != "text/html":
            continue
        for form in forms_of(page.text):
            form.action = form.action or place
            found[form.action, tuple(sorted(form.kinds))] = form
    return list(found.values())


def places(house: House) -> list[str]:
    """A live address of each page; of those behind a link, a code or an id, one of each purpose."""
    found = []
    for rule in house.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
            continue
        found.append(house.address(rule))
        if "token" in rule.arguments and rule.endpoint.startswith("links."):
            found += [house.address(rule, "token", link) for link in house.inside.links.values()]
        if {"purpose", "request_id"} <= rule.arguments:
            for purpose, request_id in house.inside.requests.items():
                values = {"locale": "en", "purpose": purpose, "request_id": request_id}
                built = rule.build(values, append_unknown=False)
                found += [built[1]] if built else []
    return found


def with_the_code(
    house: House, form: Form, sent: list[tuple[str, bytes]]
) -> list[tuple[str, bytes]]:
    """The form with the code that really came by mail, where one is asked for: so it reaches the choices."""
    for purpose, request_id in house.inside.requests.items():
        if request_id in form.action:
            code = house.inside.codes[purpose].encode()
            return [(name, code if name == "code" else value) for name, value in sent]
    return sent


def memory() -> float:
    """This process's resident memory in megabytes (Linux)."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096 / 1e6


def spoil(form: Form, chance: random.Random) -> list[tuple[str, bytes]]:
    """The form with one to three things wrong with it."""
    sent = [(name, value.encode()) for name, value in form.filled(chance)]
    names = list(form.kinds) or ["x"]
    for _ in range(chance.randint(1, 3)):
        name = chance.choice(names)
        text = chance.choice(TEXTS).encode("utf-8", "surrogatepass")
        if chance.random() < 0.1:
            text = chance.randbytes(chance.randint(1, 60))
        way = chance.random()
        if way < 0.6:
            sent = [(one, value) for one, value in sent if one != name] + [(name, text)]
        elif way < 0.75:
            sent.append((name, text))
        elif way < 0.9:
            sent = [(one, value) for one, value in sent if one != name]
        else:
            sent.append((chance.choice(TEXTS)[:200] or "x", text))
    return sent


def urlencoded(sent: list[tuple[str, bytes]]) -> bytes:
    def escaped(raw: bytes) -> bytes:
        return b"".join(b"%%%02X" % octet for octet in raw)

    return b"&".join(escaped(name.encode()) + b"=" + escaped(value) for name, value in sent)


def multipart(sent: list[tuple[str, bytes]]) -> bytes:
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (name.encode().replace(b'"', b"%22"), value)
        for name, value in sent
    ]
    return b"".join(parts) + b"--x--\r\n"


class Attack:
    """One house, its forms, and whoever sends them."""

    def __init__(self, house: House, chance: random.Random) -> None:
        house.app.config["WTF_CSRF_ENABLED"] = False
        self.house, self.chance, self.whole = house, chance, Whole(house)
        self.outside, self.inside = house.visitor(), house.staff()
        self.forms = all_forms(house, self.inside)
        self.wrote = 0

    def __call__(self, number: int) -> object | None:
        """Send one form, spoiled; returns what is wrong with what came of it, and how it came about."""
        chance, house = self.chance, self.house
        form = chance.choice(self.forms)
        staff = form.action.startswith("/staff")
        if number % RESTORED_EVERY == 0:
            self.inside = house.staff()
            self.whole.restore_requests()
        client = self.inside if staff and chance.random() < 0.9 else self.outside
        sent = spoil(form, chance)
        if chance.random() < 0.5:
            sent = with_the_code(house, form, sent)
        body, kind = urlencoded(sent), "application/x-www-form-urlencoded"
        if chance.random() < 0.2:
            body, kind = multipart(sent), "multipart/form-data; boundary=x"
        if chance.random() < 0.05:
            kind = chance.choice(TYPES)
        headers = [chance.choice(HEADERS)] if chance.random() < 0.2 else []
        before = house.rows()
        begun = time.process_time()
        answer = client.open(
            form.action,
            method="POST" if form.method.lower() == "post" else "GET",
            data=body,
            content_type=kind,
            headers=headers,
        )
        spent = time.process_time() - begun
        found = faults_of(answer, public=not staff)
        if house.rows() != before:
            self.wrote += 1
            found += self.whole.faults()
            if answer.status_code >= 400:
                found.append("stored something all the same")
        if spent > 1:
            found.append(f"took {spent:.1f} s of work")
        return (number, form.action, sent, kind, headers, found) if found else None


@pytest.mark.timeout(max(180, COUNT // 10))
def test_R06_forms_as_a_clumsy_or_hostile_hand_sends_them(
    build: Callable[..., House], clock: time_machine.Traveller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    wrong, wrote, grown = [], 0, []
    for part in range(-(-COUNT // ROUND)):
        attack = Attack(build(), random.Random(SEED + part))
        assert len(attack.forms) > 60
        for number in range(ROUND):
            if number == WARM:
                warm = memory()
            if fault := attack(number):
                wrong.append(fault)
        grown.append(memory() - warm)
        wrote += attack.wrote
    assert wrong == []
    assert "unexpected" not in caplog.text
    assert wrote > COUNT / 20, "too few of them get through to show anything"
    assert max(grown) < MEGABYTES, grown
    print(f"{COUNT} forms, {wrote} of them wrote something, whole; grown by {max(grown):.1f} MB")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A real web process, without a worker: nobody answers its requests."""
    with World(tmp_path_factory.mktemp("served")) as world:
        world.web.start()
        wait_until(world.answers, seconds=60, what="an answer of the web process")
        yield world


def raw(port: int, request: bytes, *, seconds: float = 10) -> bytes:
    """What the server says to these octets, until it closes or has said enough."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as line:
        line.sendall(request)
        answer = b""
        try:
            while len(answer) < 200_000:
                some = line.recv(65536)
                answer += some
                if not some:
                    break
        except (TimeoutError, ConnectionResetError):
            pass
        return answer


def a_raw_request(chance: random.Random) -> bytes:
    """A request line, headers and a body, of which something is odd."""
    places = (
        b"/en/petitions/teachers/sign",
        b"/fa/newsletter",
        b"/en/my-choices",
        b"/staff/sign-in",
        b"/fa/c/" + chance.choice(PARTS).encode(),
        b"/u/" + chance.choice(PARTS).encode(),
        b"/mailbox/" + chance.choice(PARTS).encode(),
        b"/staff/" + chance.choice(PARTS).encode(),
        b"/" + chance.randbytes(12).replace(b"\n", b"").replace(b" ", b""),
        b"/fa/reports?q=" + b"%CC%81%CC%A7" * 2000,
        b"//evil.example/..",
        b"http://evil.example/en/",
        b"*",
    )
    method = chance.choice([b"POST", b"POST", b"POST", b"GET", b"GET", b"HEAD", b"BREW", b"TRACE"])
    body, kind = chance.choice(BODIES)
    lines = [b"Host: " + chance.choice([b"127.0.0.1", b"evil.example", b"a b", b"", b"\xff"])]
    if chance.random() < 0.5:
        name, value = chance.choice(HEADERS)
        lines.append(f"{name}: {value}".encode("utf-8", "replace").replace(b"\n", b" "))
    if kind:
        lines.append(b"Content-Type: " + kind.encode())
    way = chance.random()
    if way < 0.5:
        lines.append(b"Content-Length: %d" % len(body))
    elif way < 0.7:
        lines.append(b"Transfer-Encoding: chunked")
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    elif way < 0.8:
        lines += [b"Content-Length: 5", b"Content-Length: 7"]
    elif way < 0.9:
        lines.append(b"Content-Length: " + chance.choice([b"-1", b"x", b"0x10", b"9" * 30]))
    place = chance.choice(places)
    version = chance.choice([b"HTTP/1.1"] * 8 + [b"HTTP/1.0", b"HTTP/9.9"])
    head = b"\r\n".join([method + b" " + place + b" " + version, b"Connection: close", *lines])
    return head + b"\r\n\r\n" + body


@pytest.mark.sockets
def test_R06_raw_requests_to_a_real_server(served: World) -> None:
    chance = random.Random(SEED)
    wrong = []
    silent = 0
    for _ in range(300):
        request = a_raw_request(chance)
        answer = raw(served.port, request, seconds=3)
        if not answer:
            silent += 1
            continue
        status = int(answer[9:12]) if answer[:5] == b"HTTP/" else 0
        if status == 0 or (status >= 500 and status not in (501, 503, 505)):
            wrong.append((request[:200], answer[:200]))
        if b"Traceback" in answer or b"site-packages" in answer:
            wrong.append((request[:200], b"a traceback"))
    assert wrong == []
    assert silent < 100
    assert served.answers()
    assert "evil" not in served.web.words
    assert "Traceback" not in served.web.words


@pytest.mark.sockets
def test_R06_a_body_larger_than_allowed_is_refused_without_being_read(served: World) -> None:
    head = (
        b"POST /en/newsletter HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000000000\r\n\r\n"
    )
    answer = raw(served.port, head + b"address=" + b"x" * 10_000, seconds=5)
    assert answer[9:12] == b"413"


@pytest.mark.sockets
def test_R06_a_chunked_body_is_read_and_bounded_like_any(served: World) -> None:
    head = (
        b"POST /en/newsletter HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    small = b"address=leila%40example.org&language1=fa&consent=y"
    answer = raw(served.port, head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(small), small))
    assert answer[9:12] == b"303"
    large = b"consent=y&address=" + b"x" * 3_000_000
    answer = raw(served.port, head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(large), large))
    assert answer[9:12] in (b"413", b"422")  # Werkzeug cuts such a body at the limit
    assert len(answer) < 200_000


@pytest.mark.sockets
def test_R06_who_sends_slowly_or_never_holds_up_nobody(served: World) -> None:
    lines = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(40)]
    try:
        for line in lines:
            line.sendall(
                b"POST /en/newsletter HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\na="
            )
        begun = time.monotonic()
        assert served.answers()
        assert time.monotonic() - begun < 5
    finally:
        for line in lines:
            line.close()


def test_the_server_writes_no_access_log(served: World, tmp_path: Path) -> None:
    """C23: a token in an address would stand in it."""
    assert "/en/" not in served.web.words
