"""Whether the time of an answer tells who is known (C09): ``python -m bench.oracle``.

Each form is sent for addresses of six classes, in an order shuffled anew for each round, over one connection.
"""

from __future__ import annotations

import argparse
import http.client
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import ceil, floor, sqrt
from typing import Final
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from app.audience import caps, erasing, suppressions
from app.audience.ledger import Ledger
from app.audience.models import NEVER_WRITE, NEWSLETTER
from app.audience.subscriptions import Desk
from app.core import addresses, clock, ids
from app.optin.models import ENDORSEMENT, SIGNATURE, SUBSCRIPTION
from app.petitions import endorsing, signing
from app.petitions.models import OPEN, Petition, PetitionText
from bench.readers import DAY
from bench.surroundings import Surroundings, quietness, surroundings
from tests.factories import a_request, a_subscriber
from tests.servers.process import LOOPBACK
from workers.keys import open_desk

CLASSES: Final = ("new", "pending", "confirmed", "suppressed", "capped", "erased")
SLUG: Final = "teachers"
FORMS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "sign": (f"/en/petitions/{SLUG}/sign", {"consent": "y"}),
    "endorse": (f"/en/petitions/{SLUG}/endorse", {"consent": "y"}),
    "subscribe": ("/en/newsletter", {"consent": "y", "language1": "en"}),
    "my choices: withdraw": ("/en/my-choices", {"purpose": "withdrawal", "petition": "all"}),
    "my choices: newsletter": ("/en/my-choices", {"purpose": "preferences", "petition": "all"}),
}
WARM: Final = 200
"""Answers before the first that counts: templates, statements and pages are prepared."""
CONFIDENCE_95: Final = 1.96


@dataclass(frozen=True)
class Interval:
    """A median with its 95 % interval by order statistics: no assumption about how times are spread."""

    low: float
    middle: float
    high: float


def interval(times: list[float]) -> Interval:
    """The interval's ends are the values whose ranks are 1.96 binomial deviations around the middle."""
    ranked = sorted(times)
    number = len(ranked)
    off = CONFIDENCE_95 * sqrt(number) / 2
    low, high = max(0, floor(number / 2 - off)), min(number - 1, ceil(number / 2 + off))
    return Interval(ranked[low], ranked[number // 2], ranked[high])


def overlap(intervals: list[Interval]) -> bool:
    """Whether one time lies in all of them."""
    return max(one.low for one in intervals) <= min(one.high for one in intervals)


class People:
    """So many addresses of each class, all of one length; those of a class are known to the service as it says."""

    def __init__(self, session: Session, desk: Desk, ledger: Ledger) -> None:
        self._session, self._desk, self._ledger = session, desk, ledger
        petition = Petition(slug=SLUG, state=OPEN, goal=10_000, opened=DAY - timedelta(days=9))
        petition.texts.append(
            PetitionText(
                language="en",
                version=1,
                day=DAY,
                topic="Teachers",
                title="Free the jailed teachers",
                summary="Freedom for all of them.",
                body="A teacher in jail is a class without a teacher.",
                demands="Free all jailed teachers.",
                addressee="The judiciary",
            )
        )
        session.add(petition)
        session.flush()
        self._petition_id, self._text_id = petition.id, petition.texts[0].id

    def add(self, kind: str, address: str) -> None:
        """Make ``address`` one of that class."""
        session, desk, parsed = self._session, self._desk, addresses.parse(address)
        index = desk.indexer.index(parsed)
        if kind == "pending":
            subject = str(self._petition_id)
            for purpose in (SIGNATURE, ENDORSEMENT):
                a_request(session, desk, purpose, subject, now=clock.now(), address=address)
            a_request(session, desk, SUBSCRIPTION, NEWSLETTER, now=clock.now(), address=address)
        elif kind in ("confirmed", "erased"):
            asked = {"text_id": self._text_id, "wording_id": 1}
            chosen = {"signature_id": ids.new().hex}
            signing.count(session, desk, self._petition_id, parsed, asked, chosen, day=DAY)
            said = {"name": "Example Union", "mandate": "The board"}
            endorsing.ask(session, desk, self._petition_id, parsed, asked, said, day=DAY)
            a_subscriber(session, desk, address, languages=("en",))
            if kind == "erased":
                for room in (signing, endorsing):
                    room.withdraw(session, desk, self._ledger, parsed, "all", day=DAY)
                erasing.forget(session, desk, self._ledger, parsed, day=DAY)
        elif kind == "suppressed":
            suppressions.add(session, index.key_id, index.mailbox, NEVER_WRITE, day=DAY)
        elif kind == "capped":
            for _ in range(3):
                caps.take(session, [index], a_day=3, a_month=6, today=clock.today())


class Line:
    """One lasting connection to the site."""

    def __init__(self, port: int) -> None:
        self._line = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
        self._line.connect()

    def post(self, form: str, address: str) -> float:
        """Seconds from the first octet sent to the last one read; raises AssertionError for any answer but 303."""
        path, fields = FORMS[form]
        body = urlencode({**fields, "address": address})
        began = time.perf_counter()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        self._line.request("POST", path, body, kind)
        answer = self._line.getresponse()
        answer.read()
        seconds = time.perf_counter() - began
        assert answer.status == 303, (form, answer.status)
        return seconds


def measure(around: Surroundings, count: int) -> None:
    """Print a line for each form and class."""
    config = around.config("worker")
    database = around.database()
    chance = random.Random(20261125)  # noqa: S311 (an order, no secret)
    people = {
        kind: [f"p{n:06}{kind[0]}{kind[1]}@union.example" for n in range(count)] for kind in CLASSES
    }
    with database.unit_of_work() as session:
        known = People(session, open_desk(config), Ledger(str(around.folder / "ledger.jsonl")))
        for kind, some in people.items():
            for address in some:
                known.add(kind, address)
    database.dispose()
    web, port = around.start_web(instance=around.instance(0))
    line = Line(port)
    try:
        for form in FORMS:
            for number in range(WARM):
                line.post(form, f"w{number:06}xx@union.example")
            times: dict[str, list[float]] = {kind: [] for kind in CLASSES}
            for number in range(count):
                for kind in chance.sample(CLASSES, len(CLASSES)):
                    times[kind].append(line.post(form, people[kind][number]) * 1e3)
            tell(form, {kind: interval(some) for kind, some in times.items()})
    finally:
        web.end()


def tell(form: str, found: Mapping[str, Interval]) -> None:
    """The medians with their intervals, and whether they all share a value."""
    print(f"{form}: intervals {'overlap' if overlap(list(found.values())) else 'DO NOT OVERLAP'}")
    for kind, one in found.items():
        print(f"  {kind:10}  {one.middle:6.3f} ms  [{one.low:6.3f}, {one.high:6.3f}]", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.oracle", description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="addresses of each class")
    options = parser.parse_args()
    with surroundings() as around:
        print(quietness())
        measure(around, options.count)
        print(quietness())


if __name__ == "__main__":
    main()
