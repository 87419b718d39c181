"""Chance against the limits of dosing pumps: thousands of hours of doses, kills, power cuts and clocks that jump.

The pump's own logic, its ledger and its limits are the agent's; the motor and its record are the simulator's. The hours
pass in seconds: what counts time for budgets, and what the motor lives by, run hundreds of times as fast as the world.
That is sound because a dose counts from before it is told until an hour, or a day, after its end was *seen*: a poll
that comes late, in fast hours, can only make a budget tighter. Clocks are looked at as soon as they have jumped, since
the agent's ten seconds between two looks would be days here. What waits by real time (the dead-man timer, the
fail-safe) is not judged here, but on real processes (`reactorfailsafe.py`).
"""

import asyncio
import itertools
import logging
import random
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from figures import Figure
from programs import Bench
from vigilia.agent.buses import BusError
from vigilia.agent.ledger import Ledger
from vigilia.agent.limits import DAY_S, HOUR_S, Budget
from vigilia.agent.outputs import Contact, Gear, Guard
from vigilia.agent.outputs.config import PmpConfig
from vigilia.agent.outputs.pump import Pump
from vigilia.agent.parts import Failed, Measured, Part, Rejected
from vigilia.agent.safeops import Operation
from vigilia.clock import Clock
from vigilia.errors import BadAnswer
from vigilia.sim.reactor.circuits import PumpCircuit
from vigilia.sim.reactor.motor import NL_PER_ML, Run
from vigilia.sim.reactor.vessel import Vessel

SCENARIOS, SHORT_SCENARIOS = 1000, 40
SIDE_BY_SIDE = 20
LENGTH_S = 3.0
"""Real seconds of a scenario."""
SPEEDS = (600.0, 5_000.0, 40_000.0)
"""How fast hours pass: half an hour, four hours, or more than a day in a scenario."""
_ROUNDING_ML = 0.011
"""Of each dose: totals have two decimals, and two of them are read."""
_BOOT_S = 0.05
_AFTER_POWER_CUT_S = (0.0, -HOUR_S, -30 * DAY_S, 0.9 * HOUR_S)
"""By how much the wall clock is another one after a power cut; an hour ahead is what the agent allows for."""
_LOOP, _LOOP_DAY_ML = "ph-control", 15.0


class FastTimes:
    """The clocks that budgets are counted by, of one boot of a computer whose hours are short."""

    def __init__(self, speed: float, boot: int, wall_off: float) -> None:
        self.wall_off = wall_off
        """How wrong the wall clock is, in its own seconds."""
        self._speed = speed
        self._boot = boot
        self._began = time.monotonic()

    def boot(self) -> str:
        """Return the number of the boot."""
        return str(self._boot)

    def elapsed(self) -> float:
        """Return the seconds since the boot."""
        return (time.monotonic() - self._began) * self._speed

    def wall(self) -> float:
        """Return what the wall clock shows."""
        return 1.8e9 + time.monotonic() * self._speed + self.wall_off


class Wire:
    """The bus between one start of the agent and the pump's circuit; both may fail, and the agent may be dead."""

    place = "campaign, address 103"

    def __init__(self, circuit: PumpCircuit, chance: random.Random) -> None:
        self.dead = False
        self.faults = 0
        """So many of the next exchanges fail."""
        self._circuit = circuit
        self._chance = chance

    def operation(self, command: str) -> Operation:
        """Return how a guardian would give a command."""
        return ["sim", "127.0.0.1:1", 103, command.encode().hex()]

    async def ask(self, command: str, wait_s: float | None = None) -> str:
        """Give a command, which may not arrive, or whose answer may not. Raises VigiliaError."""
        del wait_s
        await asyncio.sleep(self._chance.uniform(0.001, 0.006))
        self.faults = max(0, self.faults - 1)
        before, after = self._chance.random() < 0.5, self.faults > 0
        if self.dead or (after and before):
            raise BusError(f"{self.place}: no acknowledgement")
        reply = self._circuit.hear(command, "i2c")
        if after:
            raise BusError(f"{self.place}: the answer was lost")
        if not reply.is_ok:
            raise BadAnswer(f"{self.place}: {command} was not understood")
        return reply.text or ""


class _Ears:
    def changed(self, part: Part) -> None:
        """Not of interest."""

    def sampled(self, part: Part, samples: Sequence[Measured]) -> None:
        """Not of interest."""


