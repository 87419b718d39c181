"""The bench of plants at a tenth of its size: it runs, and the storm keeps its limits, which no slow machine moves."""

import asyncio
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

BENCH = Path(__file__).parents[2] / "bench" / "pv.py"


async def test_storm_of_the_bench_keeps_its_limits() -> None:
    bench = await asyncio.create_subprocess_exec(
        sys.executable, str(BENCH), "--quick", "storm", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(150):
        out, errors = await bench.communicate()
    text = out.decode()
    assert bench.returncode == 0, text + errors.decode()
    assert "storm: 120 alarms of 6 plants: cards | 1 | ≤ 10 | PASS" in text
    assert "FAIL" not in text
