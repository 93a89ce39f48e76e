"""A list of readers as a file: what is read of it, what is refused, and that no error quotes it (C23)."""

from __future__ import annotations

import io

import pytest

from app.audience import list_files
from app.audience.list_files import Listed, Refused
from app.core.errors import InvalidError


def read(text: str | bytes) -> list[Listed | Refused]:
    content = text.encode() if isinstance(text, str) else text
    return list(list_files.read(io.BytesIO(content), language="fa", known_languages=("fa", "en")))


def listed(text: str) -> list[tuple[int, str, str]]:
    return [
        (one.number, one.address.exact, one.language)
        for one in read(text)
        if isinstance(one, Listed)
    ]


def test_a_reader_is_an_address_and_a_language_and_all_else_is_passed_over() -> None:
    text = (
        "\ufeffName, Email ,LANGUAGE\r\n"
        '"کریمی، لیلا",leila@example.org,en\r\n'
        "\r\n"
        ",karim@example.org,\r\n"
        'two\nlines",sara@example.org,FA\n'
    ).replace("two\nlines", '"two\nlines')
    assert listed(text) == [
        (2, "leila@example.org", "en"),
        (4, "karim@example.org", "fa"),
        (6, "sara@example.org", "fa"),
    ]


def test_the_language_may_be_left_out_altogether() -> None:
    assert listed("email\nleila@example.org\n") == [(2, "leila@example.org", "fa")]


def test_what_cannot_be_taken_is_known_by_its_line_and_reason() -> None:
    text = (
        "email,language\nleila\n,en\nx@mailinator.com\nx@sub.mailinator.com,en\n"
        "x@example.org,xx\nx@example.org,en,more\n"
    )
    assert read(text)[:5] == [
        Refused(2, list_files.NO_ADDRESS),
        Refused(3, list_files.NO_ADDRESS),
        Refused(4, list_files.THROW_AWAY),
        Refused(5, list_files.THROW_AWAY),
        Refused(6, list_files.NO_LANGUAGE),
    ]
    assert listed(text) == [(7, "x@example.org", "en")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "must name one column email"),
        (b"address\nleila@example.org\n", "must name one column email"),
        (b"email,email\nleila@example.org\n", "must name one column email"),
        (b"email\nleila\xff@example.org\n", "line 2 is not UTF-8"),
        (b"\xff\xfee\0m\0a\0", "line 1 is not UTF-8"),
        (b'email\n"leila"@example.org\n', "line 2 cannot be read as CSV"),
        (b'email\n"leila@example.org\n', "line 2 cannot be read as CSV"),
        (b"email\nleila@example.org" + b" " * list_files.LONGEST_LINE, "line 2 is longer than"),
    ],
)
def test_C23_a_file_that_is_none_is_told_by_its_line_alone(content: bytes, said: str) -> None:
    with pytest.raises(InvalidError, match=said) as caught:
        read(content)
    assert "leila" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
