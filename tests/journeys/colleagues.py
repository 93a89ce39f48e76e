"""A colleague in the workroom: signs in, writes, previews, sends. Staff pages may run their one small script."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from playwright.sync_api import Browser, Locator, expect

from tests.journeys.visitors import Visitor, number

Blocks = Sequence[tuple[str, Mapping[str, tuple[str, str]]]]
"""Kind of block, and per language heading and body."""

PASSWORD: Final = "nur-ein-langes-wort-7"


class Colleague(Visitor):
    """Someone who works here. ``opens("/staff/...")`` takes whole paths: the workroom has no language in them."""

    def __init__(self, browser: Browser, base_url: str, language: str, **more: object) -> None:
        super().__init__(browser, base_url, language, **{"scripts": True, **more})  # type: ignore[arg-type]

    def goes(self, path: str = "") -> None:
        """Opens a page of the workroom."""
        self.opens(f"{self.base_url}/staff{path}")

    # The door

    def signs_in_by_link(self, link: str) -> None:
        """Opens the link printed in the terminal and presses its button."""
        self.opens(link)
        self.page.locator("main form button").click()
        expect(self.page).to_have_url(f"{self.base_url}/staff")
        self.speaks(self.language)

    def joins(self, link: str, name: str) -> None:
        """Takes an invitation: a working name, a password."""
        self.opens(link)
        self.page.locator("[name=name]").fill(name)
        self.page.locator("[name=password]").fill(PASSWORD)
        self.page.locator("main form button").click()
        expect(self.page).to_have_url(f"{self.base_url}/staff")
        self.speaks(self.language)

    def signs_in(self, name: str, password: str = PASSWORD) -> None:
        self.goes("/sign-in")
        self.page.locator("[name=name]").fill(name)
        self.page.locator("[name=password]").fill(password)
        self.page.locator("main form button").click()

    def speaks(self, language: str) -> None:
        """Chooses the workroom's language in its settings."""
        self.goes("/settings")
        form = self.page.locator("form[action$='/settings/language']")
        form.locator("[name=language]").select_option(language)
        form.locator("button").click()
        expect(self.page.locator("html")).to_have_attribute("lang", language)

    def invites(self, role: str) -> str:
        """Makes a link for a new colleague, and reads it from the page."""
        self.goes("/people")
        form = self.page.locator("form[action$='/people/invite']")
        form.locator("[name=role]").select_option(role)
        form.locator("button").click()
        return self.page.locator("code.mono").inner_text()

    # An own address for test mails

    def asks_to_prove(self, address: str) -> None:
        self.goes("/settings")
        form = self.page.locator("form[action$='/settings/address']")
        form.locator("[name=address]").fill(address)
        form.locator("button").click()
        expect(self.page.locator(".note.info").first).to_be_visible()

    # A newsletter

    def begins_issue(self, source: str = "fa") -> int:
        """Begins a new issue; returns its id."""
        self.goes("/newsletters")
        form = self.page.locator("form:has([name=source])")
        form.locator("[name=source]").select_option(source)
        form.locator("button").click()
        return self._id_in(r"/newsletters/(\d+)")

    def writes(self, issue: int, blocks: Blocks) -> None:
        """Adds the blocks that are not there yet and fills each in every language, side by side."""
        self.goes(f"/newsletters/{issue}")
        while self._blocks().count() < len(blocks):
            kind = blocks[self._blocks().count()][0]
            self.page.locator("#kind").select_option(kind)
            self.page.locator("button[name=do][value=add]").click()
        for place, (_, texts) in enumerate(blocks):
            for language, (heading, body) in texts.items():
                section = self._blocks().nth(place)
                for part, text in (("heading", heading), ("body", body)):
                    field = section.locator(f"[lang={language}][name$=-{part}]")
                    if text and field.count():
                        field.fill(text)
        self.page.locator("button[name=do][value=save]").last.click()
        expect(self.page.locator(".note.bad")).to_have_count(0)

    def looks_at_previews(self, issue: int) -> Sequence[tuple[str, str]]:
        """Opens the preview page; returns each frame's title with the words it shows."""
        self.goes(f"/newsletters/{issue}/preview")
        frames = self.page.locator("iframe")
        shown = []
        for place in range(frames.count()):
            frame = frames.nth(place)
            frame.scroll_into_view_if_needed()
            words = frame.content_frame.locator("body").inner_text()
            shown.append((str(frame.get_attribute("title")), words))
        return shown

    def sends_test_mails(self, issue: int) -> None:
        """Asks for every letter there is, to the own address."""
        self.goes(f"/newsletters/{issue}/preview")
        form = self.page.locator("form[action$='/test']")
        for box in form.locator("[name=choice]").all():
            box.check()
        form.locator("button").click()
        expect(self.page.locator(".note.ok")).to_be_visible()

    def chooses_readers(self, issue: int, lists: Sequence[str], languages: Sequence[str]) -> int:
        """Ticks lists and languages, saves; returns how many would get it now."""
        self.goes(f"/newsletters/{issue}/readers")
        self._ticks("list", lists)
        self._ticks("language", languages)
        self.page.locator("form:has([name=list]) button").click()
        expect(self.page.locator(".note.ok")).to_be_visible()
        return number(self.page.locator("p.tally b").first.inner_text())

    def sends(self, issue: int) -> int:
        """Presses "send" on the check-list; returns the send's id."""
        self.goes(f"/newsletters/{issue}/send")
        self.page.locator("form[action$='/send'] button").click()
        return self._id_in(r"/sends/(\d+)")

    def acts(self, act: str) -> None:
        """Presses a button of the progress page: approve, undo, pause, resume, again, leave."""
        with self.page.expect_navigation():
            self.page.locator(f"button[name=do][value={act}]").click()

    def may(self, act: str) -> bool:
        """Whether the page offers this button."""
        return self.page.locator(f"button[name=do][value={act}]").count() > 0

    @property
    def figures(self) -> list[int]:
        """Accepted, queued, deferred, bounced, suppressed, unknown, as the page shows them."""
        return [number(text) for text in self.page.locator("#standing .stats dd").all_inner_texts()]

    # A petition

    def writes_petition(
        self, slug: str, texts: Mapping[str, Mapping[str, str]], *, goal: str, live: bool = False
    ) -> int:
        """Writes a new petition in several languages and saves it; returns its id."""
        self.goes("/petitions/new")
        for language, parts in texts.items():
            for part, words in parts.items():
                self.page.locator(f"[name={language}-{part}]").fill(words)
        self.page.locator("[name=slug]").fill(slug)
        self.page.locator("[name=goal]").fill(goal)
        self.page.locator("[name=live]").set_checked(live)
        self.page.locator(".bar button").click()
        return self._id_in(r"/petitions/(\d+)")

    def approves(self, petition: int, language: str) -> None:
        """Says that a translation says what its source says."""
        self.goes(f"/petitions/{petition}")
        with self.page.expect_navigation():
            self.page.locator(f"form[action$='/approve/{language}'] button").click()

    def opens_for_signatures(self, petition: int) -> None:
        self.goes(f"/petitions/{petition}/open")
        self.page.locator("main form button").click()
        self.page.wait_for_load_state()

    def closes(self, petition: int) -> None:
        """Closes it for good."""
        self.goes(f"/petitions/{petition}")
        self.page.locator("details summary", has_text="Close").click()
        self.page.locator("form[action$='/close'] button").click()
        self.page.wait_for_load_state()

    # An organisation

    def adds_organisation(self, name: str) -> int:
        """Enters an organisation by its English name; returns its id."""
        self.goes("/organisations/new")
        self.page.locator("[name=name_en]").fill(name)
        self.page.locator("main form button").last.click()
        return self._id_in(r"/organisations/(\d+)")

    def invites_representative(
        self, organisation: int, role: str, address: str, language: str
    ) -> None:
        self.goes(f"/organisations/{organisation}")
        form = self.page.locator("form[action$='/invite']")
        form.locator("[name=role]").fill(role)
        form.locator("[name=language]").select_option(language)
        form.locator("[name=languages]").select_option(language)
        form.locator("[name=address]").fill(address)
        form.locator("button").click()
        expect(self.page.locator(".note.ok")).to_be_visible()

    def _blocks(self) -> Locator:
        return self.page.locator("section.block[id^=b-]")

    def _ticks(self, name: str, wanted: Sequence[str]) -> None:
        for box in self.page.locator(f"input[type=checkbox][name={name}]").all():
            box.set_checked(box.get_attribute("value") in wanted)

    def _id_in(self, pattern: str) -> int:
        expect(self.page).to_have_url(re.compile(pattern))
        found = re.search(pattern, self.page.url)
        assert found is not None
        return int(found[1])
