"""The process that reads answers: what it says, and what becomes of a question when it is gone."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from tests.conftest import until
from vigilia.drivers.pvoperation import reader as module
from vigilia.drivers.pvoperation.digest import Digest, Question, digest
from vigilia.drivers.pvoperation.progress import Progress
from vigilia.drivers.pvoperation.reader import Reader
from vigilia.errors import BadAnswer

NOON = 1_773_154_800.0
"""2026-03-10 12:00 in São Paulo."""
BODY = b"""[
  {"idinversor": "7", "conteudojson": {"tsleitura": "2026-03-10 10:00:00", "Pac": 30.5}},
  {"idinversor": "8", "conteudojson": {"tsleitura": "2026-03-10 10:00:00", "Pac": null}},
  {"idinversor": "7", "conteudojson": {"tsleitura": "2026-03-10 09:55:00", "Pac": "29,5 kW"}},
  {"idinversor": "9", "conteudojson": {"tsleitura": "tomorrow"}}
]"""


def question(progress: Progress | None = None, family: str = "inverter") -> Question:
    return Question(family, "POST day", "America/Sao_Paulo", NOON, progress or Progress(NOON - 40_000))


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = Reader()
    yield made
    made.end()


def process(reader: Reader) -> int:
    found = reader._process  # noqa: SLF001
    assert found is not None
    return found.pid


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_it_says_what_the_same_work_says_here(reader: Reader) -> None:
    said = await reader.digest(question(), [None, BODY, b"[]"])
    assert said == digest(question(), [None, BODY, b"[]"])
    nine_55, ten = NOON - 7500, NOON - 7200
    assert said.powers == {"7": ([nine_55, ten], [29.5, 30.5])}
    assert (said.received, said.records, said.skipped, said.fresh) == (2, 3, {"time": 1}, 3)
    assert (said.present, said.equipment, said.newest) == (frozenset("78"), ["7", "8"], ten)
    assert said.progress.until is None, "the first day was not received"
    assert said.progress.seen == {"7": (nine_55, ten), "8": (ten,)}


async def test_flags_of_relays_come_whole(reader: Reader) -> None:
    body = b'[{"idrele": 5, "conteudojson": {"tsleitura": "2026-03-10T10:00:00", "r59A": 1, "r27A": 0}}]'
    said = await reader.digest(question(family="relay"), [body])
    assert said == digest(question(family="relay"), [body])
    assert [(record.equipment, record.flags) for record in said.relays] == [("5", ("r59A",))]


async def test_an_answer_that_is_none_is_trouble_of_its_day(reader: Reader) -> None:
    said = await reader.digest(question(), [b"<html>", BODY])
    assert said.trouble == "not JSON: '<html>' (POST day)"
    assert (said.received, said.fresh, said.progress.until) == (1, 3, None)


async def test_what_is_known_comes_back_as_nothing_new(reader: Reader) -> None:
    first = await reader.digest(question(), [BODY])
    again = await reader.digest(question(first.progress), [BODY])
    assert (again.fresh, again.equipment, again.newest, again.powers) == (0, [], None, {})
    assert again.progress == first.progress


async def test_a_process_that_was_killed_is_replaced(reader: Reader) -> None:
    await reader.digest(question(), [BODY])
    killed = process(reader)
    os.kill(killed, signal.SIGKILL)
    assert (await reader.digest(question(), [BODY])).fresh == 3
    assert process(reader) != killed


async def test_an_answer_that_kills_each_process_is_a_bad_one(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.sys, "executable", "/bin/false")
    with pytest.raises(BadAnswer, match=r"its reader did not survive it: .*\(POST day\)"):
        await reader.digest(question(), [BODY])
    monkeypatch.undo()
    assert (await reader.digest(question(), [BODY])).fresh == 3


async def test_one_that_hangs_is_given_up(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DEADLINE_S", 0.5)
    await reader.digest(question(), [BODY])
    os.kill(stopped := process(reader), signal.SIGSTOP)
    with pytest.raises(BadAnswer, match=r"reading it took more than 0.5 s \(POST day\)"):
        await reader.digest(question(), [BODY])
    assert not is_alive(stopped)
    assert (await reader.digest(question(), [BODY])).fresh == 3


async def test_the_process_ends_when_told_and_is_started_anew(reader: Reader) -> None:
    await reader.digest(question(), [BODY])
    first = process(reader)
    reader.end()
    await until(lambda: not is_alive(first))
    assert (await reader.digest(question(), [BODY])).fresh == 3
    reader.end()


async def test_the_end_does_not_start_another_for_what_is_being_read(reader: Reader) -> None:
    await reader.digest(question(), [BODY])
    os.kill(first := process(reader), signal.SIGSTOP)
    reading = asyncio.create_task(reader.digest(question(), [BODY]))
    await asyncio.sleep(0)
    reader.end()
    with pytest.raises(BadAnswer):
        await reading
    await until(lambda: not is_alive(first))
    assert reader._process is None  # noqa: SLF001


def test_a_digest_is_the_same_when_packed() -> None:
    made = digest(question(), [BODY])
    assert Digest.unpack(made.pack()) == made
    asked = question()
    assert Question.unpack(asked.pack()) == asked


async def test_the_process_is_not_kept_after_the_scan(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_IDLE_S", 0.05)
    await asyncio.gather(*(reader.digest(question(), [BODY]) for _ in range(3)))
    first = process(reader)
    await until(lambda: not is_alive(first))
    assert (await reader.digest(question(), [BODY])).fresh == 3
