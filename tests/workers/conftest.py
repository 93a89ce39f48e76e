"""A worker's room, as the chores have it."""

from __future__ import annotations

import pytest

from app.audience.ledger import Ledger
from app.audience.subscriptions import Desk
from app.optin.letters import Letters
from config import Config
from workers.requests import Room


@pytest.fixture
def room(desk: Desk, config: Config, ledger: Ledger) -> Room:
    """Keys, settings, an empty ledger, and the letters of confirmations."""
    return Room(desk, config, ledger, Letters(config, desk.indexer.key_id))
