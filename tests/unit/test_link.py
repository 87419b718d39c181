"""Links: contact and its loss, what follows from an answer, and the way to stop."""

import asyncio
import logging
import time

import pytest

from tests.conftest import until
from tests.unit.scripted import HANG, Outcome, ScriptedSession, connected, fast_link, job, running, scripted_scan
from vigilia import link as module
from vigilia.backoff import Backoff
from vigilia.clock import Clock
from vigilia.errors import (
    BadAnswer,
    ConnectionLost,
    LoginRefused,
    NotWritable,
    Refused,
    WriteTimeout,
)
from vigilia.link import Contact, Link
from vigilia.scan import Follow, Scan


async def test_contact_comes_scans_run_and_stop_logs_out() -> None:
    session, seen, rounds = ScriptedSession(), list[Contact](), list[int]()
    link = fast_link(session)

    async def note(link: Link) -> None:
        seen.append(link.contact)

    link.on_contact = note
    link.add_scan(Scan("ports", 1.0, lambda: [job(None, lambda: rounds.append(1))]))
    async with running(link):
        await until(lambda: len(rounds) >= 3)
        assert link.reconnects == 0
    assert seen == [Contact.CONNECTING, Contact.CONNECTED]
    assert session.log == ["open", "close"]
    times = link.round_trips()
    assert times.median_ms is not None
    assert times.p99_ms is not None
    assert 0 <= times.median_ms <= times.p99_ms


@pytest.mark.parametrize(
    ("outcome", "closing", "reason"),
    [
        (ConnectionLost("refused"), "close lost", "refused"),
        (ConnectionLost("no answer"), "close lost", "no answer"),
        (LoginRefused("no REST session is free"), "close", "no REST session is free"),
        (BadAnswer("not JSON"), "close", "not JSON"),
        (HANG, "close lost", "not open after 0.02 s"),
        (RuntimeError("a mistake"), "close lost", "a fault in the driver: RuntimeError('a mistake')"),
    ],
)
async def test_an_opening_that_fails_is_tried_again(outcome: Outcome, closing: str, reason: str) -> None:
    session = ScriptedSession(opens=[outcome, outcome])
    link = fast_link(session)
    async with running(link):
        await until(connected(link))
        assert session.log == ["open", closing, "open", closing, "open"]
        assert link.error == reason
        assert link.reconnects == 0, "the first contact is no reconnection"


@pytest.mark.parametrize("outcome", [ConnectionLost("cut"), HANG])
async def test_one_lost_request_is_a_lost_connection(outcome: Outcome) -> None:
    session = ScriptedSession()
    link = fast_link(session)
    link.add_scan(scripted_scan([None, outcome]))
    async with running(link):
        await until(lambda: link.reconnects == 1)
        assert session.log == ["open", "close lost", "open"]
        await until(connected(link))
        assert link.bad_answers == 0


async def test_three_bad_answers_in_a_row_are_a_disconnection_with_logout() -> None:
    bad, session = BadAnswer("not JSON"), ScriptedSession()
    link = fast_link(session)
    link.add_scan(scripted_scan([bad, bad, None, bad, bad, None, bad, bad, bad]))
    async with running(link):
        await until(lambda: link.reconnects == 1)
    assert session.log == ["open", "close", "open", "close"]
    assert link.bad_answers == 7
    assert link.error == "3 bad answers in a row: not JSON"


async def test_bad_answers_to_writes_do_not_count() -> None:
    session = ScriptedSession()
    link = fast_link(session)
    async with running(link):
        await until(connected(link))
        for _ in range(5):
            with pytest.raises(Refused, match="sw-1 did not confirm: not JSON"):
                await link.write(job(BadAnswer("not JSON")))
        assert (link.contact, link.bad_answers, session.log) == (Contact.CONNECTED, 0, ["open"])


async def test_a_fault_in_the_driver_costs_the_connection_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    link = fast_link(ScriptedSession())
    link.add_scan(scripted_scan([ZeroDivisionError("oh")]))
    async with running(link):
        await until(lambda: link.reconnects == 1)
        assert "a fault in the driver" in link.error
    assert any(record.exc_info for record in caplog.records), "a fault leaves its traceback"


