"""What a confirmation and an invitation say, and when they are rendered (C14)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.subscriptions import Desk
from app.core import ids
from app.optin.models import (
    PREFERENCES,
    REPRESENTATIVE,
    SIGNATURE,
    SUBSCRIPTION,
)
from app.outbox.models import Letter
from config import Config
from tests.optin.answering import Answering, letter_of, message


@pytest.mark.parametrize("language", ["fa", "en"])
@pytest.mark.parametrize("purpose", [SIGNATURE, SUBSCRIPTION, PREFERENCES, "withdrawal", "erasure"])
def test_C14_a_confirmation_names_neither_petition_nor_organisation_nor_what_was_typed(
    worker: Answering, purpose: str, language: str
) -> None:
    request = worker.ask(purpose=purpose, language=language, organisation="Canary Union")
    mail = message(worker, request)
    headers = " ".join(f"{name}: {value}" for name, value in mail.items())
    parts = " ".join(
        part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"
    )
    for word in ("Canary", "peyvand", "Confederation", "کنفدراسیون", "کارزار"):
        assert word not in headers + parts, word
    assert mail["From"] == "post@plain.example"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert not [name for name in mail if name.lower().startswith("list-")]
    assert "https://plain.example/" in parts
    number = ids.number(request.id)
    shown = (
        number if language == "en" else number.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
    )
    assert shown in str(mail["Subject"])


def test_C14_every_purpose_of_a_visitor_gets_one_and_the_same_letter(worker: Answering) -> None:
    letters = {
        letter_of(worker.session, worker.ask(purpose=purpose, address=f"{purpose}@example.org")).id
        for purpose in (SIGNATURE, SUBSCRIPTION, PREFERENCES, "withdrawal", "erasure")
    }
    assert len(letters) == 1


def test_C14_an_invitation_names_the_confederation_who_invites_and_why(worker: Answering) -> None:
    request = worker.ask(
        purpose=REPRESENTATIVE, organisation="Canary Union", invited_by="Roya of the office"
    )
    mail = message(worker, request)
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    for words in ("Iran Labour Confederation", "Canary Union", "Roya of the office"):
        assert words in text
    assert mail["From"].endswith("<news@peyvand.example>")
    assert "https://peyvand.example/" in text


def test_a_letter_is_rendered_once_and_again_for_another_version(
    worker: Answering, session: Session, desk: Desk, config: Config
) -> None:
    worker.ask()
    worker.ask(language="fa")
    worker.ask(purpose=REPRESENTATIVE, organisation="One")
    worker.ask(purpose=REPRESENTATIVE, organisation="Two", address="two@example.org")
    assert session.scalar(sa.select(sa.func.count()).select_from(Letter)) == 4
    Answering(session, desk, config).ask(address="other@example.org")
    assert session.scalar(sa.select(sa.func.count()).select_from(Letter)) == 4


# Time.
