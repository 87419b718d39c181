"""Fifty pages' streams while a thousand values change each second: what they cost, and how soon a page knows."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any
from urllib.parse import urlencode

import aiohttp

from figures import Figure, median, percentile
from loaddriver import point_of
from loadrig import with_load
from programs import Bench, BenchError, Program, measure_cpu
from rig import web_section

PAGES = 50
POINTS = 1_000
"""Each with another value each second."""
WAIT_S = 3.0
SETTLE_S = 2.0
COMPLETE_S = 20.0
CPU_PERCENT = 30
MEMORY_MB = 40
DELAY_MS = 250
_WATCHED = ("alarms", "links", "health", "notices")
_LOOKS = 10
"""At memory, while pages are open."""


class LoadedService(Program):
    """`vigilia run` with nothing but the load; its history is off, so that only pages make a difference."""

    def __init__(self, bench: Bench, seconds: float) -> None:
        folder = bench.folder("service")
        self._report = folder / "report.json"
        config = folder / "vigilia.toml"
        load = f'[load]\npoints = {POINTS}\nseconds = {seconds}\nwait_s = {WAIT_S}\nreport = "{self._report}"\n'
        site = '[site]\nlanguage = "en"\ntimezone = "UTC"\n'
        config.write_text("\n".join([site, web_section(on=True), "[history]\nenabled = false\n", load]))
        super().__init__("the service", ("-m", "vigilia", "run", str(config)), folder, "vigilia ready")

    @property
    def address(self) -> str:
        """Where its pages are."""
        return self.lines[-1].removeprefix("vigilia ready").strip()

    async def load_over(self, within_s: float) -> None:
        """Wait until the load is over."""
        try:
            async with asyncio.timeout(within_s):
                while not self._report.exists():  # noqa: ASYNC110 - another process writes it
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise BenchError(f"the load was not over after {within_s:.0f} s") from None


class Page:
    """One page's stream, read as it comes."""

    def __init__(self, query: str) -> None:
        self.values: dict[str, Any] = {}
        self.delays: list[float] = []
        """From published to read here, of each change, in seconds."""
        self.complete = asyncio.Event()
        self.ended = ""
        """Why it ended; empty: it has not."""
        self._query = query

    async def read(self, http: aiohttp.ClientSession) -> None:
        """Read until cancelled."""
        try:
            async with http.get(self._query) as answer:
                while True:
                    self._take(await answer.content.readuntil(b"\n\n"))
        except (aiohttp.ClientError, asyncio.IncompleteReadError, ValueError) as error:
            self.ended = repr(error)
            self.complete.set()

    def _take(self, block: bytes) -> None:
        if not block.startswith(b"event: points\n"):
            self.ended = self.ended or ("" if block else "the service ended it")
            return
        event = json.loads(block.partition(b"data: ")[2])
        now = time.time()
        for name, value, _, _, moment in event["points"]:
            self.values[name] = value
            if self.complete.is_set() and moment is not None and name.startswith("LOAD-"):
                self.delays.append(now - moment)
        if event.get("complete"):
            self.complete.set()


async def stream(bench: Bench) -> list[Figure]:
    """All pages on the same points; then each on a half of them of its own."""
    names = [point_of(number).name for number in range(POINTS)]
    everything = [[] for _ in range(PAGES)]
    halves = [bench.chance.sample(names, POINTS // 2) for _ in range(PAGES)]
    figures = await _measure(bench, "", everything)
    if not bench.short:
        figures += await _measure(bench, "each page another half of the points: ", halves)
    return figures


async def _measure(bench: Bench, shape: str, selections: Sequence[Sequence[str]]) -> list[Figure]:
    seconds = bench.take(30, 6)
    load_s = 2 * (seconds + SETTLE_S) + 10
    async with with_load(LoadedService(bench, load_s)) as service:
        await asyncio.sleep(WAIT_S + SETTLE_S)
        cpu_alone = await measure_cpu(service, seconds)
        memory_alone = service.usage().pss_mb
        async with _open(service.address, selections) as pages:
            await asyncio.sleep(SETTLE_S)
            for page in pages:
                page.delays.clear()
            most_mb, cpu = await _watch(service, seconds)
            delays = [1000 * delay for page in pages for delay in page.delays]
            await service.load_over(load_s + 30)
            await asyncio.sleep(1)
            wrong = await _wrong(service.address, pages)
            ended = [page.ended for page in pages if page.ended]
    if ended:
        raise BenchError(f"{len(ended)} streams ended, the first with {ended[0]}")
    count = len(selections)
    rate = len(delays) / seconds / count
    return [
        Figure(
            f"{shape}changes that a page is told", rate, "a second", 0.9 * POINTS / (2 if shape else 1), at_least=True
        ),
        Figure(f"{shape}CPU that {count} pages cost", cpu - cpu_alone, "% of a core", CPU_PERCENT),
        Figure(f"{shape}CPU of the service without pages", cpu_alone, "% of a core"),
        Figure(f"{shape}memory that {count} pages cost at most", most_mb - memory_alone, "MB", MEMORY_MB),
        Figure(f"{shape}memory of the service without pages", memory_alone, "MB"),
        Figure(f"{shape}from published to a page, median", median(delays), "ms"),
        Figure(f"{shape}from published to a page, 99th percentile", percentile(delays, 99), "ms", DELAY_MS),
        Figure(f"{shape}from published to a page, longest", max(delays, default=float("nan")), "ms"),
        Figure(f"{shape}values that a page does not have right in the end", wrong, "", 0),
    ]


async def _watch(service: Program, seconds: float) -> tuple[float, float]:
    """Return the most memory in MB, and the CPU in percent of a core, over so many seconds."""
    cpu = asyncio.create_task(measure_cpu(service, seconds))
    most_mb = 0.0
    for _ in range(_LOOKS):
        await asyncio.sleep(seconds / (_LOOKS + 1))
        most_mb = max(most_mb, service.usage().pss_mb)
    return most_mb, await cpu


@contextlib.asynccontextmanager
async def _open(address: str, selections: Sequence[Sequence[str]]) -> AsyncGenerator[list[Page]]:
    """Open all pages' streams; each has its first list then."""
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(address, connector=connector, timeout=timeout, read_bufsize=2**20) as http:
        pages = [Page(_query(names)) for names in selections]
        tasks = [asyncio.create_task(page.read(http)) for page in pages]
        try:
            async with asyncio.timeout(COMPLETE_S):
                await asyncio.gather(*(page.complete.wait() for page in pages))
            yield pages
        except TimeoutError:
            raise BenchError(f"not every page had its first list after {COMPLETE_S:g} s") from None
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _query(names: Sequence[str]) -> str:
    parameters = [("compact", "true"), *(("watch", topic) for topic in _WATCHED), *(("name", name) for name in names)]
    return f"/api/v1/events?{urlencode(parameters)}"


async def _wrong(address: str, pages: Sequence[Page]) -> int:
    """Count the values of the load that a page has otherwise than the service."""
    async with aiohttp.ClientSession(address, raise_for_status=True) as http, http.get("/api/v1/points") as answer:
        true = {item["name"]: item["value"] for item in (await answer.json())["items"]}
    return sum(true[name] != value for page in pages for name, value in page.values.items() if name.startswith("LOAD-"))
