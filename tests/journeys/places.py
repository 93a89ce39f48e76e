"""Every public place of a petition, read as anyone may read it, and held against what may be shown (C21)."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from html.parser import HTMLParser
from typing import Any, Final
from xml.etree.ElementTree import Element, TreeBuilder, fromstring

from app.core import languages
from app.core.countries import country_name
from tests.journeys import robots
from tests.journeys.robots import Answer
from tests.journeys.truth import Allowed
from tests.journeys.visitors import Visitor, number
from tests.petitions import readable

LANGUAGES: Final = ("fa", "en")
ATOM: Final = "{http://www.w3.org/2005/Atom}"
_VOID: Final = ("meta", "link", "br", "img", "input", "wbr", "hr", "rect", "use", "path", "circle")
_TELLING: Final = (
    "/fa/petitions/{slug}",
    "/en/petitions/{slug}/feed.atom",
    "/en/petitions/{slug}/signers",
    "/fa/petitions/{slug}/comments",
    "/en/",
    "/api/petitions/{id}",
)
LEAST_EXACT: Final = 100
"""A number from here on is no day, percentage or page: where it stands, it is meant."""


class Places:
    """The places of one petition; each look is held against the last one, too."""

    def __init__(self, base_url: str, slug: str, petition_id: int) -> None:
        self._base, self._slug, self._id = base_url, slug, petition_id
        self._before: dict[str, Answer] = {}
        self._allowed: Allowed | None = None
        self._shares: dict[str, bytes] = {}

    def faults(self, allowed: Allowed, *, untold: set[str]) -> list[str]:
        """Whatever differs from what is allowed; ``untold`` are words that may stand nowhere."""
        if allowed == self._allowed:
            return self.unmoved()
        fresh = {path: robots.asked(self._base + path) for path in self._paths(allowed)}
        answers = self._before | fresh
        found = [*self._statuses(answers, allowed), *self._leaks(fresh, allowed, untold)]
        for language in LANGUAGES:
            found += self._pages(answers, allowed, language)
            found += self._feeds(answers, allowed, language)
            found += self._files(answers, allowed, language)
        found += self._json(answers, allowed)
        found += self._etags(fresh)
        self._before, self._allowed = answers, allowed
        return found

    def unmoved(self) -> list[str]:
        """The places that tell what the last look did not see: no ETag may follow what was not published."""
        found: list[str] = []
        for form in _TELLING:
            path = form.format(slug=self._slug, id=self._id)
            answer = robots.asked(self._base + path, known=self._before[path].headers["ETag"])
            found += _differ(path, "status, with nothing new", answer.status, 304)
        return found

    def looked_at(self, visitor: Visitor, allowed: Allowed) -> list[str]:
        """The same of the petition's page as a browser draws it."""
        visitor.opens(f"/petitions/{self._slug}")
        tally = visitor.page.locator(".tally b").first.inner_text()
        names = visitor.page.locator("#signers ~ .names > li > bdi").all_inner_texts()
        where = f"{visitor.language} in the browser"
        return [
            *_differ(where, "total", number(tally), 20 if allowed.total is None else allowed.total),
            *_differ(where, "names", len(names), min(allowed.names.total(), 60)),
        ]

    def _paths(self, allowed: Allowed) -> Iterator[str]:
        """Where something may be new; what follows texts and files alone is read again when those are others."""
        is_new = self._allowed is None or _slow(allowed) != _slow(self._allowed)
        for language in LANGUAGES:
            of = f"/{language}/petitions/{self._slug}"
            yield from (f"/{language}/", f"/{language}/feed.atom", of)
            yield from (f"{of}/{place}" for place in QUICK)
            if is_new:
                yield from (f"{of}/{place}" for place in (*SLOW, *FILES))
        yield from ("/api/petitions", f"/api/petitions/{self._id}")

    def _statuses(self, answers: Mapping[str, Answer], allowed: Allowed) -> Iterator[str]:
        for path, answer in answers.items():
            gone = allowed.state != "open" and path.endswith(".pdf")
            yield from _differ(path, "status", answer.status, 404 if gone else 200)

    def _pages(
        self, answers: Mapping[str, Answer], allowed: Allowed, language: str
    ) -> Iterator[str]:
        of = f"/{language}/petitions/{self._slug}"
        page = tree(answers[of].body)
        for path in (of, f"/{language}/"):
            for tally in tree(answers[path].body).iterfind(".//p[@class='tally']"):
                yield from _told(path, _text(tally), allowed, language)
        title = _title_in(allowed, language)
        yield from _differ(of, "title", _title(page), title)
        shared = [one.get("content") for one in page.iterfind(".//meta[@property='og:title']")]
        yield from _differ(of, "shared title", shared, [title])
        copied = _text(tree(answers[f"{of}/snippet"].body).find(".//textarea"))
        yield from _differ(f"{of}/snippet", "has the title", title in copied, True)
        on_paper = [_text(one) for one in page.iterfind(".//p[@class='dim small']")]
        shown = [text for text in on_paper if "کاغذ" in text or "on paper" in text]
        expected = [allowed.paper] if allowed.paper else []
        yield from _differ(of, "paper", [number(text) for text in shown], expected)
        yield from self._names_and_words(of, answers, allowed, language)
        yield from _differ(of, "weeks", _weeks(page), list(reversed(allowed.weeks)))
        bars = page.findall(".//svg[@class='chart']/rect")
        wanted = len(allowed.weeks) + 1 if allowed.weeks else 0
        yield from _differ(of, "bars", len(bars), wanted)
        yield from _differ(of, "endorsers", _endorsers(page), {n for n, _ in allowed.endorsers})
        handed = page.find(f".//a[@href='{of}/delivery']") is not None
        yield from _differ(of, "handed over", handed, bool(allowed.files))
        told = tree(answers[f"{of}/delivery"].body)
        codes = [_text(one) for one in told.iterfind(".//code")]
        files = set(zip(codes[::2], codes[1::2], strict=True))
        yield from _differ(f"{of}/delivery", "files", files, set(allowed.files))
        versions = tree(answers[f"{of}/versions"].body).findall(".//article")
        count = allowed.versions.get(language, allowed.versions["fa"])
        yield from _differ(f"{of}/versions", "versions", len(versions), count)
        updates = tree(answers[f"{of}/updates"].body)
        titles = {_text(one) for one in updates.iterfind(".//h2")}
        missing = set(allowed.updates[language]) - titles
        yield from _differ(f"{of}/updates", "updates that are missing", missing, set())

    def _names_and_words(
        self, of: str, answers: Mapping[str, Answer], allowed: Allowed, language: str
    ) -> Iterator[str]:
        names = Counter(
            (name, country_name(country, language) if country else "", union)
            for (name, country, union), times in allowed.names.items()
            for _ in range(times)
        )
        some = _names(tree(answers[of].body))
        yield from _differ(of, "names that may not be", some - names, Counter())
        yield from _differ(of, "number of names", some.total(), min(names.total(), 60))
        every = _names(tree(answers[f"{of}/signers"].body))
        yield from _differ(f"{of}/signers", "names", every, names)
        said = _comments(tree(answers[of].body))
        yield from _differ(of, "comments that may not be", said - allowed.comments, Counter())
        yield from _differ(of, "comments", said.total(), min(allowed.comments.total(), 20))
        every_word = _comments(tree(answers[f"{of}/comments"].body), everywhere=True)
        yield from _differ(f"{of}/comments", "comments", every_word, allowed.comments)

    def _feeds(
        self, answers: Mapping[str, Answer], allowed: Allowed, language: str
    ) -> Iterator[str]:
        path = f"/{language}/petitions/{self._slug}/feed.atom"
        feed = fromstring(answers[path].body)  # noqa: S314 (our own)
        yield from _told(path, feed.findtext(f"{ATOM}subtitle") or "", allowed, language)
        for each in (path, f"/{language}/feed.atom"):
            read = fromstring(answers[each].body)  # noqa: S314 (our own)
            entries = [entry.findtext(f"{ATOM}title") for entry in read.iter(f"{ATOM}entry")]
            expected = [*allowed.updates[language], _title_in(allowed, language)]
            yield from _differ(each, "entries", entries, expected)

    def _files(
        self, answers: Mapping[str, Answer], allowed: Allowed, language: str
    ) -> Iterator[str]:
        """Posters, sheets and the picture hold no number that moves: they stay as they were while the text does."""
        for file in FILES:
            path = f"/{language}/petitions/{self._slug}/{file}"
            answer = answers[path]
            if answer.status != 200:
                continue
            key = f"{path} {_title_in(allowed, language)}"
            if key not in self._shares and file.endswith(".pdf") and allowed.counted:
                told = " ".join(readable.words(answer.body))
                yield from _differ(path, "exact number", _figures(told, allowed.counted), [])
            kept = self._shares.setdefault(key, answer.body)
            yield from _differ(path, "the file", kept == answer.body, True)

    def _json(self, answers: Mapping[str, Answer], allowed: Allowed) -> Iterator[str]:
        path = f"/api/petitions/{self._id}"
        one: dict[str, Any] = json.loads(answers[path].body)
        [listed] = json.loads(answers["/api/petitions"].body)["petitions"]
        numbers = {
            "total": allowed.total,
            "fewer_than": 20 if allowed.total is None else None,
            "goal": allowed.goal,
            "live": False,
            "paper": allowed.paper,
        }
        for where, found in ((path, one), ("/api/petitions", listed)):
            yield from _differ(where, "signatures", found["signatures"], numbers)
            yield from _differ(where, "open", found["open"], allowed.state == "open")
            titles = {code: text["title"] for code, text in found["texts"].items()}
            yield from _differ(where, "titles", titles, allowed.titles)
        weeks = [
            (date.fromisoformat(w["first"]), date.fromisoformat(w["last"]), w["signatures"])
            for w in one["weeks"]
        ]
        yield from _differ(path, "weeks", weeks, list(allowed.weeks))
        names = Counter(
            (s["name"], s["country"] or "", s["affiliation"] or "") for s in one["signers"]
        )
        yield from _differ(path, "names", names, allowed.names)
        yield from _differ(path, "signers_shown", one["signers_shown"], allowed.names.total())
        said = Counter((c["text"], c["name"] or "") for c in one["comments"])
        yield from _differ(path, "comments", said, allowed.comments)
        endorsers = {
            (next(iter(e["names"].values())), e["statement"] or "") for e in one["endorsements"]
        }
        yield from _differ(path, "endorsements", endorsers, set(allowed.endorsers))
        titles_told = [u["texts"]["en"]["title"] for u in one["updates"]]
        yield from _differ(path, "updates", titles_told, list(allowed.updates["en"]))

    def _leaks(
        self, answers: Mapping[str, Answer], allowed: Allowed, untold: set[str]
    ) -> Iterator[str]:
        """No word of anyone that is not shown, and no exact number before its time."""
        for path, answer in answers.items():
            if path.endswith((".pdf", ".png")):
                continue
            plain = answer.body.decode()
            if path.startswith("/api/"):
                plain = json.dumps(json.loads(plain), ensure_ascii=False)
            yield from (f"{path}: shows {word!r}" for word in untold if word in plain)
            if allowed.counted != allowed.total and allowed.counted >= LEAST_EXACT:
                yield from _differ(path, "exact number", _figures(plain, allowed.counted), [])

    def _etags(self, fresh: Mapping[str, Answer]) -> Iterator[str]:
        """An ETag is another where the octets are, and only there."""
        for path, answer in fresh.items():
            before = self._before.get(path, answer)
            same = answer.headers["ETag"] == before.headers["ETag"]
            yield from _differ(path, "the ETag's staying", same, answer.body == before.body)


