"""The guardian, from outside: real processes, really killed, and outputs that are safe in time."""

import os
import signal
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.unit.agent.outputs.rig import PwmTree

START = (
    "import sys; from vigilia.agent.guardian import Guardian;"
    "sys.exit(Guardian([sys.executable, '-m', 'tests.unit.agent.standin', *sys.argv[1:]]).run())"
)
LONG_S = 20.0


class Bus(socketserver.ThreadingTCPServer):
    """A simulated I2C bus that notes when it was told what."""

    daemon_threads = True

    def __init__(self) -> None:
        self.told: list[tuple[float, str]] = []
        self.deaf_until = 0.0
        super().__init__(("127.0.0.1", 0), Exchange)

    @property
    def port(self) -> int:
        return self.server_address[1]

    def stops(self, since: float) -> list[float]:
        """Return how long after `since` the pump was stopped."""
        return [at - since for at, line in self.told if line == "W 103 58" and at >= since]


class Exchange(socketserver.StreamRequestHandler):
    """One connection."""

    server: Bus

    def handle(self) -> None:
        for line in self.rfile:
            if time.monotonic() < self.server.deaf_until:
                self.wfile.write(b"NACK\n")
                continue
            self.server.told.append((time.monotonic(), line.decode().strip()))
            self.wfile.write(b"OK\n")


@pytest.fixture
def bus() -> Iterator[Bus]:
    with Bus() as bus:
        thread = threading.Thread(target=bus.serve_forever, args=(0.01,))
        thread.start()
        yield bus
        bus.shutdown()
        thread.join()


@pytest.fixture
def tree(tmp_path: Path) -> PwmTree:
    return PwmTree(tmp_path)


class Case:
    """A guardian with its worker."""

    def __init__(self, folder: Path, tree: PwmTree, bus: Bus, habit: str) -> None:
        self.folder = folder
        self.tree = tree
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(folder), str(bus.port), habit], stderr=subprocess.PIPE, text=True
        )

    def worker(self, after: int = 0) -> int:
        """Return the process id of the worker whose heater is on; `after`: of a later one."""
        until(lambda: self.pid() not in (0, after))
        return self.pid()

    def pid(self) -> int:
        with suppress(FileNotFoundError):
            return int((self.folder / "worker").read_text())
        return 0

    def safe_within(self, seconds: float, since: float) -> None:
        until(lambda: self.tree.duty == 0, seconds)
        assert time.monotonic() - since < seconds

    def said(self) -> str:
        """Return what the guardian said, once it has ended."""
        return self.process.communicate(timeout=LONG_S)[1]


def until(holds: Callable[[], bool], seconds: float = LONG_S) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it does not come to hold"
        time.sleep(0.005)


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def start(tmp_path: Path, tree: PwmTree, bus: Bus) -> Iterator[Callable[..., Case]]:
    cases: list[Case] = []

    def start(habit: str = "none") -> Case:
        cases.append(Case(tmp_path, tree, bus, habit))
        return cases[-1]

    yield start
    for case in cases:
        if case.process.poll() is None:
            case.process.kill()
        case.process.communicate(timeout=LONG_S)
        until(lambda case=case: not case.pid() or not alive(case.pid()))


def test_a_guardian_that_is_stopped_is_noticed_and_the_worker_leaves_safe(
    start: Callable[..., Case], tree: PwmTree
) -> None:
    case = start()
    case.worker()
    assert tree.duty == 60
    case.process.send_signal(signal.SIGSTOP)
    until(lambda: tree.duty == 0)
    until((case.folder / "left").exists)
    case.process.send_signal(signal.SIGCONT)
    assert case.process.wait(LONG_S) == 0


def test_a_worker_that_cannot_be_started_is_tried_again() -> None:
    code = "import sys; from vigilia.agent.guardian import Guardian; sys.exit(Guardian(['/nothing/is/here']).run())"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = [process.stderr.readline() for _ in range(3)]
        process.terminate()
        process.wait(LONG_S)
    assert "cannot be started" in said[0]
    assert "started again in 0.5 s" in said[1]
    assert "cannot be started" in said[2]


def test_a_worker_that_is_killed_leaves_everything_safe_within_a_second(
    start: Callable[..., Case], tree: PwmTree, bus: Bus
) -> None:
    case = start()
    first = case.worker()
    assert tree.duty == 60
    killed = time.monotonic()
    os.kill(first, signal.SIGKILL)
    case.safe_within(1.0, killed)
    until(lambda: len(bus.stops(killed)) >= 2, 1.0)
    assert bus.stops(killed)[0] < 1.0
    assert case.worker(after=first) != first, "another one is started"
    assert tree.duty == 60
    case.process.terminate()
    assert "heater: made safe" in case.said()
    assert case.process.returncode == 0


def test_a_worker_that_is_stopped_is_stuck_and_replaced(start: Callable[..., Case], tree: PwmTree, bus: Bus) -> None:
    case = start()
    first = case.worker()
    stopped = time.monotonic()
    os.kill(first, signal.SIGSTOP)
    case.safe_within(3.0, stopped)
    until(lambda: bool(bus.stops(stopped)), 1.0)
    assert bus.stops(stopped)[0] < 3.0
    assert not alive(first)
    assert case.worker(after=first)
    case.process.terminate()
    assert "heater: on, and not renewed for 2 s" in case.said()


