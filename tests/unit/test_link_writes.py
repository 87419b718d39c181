"""Links: every write has an answer, and goes before what waits."""

import asyncio
import time

import pytest

from tests.conftest import until
from tests.unit.scripted import HANG, Outcome, ScriptedSession, connected, fast_link, job, running
from vigilia.backoff import Backoff
from vigilia.clock import Clock
from vigilia.errors import (
    BadAnswer,
    ConnectionLost,
    LoginRefused,
    NotWritable,
    Refused,
    WriteError,
    WriteTimeout,
)
from vigilia.link import MOST_WAITING_WRITES, Contact, Link
from vigilia.scan import Job, Scan


async def test_writes_fail_at_once_while_there_is_no_contact() -> None:
    ran: list[int] = []
    session = ScriptedSession(opens=[ConnectionLost("refused")])
    link = Link("sw-1", session, Clock(), Backoff(0.05, 0.05))
    with pytest.raises(NotWritable, match="sw-1 is disconnected"):
        await link.write(job(None, lambda: ran.append(1)))
    async with running(link):
        await until(lambda: link.error == "refused")
        began = time.monotonic()
        with pytest.raises(NotWritable, match="sw-1 is disconnected: refused"):
            await link.write(job(None, lambda: ran.append(2)))
        assert time.monotonic() - began < 0.05
        await until(connected(link))
        await link.write(job(None, lambda: ran.append(3)))
    with pytest.raises(NotWritable):
        await link.write(job(None, lambda: ran.append(4)))
    assert ran == [3], "nothing is stored up for the return of the connection"


@pytest.mark.parametrize(
    ("outcome", "error", "words", "log"),
    [
        (ConnectionLost("cut"), WriteTimeout, "sw-1 gave no answer: cut", ["open", "close lost"]),
        (HANG, WriteTimeout, "sw-1 gave no answer: no answer within", ["open", "close lost"]),
        (LoginRefused("no session"), Refused, "sw-1 refused: no session", ["open", "close"]),
        (BadAnswer("not JSON"), Refused, "sw-1 did not confirm: not JSON", ["open"]),
        (Refused("not today"), Refused, "not today", ["open"]),
        (RuntimeError("a mistake"), Refused, "sw-1: a fault in the driver", ["open"]),
    ],
)
async def test_how_a_write_ends(outcome: Outcome, error: type[WriteError], words: str, log: list[str]) -> None:
    session = ScriptedSession()
    link = Link("sw-1", session, Clock(), Backoff(60, 60))
    async with running(link):
        await until(connected(link))
        with pytest.raises(error, match=words):
            await link.write(job(outcome))
        await until(lambda: session.log == log)


async def test_a_loss_fails_the_writes_that_wait() -> None:
    ran: list[int] = []
    link = Link("sw-1", ScriptedSession(deadline_s=5), Clock(), Backoff(60, 60))
    started, go = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        started.set()
        await go.wait()
        raise ConnectionLost("cut")

    async with running(link):
        await until(connected(link))
        writes = [asyncio.create_task(link.write(first))]
        await started.wait()
        writes += [asyncio.create_task(link.write(job(None, lambda: ran.append(1)))) for _ in range(3)]
        await until(lambda: link.waiting == 3)
        go.set()
        answers = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(answer) for answer in answers] == [WriteTimeout, NotWritable, NotWritable, NotWritable]
    assert str(answers[1]) == "sw-1 is disconnected: cut"
    assert not ran


async def test_too_many_waiting_writes_are_refused() -> None:
    link = fast_link(ScriptedSession(deadline_s=5))
    go = asyncio.Event()

    async def first() -> None:
        await go.wait()

    async with running(link):
        await until(connected(link))
        writes = [asyncio.create_task(link.write(first))]
        await asyncio.sleep(0.01)
        writes += [asyncio.create_task(link.write(job())) for _ in range(MOST_WAITING_WRITES)]
        await until(lambda: link.waiting == MOST_WAITING_WRITES)
        with pytest.raises(NotWritable, match="256 writes waiting already: try again later"):
            await link.write(job())
        go.set()
        assert await asyncio.gather(*writes) == [None] * (MOST_WAITING_WRITES + 1)


async def test_a_write_waits_for_one_step_of_a_scan_at_most() -> None:
    order: list[str] = []
    link = fast_link(ScriptedSession(deadline_s=5), speed=1)
    asked = asyncio.Event()

    def step(number: int) -> Job:
        async def run() -> None:
            order.append(f"step {number}")
            if number == 3:
                asked.set()
                await asyncio.sleep(0.01)

        return run

    link.add_scan(Scan("ports", 3600, lambda: [step(number) for number in range(10)]))
    async with running(link):
        await asked.wait()
        await link.write(job(None, lambda: order.append("write")))
        await until(lambda: len(order) == 11)
    assert order.index("write") == 4
    assert [word for word in order if word != "write"] == [f"step {number}" for number in range(10)]


async def test_a_caller_that_goes_away_does_not_stop_its_write() -> None:
    ran: list[int] = []
    link = fast_link(ScriptedSession(deadline_s=5))
    go = asyncio.Event()

    async def first() -> None:
        await go.wait()

    async with running(link):
        await until(connected(link))
        before = asyncio.create_task(link.write(first))
        await asyncio.sleep(0.01)
        gone = asyncio.create_task(link.write(job(None, lambda: ran.append(1))))
        await until(lambda: link.waiting == 1)
        gone.cancel()
        go.set()
        await before
        await until(lambda: ran == [1])


async def test_an_endless_stream_of_writes_lets_scans_have_turns() -> None:
    scans: list[int] = []
    link = fast_link(ScriptedSession(deadline_s=5))
    link.add_scan(Scan("ports", 1.0, lambda: iter([job(note=lambda: scans.append(1))])))
    writing = True

    async def write_on() -> None:
        while writing:
            await link.write(job())

    async with running(link):
        await until(lambda: link.contact is Contact.CONNECTED)
        writers = [asyncio.create_task(write_on()) for _ in range(4)]
        before = len(scans)
        await until(lambda: len(scans) > before + 10)
        writing = False
        await asyncio.gather(*writers)


async def test_the_backoff_starts_anew_only_after_a_good_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float | None] = []
    session = ScriptedSession(deadline_s=5)
    link = fast_link(session)
    after = Backoff.after

    def note(backoff: Backoff, previous_s: float | None) -> float:
        waits.append(previous_s)
        return after(backoff, previous_s)

    monkeypatch.setattr(Backoff, "after", note)
    outcomes: list[Outcome] = [ConnectionLost("cut"), ConnectionLost("cut"), None, ConnectionLost("cut")]
    link.add_scan(Scan("ports", 1.0, lambda: iter([job(outcomes.pop(0) if outcomes else None)])))
    async with running(link):
        await until(lambda: len(waits) == 3)
    assert waits[0] is None
    assert waits[1] is not None, "it opened well, but nothing was read: the wait grows"
    assert waits[2] is None
