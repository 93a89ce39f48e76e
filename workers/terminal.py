"""How a command ends that cannot do what it was asked: with a sentence, never with a traceback."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from app.core.errors import PeyvandError
from app.core.sealing import KeyFormatError
from config import Config, ConfigError

T = TypeVar("T")


def or_exit(step: Callable[[], T], before: str = "") -> T:
    """What ``step`` returns; an error of the service's own ends the command with its text behind ``before``."""
    try:
        return step()
    except (ConfigError, PeyvandError, KeyFormatError) as error:
        text = f"{before}{error}".removesuffix(".")
        raise click.ClickException(f"{text[:1].upper()}{text[1:]}.") from None


def worker_config() -> Config:
    """The settings of the worker; ends the command where they are odd."""
    return or_exit(lambda: Config.from_env("worker"))
