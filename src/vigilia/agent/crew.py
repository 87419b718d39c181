"""The parts of a reactor at work: each in a task of its own, so that the fault of one stops no other."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from vigilia.agent.parts import Listener, Part, Role
from vigilia.backoff import Backoff
from vigilia.errors import VigiliaError

_logger = logging.getLogger(__name__)

_AGAIN = Backoff(1.0, 60.0)
_STEADY_S = 300.0
"""What worked so long is started anew without much waiting."""
_STOP_S = 3.0
"""Real seconds that parts have to end, for each of the two rounds of a stop."""


class Crew:
    """Starts parts and services, starts anew what a fault has ended, and stops them in order. Time here is real."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.faults = 0
        """How often something had to be started anew."""
        self._parts = parts
        self._faulty: dict[str, str] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def faulty(self, name: str) -> str:
        """Return why a part, or service, is not at work; empty: it is."""
        return self._faulty.get(name, "")

    @property
    def idle(self) -> list[str]:
        """What is not at work, and why."""
        return [f"{name}: {fault}" for name, fault in self._faulty.items()]

    def start(self, listener: Listener) -> None:
        """Set all parts to work."""
        for part in self._parts:
            self.keep(part.declaration.name, lambda part=part: part.run(listener))

    def keep(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have something done until the stop; it is begun anew when it ends."""
        self._tasks[name] = asyncio.create_task(self._keep(name, work), name=name)

    async def stop(self) -> bool:
        """Stop loops and outputs, so that these are left safe, then all else; return whether outputs ended in time."""
        acting = {part.declaration.name for part in self._parts if part.declaration.role in (Role.LOOP, Role.ACTUATOR)}
        in_time = await self._stop([task for name, task in self._tasks.items() if name in acting])
        await self._stop([task for name, task in self._tasks.items() if name not in acting])
        return in_time

    async def _stop(self, tasks: Sequence[asyncio.Task[None]]) -> bool:
        for task in tasks:
            task.cancel()
        late = (await asyncio.wait(tasks, timeout=_STOP_S))[1] if tasks else set[asyncio.Task[None]]()
        for task in late:
            _logger.error("%s does not end", task.get_name())
        return not late

    async def _keep(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        loop = asyncio.get_running_loop()
        wait: float | None = None
        while True:
            began = loop.time()
            try:
                await work()
                fault: Exception = RuntimeError("it ended by itself")
            except VigiliaError as error:
                _logger.error("%s: %s", name, error)
                fault = error
            except Exception as error:  # whatever it is: it is told, and stops nothing else
                _logger.critical("%s met a fault of the program", name, exc_info=error)
                fault = error
            self.faults += 1
            wait = _AGAIN.after(None if loop.time() - began > _STEADY_S else wait)
            self._faulty[name] = f"it met a fault, and begins anew: {fault!r}"[:300]
            _logger.warning("%s begins anew in %.0f s", name, wait)
            await asyncio.sleep(wait)
            del self._faulty[name]
