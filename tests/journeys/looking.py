"""What can be told of a page by looking at it in a browser: too wide, wrong direction, words of another language."""

from __future__ import annotations

from typing import Any, Final

from playwright.sync_api import Page

DIRECTIONS: Final = {"fa": "rtl", "en": "ltr"}

# Words in Latin letters that a Persian page has outside any mark that they are foreign. Names of programs and
# providers and of the world's time are written in Latin letters in Persian too, and so are addresses.
_FOREIGN: Final = """() => {
  const found = [];
  const names = /\\b(UTC|Tor|Onion Browser|Proton|Tuta|Snowflake|obfs4|Signal|Markdown|JPEG|PNG|WebP|HTML)\\b|\\S+@\\S+|https?:\\S+|[a-z]+(-[a-z]+)+/g;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const box = node.parentElement;
    const words = node.textContent.replace(names, "");
    if (!/[A-Za-z]{3,}/.test(words) || !box.checkVisibility()) continue;
    if (box.closest("[dir=ltr], [dir=auto], bdi, code, pre, .mono, script, style, iframe")) continue;
    if ((box.closest("[lang]") || document.documentElement).lang !== "fa") continue;
    found.push(node.textContent.trim().slice(0, 80));
  }
  return found;
}"""
_PERSIAN: Final = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const box = node.parentElement;
    if (!/[\\u0600-\\u06ff]{2,}/.test(node.textContent) || !box.checkVisibility()) continue;
    if (box.closest("[dir=rtl], [dir=auto], [lang=fa], bdi, script, style, iframe")) continue;
    found.push(node.textContent.trim().slice(0, 80));
  }
  return found;
}"""
_TOO_WIDE: Final = """() => {
  const limit = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= limit) return [];
  const scrolls = one => one && one !== document.body &&
    (getComputedStyle(one).overflowX !== "visible" || scrolls(one.parentElement));
  const out = [...document.querySelectorAll("body *")].filter(one => {
    if (scrolls(one.parentElement)) return false;
    const box = one.getBoundingClientRect();
    return box.width && (box.right > limit + 1 || box.left < -1);
  });
  return out.slice(0, 4).map(one => one.outerHTML.slice(0, 120));
}"""
_BROKEN: Final = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const odd = /%\\([a-z_]+\\)s|\\{\\{|\\{%|undefined|None,|LazyString|<bound method/;
  for (let node = walk.nextNode(); node; node = walk.nextNode())
    if (odd.test(node.textContent) && node.parentElement.checkVisibility())
      found.push(node.textContent.trim().slice(0, 80));
  return found;
}"""


def faults(page: Page, language: str) -> list[str]:
    """What is wrong with the page as it is drawn now; nothing, where it is right."""
    found = []
    root = page.locator("html")
    told = (root.get_attribute("lang"), root.get_attribute("dir"))
    if told != (language, DIRECTIONS[language]):
        found.append(f"the page says it is {told}")
    found += [f"not in {language}: {words}" for words in foreign(page, language)]
    found += [f"too wide: {element}" for element in too_wide(page)]
    found += [f"left over: {words}" for words in _list(page, _BROKEN)]
    return found


def foreign(page: Page, language: str) -> list[str]:
    """Visible words of the other script that nothing marks as foreign: a translation is missing."""
    return _list(page, _FOREIGN if language == "fa" else _PERSIAN)


def too_wide(page: Page) -> list[str]:
    """The elements that make the page scroll sideways (A02)."""
    return _list(page, _TOO_WIDE)


def _list(page: Page, script: str) -> list[str]:
    answer: Any = page.evaluate(script)
    return [str(one) for one in answer]
