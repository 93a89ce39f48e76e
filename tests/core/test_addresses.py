"""Which addresses are taken, and how they are kept (C04, M12)."""

from __future__ import annotations

from uuid import UUID

import pytest

from app.core import addresses
from app.core.addresses import Address
from app.core.errors import InvalidError
from tests.factories import Keys


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("leila@example.org", "leila@example.org"),
        ("  leila@example.org\n", "leila@example.org"),
        ("Leila.K+x@Example.ORG", "Leila.K+x@example.org"),
        ("leila@bücher.example", "leila@xn--bcher-kva.example"),
        ("leila@XN--BCHER-KVA.example", "leila@xn--bcher-kva.example"),
        ("leila@ایران.example", "leila@xn--mgba3a4f16a.example"),
        ("کارگر@example.org", "کارگر@example.org"),
        ("用户@例え.テスト", "用户@xn--r8jz45g.xn--zckzah"),
        ("o'brien@example.org", "o'brien@example.org"),
        ("a@" + ".".join(["b" * 60] * 3) + ".org", "a@" + ".".join(["b" * 60] * 3) + ".org"),
    ],
)
def test_M12_an_address_is_kept_with_its_domain_as_an_a_label(typed: str, kept: str) -> None:
    assert addresses.parse(typed).exact == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "leila",
        "@example.org",
        "leila@",
        "leila@@example.org",
        "leila@example",
        "leila@-example.org",
        "leila@exa mple.org",
        "leila @example.org",
        "leila@example.org, karim@example.org",
        "Leila <leila@example.org>",
        "leila@example.org\r\nBcc: karim@example.org",
        "leila\r\n@example.org",
        "leila\x00@example.org",
        "lei\u202ela@example.org",
        "leila@exam\u200bple.org",
        "..@example.org",
        "leila..k@example.org",
        ".leila@example.org",
        '"leila k"@example.org',
        "leila@[127.0.0.1]",
        "leila@127.0.0.1",
        "a" * 65 + "@example.org",
        "a@" + "b" * 250 + ".org",
        "ل" * 130 + "@example.org",
        "\ud800@example.org",
        "leila@xn--a.example",
        "leila@" + "xn--" + "9" * 200 + ".example",
        "leila@exa\u0378mple.org",
        "leila@localhost",
    ],
)
def test_R06_what_no_mail_can_go_to_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(InvalidError) as caught:
        addresses.parse(text)
    assert caught.value.field == "address"
    assert not text.strip() or text.strip() not in str(caught.value), "C23: never quoted"


def test_C23_an_address_shows_nothing_of_itself_in_a_traceback() -> None:
    assert repr(addresses.parse("leila@example.org")) == "<Address>"


def test_C06_only_public_providers_are_named() -> None:
    assert Address("leila", "hotmail.com").provider == "outlook.com"
    assert Address("leila", "union.example").provider is None


def test_R06_the_longest_address_that_is_taken_fits_its_box(keys: Keys) -> None:
    longest = addresses.parse("a" * 64 + "@" + ".".join(["b" * 61] * 3) + ".de")
    assert len(longest.exact) > 250
    keys.desk.opener.seal("contact", UUID(int=1), {"address": longest.exact})
