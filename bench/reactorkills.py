"""`kill -9` of agent and server at random instants, while probes are sampled and pumps asked for doses; what is left.

Every row of the agent's store is copied as soon as it is durable there: each must be in the history in the end, once,
or still in the store. Every dose asked for has a volume of its own, so that the pumps' record tells whether it was
given twice; and what the ledger says was given must be what the motors moved.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from figures import Figure
from programs import Bench, BenchError
from reactoragent import eight_probes
from reactorrig import Agent, Config, ReactorService, SimReactors

KILLS, SHORT_KILLS = 100, 6
PUMPS = ("acid", "base", "nutrient")
_READY_S = 60.0
_LOOK_S = 0.2
_PAUSE_S = (0.1, 4.0)
_DOSE_EVERY_S = 1.0
_WORKERS = 2
"""So many workers of a guardian are killed in a row: for each it waits twice as long before it starts another."""
_ROUNDING_ML = 0.011
"""Of a dose that was cut off: the pump's totals, of which two are compared, have two decimals."""
_DELIVERED_S = 40.0
_NOTHING_DONE = (409, 422)


@dataclass
class Row:
    """A sample that was durable on the agent."""

    name: str
    time_ms: int
    era: tuple[int, int] | None
    """By whose correction its time is moved; None: by none."""


@dataclass
class Dose:
    """A dose that was asked for. `status`: what the service answered; 0: nothing."""

    pump: str
    ml: float
    status: int = 0

    @property
    def command(self) -> str:
        """What the pump is told for it."""
        return f"D,{self.ml:.2f}"


@dataclass
class Notes:
    """What was seen from outside."""

    rows: dict[tuple[str, int], Row] = field(default_factory=dict)
    """By store and offset."""
    corrections: dict[tuple[int, int], int] = field(default_factory=dict)
    doses: list[Dose] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    dropped: int = 0


async def kills(bench: Bench) -> list[Figure]:
    """So many kills; then the agent's store and ledger, the history and the pumps are compared."""
    return await campaign(bench, round(bench.take(KILLS, SHORT_KILLS)))


async def campaign(bench: Bench, count: int) -> list[Figure]:
    """Kill so often, each time another of the processes, and judge what is left."""
    notes = Notes()
    async with SimReactors(bench) as sim, ReactorService(bench, interval_s=1.0) as service:
        async with Agent(bench, _configured(sim.config(), service)) as agent:
            for pump in PUMPS:
                await service.until(f"R1:{pump}:Total-Mon", lambda point: point["severity"] == "NO_ALARM", _READY_S)
            service.waits = False
            async with _noted(agent, service, notes, bench):
                await _kill(bench, service, agent, notes, count)
            await _come_to_rest(service, agent, notes)
            await agent.stop()
            await asyncio.to_thread(_look, agent.data / "samples.db", notes)
            left = _left(agent.data / "samples.db")
            ledger = _ledger(agent.data / "ledger.db")
        truth = (await sim.truth())["pumps"]
        await service.stop()
        shown = _history(service.history)
    return [
        Figure("kills", sum(notes.kills.values()), "", count, at_least=True),
        *(Figure(f"kills: {what}", number, "") for what, number in sorted(notes.kills.items())),
        *_samples(notes, left, shown),
        *_doses(notes, ledger, truth),
    ]


def _configured(config: Config, service: ReactorService) -> Config:
    for actuator in config["actuators"]:
        if actuator["name"] in PUMPS:
            actuator |= {"max_dose_ml_hour": 0, "max_dose_ml_day": 0}
    return eight_probes(config, service)


# ---- What happens


