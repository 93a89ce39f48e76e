"""Fifty canaries and the life they lead: what fifty people type into the service, and what befalls their mail."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesParser

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import clock
from app.organisations.models import Organisation
from app.staff import invitations
from app.staff.models import Account
from tests.emails.sink import Moment, Sink
from tests.factories import a_petition
from tests.faults.callers import Caller
from tests.journeys.mails import Mail
from tests.journeys.worlds import World
from tests.servers.process import wait_until

SLUG = "teachers"


@dataclass
class Canaries:
    """Words that nobody else writes. All secret ones of an alphabet share one marker, the published ones another."""

    latin: str = field(default_factory=lambda: "k" + secrets.token_hex(5))
    persian: str = field(
        default_factory=lambda: "".join(secrets.choice("ژغظثذضطچگپ") for _ in range(8))
    )
    published: str = field(
        default_factory=lambda: "Wren" + "".join(secrets.choice("bdfgjkqvxz") for _ in range(8))
    )
    words: list[str] = field(default_factory=list)

    @property
    def markers(self) -> tuple[str, str]:
        return self.latin, self.persian

    def _kept(self, word: str) -> str:
        self.words.append(word)
        return word

    def address(self) -> str:
        """An address; every other one is Persian."""
        number = len(self.words)
        if number % 2:
            return self._kept(f"پرستو{number}{self.persian}@nest.example")
        return self._kept(f"swallow{number}.{self.latin}@nest.example")

    def name(self) -> str:
        """A name; every other one is Persian."""
        number = len(self.words)
        return self._kept(f"پرستو {self.persian}ی" if number % 2 else f"Zoë {self.latin}-{number}")

    def addresses(self, count: int) -> list[str]:
        return [self.address() for _ in range(count)]


class Story:
    """What the canaries do; ``sink`` is the mail server, which echoes addresses in what it refuses."""

    def __init__(self, world: World, sink: Sink, canaries: Canaries) -> None:
        self.world, self.sink, self.canaries = world, sink, canaries
        self.caller = Caller(world.base_url)
        self.refused: dict[str, str] = {}
        sink.answer = self._answer

    def _answer(self, moment: Moment) -> str | None:
        said = self.refused.get(moment.argument) if moment.stage == "rcpt" else None
        return f"{said} <{moment.argument}> {self.canaries.latin} is not wanted" if said else None

    def mail_to(self, address: str, nth: int = 1) -> Mail:
        wait_until(
            lambda: len(self.sink.of(address)) >= nth, seconds=30, what=f"mail {nth} to a canary"
        )
        received = self.sink.of(address)[nth - 1]
        return Mail(address, BytesParser(policy=policy.default).parsebytes(received.message))

    # What visitors do

    def sign(self, addresses: Sequence[str]) -> list[str]:
        """All sign; the addresses of their waiting pages."""
        return self._ask(f"/fa/petitions/{SLUG}/sign", addresses, consent="y")

    def subscribe(self, addresses: Sequence[str]) -> list[str]:
        return self._ask("/fa/newsletter", addresses, consent="y", language1="fa")

    def want(self, purpose: str, addresses: Sequence[str]) -> list[str]:
        return self._ask("/fa/my-choices", addresses, purpose=purpose, petition="all")

    def _ask(self, path: str, addresses: Sequence[str], **fields: str) -> list[str]:
        pages = []
        for address in addresses:
            answer = self.caller.post(path, address=address, **fields)
            assert "/check/" in answer.url, (answer.status, answer.text[-600:])
            pages.append(answer.url)
        return pages

    def prove(
        self, pages: Sequence[str], addresses: Sequence[str], nth: int = 1, **choices: str
    ) -> None:
        """All type the code of their nth mail."""
        for page, address in zip(pages, addresses, strict=True):
            answer = self.caller.post(page, code=self.mail_to(address, nth).code, **choices)
            assert answer.url.endswith("/thanks"), (answer.status, answer.text[-600:])

    def settle(self) -> None:
        """Wait until the worker has carried everything out."""
        open_requests = sa.text("SELECT count(*) FROM request WHERE state IN ('asked', 'proven')")
        wait_until(
            lambda: self.world.read(lambda session: session.scalar(open_requests)) == 0,
            seconds=30,
            what="the worker's rest",
        )

    # What staff do

    def staff(self) -> Caller:
        """A member of staff, signed in."""
        account_id = self.world.account()

        def link(session: Session) -> str:
            account = session.get_one(Account, account_id)
            return invitations.sign_in_link(session, account, clock.now())

        caller = Caller(self.world.base_url)
        answer = caller.post_as_staff(f"/staff/link/{self.world.write(link)}")
        assert answer.status == 200, answer
        return caller

    def organisation(self) -> int:
        def make(session: Session) -> int:
            row = Organisation(
                type="national-union",
                country="DE",
                names={"fa": "اتحادیهٔ نمونه", "en": "Sample union"},
                folded_name="اتحادیه نمونه sample union",
            )
            session.add(row)
            session.flush()
            return row.id

        return self.world.write(make)


def live(
    story: Story, database_stops: Callable[[], object], database_starts: Callable[[], object]
) -> None:
    """The whole story: signing, subscribing, newsletters, leaving, staff, bounces, and every kind of error."""
    canaries, world = story.canaries, story.world
    world.write(lambda session: a_petition(session, SLUG, hand_over_names=True))
    _signatures(story)
    _letters(story)
    _staff(story)
    _errors(story)
    # what is typed while the database is away is nowhere
    database_stops()
    answer = story.caller.post(
        f"/en/petitions/{SLUG}/sign", address=canaries.address(), consent="y"
    )
    assert answer.status == 503, answer.status
    database_starts()
    world.database.dispose()
    story.settle()


def _signatures(story: Story) -> None:
    canaries = story.canaries
    story.sign(canaries.addresses(6))  # who never proves it
    handing_over, with_initials, in_full = (canaries.addresses(n) for n in (7, 3, 2))
    pages = [story.sign(some) for some in (handing_over, with_initials, in_full)]
    for page, address in zip(pages[0], handing_over, strict=True):
        story.prove(
            [page], [address], shown_as="anonymous", hand_over="y", shown_name=canaries.name()
        )
    for page, address in zip(pages[1], with_initials, strict=True):
        story.prove([page], [address], shown_as="initials", shown_name=canaries.name())
    story.prove(pages[2], in_full, shown_as="full-name", shown_name=f"Zoë {canaries.published}")
    story.settle()
    gone = handing_over[:2]
    story.prove(story.want("withdrawal", gone), gone, nth=2)
    story.settle()


def _letters(story: Story) -> None:
    canaries, world = story.canaries, story.world
    readers = canaries.addresses(8)
    story.prove(story.subscribe(readers), readers)
    story.settle()
    story.refused = {readers[6]: "550 5.1.1", readers[7]: "450 4.2.0"}
    send_id = world.send_newsletter()
    world.wait_until_begun(send_id, 8)
    story.refused = {}
    mail = story.mail_to(readers[0], 2)
    assert story.caller.post(mail.one_click, **{"List-Unsubscribe": "One-Click"}).status == 200
    left = readers[1:3]
    story.prove(story.want("erasure", left), left, nth=3)
    story.settle()


def _staff(story: Story) -> None:
    canaries, staff = story.canaries, story.staff()
    own, representative, unwanted = canaries.addresses(3)
    assert (
        staff.post_as_staff("/staff/settings/address", "/staff/settings", address=own).status == 200
    )
    assert story.caller.post(story.mail_to(own).link).status == 200
    story.settle()
    issue = story.world.issue()
    preview = f"/staff/newsletters/{issue}/preview"
    assert (
        staff.post_as_staff(f"/staff/newsletters/{issue}/test", preview, choice="fa").status == 200
    )
    story.mail_to(own, 2)
    row = f"/staff/organisations/{story.organisation()}"
    fields = {"role": "secretary", "language": "fa", "languages": "fa", "address": representative}
    assert staff.post_as_staff(f"{row}/invite", row, **fields).status == 200
    link = story.mail_to(representative).link
    assert story.caller.post(link, language1="fa", consent="y").status == 200
    order = staff.post_as_staff("/staff/readers", order="suppress", address=unwanted)
    assert order.status == 200, order.text[-500:]
    story.settle()


def _errors(story: Story) -> None:
    """Canaries where they do not belong; every answer is a page that helps."""
    canaries, caller = story.canaries, story.caller
    [page] = story.sign([canaries.address()])
    sign = f"/en/petitions/{SLUG}/sign"
    name = canaries.name()
    answers = [
        caller.post(sign, address=canaries.address().replace("@", "@@"), consent="y"),
        caller.post(sign, address=canaries.address()),
        caller.post(page, code="ACDEFHJK", shown_as="full-name", shown_name=canaries.address()),
        caller.post(page, code=canaries.name()),
        caller.post(sign, address=canaries.latin * 5000, consent="y"),
        caller.post(sign, method="PUT", address=canaries.address()),
        caller.get(f"/en/reports?q={_quoted(name)}"),
        caller.get(f"/en/{_quoted(canaries.name())}"),
        caller.get(f"/en/c/{_quoted(canaries.address())}"),
        caller.get(
            "/en/", **{"User-Agent": canaries.latin, "Referer": f"http://x/{canaries.latin}"}
        ),
        caller.get("/en/", Cookie=f"workroom={canaries.latin}"),
        caller.post("/staff/sign-in", name=canaries.name(), password=canaries.latin),
    ]
    assert all(answer.status < 500 for answer in answers), [a.status for a in answers]


def _quoted(text: str) -> str:
    return re.sub(
        r"[^a-z0-9]", lambda sign: "".join(f"%{octet:02X}" for octet in sign[0].encode()), text
    )
