"""Links, whatever happens: order, one job at a time, one answer, and bounds."""

import asyncio
import logging
import random
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import until
from tests.unit.scripted import HANG, Outcome, ScriptedSession, act, connected, fast_link, job, running
from vigilia import link as module
from vigilia.backoff import Backoff
from vigilia.errors import (
    BadAnswer,
    ConnectionLost,
    LoginRefused,
    NotWritable,
    Refused,
    WriteError,
)
from vigilia.link import Link
from vigilia.scan import Follow, Job, Scan


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
    assert all(after <= max(first, 3 * before) for before, after in pairwise(waits))


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
        link.add_scan(
            Scan("ports", 0.1, lambda: [watched.job(None, None, 0.002 * next(pace, 0)) for _ in range(steps)])
        )
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
