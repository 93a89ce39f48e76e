"""Posters, signature sheets and share pictures: what stands on them, and what their files do not tell."""

from __future__ import annotations

import io
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

import pytest
import segno
import time_machine
from PIL import Image
from sqlalchemy.orm import Session

from app.core.errors import PeyvandError
from app.petitions import printing, queries, redrawing, typesetting
from app.petitions.queries import ShownPetition
from tests.factories import TEXTS, a_petition
from tests.petitions import drawings, readable

A4 = (595, 842)
PLACE = printing.Place(
    organisation="Example Confederation",
    link="https://peyvand.example/p/7",
    contact="https://peyvand.example/en/contact",
)
PIXELS = 4
MILLIMETRE = 72 / 25.4


class Shown(Protocol):
    """Gives the petition as its page shows it, with changes."""

    def __call__(self, language: str = "en", **change: object) -> ShownPetition: ...


@pytest.fixture
def shown(session: Session) -> Shown:
    petition = a_petition(session)

    def show(language: str = "en", **change: object) -> ShownPetition:
        found = queries.as_shown(petition, language, ())
        assert found is not None
        return replace(found, **change)  # type: ignore[arg-type]

    return show


def made(form: str, petition: ShownPetition) -> bytes:
    return printing.made(form, printing.document(form, petition, PLACE))


@pytest.mark.parametrize("language", ["fa", "en"])
def test_a_poster_is_one_page_with_title_sentence_and_link(language: str, shown: Shown) -> None:
    poster = made(printing.POSTER, shown(language))

    assert readable.sizes(poster) == [A4]
    [words] = readable.words(poster)
    assert "peyvand.example/p/7" in words
    if language == "en":
        assert TEXTS["en"]["title"] in words
        assert TEXTS["en"]["summary"] in words


def test_a_poster_s_code_holds_the_short_link(shown: Shown) -> None:
    poster = readable.picture(made(printing.POSTER, shown("en")), scale=PIXELS)

    matrix = [[bool(dark) for dark in row] for row in segno.make_qr(PLACE.link, error="q").matrix]
    # Its place on the page: 18 mm from the left, 161 mm from the top, 74 mm wide.
    left, top, side = (round(length * MILLIMETRE * PIXELS) for length in (18, 161, 74))
    module = side / len(matrix)
    middles = [round((number + 0.5) * module) for number in range(len(matrix))]
    grey = poster.tobytes()
    drawn = [
        [grey[(top + down) * poster.width + left + across] < 128 for across in middles]
        for down in middles
    ]
    assert drawn == matrix


@pytest.mark.parametrize("form", [printing.POSTER, printing.SHARE])
@pytest.mark.parametrize("language", ["fa", "en"])
def test_the_longest_texts_still_fit_on_one_page(form: str, language: str, shown: Shown) -> None:
    word = "همبستگی " if language == "fa" else "solidarity "
    long = shown(
        language,
        title=(word * 25)[:200],
        summary=(word * 50)[:400],
        addressee=(word * 38)[:300],
        topic=(word * 10)[:80],
    )
    page = typesetting.pdf(printing.document(form, long, PLACE))
    assert len(readable.sizes(page)) == 1


@pytest.mark.parametrize("language", ["fa", "en"])
def test_a_share_picture_shows_the_petition_s_own_beside_the_title(
    language: str, shown: Shown
) -> None:
    photo = redrawing.picture(drawings.written(Image.new("RGB", (900, 600), (200, 20, 20))))
    word = "همبستگی " if language == "fa" else "solidarity "
    for petition in (shown(language), shown(language, title=(word * 25)[:200])):
        page = printing.document(printing.SHARE, petition, PLACE, photo.octets)
        assert len(readable.sizes(typesetting.pdf(page))) == 1
        drawn = Image.open(io.BytesIO(printing.made(printing.SHARE, page, photo=True)))
        assert drawn.size == (1200, 630)
        pixels = drawn.convert("RGB")
        row = [pixels.getpixel((across, 300)) for across in range(1200)]
        columns = [x for x, (red, _green, blue) in enumerate(row) if red > 150 > 60 > blue]  # type: ignore[misc]
        assert 430 <= len(columns) <= 450
        assert columns[0] < 10 if language == "fa" else columns[-1] > 1190
    assert made(printing.SHARE, shown(language)) != printing.made(printing.SHARE, page)


