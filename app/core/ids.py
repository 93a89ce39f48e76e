"""Random ids of rows that are reachable from a person (C07), and how they stand in addresses."""

import base64
import binascii
import secrets
from uuid import UUID


def new() -> UUID:
    """A random id of 128 bits; all of them random, unlike a version 4 UUID."""
    return UUID(bytes=secrets.token_bytes(16))


def in_url(record_id: UUID) -> str:
    """The id as 22 characters that need no escaping in an address."""
    return base64.urlsafe_b64encode(record_id.bytes).rstrip(b"=").decode("ascii")


def from_url(text: str) -> UUID | None:
    """The id that ``in_url`` wrote, or None for anything else."""
    if len(text) != 22 or not text.isascii():
        return None
    try:
        record_id = UUID(bytes=base64.urlsafe_b64decode(text + "=="))
    except (binascii.Error, ValueError):
        return None
    return record_id if in_url(record_id) == text else None


def number(record_id: UUID) -> str:
    """The two digits that a waiting page and its mail's subject share (C14)."""
    return f"{int.from_bytes(record_id.bytes[-4:]) % 90 + 10}"
