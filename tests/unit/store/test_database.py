"""The store: audit, chosen set points and known points."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.util import await_only

from vigilia.points import Kind, Point
from vigilia.store import Chosen, PointChanges, Store, StoreError, database

SEL = "T1:PwrState-Sel"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
    yield store
    await store.close()


def asked(
    write_id: str, value: object = 1, point: str = SEL, *, chosen: bool = True, at: float = 1.0
) -> dict[str, Any]:
    return {
        "event": "asked",
        "write_id": write_id,
        "asked_at": at,
        "point": point,
        "value": value,
        "previous": 0,
        "via": "epics",
        "user": "ana",
        "host": "console-1",
        "chosen": chosen,
    }


def answered(write_id: str, outcome: str = "confirmed", detail: str = "") -> dict[str, Any]:
    return {"event": "answered", "write_id": write_id, "outcome": outcome, "detail": detail, "answered_at": 2.5}


async def test_a_write_and_its_answer(store: Store) -> None:
    await store.record_writes([asked("a")])
    (row,) = await store.audit()
    assert (row["outcome"], row["answered"]) == (None, None)
    await store.record_writes([answered("a", "Refused", "not today")])
    assert await store.audit() == [
        {
            "id": 1,
            "time": "1970-01-01T00:00:01.000Z",
            "point": SEL,
            "value": 1,
            "previous": 0,
            "via": "epics",
            "user": "ana",
            "host": "console-1",
            "outcome": "Refused",
            "detail": "not today",
            "answered": "1970-01-01T00:00:02.500Z",
        }
    ]


async def test_chosen_is_the_last_value_and_whether_it_was_confirmed(store: Store) -> None:
    assert await store.chosen() == {}
    await store.record_writes([asked("a", 1), answered("a")])
    assert await store.chosen() == {SEL: Chosen(1, confirmed=True)}
    await store.record_writes([asked("b", 0)])
    assert await store.chosen() == {SEL: Chosen(0, confirmed=False)}
    await store.record_writes([answered("b", "WriteTimeout", "no answer")])
    assert await store.chosen() == {SEL: Chosen(0, confirmed=False)}
    await store.record_writes([asked("c", 1), answered("c")])
    assert await store.chosen() == {SEL: Chosen(1, confirmed=True)}


async def test_the_answer_to_an_earlier_write_does_not_confirm_a_later_choice(store: Store) -> None:
    await store.record_writes([asked("a", 1), asked("b", 0), answered("a")])
    assert await store.chosen() == {SEL: Chosen(0, confirmed=False)}
    await store.record_writes([answered("b")])
    assert await store.chosen() == {SEL: Chosen(0, confirmed=True)}


async def test_commands_and_refusals_out_of_hand_choose_nothing(store: Store) -> None:
    await store.record_writes([asked("a", chosen=False), answered("a"), asked("b", None, chosen=False)])
    assert await store.chosen() == {}
    assert len(await store.audit()) == 2


@pytest.mark.parametrize("value", [0, 1, 2.5, True, "text", "ç" * 1000, ""])
async def test_every_kind_of_value_comes_back_as_it_was(store: Store, value: object) -> None:
    await store.record_writes([asked("a", value)])
    assert (await store.chosen())[SEL].value == value
    assert type((await store.chosen())[SEL].value) is type(value)
    assert (await store.audit())[0]["value"] == value


async def test_hostile_texts_are_values_and_not_sql(store: Store) -> None:
    name = "x'); DROP TABLE audit; --"
    await store.record_writes([asked("a", name, name)])
    assert (await store.audit(point=name))[0]["value"] == name


async def test_repetition_changes_nothing(store: Store) -> None:
    records = [asked("a", 1), answered("a"), asked("b", 0), answered("b", "Refused", "no"), asked("c", 1)]
    await store.record_writes(records)
    once = (await store.audit(), await store.chosen())
    for count in range(1, len(records) + 1):
        await store.record_writes(records[:count])
        assert (await store.audit(), await store.chosen()) == once


async def test_a_damaged_record_is_skipped_and_logged(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    await store.record_writes(
        [{}, {"event": "asked", "write_id": "x"}, {"event": "answered"}, asked("a"), answered("a")]
    )
    assert [row["outcome"] for row in await store.audit()] == ["confirmed"]
    assert caplog.text.count("a damaged record of the journal is skipped") == 3


@pytest.mark.parametrize(
    "odd",
    [
        {"write_id": None},
        {"point": {"a": 1}},
        {"point": None},
        {"value": [1]},
        {"value": None},
        {"chosen": "yes"},
        {"user": "\ud800"},
        {"host": 2**70},
        {"asked_at": "yesterday"},
        {"asked_at": float("nan")},
        {"asked_at": 2**70},
        {"point": "refused by a trigger"},
        {"point": "too large"},
    ],
    ids=str,
)
async def test_a_record_that_no_store_takes_is_skipped_and_logged(
    odd: dict[str, Any], tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    other = sqlite3.connect(tmp_path / "vigilia.db")
    for point, answer in (("refused by a trigger", "RAISE(ABORT, 'no')"), ("too large", "zeroblob(2000000000)")):
        other.execute(
            f"CREATE TRIGGER '{point}' AFTER INSERT ON audit WHEN new.point = '{point}' BEGIN SELECT {answer}; END"
        )
    other.close()
    records = [asked("a"), answered("a"), {**asked("b", point="T2"), **odd}, asked("c", 0), answered("c")]
    await store.record_writes(records)
    assert [(row["id"], row["outcome"]) for row in await store.audit()] == [(2, "confirmed"), (1, "confirmed")]
    assert await store.chosen() == {SEL: Chosen(0, confirmed=True)}
    assert caplog.text.count("a damaged record of the journal is skipped") == 1


@pytest.mark.parametrize("odd", [{"outcome": None}, {"detail": {}}, {"answered_at": float("inf")}], ids=str)
async def test_an_answer_that_no_store_takes_is_skipped(odd: dict[str, Any], store: Store) -> None:
    await store.record_writes([asked("a"), {**answered("a"), **odd}, asked("b"), answered("b")])
    assert [row["outcome"] for row in await store.audit()] == ["confirmed", None]


async def test_a_store_that_is_full_keeps_nothing_and_skips_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Locked, full and missing are no fault of a record: everything waits, also beside a record to be skipped."""
    store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
    engine = store._engine  # noqa: SLF001 - a full disk cannot be had otherwise

    def limit(connection: Any, _record: object, _proxy: object) -> None:
        connection.cursor().execute(f"PRAGMA max_page_count={limit_pages}")

    event.listen(engine.sync_engine, "checkout", limit)
    odd = [asked("a"), {"event": "odd"}, *(asked(str(n), "x" * 5_000) for n in range(50))]
    limit_pages = 20
    with pytest.raises(StoreError, match="full"):
        await store.record_writes(odd)
    assert await store.audit() == []
    caplog.clear()
    limit_pages = 1_000_000
    await store.record_writes(odd)
    assert len(await store.audit()) == 51
    assert caplog.text.count("a damaged record of the journal is skipped") == 1
    await store.close()


