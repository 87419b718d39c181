"""The log: a stop neither hangs nor shows a traceback, whatever becomes of the terminal and the disk."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import vigilia
from vigilia.errors import StartError
from vigilia.logs import set_up_logs

LINES = 2000
PROGRAM = (
    "import logging, sys\n"
    "from pathlib import Path\n"
    "from vigilia.logs import set_up_logs\n"
    "with set_up_logs(Path(sys.argv[1])):\n"
    f"    for number in range({LINES}): logging.info('line %d %s', number, 'x' * 200)\n"
)


@pytest.fixture(autouse=True)
def _root_level() -> Iterator[None]:
    level = logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)


def start(log_dir: Path, program: str = PROGRAM) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(Path(vigilia.__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, "-c", program, str(log_dir)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def end(process: subprocess.Popen[bytes]) -> str:
    """Wait for the end without reading what the process says, and only then read it."""
    assert process.stderr is not None
    try:
        assert process.wait(30) == 0
        return process.stderr.read().decode()
    finally:
        process.kill()
        process.stderr.close()


def test_a_line_goes_to_the_screen_and_into_the_file(tmp_path: Path) -> None:
    said = end(start(tmp_path, PROGRAM.replace(str(LINES), "3")))
    assert said.splitlines()[2].endswith(" INFO    line 2 " + "x" * 200)
    assert (tmp_path / "vigilia.log").read_text() == said


def test_a_long_line_is_whole_on_the_screen(tmp_path: Path) -> None:
    said = end(start(tmp_path, PROGRAM.replace("* 200", "* 20_000").replace(str(LINES), "2")))
    assert [len(line) for line in said.splitlines()] == [len("2026-11-21 07:42:24,123 INFO    line 0 ") + 20_000] * 2


def test_a_screen_that_nobody_reads_costs_its_own_lines_only(tmp_path: Path) -> None:
    """The pipe takes 64 KiB and no more; the file gets every line, and the process ends."""
    said = end(start(tmp_path))
    assert len((tmp_path / "vigilia.log").read_text().splitlines()) == LINES
    assert 0 < len(said.splitlines()) < LINES
    assert "Traceback" not in said


def test_a_closed_screen_is_no_hindrance(tmp_path: Path) -> None:
    process = start(tmp_path)
    assert process.stderr is not None
    process.stderr.close()
    assert process.wait(30) == 0
    assert len((tmp_path / "vigilia.log").read_text().splitlines()) == LINES


def test_a_full_disk_is_told_once_and_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "vigilia.log").symlink_to("/dev/full")
    said = end(start(tmp_path, PROGRAM.replace(str(LINES), "50")))
    assert said.count("vigilia.log cannot be written (No space left on device)") == 1
    assert "Traceback" not in said
    assert "line 49" in said


def test_a_disk_that_hangs_does_not_hold_up_the_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "vigilia.log")
    reader = os.open(tmp_path / "vigilia.log", os.O_RDWR)  # it reads nothing
    said = end(start(tmp_path))
    assert "Traceback" not in said
    os.close(reader)


def test_more_lines_than_fit_are_dropped_and_the_end_comes_all_the_same(tmp_path: Path) -> None:
    """With the queue full there is no room for the word that ends the thread."""
    os.mkfifo(tmp_path / "vigilia.log")
    reader = os.open(tmp_path / "vigilia.log", os.O_RDWR)
    said = end(start(tmp_path, PROGRAM.replace(str(LINES), "15_000")))
    assert "Traceback" not in said
    os.close(reader)


SMALL = PROGRAM.replace("with", "from vigilia import logs; logs._DAY_BYTES = 2_000\nwith")


def test_a_day_with_too_much_to_say_is_cut_into_parts(tmp_path: Path) -> None:
    end(start(tmp_path, SMALL.replace(str(LINES), "105")))
    files = ["vigilia.log", *(f"vigilia.log.{number}" for number in range(1, 5))]
    assert sorted(path.name for path in tmp_path.iterdir()) == files, "older parts are deleted"
    lines = [line for name in reversed(files) for line in (tmp_path / name).read_text().splitlines()]
    assert [int(line.split()[4]) for line in lines] == list(range(105 - len(lines), 105)), "in order, none missing"
    assert all((tmp_path / name).stat().st_size < 2_500 for name in files)


def test_the_next_day_begins_a_file_and_deletes_what_is_older_than_a_week(tmp_path: Path) -> None:
    now = time.time()
    for days in range(1, 12):
        day = time.strftime("%Y-%m-%d", time.localtime(now - (days + 1) * 86_400))
        (tmp_path / f"vigilia.log.{day}").write_text("")
    for name, days in (("vigilia.log", 1.0), ("vigilia.log.1", 2), ("vigilia.log.2", 9)):
        (tmp_path / name).write_text(f"{name}\n")
        os.utime(tmp_path / name, (now - days * 86_400,) * 2)
    end(start(tmp_path, SMALL.replace(str(LINES), "1")))
    names = {path.name for path in tmp_path.iterdir()}
    yesterday = time.strftime("%Y-%m-%d", time.localtime(now - 86_400))
    assert (tmp_path / f"vigilia.log.{yesterday}").read_text() == "vigilia.log\n"
    assert len([name for name in names if name.startswith("vigilia.log.2")]) == 7
    assert "vigilia.log.1" in names
    assert "vigilia.log.2" not in names
    assert len((tmp_path / "vigilia.log").read_text().splitlines()) == 1


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("")
    with pytest.raises(StartError, match="name another"), set_up_logs(tmp_path / "logs"):
        pass
