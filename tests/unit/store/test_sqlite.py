"""A store's file: damaged, it is set aside; in the way for another reason, it is left alone and named."""

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import vigilia
from tests.unit.store.test_schema import asked
from vigilia.errors import StartError
from vigilia.store import Store


async def filled(path: Path, rows: int = 2_000) -> None:
    store = await Store.open(f"sqlite:///{path}")
    await store.record_writes([asked(str(number), "T1:Sel", "x" * 100) for number in range(rows)])
    await store.close()


def overwrite(path: Path, start: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(content)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "no database": lambda path: path.write_bytes(b"\x00\xff" * 5000),
    "a few bytes": lambda path: path.write_bytes(b"SQLite"),
    "cut off": lambda path: os.truncate(path, path.stat().st_size // 2 // 4096 * 4096),
    "cut off within a page": lambda path: os.truncate(path, 5000),
    "header lost": lambda path: overwrite(path, 0, b"\0" * 100),
    "a page lost": lambda path: overwrite(path, 10 * 4096, b"\xff" * 4096),
    "the schema lost": lambda path: overwrite(path, 100, b"\xff" * 3000),
}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_damaged_file_is_set_aside_and_the_watch_starts_clean(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "vigilia.db"
    await filled(path)
    DAMAGE[damage](path)
    damaged = path.read_bytes()
    store = await Store.open(f"sqlite:///{path}")
    assert await store.audit() == []
    await store.record_writes([asked("new", "T1:Sel", 1)])
    await store.close()
    aside = Path(store.set_aside)
    assert re.fullmatch(r"vigilia\.db\.corrupt\.\d{8}T\d{6}\.\d{6}Z", aside.name)
    assert aside.read_bytes() == damaged
    assert "is damaged" in caplog.text
    assert str(aside) in caplog.text
    store = await Store.open(f"sqlite:///{path}")
    assert store.set_aside == "", "told once"
    assert len(await store.audit()) == 1
    await store.close()


KILLED_AT_WORK = (
    "import asyncio, os, signal, sys\n"
    "from tests.unit.store.test_schema import asked\n"
    "from vigilia.store import Store\n"
    "async def main():\n"
    "    store = await Store.open(sys.argv[1])\n"
    "    await store.record_writes([asked('last', 'T1:Sel', 1)])\n"
    "    os.kill(os.getpid(), signal.SIGKILL)\n"
    "asyncio.run(main())\n"
)


async def test_a_whole_file_stays_also_after_a_kill(tmp_path: Path) -> None:
    """A write-ahead log that was not taken in is no damage."""
    path = tmp_path / "vigilia.db"
    done = await asyncio.to_thread(python, KILLED_AT_WORK, f"sqlite:///{path}")
    assert done.returncode < 0
    assert Path(f"{path}-wal").stat().st_size > 0
    store = await Store.open(f"sqlite:///{path}")
    assert (store.set_aside, len(await store.audit())) == ("", 1)
    await store.close()


async def test_what_sqlite_keeps_beside_a_damaged_file_goes_with_it(tmp_path: Path) -> None:
    """Whoever mends the file may want the writes of its last moments."""
    path = tmp_path / "vigilia.db"
    await filled(path)
    assert (await asyncio.to_thread(python, KILLED_AT_WORK, f"sqlite:///{path}")).returncode < 0
    content = Path(f"{path}-wal").read_bytes()
    assert content
    overwrite(path, 10 * 4096, b"\xff" * 4096)
    store = await Store.open(f"sqlite:///{path}")
    assert Path(f"{store.set_aside}-wal").read_bytes() == content
    await store.close()


async def test_a_locked_file_is_not_damaged(tmp_path: Path) -> None:
    path = tmp_path / "vigilia.db"
    await filled(path, 10)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StartError, match="locked"):
        await Store.open(f"sqlite:///{path}")
    holder.execute("ROLLBACK")
    holder.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["vigilia.db"]


async def test_what_cannot_be_opened_is_named_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, reason in (
        (tmp_path, "unable to open database file"),
        (tmp_path / "file" / "below" / "x.db", "Not a dir"),
    ):
        with pytest.raises(StartError) as raised:
            await Store.open(f"sqlite:///{path}")
        assert str(raised.value).startswith(f"the store {path} cannot be opened: ")
        assert reason in str(raised.value)
        assert str(raised.value).endswith(": check the file, its rights, and the room on its disk")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


OPEN = (
    "import asyncio, os, resource, sys\n"
    "from vigilia.store import Store\n"
    "async def main(url):\n"
    "    await (await Store.open(url)).close()\n"
    "asyncio.run(main(sys.argv[2]))  # imports what another user may not read\n"
    "{before}\n"
    "try:\n"
    "    asyncio.run(main(sys.argv[1]))\n"
    "except Exception as error:\n"
    "    print(type(error).__name__, error)\n"
)


def python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program beside this one, which finds the tests and what they test."""
    path = os.pathsep.join((str(Path(vigilia.__file__).parents[1]), str(Path(__file__).parents[3])))
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def opened_by_another(path: Path, other: Path, before: str) -> str:
    done = await asyncio.to_thread(python, OPEN.format(before=before), f"sqlite:///{path}", f"sqlite:///{other}")
    assert not done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("there", [False, True])
async def test_a_disk_without_room_stops_the_start_with_a_sentence(there: bool, tmp_path: Path) -> None:
    path = tmp_path / "vigilia.db"
    if there:
        await filled(path)
    said = await opened_by_another(
        path, tmp_path / "other.db", "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))"
    )
    assert said.startswith(f"StartError the store {path} cannot be opened: "), said
    assert not list(tmp_path.glob("*.corrupt.*"))


@pytest.mark.parametrize("there", [False, True])
async def test_a_folder_that_cannot_be_written_stops_the_start_with_a_sentence(there: bool, tmp_path: Path) -> None:
    path = tmp_path / "state" / "vigilia.db"
    path.parent.mkdir()
    if there:
        await filled(path)
    become = "os.getuid() or os.setuid(65534)"  # root may write everywhere
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    path.parent.chmod(0o555)
    try:
        said = await opened_by_another(path, tmp_path / "other.db", become)
    finally:
        path.parent.chmod(0o755)
    assert said.startswith(f"StartError the store {path} cannot be opened: "), said