@pytest.mark.parametrize("outcome", [HANG, RuntimeError("in close")])
async def test_a_close_that_fails_does_not_end_the_link(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CLOSE_S", 0.02)
    link = fast_link(ScriptedSession(closes=[outcome, outcome]))
    link.add_scan(scripted_scan([ConnectionLost("cut")]))
    async with running(link):
        await until(lambda: link.reconnects == 1)


async def test_a_new_connection_scans_at_once() -> None:
    session, rounds = ScriptedSession(), list[int]()
    link = fast_link(session, speed=1)
    link.add_scan(Scan("slow", 3600, lambda: [job(None, lambda: rounds.append(1))]))
    async with running(link):
        await until(lambda: bool(rounds))


async def test_since_is_when_contact_came_or_went_and_not_when_it_was_tried_again() -> None:
    lost = ConnectionLost("refused")
    session = ScriptedSession(opens=[None, lost, lost, lost, lost])
    link = fast_link(session)
    link.add_scan(scripted_scan([None, lost]))
    changes: list[tuple[Contact, float]] = []

    async def note(link: Link) -> None:
        changes.append((link.contact, link.since))

    link.on_contact = note
    async with running(link):
        await until(lambda: link.reconnects == 1)
    first, came, went, *tries, again = changes
    assert (first[0], came[0], went[0], again[0]) == (
        Contact.CONNECTING,
        Contact.CONNECTED,
        Contact.DISCONNECTED,
        Contact.CONNECTED,
    )
    assert first[1] < came[1] < went[1] < again[1]
    assert {since for _, since in tries} == {went[1]}


async def test_progress_is_made_by_answers_and_by_losses() -> None:
    link = fast_link(ScriptedSession(opens=[ConnectionLost("x")]), speed=1)
    began = link.progressed
    async with running(link):
        await until(lambda: link.progressed > began)
    assert link.longest_silence_s == pytest.approx(2 * 10 + 0.04)
    link.add_scan(Scan("slow", 60, list))
    assert link.longest_silence_s == pytest.approx(2 * 60 + 0.04)


async def test_a_loss_is_logged_once_and_its_repetition_is_not(caplog: pytest.LogCaptureFixture) -> None:
    link = fast_link(ScriptedSession(opens=[ConnectionLost("refused")] * 5))
    async with running(link):
        await until(connected(link))
    lines = [record for record in caplog.records if "refused" in record.message and record.levelno >= logging.INFO]
    assert len(lines) == 1


# Follow


async def test_what_follows_is_done_before_the_next_job_and_outside_the_deadline() -> None:
    order: list[str] = []
    link = fast_link(ScriptedSession(deadline_s=0.02))

    async def slow_follow() -> None:
        await asyncio.sleep(0.1)
        order.append("followed")

    async def read() -> Follow:
        order.append("read")
        return slow_follow

    link.add_scan(Scan("ports", 1.0, lambda: [read]))
    async with running(link):
        await until(lambda: len(order) >= 4)
        assert link.reconnects == 0
    assert order[:4] == ["read", "followed", "read", "followed"]
    assert (link.round_trips().p99_ms or 0) < 90, "the time of a request is not that of its consequences"


async def test_round_trips_are_the_median_and_what_99_of_100_keep_to() -> None:
    link = fast_link(ScriptedSession(deadline_s=5), speed=1)

    async def slow() -> None:
        await asyncio.sleep(0.03)

    assert link.round_trips() == (module.RoundTrips(None, None))
    async with running(link):
        await until(connected(link))
        await link.write(job())
        await link.write(slow)
        few = link.round_trips()
        assert few.median_ms is not None
        assert few.p99_ms is not None
        assert few.median_ms < 30 <= few.p99_ms
        for _ in range(200):
            await link.write(job())
        many = link.round_trips().p99_ms
        assert many is not None
        assert many < 30, "one in two hundred is the exception"


# Stop


async def test_stop_lets_the_request_in_flight_end() -> None:
    session = ScriptedSession(deadline_s=5)
    link = fast_link(session)
    order: list[str] = []

    async def slow() -> None:
        order.append("began")
        await asyncio.sleep(0.05)
        order.append("ended")

    async with running(link):
        await until(connected(link))
        write = asyncio.create_task(link.write(slow))
        await until(lambda: bool(order))
        waiting = asyncio.create_task(link.write(job(None, lambda: order.append("too late"))))
        await asyncio.sleep(0)
    await write
    with pytest.raises(NotWritable, match="sw-1 is stopping"):
        await waiting
    assert order == ["began", "ended"]
    assert session.log == ["open", "close"]


async def test_stop_answers_even_the_write_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STOP_S", 0.05)
    session = ScriptedSession(deadline_s=60)
    link = fast_link(session)
    run = asyncio.create_task(link.run())
    await until(connected(link))
    write = asyncio.create_task(link.write(job(HANG)))
    await asyncio.sleep(0.01)
    await link.stop()
    async with asyncio.timeout(5):
        with pytest.raises(WriteTimeout, match="sw-1 had given no answer"):
            await write
    assert session.log == ["open", "close"]
    await asyncio.wait([run])
    assert run.cancelled()


async def test_stop_before_the_start_and_during_the_wait_for_another_attempt() -> None:
    never = fast_link(ScriptedSession())
    await never.stop()
    session = ScriptedSession(opens=[ConnectionLost("refused")] * 9)
    link = Link("sw-1", session, Clock(), Backoff(3600, 3600))
    began = time.monotonic()
    async with running(link):
        await until(lambda: session.log == ["open", "close lost"])
    assert time.monotonic() - began < 5
    assert session.log == ["open", "close lost", "close"]


async def test_a_link_that_hangs_does_not_hold_up_another() -> None:
    rounds: list[int] = []
    dead = Link("dead", ScriptedSession(opens=[HANG], open_deadline_s=60), Clock())
    alive = fast_link(ScriptedSession())
    alive.add_scan(Scan("ports", 1.0, lambda: [job(None, lambda: rounds.append(1))]))
    tasks = [asyncio.create_task(link.run()) for link in (dead, alive)]
    await until(lambda: len(rounds) >= 50)
    assert dead.contact is Contact.CONNECTING
    await alive.stop()
    tasks[0].cancel()
    await asyncio.wait(tasks)
