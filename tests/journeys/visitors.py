"""A visitor with a browser that runs no script: what a person does on the public pages, one method a deed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from playwright.sync_api import Browser, BrowserContext, Page, Response, expect
from playwright.sync_api import Error as PlaywrightError

WIDTH, HEIGHT = 1280, 900
_FIGURE: Final = re.compile(r"[\d۰-۹٬,]+")
_DIGITS: Final = str.maketrans("۰۱۲۳۴۵۶۷۸۹", "0123456789", "٬,")


def number(shown: str) -> int:
    """The first figure in a text, Persian or not."""
    found = _FIGURE.search(shown)
    assert found is not None, f"no figure in {shown!r}"
    return int(found[0].translate(_DIGITS))


@dataclass(frozen=True)
class Expected:
    """What a waiting page tells its reader to look for."""

    url: str
    sender: str
    subject: str
    number: str


class Visitor:
    """Someone at a browser of their own; ``page`` is what they look at.

    Each visitor has a context of their own: no cookie, history or cache is shared with another.
    """

    def __init__(
        self,
        browser: Browser,
        base_url: str,
        language: str,
        *,
        width: int = WIDTH,
        height: int = HEIGHT,
        scripts: bool = False,
        dark: bool = False,
    ) -> None:
        self.base_url, self.language = base_url, language
        self.context: BrowserContext = browser.new_context(
            java_script_enabled=scripts,
            viewport={"width": width, "height": height},
            locale="fa-IR" if language == "fa" else "en-GB",
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        self.page: Page = self.context.new_page()
        self.context.set_default_timeout(15_000)
        self.asked_elsewhere: list[str] = []
        self.page.on("request", lambda request: self._note(request.url))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leaves_the_room()

    def leaves_the_room(self) -> None:
        """Closes the browser's window, and with it all that it kept."""
        self.context.close()

    # Reading

    def opens(self, path: str = "") -> Response:
        """Opens a page of the site in their language, or a whole address."""
        url = path if "://" in path else f"{self.base_url}/{self.language}{path or '/'}"
        for _ in range(5):
            try:
                answer = self.page.goto(url)
            except PlaywrightError as error:
                # The page of a send reloads itself, and may just be doing so.
                if "interrupted by another navigation" not in error.message:
                    raise
                self.page.wait_for_load_state()
                continue
            if answer is not None:
                return answer
        raise AssertionError(f"{url} was not opened")

    def counted(self, slug: str) -> int:
        """The petition's number as its page shows it."""
        self.opens(f"/petitions/{slug}")
        return number(self.page.locator(".tally b").first.inner_text())

    @property
    def heading(self) -> str:
        return self.page.locator("h1").first.inner_text()

    @property
    def kept_cookies(self) -> list[str]:
        return [str(cookie["name"]) for cookie in self.context.cookies()]

    def complaints(self) -> list[str]:
        """The errors on the page, as its reader sees them."""
        return [text.strip() for text in self.page.locator(".err").all_inner_texts()]

    # Asking

    def signs(self, slug: str, address: str) -> Expected:
        """Writes the address, agrees, presses; stands on the waiting page then."""
        self.opens(f"/petitions/{slug}")
        form = self.page.locator("form[action$='/sign']")
        form.locator("[name=address]").fill(address)
        form.locator("[name=consent]").check()
        form.locator("button").click()
        return self.waits()

    def subscribes(self, address: str, languages: Sequence[str]) -> Expected:
        """Fills the newsletter's form."""
        self.opens("/newsletter")
        form = self.page.locator("form:has([name=consent])")
        form.locator("[name=address]").fill(address)
        self._reads(form, languages)
        form.locator("[name=consent]").check()
        form.locator("button").click()
        return self.waits()

    def asks(self, purpose: str, address: str, *, petition: str = "") -> Expected:
        """Asks for their choices: ``preferences``, ``withdrawal`` or ``erasure``."""
        self.opens("/my-choices")
        form = self.page.locator("form:has([name=purpose])")
        form.locator(f"[name=purpose][value={purpose}]").check()
        if petition:
            form.locator("[name=petition]").select_option(label=petition)
        form.locator("[name=address]").fill(address)
        form.locator("button").click()
        return self.waits()

    def waits(self) -> Expected:
        """Reads the waiting page: which sender and subject to look for, and which number."""
        expect(self.page).to_have_url(re.compile(r"/check/[\w-]{22}(\?|$)"))
        told = self.page.locator(".look-for")
        return Expected(
            url=self.page.url,
            sender=told.locator("bdi").first.inner_text(),
            subject=told.locator("dd b").first.inner_text(),
            number=told.locator(".number").inner_text(),
        )

    def page_but_for_its_request(self, expected: Expected) -> str:
        """The waiting page without what is drawn at random for each request: its id and the two digits."""
        subject = expected.subject.replace(expected.number, "NN")
        return (
            self.page.content()
            .replace(expected.url.split("/")[-1], "ID")
            .replace(expected.subject, subject)
            .replace(f'"number">{expected.number}<', '"number">NN<')
        )

    def asks_again(self) -> None:
        """Presses "send it once more" on the waiting page."""
        self.page.locator("form[action$='/again'] button").click()
        expect(self.page).to_have_url(re.compile(r"again=1"))

    # Proving

    def types_code(self, code: str, **choices: object) -> None:
        """Types the mail's code on the waiting page, with choices, and presses."""
        form = self.page.locator("form:has([name=code])")
        form.locator("[name=code]").fill(code)
        self.chooses(**choices)
        with self.page.expect_navigation():
            form.locator("button").first.click()

    def presses_link(self, url: str, **choices: object) -> None:
        """Opens a mail's link, chooses, and presses the one button."""
        self.opens(url)
        self.chooses(**choices)
        with self.page.expect_navigation():
            self.page.locator("main form button").first.click()

    def chooses(
        self,
        *,
        shown_as: object = None,
        name: object = None,
        news: object = False,
        newsletter: object = None,
        wish: object = None,
        languages: object = None,
    ) -> None:
        """Ticks what stands beside the code or the button; nothing that is not named."""
        if shown_as:
            self.page.locator(f"[name=shown_as][value={shown_as}]").check()
        if name:
            self.page.locator("[name=shown_name]").fill(str(name))
        if news:
            self.page.locator("[name=petition_news]").check()
        if wish:
            self.page.locator(f"[name=wish][value={wish}]").check()
        if newsletter:
            self.page.locator("[name=newsletter]").check()
        wanted = languages or newsletter
        if isinstance(wanted, (list, tuple)):
            self._reads(self.page.locator("main"), wanted)

    def is_thanked(self) -> None:
        """Stands on the page after the proof."""
        expect(self.page).to_have_url(re.compile(r"/thanks$"))

    # Leaving

    def leaves_by_page(self, url: str) -> None:
        """Opens a newsletter's unsubscribe link and presses the button."""
        self.opens(url)
        self.page.locator("main form button").click()
        expect(self.page.locator(".note.ok")).to_be_visible()

    def _reads(self, form: object, languages: Sequence[object]) -> None:
        for place in range(1, 4):
            field = self.page.locator(f"[name=language{place}]")
            if field.count():
                field.select_option(
                    str(languages[place - 1])
                    if place <= len(languages)
                    else ("" if place > 1 else None)
                )

    def _note(self, url: str) -> None:
        if not url.startswith((self.base_url, "data:", "about:")):
            self.asked_elsewhere.append(url)