def test_a_sheet_has_demands_empty_rows_and_says_what_becomes_of_it(shown: Shown) -> None:
    sheet = made(printing.SHEET, shown("en"))

    assert readable.sizes(sheet) == [A4, A4], "a front and a back"
    front, back = readable.words(sheet)
    for demand in shown("en").demands:
        assert demand in front
    for told in (
        "To: the Head of the Judiciary",
        "never carry a sheet into Iran",
        "we count the signatures and enter only their number and the day",
        "hand full sheets to Example Confederation",
        "peyvand.example/en/contact",
        "Town or union",
    ):
        assert told in front
    assert "Town or union" in back, "the table's head stands on each page"
    assert str(printing.ROWS) in back.split()


def test_F05_a_persian_sheet_has_persian_digits(shown: Shown) -> None:
    words = " ".join(readable.words(made(printing.SHEET, shown("fa"))))
    assert "۱۲" in words.split() or "۲۱" in words.split()
    digits = {sign for sign in words.replace("peyvand.example/p/7", "") if sign in "0123456789"}
    assert digits == set()


def test_a_share_picture_is_1200_by_630_and_shows_no_number_that_moves(shown: Shown) -> None:
    picture = made(printing.SHARE, shown("fa"))

    with Image.open(io.BytesIO(picture)) as opened:
        assert (opened.format, opened.size) == ("PNG", (1200, 630))
        assert opened.info == {}
        assert len(opened.convert("RGB").getcolors(1 << 20) or []) > 8, "something is drawn"
    moved = shown("fa")
    moved = replace(moved, counts=replace(moved.counts, total=9000, goal=12000))
    assert made(printing.SHARE, moved) == picture
    assert made(printing.SHARE, shown("fa", title="عنوان دیگر")) != picture


@pytest.mark.parametrize("form", list(printing.FORMS))
def test_C23_the_same_page_gives_the_same_bytes_at_any_time(form: str, shown: Shown) -> None:
    files = set()
    for year in (2026, 2031):
        with time_machine.travel(datetime(year, 3, 1, 12, tzinfo=UTC), tick=False):
            files.add(made(form, shown("fa")))
    assert len(files) == 1


def test_C23_a_file_names_no_author_no_time_and_no_program(shown: Shown) -> None:
    poster = made(printing.POSTER, shown("en"))

    assert readable.properties(poster) == {"Title": TEXTS["en"]["title"]}
    for word in (b"WeasyPrint", b"Producer", b"CreationDate", b"ModDate", b"/tmp/", b"/static/"):
        assert word not in poster


def test_what_people_wrote_cannot_become_layout(shown: Shown) -> None:
    odd = shown("en", title="<script>x</script> {{ 7*7 }}", summary="<b>&amp; %(x)s")
    [words] = readable.words(made(printing.POSTER, odd))
    assert "<script>x</script> {{ 7*7 }}" in words
    assert "<b>&amp; %(x)s" in words


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/x.png",
        "file:///etc/hostname",
        f"{typesetting.FONTS.as_uri()}/../icon.svg",
        f"{typesetting.FONTS.as_uri()}/%2e%2e/icon.svg",
    ],
)
def test_C22_a_document_reaches_nothing_but_its_fonts(address: str) -> None:
    with pytest.raises(PeyvandError, match="elsewhere"):
        typesetting.pdf(f'<p>text</p><img src="{address}">')


def test_a_document_is_set_once_for_all_who_ask_at_once() -> None:
    kept, times, barrier = typesetting.Kept(), [], threading.Barrier(4)

    def make() -> bytes:
        times.append(1)
        return b"page"

    def ask() -> None:
        barrier.wait(5)
        assert kept.get("one", make) == b"page"

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert times == [1]


def test_the_document_asked_for_longest_ago_is_let_go() -> None:
    kept = typesetting.Kept(most=2)
    for mark in ("one", "two", "one", "three"):
        kept.get(mark, lambda mark=mark: mark.encode())  # type: ignore[misc]
    assert kept.get("one", lambda: b"anew") == b"one"
    assert kept.get("two", lambda: b"anew") == b"anew"


def test_without_pango_nothing_is_set_and_the_error_says_so(
    monkeypatch: pytest.MonkeyPatch, shown: Shown
) -> None:
    monkeypatch.setattr(typesetting, "available", lambda: False)
    with pytest.raises(typesetting.TypesettingError, match="Pango"):
        made(printing.POSTER, shown())
