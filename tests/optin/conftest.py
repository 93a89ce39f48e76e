"""A worker that answers."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from app.audience.subscriptions import Desk
from config import Config
from tests.optin.answering import Answering


@pytest.fixture
def worker(session: Session, desk: Desk, config: Config) -> Answering:
    return Answering(session, desk, config)
