"""The approach that the service replaces, as a reference to measure it against.

A thread for each switch; `requests` with a new connection for each request; a login, one port after another, and a
logout in each run; values kept in a dictionary. It acquires only: nothing is served to anybody. Run as
`python reference_ioc.py CONFIG`, where CONFIG holds an [aruba] section; prints "reference ready", takes writes as
lines "SWITCH PORT on|off" on its standard input, and ends on SIGTERM.
"""

import queue
import signal
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

PERIOD_S = 1.0
TIMEOUT_S = 0.6
LOGIN_TIMEOUT_S = 5.0

Orders = queue.SimpleQueue[tuple[str, str]]


class SwitchThread(threading.Thread):
    """Reads one switch, run after run; a write that waits is done before the next port is read."""

    def __init__(self, switch: dict[str, Any], values: dict[str, object]) -> None:
        super().__init__(name=switch["name"], daemon=True)
        self.orders: Orders = queue.SimpleQueue()
        self._base = f"{switch['url']}/rest/v3"
        self._login = {"userName": switch["username"], "password": switch["password"]}
        self._ports = switch["ports"]
        self._values = values

    def run(self) -> None:
        """Read for ever: a run each period, or at once where the last one took longer."""
        while True:
            began = time.monotonic()
            try:
                self._read_ports()
            except (requests.RequestException, KeyError, ValueError) as error:
                for port in self._ports:
                    self._values[port["device"]] = error
            time.sleep(max(0.0, began + PERIOD_S - time.monotonic()))

    def _read_ports(self) -> None:
        with self._session() as headers:
            for port in self._ports:
                self._do_orders(headers)
                url = f"{self._base}/ports/{port['port']}/poe/stats"
                answer = requests.get(url, headers=headers, timeout=TIMEOUT_S)
                answer.raise_for_status()
                self._values[port["device"]] = answer.json()["poe_detection_status"]

    def _do_orders(self, headers: dict[str, str]) -> None:
        while not self.orders.empty():
            port, state = self.orders.get()
            command = f"{'' if state == 'on' else 'no '}interface {port} power-over-ethernet"
            requests.post(f"{self._base}/cli", json={"cmd": command}, headers=headers, timeout=TIMEOUT_S)

    @contextmanager
    def _session(self) -> Iterator[dict[str, str]]:
        url = f"{self._base}/login-sessions"
        headers = {"Cookie": requests.post(url, json=self._login, timeout=LOGIN_TIMEOUT_S).json()["cookie"]}
        try:
            yield headers
        finally:
            requests.delete(url, headers=headers, timeout=TIMEOUT_S)


def main(path: str) -> None:
    """Read the switches of a configuration, and take orders."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    switches = tomllib.loads(Path(path).read_text())["aruba"]["switches"]
    values: dict[str, object] = {}
    threads = {switch["name"]: SwitchThread(switch, values) for switch in switches}
    for thread in threads.values():
        thread.start()
    print("reference ready", flush=True)
    for line in sys.stdin:
        name, port, state = line.split()
        threads[name].orders.put((port, state))


if __name__ == "__main__":
    main(sys.argv[1])
