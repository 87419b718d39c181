"""The bench of reactors, a short form of it: samples go through a real stream, and none is lost on its way."""

import asyncio
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

BENCH = Path(__file__).parents[2] / "bench" / "reactor.py"


async def test_no_sample_is_lost_on_its_way_into_the_history() -> None:
    bench = await asyncio.create_subprocess_exec(
        *(sys.executable, str(BENCH), "--quick", "samples"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(110):
        out, errors = await bench.communicate()
    text = out.decode()
    assert bench.returncode in (0, 1), text + errors.decode()  # how long things took is not judged here
    (verdict,) = [line for line in text.splitlines() if "acknowledged samples that are not in the database" in line]
    assert verdict.endswith("| PASS |"), text
    assert "samples acknowledged, of a backlog" in text