@dataclass
class Life:
    """One start of the agent, as far as a pump is concerned."""

    wire: Wire
    ledger: Ledger
    pump: Pump
    guardian: socket.socket
    guard: Guard
    run: asyncio.Task[None]
    asked: set[asyncio.Task[None]] = field(default_factory=set)

    async def end(self, *, killed: bool) -> None:
        """End it: in good order, or in an instant, after which nothing reaches pump or disk."""
        if killed:
            self.wire.dead = True
            await self.ledger.close()
        self.run.cancel()
        await asyncio.gather(self.run, *self.asked, return_exceptions=True)
        await self.ledger.close()
        self.guard.close()
        self.guardian.close()


@dataclass
class Scenario:
    """One run of chance, which its seed repeats but for the instants at which things happen."""

    seed: int
    folder: Path
    faults: list[str] = field(default_factory=list)
    """What was wrong."""
    doses: int = 0
    kills: int = 0
    jumps: int = 0

    def __post_init__(self) -> None:
        self.chance = chance = random.Random(self.seed)
        self.speed = chance.choice(SPEEDS)
        hour = round(chance.uniform(2, 30), 2)
        self.config = PmpConfig(
            kind="ezo-pmp",
            name="acid",
            bus="campaign",
            max_dose_ml_hour=chance.choice((0.0, hour, hour)),
            max_dose_ml_day=round(chance.uniform(hour, 4 * hour), 2),
            max_on_s=chance.choice((0.0, 4.0)),
        )
        self.clock = Clock(1.8e9, self.speed)
        self.circuit = PumpCircuit(Vessel(), "acid", self.clock.monotonic)
        self.times = FastTimes(self.speed, 0, 0.0)
        self._boots = itertools.count(1)
        self._commands = itertools.count(1)

    async def live(self) -> None:
        """Go through it, and judge it."""
        until = time.monotonic() + LENGTH_S
        life = self._begin()
        while time.monotonic() < until:
            await asyncio.sleep(self.chance.expovariate(1 / 0.03))
            life = await self._happen(life)
        await life.end(killed=False)
        self.circuit.advance()
        self._judge()

    async def _happen(self, life: Life) -> Life:
        """Do something by chance; return the life that goes on."""
        chance = self.chance
        match chance.choices(range(8), (60, 8, 6, 6, 5, 4, 4, 3))[0]:
            case 0:
                self._ask(life, *self._wish())
            case 1:
                self._keep(life, life.pump.dose(chance.uniform(0.5, 3), _LOOP, [self._loop_budget()]))
            case 2:
                life.wire.faults = chance.randrange(1, 6)
            case 3:
                self._ask(life, "Stop", True)
            case 4:
                self.times.wall_off += chance.choice((-HOUR_S, HOUR_S, -DAY_S, DAY_S))
                await life.ledger.look()
                self.jumps += 1
            case 5:
                return await self._again(life, killed=True)
            case 6:
                return await self._again(life, killed=chance.random() < 0.5, boot=True)
            case _:
                self._ask(life, "Clear", True)
        return life

    async def _again(self, life: Life, *, killed: bool, boot: bool = False) -> Life:
        """End a life and begin another; with `boot` the computer's power fails, and now and then the pump's."""
        self.kills += killed
        await life.end(killed=killed)
        if boot:
            if self.chance.random() < 0.5:
                self.circuit.set_power(False)
            await asyncio.sleep(self.chance.uniform(0, 4) * _BOOT_S)
            self.circuit.set_power(True)
            self.times = FastTimes(
                self.speed, next(self._boots), self.times.wall_off + self.chance.choice(_AFTER_POWER_CUT_S)
            )
        elif killed:  # the guardian has a second, of which little is left at this speed
            self.circuit.hear("X", "i2c")
        return self._begin()

    def _begin(self) -> Life:
        guardian, theirs = socket.socketpair()
        guardian.setblocking(False)
        guard = Guard(theirs.detach())
        ledger = Ledger(self.folder / f"{self.seed}.db", self.times)
        wire = Wire(self.circuit, self.chance)
        pump = Pump(self.config, wire, Gear(guard, Contact(3600.0), ledger, self.clock))
        run = asyncio.create_task(self._tend(pump, guardian))
        return Life(wire, ledger, pump, guardian, guard, run)

    async def _tend(self, pump: Pump, guardian: socket.socket) -> None:
        """Have a pump at work, with somebody who listens where the guardian would."""
        work = asyncio.create_task(pump.run(_Ears()))
        try:
            while not work.done():
                with suppress(BlockingIOError):
                    guardian.recv(65_536)
                await asyncio.wait([work], timeout=0.2)
            work.result()
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    def _wish(self) -> tuple[str, Any]:
        chance = self.chance
        largest = max(0.5, (self.config.max_dose_ml_hour or self.config.max_dose_ml_day) * 0.6)
        ml = round(chance.uniform(0.5, largest), 2)
        minutes = round(ml / chance.uniform(20, 100), 2) or 0.01
        wishes: list[tuple[str, Any]] = [("Dose", ml)] * 4 + [
            ("DoseOver", f"{ml},{minutes}"),
            ("Rate", f"60,{minutes}"),
        ]
        if self.config.max_on_s:
            wishes.append(("Continuous", True))
        return chance.choice(wishes)

    def _ask(self, life: Life, parameter: str, value: Any) -> None:
        self._keep(life, life.pump.command(parameter, value, f"c{next(self._commands)}"))

    def _keep(self, life: Life, work: Coroutine[Any, Any, str]) -> None:
        async def see() -> None:
            with suppress(Rejected, Failed):
                await work

        task = asyncio.create_task(see())
        life.asked.add(task)
        task.add_done_callback(life.asked.discard)

    def _loop_budget(self) -> Budget:
        return Budget(_LOOP_DAY_ML, DAY_S, "max_day_ml", _LOOP)

    def _judge(self) -> None:
        runs = [run for run in self.circuit.motor.runs if run.moved_nl]
        self.doses = len(runs)
        if self.circuit.motor.is_running:
            self.faults.append("the pump still runs")
        if any("*" in run.command for run in runs):
            self.faults.append("the pump was told to go on for ever")
        for most, window_s in ((self.config.max_dose_ml_hour, HOUR_S), (self.config.max_dose_ml_day, DAY_S)):
            worst, count = most_within(runs, window_s)
            if most and worst > most + _ROUNDING_ML * count:
                self.faults.append(f"{worst:.3f} ml within {window_s:g} s, and the limit is {most:g}")


