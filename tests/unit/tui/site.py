"""A site as in the field: simulated switches, and a service with a store and a history of its own, as processes."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.system.conftest import free_port

DEADLINE_S = 60.0


def wait_for(found: Callable[[], Any], seconds: float = DEADLINE_S) -> Any:
    """Wait until `found` gives something true, and return it."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, ValueError):
            if answer := found():
                return answer
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.05)


def ask(method: str, url: str, body: object = None, token: str = "") -> Any:
    """Send a request that must succeed; return the JSON of its answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, method=method, data=data, headers={"Content-Type": "application/json"})
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=20) as answer:
        content = answer.read()
    return json.loads(content) if content else None


@contextlib.contextmanager
def running(*arguments: str, folder: Path, log: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `vigilia` until the end of the block, its output in a file."""
    with (folder / log).open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "vigilia", *arguments],
            cwd=folder,
            env={name: value for name, value in os.environ.items() if not name.startswith(("VIGILIA_", "PVOP_"))},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Site:
    """The folder of a service and its equipment."""

    def __init__(self, folder: Path, control: str, aruba: str, port: int) -> None:
        self.folder = folder
        self.control = control
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.config = folder / "vigilia.toml"
        self.config.write_text(
            f'[site]\nname = "Test"\nlanguage = "en"\ntimezone = "UTC"\n[web]\nlisten = "127.0.0.1:{port}"\n'
            '[[alarms.rules]]\nname = "poe-fault"\npoints = "*:PwrState-Raw"\n'
            '[[alarms.rules]]\nname = "power-high"\npoints = "*:Power-Mon"\nhigh = 25.0\nseverity = "MINOR"\n' + aruba
        )

    @contextlib.contextmanager
    def service(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run the service until the end of the block; it is ready."""
        with running("run", str(self.config), folder=self.folder, log="service.out") as process:
            wait_for(lambda: b"vigilia ready" in (self.folder / "service.out").read_bytes())
            yield process

    def port_is(self, port: str, **what: Any) -> None:
        """Make a simulated port be something."""
        ask("PUT", f"{self.control}/switches/sw-1/ports/{port}", what)

    def alarms(self) -> list[Any]:
        """The alarms that the running service tells of."""
        return ask("GET", f"{self.url}/api/v1/alarms")["items"]

    def point(self, name: str) -> Any:
        """A point as the running service tells of it."""
        return ask("GET", f"{self.url}/api/v1/points/{name}")


@contextlib.contextmanager
def site_in(folder: Path) -> Iterator[Site]:
    """Simulate a switch until the end of the block, beside which services may run."""
    options = ("--switches", "1", "--ports", "4", "--latency-ms", "5", "--config-out", "aruba.toml")
    with running("sim", "aruba", *options, folder=folder, log="sim.out"):
        said = wait_for(lambda: found if b"vigilia sim ready" in (found := (folder / "sim.out").read_bytes()) else None)
        control = next(line for line in said.decode().splitlines() if line.startswith("control ")).split()[1]
        yield Site(folder, control, (folder / "aruba.toml").read_text(), free_port())
