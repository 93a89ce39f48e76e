"""M15: TLS that is verified, and signing in, before a word of a mail is said."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from emails.errors import ConnectError, UnsafeTransportError
from emails.opening import transport_for
from emails.smtp import SmtpTransport
from emails.transport import Timeouts
from tests.emails.lanes import Run, sent, states
from tests.emails.sink import Sink

pytestmark = pytest.mark.sockets


def test_M15_starttls_is_taken_and_mails_go_through_it(
    run: Run, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    sink = Sink(tls=server_tls)
    assert states(run(sent(sink, 4, tls=client_tls)())) == ["accepted"] * 4
    assert sink.commands[:3] == ["EHLO localhost", "STARTTLS", "EHLO localhost"]


def test_M15_smtps_speaks_tls_from_the_first_byte(
    run: Run, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    sink = Sink(tls=server_tls, implicit_tls=True)
    assert states(run(sent(sink, 2, tls=client_tls, implicit_tls=True)())) == ["accepted"] * 2


def test_M15_a_certificate_nobody_vouches_for_is_refused(
    run: Run, server_tls: ssl.SSLContext
) -> None:
    for implicit in (True, False):
        sink = Sink(tls=server_tls, implicit_tls=implicit)
        verifying = ssl.create_default_context()
        with pytest.raises(UnsafeTransportError) as caught:
            run(sent(sink, 1, tls=verifying, implicit_tls=implicit)())
        assert not caught.value.temporary
        assert not any(command.startswith(("MAIL", "AUTH")) for command in sink.commands)


class Elsewhere(SmtpTransport):
    """A server that counts as being beyond loopback, though the test's stands here."""

    @property
    def _is_near(self) -> bool:
        return False


@pytest.mark.parametrize("login", [None, ("peyvand", "secret")])
def test_M15_beyond_loopback_a_server_without_tls_is_told_nothing(
    run: Run, login: tuple[str, str] | None
) -> None:
    async def go(sink: Sink) -> None:
        async with sink:
            user, password = login or ("", "")
            await Elsewhere("127.0.0.1", sink.port, user=user, password=password).connect()

    sink = Sink(login=login)
    with pytest.raises(UnsafeTransportError):
        run(go(sink))
    assert sink.commands == ["EHLO localhost"]


@pytest.mark.parametrize("slipped", [b"250 half", b"250-a line\r\n", b"250 a reply\r\n"])
def test_M15_bytes_slipped_in_before_tls_are_never_read_after_it(run: Run, slipped: bytes) -> None:
    said = []

    async def meddler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        said.append(await reader.readline())
        writer.write(b"250-meddler\r\n250 STARTTLS\r\n")
        said.append(await reader.readline())
        writer.write(b"220 go on\r\n" + slipped)
        said.append(await reader.read())
        writer.close()

    async def go() -> None:
        server = await asyncio.start_server(meddler, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(ConnectError):
                await SmtpTransport("127.0.0.1", port, timeouts=Timeouts.all(2)).connect()
            await asyncio.sleep(0.05)

    run(go())
    assert said == [b"EHLO localhost\r\n", b"STARTTLS\r\n", b""], "TLS was begun all the same"


@pytest.mark.parametrize("ways", ["PLAIN LOGIN", "LOGIN"])
def test_signing_in_by_what_the_server_offers(run: Run, ways: str) -> None:
    sink = Sink(login=("peyvand", "p%40ss wörd"), ways=ways)
    outcomes = run(sent(sink, 1, user="peyvand", password="p%40ss wörd")())
    assert states(outcomes) == ["accepted"]


@pytest.mark.parametrize("ways", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_a_refused_sign_in_is_for_staff_and_names_no_secret(run: Run, ways: str) -> None:
    sink = Sink(login=("peyvand", "secret"), ways=ways)
    with pytest.raises(ConnectError) as caught:
        run(sent(sink, 1, user="peyvand", password="hunter2")())
    assert not caught.value.temporary
    assert "hunter2" not in str(caught.value)


def test_a_password_is_not_shown_by_repr() -> None:
    transport = transport_for("smtp://peyvand:s%40cret@mail.example.org")
    assert "s@cret" not in repr(transport)
    assert isinstance(transport, SmtpTransport)
    assert (transport.password, transport.port) == ("s@cret", 587)
