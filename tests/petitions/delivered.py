"""A petition as it is delivered, for tests of its export and of its files."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.organisations import records
from app.petitions import delivering
from app.petitions.campaign_models import Endorsement
from app.petitions.delivering import Delivery
from app.petitions.models import Petition
from tests.factories import DAY

LINE = "5e" * 16


def gathered(session: Session, petition: Petition) -> Delivery:
    session.flush()
    session.expire_all()
    return delivering.gather(
        session,
        petition.id,
        link=f"https://peyvand.example/p/{petition.id}",
        organisations={"fa": "کنفدراسیون نمونه", "en": "Example Confederation"},
        day=DAY,
    )


def an_endorsement(
    session: Session, petition: Petition, name: str, state: str, *, may_publish: bool = True
) -> None:
    organisation = records.add(
        session, records.Entry("local", {"en": name, "fa": f"{name} به فارسی"}, country="DE")
    )
    session.add(
        Endorsement(
            petition_id=petition.id,
            organisation_id=organisation.id,
            state=state,
            mandate="The board",
            language="en",
            statement=f"{name} stands with you.",
            may_publish=may_publish,
            day=DAY,
        )
    )
    session.flush()
