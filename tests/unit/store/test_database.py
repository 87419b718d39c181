"""The store: audit, chosen set points and known points."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select
from sqlalchemy.util import await_only

from vigilia.points import Kind, Point
from vigilia.store import Chosen, PointChanges, Store, StoreError, database, schema
from vigilia.store.auditing import AuditFilter

SEL = "T1:PwrState-Sel"


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
    assert (await store.audit(AuditFilter(name)))[0]["value"] == name


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


TRIGGERS = {
    "sqlite": [
        f"CREATE TRIGGER '{point}' AFTER INSERT ON audit WHEN new.point = '{point}' BEGIN SELECT {answer}; END"
        for point, answer in (("refused by a trigger", "RAISE(ABORT, 'no')"), ("too large", "zeroblob(2000000000)"))
    ],
    "postgresql": [
        """
        CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN
            IF new.point = 'refused by a trigger' THEN RAISE EXCEPTION 'no'; END IF;
            IF new.point = 'too large' THEN new.id = 2000000000 * 2; END IF;
            RETURN new;
        END $$ LANGUAGE plpgsql
        """,
        "CREATE TRIGGER refuse BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION refuse()",
    ],
}


@pytest.mark.parametrize(
    "odd",
    [
        {"write_id": None},
        {"point": {"a": 1}},
        {"point": None},
        {"value": [1]},
        {"value": None},
        {"chosen": "yes"},
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
    odd: dict[str, Any], store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with store.writing() as connection:
        for statement in TRIGGERS[connection.dialect.name]:
            await connection.exec_driver_sql(statement)
    records = [asked("a"), answered("a"), {**asked("b", point="T2"), **odd}, asked("c", 0), answered("c")]
    await store.record_writes(records)
    assert [(row["value"], row["outcome"]) for row in await store.audit()] == [(0, "confirmed"), (1, "confirmed")]
    assert await store.chosen() == {SEL: Chosen(0, confirmed=True)}
    assert caplog.text.count("a damaged record of the journal is skipped") == 1


async def test_texts_that_no_database_stores_are_mended(store: Store) -> None:
    """NUL, and half of a surrogate pair; a number that JSON has not becomes nothing."""
    records = [
        asked("a", "\0x\ud83d", "T\0"),
        {**asked("b", "\U0001f600"), "user": "\udfff\0é", "previous": float("nan")},
    ]
    await store.record_writes([*records, answered("a", detail="\0")])
    second, first = await store.audit()
    assert (first["point"], first["value"], first["detail"]) == ("T?", "?x?", "?")
    assert (second["value"], second["user"], second["previous"]) == ("\U0001f600", "??é", None)
    assert await store.audit(AuditFilter("T\0")) == [first]


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
    assert {row["point"] for row in await store.audit(AuditFilter("T1"))} == {"T1"}
    assert len(await store.audit(AuditFilter("T1"))) == 12
    assert len(await store.audit(AuditFilter("T1"), before=10, limit=3)) == 3
    assert await store.audit(AuditFilter("T")) == []
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


async def known_points(store: Store) -> list[dict[str, Any]]:
    async with store.reading() as connection:
        return [dict(row) for row in (await connection.execute(select(schema.known_points))).mappings()]


async def test_points_are_remembered_from_start_to_start(store: Store) -> None:
    assert await store.remember_points("aruba", points("a", "b"), 1.0) == PointChanges(new=2, gone=0)
    assert await store.remember_points("aruba", points("a", "b"), 2.0) == PointChanges(new=0, gone=0)
    assert await store.remember_points("aruba", points("b", "c", units="W"), 3.0) == PointChanges(new=1, gone=1)
    assert await store.remember_points("other", points("d"), 4.0) == PointChanges(new=1, gone=0)
    assert await store.remember_points("aruba", [], 5.0) == PointChanges(new=0, gone=2)
    await store.remember_points("aruba", points("d"), 6.0)
    assert [(row["name"], row["driver"]) for row in await known_points(store)] == [("d", "aruba")]


async def test_first_seen_stays_when_the_definition_changes(store: Store) -> None:
    await store.remember_points("aruba", points("a"), 1.0)
    await store.remember_points("aruba", points("a", units="W"), 2.0)
    (row,) = await known_points(store)
    assert row["first_seen"] == 1.0
    assert row["definition"]["units"] == "W"


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


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_nothing_goes_into_a_file_that_nobody_can_see(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "vigilia.db"
    await store.record_writes([asked("a")])
    path.rename(tmp_path / "away")
    with pytest.raises(StoreError, match="is away"):
        await store.record_writes([asked("b")])
    (tmp_path / "away").rename(path)
    assert [row["id"] for row in await store.audit()] == [1]


@asynccontextmanager
async def locked(url: str) -> AsyncIterator[None]:
    """Another program in the middle of a write."""
    if url.startswith("sqlite"):
        holder = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        holder.execute("PRAGMA busy_timeout=0")
        holder.execute("BEGIN EXCLUSIVE")
        yield
        holder.execute("ROLLBACK")
        holder.close()
        return
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        await connection.execute("LOCK TABLE audit")
        yield
    await connection.close()


async def test_a_locked_store_is_a_store_error(url: str, store: Store) -> None:
    async with locked(url), asyncio.timeout(4):  # a stop has 10 s for everything
        with pytest.raises(StoreError, match="lock"):
            await store.record_writes([asked("a")])
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
