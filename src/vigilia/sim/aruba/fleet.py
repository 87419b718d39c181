"""Many simulated switches together, and the life that goes on in them."""

import asyncio
import itertools
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from vigilia.sim.aruba.model import PortChanges
from vigilia.sim.aruba.server import SimSwitch

BEAT_S = 1.0
REBOOT_DOWN_S = 5.0
REBOOT_BOOT_S = 5.0
DISTURBED_S = (5.0, 20.0)
_FAULTS_SEEN = ("PPDS_FAULT", "PPDS_OTHERFAULT")


@dataclass(frozen=True, slots=True)
class _Recovery:
    """When a disturbed port becomes as before, and what it takes."""

    due: float
    switch: SimSwitch
    port_id: str
    changes: PortChanges


class Fleet:
    """Starts and stops `switches` together: `async with Fleet([…]):`.

    `life`: now and then a device is unplugged, a port fails for a while, and the power drawn moves.
    `reboot_every_s` above 0: so often one switch reboots, each in its turn.
    """

    def __init__(self, switches: Sequence[SimSwitch], *, life: bool = False, reboot_every_s: float = 0.0) -> None:
        self.switches = list(switches)
        self._life = life
        self._reboot_every_s = reboot_every_s
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start every switch, or none; raises OSError when an address is not free."""
        try:
            for switch in self.switches:
                await switch.start()
        except BaseException:
            await self.stop()
            raise
        if self._life:
            self._tasks.append(asyncio.create_task(self._live(), name="fleet life"))
        if self._reboot_every_s > 0:
            self._tasks.append(asyncio.create_task(self._reboot_in_turn(), name="fleet reboots"))

    async def stop(self) -> None:
        """Stop life and every switch."""
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await asyncio.gather(*(switch.stop() for switch in self.switches))
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _reboot_in_turn(self) -> None:
        for switch in itertools.cycle(self.switches):
            await asyncio.sleep(self._reboot_every_s)
            await switch.reboot(REBOOT_DOWN_S, REBOOT_BOOT_S)

    async def _live(self) -> None:
        disturbed: list[_Recovery] = []
        while True:
            await asyncio.sleep(BEAT_S)
            now = time.monotonic()
            for recovery in [recovery for recovery in disturbed if recovery.due <= now]:
                recovery.switch.model.change(recovery.port_id, now, **recovery.changes)
                disturbed.remove(recovery)
            switch = random.choice(self.switches)
            port_id = random.choice(list(switch.model.ports))
            switch.model.change(port_id, now, power_w=random.randint(3, 12))
            taken = {(recovery.switch.name, recovery.port_id) for recovery in disturbed}
            if (switch.name, port_id) not in taken and random.random() < 0.5:
                disturbed.append(_disturb(switch, port_id, now))


def _disturb(switch: SimSwitch, port_id: str, now: float) -> _Recovery:
    due = now + random.uniform(*DISTURBED_S)
    if random.random() < 0.3:
        switch.model.change(port_id, now, state=random.choice(_FAULTS_SEEN))
        return _Recovery(due, switch, port_id, PortChanges(state=None))
    switch.model.change(port_id, now, attached=False)
    return _Recovery(due, switch, port_id, PortChanges(attached=True))
