"""The bench of open pages, a short form of it: every page ends with the right values, takes little memory, and weighs
little. How fast is not judged here.
"""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.pages import built_pages

pytestmark = pytest.mark.system

browser = pytest.mark.skipif(
    not Path("/usr/bin/chromium").is_file(), reason="no chromium; on Debian: apt-get install chromium"
)
BENCH = Path(__file__).parents[2] / "bench" / "web.py"


@pytest.fixture(scope="module")
def pages() -> Path:
    """The folder of the pages, built where they are not what web/ says."""
    return built_pages()


async def bench(name: str) -> tuple[str, dict[str, str]]:
    """Run a short form of a measurement; return what it printed, and the verdict on each figure."""
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, str(BENCH), "--quick", name),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(110):
            out, errors = await started.communicate()
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()
    text = out.decode()
    assert started.returncode in (0, 1), text + errors.decode()
    assert "could not be measured" not in text, text + errors.decode()
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith(f"| {name}: ")]
    return text, {row[0].removeprefix(f"{name}: ").strip(): row[-1].strip(" |") for row in rows}


async def test_fifty_pages_are_told_every_change_and_cost_little_memory() -> None:
    text, found = await bench("stream")
    for what in ("values that a page does not have right in the end", "memory that 50 pages cost at most"):
        assert found[what] == "PASS", text
    assert "from published to a page, 99th percentile" in found


@browser
async def test_no_page_is_too_heavy(pages: Path) -> None:
    assert pages.is_dir()
    text, found = await bench("pages")
    assert next(verdict for what, verdict in found.items() if what.startswith("weight of the heaviest")) == "PASS", text
    assert text.count("| `/") > 5, text


@browser
async def test_changes_are_painted(pages: Path) -> None:
    assert pages.is_dir()
    text, found = await bench("changes")
    assert found["changes that were seen"] == "PASS", text
