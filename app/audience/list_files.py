"""A list of readers as a file: CSV (RFC 4180) in UTF-8, a column ``email`` and, if one likes, ``language``.

All other columns are passed over unread. What is wrong is told by its line's number, never by what stands there (C23).
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from app.core import addresses
from app.core.addresses import Address
from app.core.errors import InvalidError

EMAIL: Final = "email"
LANGUAGE: Final = "language"
NO_ADDRESS: Final = "no address that mail can go to"
THROW_AWAY: Final = "a mailbox that is thrown away"
NO_LANGUAGE: Final = "a language that this site does not have"
LONGEST_LINE: Final = 64 * 1024
"""Octets; a longer line is no list's, and would be held in memory."""


@dataclass(frozen=True)
class Listed:
    """One reader: the address, the language of their letters, and the line they stand on."""

    number: int
    address: Address
    language: str


@dataclass(frozen=True)
class Refused:
    """A line that cannot be taken: its number, and one of this module's reasons."""

    number: int
    why: str


def read(
    file: BinaryIO, *, language: str, known_languages: Collection[str]
) -> Iterator[Listed | Refused]:
    """The file's readers one by one, as far as it was read; ``language`` is for who has none of their own.

    Raises InvalidError, which names the line and nothing that stands on it, when it is no such file.
    """
    rows = csv.reader(_lines(file), strict=True)
    try:
        names = [name.strip().lower() for name in next(rows, [])]
        if names.count(EMAIL) != 1:
            raise InvalidError(f"the first line must name one column {EMAIL}")
        email = names.index(EMAIL)
        spoken = names.index(LANGUAGE) if LANGUAGE in names else len(names)
        for row in rows:
            if any(cell.strip() for cell in row):
                cells = [*row, *[""] * (len(names) + 1)]
                code = cells[spoken].strip().lower() if spoken < len(names) else ""
                yield _judged(rows.line_num, cells[email], code or language, known_languages)
    except csv.Error:
        raise InvalidError(f"line {rows.line_num} cannot be read as CSV") from None


def _judged(
    number: int, text: str, language: str, known_languages: Collection[str]
) -> Listed | Refused:
    try:
        address = addresses.parse(text)
    except InvalidError:
        return Refused(number, NO_ADDRESS)
    if addresses.is_throw_away(address.domain):
        return Refused(number, THROW_AWAY)
    if language not in known_languages:
        return Refused(number, NO_LANGUAGE)
    return Listed(number, address, language)


def _lines(file: BinaryIO) -> Iterator[str]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise InvalidError(f"line {number} is longer than {LONGEST_LINE} octets")
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise InvalidError(f"line {number} is not UTF-8") from None
