"""A site whose service has run, and the terminal view on it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.unit.tui import full
from tests.unit.tui.site import Site, site_in, wait_for
from vigilia.config import load_views
from vigilia.language import use
from vigilia.tui.app import TopApp
from vigilia.tui.command import watch_of

PATIENCE_S = 30.0


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    use("en")
    yield
    use("en")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with two alarms, of which one is over, and some minutes' history of a run that has ended."""
    with site_in(tmp_path_factory.mktemp("site")) as site:
        with site.service():
            wait_for(lambda: site.point("SIM-01:Cam-01:PwrState-Raw")["value"] is not None)
            site.port_is("1", state="PPDS_FAULT")
            site.port_is("2", state="PPDS_FAULT")
            wait_for(lambda: len(site.alarms()) >= 2)
            site.port_is("2", state="PPDS_DELIVERING")
            wait_for(lambda: any(alarm["state"] == "returned" for alarm in site.alarms()))
        yield site


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """The folder of a site with much to show, of which no service runs."""
    await full.fill(tmp_path)
    return tmp_path


class View:
    """The terminal view under test."""

    def __init__(self, app: TopApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def text(self) -> str:
        """What is on the screen."""
        strips = self.app.screen._compositor.render_strips()  # noqa: SLF001 - what the terminal would be sent
        return "\n".join(strip.text.rstrip() for strip in strips)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, *parts: str | Callable[[], bool], seconds: float = PATIENCE_S) -> None:
        """Wait until the screen says all of it."""
        try:
            async with asyncio.timeout(seconds):
                while not all(part() if callable(part) else part in self.text for part in parts):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{parts} did not come; the screen says\n{self.text}") from None


@contextlib.asynccontextmanager
async def viewed(
    config: Path, environment: Mapping[str, str] | None = None, size: tuple[int, int] = (80, 24), **more: Any
) -> AsyncIterator[View]:
    """Show what a configuration leads to."""
    views = load_views(config, environment or {})
    watch = watch_of(views, environment or {})
    app = TopApp(watch, views.site.name, views.zone, **more)
    async with watch.at_work(), app.run_test(size=size) as pilot:
        yield View(app, pilot)


@pytest.fixture
async def down(site: Site) -> AsyncIterator[View]:
    """The view while the service is down."""
    async with viewed(site.config) as view:
        await view.until("service DOWN")
        yield view
