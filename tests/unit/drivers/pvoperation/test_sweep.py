"""A scan over many plants: its order, its end, and its pace."""

import asyncio
import logging

import pytest

from vigilia.drivers.pvoperation.client import TokenRefused
from vigilia.drivers.pvoperation.driver import PacedScan
from vigilia.drivers.pvoperation.mapping import RELAY
from vigilia.drivers.pvoperation.plants import Plant
from vigilia.drivers.pvoperation.sweep import MOST_FAILURES, MOST_REFUSED, Outcome, Sweep
from vigilia.errors import BadAnswer, ConnectionLost, LoginRefused

PLANTS = [Plant(str(number), f"P{number}") for number in range(100)]
NEVER = float("inf")


class Account:
    """Plants that answer, and some that do not."""

    def __init__(self, **errors: Exception) -> None:
        self.errors = {name.removeprefix("p"): error for name, error in errors.items()}
        self.asked: list[str] = []

    async def read(self, plant: Plant, deadline: float) -> Outcome:
        self.asked.append(plant.id)
        await asyncio.sleep(0)
        if plant.id in self.errors:
            raise self.errors[plant.id]
        return Outcome(records=2, fresh=1)


async def test_what_is_counted() -> None:
    account = Account(p3=ConnectionLost("no"), p4=BadAnswer("no"))
    tally = await Sweep(RELAY, 4, account.read).run(PLANTS, 5, NEVER)
    assert (tally.plants, tally.answered, tally.failed, tally.fresh, tally.without_data) == (105, 98, 2, 98, 5)


async def test_plants_not_reached_come_first_the_next_time(caplog: pytest.LogCaptureFixture) -> None:
    account = Account()
    sweep = Sweep(RELAY, 1, account.read)
    await sweep.run(PLANTS[:3], 0, NEVER)
    tally = await sweep.run(PLANTS, 0, 0.0)
    assert (tally.answered, tally.failed) == (0, 100)
    assert "TIMEOUT_PARCIAL: 100 plants were not asked" in caplog.text
    account.asked.clear()
    await sweep.run(PLANTS, 0, NEVER)
    assert account.asked == [plant.id for plant in (*PLANTS[3:], *PLANTS[:3])]


@pytest.mark.parametrize(("concurrency", "asked"), [(1, MOST_FAILURES), (4, MOST_FAILURES), (20, 40)])
async def test_a_dead_account_is_noticed_soon(concurrency: int, asked: int) -> None:
    account = Account(**{f"p{plant.id}": ConnectionLost("no answer") for plant in PLANTS})
    sweep = Sweep(RELAY, concurrency, account.read)
    with pytest.raises(ConnectionLost, match="no plant's relay records could be read: no answer"):
        await sweep.run(PLANTS, 0, NEVER)
    assert concurrency < sweep.in_hand
    assert asked <= len(account.asked) < asked + sweep.in_hand


async def test_dead_plants_at_the_head_do_not_hide_the_others() -> None:
    dead = MOST_FAILURES + 8
    account = Account(**{f"p{number}": ConnectionLost("no") for number in range(dead)})
    sweep = Sweep(RELAY, 4, account.read)
    with pytest.raises(ConnectionLost):
        await sweep.run(PLANTS, 0, NEVER)
    account.asked.clear()
    with pytest.raises(ConnectionLost):
        await Sweep(RELAY, 4, account.read).run(PLANTS, 0, NEVER)  # without a memory nothing changes
    tally = await sweep.run(PLANTS, 0, NEVER)
    assert (tally.answered, tally.failed) == (100 - dead, dead)


async def test_a_refused_login_ends_it_and_cuts_nothing_off(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    account = Account(p3=LoginRefused("refused"))
    ended: list[str] = []

    async def read(plant: Plant, deadline: float) -> Outcome:
        outcome = await account.read(plant, deadline)
        for _ in range(5):
            await asyncio.sleep(0)
        ended.append(plant.id)
        return outcome

    with pytest.raises(LoginRefused):
        await Sweep(RELAY, 4, read).run(PLANTS, 0, NEVER)
    assert set(ended) == set(account.asked) - {"3"}
    assert len(account.asked) < 10


async def test_a_plant_that_the_account_may_not_read_costs_the_others_nothing() -> None:
    account = Account(p3=TokenRefused("refused again"))
    tally = await Sweep(RELAY, 4, account.read).run(PLANTS, 0, NEVER)
    assert (tally.answered, tally.failed) == (99, 1)


async def test_a_token_that_nobody_takes_ends_a_scan_and_is_the_account_s_trouble() -> None:
    account = Account(**{f"p{number}": TokenRefused("refused again") for number in range(100)})
    with pytest.raises(LoginRefused):
        await Sweep(RELAY, 4, account.read).run(PLANTS, 0, NEVER)
    assert len(account.asked) < 3 * MOST_REFUSED


async def test_a_token_that_is_refused_from_some_plant_on_ends_a_scan() -> None:
    account = Account(**{f"p{number}": TokenRefused("refused again") for number in range(50, 100)})
    tally = await Sweep(RELAY, 4, account.read).run(PLANTS, 0, NEVER)
    assert (tally.answered, tally.failed) == (50, 50)
    assert len(account.asked) < 50 + 3 * MOST_REFUSED


async def test_no_plants_are_no_failure() -> None:
    assert (await Sweep(RELAY, 4, Account().read).run([], 0, NEVER)).plants == 0


def test_a_scan_that_went_well_keeps_its_pace_over_a_reconnection() -> None:
    scan = PacedScan("relays", 600.0, list, spread=False)
    scan.restart(1000.0)
    assert scan.due == 1000.0
    scan.went_well(1000.0)
    scan.restart(1100.0)
    assert scan.due == 1600.0
    scan.restart(2000.0)
    assert scan.due == 2000.0
