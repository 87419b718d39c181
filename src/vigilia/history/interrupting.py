"""Ctrl-C for a command at work: it ends by cancellation, from within the event loop, at any instant."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run_until_interrupted(work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work` in an event loop of its own and return its result; raises KeyboardInterrupt once Ctrl-C ended it.

    asyncio.run itself cancels from within Python's signal handler, whatever the loop was doing: it then may end with
    another error, or with complaints beside.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell has what it starts in the background ignore it
        return asyncio.run(work)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return asyncio.run(_cancellable(work))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


async def _cancellable(work: Coroutine[Any, Any, Result]) -> Result:
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    return await task
