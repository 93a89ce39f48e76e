"""Mail addresses: what is taken, how it is written on the wire, and which spellings are one mailbox (C04, M12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import idna
from disposable_email_domains import blocklist
from email_validator import EmailNotValidError, validate_email

from app.core.errors import InvalidError

MAX_OCTETS: Final = 254
MAX_LOCAL_OCTETS: Final = 64
"""RFC 5321 4.5.3.1.1; in UTF-8 a Persian letter takes two (RFC 6531)."""


@dataclass(frozen=True)
class Provider:
    """A public provider's rules: which local parts reach the same mailbox."""

    name: str
    ignored: str = ""
    tag: str = "+"


_GMAIL = Provider("gmail.com", ignored=".")
_OUTLOOK = Provider("outlook.com")
_PROTON = Provider("proton.me", ignored=".-_")
_ICLOUD = Provider("icloud.com")
_YAHOO = Provider("yahoo.com", tag="-")
PROVIDERS: Final = {
    "gmail.com": _GMAIL,
    "googlemail.com": _GMAIL,
    "outlook.com": _OUTLOOK,
    "hotmail.com": _OUTLOOK,
    "live.com": _OUTLOOK,
    "proton.me": _PROTON,
    "protonmail.com": _PROTON,
    "pm.me": _PROTON,
    "icloud.com": _ICLOUD,
    "me.com": _ICLOUD,
    "mac.com": _ICLOUD,
    "yahoo.com": _YAHOO,
    "fastmail.com": Provider("fastmail.com"),
    "riseup.net": Provider("riseup.net"),
    "gmx.de": Provider("gmx.de", tag=""),
    "web.de": Provider("web.de", tag=""),
    "tutanota.com": Provider("tutanota.com", tag=""),
    "posteo.de": Provider("posteo.de"),
}


@dataclass(frozen=True)
class Address:
    """One address as it was typed: the local part letter for letter, the domain in lower-case A-labels."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    def __repr__(self) -> str:
        return "<Address>"

    @property
    def exact(self) -> str:
        """What rights and mail are keyed by: letter for letter (C04)."""
        return str(self)

    @property
    def mailbox(self) -> str:
        """The spelling that all names of one mailbox share by the provider's rules (C04)."""
        provider = PROVIDERS.get(self.domain)
        if provider is None:
            return str(self)
        local = self.local.partition(provider.tag)[0] if provider.tag else self.local
        local = local.translate({ord(sign): None for sign in provider.ignored}).lower()
        return f"{local or self.local.lower()}@{provider.name}"

    @property
    def provider(self) -> str | None:
        """The public provider's name, or None for any other domain (C06)."""
        found = PROVIDERS.get(self.domain)
        return found.name if found else None


def parse(text: str) -> Address:
    """The address in ``text``, without asking any server about it.

    Raises InvalidError when it is not one that mail can go to (RFC 5321, RFC 6531).
    """
    text = text.strip()
    if len(text.encode("utf-8", "replace")) > MAX_OCTETS:
        raise InvalidError("too long", field="address")
    try:
        found = validate_email(
            text,
            check_deliverability=False,
            allow_smtputf8=True,
            test_environment=True,
            strict=True,
        )
    except EmailNotValidError:
        raise InvalidError("not an address", field="address") from None
    if len(found.local_part.encode()) > MAX_LOCAL_OCTETS:
        raise InvalidError("too long", field="address")
    try:
        domain = idna.encode(found.domain.lower(), uts46=True).decode("ascii").lower()
    except idna.IDNAError:
        raise InvalidError("not a domain", field="address") from None
    return Address(found.local_part, domain)


def is_throw_away(domain: str) -> bool:
    """Whether a domain, or the one above it, is known to hand out mailboxes for minutes."""
    labels = domain.split(".")
    return any(".".join(labels[at:]) in blocklist for at in range(len(labels) - 1))
