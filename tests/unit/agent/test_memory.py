"""What the agent remembers is whole whenever the process ends, and never in the way when it is damaged."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import until
from tests.unit.agent.scripted import ScriptedPart
from vigilia.agent import assembly
from vigilia.agent.assembly import Restoring, machine_id
from vigilia.agent.desk import Desk, Wish
from vigilia.agent.memory import Decision, Memory, MemoryFault, Place, remembered
from vigilia.agent.parts import Role
from vigilia.errors import StartError
from vigilia.points import Value


async def test_what_was_saved_is_there_again(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "memory.json")
    memory.decisions = {("ph", "Duty"): Decision(40.0, 7), ("ph", "On"): Decision(True, 9, "too hot")}
    memory.place = Place("abc", 3)
    memory.note_command("c1")
    await memory.save()
    again = Memory(tmp_path / "memory.json")
    assert (again.decisions, again.place, again.revision) == (memory.decisions, Place("abc", 3), 9)
    assert (again.knows_command("c1"), again.knows_command("c2"), again.machine) == (True, False, memory.machine)
    assert type(again.decisions["ph", "On"].value) is bool
    assert [entry.name for entry in tmp_path.iterdir()] == ["memory.json"]


async def test_only_the_newest_commands_are_remembered(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "memory.json")
    for number in range(500):
        memory.note_command(str(number))
    assert (memory.knows_command("499"), memory.knows_command("300"), memory.knows_command("299")) == (
        True,
        True,
        False,
    )


@given(st.binary(max_size=200))
def test_a_damaged_file_is_set_aside(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.json"
        path.write_bytes(content)
        assert Memory(path).decisions == {}
        assert len(list(Path(folder).glob("memory.json.corrupt.*"))) == 1


@pytest.mark.parametrize("settings", [[["ph", "Duty", [1], 1, ""]], [["ph"]], {"a": 1}, 3])
def test_a_file_of_another_shape_is_set_aside(tmp_path: Path, settings: object) -> None:
    whole = {"version": 1, "machine": "m", "settings": settings, "commands": [], "place": ["", 0]}
    (tmp_path / "memory.json").write_text(json.dumps(whole))
    assert Memory(tmp_path / "memory.json").decisions == {}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "memory.json").write_text('{"version": 2}')
    with pytest.raises(StartError, match="newer version"):
        Memory(tmp_path / "memory.json")


async def test_a_disk_that_takes_nothing_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "folder").mkdir()
    memory = Memory(tmp_path / "folder" / "memory.json")
    (tmp_path / "folder").rmdir()
    with pytest.raises(MemoryFault, match="cannot be written"):
        await memory.save()
    await memory.save_if_possible()
    await memory.save_if_possible()
    assert caplog.text.count("settings are not remembered") == 1


WRITER = """
import asyncio, sys
from pathlib import Path
from vigilia.agent.memory import Decision, Memory
async def main():
    memory = Memory(Path(sys.argv[1]))
    revision = memory.revision
    while True:
        revision += 1
        memory.decisions["ph", "Duty"] = Decision(float(revision), revision)
        await memory.save()
        print(revision, flush=True)
