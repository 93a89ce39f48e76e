"""An address as it goes over the wire: A-label domains, and whether it needs SMTPUTF8 (M12)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import idna

from emails.errors import AddressError

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_PLAIN = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_UNSEEN = re.compile(r"[\s\u0000-\u001f\u007f-\u00a0\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


@dataclass(frozen=True, slots=True)
class WireAddress:
    """``spec`` stands in commands and headers; with ``smtputf8`` only servers that offer it do."""

    spec: str
    smtputf8: bool


def on_the_wire(address: str) -> WireAddress:
    """The form of ``address`` that SMTP carries.

    The domain becomes A-labels [RFC 5890, UTS 46]; a local part beyond ASCII stays and is flagged
    [RFC 6531]. Quoted local parts and address literals are not taken. Raises AddressError.
    """
    if _PLAIN.fullmatch(address):
        if len(address) > 254 or address.index("@") > 64:
            raise AddressError("the address is too long")
        return WireAddress(address, smtputf8=False)
    local, at, domain = address.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or _UNSEEN.search(local):
        raise AddressError("the part before the @ cannot be mailed to")
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        # The cause's text holds the domain: it stays out of the chain (C23).
        raise AddressError("the domain after the @ is not one") from None
    spec = f"{local}@{ascii_domain}"
    if len(spec.encode()) > 254 or len(local.encode()) > 64:
        raise AddressError("the address is too long")
    return WireAddress(spec, smtputf8=not local.isascii())
