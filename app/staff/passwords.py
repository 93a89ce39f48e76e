"""Passwords: their rule, their argon2id hashes (RFC 9106), and equal work for names nobody has."""

from __future__ import annotations

import functools
import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.errors import InvalidError

SHORTEST: Final = 12
LONGEST: Final = 200

_hasher = PasswordHasher()


def hashed(password: str) -> str:
    """The argon2id hash of a password that ``check`` took."""
    return _hasher.hash(_normal(password))


def check(password: str, name: str, *, field: str = "password") -> None:
    """Raises InvalidError when a new password is too short, too long, or the account's own name."""
    if len(password) < SHORTEST:
        raise InvalidError("too short", field=field)
    if len(password) > LONGEST:
        raise InvalidError("too long", field=field)
    if len(set(password)) < 5 or name.casefold() in password.casefold():
        raise InvalidError("too easy", field=field)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is the account's; for no account the same work is done and the answer is no."""
    try:
        _hasher.verify(password_hash or _nobodys(), _normal(password[: LONGEST + 1]))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


@functools.cache
def _nobodys() -> str:
    return _hasher.hash("the hash that an unknown name is checked against")


def _normal(password: str) -> str:
    # The same letters may come composed or decomposed, as the keyboard has it.
    return unicodedata.normalize("NFKC", password)
