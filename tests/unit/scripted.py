"""A link's session from a script, for the tests of links."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

from vigilia.clock import Clock
from vigilia.link import Contact, Link
from vigilia.scan import Follow, Job, Scan

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


def connected(link: Link) -> Callable[[], bool]:
    return lambda: link.contact is Contact.CONNECTED


def scripted_scan(outcomes: Iterable[Outcome], period_s: float = 1.0) -> Scan:
    """A scan of one step, which ends as the script has it, and well when that is over."""
    left = iter(outcomes)
    return Scan("ports", period_s, lambda: [job(next(left, None))])
