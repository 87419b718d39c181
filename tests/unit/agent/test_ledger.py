"""The ledger: nothing over a limit whatever restarts and clocks do, and a trace of everything."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vigilia.agent.ledger import Ledger, LedgerError, Memory
from vigilia.agent.limits import DAY_S, HOUR_S, Budget
from vigilia.agent.parts import Rejected
from vigilia.errors import StartError

HOUR = Budget(20, HOUR_S, "max_dose_ml_hour")
DAY = Budget(50, DAY_S, "max_dose_ml_day")


@dataclass
class World:
    """A computer that is switched off and on, with a clock that people and networks set."""

    true: float = 1e9
    booted: float = 1e9 - 100
    boots: int = 1
    wrong: float = 0.0

    def boot(self) -> str:
        return f"boot-{self.boots}"

    def elapsed(self) -> float:
        return self.true - self.booted

    def wall(self) -> float:
        return self.true + self.wrong

    def reboot(self, off: float) -> None:
        self.true += off
        self.booted = self.true
        self.boots += 1
        self.true += 5


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
async def ledger(path: Path, world: World) -> AsyncIterator[Ledger]:
    ledger = Ledger(path, world)
    yield ledger
    await ledger.close()


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as database:
        found = database.execute(query).fetchall()
    database.close()
    return found


async def give(ledger: Ledger, ml: float, command: str = "", by: str = "") -> None:
    dose = await ledger.begin("acid", command, by, ml, [HOUR, DAY], 0.0)
    await ledger.settle(dose, "done", "", ml, ml, ml)


async def test_a_dose_is_on_the_disk_before_it_is_given(ledger: Ledger, path: Path) -> None:
    dose = await ledger.begin("acid", "c1", "", 5, [HOUR, DAY], 12.5)
    assert rows(
        path, "SELECT output, command, asked_ml, counted_ml, confirmed_ml, total_before, outcome FROM doses"
    ) == [("acid", "c1", 5.0, 5.0, None, 12.5, "open")]
    await ledger.settle(dose, "stopped", "stopped by hand", 3.2, 3.2, 15.7)
    assert rows(path, "SELECT counted_ml, confirmed_ml, total_after, outcome, detail FROM doses") == [
        (3.2, 3.2, 15.7, "stopped", "stopped by hand")
    ]
    assert ledger.spent("acid", HOUR) == pytest.approx(3.2)
    assert ledger.total("acid") == pytest.approx(3.2)


async def test_what_is_over_a_limit_is_refused_whole_and_written(ledger: Ledger, path: Path) -> None:
    await give(ledger, 15)
    with pytest.raises(Rejected, match="max_dose_ml_hour = 20") as refused:
        await give(ledger, 5.5, "c2")
    assert refused.value.over_limit
    assert rows(path, "SELECT output, command, asked_ml FROM refusals") == [("acid", "c2", 5.5)]
    assert ledger.total("acid") == 15
    await give(ledger, 5, "c2")  # a command that was refused did nothing, and may be asked again


async def test_a_restart_forgets_nothing(path: Path, world: World) -> None:
    first = Ledger(path, world)
    await give(first, 12, "c1")
    await first.remember("heater", Memory(3, {"Power": 1, "Duty": 40.0}, "no server for 30 s"))
    await first.close()
    second = Ledger(path, world)
    try:
        assert second.spent("acid", DAY) == 12
        assert second.total("acid") == 12
        assert second.memory("heater") == Memory(3, {"Power": 1, "Duty": 40.0}, "no server for 30 s")
        with pytest.raises(Rejected, match="taken before"):
            await give(second, 1, "c1")
        with pytest.raises(Rejected, match="max_dose_ml_hour"):
            await give(second, 9)
    finally:
        await second.close()


async def test_a_dose_that_was_never_settled_counts_for_as_long_as_nobody_knows(path: Path, world: World) -> None:
    first = Ledger(path, world)
    await first.begin("acid", "", "ph", 8, [HOUR], 0.0)
    await first.close()
    world.reboot(off=30 * DAY_S)
    second = Ledger(path, world)
    try:
        assert second.spent("acid", HOUR) == 8
        assert second.since_dose("acid") == 0
        (dose,) = second.open_doses("acid")
        await second.settle(dose, "stopped", "by the pump's total", 1.5, 1.5, 1.5)
        assert second.spent("acid", HOUR) == 1.5
        assert second.total("acid") == 1.5
        assert not second.open_doses("acid")
    finally:
        await second.close()


async def test_two_who_ask_at_once_share_one_budget(ledger: Ledger) -> None:
    answers = await asyncio.gather(*(give(ledger, 9) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(answer, Rejected) for answer in answers) == 3
    assert ledger.total("acid") == 18


async def test_one_command_is_taken_once_by_whoever_is_first(ledger: Ledger) -> None:
    answers = await asyncio.gather(*(give(ledger, 1, "same") for _ in range(3)), return_exceptions=True)
    assert sum(answer is None for answer in answers) == 1
    await ledger.take_command("other", "pump")
    with pytest.raises(Rejected):
        await ledger.take_command("other", "pump")


async def test_what_cannot_be_written_is_not_begun(ledger: Ledger, path: Path) -> None:
    with sqlite3.connect(path, isolation_level=None) as database:
        database.execute("CREATE TRIGGER full BEFORE INSERT ON doses BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
        with pytest.raises(LedgerError, match="disk is full"):
            await give(ledger, 5, "c1")
        assert ledger.spent("acid", HOUR) == 0
        assert ledger.total("acid") == 0
        database.execute("DROP TRIGGER full")
    database.close()
    await give(ledger, 5, "c1")


async def test_whoever_gives_up_while_it_is_written_has_spent_it(ledger: Ledger) -> None:
    task = asyncio.create_task(give(ledger, 7))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ledger.spent("acid", HOUR) == 7


def test_a_file_that_is_no_ledger_is_not_used(path: Path) -> None:
    path.write_text("this is not a database, and it is longer than a header of one would be" * 20)
    with pytest.raises(StartError, match="ledger"):
        Ledger(path)


async def test_since_the_last_dose_whoever_asked_for_it(ledger: Ledger, world: World) -> None:
    assert ledger.since_dose("acid") is None
    await give(ledger, 1, by="ph")
    world.true += 50
    assert ledger.since_dose("acid") == pytest.approx(50)
    await give(ledger, 1)
    assert ledger.since_dose("acid") == pytest.approx(0)
    world.true += 3 * DAY_S
    assert ledger.since_dose("acid") == pytest.approx(3 * DAY_S)


async def test_time_on_is_charged_ahead_and_counted_across_a_restart(path: Path, world: World) -> None:
    first = Ledger(path, world)
    run = await first.begin_run("heater", 60)
    world.true += 30
    assert first.on_s("heater") == pytest.approx(30)
    await first.charge(run, 90)
    await first.close()  # as by a crash: nobody charged what was used
    world.reboot(off=10)
    second = Ledger(path, world)
    try:
        assert second.streak_s("heater") == 90
        await second.remember("heater", Memory(1))
        assert second.streak_s("heater") == 0, "it was switched off on purpose"
        world.true += 2 * DAY_S
        assert second.on_s("heater") == 0
    finally:
        await second.close()


async def test_a_clock_that_moves_is_noted(ledger: Ledger, path: Path, world: World) -> None:
    await ledger.look()
    world.wrong = -3000
    await ledger.look()
    assert rows(path, "SELECT round(high - low) FROM boots") == [(3000.0,)]


STEP = st.one_of(
    st.tuples(st.just("dose"), st.sampled_from([0.5, 5.0, 10.0, 20.0, 20.1]), st.sampled_from(["done", "cut off"])),
    st.tuples(st.just("dose"), st.floats(0.5, 25), st.sampled_from(["done", "stopped", "cut off"])),
    st.tuples(st.just("wait"), st.sampled_from([1.0, 600.0, 3500.0, 3550.0, 3601.0]), st.none()),
    st.tuples(st.just("jump"), st.sampled_from([-HOUR_S, HOUR_S]), st.none()),
    st.tuples(st.just("restart"), st.floats(0, 100), st.none()),
    st.tuples(st.just("reboot"), st.sampled_from([0.0, 100.0, 5000.0, 30_000.0]), st.none()),
)


FULL = ("dose", 20.0, "done")
FORWARD, BACK = ("jump", HOUR_S, None), ("jump", -HOUR_S, None)
OFF_AND_ON, A_SECOND = ("reboot", 0.0, None), ("wait", 1.0, None)


@example([FULL, FORWARD, OFF_AND_ON, FULL])
@example([FULL, FORWARD, A_SECOND, FULL])
@example([FULL, BACK, A_SECOND, OFF_AND_ON, FORWARD, A_SECOND, FULL])
@example([FULL, *[FORWARD, OFF_AND_ON] * 30, FULL])
@example([FULL, BACK, OFF_AND_ON, BACK, FORWARD, A_SECOND, FORWARD, OFF_AND_ON, FULL])
@given(st.lists(STEP, min_size=3, max_size=20))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_no_sequence_exceeds_a_limit(steps: list[tuple[str, float, str | None]]) -> None:
    """What truly was given within any true hour and day, whatever the clock said, stays within the limits."""
    world = World()
    truly: list[tuple[float, float]] = []

    async def live(path: Path) -> None:
        ledger = Ledger(path, world)
        jumped = False
        for step, number, how in steps:
            match step:
                case "dose":
                    try:
                        dose = await ledger.begin("acid", "", "", number, [HOUR, DAY], 0.0)
                    except Rejected:
                        continue
                    world.true += number  # a second for each millilitre
                    gave = number if how == "done" else number / 2
                    truly.append((world.true, gave))
                    if how != "cut off":
                        await ledger.settle(dose, "done", "", gave, gave, gave)
                    else:
                        await ledger.close()
                        ledger = Ledger(path, world)
                        for left in ledger.open_doses("acid"):
                            await ledger.settle(left, "unknown", "", None, left.asked_ml, None)
                case "wait":
                    world.true += number
                    await ledger.look()
                    jumped = False
                case "jump":
                    if jumped:  # two jumps that nobody could see between are one of more than an hour
                        await ledger.look()
                    world.wrong += number
                    jumped = True
                case "restart":
                    await ledger.close()
                    world.true += number
                    ledger = Ledger(path, world)
                    jumped = False
                case _:  # a jump just before it was seen by nobody
                    await ledger.close()
                    world.reboot(number)
                    ledger = Ledger(path, world)
                    jumped = False
        await ledger.close()

    with TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder) / "ledger.db"))
    for budget in (HOUR, DAY):
        for end, _ in truly:
            within = sum(ml for at, ml in truly if end - budget.window_s < at <= end)
            assert within <= budget.most_ml + 1e-6