async def test_an_answer_without_a_question_is_no_error(store: Store) -> None:
    await store.record_writes([answered("unknown")])
    assert await store.audit() == []


async def test_orphans_are_closed_as_unknown(store: Store) -> None:
    await store.record_writes([asked("a"), answered("a"), asked("b")])
    await store.close_orphans()
    rows = {row["id"]: row for row in await store.audit()}
    assert rows[1]["outcome"] == "confirmed"
    assert rows[2]["outcome"] == "unknown"
    assert rows[2]["detail"] == "the service ended before the answer came"
    assert rows[2]["answered"] is None
    assert await store.chosen() == {SEL: Chosen(1, confirmed=False)}


async def test_the_audit_is_read_page_by_page_the_newest_first(store: Store) -> None:
    await store.record_writes([asked(str(n), point=f"T{n % 2}", at=float(n)) for n in range(25)])
    seen: list[int] = []
    before: int | None = None
    while page := await store.audit(before=before, limit=10):
        seen += [row["id"] for row in page]
        before = page[-1]["id"]
    assert seen == list(range(25, 0, -1))
    assert {row["point"] for row in await store.audit(point="T1")} == {"T1"}
    assert len(await store.audit(point="T1")) == 12
    assert len(await store.audit(point="T1", before=10, limit=3)) == 3
    assert await store.audit(point="T") == []
    assert len(await store.audit()) == 25


async def test_the_audit_keeps_the_newest_writes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_WRITES_KEPT", 10)
    await store.record_writes([asked("first", 1, "T2"), answered("first")])
    for start in range(0, 30, 6):
        await store.record_writes([asked(str(n), n) for n in range(start, start + 6)])
        # Repeated and damaged records are no new writes, and push none out.
        await store.record_writes([asked(str(start)), {"event": "odd"}, answered("first")])
    assert [row["value"] for row in await store.audit()] == list(range(29, 19, -1))
    assert (await store.chosen())["T2"] == Chosen(1, confirmed=True), "what was chosen stays"


def points(*names: str, **more: Any) -> list[Point]:
    return [Point(name, Kind.ENUM, "T", labels=("Off", "On"), limits=(0, 1), **more) for name in names]


async def test_points_are_remembered_from_start_to_start(store: Store, tmp_path: Path) -> None:
    assert await store.remember_points("aruba", points("a", "b"), 1.0) == PointChanges(new=2, gone=0)
    assert await store.remember_points("aruba", points("a", "b"), 2.0) == PointChanges(new=0, gone=0)
    assert await store.remember_points("aruba", points("b", "c", units="W"), 3.0) == PointChanges(new=1, gone=1)
    assert await store.remember_points("other", points("d"), 4.0) == PointChanges(new=1, gone=0)
    assert await store.remember_points("aruba", [], 5.0) == PointChanges(new=0, gone=2)
    await store.remember_points("aruba", points("d"), 6.0)
    database = sqlite3.connect(tmp_path / "vigilia.db")
    assert database.execute("SELECT name, driver FROM known_points").fetchall() == [("d", "aruba")]
    database.close()


