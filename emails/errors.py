"""What can go wrong in this room; no message here carries an address, a text or a secret (C23).

EmailsError
├── RenderError            a template or its layout does not hold together
├── HoleError              a value does not fit the hole it was meant for
├── AddressError           no mail can go to an address that looks like this (M12)
├── TransportURLError      PEYVAND_SMTP_URL says nothing that can be followed
└── ConnectError           no connection to the mail server, and why
    └── UnsafeTransportError   the way there is not protected (M15)
"""

from __future__ import annotations


class EmailsError(Exception):
    """Anything this room refuses."""


class RenderError(EmailsError):
    """A template, or the layout it makes, is broken; the message says where."""


class HoleError(EmailsError):
    """A value is missing, or does not fit its hole: a line break, a bad URL, too long."""


class AddressError(EmailsError):
    """An address that cannot stand in an SMTP command or a header."""


class TransportURLError(EmailsError):
    """The transport's URL cannot be followed; the message names the part, never the password."""


class ConnectError(EmailsError):
    """There is no connection to the mail server.

    ``code`` and ``enhanced`` are the server's, 0 and "" where it said nothing; ``temporary`` tells
    whether trying again later, without anyone's hand, can help.
    """

    def __init__(
        self, message: str, *, code: int = 0, enhanced: str = "", temporary: bool = True
    ) -> None:
        super().__init__(message)
        self.code = code
        self.enhanced = enhanced
        self.temporary = temporary


class UnsafeTransportError(ConnectError):
    """Beyond loopback, and no verified TLS: nothing was said to the server (M15)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, temporary=False)
