"""Three hundred who sign: most by the very forms over HTTP, some in a browser; and what they alone know of themselves.

    crowd = Crowd(service, browser, "teachers-freedom", 1)
    crowd.sign(crowd.people(40), in_browser=2)
    crowd.counted                     # how many mailboxes count now, by the crowd's own book

Each knows a mail's code or link from the composed mail only.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode, urljoin

from playwright.sync_api import Browser

from app.petitions.models import ANONYMOUS, FULL_NAME, INITIALS
from tests.journeys import robots
from tests.journeys.one_clock import OneClock
from tests.journeys.robots import Answer
from tests.journeys.visitors import Visitor

LANGUAGES: Final = ("fa", "en")
THROW_AWAY: Final = "mailinator.com"
FORM: Final = "application/x-www-form-urlencoded"
_FIRST: Final = {
    "fa": ("شیرین", "بهرام", "نسرین", "کاوه", "پروانه"),
    "en": ("Shirin", "Bahram", "Nasrin", "Kaveh", "Parvaneh"),
}
_LAST: Final = {
    "fa": ("با", "دی", "رو", "شا", "کو", "لی", "ما", "نو", "زا", "هی"),
    "en": ("ba", "di", "ru", "sha", "ko", "li", "ma", "no", "za", "hi"),
}
_VILLAGES: Final = 12
"""So many mail domains of their own, that no day looks like a burst from one of them."""


@dataclass(frozen=True)
class Signer:
    """Somebody with a mailbox, and what they choose beside the proof."""

    number: int
    language: str
    address: str
    mailbox: str
    shown_as: str = ANONYMOUS
    name: str = ""
    affiliation: str = ""
    country: str = ""
    comment: str = ""

    @property
    def choices(self) -> dict[str, str]:
        """The fields beside the code or the button."""
        return {
            "shown_as": self.shown_as,
            "shown_name": self.name,
            "affiliation": self.affiliation,
            "country": self.country,
            "comment": self.comment,
        }

    @property
    def words(self) -> set[str]:
        """What tells of this one: the address, and each word that was typed to be shown or not."""
        return {self.address, self.name, self.affiliation, self.comment} - {""}


class Crowd:
    """Everyone who may sign the one petition."""

    def __init__(self, service: OneClock, browser: Browser, slug: str, petition: int) -> None:
        self._service, self._slug, self._petition = service, slug, petition
        self._visitors = {
            language: Visitor(browser, service.base_url, language) for language in LANGUAGES
        }
        self._numbers = itertools.count()
        self._counting: dict[str, Signer] = {}
        """By mailbox: whose signature counts."""
        self._held: dict[str, Signer] = {}
        self.words: set[str] = set()
        """Every word that anyone ever typed of themselves."""
        self.signatures = 0
        """How many were proven, second ones and held ones too."""

    def goes_home(self) -> None:
        for visitor in self._visitors.values():
            visitor.leaves_the_room()

    @property
    def counted(self) -> int:
        return len(self._counting)

    @property
    def known(self) -> Sequence[Signer]:
        """Who counts now, the oldest first."""
        return list(self._counting.values())

    # Who they are

    def people(self, number: int, *, domain: str = "") -> list[Signer]:
        """New ones, half of them Persian; without a name, a word or a place."""
        made = []
        for one in itertools.islice(self._numbers, number):
            address = f"signer{one}@{domain or f'village{one % _VILLAGES}.example'}"
            made.append(Signer(one, LANGUAGES[one % 2], address, address))
        return made

    def named(self, number: int, *, full: bool = False) -> list[Signer]:
        """New ones who want to be shown: by initials, or by their full name with their union and country."""
        return [self._named(one, full) for one in self.people(number)]

    def speaking(self, number: int, *, named: bool = False) -> list[Signer]:
        """New ones with a comment, under their full name or nobody's."""
        found = self.named(number, full=True) if named else self.people(number)
        said = {"fa": "کلاس بی‌معلم نمی‌ماند، گفتهٔ", "en": "No class stays without a teacher, says"}
        return [
            replace(one, comment=f"{said[one.language]} {_last(one.number, one.language)}.")
            for one in found
        ]

    def at_gmail(self, number: int) -> list[Signer]:
        """New ones at a provider that leaves out dots: each has many addresses and one mailbox."""
        return [
            replace(one, address=f"si.gner{one.number}@gmail.com", mailbox=f"g{one.number}")
            for one in self.people(number)
        ]

    @staticmethod
    def again(signers: Iterable[Signer]) -> list[Signer]:
        """The same mailboxes by other addresses of theirs."""
        return [replace(one, address=one.address.replace("si.gner", "sig.ner")) for one in signers]

    @staticmethod
    def _named(one: Signer, full: bool) -> Signer:
        first = _FIRST[one.language][one.number % 5]
        last = _last(one.number, one.language)
        named = replace(one, name=f"{first} {last}", shown_as=INITIALS)
        if not full:
            return named
        return replace(named, shown_as=FULL_NAME, affiliation=f"{last} 87", country="DE")

    # What they do

    def sign(self, *groups: Sequence[Signer], in_browser: int = 0, held: bool = False) -> None:
        """Ask, read the mail, prove, all at this moment; the first ``in_browser`` of each group in Chromium."""
        beginners = [one for group in groups for one in group[:in_browser]]
        others = [one for group in groups for one in group[in_browser:]]
        for one in beginners:
            self._signs_in_browser(one)
        self.prove(self.ask(others))
        self._service.turns()
        self._note([*beginners, *others], held=held)

    def ask(self, signers: Sequence[Signer]) -> dict[str, Signer]:
        """Send the form; returns them by where they wait."""
        waiting = {}
        for one in signers:
            form = {"address": one.address, "consent": "y"}
            answer = self._posts(f"/{one.language}/petitions/{self._slug}/sign", form)
            waiting[_led_to(answer, "/check/")] = one
        self._service.turns()
        return waiting

    def prove(self, waiting: Mapping[str, Signer]) -> None:
        """Type the code, or press the link's button where the number is odd by twos."""
        for place, one in waiting.items():
            mail = self._service.mail_to(one.address)
            by_link = one.number % 4 > 1
            form = one.choices if by_link else {**one.choices, "code": mail.code}
            _led_to(self._posts(mail.link if by_link else place, form), "/thanks")

    def prove_late(self, waiting: Mapping[str, Signer]) -> None:
        """Prove what was asked some time ago."""
        self.prove(waiting)
        self._service.turns()
        self._note(list(waiting.values()))

    def withdraw(self, signers: Sequence[Signer], *, in_browser: int = 0) -> None:
        """Take their signatures back by the form of one's own choices."""
        for one in signers[:in_browser]:
            visitor = self._visitors[one.language]
            visitor.asks("withdrawal", one.address)
            self._service.turns()
            visitor.types_code(self._service.mail_to(one.address).code)
            visitor.is_thanked()
        form = {"purpose": "withdrawal", "petition": str(self._petition)}
        waiting = {}
        for one in signers[in_browser:]:
            answer = self._posts(f"/{one.language}/my-choices", {**form, "address": one.address})
            waiting[_led_to(answer, "/check/")] = one
        self._service.turns()
        for place, one in waiting.items():
            code = self._service.mail_to(one.address).code
            _led_to(self._posts(place, {"code": code}), "/thanks")
        self._service.turns()
        for one in signers:
            del self._counting[one.mailbox]

    def see(self, language: str) -> Visitor:
        """Somebody who only looks."""
        return self._visitors[language]

    def let_count(self) -> None:
        """Staff let those count who were held."""
        self._counting |= self._held
        self._held = {}

    def _note(self, signers: Sequence[Signer], *, held: bool = False) -> None:
        for one in signers:
            self.signatures += 1
            self.words |= one.words
            (self._held if held else self._counting).setdefault(one.mailbox, one)

    def _signs_in_browser(self, one: Signer) -> None:
        visitor = self._visitors[one.language]
        waits_at = visitor.signs(self._slug, one.address).url
        self._service.turns()
        mail = self._service.mail_to(one.address)
        by_link = one.number % 4 > 1
        visitor.opens(mail.link if by_link else waits_at)
        for field in ("affiliation", "comment"):
            if getattr(one, field):
                visitor.page.locator(f"[name={field}]").fill(getattr(one, field))
        if one.country:
            visitor.page.locator("[name=country]").select_option(one.country)
        if not by_link:
            visitor.page.locator("[name=code]").fill(mail.code)
        visitor.chooses(shown_as=one.shown_as, name=one.name)
        with visitor.page.expect_navigation():
            button = "main form button" if by_link else "form:has([name=code]) button"
            visitor.page.locator(button).first.click()
        visitor.is_thanked()

    def _posts(self, place: str, form: Mapping[str, str]) -> Answer:
        url = urljoin(self._service.base_url, place)
        return robots.asked(url, method="POST", body=urlencode(form).encode(), kind=FORM)


def _last(number: int, language: str) -> str:
    """A family name that nobody else has."""
    name = "".join(_LAST[language][int(digit)] for digit in f"{number:03}")
    return name.capitalize()


def _led_to(answer: Answer, part: str) -> str:
    """Where the form's answer leads; the form was taken only if it leads on."""
    place = str(answer.headers["Location"] or "")
    assert answer.status == 303, answer.body.decode()
    assert part in place, place
    return place
