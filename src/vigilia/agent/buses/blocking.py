"""Blocking calls, such as a transaction on a bus, in a thread of their own; one at a time, each with a deadline.

The thread is a daemon: a call that never returns, because a line is held low, say, does not keep the program from
ending.
"""

import asyncio
import concurrent.futures
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from vigilia.errors import VigiliaError

Result = TypeVar("Result")
_Call = tuple[Callable[[], Any], "concurrent.futures.Future[Any]"]


class Overdue(VigiliaError):
    """A call has not ended by its deadline. It goes on, and its thread is not free before it ends."""


class BlockingThread:
    """A thread for the blocking calls of one thing. It starts with the first call and ends with `close`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = asyncio.Lock()
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._overdue: concurrent.futures.Future[Any] | None = None

    async def call(self, function: Callable[[], Result], deadline_s: float) -> Result:
        """Return what `function` returns in the thread, or raise what it raises.

        Raises Overdue after `deadline_s` real seconds. The call itself goes on: while it does, every other one
        fails at once, so that nobody waits behind what is stuck.
        """
        async with self._lock:
            if self._overdue is not None and not self._overdue.done():
                raise Overdue("a call before this one has not ended")
            if self._thread is None:
                self._thread = threading.Thread(target=_work, args=(self._calls,), name=self._name, daemon=True)
                self._thread.start()
            future: concurrent.futures.Future[Result] = concurrent.futures.Future()
            self._calls.put((function, future))
            answer = asyncio.wrap_future(future)
            try:
                done, _ = await asyncio.wait([answer], timeout=deadline_s)
            finally:
                answer.cancel()  # nothing where it is done; a call that has not begun never does
            if not done:
                self._overdue = future
                raise Overdue(f"a call has not ended after {deadline_s:g} s")
            return answer.result()

    def close(self) -> None:
        """End the thread once it has done what was asked of it; it can be used again."""
        if self._thread is not None:
            self._calls.put(None)
            self._calls = queue.SimpleQueue()
            self._thread = None


def _work(calls: "queue.SimpleQueue[_Call | None]") -> None:
    while (call := calls.get()) is not None:
        function, future = call
        if not future.set_running_or_notify_cancel():
            continue
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001 - it is raised to whoever asked
            future.set_exception(error)
        else:
            future.set_result(result)
