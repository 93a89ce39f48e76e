"""The PDF and the CSV for the addressee: order, digits, lines, and what no cell may be."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import replace

import pytest
import sqlalchemy as sa
from PIL import Image
from sqlalchemy.orm import Session

from app.organisations.models import Organisation
from app.petitions import delivering, delivery_files, picturing, redrawing
from app.petitions.campaign_models import CHECKED
from app.petitions.delivering import Delivery
from app.petitions.delivery_files import Named
from app.petitions.models import Petition
from tests.factories import DAY, TEXTS, a_petition
from tests.petitions import drawings, readable
from tests.petitions.delivered import LINE, an_endorsement, gathered

ALPHABET = ["آرش", "بهار", "پروین", "تینا", "جلال", "چنگیز", "زهرا", "ژاله", "کاوه", "گلی", "یاسمن"]


LOGO = redrawing.logo(drawings.written(Image.new("RGB", (300, 200), (200, 20, 20))))


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


def test_C05_a_pdf_names_the_version_of_each_text_and_how_many_signed_which(
    session: Session, petition: Petition
) -> None:
    plain = gathered(session, petition)
    once = " ".join(
        " ".join(readable.words(delivery_files.document(plain, [], "en", LINE))).split()
    )
    # each text stands with its version, in the reader's language
    assert once.count("Version 1 of this text, of 24 November 2026.") == 2
    assert "Which text was signed" not in once

    signed = (
        delivering.SignedVersion("fa", 2, DAY, 5000),
        delivering.SignedVersion("en", 1, DAY, 60),
    )
    changed = replace(plain, versions=signed, other_versions=1124)
    told = " ".join(
        " ".join(readable.words(delivery_files.document(changed, [], "en", LINE))).split()
    )
    assert "Persian, version 2 · 24 November 2026 5,000" in told
    assert "English, version 1 · 24 November 2026 60" in told
    assert "other versions together 1,124" in told


@pytest.mark.parametrize("language", ["fa", "en"])
def test_a_pdf_shows_an_organisation_s_logo(
    session: Session, petition: Petition, language: str
) -> None:
    an_endorsement(session, petition, "Checked Union", CHECKED)
    plain = gathered(session, petition)
    picturing.keep_logo(session, session.scalars(sa.select(Organisation.id)).one(), LOGO)
    with_logo = gathered(session, petition)

    def logos(delivery: Delivery) -> list[tuple[int, int]]:
        return readable.images(delivery_files.document(delivery, [], language, LINE))

    assert delivering.from_json(delivering.to_json(with_logo)) == with_logo
    assert logos(plain) == []
    assert logos(with_logo) == [(300, 200)]


@pytest.mark.parametrize(
    "logo",
    [
        "no base64!",
        "AAAA",
        3,
        base64.b64encode(drawings.bomb()).decode(),
        base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode(),
    ],
)
def test_R06_a_forged_logo_is_left_out(session: Session, petition: Petition, logo: str) -> None:
    an_endorsement(session, petition, "Checked Union", CHECKED)
    delivery = gathered(session, petition)
    forged = replace(delivery, endorsers=(replace(delivery.endorsers[0], logo=logo),))
    content = delivery_files.document(forged, [], "en", LINE)
    assert readable.images(content) == []
    assert "Checked Union" in " ".join(readable.words(content))


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
