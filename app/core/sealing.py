"""Sealed boxes and keyed indexes: the only two forms in which an address is kept (C02-C04).

A box is ``key id ":" X25519 sealed box`` (libsodium's crypto_box_seal) over JSON padded to a size fixed by its
kind. Inside stand the kind and the record's id, so that a box moved to another row or column is refused.
An index is an HMAC-SHA256 under a child (HKDF-SHA256, RFC 5869) of the index key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.bindings import crypto_box_seal_open
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from app.core.addresses import Address
from app.core.errors import MisplacedBoxError

SIZES: Final = {
    "request": 1024,
    "choices": 4096,
    "contact": 512,
    "envelope": 1024,
    "name": 512,
    "staff": 512,
}
"""Octets of plain text that a box of each kind is padded to; what does not fit is refused."""


_decode: Final = json.JSONDecoder().decode


class KeyFormatError(ValueError):
    """A key setting that cannot be read; the message never holds the key."""


def parse_keys(text: str) -> dict[str, bytes]:
    """The keys of ``id:key,id:key`` in their order, first is current; a key is 32 octets in base64url.

    Raises ValueError without quoting the value.
    """
    keys: dict[str, bytes] = {}
    for part in text.replace("\n", ",").split(","):
        if not part.strip():
            continue
        key_id, _, encoded = part.strip().partition(":")
        try:
            key = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        except ValueError:
            raise KeyFormatError("a key is not base64url") from None
        if not key_id.isalnum() or not key_id.isascii() or len(key_id) > 8 or len(key) != 32:
            raise KeyFormatError(
                "keys are written id:key,id:key with ids of up to 8 letters and 32-octet keys"
            )
        keys[key_id] = key
    if not keys:
        raise KeyFormatError("no key given")
    return keys


def fits(kind: str, fields: Mapping[str, Any]) -> bool:
    """Whether a box of this kind holds ``fields``, for forms whose limits in characters do not decide that."""
    return len(_plain(kind, UUID(int=0), fields)) <= SIZES[kind]


class Sealer:
    """What the web process has: it can close boxes and open none."""

    def __init__(self, public_keys: str) -> None:
        keys = parse_keys(public_keys)
        self.key_id = next(iter(keys))
        self._box = SealedBox(PublicKey(keys[self.key_id]))

    def seal(self, kind: str, record_id: UUID, fields: Mapping[str, Any]) -> bytes:
        """Close ``fields`` for one row and one column; the box has the same length for every content.

        Raises ValueError when the fields are too large for their kind; forms have limits so that they are not.
        """
        plain = _plain(kind, record_id, fields)
        if len(plain) > SIZES[kind]:
            raise ValueError(f"too large for a box of kind {kind}")
        return self.key_id.encode() + b":" + self._box.encrypt(plain.ljust(SIZES[kind]))


class Opener(Sealer):
    """What the worker has: it also opens boxes, under every key it holds."""

    def __init__(self, public_keys: str, private_keys: str) -> None:
        super().__init__(public_keys)
        # Each under its id as boxes have it: the public half and the private one.
        self._openers = {
            key_id.encode(): (bytes(PrivateKey(key).public_key), key)
            for key_id, key in parse_keys(private_keys).items()
        }

    def open(self, kind: str, record_id: UUID, box: bytes) -> dict[str, Any]:
        """The fields of a box that stands in its own row and column.

        Raises MisplacedBoxError for any other, and for one whose key is not held.
        """
        key_id, _, sealed = box.partition(b":")
        pair = self._openers.get(key_id)
        if pair is None:
            raise MisplacedBoxError("the box's key is not held")
        try:
            plain = crypto_box_seal_open(sealed, *pair)
            found_kind, found_id, fields = _decode(plain.rstrip(b" ").decode())
        except (CryptoError, ValueError, TypeError, RecursionError):
            raise MisplacedBoxError("the box does not open") from None
        if found_kind != kind or found_id != record_id.hex or not isinstance(fields, dict):
            raise MisplacedBoxError("the box was sealed for another place")
        return fields

    @property
    def key_ids(self) -> tuple[str, ...]:
        return tuple(key_id.decode() for key_id in self._openers)


@dataclass(frozen=True)
class Index:
    """An address under one index key: ``exact`` for rights and mail, ``mailbox`` by the provider's rules."""

    key_id: str
    exact: bytes
    mailbox: bytes