@pytest.mark.parametrize("habit", ["hangs", "closes", "babbles"])
def test_bad_habits_end_a_worker(start: Callable[..., Case], habit: str) -> None:
    case = start(habit)
    first = case.worker()
    case.safe_within(3.0, time.monotonic())
    until(lambda: not alive(first), 1.0)


def test_a_guardian_that_is_killed_is_noticed_and_the_worker_leaves_safe(
    start: Callable[..., Case], tree: PwmTree, tmp_path: Path
) -> None:
    case = start()
    worker = case.worker()
    killed = time.monotonic()
    case.process.kill()
    case.safe_within(1.0, killed)
    until(lambda: not alive(worker), 5.0)
    assert (tmp_path / "left").exists(), "it left in order"


def test_a_signal_for_both_ends_both_as_if_it_were_passed_on(
    start: Callable[..., Case], tree: PwmTree, tmp_path: Path
) -> None:
    case = start()
    worker = case.worker()
    for process in (case.process.pid, worker):  # as systemd does at a stop
        os.kill(process, signal.SIGTERM)
    assert case.process.wait(LONG_S) == 0
    assert tree.duty == 0
    assert (tmp_path / "left").exists()
    assert not alive(worker)


def test_a_worker_that_is_told_to_stop_once_its_guardian_died_leaves_safe(
    start: Callable[..., Case], tree: PwmTree, tmp_path: Path
) -> None:
    case = start()
    worker = case.worker()
    killed = time.monotonic()
    case.process.kill()
    os.kill(worker, signal.SIGTERM)  # as systemd does with what is left of the service
    case.safe_within(1.0, killed)
    until(lambda: not alive(worker), 5.0)
    assert (tmp_path / "left").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_passed_on_and_ends_both(
    start: Callable[..., Case], tree: PwmTree, bus: Bus, tmp_path: Path, number: signal.Signals
) -> None:
    case = start()
    worker = case.worker()
    asked = time.monotonic()
    case.process.send_signal(number)
    assert case.process.wait(LONG_S) == 0
    assert tree.duty == 0
    assert (tmp_path / "left").exists()
    assert not alive(worker)
    assert not bus.stops(asked), "it had said that all is safe"


@pytest.mark.skipif(bool(list(Path("/dev").glob("gpiochip*"))), reason="this computer has pins, which are not ours")
def test_pins_are_taken_over_from_a_worker_that_has_left(
    start: Callable[..., Case], bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    case = start("pins")
    case.worker()
    asked = time.monotonic()
    case.process.terminate()
    assert "lamp is safe, but its pin cannot be held so: gpio 17: no chip has the pins" in case.said()
    assert (tmp_path / "left").exists()
    assert not bus.stops(asked), "nothing but pins: all else stays as it is by itself"
    assert case.process.returncode == 0


def test_a_worker_that_does_not_end_is_ended_in_time(start: Callable[..., Case], tree: PwmTree) -> None:
    case = start("stays")
    case.worker()
    case.process.terminate()
    assert case.process.wait(10) == 1
    assert tree.duty == 0


@pytest.mark.parametrize("code", [0, 2, 3])
def test_what_a_restart_does_not_cure_is_not_restarted(start: Callable[..., Case], code: int) -> None:
    case = start(f"exits {code}")
    assert case.process.wait(LONG_S) == code


def test_what_a_restart_may_cure_is_restarted_ever_more_slowly(start: Callable[..., Case]) -> None:
    case = start("exits 1")
    assert case.process.stderr is not None
    said = [case.process.stderr.readline() for _ in range(2)]
    case.process.terminate()
    assert "ended with code 1; it is started again in 0.5 s" in said[0]
    assert "again in 1 s" in said[1]
    assert case.process.wait(LONG_S) == 0


def test_what_cannot_be_made_safe_is_tried_until_it_is(start: Callable[..., Case], tree: PwmTree, bus: Bus) -> None:
    case = start()
    first = case.worker()
    killed = time.monotonic()
    bus.deaf_until = killed + 1.2  # longer than one attempt to make all safe
    os.kill(first, signal.SIGKILL)
    case.safe_within(1.0, killed)
    until(lambda: bool(bus.stops(killed)))
    case.process.terminate()
    said = case.said()
    assert "acid IS NOT SAFE: sim 127.0.0.1" in said
    assert "acid: made safe at last" in said


def test_the_guardian_imports_nothing_that_is_heavy() -> None:
    script = "import sys, vigilia.agent.guardian; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pydantic", "grpc", "asyncio", "logging", "gpiozero", "smbus2", "sqlite3"} & set(loaded)
    ours = {name for name in loaded if name.startswith("vigilia.")}
    assert ours == {"vigilia.agent", "vigilia.agent.guardian", "vigilia.agent.safeops"}
