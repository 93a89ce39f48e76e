"""M12: what goes over the wire for an address."""

from __future__ import annotations

import pytest

from emails.addresses import on_the_wire
from emails.errors import AddressError


@pytest.mark.parametrize(
    ("address", "spec", "smtputf8"),
    [
        ("leila@example.org", "leila@example.org", False),
        ("Leila.M+x@Example.ORG", "Leila.M+x@Example.ORG", False),
        ("leila@bücher.example", "leila@xn--bcher-kva.example", False),
        ("leila@BÜCHER.example", "leila@xn--bcher-kva.example", False),
        ("leila@کار.ایران", "leila@xn--mgbu27a.xn--mgba3a4f16a", False),
        # ZWNJ is part of a Persian name: UTS 46 as IDNA 2008 keeps it.
        ("a@نامه‌ای.ایران", "a@xn--mgba3gch31f060k.xn--mgba3a4f16a", False),
        ("لیلا@example.org", "لیلا@example.org", True),
        ("müller@bücher.example", "müller@xn--bcher-kva.example", True),
    ],
)
def test_M12_domains_become_a_labels_and_local_parts_are_flagged(
    address: str, spec: str, smtputf8: bool
) -> None:
    wire = on_the_wire(address)
    assert (wire.spec, wire.smtputf8) == (spec, smtputf8)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "leila",
        "@example.org",
        "leila@",
        "a b@example.org",
        "a@b@example.org",
        '"a b"@example.org',
        "a@[127.0.0.1]",
        "a..b@example.org",
        ".a@example.org",
        "a@exa mple.org",
        "a@-example.org",
        "a@example..org",
        "a\u200c@example.org",
        "a\u2066b@example.org",
        "a\u00a0b@example.org",
        "a>,<b@example.org",
        "a@example.org\r\nRCPT TO:<x@example.org>",
        "a@example.org>",
        "x" * 65 + "@example.org",
        "a@" + "x." * 130 + "org",
    ],
)
def test_M12_what_cannot_be_mailed_to_is_a_clear_error_without_the_address(address: str) -> None:
    with pytest.raises(AddressError) as caught:
        on_the_wire(address)
    assert len(address) < 3 or address not in repr(caught.value)
    assert caught.value.__cause__ is None
