"""Files for the officers alone: age, to the keys pinned in the worker's configuration (C20; age-encryption.org/v1)."""

from __future__ import annotations

import pyrage

from app.core.sealing import KeyFormatError


def recipients(keys: str) -> list[pyrage.x25519.Recipient]:
    """The officers' public keys, as ``age-keygen`` prints them, parted by commas or lines.

    Raises KeyFormatError, which quotes no key.
    """
    found = []
    for part in keys.replace("\n", ",").split(","):
        if not part.strip() or part.strip().startswith("#"):
            continue
        try:
            found.append(pyrage.x25519.Recipient.from_str(part.strip()))
        except pyrage.RecipientError:
            raise KeyFormatError("an officer's key is written age1...") from None
    if not found:
        raise KeyFormatError("no officer's key is given")
    return found


def encrypt(plain: bytes, keys: str) -> bytes:
    """``plain`` as an age file that any one of the officers can open. Raises KeyFormatError."""
    return bytes(pyrage.encrypt(plain, recipients(keys)))


def decrypt(encrypted: bytes, key_file: str) -> bytes:
    """What an officer's own key file (its text) opens; for their machine, never the server.

    Raises KeyFormatError for a file without a key and for one that does not open this.
    """
    lines = [line.strip() for line in key_file.splitlines()]
    try:
        held = [
            pyrage.x25519.Identity.from_str(line)
            for line in lines
            if line and not line.startswith("#")
        ]
    except pyrage.IdentityError:
        raise KeyFormatError("an officer's private key is written AGE-SECRET-KEY-...") from None
    if not held:
        raise KeyFormatError("the file holds no key")
    try:
        return bytes(pyrage.decrypt(encrypted, held))
    except pyrage.DecryptError:
        raise KeyFormatError("this key does not open the file") from None


def make_key_pair() -> tuple[str, str]:
    """A new officer's key pair: (private, public)."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())