@contextlib.asynccontextmanager
async def _noted(agent: Agent, service: ReactorService, notes: Notes, bench: Bench) -> AsyncGenerator[None]:
    """Copy the agent's store, and ask for doses, meanwhile."""
    tasks = [
        asyncio.create_task(_copy(agent.data / "samples.db", notes)),
        asyncio.create_task(_ask(service, notes, bench)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def _kill(bench: Bench, service: ReactorService, agent: Agent, notes: Notes, count: int) -> None:
    workers = 0
    while notes.kills.total() < count:
        await asyncio.sleep(bench.chance.uniform(*_PAUSE_S))
        victims = ["worker"] * (workers < _WORKERS) + ["guardian", "guardian and worker", "server", "server"]
        victim = bench.chance.choice(victims)
        if victim == "server":
            await service.kill()
            await service.start_again()
        elif victim == "worker":
            if not agent.kill_worker():  # it has not been started again yet
                continue
            workers += 1
        else:
            await agent.kill_guardian(worker_too=victim != "guardian")
            await agent.start_again()
            workers = 0
        notes.kills[victim] += 1


async def _ask(service: ReactorService, notes: Notes, bench: Bench) -> None:
    """Ask for doses, each of another volume, until cancelled."""
    asking: set[asyncio.Task[None]] = set()
    try:
        while True:
            await asyncio.sleep(bench.chance.expovariate(1 / _DOSE_EVERY_S))
            dose = Dose(bench.chance.choice(PUMPS), round(0.5 + len(notes.doses) * 0.01, 2))
            notes.doses.append(dose)
            task = asyncio.create_task(_dose(service, dose))
            asking.add(task)
            task.add_done_callback(asking.discard)
    finally:
        await asyncio.gather(*asking, return_exceptions=True)


async def _dose(service: ReactorService, dose: Dose) -> None:
    with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
        dose.status, _ = await service.put(f"R1:{dose.pump}:Dose-SP", dose.ml)


async def _copy(store: Path, notes: Notes) -> None:
    while True:
        await asyncio.to_thread(_look, store, notes)
        await asyncio.sleep(_LOOK_S)


def _look(store: Path, notes: Notes) -> None:
    """Copy what is durable on the agent and was not seen yet."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=5)) as file:
            file.execute("BEGIN")
            meta = dict(file.execute("SELECT key, value FROM meta"))
            names = {number: f"R1:{part}:{name}" for number, part, name in file.execute(_SERIES)}
            eras = {number: ((number, base), moved) for number, base, moved in file.execute(_ERAS)}
            for key, moved in eras.values():
                if moved is not None:
                    notes.corrections[key] = moved
            for offset, series, moment, era in file.execute(_ROWS):
                known = eras[era][0] if era in eras else None
                notes.rows.setdefault((meta["store_id"], offset), Row(names[series], moment, known))
            notes.dropped = max(notes.dropped, int(meta.get("dropped", 0)))
    except sqlite3.OperationalError as error:
        if "locked" not in str(error) and "unable to open" not in str(error):
            raise


_SERIES = "SELECT id, part, parameter FROM series"
_ERAS = "SELECT id, base_ms, correction_ms FROM eras"
_ROWS = 'SELECT "offset", series, time_ms, era FROM samples ORDER BY "offset"'


async def _come_to_rest(service: ReactorService, agent: Agent, notes: Notes) -> None:
    """Wait until the agent is back, and most of what waited is delivered. Raises BenchError."""
    await service.until("R1:ph:pH-Mon", lambda point: point["severity"] == "NO_ALARM", _READY_S)
    behind = max(offset for _, offset in notes.rows)
    give_up = time.monotonic() + _DELIVERED_S
    while True:
        await asyncio.to_thread(_look, agent.data / "samples.db", notes)
        if min(_left(agent.data / "samples.db"), default=behind + 1) > behind:
            return
        if time.monotonic() > give_up:
            raise BenchError(f"samples are not delivered within {_DELIVERED_S:g} s")
        await asyncio.sleep(_LOOK_S)


# ---- What is left


def _left(store: Path) -> set[int]:
    """The offsets that are still in the agent's store."""
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=5)) as file:
        return {offset for (offset,) in file.execute('SELECT "offset" FROM samples')}


