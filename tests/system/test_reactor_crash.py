"""`kill -9` of agent and server, and all that an output must survive: the short forms of `make reactors`."""

import random
from pathlib import Path

import pytest

import reactorcampaign
import reactorfailsafe
import reactorkills
from figures import Figure
from programs import Bench

pytestmark = pytest.mark.system


def _failed(figures: list[Figure]) -> list[str]:
    return [f"{figure.what}: {figure.value:g}" for figure in figures if figure.passed is False]


async def test_kills_lose_no_sample_and_repeat_no_dose(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    bench = Bench(tmp_path, short=True, chance=random.Random(seed))
    assert not _failed(await reactorkills.campaign(bench, reactorkills.SHORT_KILLS)), f"seed {seed}"


@pytest.mark.parametrize("name", reactorfailsafe.SHORT)
async def test_outputs_fall_to_safe(tmp_path: Path, name: str) -> None:
    wait_s, held = await reactorfailsafe.suffer(Bench(tmp_path, short=True), name)
    assert wait_s <= reactorfailsafe.FAULTS[name][1]
    assert held or name == "agent killed"


async def test_no_pump_exceeds_a_limit_by_chance(tmp_path: Path) -> None:
    said: list[str] = []
    figures = await reactorcampaign.limits(Bench(tmp_path, short=True), tell=said.append)
    assert not _failed(figures), said
