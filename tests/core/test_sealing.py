"""Boxes that open in one place only, and indexes that match only what they should (C02-C05)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from uuid import UUID

import pytest
from nacl.public import PublicKey, SealedBox

from app.core import addresses, ids
from app.core.addresses import Address
from app.core.errors import MisplacedBoxError
from app.core.sealing import (
    SIZES,
    Indexer,
    KeyFormatError,
    Mac,
    Opener,
    Sealer,
    make_index_key,
    make_key_pair,
    parse_keys,
)

ROW = UUID(int=7)
ADDRESS = {"address": "leila@example.org"}


def other_key(text: str, key_id: str) -> str:
    """The same key under another id."""
    return f"{key_id}:{text.partition(':')[2]}"


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    return make_key_pair()


@pytest.fixture(scope="module")
def opener(pair: tuple[str, str]) -> Opener:
    private, public = pair
    return Opener(public, private)


def forged(opener: Opener, plain: bytes) -> bytes:
    """A box that anyone with the public key can make, around any bytes."""
    return opener.key_id.encode() + b":" + opener._box.encrypt(plain)


def test_C02_what_the_web_closes_only_the_worker_opens(pair: tuple[str, str]) -> None:
    private, public = pair
    web = Sealer(public)
    box = web.seal("request", ROW, ADDRESS)
    assert not hasattr(web, "open")
    assert b"leila" not in box
    assert Opener(public, private).open("request", ROW, box) == ADDRESS


@pytest.mark.parametrize("kind", SIZES)
def test_C03_every_box_of_a_kind_has_the_same_length(opener: Opener, kind: str) -> None:
    contents: list[dict[str, str]] = [
        {},
        ADDRESS,
        {"address": "ل" * 60 + "@example.org", "note": 'quoted "and" \\ escaped'},
    ]
    lengths = {len(opener.seal(kind, ids.new(), fields)) for fields in contents}
    assert len(lengths) == 1
    assert lengths.pop() > SIZES[kind]


def test_C03_what_does_not_fit_is_refused_and_never_cut(opener: Opener) -> None:
    room = SIZES["contact"] - len(json.dumps(["contact", ROW.hex, {"a": ""}]))
    opener.seal("contact", ROW, {"a": "x" * room})
    with pytest.raises(ValueError, match="too large"):
        opener.seal("contact", ROW, {"a": "x" * (room + 10)})


@pytest.mark.parametrize(
    ("kind", "row"), [("contact", ROW), ("request", UUID(int=8)), ("choices", ROW)]
)
def test_C03_a_box_in_another_row_or_column_is_refused(
    opener: Opener, kind: str, row: UUID
) -> None:
    box = opener.seal("request", ROW, ADDRESS)
    with pytest.raises(MisplacedBoxError):
        opener.open(kind, row, box)


def test_C03_a_box_that_was_touched_does_not_open(opener: Opener) -> None:
    box = bytearray(opener.seal("request", ROW, ADDRESS))
    box[-1] ^= 1
    with pytest.raises(MisplacedBoxError):
        opener.open("request", ROW, bytes(box))


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"not json",
        b"7",
        b"{}",
        b'{"a": 1, "b": 2, "c": 3}',
        b'["request", "00000000000000000000000000000007", "no fields"]',
        b'["request", "00000000000000000000000000000007"]',
        b'["request", 7, {}]',
        b"\xff\xfe\x00",
        b"[" * 3000,
    ],
)
def test_C03_a_forged_box_is_refused_whatever_it_holds(opener: Opener, plain: bytes) -> None:
    with pytest.raises(MisplacedBoxError):
        opener.open("request", ROW, forged(opener, plain))


@pytest.mark.parametrize("box", [b"", b"1", b"1:", b":abc", b"\xff:abc", b"9:" + b"x" * 60])
def test_C03_what_is_no_box_of_a_held_key_is_refused(opener: Opener, box: bytes) -> None:
    with pytest.raises(MisplacedBoxError):
        opener.open("request", ROW, box)


def test_C03_a_stranger_s_key_opens_nothing(opener: Opener) -> None:
    private, public = make_key_pair()
    with pytest.raises(MisplacedBoxError):
        Opener(public, private).open("request", ROW, opener.seal("request", ROW, ADDRESS))


def test_C03_after_a_rotation_old_boxes_open_and_new_ones_carry_the_new_key(
    pair: tuple[str, str],
) -> None:
    old = Sealer(pair[1]).seal("request", ROW, ADDRESS)
    new_private, new_public = make_key_pair()
    rotated = Opener(
        f"{other_key(new_public, '2')},{pair[1]}", f"{other_key(new_private, '2')},{pair[0]}"
    )
    new = rotated.seal("request", ROW, ADDRESS)
    assert (old[:2], new[:2]) == (b"1:", b"2:")
    assert rotated.open("request", ROW, old) == rotated.open("request", ROW, new) == ADDRESS
    assert rotated.key_ids == ("2", "1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1:",
        "1:short",
        "no-id:" + "A" * 43,
        "ninechars:" + "A" * 43,
        "۱:" + "A" * 43,
        "1:" + "A" * 43 + ",2:short",
        "1:*" + "A" * 42,
    ],
)
def test_C03_a_key_that_cannot_be_read_is_named_without_its_value(text: str) -> None:
    with pytest.raises(KeyFormatError) as caught:
        parse_keys(text)
    assert "AAAA" not in str(caught.value)
    assert "short" not in str(caught.value)


def test_C03_keys_are_read_in_order_and_the_first_is_current() -> None:
    first, second = (base64.urlsafe_b64encode(os.urandom(32)).decode() for _ in "ab")
    assert list(parse_keys(f" b:{first} ,a:{second.rstrip('=')}\n")) == ["b", "a"]


def test_C02_a_sealed_box_is_x25519_and_carries_nothing_of_its_sender(
    pair: tuple[str, str],
) -> None:
    public = PublicKey(parse_keys(pair[1])["1"])
    one, two = (Sealer(pair[1]).seal("request", ROW, ADDRESS) for _ in "ab")
    assert one != two
    assert len(one) == len(b"1:") + len(SealedBox(public).encrypt(b"x" * SIZES["request"]))


# Indexes.


@pytest.fixture(scope="module")
def indexer() -> Indexer:
    return Indexer(f"2:{_key(b'new')},1:{_key(b'old')}")


def _key(stem: bytes) -> str:
    return make_index_key(stem.ljust(32, b".")).partition(":")[2]


def at(text: str) -> Address:
    return addresses.parse(text)


ONE_MAILBOX = [
    ("leila.k@gmail.com", "Leila.K+petition@gmail.com"),
    ("leilak@gmail.com", "l.e.i.l.a.k@googlemail.com"),
    ("leila@outlook.com", "LEILA+x@hotmail.com"),
    ("leila@live.com", "leila@outlook.com"),
    ("leila-k@proton.me", "leilak+a@protonmail.com"),
    ("leila_k@pm.me", "leila.k@proton.me"),
    ("leila@icloud.com", "leila+a@me.com"),
    ("leila@mac.com", "Leila@icloud.com"),
    ("leila@yahoo.com", "leila-news@yahoo.com"),
    ("leila@fastmail.com", "leila+news@fastmail.com"),
    ("leila@riseup.net", "Leila+x@riseup.net"),
    ("leila@gmx.de", "LEILA@gmx.de"),
    ("leila@web.de", "Leila@web.de"),
    ("leila@tutanota.com", "Leila@tutanota.com"),
    ("leila@posteo.de", "leila+x@posteo.de"),
    ("leila@work.example", "leila@WORK.example"),
]
TWO_MAILBOXES = [
    ("leila.k@work.example", "leilak@work.example"),
    ("leila+a@work.example", "leila@work.example"),
    ("Leila@work.example", "leila@work.example"),
    ("leila.k@outlook.com", "leilak@outlook.com"),
    ("leila+a@yahoo.com", "leila@yahoo.com"),
    ("leila-a@gmail.com", "leila@gmail.com"),
    ("leila+a@gmx.de", "leila@gmx.de"),
    ("leila@gmail.com", "leila@outlook.com"),
    ("علی@work.example", "علي@work.example"),
    ("کار@work.example", "كار@work.example"),
    ("1@work.example", "2@work.example"),
]


@pytest.mark.parametrize(("one", "other"), ONE_MAILBOX)
def test_C04_spellings_of_one_mailbox_share_the_provider_index(
    indexer: Indexer, one: str, other: str
) -> None:
    first, second = indexer.index(at(one)), indexer.index(at(other))
    assert first.mailbox == second.mailbox
    assert (first.exact == second.exact) == (str(at(one)) == str(at(other)))


@pytest.mark.parametrize(("one", "other"), TWO_MAILBOXES)
def test_C04_two_mailboxes_are_never_taken_for_one(indexer: Indexer, one: str, other: str) -> None:
    assert indexer.index(at(one)).mailbox != indexer.index(at(other)).mailbox


def test_C04_a_local_part_of_dots_alone_is_not_emptied(indexer: Indexer) -> None:
    assert Address("+", "gmail.com").mailbox == "+@gmail.com"
    assert Address("+", "gmail.com").mailbox != Address("", "gmail.com").mailbox


def test_C05_a_signature_s_hashes_match_no_other_petition_and_no_contact(indexer: Indexer) -> None:
    address = at("leila@gmail.com")
    contact = indexer.index(address, "1")
    first, second = (indexer.signature(address, petition, "1") for petition in (1, 2))
    found = {part for index in (contact, first, second) for part in (index.exact, index.mailbox)}
    assert len(found) == 6
    assert indexer.signature(address, 1, "1") == first


def test_C03_an_index_says_under_which_key_it_was_made(indexer: Indexer) -> None:
    address = at("leila@gmail.com")
    every = list(indexer.every_index(address))
    assert [index.key_id for index in every] == ["2", "1"]
    assert every[0] == indexer.index(address)
    assert every[1] == indexer.index(address, "1")
    assert every[0].exact != every[1].exact


def test_C04_two_instances_never_share_an_index(indexer: Indexer) -> None:
    stranger = Indexer(f"1:{_key(b'stranger')}")
    assert stranger.index(at("a@b.example"), "1") != indexer.index(at("a@b.example"), "1")


def test_C06_a_destination_is_a_public_provider_s_name_or_a_keyed_hash(indexer: Indexer) -> None:
    assert indexer.destination(at("leila@googlemail.com")) == "gmail.com"
    private = indexer.destination(at("leila@small-union.example"))
    assert private == indexer.destination(at("karim@small-union.example"))
    assert "union" not in private
    assert private != indexer.destination(at("leila@other.example"))


def test_C02_children_of_the_index_key_differ_by_purpose(indexer: Indexer) -> None:
    keys = {indexer.child(purpose, "1") for purpose in ("secret", "verp", "message")}
    assert len(keys) == 3
    assert all(len(key) == 32 for key in keys)


@pytest.mark.parametrize("octets", [0, 1, 32, 64, 65, 200])
def test_M08_a_mac_is_hmac_sha256_of_every_message_under_keys_of_any_length(octets: int) -> None:
    key = os.urandom(octets)
    mac = Mac(key)
    for message in (b"", b"x", ROW.bytes, os.urandom(1000)):
        assert mac.digest(message) == hmac.digest(key, message, hashlib.sha256)
