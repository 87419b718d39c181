"""The bench of the history, a short form of it: it runs, and what no slow machine moves keeps its limits."""

import asyncio
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.unit.store.postgresql import find_server

pytestmark = pytest.mark.system

BENCH = Path(__file__).parents[2] / "bench" / "history.py"


@pytest.mark.skipif(find_server() is None, reason="PostgreSQL is not installed")
async def test_history_grows_no_worse_than_linearly_on_the_disk(tmp_path: Path) -> None:
    picture = tmp_path / "growth.svg"
    bench = await asyncio.create_subprocess_exec(
        *(sys.executable, str(BENCH), "--quick", "--picture", str(picture), "growth"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(110):
        out, errors = await bench.communicate()
    text = out.decode()
    assert bench.returncode in (0, 1), text + errors.decode()  # how long things took is not judged here
    verdicts = [line for line in text.splitlines() if "disk for a reading more" in line]
    assert len(verdicts) == 4, text + errors.decode()
    assert all(line.endswith("| PASS |") for line in verdicts), text
    lines = ElementTree.parse(picture).getroot().iter("{http://www.w3.org/2000/svg}circle")
    assert len(list(lines)) == 3 * 2 * (3 + 3)  # three charts of two databases, each against days and points
