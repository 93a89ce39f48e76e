"""The PDF and the CSV for the addressee: order, digits, lines, and what no cell may be."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from app.petitions import delivery_files
from app.petitions.campaign_models import CHECKED
from app.petitions.delivery_files import Named
from app.petitions.models import Petition
from tests.factories import TEXTS, a_petition
from tests.petitions import readable
from tests.petitions.delivered import LINE, an_endorsement, gathered

ALPHABET = ["آرش", "بهار", "پروین", "تینا", "جلال", "چنگیز", "زهرا", "ژاله", "کاوه", "گلی", "یاسمن"]


@pytest.fixture
def petition(session: Session) -> Petition:
    return a_petition(session)


def test_F06_names_stand_in_the_order_of_the_language_s_alphabet() -> None:
    latin = ["Ana", "Émile", "Zoe"]
    named = [Named(name, "") for name in (*reversed(ALPHABET), *reversed(latin))]

    assert [one.name for one in delivery_files.in_order(named, "fa")] == [*ALPHABET, *latin]
    assert [one.name for one in delivery_files.in_order(named, "en")] == [*latin, *ALPHABET]


def test_a_pdf_has_cover_texts_totals_organisations_names_and_its_line(
    session: Session, petition: Petition
) -> None:
    an_endorsement(session, petition, "Checked Union", CHECKED)
    delivery = replace(gathered(session, petition), paper=42)
    named = [Named("Zoe Last", "Example School"), Named("Ana First", ""), Named("م. ر.", "")]

    content = delivery_files.document(delivery, named, "en", LINE)

    pages = readable.words(content)
    assert readable.properties(content) == {"Title": TEXTS["en"]["title"]}
    assert set(readable.sizes(content)) == {(595, 842)}
    assert "To: the Head of the Judiciary" in pages[0]
    assert "Signatures online 6,184" in " ".join(pages[0].split())
    assert "For years teachers have stood up" in pages[1]
    assert pages[1].endswith(f"2 / {len(pages)}")
    told = " ".join(pages[2:])
    for word in ("Checked Union", "Checked Union stands with you.", "Germany", "42", LINE):
        assert word in told
    assert told.index("Ana First") < told.index("Zoe Last")


def test_F05_a_persian_pdf_counts_its_pages_in_persian_digits(
    session: Session, petition: Petition
) -> None:
    content = delivery_files.document(gathered(session, petition), [], "fa", LINE)
    assert "۲" in readable.words(content)[1].split()[-3:]


def test_every_file_has_a_line_of_its_own_and_its_own_digest(
    session: Session, petition: Petition
) -> None:
    made = delivery_files.make(gathered(session, petition), [Named("Ana First", "")])

    assert [(file.form, file.language) for file in made] == [
        ("pdf", "fa"),
        ("pdf", "en"),
        ("csv", ""),
    ]
    assert len({file.line for file in made}) == 3
    assert len({file.digest for file in made}) == 3
    for file in made:
        text = " ".join(readable.words(file.content)) if file.form == "pdf" else ""
        assert file.line in (text or file.content.decode())


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", " =1", "\u200c=1", "|cmd", "%0A=1"],
)
def test_no_cell_of_a_table_is_a_formula(session: Session, petition: Petition, name: str) -> None:
    petition.texts[0].title = name
    delivery = gathered(session, petition)

    content = delivery_files.table(delivery, [Named(name, name)], LINE)

    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    cells = [cell for row in rows for cell in row]
    assert cells.count(f"'{name}") == 3
    assert name not in cells


def test_a_table_is_read_back_as_it_was_written(session: Session, petition: Petition) -> None:
    an_endorsement(session, petition, 'Union "A, B"\nand C', CHECKED)
    named = [Named("یاسمن", "x"), Named("آرش", 'a "quoted", name')]

    content = delivery_files.table(gathered(session, petition), named, LINE)

    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert {len(row) for row in rows} == {len(delivery_files.HEAD)}
    assert ["signatures online", "6184", "", "", ""] in rows
    signers = [row[1:3] for row in rows if row[0] == "signer"]
    assert signers == [["آرش", 'a "quoted", name'], ["یاسمن", "x"]]
    assert rows[-1][:2] == ["line", LINE]
