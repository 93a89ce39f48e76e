"""SMTP against a recording server: one round trip a mail, and what each fault comes to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from time import monotonic

import pytest

from emails.errors import ConnectError
from emails.smtp import SmtpTransport
from emails.transport import ACCEPTED, CUT, UNKNOWN, Envelope, Outcome, Timeouts
from tests.emails.lanes import ENVELOPES, Run, a_lane, a_mail, ids, sent, states, to
from tests.emails.sink import CLOSE, HANG, Moment, Sink, at, every

pytestmark = pytest.mark.sockets


def test_a_mail_costs_one_round_trip_where_the_server_takes_groups(run: Run) -> None:
    sink = Sink(delay=0.01)
    outcomes = run(sent(sink, 12)())
    assert states(outcomes) == ["accepted"] * 12
    assert ids(sink) == [f"m{n}" for n in range(12)]
    # greeting, EHLO, the first envelope, a group a mail, QUIT
    assert sink.groups == 3 + 12 + 1


def test_without_pipelining_each_command_waits_for_its_answer(run: Run) -> None:
    sink = Sink(pipelining=False, delay=0.002)
    assert states(run(sent(sink, 5)())) == ["accepted"] * 5
    assert ids(sink) == [f"m{n}" for n in range(5)]
    assert sink.groups == 2 + 5 * 4 + 1


def test_a_server_that_knows_only_helo_is_served(run: Run) -> None:
    sink = Sink(esmtp=False)
    assert states(run(sent(sink, 3)())) == ["accepted"] * 3
    assert "SIZE" not in "".join(sink.commands)


@pytest.mark.parametrize("pipelining", [True, False])
def test_M09_a_greylisted_reader_in_the_middle_is_deferred_and_the_rest_go(
    run: Run, pipelining: bool
) -> None:
    sink = Sink(answer=at("rcpt", "450 4.2.0 come back", 3), pipelining=pipelining)
    outcomes = run(sent(sink, 6)())
    assert states(outcomes) == ["accepted"] * 2 + ["deferred"] + ["accepted"] * 3
    assert outcomes[2] == Outcome("deferred", 450, "4.2.0", "recipient")
    assert ids(sink) == ["m0", "m1", "m3", "m4", "m5"]


def test_a_refused_reader_is_followed_by_rset_so_the_next_mail_is_not_taken_for_nested(
    run: Run,
) -> None:
    sink = Sink(answer=every(2, "rcpt", "550 5.1.1 nobody"))
    outcomes = run(sent(sink, 6)())
    assert states(outcomes) == ["accepted", "bounced"] * 3
    assert outcomes[1].suppresses
    assert sink.commands.count("RSET") == 2  # the last refusal has no mail after it


def test_data_accepted_for_nobody_gets_a_lone_dot_and_no_body(run: Run) -> None:
    def answer(moment: Moment) -> str | None:
        if moment.stage == "rcpt" and moment.count == 2:
            return "550 5.1.1 nobody"
        return "354 go on" if moment.stage == "data" else None

    sink = Sink(answer=answer)
    outcomes = run(sent(sink, 4)())
    assert states(outcomes) == ["accepted", "bounced", "accepted", "accepted"]
    assert outcomes[1].code == 550
    assert ids(sink) == ["m0", "m2", "m3"]
    assert all(mail.message for mail in sink.received)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("552 5.2.2 full", Outcome("bounced", 552, "5.2.2", "recipient")),
        ("554 5.7.1 policy", Outcome("bounced", 554, "5.7.1", "destination")),
        ("451 4.3.0 later", Outcome("deferred", 451, "4.3.0", "recipient")),
        ("550 4.1.1 confused", Outcome("bounced", 550, "", "recipient")),
        ("250 ok", ACCEPTED),
        ("250-2.6.0 two\r\n250 2.6.0 lines", Outcome("accepted", 250, "2.6.0")),
    ],
)
def test_the_answer_to_the_dot_is_the_mails_outcome(
    run: Run, reply: str, expected: Outcome
) -> None:
    sink = Sink(answer=at("recorded" if reply[0] == "2" else "dot", reply, 2))
    outcomes = run(sent(sink, 3)())
    assert outcomes[1] == expected
    assert states(outcomes)[::2] == ["accepted", "accepted"]


def test_M10_a_refused_sender_blames_the_destination_and_no_reader(run: Run) -> None:
    sink = Sink(answer=at("mail", "550 5.1.8 bad sender", 2))
    outcomes = run(sent(sink, 3)())
    assert outcomes[1] == Outcome("bounced", 550, "5.1.8", "destination")
    assert outcomes[1].pauses_destination
    assert not outcomes[1].suppresses


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_M09_421_leaves_the_mail_unsent_and_ends_the_connection(run: Run, stage: str) -> None:
    sink = Sink(answer=at(stage, "421 4.3.2 closing", 3))
    outcomes = run(sent(sink, 5)())
    assert states(outcomes) == ["accepted"] * 2 + ["unsent"] * 3
    assert outcomes[2] == Outcome("unsent", 421, "4.3.2", "connection")
    assert outcomes[2].ends_connection
    assert ids(sink) == ["m0", "m1"]


def test_M09_421_is_believed_at_once_though_the_line_stays_open(run: Run) -> None:
    sink = Sink(answer=at("mail", "421 4.3.2 closing", 2), lingers=True)

    async def go() -> list[Outcome]:
        async with sink:
            connection = await to(sink, seconds=20).connect()
            return await asyncio.wait_for(a_lane(connection, 4), 5)

    assert states(run(go())) == ["accepted", "unsent", "unsent", "unsent"]
    assert ids(sink) == ["m0"]


def test_421_to_the_dot_means_the_mail_was_not_taken(run: Run) -> None:
    sink = Sink(answer=at("dot", "421 4.3.2 closing", 2))
    outcomes = run(sent(sink, 4)())
    assert states(outcomes) == ["accepted", "unsent", "unsent", "unsent"]
    assert ids(sink) == ["m0"]


def test_421_between_two_mails_is_heard_before_the_next_is_risked(run: Run) -> None:
    async def go(sink: Sink) -> tuple[Outcome, Outcome | None]:
        async with sink:
            connection = await to(sink).connect()
            assert await connection.offer(ENVELOPES[0]) is None
            for session in list(sink.open_sessions):
                assert session._transport is not None
                session._transport.write(b"421 4.4.2 idle too long\r\n")
                session._transport.close()
            await asyncio.sleep(0.05)
            try:
                return await connection.deliver(a_mail(0), ENVELOPES[1])
            finally:
                await connection.close()

    sink = Sink()
    assert run(go(sink)) == (CUT, CUT)
    assert sink.received == []


@pytest.mark.parametrize("stage", ["body", "dot", "recorded"])
def test_R02_a_cut_between_body_and_answer_is_unknown_and_the_next_is_unsent(
    run: Run, stage: str
) -> None:
    sink = Sink(answer=at(stage, CLOSE, 3))
    outcomes = run(sent(sink, 5)())
    assert states(outcomes) == ["accepted", "accepted", "unknown", "unsent", "unsent"]
    assert len(sink.received) == (3 if stage == "recorded" else 2)


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_a_cut_before_the_body_leaves_the_mail_unsent(run: Run, stage: str) -> None:
    sink = Sink(answer=at(stage, CLOSE, 3), delay=0.005)
    outcomes = run(sent(sink, 4)())
    assert states(outcomes) == ["accepted", "accepted", "unsent", "unsent"]
    assert outcomes[2] == CUT


def test_R04_a_server_that_falls_silent_after_the_dot_leaves_it_unknown(run: Run) -> None:
    async def go(sink: Sink) -> list[Outcome]:
        async with sink:
            transport = SmtpTransport("127.0.0.1", sink.port, timeouts=Timeouts(dot=0.1))
            return await a_lane(await transport.connect(), 3)

    assert run(go(Sink(answer=at("dot", HANG, 1)))) == [UNKNOWN, CUT, CUT]


def test_a_server_that_answers_the_dot_and_then_falls_silent_keeps_the_answer(run: Run) -> None:
    async def go(sink: Sink) -> list[Outcome]:
        async with sink:
            transport = SmtpTransport("127.0.0.1", sink.port, timeouts=Timeouts(dot=0.1, quit=0.1))
            return await a_lane(await transport.connect(), 3)

    assert states(run(go(Sink(answer=at("mail", HANG, 2))))) == ["accepted", "unsent", "unsent"]


def test_answers_that_nobody_asked_for_end_the_connection(run: Run) -> None:
    sink = Sink(answer=at("rcpt", "250 2.1.5 ok\r\n250 2.1.5 once more", 2))
    outcomes = run(sent(sink, 4)())
    # MAIL, RCPT, and the surplus taken for DATA's: no 354, then one answer too many.
    assert states(outcomes)[0] == "accepted"
    assert "accepted" not in states(outcomes)[2:]
    assert len(sink.received) <= 2


@pytest.mark.parametrize("noise", ["nonsense", "25", "xyz hello", "2500 2.0.0 ok"])
def test_a_server_that_speaks_no_smtp_is_left(run: Run, noise: str) -> None:
    outcomes = run(sent(Sink(answer=at("mail", noise, 2)), 3)())
    assert states(outcomes) == ["accepted", "unsent", "unsent"]


def test_an_endless_answer_is_cut_off(run: Run) -> None:
    outcomes = run(sent(Sink(answer=at("mail", "250 " + "x" * 300_000, 2)), 3)())
    assert states(outcomes) == ["accepted", "unsent", "unsent"]


@pytest.mark.parametrize(
    "body",
    [b".\r\n", b"..\r\n.x\r\n", b"a\r\n.\r\nb\r\n", b"no end", b"\r\n.\r\n\r\n", b"x" * 300_000],
)
def test_dots_at_a_lines_start_survive(run: Run, body: bytes) -> None:
    async def go(sink: Sink) -> list[Outcome]:
        async with sink:
            connection = await to(sink).connect()
            assert await connection.offer(ENVELOPES[0]) is None
            first, _ = await connection.deliver(a_mail(0, body), ENVELOPES[1])
            second, _ = await connection.deliver(a_mail(1), None)
            await connection.close()
            return [first, second]

    sink = Sink()
    assert states(run(go(sink))) == ["accepted", "accepted"]
    assert sink.received[0].message == a_mail(0, body if body.endswith(b"\n") else body + b"\r\n")
    assert ids(sink) == ["m0", "m1"]


def test_a_letter_that_says_where_its_dots_are_is_stuffed_where_it_has_some(run: Run) -> None:
    """Each mail's own envelope tells, also when the next one's has gone out with its body."""
    bodies = [b"no dot\r\n", b"..dots\r\n", b"none\r\n"]
    dots = [False, True, False]
    envelopes = [replace(one, dots=has) for one, has in zip(ENVELOPES, dots, strict=False)]

    async def go(sink: Sink) -> None:
        async with sink:
            connection = await to(sink).connect()
            assert await connection.offer(envelopes[0]) is None
            for number, body in enumerate(bodies):
                then = envelopes[number + 1] if number < 2 else None
                await connection.deliver(a_mail(number, body), then)
            await connection.close()

    sink = Sink()
    run(go(sink))
    assert [one.message for one in sink.received] == [
        a_mail(number, body) for number, body in enumerate(bodies)
    ]


def test_R04_a_shorter_patience_after_a_longer_one_is_kept(run: Run) -> None:
    """One timer serves all answers of a connection: it must not wait for the longest."""

    async def go(sink: Sink) -> float:
        async with sink:
            patience = Timeouts(greeting=30, command=30, dot=0.2, quit=0.1)
            connection = await SmtpTransport("127.0.0.1", sink.port, timeouts=patience).connect()
            assert await connection.offer(ENVELOPES[0]) is None
            began = monotonic()
            assert await connection.deliver(a_mail(0)) == (UNKNOWN, None)
            return monotonic() - began

    assert 0.15 < run(go(Sink(answer=at("dot", HANG, 1)))) < 5


def test_R04_patience_begins_anew_with_each_question(run: Run) -> None:
    async def go(sink: Sink) -> list[str]:
        async with sink:
            connection = await SmtpTransport(
                "127.0.0.1", sink.port, timeouts=Timeouts.all(0.5)
            ).connect()
            outcomes = []
            for number in range(3):
                assert await connection.offer(ENVELOPES[number]) is None
                await asyncio.sleep(0.3)
                outcomes.append((await connection.deliver(a_mail(number)))[0])
            await connection.close()
            return states(outcomes)

    assert run(go(Sink())) == ["accepted"] * 3


def test_an_offer_that_is_dropped_sends_nothing(run: Run) -> None:
    async def go(sink: Sink) -> None:
        async with sink:
            connection = await to(sink).connect()
            assert await connection.offer(ENVELOPES[0]) is None
            await connection.close()
            await connection.close()
            assert await connection.offer(ENVELOPES[1]) == CUT
            await asyncio.sleep(0.05)

    sink = Sink()
    run(go(sink))
    assert sink.received == []
    assert "body" not in sink.stages, "QUIT was taken for a body's first line"
    assert "quit" not in sink.stages


def test_M12_smtputf8_is_asked_for_where_offered_and_refused_clearly_elsewhere(run: Run) -> None:
    envelope = Envelope("bounce@example.org", "لیلا@example.net", 200, smtputf8=True)

    async def go(sink: Sink) -> list[Outcome | None]:
        async with sink:
            connection = await to(sink).connect()
            first = await connection.offer(envelope)
            second = None
            if first is None:
                outcome, _ = await connection.deliver(a_mail(0))
                first = outcome
            second = await connection.offer(ENVELOPES[0])
            await connection.close()
            return [first, second]

    offering, plain = Sink(), Sink(smtputf8=False)
    assert run(go(offering)) == [Outcome("accepted", 250, "2.0.0"), None]
    assert offering.received[0].recipient == "لیلا@example.net"
    assert any("SMTPUTF8" in command for command in offering.commands)
    assert run(go(plain)) == [Outcome("bounced", 553, "5.6.7", "recipient"), None]


def test_a_mail_beyond_the_servers_limit_is_not_tried(run: Run) -> None:
    sink = Sink(size=399)
    assert {o.enhanced for o in run(sent(sink, 2)())} == {"5.3.4"}
    assert not any(command.startswith("MAIL") for command in sink.commands)


@pytest.mark.parametrize(
    ("answer", "temporary"),
    [
        (at("connect", "421 4.3.2 busy"), True),
        (at("connect", "554 5.7.1 go away"), False),
        (at("connect", CLOSE), True),
        (at("ehlo", "421 4.3.2 busy"), True),
        (at("ehlo", CLOSE), True),
    ],
)
def test_R04_no_connection_is_an_error_that_tells_whether_waiting_helps(
    run: Run, answer: Callable[[Moment], str | None], temporary: bool
) -> None:
    with pytest.raises(ConnectError) as caught:
        run(sent(Sink(answer=answer), 1)())
    assert caught.value.temporary is temporary


def test_R04_a_server_that_is_away_or_mute_is_an_error_in_time(run: Run) -> None:
    async def mute(sink: Sink) -> None:
        async with sink:
            await SmtpTransport("127.0.0.1", sink.port, timeouts=Timeouts.all(0.1)).connect()

    sink = Sink(answer=at("connect", HANG))
    with pytest.raises(ConnectError):
        run(mute(sink))
    with pytest.raises(ConnectError) as caught:  # the sink has stopped: nobody listens there
        run(to(sink).connect())
    assert caught.value.temporary


def test_C23_no_outcome_and_no_error_keeps_a_word_of_the_server(run: Run) -> None:
    canary = "leila.canary@example.net is not known here"
    outcomes = run(sent(Sink(answer=every(2, "rcpt", f"550 5.1.1 {canary}")), 4)())
    assert "canary" not in repr(outcomes)
    with pytest.raises(ConnectError) as caught:
        run(sent(Sink(answer=at("connect", f"554 5.7.1 {canary}")), 1)())
    assert "canary" not in repr(caught.value)
