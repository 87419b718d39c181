"""Pages in a browser: how soon they show something, how soon they show a change, how they scroll, what they weigh.

The browser is a headless chromium without a graphics card: what it paints is painted by the cores that the service and
this program use as well.
"""

import asyncio
import contextlib
import json
import math
import re
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from playwright.async_api import Error as PlaywrightError

from figures import Figure, markdown, median, percentile, show_number, steps
from loadrig import with_load
from programs import Bench, BenchError, Program
from rig import Simulator
from wholesite import Equipment, Sizes, equipment

CHROMIUM = "/usr/bin/chromium"
POINTS = 5_000
CHANGING = 1_000
PAINT_MS = 1_500
CHANGE_MS = 250
WEIGHT_KB = 250
FULL = Sizes(plants=10, inverters=20, reactors=2, faults=20, writes=200)
FEW = Sizes(plants=3, inverters=4, reactors=1, faults=3, writes=10)
FRAMES = 59
"""A second; the screen of a headless browser has 60, and nobody counts better than that."""
SIGN_IN = "/sign-in"
_PAGES = Path(__file__).parents[1] / "web/src/pages.ts"
_USER = {"user": "bench", "password": "four words that measure"}

_MEANINGFUL = """
    const look = () => {
        const main = document.querySelector("main");
        const heading = main?.querySelector("h1");
        const rest = heading ? main.innerText.length - heading.innerText.length : 0;
        const listed = !LISTS.includes(location.pathname) || main?.querySelector("[role=gridcell]");
        const named = main?.innerText.includes(NAMES[location.pathname] ?? "");
        const there = rest > 20 && listed && named && !main.querySelector("[aria-busy=true]");
        if (there) setTimeout(() => (window.meaningful = performance.now()));
        else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
"""
"""A heading, and below it what the page is about (of a list its rows, of equipment its name): not before the browser
has painted it."""
_NAMES = {"/plants": "UFV 01", "/reactors": "R1"}
_LISTS = ("/points", "/alarms", "/incidents", "/notices", "/audit")
_CHANGES = """() => {
    window.changes = [];
    const grid = document.querySelector("[role=grid]");
    const said = new Map();
    for (const row of grid.querySelectorAll("[role=row]")) {
        const name = row.querySelector(".name bdi")?.textContent;
        if (name) said.set(name, parseFloat(row.querySelector(".value-cell").textContent));
    }
    let changed = new Map();
    new MutationObserver((records) => {
        const empty = changed.size === 0;
        for (const { target } of records) {
            const row = (target.parentElement ?? target).closest("[role=row]");
            const name = row?.querySelector(".name bdi")?.textContent;
            if (!name) continue;
            const value = parseFloat(row.querySelector(".value-cell").textContent);
            if (said.get(name) !== value) changed.set(name, value); // otherwise only how long ago it was has changed
            said.set(name, value);
        }
        if (empty && changed.size) requestAnimationFrame(() => setTimeout(() => {
            const now = (performance.timeOrigin + performance.now()) / 1000;
            for (const [name, value] of changed) window.changes.push([name, value, now]);
            changed = new Map();
        }));
    }).observe(grid, { subtree: true, characterData: true, childList: true });
}"""
"""What a row says, and when that was painted."""
_FRAMES = """() => {
    window.frames_at = [];
    const next = (at) => { window.frames_at.push(at); window.counting = requestAnimationFrame(next); };
    window.counting = requestAnimationFrame(next);
}"""

_ROWS = "Number(document.querySelector('[role=grid]')?.getAttribute('aria-rowcount'))"
_LONGEST_S = 30.0