class Indexer:
    """Makes the keyed hashes; the worker alone has one."""

    def __init__(self, index_keys: str) -> None:
        self._keys = {key_id: _children(key) for key_id, key in parse_keys(index_keys).items()}
        self.key_id = next(iter(self._keys))

    @property
    def key_ids(self) -> tuple[str, ...]:
        return tuple(self._keys)

    def index(self, address: Address, key_id: str | None = None) -> Index:
        """The address's two indexes under the current key, or under the one named."""
        return self._index(address, "", key_id or self.key_id)

    def every_index(self, address: Address) -> Iterator[Index]:
        """The address under each key held: the ledger and contactless suppressions are asked so (C03)."""
        for key_id in self._keys:
            yield self._index(address, "", key_id)

    def signature(self, address: Address, petition_id: int, key_id: str) -> Index:
        """The address's hashes for one petition, which match those of no other (C05)."""
        return self._index(address, f"petition:{petition_id}:", key_id)

    def endorsement(self, address: Address, petition_id: int, key_id: str) -> Index:
        """The address's hashes for what it asked in an organisation's name; they match no signature's (U04)."""
        return self._index(address, f"endorsement:{petition_id}:", key_id)

    def domain(self, domain: str) -> str:
        """A domain that is no public provider's, as the destination shown as "other" (C06, M13)."""
        return _hmac(self._keys[self.key_id]["domain"], domain).hex()[:24]

    def destination(self, address: Address) -> str:
        """The public provider's name, else the domain's keyed hash (C06)."""
        return address.provider or self.domain(address.domain)

    def child(self, purpose: str, key_id: str) -> bytes:
        """The key of one purpose (``secret``, ``verp``, ``message``) under an index key."""
        return self._keys[key_id][purpose]

    def _index(self, address: Address, prefix: str, key_id: str) -> Index:
        children = self._keys[key_id]
        return Index(
            key_id,
            _hmac(children["exact"], prefix + address.exact),
            _hmac(children["mailbox"], prefix + address.mailbox),
        )


class Mac:
    """HMAC-SHA256 under one key [RFC 2104], for many messages: what the key alone decides is worked out once."""

    def __init__(self, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod=hashlib.sha256)

    def digest(self, message: bytes) -> bytes:
        """The 32 octets of ``message``."""
        of_message = self._keyed.copy()
        of_message.update(message)
        return of_message.digest()


def _plain(kind: str, record_id: UUID, fields: Mapping[str, Any]) -> bytes:
    return json.dumps(
        [kind, record_id.hex, fields], ensure_ascii=False, separators=(",", ":")
    ).encode()


def _children(key: bytes) -> dict[str, bytes]:
    return {
        purpose: HKDF(
            algorithm=hashes.SHA256(), length=32, salt=None, info=b"peyvand:" + purpose.encode()
        ).derive(key)
        for purpose in ("exact", "mailbox", "domain", "secret", "verp", "message")
    }


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)


def make_key_pair() -> tuple[str, str]:
    """A new seal key pair in the settings' form: (private, public)."""
    private = PrivateKey.generate()
    return _written(bytes(private)), _written(bytes(private.public_key))


def make_index_key(random: bytes) -> str:
    """32 random octets in the settings' form."""
    return _written(random)


def _written(key: bytes) -> str:
    return "1:" + base64.urlsafe_b64encode(key).rstrip(b"=").decode()
