"""A list of readers from its file into the audience: batch by batch, each a transaction, nothing twice.

What is told comes from the file alone. How many of its addresses were on the list before, or stay out, is told to
nobody: an officer who knows the file would know the person from the number (C19).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from app.audience import importing, list_files
from app.audience.importing import Ground, Sealed
from app.audience.ledger import Ledger
from app.audience.list_files import Listed, Refused
from app.audience.subscriptions import Desk
from app.core import clock
from app.core.database import Database
from app.core.errors import InvalidError, PeyvandError
from app.staff import audit
from config import Config, ConfigError
from workers.key_check import missing_keys
from workers.keys import open_desk
from workers.setup import check_schema

BATCH: Final = 200
"""Readers a transaction; on SQLite the service waits for each."""
LONGEST_SENTENCE: Final = 16 * 1024
MOST_NUMBERS: Final = 200


@dataclass
class Told:
    """What the file itself told."""

    addresses: int = 0
    repeated: int = 0
    refused: dict[str, list[int]] = field(default_factory=dict)
    _seen: set[bytes] = field(default_factory=set, repr=False)

    def is_new(self, exact_index: bytes) -> bool:
        """Count an address; False where the file had it before, letter for letter."""
        if exact_index in self._seen:
            self.repeated += 1
            return False
        self._seen.add(exact_index)
        self.addresses += 1
        return True

    def lines(self) -> Iterator[str]:
        """The summary."""
        yield f"{self.addresses} addresses, and {self.repeated} lines that repeat one."
        for why, numbers in sorted(self.refused.items()):
            some = ", ".join(map(str, numbers[:MOST_NUMBERS]))
            more = len(numbers) - MOST_NUMBERS
            yield f"Not taken, {why}: line {some}{f' and {more} more' if more > 0 else ''}."
        yield (
            "Each address is on the list now, but for those whose owners left it, were erased or want no mail. "
            "How many these are is told to nobody."
        )


def bring_in(
    config: Config,
    file: Path,
    *,
    slug: str,
    language: str,
    wording: Path,
    source: str,
    day: date,
    progress: Callable[[int], None],
) -> Told:
    """Put a file's readers on a list; ``progress`` gets the octets that were read since the last time.

    Raises ConfigError and PeyvandError, whose texts hold a line's number at most. What was committed until then
    stays, and the same call goes on from there.
    """
    check_schema(config.database_url)
    if language not in config.locales:
        raise InvalidError(f"the languages of this site are {', '.join(config.locales)}")
    desk, ledger, now = open_desk(config), Ledger(config.ledger), clock.now()
    with _opened(config) as database:
        _check(database, desk, ledger, config.ledger)
        with database.unit_of_work() as session:
            ground = importing.begin(
                session,
                slug,
                wording=_sentence(wording),
                language=language,
                source=source,
                day=day,
                today=now.date(),
            )
            audit.record(session, None, "readers.imported", f"list:{ground.list_id}", now)
        return _take_up(database, desk, ledger, ground, file, config.locales, now.date(), progress)


def _take_up(
    database: Database,
    desk: Desk,
    ledger: Ledger,
    ground: Ground,
    file: Path,
    known_languages: tuple[str, ...],
    today: date,
    progress: Callable[[int], None],
) -> Told:
    told, before = Told(), 0
    with file.open("rb") as opened:
        readers = list_files.read(opened, language=ground.language, known_languages=known_languages)
        for batch in _batches(desk, readers, told):
            with database.unit_of_work() as session:
                importing.take_up(session, desk, ledger, ground, batch, today=today)
            progress(opened.tell() - before)
            before = opened.tell()
    return told


def _batches(desk: Desk, readers: Iterator[Listed | Refused], told: Told) -> Iterator[list[Sealed]]:
    """The file's readers, sealed, each once; what cannot be taken is told."""
    sealed = (importing.seal(desk, one) for one in _good(readers, told))
    new = (one for one in sealed if told.is_new(one.row["exact_index"]))
    while batch := list(itertools.islice(new, BATCH)):
        yield batch


def _good(readers: Iterable[Listed | Refused], told: Told) -> Iterator[Listed]:
    for one in readers:
        if isinstance(one, Refused):
            told.refused.setdefault(one.why, []).append(one.number)
        else:
            yield one


def _check(database: Database, desk: Desk, ledger: Ledger, path: str) -> None:
    """Nobody comes in as long as it cannot be known who must stay out."""
    if not ledger.has_begun():
        raise ConfigError(
            f"PEYVAND_LEDGER: there is no erasure ledger at {path}, so who was erased cannot be known; "
            "a worker that was started once has made it"
        )
    with database.reading() as session:
        missing = missing_keys(session, desk, ledger)
    if missing:
        raise ConfigError(
            f"who must stay out is kept under keys that are not held: {', '.join(sorted(missing))}"
        )


def _sentence(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(LONGEST_SENTENCE).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidError("the wording is no short text in UTF-8") from None


@contextmanager
def _opened(config: Config) -> Iterator[Database]:
    """The database; when it is away that is said, and nothing of what it was asked (C23)."""
    database = Database(config.database_url)
    try:
        yield database
    except sa.exc.DBAPIError as error:
        raise PeyvandError(
            f"the database is away ({type(error.orig).__name__}); run the same again, what is in stays"
        ) from None
    finally:
        database.dispose()
