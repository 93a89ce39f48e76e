"""The files for the addressee, made on the officers' machine out of an export: a PDF in each language and a CSV.

Here alone the sealed names are opened. Nothing in a file tells who made it or when, save the day of the export.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from nacl.public import PrivateKey

from app.core import languages, persian
from app.core.errors import InvalidError, MisplacedBoxError
from app.core.sealing import Opener, parse_keys
from app.petitions import printing, queries, redrawing, typesetting
from app.petitions.delivering import CSV, PDF, DeliveredText, Delivery, Endorser

LINE_OCTETS: Final = 16
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula, with its full-width twins (OWASP, CSV injection)."""
UNSEEN: Final = f" \u00a0{persian.ZWNJ}\u200d\ufeff"
HEAD: Final = ("kind", "name", "affiliation", "country", "statement")


@dataclass(frozen=True)
class Named:
    """A signer as the addressee reads them."""

    name: str = field(repr=False)
    affiliation: str = field(repr=False)


@dataclass(frozen=True)
class MadeFile:
    """A file with what the public record says of it."""

    form: str
    language: str
    line: str
    content: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def names_opener(private_keys: str) -> Opener:
    """Opens names boxes with the offline key alone. Raises KeyFormatError without quoting it."""
    public = ",".join(
        f"{key_id}:{base64.urlsafe_b64encode(bytes(PrivateKey(key).public_key)).decode()}"
        for key_id, key in parse_keys(private_keys).items()
    )
    return Opener(public, private_keys)


def open_names(delivery: Delivery, opener: Opener | None) -> tuple[list[Named], int]:
    """The signers who agreed to be named, and how many boxes did not open (then only what is shown is named).

    A name that was handed over goes before what is shown of the same person.
    """
    named, closed = [], 0
    for signer in delivery.signers:
        name = signer.shown
        if signer.box:
            try:
                name = _opened(opener, signer.id, signer.box) or name
            except MisplacedBoxError:
                closed += 1
        name = languages.tidy(name)
        if name:
            named.append(Named(name, languages.tidy(signer.affiliation)))
    return named, closed


def make(delivery: Delivery, named: Sequence[Named]) -> list[MadeFile]:
    """A PDF in each language of the petition and one CSV, each with a random line of its own.

    A PDF of 10,000 names takes about half a minute. Raises TypesettingError where Pango is missing.
    """
    made = []
    for text in delivery.texts:
        line = random_line()
        content = document(delivery, named, text.language, line)
        made.append(MadeFile(PDF, text.language, line, content))
    line = random_line()
    return [*made, MadeFile(CSV, "", line, table(delivery, named, line))]


def random_line() -> str:
    """What tells one handed-over file from every other: 32 hexadecimal digits."""
    return secrets.token_hex(LINE_OCTETS)


def document(delivery: Delivery, named: Iterable[Named], language: str, line: str) -> bytes:
    """The PDF in ``language``: cover, texts, totals, organisations, names by that language's alphabet (F06)."""
    organisation = languages.first_of(delivery.organisations, language) or ""
    text = next(text for text in delivery.texts if text.language == language)
    page = typesetting.html(
        "delivery.html",
        language,
        delivery=delivery,
        text=text,
        others=[other for other in delivery.texts if other is not text],
        organisation=organisation,
        size=printing.size_of(len(text.title)),
        endorsers=sorted(delivery.endorsers, key=lambda one: _place(one.name(language), language)),
        logo=_logo,
        named=in_order(named, language),
        few=queries.FEW,
        line=line,
        qr=printing.qr(delivery.link),
        written_link=delivery.link.partition("://")[2],
    )
    return typesetting.pdf(page)


def table(delivery: Delivery, named: Iterable[Named], line: str) -> bytes:
    """The CSV (RFC 4180): UTF-8 with a mark at its beginning, every cell quoted, no cell that could be a formula."""
    language = delivery.source_language
    written = io.StringIO()
    rows = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    rows.writerow(HEAD)
    text = _source(delivery)
    total = f"fewer than {queries.FEW}" if delivery.total is None else str(delivery.total)
    for kind, value in (
        ("petition", text.title),
        ("addressee", text.addressee),
        ("link", delivery.link),
        ("day", delivery.day.isoformat()),
        ("signatures online", total),
        ("signatures on paper", str(delivery.paper)),
        ("organisations", str(len(delivery.endorsers))),
    ):
        rows.writerow([kind, _cell(value), "", "", ""])
    for one in sorted(delivery.endorsers, key=lambda one: _place(one.name(language), language)):
        rows.writerow(
            [
                "organisation",
                _cell(one.name(language)),
                "",
                _cell(one.country),
                _cell(one.statement),
            ]
        )
    for person in in_order(named, language):
        rows.writerow(["signer", _cell(person.name), _cell(person.affiliation), "", ""])
    rows.writerow(["line", line, "", "", ""])
    return b"\xef\xbb\xbf" + written.getvalue().encode()


def in_order(named: Iterable[Named], language: str) -> list[Named]:
    """By the alphabet of ``language``, then the names in other scripts; people of one name by their affiliation."""
    return sorted(named, key=lambda one: (_place(one.name, language), one.affiliation))


def _place(name: str, language: str) -> tuple[bool, tuple[tuple[int, ...], str]]:
    """A name among others: those in the script of ``language`` stand first, each script in its own alphabet's order.

    The Persian order would put É after Z, the Latin one پ after ی.
    """
    facing = typesetting.facing(name)
    alphabet = "fa" if facing == "rtl" else "en"
    return facing != languages.direction(language), languages.sort_key(name, alphabet)


def _logo(one: Endorser) -> str:
    """An organisation's logo as it is set; empty where there is none, or none that can be drawn.

    It is drawn anew here too: an export can be written by whoever knows an officer's key.
    """
    if not one.logo:
        return ""
    try:
        return printing.in_itself(redrawing.logo(base64.b64decode(one.logo)).octets)
    except (InvalidError, ValueError, TypeError):
        return ""


def _opened(opener: Opener | None, signer_id: str, box: str) -> str:
    if opener is None:
        raise MisplacedBoxError("no names key is held")
    try:
        found = opener.open("name", UUID(hex=signer_id), base64.b64decode(box, validate=True))
    except ValueError:
        raise MisplacedBoxError("the box is damaged") from None
    return str(found.get("name") or "")


def _source(delivery: Delivery) -> DeliveredText:
    return next(
        (text for text in delivery.texts if text.language == delivery.source_language),
        delivery.texts[0],
    )


def _cell(text: str) -> str:
    """Text that no spreadsheet works out: what could be a formula gets an apostrophe in front."""
    return f"'{text}" if text.lstrip(UNSEEN).startswith(FORMULA) else text