QUICK: Final = ("signers", "comments", "feed.atom")
SLOW: Final = ("updates", "versions", "snippet", "delivery")
FILES: Final = ("poster.pdf", "sheet.pdf", "share.png")


class _Tree(HTMLParser):
    """Builds a tree out of a page of ours, whose elements are all closed but the void ones."""

    def __init__(self) -> None:
        super().__init__()
        self.builder = TreeBuilder()

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in _VOID:
            self.builder.end(tag)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        self.builder.end(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            self.builder.end(tag)

    def handle_data(self, data: str) -> None:
        self.builder.data(data)


@functools.lru_cache(64)
def tree(body: bytes) -> Element:
    """The page's elements; most pages are read more than once, and to be changed by nobody."""
    made = _Tree()
    made.feed(body.decode())
    return made.builder.close()


def _slow(allowed: Allowed) -> tuple[object, ...]:
    return allowed.state, allowed.titles, allowed.versions, allowed.updates, allowed.files


def _text(element: Element | None) -> str:
    return " ".join("".join(element.itertext()).split()) if element is not None else ""


def _title(page: Element) -> str:
    return _text(page.find(".//h1"))


def _title_in(allowed: Allowed, language: str) -> str:
    return allowed.titles.get(language, allowed.titles["fa"])


def _section(page: Element, name: str) -> Element | None:
    return page.find(f".//section[@aria-labelledby='{name}']")


def _names(page: Element) -> Counter[tuple[str, str, str]]:
    found: Counter[tuple[str, str, str]] = Counter()
    for item in page.iterfind(".//ul[@class='grid names']/li"):
        union = item.find("span/bdi")
        country = item.find("span")
        after = (union.tail or "") if union is not None else _text(country)
        found[_text(item.find("bdi")), after.strip(" ،,\n"), _text(union)] += 1
    return found


def _comments(page: Element, *, everywhere: bool = False) -> Counter[tuple[str, str]]:
    section = page if everywhere else _section(page, "comments")
    figures = section.iterfind(".//figure[@class='said']") if section is not None else ()
    return Counter(
        (_text(one.find("blockquote")), _text(one.find("figcaption/bdi"))) for one in figures
    )


def _weeks(page: Element) -> list[tuple[date, date, int]]:
    section = _section(page, "weeks")
    rows = section.iterfind(".//tbody/tr") if section is not None else ()
    told = []
    for row in rows:
        first, last = (date.fromisoformat(time.get("datetime", "")) for time in row.iter("time"))
        told.append((first, last, number(_text(row.find("td[@class='n']")))))
    return told


def _endorsers(page: Element) -> set[str]:
    section = _section(page, "endorsers")
    items = section.iterfind("ul/li") if section is not None else ()
    return {_text(one.find("span/bdi")) for one in items}


def _told(path: str, shown: str, allowed: Allowed, language: str) -> Iterator[str]:
    """A sentence begins with the total, or says that there are fewer than twenty."""
    few = {"fa": "کمتر از ۲۰", "en": "fewer than 20"}[language]
    expected = few if allowed.total is None else languages.figure(allowed.total, language)
    if not re.match(rf"{re.escape(expected)}(?![\d۰-۹٬,])", shown):
        yield f"{path}: says {shown!r}, not {expected!r}"


def _figures(text: str, value: int) -> list[str]:
    """Where ``value`` stands in a text, in either script."""
    forms = {str(value), *(languages.figure(value, language) for language in LANGUAGES)}
    either = "|".join(map(re.escape, sorted(forms)))
    return [found[0] for found in re.finditer(rf"(?<![\w.-])({either})(?![\w.%-])", text)]


def _differ(where: str, what: str, found: object, expected: object) -> Iterator[str]:
    if found != expected:
        yield f"{where}: {what}: {found!r}, not {expected!r}"
