"""The Persian alphabet: folding for search and order for names (F04, F06).

The order is that of ISIRI 6219; Arabic forms of ye and kaf count as the Persian letters, ZWNJ and vowel signs
do not count.
"""

from typing import Final

ALPHABET: Final = "آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی"
LETTERS: Final = f"{ALPHABET}ءأؤئ"
"""What Persian words are written with: the alphabet, and hamza in its places."""
ZWNJ: Final = "\u200c"
_RANK: Final = {letter: 0x10000 + place for place, letter in enumerate(ALPHABET)}
_FOLD: Final = str.maketrans(
    {
        "ي": "ی",
        "ى": "ی",
        "ئ": "ی",
        "ك": "ک",
        "ة": "ه",
        "ۀ": "ه",
        "أ": "ا",
        "إ": "ا",
        "ٱ": "ا",
        "ؤ": "و",
        ZWNJ: None,
        "\u0640": None,
        **{chr(sign): None for sign in range(0x064B, 0x0660)},
        "\u0670": None,
    }
)
_DIGITS: Final = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")


def fold(text: str) -> str:
    """What search compares: one form of ye, kaf and digits, no ZWNJ, no vowel signs, lower case."""
    return text.translate(_FOLD).translate(_DIGITS).casefold()


def latin_digits(text: str) -> str:
    """The text with Persian and Arabic digits written as ASCII (F05)."""
    return text.translate(_DIGITS)


def sort_key(text: str) -> tuple[tuple[int, ...], str]:
    """A key that puts Persian words in the alphabet's order, after Latin ones; ties by the text itself."""
    return tuple(_RANK.get(letter, ord(letter)) for letter in fold(text)), text


def compare(one: str, other: str) -> int:
    """The collation ``fa-x-icu`` for SQLite."""
    first, second = sort_key(one), sort_key(other)
    return (first > second) - (first < second)