class PagesService(Program):
    """`vigilia run` with equipment, the load and sign-in."""

    def __init__(self, bench: Bench, equipment: str, points: int, wait_s: float, seconds: float) -> None:
        """`equipment`: its sections. `wait_s`: until the values of the load begin to change."""
        folder = bench.folder("service")
        self._report = folder / "report.json"
        config = folder / "vigilia.toml"
        load = f'[load]\npoints = {points}\nseconds = {seconds}\nwait_s = {wait_s}\nreport = "{self._report}"\n'
        site = "" if "[site]" in equipment else '[site]\nlanguage = "en"\ntimezone = "UTC"\n'
        web = '[web]\nlisten = "127.0.0.1:0"\n[web.auth]\n'
        config.write_text("\n".join([site, web, "[history]\nenabled = false\n", equipment, load]))
        super().__init__("the service", ("-m", "vigilia", "run", str(config)), folder, "vigilia ready")

    @property
    def address(self) -> str:
        """Where its pages are."""
        return self.lines[-1].removeprefix("vigilia ready").strip()

    @property
    def headers(self) -> dict[str, str]:
        """What lets this program in."""
        token = (self.folder / "state/local.token").read_text().strip()
        return {"Authorization": f"Bearer {token}"}

    async def add_user(self) -> None:
        """Add the one who looks at pages."""
        body = {"name": _USER["user"], "password": _USER["password"], "role": "admin"}
        async with (
            aiohttp.ClientSession(self.address, headers=self.headers, raise_for_status=True) as http,
            http.post("/api/v1/users", json=body),
        ):
            pass

    @property
    def load_over(self) -> bool:
        """Whether values stand still again."""
        return self._report.exists()


async def pages(bench: Bench) -> list[Figure]:
    """Load every page; then scroll 5,000 points while they change, and when they do not."""
    wait_s, load_s = bench.take(180, 45), bench.take(25, 10)  # pages are loaded while values wait
    async with (
        equipment(bench, FEW if bench.short else FULL) as site,
        _full_service(bench, site, wait_s, load_s) as (
            service,
            began,
        ),
        _browser() as browser,
    ):
        figures = await _load_all(bench, browser, service)
        if time.monotonic() > began + wait_s:
            raise BenchError(f"the pages were not loaded within the {wait_s:.0f} s before values change")
        page = await _points(browser, service, POINTS)
        await asyncio.sleep(max(0.0, wait_s + 3 - (time.monotonic() - began)))
        moving = await _scroll(page, bench.take(10, 3))
        await _wait_for_rest(service, load_s + 30)
        at_rest = await _scroll(page, bench.take(10, 3))
    return [
        *figures,
        *_frame_figures(f"scrolling {POINTS:,} points", at_rest, FRAMES),
        *_frame_figures(f"the same while all of them change each second ({POINTS:,} a second)", moving, None),
    ]


async def changes(bench: Bench) -> list[Figure]:
    """How soon a change is painted, where 1,000 points change each second, and a hundred of them are on the page."""
    wait_s, seconds = 8.0, bench.take(20, 4)
    async with _service(bench, CHANGING, wait_s, seconds + 15) as (service, began), _browser() as browser:
        page = await _points(browser, service, CHANGING)
        await asyncio.sleep(max(0.0, wait_s + 3 - (time.monotonic() - began)))
        delays = await _changes(page, service, seconds)
    return [
        Figure("from published to painted, median", median(delays), "ms"),
        Figure("from published to painted, 99th percentile", percentile(delays, 99), "ms", CHANGE_MS),
        Figure("from published to painted, longest", max(delays, default=math.nan), "ms"),
        Figure("changes that were seen", len(delays), "", 20, at_least=True),
    ]


@contextlib.asynccontextmanager
async def _service(
    bench: Bench, points: int, wait_s: float, seconds: float
) -> AsyncGenerator[tuple[PagesService, float]]:
    """Run the service; give it, and when its load began to wait."""
    async with (
        Simulator(bench, switches=2) as sim,
        with_load(PagesService(bench, sim.config, points, wait_s, seconds)) as service,
    ):
        began = time.monotonic()
        await service.add_user()
        yield service, began


