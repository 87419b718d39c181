"""A PostgreSQL server of our own, for the tests of one process: in a folder that goes with it."""

import asyncio
import contextlib
import itertools
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import asyncpg

from tests.system.conftest import free_port

T = TypeVar("T")

PASSWORD = "hush-hush"
QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
}
"""Settings of a server that may lose everything."""


def find_server() -> Path | None:
    """The folder of the newest server's programs, where Debian puts them or where PATH finds them."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if folders:
        return folders[-1].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


class Cluster:
    """A running server. It runs as the user postgres where the tests run as root, which it refuses to be."""

    def __init__(self, programs: Path, folder: Path, port: int, settings: Mapping[str, str] = QUICK) -> None:
        self.port = port
        self._programs = programs
        self._folder = folder
        self._settings = {**settings, "listen_addresses": "127.0.0.1"}
        self._numbers = itertools.count()

    def url(self, database: str) -> str:
        return f"postgresql://vigilia:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def fresh(self) -> str:
        """Make an empty database and return its address."""
        name = f"t{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE template0", "postgres")
        return self.url(name)

    def sql(self, statement: str, database: str) -> list[tuple[object, ...]]:
        """Run a statement as the owner; return the rows."""

        async def run() -> list[tuple[object, ...]]:
            connection = await asyncpg.connect(self.url(database))
            try:
                return [tuple(row) for row in await connection.fetch(statement)]
            finally:
                await connection.close()

        return in_own_loop(run)

    def start(self) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in self._settings.items())
        self._control("start", "-o", f"{options} -c port={self.port} -c unix_socket_directories={self._folder}")

    def stop(self, mode: str = "immediate") -> None:
        self._control("stop", "-m", mode)

    def _control(self, *arguments: str) -> None:
        log = str(self._folder / "log")
        run_as_server(self._programs / "pg_ctl", "-D", str(self._folder / "data"), "-w", "-s", "-l", log, *arguments)


@contextlib.contextmanager
def running_cluster(programs: Path, settings: Mapping[str, str] = QUICK) -> Iterator[Cluster]:
    """Run a server until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="vigilia-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.getuid() == 0:
            shutil.chown(folder, "postgres")
        folder.chmod(0o700)
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        run_as_server(
            programs / "initdb",
            *("-D", str(folder / "data"), "-U", "vigilia", "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"),
            *("-A", "scram-sha-256", "--pwfile", str(folder / "password")),
        )
        cluster = Cluster(programs, folder, free_port(), settings)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()


def run_as_server(program: Path, *arguments: str) -> None:
    """Run one of the server's programs as a user that it accepts."""
    as_root = os.getuid() == 0  # PostgreSQL refuses to run as root
    done = subprocess.run(
        [str(program), *arguments],
        cwd="/",
        user="postgres" if as_root else None,
        group="postgres" if as_root else None,
        extra_groups=[] if as_root else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def in_own_loop(work: Callable[[], Awaitable[T]]) -> T:
    """Run something asynchronous from a test or fixture that is not, or that runs in a loop of its own."""
    results: list[T] = []

    async def main() -> None:
        results.append(await work())

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    thread.join()
    return results[0]
