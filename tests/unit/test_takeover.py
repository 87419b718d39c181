"""The takeover from the monitor before: nothing is told twice, nothing is forgotten, and the way back says the same."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

import vigilia
from vigilia.alarms.engine import AlarmEngine
from vigilia.clock import Clock
from vigilia.drivers.pvoperation.config import PvOperationConfig
from vigilia.drivers.pvoperation.progress import OVERLAP_S, Progress
from vigilia.drivers.pvoperation.rules import rules_of
from vigilia.errors import StartError
from vigilia.notices import NoticeKind
from vigilia.points import Batch, Checkpoint, Origin, Point, Reading, Sample, Value
from vigilia.settings import Secret
from vigilia.state_file import CLASSES, InverterState, MonitorState, parse, write
from vigilia.store import Store, outbox
from vigilia.store.alarms import load_checkpoints, load_incidents
from vigilia.table import PointTable
from vigilia.takeover import export_state, import_state

CONFIG = PvOperationConfig(email="a@example.org", password=Secret("x"))
SCAN = 1_773_144_000.0  # 2026-03-10 12:00 UTC
NOW = SCAN + 600
STATE = MonitorState(
    relay_scans={"7": SCAN, "8": SCAN},
    inverter_scans={"7": SCAN, "8": SCAN},
    relay_alarms=(("7", "R1", "SOBRETENSÃO"),),
    inverters={
        ("7", "A"): InverterState(active=False, zeros=0, recoveries=0),
        ("8", "B"): InverterState(active=True, zeros=0, recoveries=2),
        ("8", "C"): InverterState(active=False, zeros=2, recoveries=0),
    },
    pending=("Falha de relé – UFV 9",),
)


class NoJournal:
    def asked(self, point: Point, value: Value | None, previous: Value | None, origin: Origin) -> str:
        raise NotImplementedError

    def answered(self, write_id: str, outcome: str, detail: str) -> None:
        raise NotImplementedError


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
    yield store
    await store.close()


async def take_over(store: Store, state: MonitorState = STATE) -> str:
    return await import_state(store, state, CONFIG, UTC, lambda _: ("teams",), NOW)


async def test_nothing_is_told_but_what_waited(store: Store) -> None:
    said = await take_over(store)
    assert said == "4 checkpoints, 2 active alarms, 3 inverters, 1 notices taken over"
    (waiting,) = await outbox.waiting(store, "teams", 10)
    assert (waiting.notice.kind, waiting.notice.line) == (NoticeKind.SERVICE, "Falha de relé – UFV 9")


async def test_records_count_from_the_last_scan_where_something_is_carried_over(store: Store) -> None:
    await take_over(store)
    kept = {key: Progress.load(value) for key, value in (await load_checkpoints(store, "pvoperation")).items()}
    assert {key: progress.start(NOW) - SCAN for key, progress in kept.items()} == {
        "relay:7": 0,
        "relay:8": -OVERLAP_S,
        "inverter:7": -OVERLAP_S,
        "inverter:8": 0,
    }


async def test_the_next_readings_go_on_where_the_monitor_before_had_come(store: Store) -> None:
    """The engine's own start reads what was put there, and its own rules judge what comes."""
    await take_over(store)
    clock = Clock()
    table = PointTable(clock, NoJournal())

    async def refuse(point: Point, value: Value) -> None:
        raise NotImplementedError

    table.add(await store.known_points("pvoperation"), refuse)
    engine = AlarmEngine(table, store, clock, UTC, lambda _: ("teams",), lambda: None)
    await engine.load(rules_of(CONFIG, "vigilia"))
    active = {name for name, alarm in engine.alarms.items() if alarm.state.active}
    assert active == {"relay-overvoltage@7:Relay-R1:Overvoltage-Sts", "inverter-failure@8:Inverter-B:Pac-Mon"}
    table.add_consumer(engine)
    running = asyncio.create_task(engine.run())
    try:
        samples = [
            Sample("8:Inverter-B:Pac-Mon", Reading(5.0, SCAN + 300)),
            Sample("8:Inverter-C:Pac-Mon", Reading(0.0, SCAN + 300)),
            Sample("7:Relay-R1:Overvoltage-Sts", Reading(0, SCAN + 300)),
        ]
        await table.publish(Batch("pvoperation", samples, checkpoint=Checkpoint("test", {})))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    told = [(found.notice.kind, found.notice.alarm) for found in await outbox.waiting(store, "teams", 10)]
    assert sorted(told[1:]) == [
        (NoticeKind.CLEARED, "inverter-failure@8:Inverter-B:Pac-Mon"),
        (NoticeKind.CLEARED, "relay-overvoltage@7:Relay-R1:Overvoltage-Sts"),
        (NoticeKind.RAISED, "inverter-failure@8:Inverter-C:Pac-Mon"),
    ]
    lines = {found.notice.alarm: found.notice.line for found in await outbox.waiting(store, "teams", 10)}
    assert lines["relay-overvoltage@7:Relay-R1:Overvoltage-Sts"].endswith(" – until 10/03 12:05; start not known")
    assert [row.start_known for row in await load_incidents(store, 0.0) if row.rule == "relay-overvoltage"] == [False]


