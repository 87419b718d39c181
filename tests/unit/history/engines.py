"""Line-protocol engines of our own, for the tests of one process: in a folder that goes with them."""

import contextlib
import itertools
import json
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from tests.system.conftest import free_port
from vigilia.history.backend import PointInfo, Row
from vigilia.history.engine_url import parse_address
from vigilia.history.victoria import VictoriaHistory

PASSWORD = "hush-hush"
_START_S = 60.0


class EngineProgram:
    """A running engine."""

    def __init__(self, arguments: list[str], port: int, log: Path) -> None:
        self.port = port
        self.base = f"http://127.0.0.1:{port}"
        self.log = log
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + _START_S
        while True:
            try:
                self.get("/ping")
                return
            except urllib.error.HTTPError:  # it asks for a password: it is there
                return
            except OSError:
                pass
            ended = self._process.poll()
            assert ended is None, f"it ended with {ended}: {self.log.read_text()[-2000:]}"
            assert time.monotonic() < deadline, f"it does not answer: {self.log.read_text()[-2000:]}"
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def get(self, path: str, **query: str) -> bytes:
        return self._request(f"{path}?{urllib.parse.urlencode(query)}", None)

    def post(self, path: str, body: bytes = b"", **query: str) -> bytes:
        return self._request(f"{path}?{urllib.parse.urlencode(query)}", body)

    def influxql(self, statement: str, **more: str) -> Any:
        found = json.loads(self.post("/query", q=statement, **more))
        assert "error" not in json.dumps(found), found
        return found["results"]

    def fresh(self) -> str:
        """Return the address of a database that is not there yet."""
        return f"influx+{self.base}/?db=t{next(self._numbers)}"

    def _request(self, path: str, body: bytes | None) -> bytes:
        with urllib.request.urlopen(urllib.request.Request(self.base + path, data=body), timeout=20) as answer:
            return answer.read()


class PromptVictoria(VictoriaHistory):
    """A history whose rows are there to be read when `write` returns: the engine is asked to show them at once."""

    async def write(self, rows: Sequence[Row]) -> None:
        await super().write(rows)
        await self._show()

    async def describe(self, points: Sequence[PointInfo]) -> None:
        await super().describe(points)
        await self._show()

    async def _show(self) -> None:
        base = parse_address(self.name).read.url.origin()
        async with aiohttp.ClientSession() as http, http.get(base / "internal/force_flush") as answer:
            assert answer.status == 200


def find(program: str) -> str | None:
    return shutil.which(program)


@contextlib.contextmanager
def running_influx(program: str, **http: str) -> Iterator[EngineProgram]:
    """Run InfluxDB until the end of the block. `http`: further settings of its [http]."""
    with tempfile.TemporaryDirectory(prefix="vigilia-influx-", ignore_cleanup_errors=True) as name:
        port, rpc = free_port(), free_port()
        settings = Path(name) / "influxdb.conf"
        settings.write_text(
            "reporting-enabled = false\n"  # it would call its makers
            f'bind-address = "127.0.0.1:{rpc}"\n'
            f'[meta]\ndir = "{name}/meta"\n'
            f'[data]\ndir = "{name}/data"\nwal-dir = "{name}/wal"\n'
            "[monitor]\nstore-enabled = false\n"
            f'[http]\nbind-address = "127.0.0.1:{port}"\nlog-enabled = false\n'
            + "".join(f"{key.replace('_', '-')} = {value}\n" for key, value in http.items())
        )
        with _running(EngineProgram([program, "-config", str(settings)], port, Path(name) / "log")) as engine:
            yield engine


@contextlib.contextmanager
def running_victoria(program: str, *more: str) -> Iterator[EngineProgram]:
    """Run VictoriaMetrics until the end of the block, set as our documentation asks for. `more`: further flags."""
    with tempfile.TemporaryDirectory(prefix="vigilia-victoria-", ignore_cleanup_errors=True) as name:
        port = free_port()
        arguments = [
            program,
            f"-storageDataPath={name}/data",
            f"-httpListenAddr=127.0.0.1:{port}",
            "-memory.allowedBytes=256MB",
            "-retentionPeriod=100y",
            "-dedup.minScrapeInterval=1ms",
            *more,
        ]
        with _running(EngineProgram(arguments, port, Path(name) / "log")) as engine:
            yield engine


@contextlib.contextmanager
def _running(engine: EngineProgram) -> Iterator[EngineProgram]:
    try:
        engine.start()
        yield engine
    finally:
        engine.stop()
