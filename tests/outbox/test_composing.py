"""One reader's mail: the ids it carries, and the links in it (C14, M01, M06, M08, M16)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.models import Contact
from app.audience.subscriptions import Desk
from app.core import addresses, ids, tokens
from app.core.errors import MisplacedBoxError
from app.core.sealing import Mac
from app.outbox import posting
from app.outbox.composing import Composer, bounce_local, message_id
from app.outbox.lanes import Outgoing
from app.outbox.models import Delivery, Envelope
from emails.errors import HoleError
from emails.holes import Hole
from emails.message import build
from emails.render import render
from emails.skeleton import Skeleton
from tests.fixtures import NOON
from tests.outbox.road import a_letter, a_send, readers


@pytest.fixture
def skeleton() -> Skeleton:
    """The confirmation, as it is."""
    rendered = render(
        "confirmation",
        languages=("en",),
        context={"organisation": "", "inviter": "", "reason": ""},
        gettext=lambda _, msgid: msgid,
    )
    return build(
        rendered, sender=("", "post@plain.example"), languages=("en",), kind="confirmation"
    )


@pytest.fixture
def to_stranger(session: Session, desk: Desk, skeleton: Skeleton) -> tuple[Composer, Outgoing]:
    """A confirmation to who is no contact."""
    letter = a_letter(session, posting.standing_send(session), ("en",), skeleton=skeleton)
    mail = posting.Mail(
        letter,
        ids.new(),
        0,
        addresses.parse("leila@bücher.example"),
        {
            "link": "https://plain.example/en/c/TOKEN",
            "code": "ACDEFHJK",
            "number": "42",
            "never_write": "https://plain.example/en/never/",
        },
        never_write=True,
    )
    posting.post(session, desk, [mail], now=NOON)
    row = session.execute(
        sa.select(Delivery, Envelope).join(Envelope, Envelope.delivery_id == Delivery.id)
    ).one()
    assert row.Envelope.box is not None
    return Composer(letter, desk), Outgoing(
        position=0,
        delivery_id=row.Delivery.id,
        recipient=row.Delivery.recipient,
        box=row.Envelope.box,
        contact=False,
        index_key_id="1",
        mailbox_index=b"",
    )


@pytest.fixture
def to_reader(session: Session, desk: Desk) -> tuple[Composer, Outgoing]:
    """A newsletter with nothing in it but the reader's own link."""
    content = b"List-Unsubscribe: <>\r\n\r\nx\r\n"
    plain = Skeleton(content, (Hole(content.index(b">"), "unsubscribe", "header-url"),))
    letter = a_letter(session, a_send(session), skeleton=plain)
    (reader,) = readers(session, desk, 1)
    contact = session.get_one(Contact, reader.contact_id)
    return Composer(letter, desk), Outgoing(
        position=0,
        delivery_id=ids.new(),
        recipient=contact.id,
        box=contact.box,
        contact=True,
        index_key_id="1",
        mailbox_index=contact.mailbox_index,
        subscription_id=reader.id,
        subscription_key=reader.key_id,
    )


def test_M06_a_retry_repeats_the_message_id(to_stranger: tuple[Composer, Outgoing]) -> None:
    composer, mail = to_stranger
    first = composer.compose(mail, now=NOON)
    later = composer.compose(mail, now=NOON + timedelta(hours=3))
    parsed = [message_from_bytes(one.message, policy=policy.default) for one in (first, later)]
    assert parsed[0]["Message-ID"] == parsed[1]["Message-ID"]
    assert parsed[0]["Date"] != parsed[1]["Date"]
    assert str(parsed[0]["Date"]).endswith("+0000")
    assert re.fullmatch(r"<[a-z2-7]{32}@peyvand\.example>", str(parsed[0]["Message-ID"]))
    other = composer.compose(replace(mail, delivery_id=mail.delivery_id), now=NOON)
    assert other.message == first.message


def test_M06_the_id_does_not_stand_in_message_id_or_sender(
    to_stranger: tuple[Composer, Outgoing],
) -> None:
    composer, mail = to_stranger
    made = composer.compose(mail, now=NOON)
    local = str(message_from_bytes(made.message, policy=policy.default)["Message-ID"])[1:33]
    assert base64.b32decode(local.upper()) != mail.delivery_id.bytes
    assert mail.delivery_id.hex not in made.message.decode()
    assert mail.recipient.hex not in made.message.decode()


