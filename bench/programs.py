"""Programs under measurement: started as processes, ended by SIGTERM, and what they use of the machine."""

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil

START_S = 60.0
STOP_S = 15.0


class BenchError(Exception):
    """A figure could not be measured: what was waited for did not come."""


@dataclass
class Bench:
    """What every measurement is given: a directory of its own, and how long to measure."""

    directory: Path
    short: bool = False
    minutes: float = 30.0
    """Length of the soak."""
    chance: random.Random = field(default_factory=lambda: random.Random(20))
    tables: list[str] = field(default_factory=list)
    """Markdown tables that a measurement has besides its figures."""

    def take(self, full: float, short: float) -> float:
        """How long to measure, or how often."""
        return short if self.short else full

    def folder(self, name: str) -> Path:
        """A new directory."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.directory))


class Program:
    """A program that prints a line when it is ready and ends on SIGTERM: `async with Program(…) as program:`."""

    def __init__(self, name: str, arguments: Sequence[str], folder: Path, ready: str, *, cores: int = 0) -> None:
        self.name = name
        self.ready_s = 0.0
        """Seconds from its start to its ready line."""
        self.started = 0.0
        self.lines: list[str] = []
        """What it printed until it was ready."""
        self.environment: dict[str, str] = {}
        self.folder = folder
        self._arguments = arguments
        self._ready = ready
        self._cores = cores
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        with (self.folder / "stderr.txt").open("wb") as errors:
            self.started = time.monotonic()
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._arguments,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        if self._cores and (psutil.cpu_count() or 1) > self._cores:
            psutil.Process(self._process.pid).cpu_affinity(list(range(self._cores)))
        try:
            async with asyncio.timeout(START_S):
                await self._wait_ready(self._process)
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> tuple[int, float]:
        """End it with SIGTERM; return its exit code and how many seconds that took. Raises BenchError if it stays."""
        process = self._running()
        began = time.monotonic()
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                code = await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise BenchError(f"{self.name} did not end within {STOP_S:g} s of SIGTERM") from None
        return code, time.monotonic() - began

    async def tell(self, line: str) -> None:
        """Give it a line on its standard input."""
        stdin = self._running().stdin
        assert stdin is not None
        stdin.write(line.encode() + b"\n")
        await stdin.drain()

    def usage(self) -> "Usage":
        """What the program and all its descendants use now. Raises BenchError if it has ended."""
        try:
            return Usage.of(self._running().pid)
        except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError) as error:
            raise BenchError(f"{self.name} ended while it was measured{self._last_words()}") from error

    def memory_alone_mb(self) -> float:
        """The memory of the program and its descendants if no other program shared a page with them.

        Simulator and bench run the same Python: what the service shares with them its proportional set size counts in
        part only. Here a file counts once, at the most that any one process of the tree has of it.
        """
        root = psutil.Process(self._running().pid)
        files: dict[str, int] = {}
        private = 0
        for process in (root, *root.children(recursive=True)):
            for mapping in process.memory_maps(grouped=True):
                written = mapping.private_dirty if mapping.path.startswith("/") else mapping.rss
                private += written
                files[mapping.path] = max(files.get(mapping.path, 0), mapping.rss - written)
        return (private + sum(files.values())) / 1e6

    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None, f"{self.name} was not started"
        return self._process

    async def _wait_ready(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while not (self.lines and self.lines[-1].startswith(self._ready)):
            line = await process.stdout.readline()
            if not line:
                raise BenchError(f"{self.name} ended before it was ready{self._last_words()}")
            self.lines.append(line.decode().rstrip())
        self.ready_s = time.monotonic() - self.started

    def _last_words(self) -> str:
        text = (self.folder / "stderr.txt").read_text(errors="replace").strip()
        return f": {text[-600:]}" if text else ""


@dataclass(frozen=True)
class Usage:
    """What a tree of processes uses at a moment."""

    pss_mb: float
    """Proportional set size of all its processes: a page that N processes share counts 1/N in each."""
    cpu_s: float
    threads: int
    files: int
    processes: int

    @classmethod
    def of(cls, pid: int) -> Self:
        """Look at process `pid` and all its descendants."""
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
        times = [process.cpu_times() for process in tree]
        return cls(
            pss_mb=sum(_pss_kb(process.pid) for process in tree) * 1024 / 1e6,
            cpu_s=sum(spent.user + spent.system for spent in times),
            threads=sum(process.num_threads() for process in tree),
            files=sum(process.num_fds() for process in tree),
            processes=len(tree),
        )


def _pss_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


async def measure_cpu(program: Program, seconds: float) -> float:
    """The CPU time a program takes for `seconds`, in percent of one core."""
    before, began = program.usage().cpu_s, time.monotonic()
    await asyncio.sleep(seconds)
    return 100 * (program.usage().cpu_s - before) / (time.monotonic() - began)
