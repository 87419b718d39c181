"""The bench of open pages, a short form of it: every page ends with the right values, and little memory. How fast is
not judged here.
"""

import asyncio
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

BENCH = Path(__file__).parents[2] / "bench" / "web.py"


async def test_fifty_pages_are_told_every_change_and_cost_little_memory() -> None:
    bench = await asyncio.create_subprocess_exec(
        *(sys.executable, str(BENCH), "--quick", "stream"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(110):
            out, errors = await bench.communicate()
    finally:
        if bench.returncode is None:
            bench.kill()
            await bench.wait()
    text = out.decode()
    assert bench.returncode in (0, 1), text + errors.decode()
    assert "could not be measured" not in text, text + errors.decode()
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| stream: ")]
    found = {row[0].removeprefix("stream: ").strip(): row[-1].strip(" |") for row in rows}
    for what in ("values that a page does not have right in the end", "memory that 50 pages cost at most"):
        assert found[what] == "PASS", text
    assert "from published to a page, 99th percentile" in found
