"""What may stand in a row that is reachable from a person: random ids, days, and listed columns (C05-C07, R07)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.core.database import Base, UtcDateTime
from docs import generate

DESCRIBED = {table.name: table for table in generate.tables()}
SCHEMA = Base.metadata.tables

ALLOWED = {
    "cap_counter": "mailbox_index day index_key_id mailed",
    "consent": "id subscription_id wording_id language day",
    "contact": "id box index_key_id exact_index mailbox_index destination",
    "delivery": "slice_id position id send_id recipient round subscription_id state code",
    "endorsement": "id petition_id organisation_id index_key_id exact_hash typed wording_id state "
    "reason mandate document language statement may_publish day entered_by",
    "envelope": "delivery_id day box index_key_id mailbox_index never_write_hash never_write",
    "export": "id petition_id state reason day asked_by octets",
    "representative": "id organisation_id role language contact_id day",
    "request": "id purpose subject language day state expires_at box choices mails answered tries "
    "key_id link_hash code_hash code_expires_at noted",
    "retry": "delivery_id due_at attempts again_after_unknown",
    "signature": "id petition_id index_key_id exact_hash mailbox_hash text_id wording_id day "
    "shown_as shown_name names_box country affiliation shown_state shown_in held invalid "
    "comment comment_language comment_state comment_day",
    "subscription": "id contact_id list_id languages quiet day key_id unsubscribe_hash",
    "suppression": "id index_key_id mailbox_index reason day",
}
"""The register: every table that is reachable from a person, and every column that it may have."""

FINER_THAN_A_DAY = {
    "request.expires_at": "a pending request keeps its expiry",
    "request.code_expires_at": "a code is good for an hour after its mail",
    "retry.due_at": "a retry keeps its next attempt",
}
COUNTED = {
    "cap_counter.mailed": "a number of mails",
    "delivery.position": "a delivery's number is its place in the send",
    "delivery.round": "which mail of a request it is",
    "delivery.code": "an SMTP server's code",
    "request.mails": "a number of mails",
    "request.answered": "a number of mails",
    "request.tries": "a number of tries",
    "retry.attempts": "a number of attempts",
    "signature.shown_in": "a batch of shown signers, shuffled",
}
"""Whole numbers that are no ids, and what they count."""
OF_STAFF = {"endorsement.entered_by", "export.asked_by"}
"""Which colleague it was; staff's own rows are outside C07."""
IMPERSONAL = {
    "mailing_list",
    "consent_wording",
    "petition",
    "petition_text",
    "organisation",
    "send",
    "slice",
}
"""Tables that a person's row may name by a number: they are about no person."""
STAFF = {"account", "staff_session", "invitation", "audit_entry"}
"""Staff's own rows are outside C07."""
POINTERS = {"contact_id", "subscription_id", "recipient", "delivery_id"}
"""Columns that point at a person's row; some without a foreign key, since the row may go first."""


def columns(*tables: str) -> Iterator[tuple[str, sa.Column[object]]]:
    for name in tables:
        for column in SCHEMA[name].columns:
            yield f"{name}.{column.key}", column


def reachable() -> set[str]:
    """Tables with something sealed or hashed of a person, and all that points at one of them."""
    found = {
        name
        for name, table in DESCRIBED.items()
        if any(form in ("Sealed", "Hashed") for form, _ in table.columns.values())
        or POINTERS & set(table.columns)
    } - STAFF
    while True:
        more = {
            name
            for name, table in SCHEMA.items()
            for key in table.foreign_keys
            if key.column.table.name in found
        }
        if more <= found:
            return found
        found |= more


def test_C07_every_table_reachable_from_a_person_is_in_the_register() -> None:
    assert reachable() == set(ALLOWED)


@pytest.mark.parametrize("table", ALLOWED)
def test_C07_no_column_stands_outside_the_register(table: str) -> None:
    assert {column.key for column in SCHEMA[table].columns} == set(ALLOWED[table].split())


def test_C07_no_time_is_finer_than_the_day_but_the_listed_ones() -> None:
    finer = {
        name
        for name, column in columns(*ALLOWED)
        if isinstance(column.type, (sa.DateTime, sa.Time, UtcDateTime, sa.Interval))
    }
    assert finer == set(FINER_THAN_A_DAY)
    days = {name for name, column in columns(*ALLOWED) if isinstance(column.type, sa.Date)}
    assert {name.partition(".")[2] for name in days} == {"day", "comment_day"}


def test_C07_ids_are_random_and_numbers_only_count_or_name_what_is_no_person() -> None:
    numbers = {}
    for name, column in columns(*ALLOWED):
        assert not isinstance(column.type, (sa.Float, sa.Numeric)), name
        if isinstance(column.type, sa.Integer):
            points_at = {key.column.table.name for key in column.foreign_keys}
            if not points_at or not points_at <= IMPERSONAL:
                numbers[name] = points_at
    assert set(numbers) == set(COUNTED) | OF_STAFF, numbers
    assert not any(numbers.values())


def test_C07_a_row_s_own_key_is_random_or_a_keyed_hash() -> None:
    for name in ALLOWED:
        keys = list(SCHEMA[name].primary_key)
        forms = {DESCRIBED[name].columns[key.key][0] for key in keys}
        assert forms & {"Random", "Hashed"} or name == "delivery", name
        assert not any(key.autoincrement is True for key in keys)
    assert SCHEMA["delivery"].columns["id"].unique, "its own id is random; the key is its place"


def test_C07_forms_are_what_the_types_can_hold() -> None:
    for name, column in columns(*ALLOWED):
        table, _, key = name.partition(".")
        form = DESCRIBED[table].columns[key][0]
        if isinstance(column.type, sa.LargeBinary):
            assert form in ("Sealed", "Hashed"), name
        elif isinstance(column.type, sa.Uuid):
            assert form == "Random", name
        else:
            assert form == "Plain", name


def test_C03_every_hash_and_box_says_under_which_key_it_was_made() -> None:
    for name in ALLOWED:
        forms = {form: column for column, (form, _) in DESCRIBED[name].columns.items()}
        keyed = {"Hashed"} & set(forms)
        if keyed:
            assert {"index_key_id", "key_id"} & set(DESCRIBED[name].columns), name


def test_C05_a_signature_points_at_no_person_and_no_person_s_row_at_a_signature() -> None:
    targets = {key.column.table.name for key in SCHEMA["signature"].foreign_keys}
    assert targets == {"petition", "petition_text", "consent_wording"}
    for name, table in SCHEMA.items():
        assert "signature" not in {key.column.table.name for key in table.foreign_keys}, name


def test_C06_C13_no_column_is_named_for_what_may_not_be_kept() -> None:
    for name, column in columns(*ALLOWED):
        words = set(column.key.split("_"))
        forbidden = {"ip", "agent", "phone", "address", "email", "mail", "surname", "birth"}
        assert not words & forbidden, name
        if "name" in words:
            assert name == "signature.shown_name", "what the signer chose to publish"


def test_C05_choices_shown_are_the_only_plain_words_of_a_signer() -> None:
    plain = {
        column
        for column, (form, _) in DESCRIBED["signature"].columns.items()
        if form == "Plain" and isinstance(SCHEMA["signature"].columns[column].type, sa.String)
    }
    chosen = {"shown_as", "shown_name", "country", "affiliation", "comment", "comment_language"}
    decided = {"shown_state", "comment_state", "held", "invalid"}
    assert plain == {"index_key_id"} | chosen | decided
