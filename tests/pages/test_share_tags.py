"""What other sites show beside a link to a petition: words and a picture of ours, at our own address (C22)."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient


@pytest.mark.parametrize("locale", ["fa", "en"])
def test_a_shared_link_tells_title_summary_and_picture(visitor: FlaskClient, locale: str) -> None:
    page = visitor.get(f"/{locale}/petitions/teachers").get_data(as_text=True)
    told = dict(re.findall(r'<meta property="og:([a-z:]+)" content="([^"]*)">', page))
    assert told["title"]
    assert told["description"]
    base = told["url"].removesuffix(f"/{locale}/petitions/teachers")
    assert told["image"] == f"{base}/{locale}/petitions/teachers/share.png"
    assert visitor.get(told["image"].removeprefix(base)).mimetype == "image/png"
