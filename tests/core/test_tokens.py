"""Mailed secrets: nothing to read in them, one purpose each, the same again for the same row (C10, C11)."""

from __future__ import annotations

import base64
import hashlib
import re
from uuid import UUID

import pytest
from itsdangerous import Signer

from app.core import ids, tokens
from app.core.sealing import Indexer, make_index_key
from app.core.tokens import CODE_ALPHABET, CODE_LENGTH, LINK, NEVER_WRITE, ONE_CLICK, MailedSecrets

ROW = UUID("00112233-4455-6677-8899-aabbccddeeff")


def keyed(stem: bytes, key_id: str = "1") -> str:
    return f"{key_id}:{make_index_key(stem.ljust(32, b'.')).partition(':')[2]}"


@pytest.fixture(scope="module")
def secrets() -> MailedSecrets:
    return MailedSecrets(Indexer(f"{keyed(b'one')},{keyed(b'two', '2')}"))


def test_C10_a_retry_and_a_resend_carry_the_same_secret(secrets: MailedSecrets) -> None:
    again = MailedSecrets(Indexer(keyed(b"one")))
    assert secrets.token(LINK, ROW, "1") == again.token(LINK, ROW, "1")
    assert secrets.code(ROW, "1") == again.code(ROW, "1")


@pytest.mark.parametrize("purpose", [LINK, ONE_CLICK, NEVER_WRITE])
def test_C10_a_secret_is_what_itsdangerous_signs(purpose: str) -> None:
    """Links that were mailed long ago must open: the octets may never change."""
    indexer = Indexer(keyed(b"one"))
    signer = Signer(
        indexer.child("secret", "1"),
        salt=f"peyvand:{purpose}",
        key_derivation="hmac",
        digest_method=hashlib.sha256,
    )
    for row in (ROW, ids.new(), UUID(int=0)):
        expected = f"1.{signer.get_signature(row.bytes).decode()}"
        assert MailedSecrets(indexer).token(purpose, row, "1") == expected


def test_C10_a_secret_of_one_purpose_opens_no_other(secrets: MailedSecrets) -> None:
    made = {secrets.token(purpose, ROW, "1") for purpose in (LINK, ONE_CLICK, NEVER_WRITE)}
    assert len(made) == 3


def test_C10_rows_and_keys_have_secrets_of_their_own(secrets: MailedSecrets) -> None:
    assert secrets.token(LINK, ROW, "1") != secrets.token(LINK, ids.new(), "1")
    one, two = secrets.token(LINK, ROW, "1"), secrets.token(LINK, ROW, "2")
    assert one.partition(".")[2] != two.partition(".")[2]
    assert (one[:2], two[:2]) == ("1.", "2.")


def test_C10_neither_the_id_nor_a_time_stands_in_a_secret(secrets: MailedSecrets) -> None:
    token = secrets.token(LINK, ROW, "1")
    signature = token.partition(".")[2]
    for written in (ROW.hex, str(ROW), ids.in_url(ROW), base64.b64encode(ROW.bytes).decode()):
        assert written not in token
    decoded = base64.urlsafe_b64decode(signature + "=")
    assert len(decoded) == 32
    assert ROW.bytes not in decoded


def test_C10_a_secret_stands_in_an_address_as_it_is(secrets: MailedSecrets) -> None:
    for _ in range(50):
        token = secrets.token(LINK, ids.new(), "1")
        assert re.fullmatch(r"[A-Za-z0-9._-]{40,}", token)
        assert len(token) <= tokens.TOKEN_LIMIT


def test_C10_the_database_holds_a_hash_that_is_no_secret(secrets: MailedSecrets) -> None:
    token = secrets.token(LINK, ROW, "1")
    assert len(tokens.fingerprint(token)) == 32
    assert token.encode() not in tokens.fingerprint(token)
    assert tokens.fingerprint(token) != tokens.fingerprint(token + "x")
    assert tokens.fingerprint("\ud800") == tokens.fingerprint("?")


def test_C11_a_code_has_eight_characters_without_look_alikes(secrets: MailedSecrets) -> None:
    codes = {secrets.code(ids.new(), "1") for _ in range(300)}
    assert len(codes) == 300
    assert all(len(code) == CODE_LENGTH for code in codes)
    assert set("".join(codes)) == set(CODE_ALPHABET)
    assert set(CODE_ALPHABET).isdisjoint("0O1IL2Z5S8B6GUV")


def test_C11_a_code_s_hash_holds_the_request_s_id_too(secrets: MailedSecrets) -> None:
    code = secrets.code(ROW, "1")
    assert tokens.code_fingerprint(ROW, code) != tokens.code_fingerprint(ids.new(), code)
    assert tokens.code_fingerprint(ROW, code) != tokens.code_fingerprint(ROW, code.lower())


@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        ("ACDE-FHJK", "ACDEFHJK"),
        (" acde fhjk ", "ACDEFHJK"),
        ("acde\u200cfhj۳", "ACDEFHJ3"),
        ("ACDEFHJ٤", "ACDEFHJ4"),
        ("ACDEFHJKMN", "ACDEFHJKM"),
        ("", ""),
        ("ßé𝟛", "SS"),
        ("\ud800\x00", ""),
    ],
)
def test_C11_a_code_is_taken_as_people_type_it(typed: str, taken: str) -> None:
    assert tokens.typed_code(typed) == taken


def test_C11_what_is_too_long_never_becomes_the_code(secrets: MailedSecrets) -> None:
    code = secrets.code(ROW, "1")
    assert tokens.typed_code(code + "A") != code
    assert tokens.typed_code(code + "AAAAAA") != code


def test_C14_page_and_subject_share_two_digits_drawn_from_the_id() -> None:
    numbers = {ids.number(ids.new()) for _ in range(600)}
    assert numbers <= {str(number) for number in range(10, 100)}
    assert len(numbers) > 60
    assert ids.number(ROW) == ids.number(UUID(str(ROW)))


def test_C07_ids_are_random_and_stand_in_addresses_as_22_characters() -> None:
    made = [ids.new() for _ in range(200)]
    assert len(set(made)) == 200
    assert {identifier.version for identifier in made} != {4}, "all 128 bits are random"
    for identifier in made:
        written = ids.in_url(identifier)
        assert re.fullmatch(r"[A-Za-z0-9_-]{22}", written)
        assert ids.from_url(written) == identifier


@pytest.mark.parametrize(
    "text", ["", "a", "A" * 21, "A" * 23, "آ" * 22, "A" * 20 + "==", "A" * 21 + "B", "!" * 22]
)
def test_what_is_no_id_gives_none(text: str) -> None:
    assert ids.from_url(text) is None
