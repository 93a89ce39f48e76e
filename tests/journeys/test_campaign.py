"""Journey: a campaign from its first draft to its delivery; at each step every public place shows what C21 allows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser

from tests.factories import TEXTS
from tests.journeys.campaigners import Campaigner, asks_to_endorse, tells_of_union
from tests.journeys.crowd import LANGUAGES, THROW_AWAY, Crowd
from tests.journeys.one_clock import OneClock
from tests.journeys.places import Places
from tests.journeys.truth import Allowed, Truth
from tests.petitions import readable
from workers import setup

pytestmark = [pytest.mark.browser, pytest.mark.sockets, pytest.mark.timeout(600)]

SLUG: Final = "teachers"
MONDAY: Final = datetime(2026, 10, 5, 8, 10, tzinfo=UTC)
WEEK: Final = timedelta(days=7)
GOAL: Final = 500
SCRIPT: Final = "a script signed"
OFFICES: Final = tuple(f"Union of Port {letter}" for letter in "ABCDEFGH")
OWN: Final = {"fa": "اتحادیهٔ بندر", "en": "Example Dock Workers"}
SAID: Final = {"fa": "کشتی‌ها بی آنان نمی‌روند.", "en": "Without them no ship leaves."}
NEWS: Final = {"fa": "وزیر پاسخ داد", "en": "The minister answered"}


@pytest.fixture
def service(tmp_path: Path, database_url: str, browser: Browser) -> Iterator[OneClock]:
    with OneClock(tmp_path, database_url, begin=MONDAY) as service:
        yield service


@pytest.fixture
def staff(service: OneClock, browser: Browser) -> Iterator[Campaigner]:
    with Campaigner(browser, service.base_url, "en") as staff:
        service.lets_in(staff)
        staff.speaks("en")
        yield staff


class Campaign:
    """The one petition, its crowd, and what anyone can see of it."""

    def __init__(self, service: OneClock, browser: Browser, petition: int) -> None:
        self.service, self.petition = service, petition
        self.crowd = Crowd(service, browser, SLUG, petition)
        self._truth = Truth(petition, since=service.now)
        self._places = Places(service.base_url, SLUG, petition)
        self._eyes = itertools.cycle(LANGUAGES)
        self._last: Allowed | None = None

    def agrees(self, *, total: int | None) -> Allowed:
        """Every public place shows what the database lets it show, with this total; the crowd counts the same."""
        allowed = self._allowed()
        assert (allowed.counted, allowed.total) == (self.crowd.counted, total)
        untold = self.crowd.words - allowed.words
        faults = self._places.faults(allowed, untold=untold)
        if allowed != self._last:
            faults += self._places.looked_at(self.crowd.see(next(self._eyes)), allowed)
        self._last = allowed
        assert "\n".join(faults) == ""
        return allowed

    def moves(self, *, before: int | None, after: int | None) -> Allowed:
        """The total waits until the hour is over, then moves at one of the minutes, and everywhere at once."""
        self.agrees(total=before)
        self.service.moves_to(self.service.now.replace(minute=59))
        assert self._allowed().total == before
        assert self._places.unmoved() == []
        for _ in range(4):
            self.service.passes(minutes=15)
            self._allowed()
        self.service.passes(minutes=2)
        return self.agrees(total=after)

    def _allowed(self) -> Allowed:
        return self.service.read(lambda session: self._truth.look(session, self.service.now))


@pytest.fixture
def campaign(service: OneClock, browser: Browser, staff: Campaigner) -> Iterator[Campaign]:
    """Written in Persian, opened, and only then translated and approved."""
    petition = staff.writes_petition(SLUG, {"fa": TEXTS["fa"]}, goal=str(GOAL))
    staff.settles(petition, source="fa")
    staff.opens_for_signatures(petition)
    campaign = Campaign(service, browser, petition)
    assert set(campaign.agrees(total=None).titles) == {"fa"}
    staff.translates(petition, "en", TEXTS["en"])
    assert set(campaign.agrees(total=None).titles) == {"fa"}, "nobody has approved it yet"
    staff.approves(petition, "en")
    assert set(campaign.agrees(total=None).titles) == {"fa", "en"}
    yield campaign
    campaign.crowd.goes_home()


@pytest.mark.slow
def test_C21_a_campaign_played_through(
    campaign: Campaign, service: OneClock, staff: Campaigner, tmp_path: Path
) -> None:
    crowd, petition = campaign.crowd, campaign.petition

    # given fifteen signers: fewer than twenty, however long one waits
    crowd.sign(crowd.people(15), in_browser=2)
    campaign.moves(before=None, after=None)
    # and one who comes and one who goes within the hour leave nothing behind that could be told
    [one] = crowd.people(1)
    crowd.sign([one])
    crowd.withdraw([one])
    service.passes(hours=3)
    # when thirty more sign, then the total moves in the next hour and never at once
    at_gmail = crowd.at_gmail(12)
    crowd.sign(crowd.people(18), at_gmail)
    campaign.moves(before=None, after=45)
    # and three more are told after a day
    crowd.sign(crowd.people(3))
    campaign.moves(before=45, after=45)
    service.passes(hours=26)
    campaign.agrees(total=48)

    # when second signatures of the same mailboxes come, and others from mailboxes for minutes, none counts
    service.moves_to(MONDAY + WEEK)
    crowd.sign(crowd.again(at_gmail))
    crowd.sign(crowd.people(12, domain=THROW_AWAY), held=True)
    campaign.moves(before=48, after=48)
    # until staff, who took the latter out, take that back
    service.lets_in(staff)
    staff.takes_out(petition, "domain", SCRIPT)
    campaign.agrees(total=48)
    staff.takes_back(petition, SCRIPT)
    crowd.let_count()
    service.turns()
    campaign.moves(before=48, after=60)

    # when names and words come to be shown, nobody is until a moderator has looked
    service.moves_to(MONDAY + WEEK * 2)
    shown, full, aloud = crowd.named(16), crowd.named(8, full=True), crowd.speaking(4, named=True)
    unnamed = crowd.speaking(4)
    crowd.sign(shown, full, aloud, unnamed, in_browser=2)
    seen = campaign.moves(before=60, after=92)
    assert (seen.names.total(), seen.comments.total()) == (0, 0)
    service.lets_in(staff)
    staff.moderates(refusing=[full[0].name, unnamed[0].comment])
    assert campaign.agrees(total=92).names.total() == 0, "approved, and not yet shown"
    service.passes(days=1)
    assert campaign.agrees(total=92).names.total() == 16 + 7 + 4
    service.moves_to(MONDAY + WEEK * 3)
    assert campaign.agrees(total=92).comments.total() == 3 + 4

    # when many more sign in the fourth week, five of them shown, and some in the fifth
    crowd.sign(crowd.people(145), crowd.named(5), in_browser=1)
    campaign.moves(before=92, after=242)
    service.lets_in(staff)
    staff.moderates(refusing=())
    service.passes(minutes=10)
    assert campaign.agrees(total=242).names.total() == 27 + 5
    # then the second week, in which twelve signed, is told with the third, and the fourth only once enough is left
    service.moves_to(MONDAY + WEEK * 4)
    assert [number for *_days, number in campaign.agrees(total=242).weeks] == [48, 44]
    crowd.sign(crowd.people(24))
    campaign.moves(before=242, after=266)
    service.moves_to(MONDAY + WEEK * 5)
    assert [number for *_days, number in campaign.agrees(total=266).weeks] == [48, 44, 150]

    # when ten organisations endorse it, eight by staff's hand and two by themselves
    service.lets_in(staff)
    for name in OFFICES:
        staff.enters_endorsement(petition, staff.adds_organisation(name), f"{name} is with you.")
    for language in LANGUAGES:
        union = crowd.see(language)
        asks_to_endorse(union, SLUG, f"office@{language}.example")
        service.turns()
        union.opens(service.mail_to(f"office@{language}.example").link)
        tells_of_union(union, OWN[language], SAID[language])
        with union.page.expect_navigation():
            union.page.locator("main form button").click()
        service.turns()
        campaign.agrees(total=266)
        staff.checks_endorsement(OWN[language])
    assert len(campaign.agrees(total=266).endorsers) == 10
    staff.enters_paper(petition, 34, service.now.date())
    staff.publishes_update(petition, NEWS)
    staff.withdraws_endorsement(petition, OFFICES[0])
    seen = campaign.agrees(total=266)
    assert (len(seen.endorsers), seen.paper, len(seen.updates["fa"])) == (9, 34, 1)

    # when signers withdraw, their names and words are gone at once, and the total follows in its time
    crowd.withdraw([shown[0], full[1], aloud[0], unnamed[1], *crowd.known[:8]], in_browser=2)
    after = campaign.agrees(total=266)
    assert seen.names.total() - after.names.total() == 3
    assert seen.comments.total() - after.comments.total() == 2
    after = campaign.moves(before=266, after=254)
    assert [number for *_days, number in after.weeks] == [48, 44], "too few are left beside three"
    service.passes(days=1)
    after = campaign.agrees(total=254)
    assert [number for *_days, number in after.weeks] == [40, 44, 150], "five or more is told"
    # and when everything is held, who signs counts once staff let them
    service.lets_in(staff)
    staff.holds_all(petition, on=True)
    crowd.sign(crowd.people(14, domain=THROW_AWAY), held=True)
    staff.holds_all(petition, on=False)
    campaign.agrees(total=254)
    staff.releases(petition, "all")
    crowd.let_count()
    campaign.moves(before=254, after=268)

    # when it is closed, who asked before still counts
    late = crowd.ask(crowd.people(7))
    service.lets_in(staff)
    staff.closes(petition)
    assert campaign.agrees(total=268).state == "closed"
    crowd.prove_late(late)
    campaign.moves(before=268, after=275)
    # and once it is delivered the public record tells what was handed over
    files = handed_over(service, petition, tmp_path)
    seen = campaign.agrees(total=275)
    assert {digest for _line, digest in seen.files} == set(files.values())
    assert "275" in " ".join(readable.words((tmp_path / "files" / f"{SLUG}.en.pdf").read_bytes()))
    service.lets_in(staff)
    staff.delivers(petition)
    assert campaign.agrees(total=275).state == "delivered"
    assert crowd.signatures == 300


def handed_over(service: OneClock, petition: int, folder: Path) -> dict[str, str]:
    """Export on the server, open with the officers' key, record on the server; what is published of each file."""
    export, files = folder / "delivery.age", folder / "files"
    service.calls("delivery", "export", petition, export)
    key = service.keys / setup.OFFICER_PRIVATE
    service.calls("delivery", "open", export, "--officer-key", key, "--to", files)
    service.calls("delivery", "record", files / "record.json")
    made = {path.name: sha256(path.read_bytes()).hexdigest() for path in files.glob(f"{SLUG}*")}
    assert set(made) == {f"{SLUG}.fa.pdf", f"{SLUG}.en.pdf", f"{SLUG}.csv"}
    return made
