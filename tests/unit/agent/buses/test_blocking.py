"""Blocking calls in a thread of their own: one at a time, and none waits behind what is stuck."""

import asyncio
import threading

import pytest

from tests.conftest import until
from vigilia.agent.buses.blocking import BlockingThread, Overdue


async def test_calls_are_made_one_at_a_time_in_one_thread() -> None:
    thread = BlockingThread("test")
    names: list[str] = []
    answers = await asyncio.gather(
        *(thread.call(lambda n=n: (names.append(threading.current_thread().name), n)[1], 5.0) for n in range(5))
    )
    assert answers == [0, 1, 2, 3, 4]
    assert names == ["test"] * 5
    thread.close()


async def test_what_a_call_raises_is_raised() -> None:
    thread = BlockingThread("test")

    def fail() -> None:
        raise OSError(121, "Remote I/O error")

    with pytest.raises(OSError, match="Remote"):
        await thread.call(fail, 5.0)

    def time_out() -> None:
        raise TimeoutError(110, "Connection timed out")  # what the kernel says of a bus is not our deadline

    with pytest.raises(TimeoutError, match="Connection"):
        await thread.call(time_out, 5.0)
    assert await thread.call(lambda: 1, 5.0) == 1
    thread.close()


async def test_behind_a_call_that_is_stuck_everyone_fails_at_once_until_it_ends() -> None:
    thread = BlockingThread("test")
    release = threading.Event()
    with pytest.raises(Overdue, match=r"has not ended after 0\.02 s"):
        await thread.call(release.wait, 0.02)
    async with asyncio.timeout(5):
        with pytest.raises(Overdue, match="before this one"):
            await thread.call(lambda: 1, 60.0)
    release.set()
    answers: list[int] = []

    async def try_again() -> None:
        while not answers:
            try:
                answers.append(await thread.call(lambda: 1, 5.0))
            except Overdue:
                await asyncio.sleep(0.001)

    async with asyncio.timeout(5):
        await try_again()
    thread.close()


async def test_a_call_that_nobody_waits_for_any_more_is_not_begun() -> None:
    thread = BlockingThread("test")
    release = threading.Event()
    first = asyncio.create_task(thread.call(release.wait, 5.0))
    made: list[int] = []
    second = asyncio.create_task(thread.call(lambda: made.append(1), 5.0))
    await asyncio.sleep(0)
    second.cancel()
    release.set()
    assert await first
    with pytest.raises(asyncio.CancelledError):
        await second
    assert await thread.call(lambda: 2, 5.0) == 2
    assert made == []
    thread.close()


async def test_a_thread_that_was_closed_can_be_used_again() -> None:
    thread = BlockingThread("closed and open")
    await thread.call(lambda: None, 5.0)
    thread.close()
    thread.close()
    await until(lambda: all(other.name != "closed and open" for other in threading.enumerate()))
    assert await thread.call(lambda: 3, 5.0) == 3
    thread.close()
