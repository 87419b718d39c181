"""One scripted day under `kill -9`: simulator and service as processes, kills, faults, and what is left at the end."""

import asyncio
import contextlib
import json
import os
import random
import re
import sqlite3
import sys
import time
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import aiohttp

from programs import Bench, BenchError, Program
from told import Receipt, receipt
from verdict import ZONE, Evidence, Scan, Verdict, judge, read_incidents
from vigilia.sim.pvoperation.generate import generate
from vigilia.sim.pvoperation.script import Outage, Plant, Script, Trip
from vigilia.sim.pvoperation.scriptfile import describe_script

FIRST_DAY = date(2026, 3, 10)
DAWN_H, EVENING_H = 5 + 50 / 60, 18.5
"""When the day begins; and when kills and faults end, an hour after the last thing that the script has happen."""
DRAIN_S = 90.0

_WEBHOOK_FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("429", {"count": 2, "retry_after_s": 30}),
    ("429", {"count": 1, "retry_after_s": 300, "as_date": False}),
    ("429", {"duration_s": 900}),
    ("500", {"count": 3}),
    ("500", {"duration_s": 1800}),
    ("refuse", {"duration_s": 600}),
    ("refuse", {"duration_s": 2400}),
    ("reset", {"count": 2}),
    ("delivery-failed", {"count": 2}),
    ("lost-answer", {"count": 1}),
    ("lost-answer", {"count": 1}),
    ("hang", {"count": 1}),
]
"""Of the webhook. Durations and waits are those of the simulated clock."""
_API_FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("500", {"count": 3}),
    ("503", {"duration_s": 900}),
    ("429", {"count": 2, "retry_after_s": 20}),
    ("reset", {"count": 3}),
    ("refuse", {"duration_s": 900}),
    ("garbage", {"count": 3}),
    ("html", {"count": 2}),
    ("wrong-shape", {"count": 3}),
    ("error-text", {"count": 3}),
    ("empty-plants", {"count": 1}),
    ("missing-day", {"count": 3}),
    ("duplicates", {"duration_s": 1800}),
    ("out-of-order", {"duration_s": 1800}),
    ("repeat-last", {"duration_s": 1800}),
    ("always-expired", {"count": 2}),
    ("expire", {}),
    ("hang", {"count": 1}),
]
_COMPLETE = re.compile(
    r"^(?P<at>\S+ \S+) INFO +(?P<family>relay|inverter) scan: [1-9].* 0 without data, 0 not read.* (?P<took>[\d.]+) s$"
)


@dataclass(frozen=True)
class Plan:
    """How a day goes. Intervals are means, in real seconds; 0: never."""

    seed: int
    speed: float = 600.0
    plants: int = 6
    inverters: int = 4
    kill_every_s: float = 6.0
    webhook_fault_every_s: float = 3.0
    api_fault_every_s: float = 4.0
    until_h: float = EVENING_H


def script_of(plan: Plan) -> Script:
    """The day that belongs to the plan: most plants as the simulator makes them, and one in which relays trip while
    inverters have failed already."""
    chance = random.Random(plan.seed)
    script = generate(plan.plants, plan.inverters, 2, seed=plan.seed, first_day=FIRST_DAY, zones=[ZONE])
    quiet = generate(plan.plants, plan.inverters, 2, seed=plan.seed, first_day=FIRST_DAY, zones=[ZONE], events=False)
    evening = next(iter(script.plants.values())).moment(datetime.combine(FIRST_DAY, datetime.min.time()))
    evening += EVENING_H * 3600
    for plant in script.plants.values():
        for relay in plant.relays.values():  # at night nothing happens: the day may be judged late, on a busy machine
            relay.trips = [trip for trip in relay.trips if trip.start < evening]
    covered = [*quiet.plants.values()][-1]
    _cover(covered, chance)
    return Script([*[*script.plants.values()][:-1], covered], FIRST_DAY)