async def test_a_store_that_knows_of_plants_is_left_alone(store: Store) -> None:
    await take_over(store)
    with pytest.raises(StartError, match="knows of plants already"):
        await take_over(store, MonitorState(pending=("again",)))
    assert len(await outbox.waiting(store, "teams", 10)) == 1


names = st.text("ABCxyz019-", min_size=1, max_size=6)
times = st.dictionaries(st.integers(1, 9).map(str), st.integers(int(SCAN), int(NOW)).map(float), max_size=4)
counts = st.one_of(
    st.builds(InverterState, st.just(True), st.just(0), st.integers(0, 2)),
    st.builds(InverterState, st.just(False), st.integers(0, 2), st.just(0)),
)
plants = st.integers(1, 9).map(str)


@st.composite
def states(draw: Any) -> MonitorState:
    alarms = draw(st.lists(st.tuples(plants, names, st.sampled_from(CLASSES)), max_size=4, unique=True))
    inverters = draw(st.dictionaries(st.tuples(plants, names), counts, max_size=4))
    named = {plant for plant, _, _ in alarms} | {plant for plant, _ in inverters}
    scans = draw(times), draw(times)
    whole = [dict.fromkeys(named, NOW) | found for found in scans]
    pending = draw(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20), unique=True))
    return MonitorState(whole[0], whole[1], tuple(sorted(alarms)), inverters, tuple(pending[:4]))


@settings(max_examples=25)
@given(states())
def test_what_was_taken_over_is_given_back(tmp_path_factory: pytest.TempPathFactory, state: MonitorState) -> None:
    async def there_and_back() -> MonitorState:
        store = await Store.open(f"sqlite:///{tmp_path_factory.mktemp('store')}/vigilia.db")
        try:
            await take_over(store, parse(write(state, UTC).encode(), UTC))
            return parse(write(await export_state(store), UTC).encode(), UTC)
        finally:
            await store.close()

    back = asyncio.run(there_and_back())
    assert back.relay_scans == state.relay_scans
    assert back.inverter_scans == state.inverter_scans
    assert back.relay_alarms == state.relay_alarms
    assert back.inverters == state.inverters
    assert back.pending == state.pending


async def test_incidents_of_what_stands_are_open_and_told(store: Store) -> None:
    await take_over(store)
    rows = await load_incidents(store, 0.0)
    assert sorted((row.alarm, row.ended_at, row.told, row.start_known) for row in rows) == [
        ("inverter-failure@8:Inverter-B:Pac-Mon", None, True, False),
        ("relay-overvoltage@7:Relay-R1:Overvoltage-Sts", None, True, False),
    ]


SITE = """
[site]
language = "en"
[web]
listen = "127.0.0.1:0"
[pvoperation]
email = "a@example.org"
password = "secret"
base_url = "http://127.0.0.1:9"
[notify.teams]
webhook_url = "http://127.0.0.1:9/hook"
"""


def vigilia_state(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(vigilia.__file__).parents[1])}
    return subprocess.run(
        [sys.executable, "-m", "vigilia", "state", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_takes_over_and_gives_back(tmp_path: Path) -> None:
    (tmp_path / "vigilia.toml").write_text(SITE)
    (tmp_path / "monitor_state.json").write_text(write(STATE, UTC))
    missing = vigilia_state(tmp_path, "export", "-")
    assert (missing.returncode, "there is no store" in missing.stderr) == (2, True), missing
    done = vigilia_state(tmp_path, "import", "monitor_state.json")
    assert (done.returncode, done.stdout) == (
        0,
        "4 checkpoints, 2 active alarms, 3 inverters, 1 notices taken over\n",
    ), done.stderr
    given = vigilia_state(tmp_path, "export", "-", "vigilia.toml")
    assert json.loads(given.stdout) == json.loads(write(STATE, UTC))
    assert vigilia_state(tmp_path, "export", "back.json").returncode == 0
    assert (tmp_path / "back.json").read_text() == given.stdout
    again = vigilia_state(tmp_path, "import", "back.json")
    assert (again.returncode, "knows of plants already" in again.stderr) == (2, True)
    wrong = vigilia_state(tmp_path, "import", "vigilia.toml")
    assert (wrong.returncode, "is not JSON" in wrong.stderr) == (2, True), wrong.stderr
    lock = FileLock(tmp_path / "state" / "vigilia.lock")
    with lock:
        running = vigilia_state(tmp_path, "import", "monitor_state.json")
    assert (running.returncode, "Another instance is running" in running.stderr) == (3, True)
