"""`kill -9` at random instants of a day, while webhook and API fail: nobody misses anything, and nobody is told twice.

The campaign itself, of which this is the short form, is `make crash`. What counts as what: bench/verdict.py.
"""

import random
from pathlib import Path

import pytest

from crash import short_plan
from crashday import run_day
from programs import Bench

pytestmark = pytest.mark.system


async def test_a_day_of_kills_equals_the_truth(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    verdict = await run_day(Bench(tmp_path), short_plan(seed))
    assert not verdict.faults, f"python bench/crash.py --short --seed {seed}: {verdict.faults}"
    assert verdict.kills > 1
    assert verdict.told + verdict.brief + verdict.dropped + verdict.ahead > 0
