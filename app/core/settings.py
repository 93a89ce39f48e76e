"""How a setting is declared and read from the environment; which settings there are stands in ``config.py``.

A secret comes from ``NAME`` or from the file named in ``NAME_FILE``. No error quotes a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

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


def per_language(value: str) -> Mapping[str, str]:
    """``fa=...;en=...`` as a mapping."""
    pairs = (part.partition("=") for part in value.split(";") if part.strip())
    return {language.strip(): text.strip() for language, _, text in pairs}


def url(value: str) -> str:
    """An http or https address without its last slash. Raises ValueError."""
    if value and urlsplit(value).scheme not in ("http", "https"):
        raise ValueError("must begin with http:// or https://")
    return value.rstrip("/")


def scheme(*allowed: str) -> Callable[[str], str]:
    """Takes URLs of these schemes only; a driver's name after ``+`` may follow. Raises ValueError."""

    def parse(value: str) -> str:
        if value and value.partition(":")[0].partition("+")[0] not in allowed:
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