def _cover(plant: Plant, chance: random.Random) -> None:
    """Twice on the day a relay trips at any time after inverters have begun to fail: told, or not told yet."""
    for hour in (7, 12):
        start = plant.moment(datetime.combine(FIRST_DAY, datetime.min.time()) + timedelta(hours=hour))
        for inverter in plant.inverters.values():
            begin = start + 60 * chance.randrange(5, 60)
            inverter.outages.append(Outage(begin, begin + 60 * chance.randrange(60, 150)))
        begin = start + 60 * chance.randrange(20, 100)
        relay = chance.choice([*plant.relays.values()])
        relay.trips.append(Trip(begin, begin + 60 * chance.randrange(15, 60), ("r59A",)))


class PvSimulator(Program):
    """`vigilia sim pvoperation` with a script, and its control service."""

    def __init__(self, bench: Bench, script: Script, speed: float) -> None:
        folder = bench.folder("sim")
        path = folder / "script.json"
        path.write_text(json.dumps(describe_script(script)))
        arguments = ("-m", "vigilia", "sim", "pvoperation", "--script", str(path), "--speed", str(speed))
        super().__init__("the simulator", (*arguments, "--latency-ms", "5"), folder, "vigilia sim ready")
        self.speed = speed
        self.watched: dict[str, str] = {}
        """The environment of a service that watches these plants."""
        self._http: aiohttp.ClientSession | None = None
        self._anchor = (0.0, 0.0)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        control = next(line.partition(" ")[2] for line in self.lines if line.startswith("control "))
        self.watched = {
            name: value.strip("'") for name, _, value in (line.partition("=") for line in self.lines) if value
        }
        del self.watched["VIGILIA_CLOCK"]
        self._http = aiohttp.ClientSession(control, raise_for_status=True, timeout=aiohttp.ClientTimeout(total=30))
        await self.ask("POST", "/clock", {})
        # The quickest of some answers tells best what the simulator's clock shows at which moment.
        best = float("inf")
        for _ in range(10):
            before = time.monotonic()
            now: float = (await self.ask("GET", "/clock"))["now"]
            after = time.monotonic()
            if after - before < best:
                best, self._anchor = after - before, (now, (before + after) / 2)
        return self

    async def stop(self) -> tuple[int, float]:
        """Close the control connection, then end the program."""
        if self._http is not None:
            await self._http.close()
        return await super().stop()

    @property
    def anchor(self) -> tuple[str, str, str]:
        """What the clock showed, at which moment of the machine's, and its speed: as `clocked.py` takes them."""
        return (repr(self._anchor[0]), repr(self._anchor[1]), f"{self.speed:g}")

    def now(self) -> float:
        """What the simulator's clock shows now."""
        return self._anchor[0] + (time.monotonic() - self._anchor[1]) * self.speed

    def of_wall(self, moment: float) -> float:
        """What the simulator's clock shows at a moment of the machine's real-time clock."""
        return self.now() + (moment - time.time()) * self.speed

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask the control service."""
        assert self._http is not None, "the simulator was not started"
        async with self._http.request(method, path, json=body) as answer:
            return await answer.json()


@dataclass
class Watcher:
    """`vigilia run`, started again and again on one data directory."""

    sim: PvSimulator
    folder: Path
    starts: int = 0
    _process: asyncio.subprocess.Process | None = None

    @property
    def store(self) -> Path:
        """Its store."""
        return self.folder / "state" / "vigilia.db"

    async def start(self) -> None:
        """Start it by the simulator's present clock."""
        self.starts += 1
        script = Path(__file__).with_name("clocked.py")
        with (self.folder / "output.txt").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, str(script), *self.sim.anchor),
                cwd=self.folder,
                env={**os.environ, "VIGILIA_WEB__LISTEN": "127.0.0.1:0", **self.sim.watched},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    async def kill(self) -> None:
        """End it without any warning. Raises BenchError where it has ended by itself."""
        process = self._running()
        if process.returncode is not None:
            raise BenchError(f"the service ended by itself with {process.returncode}: {self.last_words()}")
        process.kill()
        await process.wait()

    async def stop(self) -> int:
        """End it as an operator would; return its exit code."""
        process = self._running()
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(15):
            return await process.wait()

    async def gone(self) -> None:
        """Make sure that it does not outlive the day."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def ready(self) -> int:
        """How many of its starts came to the ready line."""
        return self.text().count("vigilia ready ")

    def text(self) -> str:
        """What it printed and logged."""
        return (self.folder / "output.txt").read_text(errors="replace")

    def last_words(self) -> str:
        """The end of what it printed."""
        return self.text().strip()[-600:]

    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "the service was not started"
        return self._process


@dataclass
class Day:
    """A day under way."""

    plan: Plan
    sim: PvSimulator
    watcher: Watcher
    chance: random.Random
    kills: list[float] = field(default_factory=list[float])

    async def live(self) -> Verdict:
        """Go through the day, and judge it."""
        evening = datetime.combine(FIRST_DAY, datetime.min.time(), ZONE).timestamp() + self.plan.until_h * 3600
        await self._begin()
        tasks = [
            asyncio.create_task(self._inject("teams", _WEBHOOK_FAULTS, self.plan.webhook_fault_every_s)),
            asyncio.create_task(self._inject("api", _API_FAULTS, self.plan.api_fault_every_s)),
        ]
        try:
            await self._kill_until(evening)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
        await self._drain(evening)
        return await self._judge()

    async def _begin(self) -> None:
        """Start for the first time, killed once meanwhile; and wait for a complete scan.

        Without a checkpoint a scan begins at midnight: what had never read anything would know nothing of the day if
        a busy machine let it read only after the next midnight. Raises BenchError.
        """
        await self.watcher.start()
        if self.plan.kill_every_s:
            await asyncio.sleep(self.chance.uniform(0, 3))
            await self._kill()
        try:
            async with asyncio.timeout(DRAIN_S):
                while {scan.family for scan in self._scans()} != {"relay", "inverter"}:  # noqa: ASYNC110 - a log
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise BenchError(f"no complete scan within {DRAIN_S:g} s: {self.watcher.last_words()}") from None

    async def _kill(self) -> None:
        await self.watcher.kill()
        self.kills.append(self.sim.now())
        await self.watcher.start()

    async def _kill_until(self, evening: float) -> None:
        while True:
            left = (evening - self.sim.now()) / self.sim.speed
            pause = self.chance.expovariate(1 / self.plan.kill_every_s) if self.plan.kill_every_s else left
            await asyncio.sleep(max(0.0, min(pause, left)))
            if pause >= left and not self.plan.kill_every_s:
                return
            # The last kill is that of the evening: what hangs would hold the day up for as long as its deadline.
            await self._kill()
            if pause >= left:
                return

    async def _inject(self, server: str, faults: list[tuple[str, dict[str, Any]]], every_s: float) -> None:
        """Put faults in force at random, until cancelled."""
        while every_s:
            await asyncio.sleep(self.chance.expovariate(1 / every_s))
            kind, options = self.chance.choice(faults)
            body = {"fault": kind, **options}
            if server == "api" and kind != "expire" and self.chance.random() < 0.5 and "duration_s" not in options:
                body["path"] = self.chance.choice(("day_relay", "day_inverter"))
                if kind in ("empty-plants", "always-expired"):
                    del body["path"]
            await self.sim.ask("POST", f"/{server}/faults", body)

    async def _drain(self, evening: float) -> None:
        """End all faults, and wait until all was scanned once more and everything is told. Raises BenchError."""
        for server in ("api", "teams"):
            await self.sim.ask("DELETE", f"/{server}/faults")
        since = max(evening, self.sim.now())
        try:
            async with asyncio.timeout(DRAIN_S):
                while True:
                    done = {scan.family for scan in self._scans() if scan.began >= since}
                    if done == {"relay", "inverter"} and not self._waiting():
                        return
                    await asyncio.sleep(0.1)
        except TimeoutError:
            words = f"{self._waiting()} notices wait; {self.watcher.last_words()}"
            raise BenchError(f"the evening did not come to rest within {DRAIN_S:g} s: {words}") from None

    def _waiting(self) -> int:
        with contextlib.closing(sqlite3.connect(f"file:{self.watcher.store}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM outbox WHERE delivered_at IS NULL").fetchone()[0]

    def _scans(self) -> list[Scan]:
        """The complete scans, by what the service logged when each was done."""
        found: list[Scan] = []
        for name in ("rele", "inversor"):
            for path in sorted((self.watcher.folder / "logs" / name).glob(f"{name}.log*")):
                for line in path.read_text(errors="replace").splitlines():
                    if match := _COMPLETE.match(line):
                        at = datetime.strptime(match["at"], "%Y-%m-%d %H:%M:%S,%f")  # noqa: DTZ007 - as logged: local
                        done = self.sim.of_wall(at.timestamp())
                        # The log's last digit, and the clock's: a second of the simulated day at most.
                        found.append(Scan(match["family"], done - float(match["took"]) - 1, done))
        return found

    async def _judge(self) -> Verdict:
        cards = (await self.sim.ask("GET", "/teams/cards"))["items"]
        posts = (await self.sim.ask("GET", "/teams/requests"))["items"]
        incidents = read_incidents(self.watcher.store)
        receipts: list[Receipt] = [receipt(card) for card in cards]
        lost = _lost(receipts, posts)
        code = await self.watcher.stop()

        async def truth(dropped: Any) -> list[dict[str, Any]]:
            query = "&".join(f"dropped={name}" for name in dropped)
            return (await self.sim.ask("GET", f"/truth?{query}"))["items"]

        evidence = Evidence(receipts, incidents, self._scans(), self.kills, lost, self.sim.speed)
        verdict = await judge(evidence, truth)
        verdict.kills_before_ready = self.watcher.starts - self.watcher.ready()
        if code:
            verdict.faults["exit code"].append(f"{code} on SIGTERM")
        self._look_at_output(verdict)
        return verdict

    def _look_at_output(self, verdict: Verdict) -> None:
        """See that nothing secret was written, and that no start met a fault of the program."""
        secrets = (self.sim.watched["PVOP_PASSWORD"], self.sim.watched["TEAMS_WEBHOOK_URL"].rpartition("sig=")[2])
        for path in self.watcher.folder.rglob("*"):
            content = path.read_bytes() if path.is_file() else b""
            verdict.faults["secrets"] += [str(path) for secret in secrets if secret.encode() in content]
            if content and path.suffix != ".db":
                verdict.faults["tracebacks"] += ["in " + path.name] if b"Traceback" in content else []
        verdict.faults = {what: found for what, found in verdict.faults.items() if found}


def _lost(receipts: list[Receipt], posts: list[dict[str, Any]]) -> set[int]:
    """Return the numbers of cards whose answer was lost: their request, the last one before them, has no status."""
    found: set[int] = set()
    for card in receipts:
        own = [post for post in posts if post["time"] <= card.time]
        if own and own[-1]["status"] is None:
            found.add(card.number)
    return found


async def run_day(bench: Bench, plan: Plan) -> Verdict:
    """Run one day. Raises BenchError where it cannot be brought to its end."""
    folder = bench.folder(f"service-{plan.seed}")
    async with PvSimulator(bench, script_of(plan), plan.speed) as sim:
        watcher = Watcher(sim, folder)
        try:
            return await Day(plan, sim, watcher, random.Random(plan.seed)).live()
        finally:
            await watcher.gone()
