"""How a setting is declared and read from the environment; which settings there are stands in ``config.py``.

A secret comes from ``NAME`` or from the file named in ``NAME_FILE``. No error quotes a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from app.core import addresses, catalogue, languages
from app.core.errors import InvalidError

Role = Literal["web", "worker"]


class ConfigError(Exception):
    """A setting is missing, odd, or must not be in this process; the message names it, never its value."""


class Secret(str):
    """A string whose ``repr`` is stars, so that no traceback prints it."""

    def __repr__(self) -> str:
        return "'***'"


NO_SECRET: Final = Secret("")


def setting(
    name: str,
    *,
    doc: str,
    default: Any = MISSING,
    within: range | None = None,
    roles: tuple[Role, ...] = ("web", "worker"),
    parse: Callable[[str], Any] | None = None,
    secret: bool = False,
    shown: bool = False,
) -> Any:
    """One setting: its variable, what it means, its bounds, and which processes may hold it.

    ``shown`` marks a retention period that the privacy page prints.
    """
    extra = {
        "name": name,
        "doc": doc,
        "within": within,
        "roles": roles,
        "parse": parse,
        "secret": secret,
        "shown": shown,
    }
    if default is MISSING:
        return field(metadata=extra)
    if isinstance(default, dict):
        return field(default_factory=lambda: default, metadata=extra)
    return field(default=default, metadata=extra)


def words(value: str) -> tuple[str, ...]:
    """``a,b`` as a tuple."""
    return tuple(word for word in (part.strip() for part in value.split(",")) if word)


def networks(value: str) -> tuple[str, ...]:
    """Addresses and networks, separated by commas. Raises ValueError."""
    found = words(value)
    try:
        for one in found:
            ip_network(one, strict=False)
    except ValueError:
        raise ValueError("must list addresses or networks such as 127.0.0.1,10.0.0.0/8") from None
    return found


def per_language(value: str) -> Mapping[str, str]:
    """``fa=...;en=...`` as a mapping. Raises ValueError for a language without a text."""
    pairs = (part.partition("=") for part in value.split(";") if part.strip())
    found = {language.strip(): text.strip() for language, _, text in pairs}
    if not all(language.isascii() and language and text for language, text in found.items()):
        raise ValueError("must be written fa=...;en=...")
    return found


def url(value: str) -> str:
    """An http or https address without its last slash. Raises ValueError."""
    try:
        parts = urlsplit(value)
        odd = not parts.hostname or parts.username is not None or parts.query or parts.fragment
        _ = parts.port
    except ValueError:
        # What urllib says quotes the value.
        raise ValueError("has a host or port that cannot be read") from None
    if value and parts.scheme not in ("http", "https"):
        raise ValueError("must begin with http:// or https://")
    if value and (odd or not value.isascii() or not value.isprintable() or " " in value):
        raise ValueError("must be an address such as https://example.org, in ASCII")
    return value.rstrip("/")


def mail_address(value: str) -> str:
    """An address in ASCII that mail can come from. Raises ValueError."""
    try:
        sound = value.isascii() and addresses.parse(value).exact.lower() == value.lower()
    except InvalidError:
        sound = False
    if not sound:
        raise ValueError("must be a mail address")
    return value


def tongues(value: str) -> tuple[str, ...]:
    """Codes of languages, each once. Raises ValueError."""
    found = words(value)
    if not found or len(set(found)) < len(found) or not all(map(languages.is_known, found)):
        raise ValueError("must list languages such as fa,en, each once")
    if not all(map(catalogue.has, found)):
        raise ValueError("must list languages that have a catalogue in app/translations")
    return found


def host(value: str) -> str:
    """A host's name in ASCII. Raises ValueError."""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", value):
        raise ValueError("must be a host name such as mail.example.org")
    return value


def database(value: str) -> str:
    """The address of a database whose driver is here. Raises ValueError."""
    scheme("sqlite", "postgresql")(value)
    try:
        make_url(value).get_dialect()
    except (ArgumentError, ValueError):
        raise ValueError("must read sqlite:///FILE or postgresql://HOST/NAME") from None
    return value


def scheme(*allowed: str) -> Callable[[str], str]:
    """Takes URLs of these schemes only; a driver's name after ``+`` may follow. Raises ValueError."""

    def parse(value: str) -> str:
        name, colon, _rest = value.partition(":")
        if value and (not colon or name.partition("+")[0] not in allowed):
            raise ValueError("must begin with " + ", ".join(f"{one}:" for one in allowed))
        try:
            _ = urlsplit(value).port
        except ValueError:
            raise ValueError("has a host or port that cannot be read") from None
        return value

    return parse


def truth(value: str) -> bool:
    """0 or 1 in the usual spellings. Raises ValueError."""
    if value.lower() not in ("", "0", "1", "no", "yes", "false", "true"):
        raise ValueError("must be 0 or 1")
    return value.lower() in ("1", "yes", "true")


def read(spec: Field[Any], role: Role, env: Mapping[str, str]) -> Any:
    """One setting's value for ``role``, or None where its default holds. Raises ConfigError."""
    name: str = spec.metadata["name"]
    given = [key for key in (name, f"{name}_FILE") if env.get(key)]
    if role not in spec.metadata["roles"]:
        if given and spec.metadata["secret"]:
            raise ConfigError(
                f"{given[0]} is set, but the {role} process must not hold it; remove it."
            )
        return None
    if not given:
        if spec.default is MISSING and spec.default_factory is MISSING:
            raise ConfigError(f"{name} is not set.")
        return None
    text = env.get(name) or _from_file(f"{name}_FILE", env)
    try:
        return _parsed(spec, text)
    except ValueError as error:
        raise ConfigError(f"{name} {error}.") from None


def _from_file(name: str, env: Mapping[str, str]) -> str:
    try:
        return Path(env[name]).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{name} names a file that cannot be read.") from None


def _parsed(spec: Field[Any], text: str) -> Any:
    if any(ord(sign) < 32 for sign in text):
        raise ValueError("must be one line")
    if spec.metadata["parse"]:
        value = spec.metadata["parse"](text)
        return Secret(value) if spec.metadata["secret"] else value
    bounds: range | None = spec.metadata["within"]
    if bounds is not None:
        if not text.isascii() or not text.isdigit() or int(text) not in bounds:
            raise ValueError(f"must be a whole number from {bounds.start} to {bounds.stop - 1}")
        return int(text)
    return Secret(text) if spec.metadata["secret"] else text


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this computer (C26)."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