class MailboxReader(Visitor):
    """Somebody who reads the trial set-up's mailbox in a browser, as `make run` prints its address."""

    def finds_mail_to(self, address: str, *, count: int = 1, seconds: float = 20) -> None:
        """Reloads the mailbox until the newest mail to ``address`` is there, and opens it."""
        lines = self.page.locator("nav.inbox a", has=self.page.get_by_text(address, exact=True))
        for _ in range(int(seconds * 4)):
            self.opens(f"{self.base_url}/mailbox?language={self.language}")
            if lines.count() >= count:
                break
            self.page.wait_for_timeout(250)
        assert lines.count() >= count, f"no mail {count} to {address}"
        lines.first.click()

    def reads_code(self) -> str:
        """The code in the opened mail's plain text."""
        self.page.locator("nav.tabs a[href*='view=text']").click()
        text = self.page.locator("pre.plain-mail").inner_text()
        found = re.search(r"^\s*([2-9A-Z]{8})\s*$", text, re.MULTILINE)
        assert found is not None, text
        return found[1]

    def reads_subject(self) -> str:
        return self.page.locator("dl.kv b").first.inner_text()

    def sees_letter(self) -> str:
        """The letter's words, as the frame shows them."""
        return self.page.frame_locator("iframe.mail").locator("body").inner_text()

    def finds_link(self) -> str:
        """Where the mail's main button leads."""
        return str(self.page.locator("#open-link").get_attribute("href"))

    def all_links(self) -> list[str]:
        """Every link of the opened mail."""
        links = self.page.locator("details a.mono").all()
        return [str(link.get_attribute("href")) for link in links]
