"""Pictures and logos are kept, described, replaced and removed; only what a public page shows is public."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core.errors import InvalidError, NotFoundError
from app.petitions import endorsing_queries, picturing, redrawing
from app.petitions.campaign_models import ASKED, CHECKED, Picture
from app.petitions.models import ARCHIVED, CLOSED, DELIVERED, DRAFT, OPEN, Petition
from app.petitions.redrawing import Drawn
from tests import factories
from tests.petitions import drawings
from tests.petitions.campaigning import an_endorsement

ALTS = {"fa": "کلاسی خالی", "en": "An empty classroom"}


@pytest.fixture
def petition(session: Session) -> Petition:
    return factories.a_petition(session)


def drawn(colour: str = "teal") -> Drawn:
    return redrawing.picture(drawings.written(drawings.image(colour=colour)))


def is_public(session: Session, digest: str) -> bool:
    try:
        return bool(picturing.public_octets(session, digest))
    except NotFoundError:
        return False


def test_a_picture_is_kept_replaced_and_removed(session: Session, petition: Petition) -> None:
    first, second = drawn(), drawn("navy")
    picturing.keep(session, petition.id, first, ALTS)
    picturing.keep(session, petition.id, second, {**ALTS, "en": " Another\u202e one "})
    shown = picturing.of_petition(session, petition.id)
    assert shown is not None
    assert (shown.digest, shown.width, shown.height) == (second.digest, 480, 320)
    assert shown.alt("en") == "Another one"
    assert session.scalar(sa.select(sa.func.count()).select_from(Picture)) == 1
    assert picturing.octets(session, petition.id) == second.octets
    assert not is_public(session, first.digest)
    assert picturing.remove(session, petition.id)
    assert not picturing.remove(session, petition.id)
    assert picturing.of_petition(session, petition.id) is None
    assert not is_public(session, second.digest)


def test_what_is_said_of_it_changes_without_a_file(session: Session, petition: Petition) -> None:
    with pytest.raises(InvalidError) as error:
        picturing.keep(session, petition.id, None, ALTS)
    assert (error.value.field, str(error.value)) == ("picture", "needed")
    picturing.keep(session, petition.id, drawn(), ALTS)
    picturing.keep(session, petition.id, None, {**ALTS, "fa": "کلاس"})
    shown = picturing.of_petition(session, petition.id)
    assert shown is not None
    assert (shown.alt("fa"), shown.digest) == ("کلاس", drawn().digest)


def test_A01_each_language_of_the_petition_needs_its_description(session: Session) -> None:
    only_persian = factories.a_petition(session, "oil", languages=("fa",))
    picturing.keep(session, only_persian.id, drawn(), {"fa": "پالایشگاه", "en": ""})
    shown = picturing.of_petition(session, only_persian.id)
    assert shown is not None
    assert (shown.alt("en"), shown.language("en")) == ("پالایشگاه", "fa")
    both = factories.a_petition(session)
    for said, field in (
        ({"fa": "", "en": "x"}, "alt-fa"),
        ({"fa": "x", "en": "y" * 301}, "alt-en"),
    ):
        with pytest.raises(InvalidError) as error:
            picturing.keep(session, both.id, drawn(), said)
        assert error.value.field == field
    assert picturing.of_petition(session, both.id) is None


def test_no_petition_and_no_organisation_get_no_picture(session: Session) -> None:
    with pytest.raises(NotFoundError):
        picturing.keep(session, 99, drawn(), ALTS)
    with pytest.raises(NotFoundError):
        picturing.keep_logo(session, 99, drawn())


def test_a_picture_is_public_as_long_as_its_petition_has_a_page(
    session: Session, petition: Petition
) -> None:
    picturing.keep(session, petition.id, drawn(), ALTS)
    for state in (OPEN, CLOSED, DELIVERED, ARCHIVED, DRAFT):
        petition.state = state
        session.flush()
        assert is_public(session, drawn().digest) is (state != DRAFT)


def test_U04_a_logo_is_public_only_behind_an_endorsement_that_is_shown(
    session: Session, petition: Petition
) -> None:
    endorsement = an_endorsement(session, petition, en="Example Union")
    picturing.keep_logo(session, endorsement.organisation_id or 0, drawn())
    assert is_public(session, drawn().digest)
    for state, may_publish, where in (
        (ASKED, True, OPEN),
        (CHECKED, False, OPEN),
        (CHECKED, True, DRAFT),
    ):
        endorsement.state, endorsement.may_publish, petition.state = state, may_publish, where
        session.flush()
        assert not is_public(session, drawn().digest)


def test_U04_endorsers_carry_their_logo(session: Session, petition: Petition) -> None:
    endorsement = an_endorsement(session, petition, en="With a logo")
    an_endorsement(session, petition, en="Without")
    picturing.keep_logo(session, endorsement.organisation_id or 0, drawn())
    logos = {
        one.name: one.logo.digest if one.logo else None
        for one in endorsing_queries.endorsers(session, petition.id, "en")
    }
    assert logos == {"With a logo": drawn().digest, "Without": None}
    assert picturing.remove_logo(session, endorsement.organisation_id or 0)
    assert all(one.logo is None for one in endorsing_queries.endorsers(session, petition.id, "en"))


def test_R07_a_picture_goes_with_what_it_shows(session: Session, petition: Petition) -> None:
    endorsement = an_endorsement(session, petition, en="Example Union")
    picturing.keep_logo(session, endorsement.organisation_id or 0, drawn())
    picturing.keep(session, petition.id, drawn("navy"), ALTS)
    session.execute(sa.text("DELETE FROM organisation"))
    session.execute(sa.text("DELETE FROM petition_text"))
    session.execute(sa.text("DELETE FROM petition"))
    assert session.scalar(sa.select(sa.func.count()).select_from(Picture)) == 0
