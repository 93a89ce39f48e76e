"""Who runs a campaign: a colleague in a browser, and unions that endorse it themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Final

from playwright.sync_api import expect

from tests.journeys.colleagues import Colleague
from tests.journeys.visitors import Visitor

MOST_PAGES: Final = 10


class Campaigner(Colleague):
    """Writes, opens, moderates, guards, endorses, closes and hands over; reads the workroom in English."""

    def goes(self, path: str = "") -> None:
        """Opens a page of the workroom, and is still let in."""
        super().goes(path)
        assert self.page.url == f"{self.base_url}/staff{path}", "the session is over"

    # The text

    def settles(self, petition: int, *, source: str) -> None:
        """Says in which language it is written, and lets signers say their union, country and a comment."""
        self.goes(f"/petitions/{petition}")
        self.page.locator("[name=source_language]").select_option(source)
        for name in ("takes_comments", "asks_country", "asks_affiliation", "hand_over_names"):
            self.page.locator(f"[name={name}]").check()
        self._saves()

    def translates(self, petition: int, language: str, parts: Mapping[str, str]) -> None:
        """Writes the petition in one more language, or anew in one it has."""
        self.goes(f"/petitions/{petition}")
        for part, words in parts.items():
            self.page.locator(f"[name={language}-{part}]").fill(words)
        self._saves()

    def publishes_update(self, petition: int, titles: Mapping[str, str]) -> None:
        self.goes(f"/petitions/{petition}/campaign")
        form = self.page.locator("form#update")
        for language, title in titles.items():
            form.locator(f"[name={language}-title]").fill(title)
            form.locator(f"[name={language}-body]").fill(f"{title}.")
        self._presses("form#update button")
        self._presses("form[action$='/publish'] button")

    # Signers

    def moderates(self, *, refusing: Collection[str]) -> None:
        """Refuses whatever holds one of these words, and lets all else be shown."""
        self.goes("/petitions/moderate")
        for _ in range(MOST_PAGES):
            cards = self.page.locator("fieldset.card")
            words = cards.locator("p").all_inner_texts()
            bad = [n for n, text in enumerate(words) if any(word in text for word in refusing)]
            for place in bad:
                cards.nth(place).locator("[value=refuse]").check()
            if bad:
                self._presses("button:has-text('Save what is ticked')")
            elif words:
                self._presses("button[name=all]")
            else:
                return
        raise AssertionError("there is always more to look at")

    def takes_out(self, petition: int, reason: str, why: str) -> None:
        """Takes those who are held for ``reason`` out of the count."""
        self.goes(f"/petitions/{petition}/guard")
        self.page.locator(f"#why-{reason}").fill(why)
        self._decides(f"invalidate:{reason}")

    def takes_back(self, petition: int, why: str) -> None:
        """Counts those again who were taken out."""
        self.goes(f"/petitions/{petition}/guard")
        self._decides(f"restore:{why}")

    def releases(self, petition: int, reason: str) -> None:
        self.goes(f"/petitions/{petition}/guard")
        self._decides(f"release:{reason}")

    def holds_all(self, petition: int, *, on: bool) -> None:
        self.goes(f"/petitions/{petition}/guard")
        self._decides("hold" if on else "let")

    # Organisations and paper

    def enters_endorsement(self, petition: int, organisation: int, statement: str) -> None:
        self.goes(f"/petitions/{petition}/campaign")
        form = self.page.locator("form[action$='/endorsements']")
        form.locator("[name=organisation]").select_option(str(organisation))
        form.locator("[name=mandate]").fill("executive committee, 12 October 2026")
        form.locator("[name=statement]").fill(statement)
        form.locator("[name=language]").select_option("en")
        form.locator("[name=may_publish]").check()
        self._presses("form[action$='/endorsements'] button")

    def checks_endorsement(self, name: str) -> None:
        """Looks at what a union asked for itself, and lets it stand as a new organisation."""
        self.goes("/petitions/endorsements")
        card = self.page.locator("section.card", has=self.page.locator("h2", has_text=name))
        card.locator("[name=organisation]").select_option("new")
        with self.page.expect_navigation():
            card.locator("button[value=check]").click()
        expect(self.page.locator(".note.ok")).to_be_visible()

    def withdraws_endorsement(self, petition: int, name: str) -> None:
        self.goes(f"/petitions/{petition}/campaign")
        item = self.page.locator("#endorsements ~ ul > li", has_text=name)
        with self.page.expect_navigation():
            item.locator("button").click()

    def enters_paper(self, petition: int, signatures: int, day: date) -> None:
        self.goes(f"/petitions/{petition}/campaign")
        form = self.page.locator("form[action$='/paper']")
        form.locator("[name=signatures]").fill(str(signatures))
        form.locator("[name=scanned]").fill(day.isoformat())
        self._presses("form[action$='/paper'] button")

    # The end

    def delivers(self, petition: int) -> None:
        """Says that the addressee has it."""
        self.goes(f"/petitions/{petition}")
        self._presses("form[action$='/deliver'] button")

    def _saves(self) -> None:
        self._presses(".bar button")

    def _decides(self, wish: str) -> None:
        self._presses(f"button[name=do][value='{wish}']")

    def _presses(self, button: str) -> None:
        """Presses a button that leads on, and is told of no error."""
        with self.page.expect_navigation():
            self.page.locator(button).first.click()
        expect(self.page.locator(".note.bad")).to_have_count(0)


def asks_to_endorse(visitor: Visitor, slug: str, address: str) -> None:
    """From the petition's page to the waiting page."""
    visitor.opens(f"/petitions/{slug}")
    visitor.page.locator("a[href$='/endorse']").click()
    form = visitor.page.locator("form:has([name=consent])")
    form.locator("[name=address]").fill(address)
    form.locator("[name=consent]").check()
    form.locator("button").click()
    visitor.waits()


def tells_of_union(visitor: Visitor, name: str, said: str) -> None:
    """What the union says of itself, beside the code or the button."""
    page = visitor.page
    page.locator("[name=organisation]").fill(name)
    page.locator("[name=type]").select_option("national-union")
    page.locator("[name=mandate]").fill("Executive committee, 12 November 2026")
    page.locator("[name=statement]").fill(said)
    page.locator("[name=may_publish]").check()
