"""The log: a stop neither hangs nor shows a traceback, whatever becomes of the terminal and the disk."""

import logging
import os
import subprocess
import sys
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


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("")
    with pytest.raises(StartError, match="name another"), set_up_logs(tmp_path / "logs"):
        pass
