"""Mailed secrets: made by the worker from a row's random id, compared by the web as SHA-256 (C10, C11).

A secret is ``key id "." itsdangerous signature`` of the row's id under the salt of its purpose; the id itself
does not stand in it, nor a time. A retry and a resend of the same row therefore carry the same secret, and none
opens another purpose.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import Final
from uuid import UUID

from itsdangerous import Signer

from app.core.persian import latin_digits
from app.core.sealing import Indexer, Mac

LINK: Final = "link"
CODE: Final = "code"
ONE_CLICK: Final = "one-click"
NEVER_WRITE: Final = "never-write"

CODE_ALPHABET: Final = "ACDEFHJKMNPQRTWXY3479"
CODE_LENGTH: Final = 8
TOKEN_LIMIT: Final = 80


class MailedSecrets:
    """Makes the secrets of one worker."""

    def __init__(self, indexer: Indexer) -> None:
        self._indexer = indexer
        self._macs: dict[tuple[str, str], Mac] = {}

    def token(self, purpose: str, row_id: UUID, key_id: str) -> str:
        """The secret of a row for a link (about 45 ASCII characters)."""
        return f"{key_id}.{self._signature(purpose, row_id, key_id).decode()}"

    def code(self, row_id: UUID, key_id: str) -> str:
        """The 8 characters without look-alikes that the mail carries beside the link (C11)."""
        digest = hashlib.sha256(self._signature(CODE, row_id, key_id)).digest()
        number = int.from_bytes(digest)
        signs = []
        for _ in range(CODE_LENGTH):
            number, place = divmod(number, len(CODE_ALPHABET))
            signs.append(CODE_ALPHABET[place])
        return "".join(signs)

    def _signature(self, purpose: str, row_id: UUID, key_id: str) -> bytes:
        mac = self._macs.get((purpose, key_id))
        if mac is None:
            signer = Signer(
                self._indexer.child("secret", key_id),
                salt=f"peyvand:{purpose}",
                key_derivation="hmac",
                digest_method=hashlib.sha256,
            )
            # Derived once: the signer itself would do it anew for every mail.
            mac = self._macs[purpose, key_id] = Mac(signer.derive_key())
        return urlsafe_b64encode(mac.digest(row_id.bytes)).rstrip(b"=")


def fingerprint(token: str) -> bytes:
    """What the database holds of a link's secret."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def code_fingerprint(row_id: UUID, code: str) -> bytes:
    """What the database holds of a code: its hash together with the row's id."""
    return hashlib.sha256(row_id.bytes + code.encode("utf-8", "replace")).digest()


def typed_code(text: str) -> str:
    """A code as people type it: any case, with spaces or hyphens, Persian digits too."""
    text = latin_digits(text).upper()
    kept = "".join(sign for sign in text if sign.isascii() and sign.isalnum())
    return kept[: CODE_LENGTH + 1]
