"""Markdown that people wrote can do nothing (C22, C25)."""

from __future__ import annotations

import re

import pytest

from app.web.text import markdown


def test_text_becomes_plain_html_with_headings_from_the_second_level() -> None:
    html = markdown("# سرخط\n\nنیم\u200cفاصله **پررنگ**\n\n1. یک\n2. دو\n\n> نقل")
    assert "<h2>سرخط</h2>" in html
    assert "نیم\u200cفاصله <strong>پررنگ</strong>" in html
    assert "<ol>" in html
    assert "<blockquote>" in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![pixel](https://example.org/p.png)",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](http://example.org/)",
        "[x](//example.org/)",
        '<a href="https://example.org" style="position:fixed" onclick="x()">x</a>',
        "<iframe src=https://example.org></iframe>",
        "[x][1]\n\n[1]: vbscript:x",
    ],
)
def test_nothing_runs_nothing_loads_and_odd_links_lead_nowhere(text: str) -> None:
    html = markdown(text)
    tags = re.findall(r"<(\w+)([^>]*)>", html)
    assert {name for name, _rest in tags} <= {"p", "a"}
    for danger in ("onclick", "onerror", "style", "href", "src"):
        assert not [rest for _name, rest in tags if danger in rest]


@pytest.mark.parametrize(
    "link", ["https://example.org/a?b=c", "mailto:us@example.org", "/fa/safety"]
)
def test_links_to_https_mail_and_this_site_stay(link: str) -> None:
    html = markdown(f"[x]({link})")
    assert f'href="{link}"' in html
    assert 'rel="noreferrer"' in html
