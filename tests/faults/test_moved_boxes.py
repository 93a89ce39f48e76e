"""C03: a box that stands in another row, column or kind is refused and reported, and no mail goes."""

from __future__ import annotations

from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.models import NEWSLETTER, Contact
from app.core import clock, ids
from app.newsletters import proofs
from app.optin.models import ANSWERED, SUBSCRIPTION, Request
from app.outbox.models import ACCEPTED, BOUNCED, Send
from app.staff.models import Account, AuditEntry
from tests.faults.conftest import MakeWorld
from tests.journeys.worlds import World
from tests.servers.process import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.sockets]

VICTIM = "victim@elsewhere.example"


def test_C03_a_request_s_box_in_another_row_is_refused_and_reported(
    sqlite_world: MakeWorld,
) -> None:
    world = sqlite_world(mail="sink")
    # given a box that was sealed for another request, and one that was sealed for another purpose's subject
    other, elsewhere = ids.new(), ids.new()
    box = world.desk.opener.seal("request", other, {"address": VICTIM, "subject": NEWSLETTER})
    foreign = world.desk.opener.seal("request", elsewhere, {"address": VICTIM, "subject": "unions"})
    world.write(
        lambda session: session.add_all([_request(ids.new(), box), _request(elsewhere, foreign)])
    )
    # when the worker answers, and answers an honest one
    world.start_worker()
    world.ask("honest@elsewhere.example")
    world.wait_for_mail("honest@elsewhere.example")
    # then only that one gets a mail, the rows are filled alike, and staff are told
    assert [got.recipient for got in world.received()] == ["honest@elsewhere.example"]
    states = world.read(lambda session: session.scalars(sa.select(Request.state)).all())
    assert set(states) == {ANSWERED}
    assert _reported(world) == 2


def test_C03_contact_boxes_that_changed_places_are_refused_and_reported(
    server_world: MakeWorld,
) -> None:
    # given two readers whose boxes were swapped, and one whose box was tampered with
    world = server_world(mail="sink")
    names = world.subscribe(12, choices=[("en",)])
    world.write(_swap)
    send_id = world.send_newsletter()
    # when the newsletter goes
    world.start_worker()
    world.wait_until_sent(send_id)
    # then the three get nothing, all others their mail, and staff are told
    got = [one.recipient for one in world.received()]
    assert len(got) == 9
    assert set(got) < set(names)
    assert world.rows(send_id) == world.counters(send_id) == {ACCEPTED: 9, BOUNCED: 3}
    assert _reported(world) == 3


def test_C03_a_staff_box_of_another_kind_brings_no_test_mail(sqlite_world: MakeWorld) -> None:
    # given an account whose test address is a contact's box
    world = sqlite_world(mail="sink")
    world.subscribe(1)
    account, issue = world.account(), world.issue()

    def plant(session: Session) -> None:
        contact = session.scalars(sa.select(Contact)).one()
        row = session.get_one(Account, account)
        row.test_box, row.test_box_id = contact.box, contact.id.hex
        proofs.ask_for_test(session, issue, row, [("en",)], quiet=False, now=clock.now())

    world.write(plant)
    # when the worker makes the test mail
    world.start_worker()
    wait_until(
        lambda: world.read(lambda s: s.scalar(sa.select(Send.state))) == "sent",
        seconds=20,
        what="the end of the test mail",
    )
    # then none goes, and it is reported
    assert world.arrived() == 0
    assert _reported(world) == 1


def _request(request_id: UUID, box: bytes) -> Request:
    return Request(
        id=request_id,
        purpose=SUBSCRIPTION,
        subject=NEWSLETTER,
        language="en",
        day=clock.today(),
        expires_at=clock.now().replace(year=clock.now().year + 1),
        box=box,
    )


def _swap(session: Session) -> None:
    one, other, third = session.scalars(sa.select(Contact).limit(3)).all()
    one.box, other.box = other.box, one.box
    third.box = third.box[:-1] + bytes([third.box[-1] ^ 1])


def _reported(world: World) -> int:
    count = sa.select(sa.func.count()).where(AuditEntry.action == "box-refused")
    return world.read(lambda session: session.scalar(count) or 0)
