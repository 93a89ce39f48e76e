"""The worker's keys, opened once at its start (C02)."""

from __future__ import annotations

from app.audience.subscriptions import Desk
from app.core.sealing import Indexer, KeyFormatError, Opener
from config import Config, ConfigError


def open_desk(config: Config) -> Desk:
    """The keys of this worker. Raises ConfigError, naming the setting, when one cannot be read."""
    try:
        opener = Opener(config.seal_public_key, config.seal_private_key)
    except KeyFormatError as error:
        raise ConfigError(
            f"PEYVAND_SEAL_PUBLIC_KEY or PEYVAND_SEAL_PRIVATE_KEY: {error}."
        ) from None
    try:
        indexer = Indexer(config.index_key)
    except KeyFormatError as error:
        raise ConfigError(f"PEYVAND_INDEX_KEY: {error}.") from None
    if opener.key_id not in opener.key_ids:
        raise ConfigError(
            "PEYVAND_SEAL_PRIVATE_KEY has no private half for the first key of PEYVAND_SEAL_PUBLIC_KEY."
        )
    return Desk(opener, indexer)
