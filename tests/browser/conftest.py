"""What tests of pages share: one site and one browser for each worker, and a way to look at pages.

A test takes `visit` (opens pages; see `Look`) or `page` (one page of the first look), and `site` or `service`.
It is a plain function and runs in the browser's thread.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from tests.browser import browsing
from tests.browser.browsing import BrowserThread, Look, Visit
from tests.browser.people import GuardedSite
from tests.browser.site import Service, Site
from tests.pages import built_pages

Open = Callable[..., Visit]


@pytest.fixture(scope="session")
def browser_thread() -> Iterator[BrowserThread]:
    """The thread that has the browser."""
    if not Path(browsing.CHROMIUM).is_file():
        pytest.skip("no chromium; on Debian: apt-get install chromium")
    thread = BrowserThread()
    yield thread
    thread.close()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that looks at pages where the browser is."""
    thread = pyfuncitem.funcargs.get("browser_thread")
    if not isinstance(thread, BrowserThread):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in signature(pyfuncitem.obj).parameters}
    thread.run(lambda: pyfuncitem.obj(**arguments))
    return True


@pytest.fixture(scope="session")
def pages() -> Path:
    """The folder of the pages, built where they are not what web/ says."""
    return built_pages()


@pytest.fixture(scope="session")
def site(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The whole site. What a test changes there it puts back, or makes sure that no other test minds."""
    with Site(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture(scope="session")
def guarded(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedSite]:
    """The whole site once more, in which people have to sign in: `tests.browser.people`."""
    with GuardedSite(tmp_path_factory.mktemp("guarded")) as made:
        yield made


@pytest.fixture
def serve(pages: Path, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts a service of the test's own, with a configuration."""
    with ExitStack() as cleanup:

        def start(configuration: str, *, kind: type[Service] = Service, **environment: str) -> Service:
            service = kind(tmp_path, configuration, environment)
            cleanup.callback(service.stop)
            return service

        yield start


@pytest.fixture
def visit(request: pytest.FixtureRequest, browser_thread: BrowserThread) -> Generator[Open, None, None]:
    """Gives a visit to a service: `visit(look).open("/points")`. Without `to=` it is the site's.

    Fails the test in the end where a page said an error in the console, asked another host, or missed an asset.
    """
    cleanup = ExitStack()

    def begin(look: Look | None = None, to: Service | None = None) -> Visit:
        target: Any = to or request.getfixturevalue("site")
        return cleanup.enter_context(browsing.visit(browser_thread.browser(), target.url, look or Look()))

    yield begin
    browser_thread.run(cleanup.close)


@pytest.fixture
def picture(browser_thread: BrowserThread) -> Callable[..., None]:
    """Takes a screenshot; keeps it as docs/assets/screens/NAME.png where VIGILIA_PICTURES=1 asks for new ones."""
    del browser_thread
    return browsing.picture
