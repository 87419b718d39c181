"""Links: one job at a time, writes before scans, an answer to every write, and a way back from everything."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigilia import link as module
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
from vigilia.link import MOST_WAITING_WRITES, Backoff, Contact, Follow, Job, Link, Scan

HANG = "hang"
Outcome = Exception | str | None


@dataclass
class ScriptedSession:
    """The lowest edge: what equipment would do, from a script. An outcome: None (well), an error, or HANG."""

    opens: list[Outcome] = field(default_factory=list)
    closes: list[Outcome] = field(default_factory=list)
    deadline_s: float = 0.02
    open_deadline_s: float = 0.02
    log: list[str] = field(default_factory=list)
    sessions: int = 0

    async def open(self) -> None:
        self.log.append("open")
        await act(self.opens.pop(0) if self.opens else None)

    async def close(self, *, lost: bool) -> None:
        self.log.append("close lost" if lost else "close")
        await act(self.closes.pop(0) if self.closes else None)


async def act(outcome: Outcome) -> None:
    await asyncio.sleep(0)
    if isinstance(outcome, Exception):
        raise outcome
    if outcome == HANG:
        await asyncio.Event().wait()


def job(outcome: Outcome = None, note: Callable[[], None] = lambda: None) -> Job:
    async def run() -> Follow | None:
        note()
        await act(outcome)
        return None

    return run


def fast_link(session: ScriptedSession, speed: float = 1000) -> Link:
    return Link("sw-1", session, Clock(speed=speed))


@contextlib.asynccontextmanager
async def running(*links: Link) -> AsyncIterator[None]:
    async with asyncio.timeout(30):
        tasks = [asyncio.create_task(link.run()) for link in links]
        try:
            yield
        finally:
            await asyncio.gather(*(link.stop() for link in links))
            await asyncio.gather(*tasks)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.001)


def connected(link: Link) -> Callable[[], bool]:
    return lambda: link.contact is Contact.CONNECTED


def scripted_scan(outcomes: Iterable[Outcome], period_s: float = 1.0) -> Scan:
    """A scan of one step, which ends as the script has it, and well when that is over."""
    left = iter(outcomes)
    return Scan("ports", period_s, lambda: [job(next(left, None))])


# Contact


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
        (ConnectionLost("no answer", timed_out=True), "close lost", "no answer"),
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


# Writes


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


# Properties


@given(st.floats(0.01, 5), st.floats(1, 100), st.integers(0, 2**32 - 1))
def test_backoff_stays_between_its_bounds_and_grows_to_the_highest(first: float, factor: float, seed: int) -> None:
    backoff = Backoff(first, first * factor)
    state = random.getstate()
    random.seed(seed)
    try:
        waits, wait = list[float](), None
        for _ in range(50):
            wait = backoff.after(wait)
            waits.append(wait)
    finally:
        random.setstate(state)
    assert all(first <= wait <= first * factor for wait in waits)
    assert waits[0] <= max(2 * first, first)
    assert all(after <= max(first, 3 * before) for before, after in zip(waits, waits[1:], strict=False))


def test_forty_links_do_not_come_back_together() -> None:
    backoff = Backoff()
    firsts = sorted(backoff.after(None) for _ in range(40))
    assert firsts[0] >= 0.5
    assert firsts[-1] <= 1.0
    assert firsts[-1] - firsts[0] > 0.2
    wait: float | None = None
    longest = 0.0
    for _ in range(200):
        wait = backoff.after(wait)
        longest = max(longest, wait)
    assert longest > 5, "it grows"


@given(st.floats(0.05, 100), st.lists(st.floats(0, 1000), max_size=30))
def test_at_most_one_round_of_a_scan_waits(period: float, gaps: list[float]) -> None:
    scan, now = Scan("ports", period, lambda: [job(), job()]), 0.0
    scan.restart(now)
    for gap in gaps:
        now += gap
        rounds = 0
        while scan.due <= now:
            steps = 0
            while scan.next_step(now) is not None:
                steps += 1
            rounds += 1
            assert steps == 2
            assert now <= scan.due <= now + period
        assert rounds <= 2, "the one that was due, and the one that came to wait meanwhile"


outcomes = st.sampled_from(
    [
        None,
        None,
        None,
        None,
        BadAnswer("bad"),
        Refused("no"),
        ConnectionLost("cut"),
        LoginRefused("full"),
        RuntimeError("fault"),
        TimeoutError("slow"),
        HANG,
    ]
)


@dataclass
class Watched:
    """What a run of a link shows: who asked, who began, what was answered, and what should not have been."""

    asked: list[int] = field(default_factory=list)
    began: list[int] = field(default_factory=list)
    waiting: set[int] = field(default_factory=set)
    answers: dict[int, list[Exception | None]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    under_way: int = 0

    def job(self, outcome: Outcome, number: int | None = None, seconds: float = 0) -> Job:
        """A job of a write, or of a scan where it has no number."""

        async def run() -> Follow | None:
            if self.under_way:
                self.wrong.append("two jobs at a time")
            if number is not None:
                self.began.append(number)
                self.waiting.discard(number)
            elif self.waiting:
                self.wrong.append(f"a scan overtook the writes {self.waiting}")
            self.under_way += 1
            try:
                await act(outcome)
                await asyncio.sleep(seconds)
            finally:
                self.under_way -= 1
            return None

        return run

    async def ask(self, link: Link, number: int, outcome: Outcome, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        self.asked.append(number)
        self.waiting.add(number)  # in one step with its coming into the queue
        answers = self.answers.setdefault(number, [])
        try:
            await link.write(self.job(outcome, number))
        except Exception as error:  # noqa: BLE001 - what comes is what is judged
            answers.append(error)
        else:
            answers.append(None)
        finally:
            self.waiting.discard(number)

    def check(self) -> None:
        assert not self.wrong
        places = [self.asked.index(number) for number in self.began]
        assert places == sorted(set(places)), "a write was carried out twice, or before an earlier one"


@settings(max_examples=60, deadline=None)
@given(
    opens=st.lists(outcomes, max_size=4),
    closes=st.lists(outcomes, max_size=4),
    scans=st.lists(outcomes, max_size=30),
    writes=st.lists(st.tuples(outcomes, st.integers(0, 20)), max_size=25),
    stop_after=st.integers(0, 30),
)
def test_every_write_has_one_answer_whatever_the_session_does(
    opens: list[Outcome],
    closes: list[Outcome],
    scans: list[Outcome],
    writes: list[tuple[Outcome, int]],
    stop_after: int,
) -> None:
    watched = Watched()

    async def scenario() -> None:
        session = ScriptedSession(list(opens), list(closes), deadline_s=0.005, open_deadline_s=0.005)
        link = fast_link(session)
        left = iter(scans)
        link.add_scan(Scan("ports", 1.0, lambda: [watched.job(next(left, None)) for _ in range(3)]))
        run = asyncio.create_task(link.run())
        asking = [
            asyncio.create_task(watched.ask(link, number, outcome, ticks / 1000))
            for number, (outcome, ticks) in enumerate(writes)
        ]
        await asyncio.sleep(stop_after / 1000)
        await link.stop()
        async with asyncio.timeout(5):
            await asyncio.gather(*asking)
            await asyncio.wait([run])
        assert run.cancelled() or run.exception() is None
        assert session.log[-1].startswith("close"), "whatever happened, the session is closed in the end"
        assert asyncio.all_tasks() == {asyncio.current_task()}

    logging.disable(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_STOP_S", 0.05)
        patch.setattr(module, "_CLOSE_S", 0.005)
        try:
            asyncio.run(scenario())
        finally:
            logging.disable(logging.NOTSET)
    watched.check()
    for number, (outcome, _) in enumerate(writes):
        assert len(watched.answers[number]) == 1
        answer = watched.answers[number][0]
        assert answer is None or isinstance(answer, WriteError)
        if answer is None:
            assert outcome is None
            assert number in watched.began
        if isinstance(answer, NotWritable):
            assert number not in watched.began, "refused, and yet carried out"


@settings(max_examples=40, deadline=None)
@given(
    bursts=st.lists(st.integers(1, 8), min_size=1, max_size=6),
    steps=st.integers(1, 6),
    slow=st.lists(st.booleans(), max_size=20),
)
def test_writes_go_first_and_in_order(bursts: list[int], steps: int, slow: list[bool]) -> None:
    """With equipment that behaves: every burst of writes overtakes the scans that wait, and keeps its own order."""
    watched = Watched()

    async def scenario() -> None:
        link = fast_link(ScriptedSession(deadline_s=5))
        pace = iter(slow)
        link.add_scan(Scan("ports", 0.1, lambda: [watched.job(None, None, 0.002 * next(pace, 0)) for _ in range(steps)]))
        link.add_scan(Scan("flags", 0.3, lambda: [watched.job(None)]))
        async with running(link):
            await until(connected(link))
            tasks: list[asyncio.Task[None]] = []
            for burst in bursts:
                tasks += [asyncio.create_task(watched.ask(link, len(tasks) + n, None, 0)) for n in range(burst)]
                await asyncio.sleep(0.001)
            await asyncio.gather(*tasks)

    asyncio.run(scenario())
    watched.check()
    assert watched.began == watched.asked == list(range(sum(bursts)))
    assert set(map(tuple, watched.answers.values())) == {(None,)}