async def test_first_seen_stays_when_the_definition_changes(store: Store, tmp_path: Path) -> None:
    await store.remember_points("aruba", points("a"), 1.0)
    await store.remember_points("aruba", points("a", units="W"), 2.0)
    database = sqlite3.connect(tmp_path / "vigilia.db")
    ((seen, definition),) = database.execute("SELECT first_seen, definition FROM known_points").fetchall()
    database.close()
    assert seen == 1.0
    assert '"units": "W"' in definition


async def test_many_points_are_remembered_in_one_go(store: Store) -> None:
    many = points(*(f"T{n}" for n in range(5000)))
    assert await store.remember_points("aruba", many, 1.0) == PointChanges(new=5000, gone=0)


async def test_a_store_that_has_gone_says_so(tmp_path: Path) -> None:
    path = tmp_path / "vigilia.db"
    store = await Store.open(f"sqlite:///{path}")
    await store.check()
    await store.close()
    for old in tmp_path.iterdir():
        old.unlink()
    path.mkdir()
    for call in (
        store.check(),
        store.chosen(),
        store.audit(),
        store.close_orphans(),
        store.record_writes([asked("a")]),
        store.remember_points("aruba", points("a"), 1.0),
    ):
        with pytest.raises(StoreError, match=r"unable to open database file|was replaced while in use") as raised:
            await call
        assert "SELECT" not in str(raised.value), "the database's own words, without our statements"
    await store.close()


async def test_nothing_goes_into_a_file_that_nobody_can_see(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "vigilia.db"
    await store.record_writes([asked("a")])
    path.rename(tmp_path / "away")
    with pytest.raises(StoreError, match="is away"):
        await store.record_writes([asked("b")])
    (tmp_path / "away").rename(path)
    assert [row["id"] for row in await store.audit()] == [1]


async def test_a_locked_store_is_a_store_error(tmp_path: Path, store: Store) -> None:
    holder = sqlite3.connect(tmp_path / "vigilia.db", isolation_level=None)
    holder.execute("PRAGMA busy_timeout=0")
    holder.execute("BEGIN EXCLUSIVE")
    try:
        async with asyncio.timeout(4):  # a stop has 10 s for everything
            with pytest.raises(StoreError, match="locked"):
                await store.record_writes([asked("a")])
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    await store.record_writes([asked("a")])
    assert len(await store.audit()) == 1


async def test_a_close_that_hangs_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(database, "_CLOSE_WAIT_S", 0.05)
    store = await Store.open(f"sqlite:///{tmp_path}/vigilia.db")
    left: list[Any] = []

    def hang(connection: Any, _record: object) -> None:
        left.append(connection.driver_connection)
        await_only(asyncio.get_running_loop().create_future())

    engine = store._engine  # noqa: SLF001 - a disk that hangs cannot be had otherwise
    event.listen(engine.sync_engine, "close", hang)
    async with asyncio.timeout(5):
        await store.close()
    assert "the store could not be closed: no answer in time" in caplog.text
    for connection in left:
        await connection.close()


steps = st.lists(
    st.tuples(st.sampled_from(["ask", "confirm", "refuse"]), st.integers(0, 3), st.integers(0, 1)), max_size=20
)


@settings(max_examples=20, deadline=None)
@given(steps, st.lists(st.integers(0, 20), max_size=3))
def test_any_history_and_its_repetitions_give_the_last_choice(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]], repeats: list[int]
) -> None:
    """Against a model in memory: the last asked wins, and only its own answer confirms it."""
    records: list[dict[str, Any]] = []
    last: dict[str, tuple[str, int, bool]] = {}
    for number, (step, point, value) in enumerate(steps):
        name = f"T{point}"
        if step == "ask":
            records.append(asked(f"w{number}", value, name))
            last[name] = (f"w{number}", value, False)
        elif name in last:
            write_id, chosen, _ = last[name]
            records.append(answered(write_id, "confirmed" if step == "confirm" else "Refused"))
            last[name] = (write_id, chosen, last[name][2] or step == "confirm")

    async def scenario() -> dict[str, Chosen]:
        store = await Store.open(f"sqlite:///{tmp_path_factory.mktemp('store')}/vigilia.db")
        await store.record_writes(records)
        for count in repeats:
            await store.record_writes(records[:count])
        chosen = await store.chosen()
        await store.close()
        return chosen

    assert asyncio.run(scenario()) == {name: Chosen(value, confirmed) for name, (_, value, confirmed) in last.items()}
