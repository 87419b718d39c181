"""What the service manager is told, over a real datagram socket in systemd's place."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.conftest import until
from vigilia.systemd import NotifySocket, ServiceManager


class Manager:
    """systemd's side: keeps every message."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._end.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._end.setblocking(False)
        self._messages: list[str] = []

    @property
    def messages(self) -> list[str]:
        while True:
            try:
                self._messages.append(self._end.recv(65_536).decode())
            except BlockingIOError:
                return self._messages

    def close(self) -> None:
        self._end.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "n") if request.param == "path" else f"@vigilia-test-{os.getpid()}-{id(request)}")
    yield manager
    manager.close()


def nothing_stuck() -> list[str]:
    return []


async def fine() -> str:
    return "fine"


@asynccontextmanager
async def running(*services: Coroutine[None, None, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(service) for service in services]
    try:
        yield
        assert not any(task.done() for task in tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def test_the_variables_are_taken_from_the_environment_of_children(manager: Manager) -> None:
    environment = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "", "PATH": "/bin"}
    notifier = NotifySocket.take(environment)
    assert environment == {"PATH": "/bin"}
    assert (notifier.wanted, notifier.watchdog_s) == (True, 3.0)
    assert notifier.send("READY=1", "STATUS=on watch")
    assert manager.messages == ["READY=1\nSTATUS=on watch"]


@pytest.mark.parametrize(
    "environment",
    [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}, {"WATCHDOG_USEC": "1000000"}],
    ids=["none", "empty", "unknown kind", "watchdog without a socket"],
)
def test_without_a_socket_nothing_is_sent(environment: dict[str, str]) -> None:
    notifier = NotifySocket.take(environment)
    assert environment == {}
    assert (notifier.wanted, notifier.watchdog_s) == (False, None)
    assert notifier.send("READY=1") is False


@pytest.mark.parametrize(
    ("usec", "pid", "period"),
    [
        ("500000", "", 0.5),
        ("500000", "ours", 0.5),
        ("500000", "1", None),
        ("0", "", None),
        ("soon", "", None),
        ("-5", "", None),
    ],
)
def test_the_watchdog_is_for_us_and_has_a_period(usec: str, pid: str, period: float | None) -> None:
    pid = pid.replace("ours", str(os.getpid()))
    environment = {"NOTIFY_SOCKET": "@nobody", "WATCHDOG_USEC": usec} | ({"WATCHDOG_PID": pid} if pid else {})
    assert NotifySocket.take(environment).watchdog_s == period


def test_a_manager_that_is_away_is_told_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notifier = NotifySocket(str(tmp_path / "nobody"))
    assert not notifier.send("READY=1")
    assert not notifier.send("READY=1")
    assert [record.message for record in caplog.records] == [
        "the service manager does not take what it is told: No such file or directory"
    ]


def test_a_manager_that_reads_nothing_holds_up_nobody(manager: Manager) -> None:
    notifier = NotifySocket(manager.address)
    # The kernel keeps a few hundred datagrams at most; a send that waited would hang here.
    assert not all(notifier.send("WATCHDOG=1") for _ in range(10_000))
    assert manager.messages
    assert notifier.send("STOPPING=1")


async def test_ready_comes_first_then_the_status_and_stopping_last(manager: Manager) -> None:
    service = ServiceManager(NotifySocket(manager.address), nothing_stuck, fine)
    async with running(service.run()):
        await until(lambda: len(manager.messages) == 2)
    service.stopping()
    assert manager.messages == ["READY=1", "STATUS=fine", "STOPPING=1"]


async def test_ready_is_repeated_until_it_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigilia.systemd.STATUS_PERIOD_S", 0.01)
    asked = asyncio.Event()

    async def status() -> str:
        asked.set()
        return "fine"

    service = ServiceManager(NotifySocket(str(tmp_path / "n")), nothing_stuck, status)
    async with running(service.run()):
        await asked.wait()
        late = Manager(str(tmp_path / "n"))
        await until(lambda: len(late.messages) == 2)
    assert late.messages == ["READY=1", "STATUS=fine"]
    late.close()


async def test_a_status_is_one_line_and_sent_when_it_changes(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigilia.systemd.STATUS_PERIOD_S", 0.001)
    texts = iter(["one\nREADY=0", "one\nREADY=0", "two" * 1000])
    last = ""

    async def status() -> str:
        nonlocal last
        last = next(texts, last)
        return last

    async with running(ServiceManager(NotifySocket(manager.address), nothing_stuck, status).run()):
        await until(lambda: len(manager.messages) == 3)
    assert manager.messages[1:] == ["STATUS=one\\nREADY=0", "STATUS=" + ("two" * 1000)[:400]]


async def test_a_status_that_nobody_finds_is_said_to_be_missing(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vigilia.systemd._STATUS_DEADLINE_S", 0.01)

    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    async with running(ServiceManager(NotifySocket(manager.address), nothing_stuck, never).run()):
        await until(lambda: len(manager.messages) == 2)
    assert manager.messages[1] == "STATUS=no evidence within 0.01 s"


async def test_the_watchdog_is_fed_while_nothing_is_stuck(manager: Manager, caplog: pytest.LogCaptureFixture) -> None:
    stuck: list[str] = []
    looks = 0

    def look() -> list[str]:
        nonlocal looks
        looks += 1
        return stuck

    async def after(more: int) -> int:
        seen = looks
        await until(lambda: looks >= seen + more)
        return len(manager.messages)

    service = ServiceManager(NotifySocket(manager.address, 0.01), look, fine)
    assert service.watchdog_wanted
    async with running(service.feed_watchdog()):
        assert await after(3) >= 2
        stuck.append("link sw-1 hangs")
        starved = await after(2)
        assert await after(5) == starved, "not fed while something is stuck"
        stuck.clear()
        assert await after(3) > starved
    assert set(manager.messages) == {"WATCHDOG=1"}
    assert [record.message for record in caplog.records] == [
        "the watchdog is not fed, so that the service is restarted: link sw-1 hangs",
        "the watchdog is fed again",
    ]


async def test_a_manager_without_watchdog_wants_no_signs_of_life(manager: Manager) -> None:
    service = ServiceManager(NotifySocket(manager.address), nothing_stuck, fine)
    assert not service.watchdog_wanted
    await service.feed_watchdog()
    assert manager.messages == []