@contextlib.asynccontextmanager
async def _full_service(
    bench: Bench, site: Equipment, wait_s: float, seconds: float
) -> AsyncGenerator[tuple[PagesService, float]]:
    """The same with a whole site, which it knows by then."""
    started = PagesService(bench, site.config, POINTS, wait_s, seconds)
    started.environment |= site.environment
    async with with_load(started) as service:
        began = time.monotonic()
        await service.add_user()
        await site.settle(service.address, service.headers)
        yield service, began


@contextlib.asynccontextmanager
async def _browser() -> AsyncGenerator[Browser]:
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        except PlaywrightError as error:
            raise BenchError(f"{CHROMIUM} does not start (on Debian: apt-get install chromium): {error}") from error
        try:
            yield browser
        finally:
            await browser.close()


async def _context(browser: Browser, service: PagesService, *, inside: bool = True) -> BrowserContext:
    """Return a browser that has nothing in its cache; `inside`: somebody has signed in."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    if inside:
        answer = await context.request.post(f"{service.address}/api/v1/session", data=_USER)
        if not answer.ok:
            raise BenchError(f"nobody could sign in: {await answer.text()}")
    return context


async def _load_all(bench: Bench, browser: Browser, service: PagesService) -> list[Figure]:
    """Load every page as often as there is time for, with nothing in the cache."""
    rows: list[list[str]] = []
    paints: dict[str, list[float]] = {}
    weights: dict[str, float] = {}
    for path in re.findall(r'path: "([^"]+)"', _PAGES.read_text(encoding="utf-8")):
        loads = [await _load(browser, service, path) for _ in range(int(bench.take(7, 1)))]
        paints[path] = [paint for paint, _, _ in loads]
        weights[path] = max(weight for _, weight, _ in loads)
        told = max(data for _, _, data in loads)
        rows.append([f"`{path}`", *map(show_number, (median(paints[path]), max(paints[path]), weights[path], told))])
    head = ("Page", "First meaningful paint (ms), median", "longest", "Weight (kB)", "Data, when it was painted (kB)")
    bench.tables.append(markdown(head, rows))
    slowest = max(paints, key=lambda path: median(paints[path]))
    heaviest = max(weights, key=lambda path: weights[path])
    return [
        Figure(f"first meaningful paint, slowest page ({slowest}), median", median(paints[slowest]), "ms", PAINT_MS),
        Figure("first meaningful paint, longest of all", max(map(max, paints.values())), "ms", PAINT_MS),
        Figure(f"weight of the heaviest page ({heaviest}), compressed", weights[heaviest], "kB", WEIGHT_KB),
    ]


async def _load(browser: Browser, service: PagesService, path: str) -> tuple[float, float, float]:
    """Return when a page was painted (ms), what it weighs, and what it had been told by then (kB)."""
    context = await _context(browser, service, inside=path != SIGN_IN)
    try:
        meant = _MEANINGFUL.replace("LISTS", json.dumps(_LISTS)).replace("NAMES", json.dumps(_NAMES))
        await context.add_init_script(meant)
        page = await context.new_page()
        received: dict[str, float] = {}
        addresses: dict[str, str] = {}
        system = await context.new_cdp_session(page)
        await system.send("Network.enable")
        system.on(
            "Network.requestWillBeSent", lambda event: addresses.update({event["requestId"]: event["request"]["url"]})
        )
        system.on("Network.dataReceived", lambda event: _count(received, event))
        system.on(
            "Network.loadingFinished", lambda event: received.update({event["requestId"]: event["encodedDataLength"]})
        )
        await page.goto(service.address + path)
        await _until(page, "window.meaningful")
        painted = await page.evaluate("window.meaningful")
        await page.wait_for_load_state("load")
        sizes = [("/api/" in addresses.get(request, ""), size / 1000) for request, size in received.items()]
        return painted, sum(size for data, size in sizes if not data), sum(size for data, size in sizes if data)
    finally:
        await context.close()


def _count(received: dict[str, float], event: dict[str, Any]) -> None:
    received[event["requestId"]] = received.get(event["requestId"], 0) + event["encodedDataLength"]


async def _until(page: Page, holds: str) -> None:
    """Wait until an expression holds. The policy of the pages keeps Playwright's own way from working."""
    try:
        async with asyncio.timeout(_LONGEST_S):
            while not await page.evaluate(holds):  # noqa: ASYNC110 - the browser is another process
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise BenchError(f"{page.url}: not within {_LONGEST_S:g} s: {holds}") from None


