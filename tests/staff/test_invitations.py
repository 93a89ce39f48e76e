"""Links that make an account or sign one in, once (C28)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from app.core.database import Database
from app.core.errors import InvalidError, NotFoundError, StaleError
from app.staff import accounts, invitations, signing_in
from app.staff.models import ADMIN, EDITOR, ORGANISER, Account, Invitation, StaffSession
from tests.staff.conftest import NOON, PASSWORD

pytestmark = pytest.mark.both_databases


def an_invitation(database: Database, role: str = EDITOR, by: int | None = None) -> str:
    with database.unit_of_work() as session:
        return invitations.invite(session, role, invited_by=by, now=NOON)


def accepted(
    database: Database, token: str, name: str = "Editor 2", *, at: datetime = NOON
) -> Account:
    with database.unit_of_work() as session:
        return invitations.accept(
            session, token, name=name, password=PASSWORD, language="fa", now=at
        )


def test_C28_an_invitation_makes_an_account_with_its_role(database: Database) -> None:
    account = accepted(database, an_invitation(database, ORGANISER))
    assert (account.name, account.role, account.language) == ("Editor 2", ORGANISER, "fa")


def test_C28_an_invitation_is_good_once(database: Database) -> None:
    token = an_invitation(database)
    accepted(database, token)
    with pytest.raises(StaleError):
        accepted(database, token, "Editor 3")


def test_C28_looking_at_an_invitation_uses_nothing_up(database: Database) -> None:
    token = an_invitation(database)
    for _ in range(3):
        with database.reading() as session:
            assert invitations.behind_link(session, token, now=NOON) is not None
    accepted(database, token)
    with database.reading() as session:
        assert invitations.behind_link(session, token, now=NOON) is None


def test_C28_an_invitation_is_good_for_seven_days(database: Database) -> None:
    token = an_invitation(database)
    with pytest.raises(StaleError):
        accepted(database, token, at=NOON + timedelta(days=7))
    accepted(database, token, at=NOON + timedelta(days=7, seconds=-1))


def test_C28_a_false_link_is_refused_like_a_used_one(database: Database) -> None:
    with pytest.raises(StaleError):
        accepted(database, "x" * 43)


@pytest.mark.parametrize(
    ("name", "password", "field"),
    [
        ("", PASSWORD, "name"),
        ("n" * 41, PASSWORD, "name"),
        ("Editor 1", PASSWORD, "name"),
        ("Editor 2", "elevensigns", "password"),
        ("Editor 2", "p" * 201, "password"),
        ("Editor 2", "aaaaaaaaaaaaaaaa", "password"),
        ("Editor 2", "my editor 2 secret", "password"),
    ],
)
def test_C28_what_cannot_be_taken_is_named_and_the_link_stays_good(
    database: Database, name: str, password: str, field: str
) -> None:
    accepted(database, an_invitation(database), "Editor 1")
    token = an_invitation(database)
    with pytest.raises(InvalidError) as caught, database.unit_of_work() as session:
        invitations.accept(session, token, name=name, password=password, language="en", now=NOON)
    assert caught.value.field == field
    accepted(database, token)


def test_C28_the_database_holds_no_link(database: Database) -> None:
    token = an_invitation(database)
    with database.reading() as session:
        kept = session.scalars(sa.select(Invitation)).one()
    assert token.encode() not in kept.token_hash
    assert len(kept.token_hash) == 32


def test_C28_a_sign_in_link_signs_its_account_in_once_and_makes_none(database: Database) -> None:
    account = accepted(database, an_invitation(database))
    with database.unit_of_work() as session:
        token = invitations.sign_in_link(session, account, NOON)
    with pytest.raises(StaleError):
        accepted(database, token, "Somebody else")
    with database.unit_of_work() as session:
        assert invitations.take_sign_in_link(session, token, now=NOON).id == account.id
    with pytest.raises(StaleError), database.unit_of_work() as session:
        invitations.take_sign_in_link(session, token, now=NOON)


def test_C28_an_invitation_signs_nobody_in(database: Database) -> None:
    token = an_invitation(database)
    with pytest.raises(StaleError), database.unit_of_work() as session:
        invitations.take_sign_in_link(session, token, now=NOON)


def test_C28_a_sign_in_link_is_good_for_a_day(database: Database) -> None:
    account = accepted(database, an_invitation(database))
    with database.unit_of_work() as session:
        token = invitations.sign_in_link(session, account, NOON)
    with pytest.raises(StaleError), database.unit_of_work() as session:
        invitations.take_sign_in_link(session, token, now=NOON + timedelta(days=1))


def test_C28_a_sign_in_link_of_a_locked_account_opens_nothing(database: Database) -> None:
    account = accepted(database, an_invitation(database))
    with database.unit_of_work() as session:
        token = invitations.sign_in_link(session, account, NOON)
        session.get_one(Account, account.id).active = False
    with pytest.raises(NotFoundError), database.unit_of_work() as session:
        invitations.take_sign_in_link(session, token, now=NOON)


def test_C28_locking_an_account_ends_its_links_and_the_invitations_it_gave(
    database: Database,
) -> None:
    admin = accepted(database, an_invitation(database, ADMIN), "Admin 1")
    other = accepted(database, an_invitation(database, ADMIN), "Admin 2")
    given, from_other = (
        an_invitation(database, by=admin.id),
        an_invitation(database, by=other.id),
    )
    with database.unit_of_work() as session:
        own = invitations.sign_in_link(session, admin, NOON)
        accounts.lock(session, admin.id, by=other.id)
    with database.reading() as session:
        assert invitations.behind_link(session, given, now=NOON) is None
        assert invitations.behind_link(session, own, now=NOON) is None
        assert invitations.behind_link(session, from_other, now=NOON) is not None


def test_C28_who_loses_the_right_to_invite_loses_the_invitations_given(database: Database) -> None:
    admin = accepted(database, an_invitation(database, ADMIN), "Admin 1")
    other = accepted(database, an_invitation(database, ADMIN), "Admin 2")
    given = an_invitation(database, ADMIN, by=admin.id)
    with database.unit_of_work() as session:
        accounts.change_role(session, admin.id, EDITOR, by=other.id)
    with database.reading() as session:
        assert invitations.behind_link(session, given, now=NOON) is None


def test_C28_locking_the_house_ends_all_sessions_and_links(database: Database) -> None:
    account = accepted(database, an_invitation(database))
    with database.unit_of_work() as session:
        signing_in.begin(session, account.id, NOON)
        signing_in.begin(session, account.id, NOON)
        invitations.sign_in_link(session, account, NOON)
        invitations.invite(session, EDITOR, invited_by=None, now=NOON)
        assert accounts.lock_the_house(session) == 2
    with database.reading() as session:
        assert session.scalars(sa.select(StaffSession)).all() == []
        assert session.scalars(sa.select(Invitation)).all() == []
        assert session.get_one(Account, account.id).active


def test_C28_links_too_old_are_deleted_when_the_next_is_made(database: Database) -> None:
    an_invitation(database)
    with database.unit_of_work() as session:
        invitations.invite(session, EDITOR, invited_by=None, now=NOON + timedelta(days=7))
        assert session.scalar(sa.select(sa.func.count()).select_from(Invitation)) == 1


def test_a_role_that_does_not_exist_is_refused(database: Database) -> None:
    with pytest.raises(InvalidError):
        an_invitation(database, "owner")
