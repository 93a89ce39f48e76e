"""The mailbox folder, the memory, and what a URL names."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from emails import mailbox
from emails.errors import AddressError, TransportURLError
from emails.mailbox import MailboxTransport, empty_folder, read_folder, read_mail
from emails.memory import MemoryTransport
from emails.message import build
from emails.opening import transport_for
from emails.render import Picture
from emails.smtp import SmtpTransport
from emails.transport import ACCEPTED, CUT, UNKNOWN, Envelope, Outcome, Transport
from tests.emails.samples import a_confirmation, a_newsletter, edition_en, edition_fa
from tests.emails.test_message import VALUES

ENVELOPE = Envelope("bounce@example.org", "leila@example.org", 100)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 20))


async def send(transport: Transport, *messages: bytes) -> list[Outcome]:
    connection = await transport.connect()
    outcomes = []
    assert await connection.offer(ENVELOPE) is None
    for number, message in enumerate(messages, 1):
        then = ENVELOPE if number < len(messages) else None
        outcome, refusal = await connection.deliver(message, then)
        assert refusal is None
        outcomes.append(outcome)
    await connection.close()
    assert await connection.offer(ENVELOPE) == CUT
    return outcomes


def a_message(**values: str) -> bytes:
    skeleton = build(
        a_newsletter(edition_fa(), pictures=(Picture("wall", "png", b"\x89PNG"),)),
        sender=("پیوند", "news@peyvand.example"),
        languages=("fa",),
        kind="newsletter",
    )
    return skeleton.fill(VALUES | values)


def test_a_mail_in_the_folder_is_read_back_as_it_was_sent(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "mailbox"
    message = a_message()
    assert run(send(MailboxTransport(folder), message)) == [ACCEPTED]
    [summary] = read_folder(folder)
    assert summary.subject == "نفت پیمانی: یک خواست در چند پالایشگاه"
    assert summary.to == "leila@example.org"
    assert summary.date is not None
    assert summary.date.hour == 8
    mail = read_mail(folder, summary.key)
    assert mail is not None
    assert mail.raw.endswith(message)
    assert mail.header("return-path") == "<bounce@example.org>"
    assert mail.header("Delivered-To") == "leila@example.org"
    assert mail.header("No-Such") == ""
    assert VALUES["unsubscribe"] in mail.links
    assert "نفت پیمانی" in mail.html
    assert "\r" not in mail.text


def test_C25_pictures_of_a_read_mail_are_data(tmp_path: Path) -> None:
    from emails.newsletter import Passage

    edition = edition_en(passages=(Passage("text", "H", '<img src="cid:wall"><img src="cid:no">'),))
    rendered = a_newsletter(edition, pictures=(Picture("wall", "png", b"\x89PNG"),))
    skeleton = build(rendered, sender=("x", "a@b.example"), languages=("en",), kind="test")
    run(send(MailboxTransport(tmp_path / "m"), skeleton.fill(VALUES)))
    mail = read_mail(tmp_path / "m", read_folder(tmp_path / "m")[0].key)
    assert mail is not None
    assert 'src="data:image/png;base64,iVBORw=="' in mail.html
    assert "cid:" not in mail.html


def test_R02_two_copies_are_two_mails(tmp_path: Path) -> None:
    folder = tmp_path / "mailbox"
    message = a_message()

    async def lanes() -> None:
        await asyncio.gather(*(send(MailboxTransport(folder), message, message) for _ in range(5)))

    run(lanes())
    assert len(read_folder(folder)) == mailbox.count_folder(folder) == 10
    assert len({summary.key for summary in read_folder(folder)}) == 10
    assert len(read_folder(folder, start=8, limit=5)) == 2


def test_the_newest_mail_is_first(tmp_path: Path) -> None:
    for number in range(4):
        mailbox.keep(tmp_path / "m", ENVELOPE, a_message(message_id=f"m{number}@example.org"))
    keys = [summary.key for summary in read_folder(tmp_path / "m")]
    mails = [read_mail(tmp_path / "m", key) for key in keys]
    assert [mail.header("Message-ID") for mail in mails if mail] == [
        f"<m{number}@example.org>" for number in (3, 2, 1, 0)
    ]


@pytest.mark.parametrize(
    "key", ["", ".", "..", "../new/x", "/etc/passwd", "a/b", "new", "x" * 300, "a\0b", "کلید"]
)
def test_a_key_opens_nothing_but_a_mail_of_the_folder(tmp_path: Path, key: str) -> None:
    mailbox.keep(tmp_path / "m", ENVELOPE, a_message())
    (tmp_path / "m" / "x").write_text("secret")
    assert read_mail(tmp_path / "m", key) is None


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_folder(tmp_path / "no") == []
    assert read_mail(tmp_path / "no", "1.M1P1Q1.h") is None
    assert empty_folder(tmp_path / "no") == 0


def test_broken_mails_are_shown_as_far_as_they_go(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    for content in (b"", b"\xff\xfe\r\n", b"Date: not one\r\nSubject: =?utf-8?b?!!?=\r\n\r\nx"):
        mailbox.keep(folder, ENVELOPE, content)
    summaries = read_folder(folder)
    assert len(summaries) == 3
    assert all(summary.date is None for summary in summaries)
    assert all(read_mail(folder, summary.key) for summary in summaries)
    assert empty_folder(folder) == 3
    assert read_folder(folder) == []


def test_R04_a_folder_that_cannot_be_written_defers_and_ends_the_lane(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    async def go() -> tuple[Outcome, Outcome | None]:
        connection = await MailboxTransport(tmp_path / "file" / "m").connect()
        assert await connection.offer(ENVELOPE) is None
        return await connection.deliver(a_message(), ENVELOPE)

    outcome, then = run(go())
    assert (outcome.state, outcome.ends_connection, then) == ("deferred", True, CUT)


def test_the_memory_keeps_what_arrives_and_answers_as_told() -> None:
    transport = MemoryTransport(
        at_offer=lambda e: (
            Outcome("bounced", 550, "5.1.1") if e.recipient == "no@x.example" else None
        )
    )

    async def go() -> list[Outcome | None]:
        connection = await transport.connect()
        refused = await connection.offer(Envelope("", "no@x.example"))
        offered = await connection.offer(ENVELOPE)
        outcome, then = await connection.deliver(b"1", ENVELOPE)
        transport.at_deliver = lambda _: UNKNOWN
        unknown, cut = await connection.deliver(b"2", ENVELOPE)
        return [refused, offered, outcome, then, unknown, cut]

    refused, offered, outcome, then, unknown, cut = run(go())
    assert refused is not None
    assert refused.suppresses
    assert (offered, outcome, then, unknown, cut) == (None, ACCEPTED, None, UNKNOWN, CUT)
    assert [sent.message for sent in transport.messages] == [b"1", b"2"]


@pytest.mark.parametrize(
    ("url", "host", "port", "implicit"),
    [
        ("smtp://localhost", "localhost", 25, False),
        ("smtp://127.0.0.1:2525", "127.0.0.1", 2525, False),
        ("smtp://u:p@mail.example.org", "mail.example.org", 587, False),
        ("smtps://u:p@mail.example.org/", "mail.example.org", 465, True),
        ("smtp://[::1]:26", "::1", 26, False),
    ],
)
def test_a_url_names_a_server(url: str, host: str, port: int, implicit: bool) -> None:
    transport = transport_for(url, ehlo="mail.peyvand.example")
    assert isinstance(transport, SmtpTransport)
    assert (transport.host, transport.port, transport.implicit_tls) == (host, port, implicit)
    assert transport.ehlo == "mail.peyvand.example"


def test_a_url_names_a_folder_or_the_memory(tmp_path: Path) -> None:
    relative = transport_for("mailbox:instance/mail", base=tmp_path)
    absolute = transport_for(f"mailbox:{tmp_path}/m", base=Path("elsewhere"))
    assert relative == MailboxTransport(tmp_path / "instance" / "mail")
    assert absolute == MailboxTransport(tmp_path / "m")
    assert isinstance(transport_for("memory:"), MemoryTransport)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mailbox:",
        "http://mail.example.org",
        "smtp:",
        "smtp://",
        "smtp://user@mail.example.org",
        "smtp://mail.example.org:99999",
        "smtp://mail.example.org:port",
        "smtp://mail.example.org/path",
        "smtp://mail.example.org?starttls=never",
        "smtp://[::1",
        "mail.example.org",
    ],
)
def test_a_url_that_names_nothing_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(TransportURLError):
        transport_for(url)


@pytest.mark.parametrize(
    "bad", ["a@b>", "a b@c", "a@b\r\nDATA", "a@b\n", "<a@b", "a@b,c@d", "", "a\u2028@b", "a@b\0"]
)
def test_an_envelope_cannot_end_its_command_early(bad: str) -> None:
    with pytest.raises(AddressError):
        Envelope("", bad)
    if bad:
        with pytest.raises(AddressError):
            Envelope(bad, "a@b.example")


@pytest.mark.parametrize(
    ("outcome", "suppresses", "pauses", "soft"),
    [
        (Outcome("bounced", 550, "5.1.1"), True, False, False),
        (Outcome("bounced", 550, "5.1.10"), True, False, False),
        (Outcome("bounced", 550, "5.1.8"), False, False, True),
        (Outcome("bounced", 550, "5.1.1", "destination"), False, True, False),
        (Outcome("bounced", 554, "5.7.1", "destination"), False, True, False),
        (Outcome("bounced", 552, "5.2.2"), False, False, True),
        (Outcome("bounced", 550, ""), False, False, True),
        (Outcome("deferred", 450, "4.1.1"), False, False, False),
        (Outcome("unsent", 421, "4.3.2", "connection"), False, False, False),
    ],
)
def test_M10_what_an_outcome_calls_for(
    outcome: Outcome, suppresses: bool, pauses: bool, soft: bool
) -> None:
    assert outcome.suppresses is suppresses
    assert outcome.pauses_destination is pauses
    assert outcome.soft is soft


def test_M15_a_context_verifies_beyond_loopback_and_only_there_may_not() -> None:
    far = SmtpTransport("mail.example.org", 25)._context()
    near = SmtpTransport("127.0.0.1", 25)._context()
    assert (far.verify_mode, far.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert near.verify_mode == ssl.CERT_NONE
    for host in ("127.0.0.2", "::1", "localhost"):
        assert SmtpTransport(host, 25)._is_near
    for host in ("localhost.example.org", "10.0.0.1", "mail.example.org", "0.0.0.0", "127.1"):  # noqa: S104
        assert not SmtpTransport(host, 25)._is_near


def test_a_confirmation_reaches_the_folder_with_code_and_link(tmp_path: Path) -> None:
    skeleton = build(
        a_confirmation("fa"), sender=("", "q@b.example"), languages=("fa",), kind="confirmation"
    )
    run(send(MailboxTransport(tmp_path / "m"), skeleton.fill(VALUES)))
    mail = read_mail(tmp_path / "m", read_folder(tmp_path / "m")[0].key)
    assert mail is not None
    assert VALUES["code"] in mail.text
    assert mail.links == (VALUES["link"], VALUES["never_write"])
