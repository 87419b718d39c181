"""The ledger of what outputs did: every millilitre asked, refused and confirmed, every second on, durable.

What an output is about to do is written, and on the disk, before the output is told; what came of it is written after.
So a crash at any instant leaves a trace: a dose that was begun and never settled counts as given until the pump's own
total says otherwise, and time on is charged ahead, in leases.

Budgets and limits are checked here, in memory, against all that counts; the disk is only read at the start.
"""

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from vigilia.agent.ledgerfile import Dose, LedgerError, LedgerFile, Memory, Run, Statement
from vigilia.agent.limits import DAY_S, Budget, Given, SystemTimes, Timeline, Times, first_seen
from vigilia.agent.parts import Rejected
from vigilia.errors import StartError

__all__ = ["Dose", "Ledger", "LedgerError", "Memory", "Run"]

_NOTE_S = 600.0
"""How often it is noted that the boot goes on, where nothing else is written."""
_CALIBRATING = "Calibrating"
_MOVED_S = 5.0
"""A wall clock that moved by more is noted at once."""


class Ledger:
    """The ledger in one SQLite file. It is opened once, at the start; every write is on the disk when it returns."""

    def __init__(self, path: Path, times: Times | None = None) -> None:
        """Open or make the file. Raises StartError where that cannot be."""
        self._times = times or SystemTimes()
        self._file = LedgerFile(path)
        try:
            self._load()
        except (sqlite3.Error, ValueError) as error:
            raise StartError(f"{path} is no ledger of doses that can be read ({error}): move it away") from error

    async def close(self) -> None:
        """Close the file."""
        await self._file.close()

    # ---- Time

    def now(self) -> float:
        """Return the present moment on the timeline of all boots."""
        return self._timeline.position(self._boot, self._times.elapsed())

    @property
    def boot(self) -> int:
        """The number of this boot of the computer, as doses have it."""
        return self._boot

    async def look(self) -> None:
        """Look at the clocks, now and then: a wall clock that moves must be noticed. Raises LedgerError."""
        elapsed = self._times.elapsed()
        seen = self._boots[-1].seen(elapsed, self._times.wall())
        moved = max(self._noted.low - seen.low, seen.high - self._noted.high) > _MOVED_S
        if moved or elapsed - self._noted.last > _NOTE_S:
            await self._write([])

    # ---- Doses

    def spent(self, output: str, budget: Budget) -> float:
        """Return what counts against a budget now, ml."""
        return budget.spent(self._given(output), self.now())

    def total(self, output: str) -> float:
        """Return all that the ledger says an output ever gave, ml."""
        return self._totals.get(output, 0.0)

    def since_dose(self, output: str) -> float | None:
        """Return how many seconds ago, at the least, the last dose ended, whoever asked for it; None: never."""
        now = self.now()
        ends = [
            now if dose.ended is None else self._timeline.position(dose.boot, dose.ended)
            for dose in self._doses.get(output, ())
        ]
        return max(0.0, now - max(ends)) if ends else None

    def open_doses(self, output: str) -> Sequence[Dose]:
        """Return the doses that were begun and never settled."""
        return [dose for dose in self._doses.get(output, ()) if dose.ended is None]

    async def begin(
        self, output: str, command: str, by: str, asked_ml: float, budgets: Sequence[Budget], total: float | None
    ) -> Dose:
        """Write that a dose is about to be given; it counts from now on. `total`: the pump's, before.

        Raises Rejected where it breaks a budget (that, too, is written) or the command was taken before; LedgerError.
        """
        self._refuse_known(command)
        for budget in budgets:
            reason = budget.refusal(asked_ml, self._given(output), self.now())
            if reason:
                await self.refuse(output, command, by, asked_ml, reason)
                raise Rejected(f"{output}: {reason}", over_limit=True)
        dose = Dose(self._next_id(), output, by, asked_ml, asked_ml, total, self._boot, self._times.elapsed())
        # In memory first: while the disk is written, nobody else may spend the same budget.
        self._doses.setdefault(output, []).append(dose)
        self._totals[output] = self.total(output) + asked_ml
        self._commands |= {command} - {""}
        try:
            await self._write([self._insertion(dose, command), *self._taking(command, output)])
        except LedgerError:
            self._doses[output].remove(dose)
            self._totals[output] -= asked_ml
            self._commands.discard(command)
            raise
        except asyncio.CancelledError:
            dose.ended = self._times.elapsed()  # the pump was told nothing; it may be on the disk all the same
            raise
        return dose

    async def refuse(self, output: str, command: str, by: str, asked_ml: float, reason: str) -> None:
        """Write that a dose was asked for and refused. Raises LedgerError."""
        await self._write(
            [
                (
                    'INSERT INTO refusals (output, command, "by", asked_ml, reason, time_ms) VALUES (?, ?, ?, ?, ?, ?)',
                    (output, command, by, asked_ml, reason, self._time_ms()),
                )
            ]
        )

    async def settle(
        self, dose: Dose, outcome: str, detail: str, confirmed_ml: float | None, counted_ml: float, total: float | None
    ) -> None:
        """Write how a dose ended, and with what totals of the pump. `confirmed_ml` None: nobody knows what it gave.

        `outcome`: "done", "stopped", "failed" or "unknown". Raises LedgerError; it goes on to count in full then.
        """
        ended = self._times.elapsed()
        await self._write(
            [
                (
                    "UPDATE doses SET counted_ml = ?, confirmed_ml = ?, total_after = ?, outcome = ?, detail = ?,"
                    " boot = ?, ended = ? WHERE id = ?",
                    (counted_ml, confirmed_ml, total, outcome, detail, self._boot, ended, dose.id),
                )
            ]
        )
        self._totals[dose.output] += counted_ml - dose.counted_ml
        dose.counted_ml, dose.boot, dose.ended = counted_ml, self._boot, ended
        self._forget_doses(dose.output)

    async def take_command(self, command: str, output: str) -> None:
        """Write that a command is taken, so that it never is again. Raises Rejected where it was; LedgerError."""
        self._refuse_known(command)
        self._commands |= {command} - {""}
        try:
            await self._write(self._taking(command, output))
        except LedgerError:
            self._commands.discard(command)
            raise

    # ---- Time on, and what outputs remember

    def memory(self, output: str) -> Memory:
        """Return what an output must not forget."""
        return self._memories.get(output, Memory())

    async def remember(self, output: str, memory: Memory) -> None:
        """Keep what an output must not forget. Raises LedgerError."""
        await self._write(
            [
                (
                    "INSERT INTO outputs VALUES (?, ?, ?, ?, 0) ON CONFLICT (name) DO UPDATE SET"
                    " streak = excluded.streak, wanted = excluded.wanted, latched = excluded.latched",
                    (output, memory.streak, json.dumps(dict(memory.wanted)), memory.latched),
                )
            ]
        )
        self._memories[output] = memory
        self._forget_runs(output)

    def calibrating_at(self, probe: str) -> float | None:
        """Return when a probe was last noted to be in calibration, on the timeline; None: it is not."""
        at = self.memory(probe).wanted.get(_CALIBRATING)
        return float(at) if isinstance(at, int | float) else None

    async def note_calibrating(self, probe: str, at: float | None) -> None:
        """Write that a probe is in calibration at a moment of the timeline; None: not any more. Raises LedgerError."""
        await self.remember(probe, Memory(wanted={} if at is None else {_CALIBRATING: at}))

    def streak_s(self, output: str) -> float:
        """Return how long an output was on, at the most, since it was last switched off on purpose."""
        streak = self.memory(output).streak
        return sum(run.charged_s for run in self._runs.get(output, ()) if run.streak == streak)

    def on_s(self, output: str, window_s: float = DAY_S) -> float:
        """Return how long an output was on within the last `window_s`, at the most."""
        now = self.now()
        seconds = 0.0
        for run in self._runs.get(output, ()):
            begun = self._timeline.position(run.boot, run.begun)
            seconds += max(0.0, min(now, begun + run.charged_s) - max(begun, now - window_s))
        return seconds

    async def begin_run(self, output: str, lease_s: float) -> Run:
        """Write that an output is about to be on, and charge it `lease_s` ahead. Raises LedgerError."""
        streak = self.memory(output).streak
        run = Run(self._next_id(), output, streak, self._boot, self._times.elapsed(), lease_s)
        row = (run.id, output, streak, run.boot, run.begun, lease_s, self._time_ms())
        await self._write([("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)", row)])
        self._runs.setdefault(output, []).append(run)
        return run

    async def charge(self, run: Run, seconds: float) -> None:
        """Have `seconds` charged for a run in all. Raises LedgerError."""
        await self._write([("UPDATE runs SET charged_s = ? WHERE id = ?", (seconds, run.id))])
        run.charged_s = seconds
        self._forget_runs(run.output)

    # ---- Inside

    def _load(self) -> None:
        self._boots = self._file.boots()
        now = first_seen(self._times.boot(), self._times.elapsed(), self._times.wall())
        if not self._boots or self._boots[-1].id != now.id:
            self._boots.append(now)
        self._boot = len(self._boots) - 1
        self._file.commit([self._note()])
        self._noted = self._boots[-1]
        self._memories = self._file.memories()
        self._commands = self._file.commands()
        self._totals = self._file.totals()
        doses, runs = self._file.doses(), self._file.runs()
        self._last_id = max((entry.id for entry in (*doses[-1:], *runs[-1:])), default=0)
        self._doses: dict[str, list[Dose]] = {}
        for dose in doses:
            self._doses.setdefault(dose.output, []).append(dose)
        self._runs: dict[str, list[Run]] = {}
        for run in runs:
            self._runs.setdefault(run.output, []).append(run)
        for output in self._doses:
            self._forget_doses(output)
        for output in self._runs:
            self._forget_runs(output)

    def _given(self, output: str) -> list[Given]:
        return [
            Given(
                dose.counted_ml,
                dose.by,
                None if dose.ended is None else self._timeline.position(dose.boot, dose.ended),
            )
            for dose in self._doses.get(output, ())
        ]

    def _forget_doses(self, output: str) -> None:
        """Keep in memory only the doses of a day, and the last one of each who asked."""
        now = self.now()
        newest = {dose.by: dose.id for dose in self._doses[output]}
        self._doses[output] = [
            dose
            for dose in self._doses[output]
            if dose.ended is None
            or now - self._timeline.position(dose.boot, dose.ended) < DAY_S
            or newest[dose.by] == dose.id
        ]

    def _forget_runs(self, output: str) -> None:
        """Keep in memory only what was on within a day, or since the output was last switched off on purpose."""
        now, streak = self.now(), self.memory(output).streak
        self._runs[output] = [
            run
            for run in self._runs.get(output, ())
            if run.streak == streak or now - self._timeline.position(run.boot, run.begun + run.charged_s) < DAY_S
        ]

    def _refuse_known(self, command: str) -> None:
        if command and command in self._commands:
            raise Rejected(f"command {command} was taken before, and is not done again: ask anew")

    def _insertion(self, dose: Dose, command: str) -> Statement:
        return (
            'INSERT INTO doses (id, output, command, "by", asked_ml, counted_ml, total_before, outcome, detail, boot,'
            " begun, time_ms) VALUES (?, ?, ?, ?, ?, ?, ?, 'open', '', ?, ?, ?)",
            (
                *(dose.id, dose.output, command, dose.by, dose.asked_ml, dose.counted_ml, dose.total_before),
                *(dose.boot, dose.begun, self._time_ms()),
            ),
        )

    def _taking(self, command: str, output: str) -> list[Statement]:
        row = (command, output, self._time_ms())
        return [("INSERT INTO commands (id, output, time_ms) VALUES (?, ?, ?)", row)] if command else []

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _time_ms(self) -> int:
        return round(self._times.wall() * 1000)

    async def _write(self, statements: list[Statement]) -> None:
        """Write `statements`, and with them how far this boot has come."""
        note = self._note()
        noted = self._boots[-1]
        await self._file.write([*statements, note])
        self._noted = noted

    def _note(self) -> Statement:
        boot = self._boots[-1].seen(self._times.elapsed(), self._times.wall())
        self._boots[-1] = boot
        self._timeline = Timeline(self._boots)
        return (
            "INSERT OR REPLACE INTO boots VALUES (?, ?, ?, ?, ?)",
            (self._boot, boot.id, boot.last, boot.low, boot.high),
        )