def test_M08_the_envelope_s_sender_is_an_opaque_id_and_an_80_bit_mac(
    to_stranger: tuple[Composer, Outgoing], desk: Desk
) -> None:
    composer, mail = to_stranger
    envelope = composer.compose(mail, now=NOON).envelope
    local, _, domain = envelope.sender.partition("@")
    assert domain == "peyvand.example"
    assert local == local.lower()
    assert len(local) <= 64
    mark, key_id, written, mac = local.split("-")
    assert (mark, key_id) == ("b", "1")
    assert base64.b32decode(written.upper() + "======") == mail.delivery_id.bytes
    expected = hmac.digest(desk.indexer.child("verp", "1"), mail.delivery_id.bytes, hashlib.sha256)
    assert base64.b32decode(mac.upper()) == expected[:10]


def test_M06_M08_every_delivery_s_ids_are_those_that_its_bounces_are_known_by(
    to_reader: tuple[Composer, Outgoing], desk: Desk
) -> None:
    """Made all at once for speed, each is what it is alone."""
    composer, mail = to_reader
    seen = set()
    for _ in range(50):
        mail = replace(mail, delivery_id=ids.new())
        octets, key = mail.delivery_id.bytes, desk.indexer.child
        sender = composer.compose(mail, now=NOON).envelope.sender
        mac = hmac.digest(key("verp", "1"), octets, hashlib.sha256)[:10]
        plain = [base64.b32encode(part).decode().rstrip("=").lower() for part in (octets, mac)]
        assert sender == f"b-1-{plain[0]}-{plain[1]}@peyvand.example"
        assert sender.startswith(bounce_local(Mac(key("verp", "1")), "1", mail.delivery_id) + "@")
        seen.add(sender)
    assert len(seen) == 50


def test_M06_message_id_is_20_octets_of_the_mac(
    to_stranger: tuple[Composer, Outgoing], desk: Desk
) -> None:
    composer, mail = to_stranger
    key = desk.indexer.child("message", "1")
    expected = base64.b32encode(hmac.digest(key, mail.delivery_id.bytes, "sha256")[:20])
    assert message_id(Mac(key), mail.delivery_id) == expected.decode().lower()
    parsed = message_from_bytes(composer.compose(mail, now=NOON).message, policy=policy.default)
    assert parsed["Message-ID"] == f"<{expected.decode().lower()}@peyvand.example>"


def test_M12_the_recipient_goes_out_with_an_a_label(
    to_stranger: tuple[Composer, Outgoing],
) -> None:
    composer, mail = to_stranger
    made = composer.compose(mail, now=NOON)
    assert made.envelope.recipient == "leila@xn--bcher-kva.example"
    assert made.envelope.size == len(made.message)


def test_C11_C14_the_mail_carries_link_code_and_never_write(
    to_stranger: tuple[Composer, Outgoing], desk: Desk
) -> None:
    composer, mail = to_stranger
    text = message_from_bytes(composer.compose(mail, now=NOON).message, policy=policy.default)
    plain = text.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    never = desk.secrets.token(tokens.NEVER_WRITE, mail.delivery_id, "1")
    assert "https://plain.example/en/c/TOKEN" in plain
    assert f"https://plain.example/en/never/{never}" in plain
    assert "ACDE" in plain
    assert "42" in text["Subject"]


def test_M01_a_newsletter_carries_the_reader_s_own_one_click(
    to_reader: tuple[Composer, Outgoing], desk: Desk
) -> None:
    composer, mail = to_reader
    made = composer.compose(mail, now=NOON).message
    assert mail.subscription_id is not None
    token = desk.secrets.token(tokens.ONE_CLICK, mail.subscription_id, "1")
    assert f"<https://peyvand.example/u/{token}>".encode() in made


def test_C03_a_box_of_another_row_composes_no_mail(to_reader: tuple[Composer, Outgoing]) -> None:
    composer, mail = to_reader
    with pytest.raises(MisplacedBoxError):
        composer.compose(replace(mail, recipient=ids.new()), now=NOON)
    with pytest.raises(MisplacedBoxError):
        composer.compose(replace(mail, contact=False), now=NOON)


def test_M16_a_letter_whose_hole_stays_empty_composes_no_mail(
    to_reader: tuple[Composer, Outgoing],
) -> None:
    composer, mail = to_reader
    with pytest.raises(HoleError):
        composer.compose(replace(mail, subscription_id=None), now=NOON)


def test_C23_a_composed_mail_shows_nothing_of_itself(
    to_stranger: tuple[Composer, Outgoing],
) -> None:
    composer, mail = to_stranger
    assert "leila" not in repr(composer.compose(mail, now=NOON))
