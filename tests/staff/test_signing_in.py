"""Sessions on the server: begun by name and password, ended by time, by change, by lock (C28)."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher, Type, extract_parameters

from app.core import tokens
from app.core.database import Database
from app.core.errors import InvalidError, NotFoundError
from app.staff import accounts, passwords, signing_in
from app.staff.models import ADMIN, EDITOR, TRANSLATOR, Account, StaffSession
from app.staff.signing_in import Limits
from tests.staff.conftest import NOON, PASSWORD

pytestmark = pytest.mark.both_databases
LIMITS = Limits(idle=timedelta(minutes=30), whole=timedelta(hours=12))


def an_account(database: Database, name: str = "Editor 2", role: str = EDITOR) -> Account:
    with database.unit_of_work() as session:
        return accounts.create(session, name, role, PASSWORD, "en")


def a_session(database: Database, account: Account) -> str:
    with database.unit_of_work() as session:
        return signing_in.begin(session, account.id, NOON)


def is_live(database: Database, token: str, *, after: timedelta = timedelta(0)) -> bool:
    with database.reading() as session:
        return signing_in.current(session, token, LIMITS, NOON + after) is not None


def test_C28_name_and_password_sign_in_and_the_database_holds_neither_secret(
    database: Database,
) -> None:
    account = an_account(database)
    with database.unit_of_work() as session:
        found = signing_in.check(session, " Editor 2 ", PASSWORD)
    assert found is not None
    assert found.id == account.id
    token = a_session(database, account)
    with database.reading() as session:
        kept = session.scalars(sa.select(StaffSession)).one()
        assert kept.token_hash == tokens.fingerprint(token)
        stored = session.scalars(sa.select(Account)).one()
    assert stored.password_hash.startswith("$argon2id$")
    assert PASSWORD not in stored.password_hash


@pytest.mark.parametrize(
    ("name", "password"), [("Editor 2", "seven amber brick"), ("Editor 3", PASSWORD), ("", "")]
)
def test_C28_a_wrong_password_and_an_unknown_name_are_one_answer(
    database: Database, name: str, password: str
) -> None:
    an_account(database)
    with database.unit_of_work() as session:
        assert signing_in.check(session, name, password) is None


def test_C28_an_unknown_name_costs_the_same_argon2_work(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_account(database)
    checked: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
            checked.append(str(hash).rsplit("$", 2)[0])
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting())
    with database.unit_of_work() as session:
        signing_in.check(session, "Editor 2", "seven amber brick")
        signing_in.check(session, "Nobody", "seven amber brick")
    known, unknown = checked
    assert known.split("$")[1:4] == unknown.split("$")[1:4]


def test_C28_the_service_hashes_as_rfc_9106_recommends(real_hasher: PasswordHasher) -> None:
    told = extract_parameters(real_hasher.hash(PASSWORD))
    assert told.type is Type.ID
    assert (told.time_cost, told.memory_cost, told.parallelism) == (3, 64 * 1024, 4)


def test_C28_a_weak_hash_is_made_anew_at_sign_in(
    database: Database, real_hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_hasher", real_hasher)
    account = an_account(database)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with database.unit_of_work() as session:
        session.execute(sa.update(Account).values(password_hash=weak))
    with database.reading() as session:
        checked = signing_in.check(session, "Editor 2", PASSWORD)
    assert checked is not None
    with database.unit_of_work() as session:
        assert signing_in.admit(session, checked, PASSWORD, NOON) is not None
    with database.reading() as session:
        kept = session.get_one(Account, account.id).password_hash
    assert kept != weak
    assert not passwords.is_outdated(kept)


def test_C28_thirty_idle_minutes_end_a_session(database: Database) -> None:
    token = a_session(database, an_account(database))
    assert is_live(database, token, after=timedelta(minutes=29))
    assert not is_live(database, token, after=timedelta(minutes=30))


def test_C28_twelve_hours_end_a_session_that_was_never_idle(database: Database) -> None:
    account = an_account(database)
    token = a_session(database, account)
    end = timedelta(hours=12)
    with database.unit_of_work() as session:
        found = session.scalars(sa.select(StaffSession)).one()
        signing_in.touch(session, found, NOON + end - timedelta(minutes=1))
    assert is_live(database, token, after=end - timedelta(seconds=1))
    assert not is_live(database, token, after=end)


def test_C28_use_is_noted_once_a_minute(database: Database) -> None:
    token = a_session(database, an_account(database))
    with database.reading() as session:
        found = signing_in.current(session, token, LIMITS, NOON)
    assert found is not None
    assert not signing_in.is_due(found, NOON + timedelta(seconds=59))
    assert signing_in.is_due(found, NOON + timedelta(seconds=60))


def test_C28_sign_out_ends_this_session_and_no_other(database: Database) -> None:
    account = an_account(database)
    here, there = a_session(database, account), a_session(database, account)
    with database.unit_of_work() as session:
        signing_in.sign_out(session, here)
    assert not is_live(database, here)
    assert is_live(database, there)


def test_C28_a_new_password_ends_every_session(database: Database) -> None:
    account = an_account(database)
    token = a_session(database, account)
    with database.unit_of_work() as session:
        accounts.change_password(session, account.id, PASSWORD, "eight amber bricks")
    assert not is_live(database, token)
    with database.unit_of_work() as session:
        assert signing_in.check(session, "Editor 2", PASSWORD) is None
        assert signing_in.check(session, "Editor 2", "eight amber bricks") is not None


def test_C28_a_new_password_asks_the_old_one(database: Database) -> None:
    account = an_account(database)
    token = a_session(database, account)
    with pytest.raises(InvalidError) as caught, database.unit_of_work() as session:
        accounts.change_password(session, account.id, "not the old one", "eight amber bricks")
    assert caught.value.field == "old"
    assert is_live(database, token)


def test_C28_a_new_role_ends_the_sessions_and_the_same_role_does_not(database: Database) -> None:
    admin, editor = an_account(database, "Admin", ADMIN), an_account(database)
    token = a_session(database, editor)
    with database.unit_of_work() as session:
        accounts.change_role(session, editor.id, EDITOR, by=admin.id)
    assert is_live(database, token)
    with database.unit_of_work() as session:
        accounts.change_role(session, editor.id, TRANSLATOR, by=admin.id)
    assert not is_live(database, token)


def test_C28_a_locked_account_is_out_at_once_and_cannot_come_back(database: Database) -> None:
    admin, editor = an_account(database, "Admin", ADMIN), an_account(database)
    token = a_session(database, editor)
    with database.unit_of_work() as session:
        session.get_one(Account, editor.id).test_box = b"sealed"
    with database.unit_of_work() as session:
        accounts.lock(session, editor.id, by=admin.id)
    assert not is_live(database, token)
    with database.unit_of_work() as session:
        assert signing_in.check(session, "Editor 2", PASSWORD) is None
        assert session.get_one(Account, editor.id).test_box is None
        accounts.unlock(session, editor.id, by=admin.id)
    with database.unit_of_work() as session:
        assert signing_in.check(session, "Editor 2", PASSWORD) is not None


def test_C28_nobody_locks_or_demotes_themselves(database: Database) -> None:
    admin = an_account(database, "Admin", ADMIN)
    with pytest.raises(InvalidError), database.unit_of_work() as session:
        accounts.lock(session, admin.id, by=admin.id)
    with pytest.raises(InvalidError), database.unit_of_work() as session:
        accounts.change_role(session, admin.id, EDITOR, by=admin.id)
    with database.reading() as session:
        kept = session.get_one(Account, admin.id)
    assert kept.active
    assert kept.role == ADMIN


def test_an_account_that_does_not_exist_is_named(database: Database) -> None:
    with pytest.raises(NotFoundError), database.unit_of_work() as session:
        accounts.lock(session, 99, by=1)


def test_C28_sessions_that_are_over_are_deleted_at_the_next_sign_in(database: Database) -> None:
    account = an_account(database)
    a_session(database, account)
    with database.unit_of_work() as session:
        signing_in.forget_ended(session, LIMITS, NOON + timedelta(minutes=29))
        assert session.scalar(sa.select(sa.func.count()).select_from(StaffSession)) == 1
        signing_in.forget_ended(session, LIMITS, NOON + timedelta(minutes=30))
        assert session.scalar(sa.select(sa.func.count()).select_from(StaffSession)) == 0


@pytest.mark.parametrize("change", ["locked", "new password"])
def test_C28_who_is_locked_or_changed_while_the_hash_is_checked_does_not_come_in(
    database: Database, change: str
) -> None:
    admin, editor = an_account(database, "Admin", ADMIN), an_account(database)
    with database.reading() as session:
        checked = signing_in.check(session, "Editor 2", PASSWORD)
    assert checked is not None
    with database.unit_of_work() as session:
        if change == "locked":
            accounts.lock(session, editor.id, by=admin.id)
        else:
            accounts.change_password(session, editor.id, PASSWORD, "eight amber bricks")
    with database.unit_of_work() as session:
        assert signing_in.admit(session, checked, PASSWORD, NOON) is None
        assert session.scalars(sa.select(StaffSession)).all() == []
