"""One scan over all plants: several at a time, the reliable ones first, and an end to it where nothing answers."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from vigilia.drivers.pvoperation.client import TokenRefused
from vigilia.drivers.pvoperation.mapping import Family
from vigilia.drivers.pvoperation.plants import Plant
from vigilia.errors import ConnectionLost, LinkError, LoginRefused, VigiliaError

MOST_FAILURES = 16
"""So many plants that could not be read, and not one that could, end a scan; or two for each request in flight."""


MOST_REFUSED = 3
"""So many plants in a row that are refused with a token just obtained end a scan: then it is not those plants alone."""


@dataclass(slots=True)
class Outcome:
    """What came of asking one plant."""

    records: int = 0
    """Usable ones, known or new."""
    fresh: int = 0
    skipped: int = 0
    """Items of no use."""
    missing_days: int = 0
    """Days asked for and not received."""


Read = Callable[[Plant, float], Awaitable[Outcome]]
"""Reads and publishes one plant, asking for nothing more after a moment of the loop's time. Raises VigiliaError."""


@dataclass(slots=True)
class Tally:
    """What came of a scan."""

    plants: int
    answered: int = 0
    fresh: int = 0
    skipped: int = 0
    without_data: int = 0
    failed: int = 0
    refused_in_a_row: int = 0
    """Plants refused with a token just obtained, since one was answered."""

    def may_go_on(self, failures: Sequence[LinkError], most_failures: int) -> bool:
        """Whether another plant is worth asking: the account is not the trouble."""
        if any(isinstance(error, LoginRefused) and not isinstance(error, TokenRefused) for error in failures):
            return False
        if self.refused_in_a_row >= MOST_REFUSED:
            return False
        return bool(self.answered) or len(failures) < most_failures


@dataclass(slots=True)
class Sweep:
    """The scans of one family."""

    family: Family
    concurrency: int
    read: Read
    _last_tried: dict[str, int] = field(default_factory=dict[str, int])
    """The number of the scan that last asked for a plant."""
    _failed: set[str] = field(default_factory=set[str])
    _number: int = 0

    @property
    def in_hand(self) -> int:
        """How many plants at once: more than requests in flight, so that the API never waits for a publication."""
        return self.concurrency + max(1, self.concurrency // 2)

    async def run(self, plants: Sequence[Plant], missing: int, deadline: float) -> Tally:
        """Ask every plant, and publish each answer as it comes; `missing` plants were not even listed.

        Raises LoginRefused where the account is not let in, and ConnectionLost where no plant at all could be read.
        """
        self._number += 1
        tally = Tally(len(plants) + missing, without_data=missing)
        # What failed last time goes last, so that a few dead plants cannot keep the others waiting.
        order = sorted(plants, key=lambda plant: (plant.id in self._failed, self._last_tried.get(plant.id, 0)))
        waiting = deque(order)
        failures: list[LinkError] = []

        async def work() -> None:
            while waiting and asyncio.get_running_loop().time() < deadline:
                if not tally.may_go_on(failures, max(MOST_FAILURES, 2 * self.concurrency)):
                    return
                await self._ask(waiting.popleft(), deadline, tally, failures)

        workers = [asyncio.create_task(work(), name=f"{self.family.name} scan") for _ in range(self.in_hand)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        for error in failures:
            # Of a token that is refused for some plants only, the others tell that the account is let in.
            if isinstance(error, LoginRefused) and not (tally.answered and isinstance(error, TokenRefused)):
                raise error
        if failures and not tally.answered:
            raise ConnectionLost(f"no plant's {self.family.name} records could be read: {failures[0]}") from failures[0]
        if waiting:
            self.family.log.warning(
                "TIMEOUT_PARCIAL: %d plants were not asked: the scan's time was up, or its token was refused",
                len(waiting),
            )
            tally.failed += len(waiting)
        return tally

    async def _ask(self, plant: Plant, deadline: float, tally: Tally, failures: list[LinkError]) -> None:
        self._last_tried[plant.id] = self._number
        self._failed.add(plant.id)
        log = self.family.log
        try:
            outcome = await self.read(plant, deadline)
        except LinkError as error:
            word = "TIMEOUT" if isinstance(error, ConnectionLost) else "SEM_DADOS"
            log.warning("%s: %s (%s): %s", word, plant.name, plant.id, error)
            failures.append(error)
            tally.failed += 1
            tally.refused_in_a_row += isinstance(error, TokenRefused)
            return
        except VigiliaError as error:  # the store, which takes no new points at the moment: the API did its part
            log.error("SEM_DADOS: %s (%s): its answer cannot be kept: %s", plant.name, plant.id, error)
            tally.answered += 1
            tally.refused_in_a_row = 0
            tally.failed += 1
            return
        self._failed.discard(plant.id)
        tally.answered += 1
        tally.refused_in_a_row = 0
        tally.fresh += outcome.fresh
        tally.skipped += outcome.skipped
        if outcome.missing_days:
            log.warning("TIMEOUT_PARCIAL: %s (%s): days not received: %d", plant.name, plant.id, outcome.missing_days)
        elif not outcome.records:
            tally.without_data += 1
            log.info("SEM_DADOS: %s (%s)", plant.name, plant.id)
