"""Digits, dates, isolation, tidying and the order of names (F01-F06)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import catalogue, languages, persian
from app.core.languages import FSI, PDI

IN_ORDER = [
    "آذر",
    "آرش",
    "ابراهیم",
    "احمد",
    "بهار",
    "پروین",
    "پژمان",
    "تارا",
    "ثریا",
    "جواد",
    "چنگیز",
    "حسن",
    "خسرو",
    "داریوش",
    "ذبیح",
    "رضا",
    "زهرا",
    "ژاله",
    "ژیلا",
    "سارا",
    "شیرین",
    "صادق",
    "ضیا",
    "طاهر",
    "ظفر",
    "عباس",
    "غلام",
    "فرهاد",
    "قاسم",
    "کاوه",
    "گلنار",
    "لاله",
    "مریم",
    "نسرین",
    "وحید",
    "هوشنگ",
    "یاسمن",
]
"""A list in the order of a Persian dictionary, one name for each letter and some for two."""


def test_F06_names_stand_in_the_order_of_the_persian_alphabet() -> None:
    mixed = sorted(IN_ORDER, key=lambda name: name[::-1])
    assert mixed != IN_ORDER
    assert sorted(mixed, key=lambda name: languages.sort_key(name, "fa")) == IN_ORDER


def test_F06_arabic_letters_zwnj_and_vowel_signs_do_not_move_a_name() -> None:
    assert persian.sort_key("كاوه")[0] == persian.sort_key("کاوه")[0]
    assert persian.sort_key("مي\u200cنا")[0] == persian.sort_key("مینا")[0]
    assert persian.sort_key("مُحَمَّد")[0] == persian.sort_key("محمد")[0]
    assert sorted(["یاس", "Zahra", "آذر"], key=persian.sort_key) == ["Zahra", "آذر", "یاس"]
    assert sorted(["کار گر", "کارا"], key=persian.sort_key) == ["کار گر", "کارا"]


@pytest.mark.both_databases
def test_F06_both_databases_sort_as_the_code_does(session: Session) -> None:
    table = sa.Table("a_name", sa.MetaData(), sa.Column("name", sa.String(40)))
    table.create(session.connection())
    session.execute(sa.insert(table), [{"name": name} for name in reversed(IN_ORDER)])
    found = session.scalars(sa.select(table.c.name).order_by(sa.collate(table.c.name, "fa-x-icu")))
    assert found.all() == IN_ORDER


def test_F06_the_collation_tells_smaller_equal_and_larger() -> None:
    assert persian.compare("پ", "ب") == 1
    assert persian.compare("ب", "پ") == -1
    assert persian.compare("ب", "ب") == 0


def test_F06_other_languages_ignore_accents_and_case() -> None:
    assert sorted(["Zoe", "élan", "Eva"], key=lambda name: languages.sort_key(name, "fr")) == [
        "élan",
        "Eva",
        "Zoe",
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("كارگران", "کارگران"),
        ("علي", "علی"),
        ("مى‌روند", "میروند"),
        ("۱۴۰۵", "1405"),
        ("١٤٠٥", "1405"),
        ("مدرسۀ", "مدرسه"),
        ("فاطمة", "فاطمه"),
        ("أمید", "امید"),
        ("تعـــاون", "تعاون"),
        ("IndustriALL", "industriall"),
    ],
)
def test_F04_search_folds_what_looks_alike(one: str, other: str) -> None:
    assert persian.fold(one) == persian.fold(other)


def test_F04_folding_keeps_what_tells_words_apart() -> None:
    assert persian.fold("آب") != persian.fold("اب")
    assert persian.fold("پر") != persian.fold("بر")
    assert persian.fold("گل") != persian.fold("کل")


def test_F05_persian_and_arabic_digits_are_accepted() -> None:
    assert persian.latin_digits("۰۱۲۳۴۵۶۷۸۹") == persian.latin_digits("٠١٢٣٤٥٦٧٨٩") == "0123456789"


def test_F05_persian_pages_show_persian_digits_and_jalali_dates() -> None:
    assert languages.digits("24 / 7", "fa") == "۲۴ / ۷"
    assert languages.digits("3.5, 4", "fa") == "۳.۵, ۴", "prose keeps its signs"
    assert languages.digits(24, "en") == "24"
    assert languages.figure(6184, "fa") == "۶٬۱۸۴"
    assert languages.figure(1234567.5, "fa") == "۱٬۲۳۴٬۵۶۷٫۵"
    assert languages.figure(6184, "en") == "6,184"
    assert languages.figure(6184, "de") == "6.184"
    assert languages.day(date(2026, 11, 24), "fa") == "۳ آذر ۱۴۰۵"
    assert languages.day(date(2026, 3, 21), "fa") == "۱ فروردین ۱۴۰۵"
    assert languages.day(date(2026, 3, 20), "fa") == "۲۹ اسفند ۱۴۰۴"
    assert languages.day(date(2025, 3, 20), "fa") == "۳۰ اسفند ۱۴۰۳", "a leap year"
    assert languages.day(date(2026, 11, 24), "en") == "24 November 2026"
    assert languages.day(date(2026, 11, 24), "de") == "24 November 2026"
    assert languages.both_days(date(2026, 11, 24), "fa") == "۳ آذر ۱۴۰۵ (۲۰۲۶/۱۱/۲۴)"
    assert languages.both_days(date(2026, 11, 24), "en") == "24 November 2026"


def test_F01_directions_and_names_come_with_the_language() -> None:
    assert [languages.direction(code) for code in ("fa", "ar", "en", "de")] == [
        "rtl",
        "rtl",
        "ltr",
        "ltr",
    ]
    assert languages.own_name("fa") == "فارسی"
    assert languages.own_name("es") == "español"


def test_F03_inserted_text_is_isolated() -> None:
    assert languages.isolate("Leila") == f"{FSI}Leila{PDI}"


@pytest.mark.parametrize(
    "control", ["\u200e", "\u200f", "\u061c", "\u202a", "\u202e", "\u2066", "\u2069"]
)
def test_F03_stray_bidi_controls_are_stripped(control: str) -> None:
    assert languages.tidy(f"لیلا{control} Leila") == "لیلا Leila"


def test_F04_tidying_keeps_zwnj_and_drops_what_nobody_typed() -> None:
    assert languages.tidy("  می\u200cخواهیم \t کار\n") == "می\u200cخواهیم کار"
    assert languages.tidy("a\x00b\x07c\ud800d\ufeffe\u200bf\ue000g") == "abcdefg"
    assert languages.tidy("e\u0301") == "é"
    assert languages.tidy("👩\u200d👧") == "👩\u200d👧"
    assert languages.tidy_lines(" one\r\ntwo\rthree\n\n") == "one\ntwo\nthree"
    assert languages.tidy("\u202e\u2066 \x00") == ""


def test_F08_a_reader_s_languages_keep_their_order_and_hold_only_known_ones() -> None:
    assert languages.in_order(["en", "fa", "en", "xx"], ["fa", "en", "de"]) == ("en", "fa")
    assert languages.in_order([], ["fa"]) == ()


def test_F01_a_catalogue_answers_outside_a_request_and_english_needs_none() -> None:
    assert catalogue.gettext("en", "Petitions") == "Petitions"
    assert catalogue.gettext("xx", "Petitions") == "Petitions"
    assert catalogue.gettext("fa", "no such sentence") == "no such sentence"


def test_F01_a_catalogue_that_nobody_compiled_is_read_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "Petitions"\nmsgstr "Aufrufe"\n'
    )
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    catalogue.translations.cache_clear()
    try:
        assert catalogue.gettext("de", "Petitions") == "Aufrufe"
    finally:
        catalogue.translations.cache_clear()