async def _points(browser: Browser, service: PagesService, points: int) -> Page:
    page = await (await _context(browser, service)).new_page()
    await page.goto(f"{service.address}/points")
    await _until(page, f"{_ROWS} >= {points}")
    return page


async def _changes(page: Page, service: PagesService, seconds: float) -> list[float]:
    """Return how long each change took from published to painted, in ms."""
    await page.get_by_role("searchbox").first.fill("LOAD-004")
    await _until(page, f"{_ROWS} < 150")
    published: dict[tuple[str, float], float] = {}
    listening = asyncio.create_task(_listen(service, published))
    try:
        await asyncio.sleep(1)
        await page.evaluate(_CHANGES)
        await asyncio.sleep(seconds)
        seen = await page.evaluate("window.changes")
        await asyncio.sleep(1)
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
    return [1000 * (at - published[name, value]) for name, value, at in seen if (name, value) in published]


async def _listen(service: PagesService, published: dict[tuple[str, float], float]) -> None:
    """Note when each value was published, as the stream of another client tells it."""
    timeout = aiohttp.ClientTimeout(total=None)
    query = "/api/v1/events?compact=true&q=LOAD-004"
    headers = service.headers
    async with (
        aiohttp.ClientSession(service.address, headers=headers, timeout=timeout, read_bufsize=2**20) as http,
        http.get(query) as answer,
    ):
        async for line in answer.content:
            if line.startswith(b"data: {") and b'"points"' in line:
                for name, value, _, _, moment in json.loads(line[6:])["points"]:
                    if moment is not None:
                        published[name, value] = moment


async def _scroll(page: Page, seconds: float) -> list[float]:
    """Turn the wheel over the list, down and up again; return how long each frame took, in ms."""
    grid = page.get_by_role("grid").first
    box = await grid.bounding_box()
    if box is None:
        raise BenchError("there is no list to scroll")
    await grid.evaluate("element => (element.scrollTop = 0)")
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await page.mouse.wheel(0, 200)
    await page.evaluate(_FRAMES)
    end = time.monotonic() + seconds
    turn = 0
    while time.monotonic() < end:
        await page.mouse.wheel(0, 240 if turn % 400 < 200 else -240)
        await asyncio.sleep(0.012)
        turn += 1
    frames: list[float] = await page.evaluate("cancelAnimationFrame(window.counting), window.frames_at")
    if await grid.evaluate("element => element.scrollTop") == 0 and turn % 400 > 20:
        raise BenchError("the list did not scroll")
    return steps(frames)


async def _wait_for_rest(service: PagesService, within_s: float) -> None:
    try:
        async with asyncio.timeout(within_s):
            while not service.load_over:  # noqa: ASYNC110 - another process ends it
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise BenchError(f"the load was not over after {within_s:.0f} s") from None
    await asyncio.sleep(1)


def _frame_figures(what: str, frames: list[float], limit: float | None) -> list[Figure]:
    rate = 1000 * len(frames) / sum(frames) if frames else float("nan")
    late = 100 * sum(frame > 25 for frame in frames) / len(frames) if frames else float("nan")
    return [
        Figure(f"{what}: frames", rate, "a second", limit, at_least=True),
        Figure(f"{what}: a frame, 99th percentile", percentile(frames, 99), "ms"),
        Figure(f"{what}: frames that came late (> 25 ms)", late, "%"),
    ]
