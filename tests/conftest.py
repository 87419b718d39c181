"""What holds for every test: a clean environment, no task left behind, and no silent skip where none is allowed."""

import asyncio
import inspect
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is slow, and that is no fault of what is tested.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# A shell has what it starts in the background ignore Ctrl-C, and so would the programs that tests press it for.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Read before the environment is cleaned for the tests.
NO_SKIP = os.environ.get("VIGILIA_NO_SKIP") == "1"
OURS = ("VIGILIA_", "PVOP_", "TEAMS_", "EPICS_")


async def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until something holds; a test fails where it does not in time."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.002)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what would configure the program or an EPICS client from outside the test."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def watch_tasks(request: pytest.FixtureRequest) -> None:
    """Have every asynchronous test watched: set up before, and so torn down after, the test's own fixtures."""
    if inspect.iscoroutinefunction(request.function):
        request.getfixturevalue("no_task_left")


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    """Fail a test that leaves a task pending; one that is ending has a second for it."""
    yield
    others = asyncio.all_tasks() - {asyncio.current_task()}
    pending = (await asyncio.wait(others, timeout=1.0))[1] if others else set()
    for task in pending:
        task.cancel()
    assert not pending, f"the test left {len(pending)} tasks pending: {pending}"
    # The thread of a database connection ends after it has given its last answer; the loop must live that long.
    deadline = time.monotonic() + 1.0
    while any("_connection_worker_thread" in thread.name for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "the test left a database open"
        await asyncio.sleep(0.001)


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, though VIGILIA_NO_SKIP=1: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report