asyncio.run(main())
"""


def test_nothing_that_was_saved_is_lost_to_kill_9(tmp_path: Path) -> None:
    saved = 0
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "memory.json")], stdout=subprocess.PIPE, text=True
        )
        with writer:
            assert writer.stdout
            for _ in range(5):
                saved = int(writer.stdout.readline())
            os.kill(writer.pid, signal.SIGKILL)
            for line in writer.stdout:
                saved = int(line) if line.endswith("\n") else saved
        assert Memory(tmp_path / "memory.json").revision >= saved >= 5


async def test_settings_hold_again_before_the_server_is_reached_but_those_of_outputs(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "memory.json")
    memory.decisions = {
        ("ph", "Title"): Decision("Tank", 4),
        ("ph", "Duty"): Decision(20.0, 5, "the newest was rejected", over_limit=True),
        ("ph", "Power"): Decision(7, 3),
        ("ph", "Gone"): Decision(1.0, 2),
        ("acid", "Duty"): Decision(30.0, 6),
    }
    sensor, output = ScriptedPart("ph"), ScriptedPart("acid", Role.ACTUATOR)
    await Restoring([sensor, output], memory, Desk([sensor, output], memory, lambda: None)).begin()
    assert sensor.applied == [("Title", "Tank"), ("Duty", 20.0)]
    assert output.applied == []
    assert list(remembered(memory.decisions, "ph")) == ["Gone", "Power", "Title", "Duty"]


async def test_what_cannot_hold_before_parts_work_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(assembly, "_AGAIN_S", 0.02)
    memory, loop = Memory(tmp_path / "memory.json"), ScriptedPart("loop", Role.LOOP)
    memory.decisions = {("loop", "Power"): Decision(1, 2), ("loop", "Duty"): Decision(5.0, 1)}
    loop.refuse["Power"] = "its output is not there yet"
    restoring = Restoring([loop], memory, Desk([loop], memory, lambda: None))
    await restoring.begin()
    assert loop.applied == [("Duty", 5.0)]
    task = asyncio.create_task(restoring.run())
    await until(lambda: "its output is not there yet" in caplog.text)
    loop.refuse.clear()
    await until(lambda: loop.applied == [("Duty", 5.0), ("Power", 1)])
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert caplog.text.count("not there yet") == 1


async def test_an_older_setting_never_overwrites_a_newer_one(tmp_path: Path) -> None:
    part, memory = ScriptedPart(), Memory(tmp_path / "memory.json")
    desk = Desk([part], memory, lambda: None)
    desk.take_settings([Wish("ph", "Duty", 1.0, 5), Wish("ph", "Duty", 2.0, 4), Wish("ph", "Duty", 3.0, 6)])
    while desk._at_work:  # noqa: SLF001
        await next(iter(desk._at_work.values()))  # noqa: SLF001
    desk.take_settings([Wish("ph", "Duty", 4.0, 6)])
    assert not desk._at_work  # noqa: SLF001
    assert part.applied == [("Duty", 3.0)]
    part.refuse["Duty"] = "it is driven by a loop"
    desk.take_settings([Wish("ph", "Duty", 5.0, 8)])
    while desk._at_work:  # noqa: SLF001
        await next(iter(desk._at_work.values()))  # noqa: SLF001
    assert desk.decisions()["ph", "Duty"] == Decision(3.0, 8, "it is driven by a loop")
    assert Memory(tmp_path / "memory.json").decisions["ph", "Duty"] == Decision(3.0, 8, "it is driven by a loop")


async def test_a_command_of_the_run_before_is_not_done_again(tmp_path: Path) -> None:
    from vigilia.agent.desk import Order, Outcome

    memory = Memory(tmp_path / "memory.json")
    memory.note_command("c1")
    await memory.save()
    part = ScriptedPart()
    desk = Desk([part], Memory(tmp_path / "memory.json"), lambda: None)
    latest = asyncio.get_running_loop().time() + 5
    desk.take_commands([Order("c1", "ph", "Dose", 1.0, latest), Order("c2", "ph", "Dose", 1.0, latest)])
    while desk._running:  # noqa: SLF001
        await next(iter(desk._running.values()))  # noqa: SLF001
    fates = {fate.id: fate for fate in desk.fates}
    assert (fates["c1"].outcome, fates["c2"].outcome) == (Outcome.FAILED, Outcome.DONE)
    assert [command[2] for command in part.commands] == ["c2"]
    assert Memory(tmp_path / "memory.json").knows_command("c2")


async def test_a_disk_that_takes_nothing_is_not_in_the_way_of_a_stop(tmp_path: Path) -> None:
    from vigilia.agent.desk import Order, Outcome

    (tmp_path / "gone").mkdir()
    memory = Memory(tmp_path / "gone" / "memory.json")
    (tmp_path / "gone").rmdir()
    part = ScriptedPart()
    desk = Desk([part], memory, lambda: None)
    latest = asyncio.get_running_loop().time() + 5
    desk.take_commands([Order("c1", "ph", "Dose", 1.0, latest), Order("c2", "ph", "Stop", 1, latest)])
    while desk._running:  # noqa: SLF001
        await next(iter(desk._running.values()))  # noqa: SLF001
    fates = {fate.id: fate for fate in desk.fates}
    assert (fates["c1"].outcome, fates["c2"].outcome) == (Outcome.REFUSED, Outcome.DONE)
    assert [command[0] for command in part.commands] == ["Stop"]


async def test_two_agents_with_one_id_are_told_apart(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "memory.json")
    one, other = machine_id(memory, tmp_path / "a"), machine_id(memory, tmp_path / "b")
    assert one != other
    assert one == machine_id(memory, tmp_path / "a")


async def settled(desk: Desk) -> None:
    while desk._at_work:  # noqa: SLF001
        await next(iter(desk._at_work.values()))  # noqa: SLF001


ON = Wish("heater", "Power", 1, 2)
OFF = Wish("heater", "Power", 0, 3)


async def test_what_switches_an_output_on_is_on_the_disk_before(tmp_path: Path) -> None:
    output, path = ScriptedPart("heater", Role.ACTUATOR), tmp_path / "memory.json"
    known: list[Decision] = []
    apply = output.apply

    async def look(parameter: str, value: Value) -> None:
        known.append(Memory(path).decisions[output.declaration.name, parameter])
        await apply(parameter, value)

    output.apply = look  # type: ignore[method-assign]
    memory = Memory(path)
    desk = Desk([output], memory, lambda: None)
    desk.take_settings([ON])
    await settled(desk)
    assert (known[0].revision, "restore" in known[0].rejected) == (2, True), "should power fail now"
    assert desk.decisions()["heater", "Power"] == Decision(1, 2)
    assert Memory(path).decisions["heater", "Power"] == Decision(1, 2)


async def test_a_setting_in_the_midst_of_which_power_failed_is_not_taken_up_again(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    output, memory = ScriptedPart("heater", Role.ACTUATOR), Memory(path)
    desk, waits = Desk([output], memory, lambda: None), asyncio.Event()

    async def forever(parameter: str, value: Value) -> None:
        waits.set()
        await asyncio.Event().wait()

    output.apply = forever  # type: ignore[method-assign]
    await desk.take_registered([])
    desk.take_settings([ON])
    await waits.wait()
    assert ("heater", "Power") in desk.decisions()
    assert not desk.decisions()["heater", "Power"].rejected, "it is not decided yet"
    again = ScriptedPart("heater", Role.ACTUATOR)  # power failed, and came back
    next_desk = Desk([again], Memory(path), lambda: None)
    await next_desk.take_registered([ON])
    await settled(next_desk)
    assert again.applied == []
    assert "set it again" in next_desk.decisions()["heater", "Power"].rejected
    await next_desk.take_registered([Wish("heater", "Power", 1, 4)])  # a newer wish
    await settled(next_desk)
    assert again.applied == [("Power", 1)]
    await desk.stop()


async def test_what_cannot_be_remembered_switches_nothing_on_and_everything_off(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    memory = Memory(tmp_path / "gone" / "memory.json")
    (tmp_path / "gone").rmdir()
    output = ScriptedPart("heater", Role.ACTUATOR)
    desk = Desk([output], memory, lambda: None)
    desk.take_settings([ON])
    await settled(desk)
    assert output.applied == []
    assert "nothing was set" in desk.decisions()["heater", "Power"].rejected
    desk.take_settings([OFF])
    await settled(desk)
    assert output.applied == [("Power", 0)]


@pytest.mark.parametrize("damaged", [False, True])
async def test_an_agent_without_memory_takes_nothing_old_for_its_outputs(tmp_path: Path, damaged: bool) -> None:
    path = tmp_path / "memory.json"
    if damaged:
        path.write_bytes(b"{")
    output, sensor = ScriptedPart("heater", Role.ACTUATOR), ScriptedPart("ph")
    news: list[bool] = []
    memory = Memory(path)
    await memory.save()  # for whatever reason, before it has registered
    memory = Memory(path)
    desk = Desk([output, sensor], memory, lambda: news.append(True))
    await desk.take_registered([ON, Wish("ph", "Duty", 5.0, 1)])
    assert news
    await settled(desk)
    assert (output.applied, sensor.applied) == ([], [("Duty", 5.0)])
    assert "does not remember" in desk.decisions()["heater", "Power"].rejected
    desk.take_settings([ON])  # the service asks again until it has heard of that
    await settled(desk)
    assert output.applied == []
    assert "does not remember" in Memory(path).decisions["heater", "Power"].rejected
    await desk.take_registered([Wish("heater", "Duty", 4.0, 5)])  # wished while it was away from the service
    await settled(desk)
    assert output.applied == [("Duty", 4.0)]


async def test_an_agent_without_memory_switches_off_what_it_is_to(tmp_path: Path) -> None:
    output = ScriptedPart("heater", Role.ACTUATOR)
    desk = Desk([output], Memory(tmp_path / "memory.json"), lambda: None)
    await desk.take_registered([OFF])
    await settled(desk)
    assert output.applied == [("Power", 0)]


async def test_a_memory_of_an_older_version_is_one_that_has_registered(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "memory.json")
    await memory.save()
    content = json.loads(memory.path.read_text())
    assert content.pop("registered") is False
    memory.path.write_text(json.dumps(content))
    assert Memory(tmp_path / "memory.json").registered


async def test_a_stop_is_done_however_many_commands_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vigilia.agent.desk import Order, Outcome

    monkeypatch.setattr("vigilia.agent.desk._MOST_RUNNING", 1)
    part = ScriptedPart()
    part.pause = asyncio.Event()
    desk = Desk([part], Memory(tmp_path / "memory.json"), lambda: None)
    latest = asyncio.get_running_loop().time() + 5
    orders = [("c1", "ph", "Dose", 1.0), ("c2", "ph", "Dose", 1.0), ("c3", "ph", "Stop", 1), ("c4", "gone", "Stop", 1)]
    desk.take_commands([Order(*order, latest) for order in orders])
    await until(lambda: len(part.commands) == 2)
    part.pause.set()
    await until(lambda: not desk._running)  # noqa: SLF001
    fates = {fate.id: fate.outcome for fate in desk.fates}
    assert fates == {"c1": Outcome.DONE, "c2": Outcome.REFUSED, "c3": Outcome.DONE, "c4": Outcome.REFUSED}
