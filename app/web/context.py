"""What a view may reach: settings, database, sealers, and nothing that opens a box (C02)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from flask import Flask, current_app
from sqlalchemy.orm import Session

from app.core.database import Database
from app.core.sealing import Sealer
from app.core.wake import Waker
from config import Config

EXTENSION: Final = "peyvand"


@dataclass(frozen=True)
class Services:
    """The parts of one web process, made once by the factory."""

    config: Config
    database: Database
    sealer: Sealer
    names_sealer: Sealer | None
    waker: Waker

    def install(self, app: Flask) -> None:
        """Put the parts where the accessors below find them."""
        app.extensions[EXTENSION] = self


def services() -> Services:
    """The parts of the running application."""
    found: Services = current_app.extensions[EXTENSION]
    return found


def config() -> Config:
    """The settings of this process."""
    return services().config


def database() -> Database:
    """The database; most views want ``reading`` or ``unit_of_work``."""
    return services().database


def unit_of_work() -> AbstractContextManager[Session]:
    """A writing transaction; commits at its end and then wakes the workers that were asked for."""
    return database().unit_of_work()


def single_statements() -> AbstractContextManager[Session]:
    """Statements that are a transaction each; wakes the workers that were asked for."""
    return database().single_statements()


def reading() -> AbstractContextManager[Session]:
    """A transaction that only reads."""
    return database().reading()


def sealer() -> Sealer:
    """Closes boxes for the worker; opens none."""
    return services().sealer


def names_sealer() -> Sealer | None:
    """Closes names for the officers' offline key; None where the instance has no such key (C05)."""
    return services().names_sealer