def _ledger(path: Path) -> list[dict[str, Any]]:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
        file.row_factory = sqlite3.Row
        return [dict(row) for row in file.execute("SELECT * FROM doses")]


def _history(path: Path) -> Counter[tuple[str, int]]:
    """How often each sample of the reactor is in the history, by name and time."""
    query = (
        "SELECT name, time, count(*) FROM samples JOIN points ON points.id = point WHERE name LIKE 'R1:%' GROUP BY 1, 2"
    )
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
        return Counter({(name.rpartition("-")[0], moment): count for name, moment, count in file.execute(query)})


def _samples(notes: Notes, left: set[int], shown: Counter[tuple[str, int]]) -> list[Figure]:
    lost = unknown = 0
    stores = {store for store, _ in notes.rows}
    for (_, offset), row in notes.rows.items():
        moved = 0 if row.era is None else notes.corrections.get(row.era)
        if offset in left:
            continue
        if moved is None:
            unknown += 1
        elif (row.name, row.time_ms + moved) not in shown:
            lost += 1
    offsets = {offset for _, offset in notes.rows}
    wanted = {row.name for row in notes.rows.values()}
    return [
        Figure("samples that were durable on the agent", len(notes.rows), ""),
        Figure("of these, in neither the history nor the agent's store", lost, "", 0),
        Figure("of these, more than once in the history", _repeated(shown, wanted), "", 0),
        Figure("samples dropped by the agent", notes.dropped, "", 0),
        Figure("samples that left the agent's store unseen", max(offsets) - len(offsets), "", 0),
        Figure("samples whose time was never settled", unknown, "", 0),
        Figure("stores that the agent had", len(stores), "", 1),
    ]


def _repeated(shown: Counter[tuple[str, int]], names: set[str]) -> int:
    return sum(count - 1 for (name, _), count in shown.items() if name in names)


def _doses(notes: Notes, ledger: Sequence[dict[str, Any]], truth: dict[str, Any]) -> list[Figure]:
    given = Counter((pump, run["command"]) for pump in PUMPS for run in truth[pump]["runs"])
    moved = {(pump, run["command"]): run["moved_ml"] for pump in PUMPS for run in truth[pump]["runs"]}
    asked = {(dose.pump, dose.command) for dose in notes.doses}
    answered = [dose for dose in notes.doses if dose.status == 200]
    refused = [dose for dose in notes.doses if dose.status in _NOTHING_DONE]
    worst = 0.0
    for pump in PUMPS:
        own = [row for row in ledger if row["output"] == pump]
        cut = sum(row["outcome"] != "done" for row in own)
        off = abs(sum(row["counted_ml"] for row in own) - truth[pump]["moved_ml"])
        worst = max(worst, off - cut * _ROUNDING_ML)
    return [
        Figure("doses asked for", len(notes.doses), ""),
        Figure("doses begun", len(given), "", 1, at_least=True),
        Figure("doses cut off", sum(row["outcome"] != "done" for row in ledger), ""),
        Figure("doses given twice", sum(count - 1 for count in given.values()), "", 0),
        Figure("doses that nobody asked for", len(given.keys() - asked), "", 0),
        Figure("doses confirmed, and not given whole", _short(answered, moved), "", 0),
        Figure("doses refused, and begun", sum((dose.pump, dose.command) in given for dose in refused), "", 0),
        Figure("doses that the ledger left open", sum(row["outcome"] == "open" for row in ledger), "", 0),
        Figure("ledger and pump totals, apart beyond the rounding", max(0.0, round(worst, 6)), "ml", 0),
    ]


def _short(answered: Sequence[Dose], moved: dict[tuple[str, str], float]) -> int:
    return sum(moved.get((dose.pump, dose.command), 0.0) < dose.ml - 1e-6 for dose in answered)
