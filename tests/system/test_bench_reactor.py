"""The bench of reactors, a short form of each: nothing is lost, repeated or left on. How fast is not judged here."""

import asyncio
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

BENCH = Path(__file__).parents[2] / "bench" / "reactor.py"


async def _measured(name: str, within_s: float) -> dict[str, str]:
    """Run one measurement; return its verdicts by what was measured."""
    bench = await asyncio.create_subprocess_exec(
        *(sys.executable, str(BENCH), "--quick", name), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(within_s):
            out, errors = await bench.communicate()
    finally:
        if bench.returncode is None:
            bench.kill()
            await bench.wait()
    text = out.decode()
    assert bench.returncode in (0, 1), text + errors.decode()  # how long things took is not judged here
    assert "could not be measured" not in text, text + errors.decode()
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith(f"| {name}: ")]
    return {row[0].removeprefix(f"{name}: ").strip(): row[-1].strip(" |") for row in rows}


async def test_no_sample_is_lost_on_its_way_into_the_history() -> None:
    found = await _measured("samples", 110)
    assert found["acknowledged samples that are not in the database"] == "PASS"
    assert "samples acknowledged, of a backlog" in found


async def test_every_setting_of_a_fleet_is_applied() -> None:
    found = await _measured("fleet", 110)
    assert found["settings that were not applied"] == "PASS"
    assert found["memory, if no other program shared pages"] == "PASS"


async def test_a_backlog_arrives_whole_in_order_and_once() -> None:
    found = await _measured("backfill", 110)
    for what in (
        "samples that are not in the history",
        "rows of the history that are too many",
        "looks at the history that found a gap",
    ):
        assert found[what] == "PASS", what


async def test_an_agent_keeps_its_memory() -> None:
    found = await _measured("agent", 110)
    for what in ("memory, if no other program shared pages", "probes that the service has a good reading of"):
        assert found[what] == "PASS", what