def most_within(runs: Sequence[Run], window_s: float) -> tuple[float, int]:
    """The most that was moved within any window, ml, and by how many runs: a run moves evenly over its time."""
    edges = [moment for run in runs for moment in (run.began, (run.ended or run.began) - window_s)]
    best = (0.0, 0)
    for begin in edges:
        shares = [_share(run, begin, begin + window_s) for run in runs]
        best = max(best, (sum(shares), sum(share > 0 for share in shares)))
    return best


def _share(run: Run, begin: float, end: float) -> float:
    ended = run.ended if run.ended is not None else run.began
    length = ended - run.began
    if length <= 0:
        return run.moved_nl / NL_PER_ML if begin <= run.began <= end else 0.0
    return run.moved_nl / NL_PER_ML * max(0.0, min(end, ended) - max(begin, run.began)) / length


async def limits(
    bench: Bench, *, count: int | None = None, first: int | None = None, tell: Callable[[str], None] = print
) -> list[Figure]:
    """Go through scenarios, so many at a time; those in which something was wrong are told with their seeds."""
    count = round(bench.take(SCENARIOS, SHORT_SCENARIOS)) if count is None else count
    first = random.randrange(10**6) if first is None else first
    seeds = iter(range(first, first + count))
    folder = bench.folder("campaign")
    done: list[Scenario] = []

    async def work() -> None:
        for seed in seeds:
            scenario = Scenario(seed, folder)
            await scenario.live()
            done.append(scenario)
            for fault in scenario.faults:
                tell(f"scenario {seed}: {fault}")

    log = logging.getLogger("vigilia")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)  # everything goes wrong here, on purpose
    try:
        await asyncio.gather(*(work() for _ in range(SIDE_BY_SIDE)))
    finally:
        log.setLevel(level)
    return [
        Figure("scenarios of chance", len(done), ""),
        Figure("scenarios: doses given, in all", sum(scenario.doses for scenario in done), "", 1, at_least=True),
        Figure("scenarios: kills and power cuts", sum(scenario.kills for scenario in done), ""),
        Figure("scenarios: jumps of the wall clock", sum(scenario.jumps for scenario in done), ""),
        Figure("scenarios in which a pump exceeded a limit", sum(bool(found.faults) for found in done), "", 0),
    ]
