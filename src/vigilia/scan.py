"""Scan: when to ask equipment, and what; the jobs a link does one at a time."""

import random
from collections.abc import Awaitable, Callable, Iterable, Iterator

Follow = Callable[[], Awaitable[None]]
"""What follows from an answer, publishing it above all: done before the next job, but outside the deadline."""

Job = Callable[[], Awaitable[Follow | None]]
"""One request, which returns what follows from its answer. It may raise LinkError; a write may raise WriteError."""


class Scan:
    """When to ask, and what: every `period_s` the jobs of `steps`, one after another, writes in between."""

    def __init__(self, kind: str, period_s: float, steps: Callable[[], Iterable[Job]], *, spread: bool = True) -> None:
        self.kind = kind
        self.period_s = period_s
        self.due = 0.0
        self.done_at: float | None = None
        """When a round was last done without a failure, by the clock's monotonic time."""
        self._spread = spread
        self._spoiled = False
        self._steps = steps
        self._under_way: Iterator[Job] | None = None
        self._first = True

    def spoil(self) -> None:
        """Note that a job of the round under way failed."""
        self._spoiled = True

    def restart(self, now: float) -> None:
        """Forget what was under way and be due at once: a new connection begins."""
        self._under_way = None
        self._first = True
        self.due = now

    def next_step(self, now: float) -> Job | None:
        """Return the next job, or None when this round is done and the next one has been scheduled.

        Rounds are scheduled from the clock, not from the end of the last one. A round that is late by more than a
        period is run once, not made up for: at most one scan of a kind waits. With `spread` the second round
        comes after a random part of a period, so that links which connected together do not scan together.
        """
        if self._under_way is None:
            self._under_way = iter(self._steps())
            self._spoiled = False
        job = next(self._under_way, None)
        if job is None:
            self._under_way = None
            step = self.period_s * (random.uniform(0.5, 1.0) if self._first and self._spread else 1.0)  # noqa: S311
            self._first = False
            if not self._spoiled:
                self.done_at = now
            self.due = max(self.due + step, now)
        return job
