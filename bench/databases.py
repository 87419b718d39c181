"""The databases that a history can be in, each one of our own, on this machine, and gone with the measurement."""

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import Generator, Iterable
from pathlib import Path

from programs import Bench, BenchError

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests know how to start servers
from tests.unit.history.engines import EngineProgram, running_influx, running_victoria
from tests.unit.store.postgresql import Cluster, find_server, running_cluster

SQLITE, POSTGRESQL, VICTORIA, INFLUX = "SQLite", "PostgreSQL", "VictoriaMetrics", "InfluxDB"
_CACHES = Path("/proc/sys/vm/drop_caches")
_SETTLE_S = 8.0
"""VictoriaMetrics writes what it holds in memory to the disk every five seconds."""


class Database:
    """A history in a file of SQLite; the others are made from it."""

    name = SQLITE

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder}/history.db"

    async def show(self) -> None:
        """Have what was written be seen by whoever reads."""

    async def size(self) -> int:
        """Bytes on the disk, all included."""
        return _bytes_of(self.folder.glob("history.db*"))

    def log_size(self) -> int:
        """Bytes of the log that is there while somebody writes, and is bounded however large the history is."""
        return _bytes_of(self.folder.glob("history.db-*"))

    def chill(self) -> None:
        """Forget what the database itself holds in memory."""


class Postgres(Database):
    """In a database of a server with the settings that it comes with: what it has taken is on the disk."""

    name = POSTGRESQL

    def __init__(self, cluster: Cluster) -> None:
        self.url = cluster.fresh()
        self._cluster = cluster

    async def size(self) -> int:
        """The whole database, its catalogue of 7 MB included; the server's journal is not of a database."""
        await asyncio.to_thread(self._sql, "CHECKPOINT")
        ((size,),) = await asyncio.to_thread(self._sql, "SELECT pg_database_size(current_database())")
        return int(str(size))

    def log_size(self) -> int:
        return 0  # it is the server's

    def chill(self) -> None:
        self._cluster.stop("fast")
        self._cluster.start()

    def process(self) -> int:
        """The first of the server's processes."""
        ((file,),) = self._sql("SELECT pg_read_file('postmaster.pid')")
        return int(str(file).split()[0])

    def _sql(self, statement: str) -> list[tuple[object, ...]]:
        return self._cluster.sql(statement, self.url.rpartition("/")[2])


class Engine(Database):
    """In an engine that speaks the line protocol."""

    def __init__(self, name: str, engine: EngineProgram) -> None:
        self.name = name
        self.url = engine.fresh()
        self._engine = engine

    def log_size(self) -> int:
        return 0

    async def show(self) -> None:
        if self.name == VICTORIA:
            await asyncio.to_thread(self._engine.get, "/internal/force_flush")

    async def size(self) -> int:
        await self.show()
        await asyncio.sleep(_SETTLE_S)
        return _bytes_of(self._engine.log.parent.rglob("*"))


@contextlib.contextmanager
def databases(bench: Bench, *names: str) -> Generator[list[Database]]:
    """Give an empty one for each name that is installed here. Raises BenchError where PostgreSQL is not.

    Those in PostgreSQL share a server.
    """
    with contextlib.ExitStack() as running:
        cluster = running.enter_context(running_cluster(_programs(), {})) if POSTGRESQL in names else None
        found: list[Database] = []
        for name in names:
            if name == SQLITE:
                found.append(Database(bench.folder("sqlite")))
            elif name == POSTGRESQL and cluster is not None:
                found.append(Postgres(cluster))
            elif program := shutil.which("victoria-metrics" if name == VICTORIA else "influxd"):
                start = running_victoria if name == VICTORIA else running_influx
                found.append(Engine(name, running.enter_context(start(program))))
        yield found


def _programs() -> Path:
    programs = find_server()
    if programs is None:
        raise BenchError("PostgreSQL is not installed; on Debian: apt-get install postgresql")
    return programs


def drop_caches() -> bool:
    """Have Linux forget what it holds of files; tell whether we may."""
    os.sync()
    try:
        _CACHES.write_text("3")
    except OSError:
        return False
    return True


def _bytes_of(paths: Iterable[Path]) -> int:
    """What files take on the disk."""
    return sum(path.stat().st_blocks * 512 for path in paths if path.is_file())
