"""What the agent must not forget, in one small file: settings decided on, commands taken, what the server told.

The file is written anew and put in the old one's place in one step, so that it is whole whenever power fails. Nothing
in it is secret.
"""

import asyncio
import json
import logging
import os
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from vigilia.errors import StartError, VigiliaError
from vigilia.points import Value

_logger = logging.getLogger(__name__)

_VERSION = 1
_LARGEST_BYTES = 5_000_000
_ANSWER_S = 5.0
"""Real seconds within which the disk has the file."""
_COMMANDS_KEPT = 200
"""Newest ids of commands that are remembered: one that comes again is not done again."""

_CUT_OFF = "the agent ended while this was being set: the output is as its restore says; set it again"

Key = tuple[str, str]
"""A part and one of its settings."""


class MemoryFault(VigiliaError):
    """The file cannot be written at present."""


class Decision(NamedTuple):
    """What became of a setting."""

    value: Value | None
    """What was applied last; None: nothing ever was."""
    revision: int
    """What was decided on last."""
    rejected: str = ""
    """Why that one was rejected; empty: it was applied."""
    over_limit: bool = False
    """Of a rejected one: whether its value breaks a limit, whatever the state of the part."""


class Place(NamedTuple):
    """Where samples went last."""

    url_hash: str = ""
    revision: int = 0


class Memory:
    """What is remembered. Change it, and `save`."""

    def __init__(self, path: Path) -> None:
        """Read the file, or begin without: this blocks. Raises StartError where it cannot be read."""
        self.path = path
        self.decisions: dict[Key, Decision] = {}
        self.begun: dict[Key, int] = {}
        """Revisions that are about to be applied. The file has them as rejected, which they are should we end now."""
        self.registered = False
        """Whether the file is as old as the last answer to a registration. Else it is new, or was lost."""
        self.place = Place()
        self.machine = uuid.uuid4().hex
        """Tells two agents with one id apart, where the machine has no id."""
        self._commands: dict[str, None] = {}
        self._saving = asyncio.Lock()
        self._writing: asyncio.Task[None] | None = None
        self._told = False
        self._load()

    @property
    def revision(self) -> int:
        """The highest revision of a setting that was decided on."""
        return max((decision.revision for decision in self.decisions.values()), default=0)

    def decide(self, key: Key, decision: Decision) -> None:
        """Note what became of a setting."""
        self.begun.pop(key, None)
        self.decisions[key] = decision

    def knows_command(self, command_id: str) -> bool:
        """Say whether a command was taken before."""
        return command_id in self._commands

    def note_command(self, command_id: str) -> None:
        """Note that a command is taken."""
        self._commands[command_id] = None
        while len(self._commands) > _COMMANDS_KEPT:
            del self._commands[next(iter(self._commands))]

    async def save(self) -> None:
        """Have everything on the disk. Raises MemoryFault where that cannot be."""
        async with self._saving:
            if self._writing is None or self._writing.done():  # two at a time would write into one file
                self._writing = asyncio.create_task(asyncio.to_thread(_replace, self.path, self._dump()), name="memory")
                self._writing.add_done_callback(_look_at)
                await asyncio.wait([self._writing], timeout=_ANSWER_S)
            if not self._writing.done():
                raise MemoryFault(f"{self.path} cannot be written (no answer): check the disk")
            try:
                self._writing.result()
            except OSError as error:
                raise MemoryFault(f"{self.path} cannot be written ({error.strerror}): check the disk") from error

    async def save_if_possible(self) -> None:
        """Have everything on the disk; where that cannot be, say so once and go on."""
        try:
            await self.save()
            self._told = False
        except MemoryFault as error:
            if not self._told:
                _logger.error("settings are not remembered: %s", error)
            self._told = True

    def _dump(self) -> bytes:
        held = {key: decision.value for key, decision in self.decisions.items()}
        begun = {key: Decision(held.get(key), revision, _CUT_OFF) for key, revision in self.begun.items()}
        return json.dumps(
            {
                "version": _VERSION,
                "machine": self.machine,
                "registered": self.registered,
                "settings": [[*key, *decision] for key, decision in (self.decisions | begun).items()],
                "commands": list(self._commands),
                "place": list(self.place),
            }
        ).encode()

    def _load(self) -> None:
        try:
            with self.path.open("rb") as file:
                content = file.read(_LARGEST_BYTES)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StartError(f"{self.path} cannot be read ({error.strerror}): check its rights") from error
        try:
            self._take(json.loads(content))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self._set_aside()

    def _take(self, found: Any) -> None:
        """Take in what a file says. Raises whatever comes of a shape that is not ours, and nothing has changed."""
        if found["version"] > _VERSION:
            raise StartError(f"{self.path} is of a newer version of the agent: update this one, or move the file away")
        decisions: dict[Key, Decision] = {}
        for part, parameter, value, revision, rejected, *more in found["settings"]:
            decision = Decision(_value(value), int(revision), str(rejected), over_limit=more == [True])
            decisions[str(part), str(parameter)] = decision
        machine, commands = str(found["machine"]), dict.fromkeys(map(str, found["commands"]))
        self.place = Place(str(found["place"][0]), int(found["place"][1]))
        self.registered = found.get("registered", True) is True
        self.decisions, self.machine, self._commands = decisions, machine, commands

    def _set_aside(self) -> None:
        aside = self.path.with_name(f"{self.path.name}.corrupt.{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
        try:
            self.path.rename(aside)
        except OSError as error:
            raise StartError(f"{self.path} is damaged, and cannot be set aside ({error.strerror})") from error
        _logger.error("%s is damaged: it is set aside as %s, and settings come from the server", self.path, aside)


def remembered(decisions: Mapping[Key, Decision], part: str) -> dict[str, Value]:
    """Return what was applied last of a part's settings, in the order of their revisions."""
    found = [(decision.revision, key[1], decision.value) for key, decision in decisions.items() if key[0] == part]
    return {name: value for _, name, value in sorted(found, key=lambda it: it[0]) if value is not None}


def _value(value: object) -> Value | None:
    if value is not None and not isinstance(value, bool | int | float | str):
        raise TypeError("no value of a setting")
    return value


def _look_at(task: asyncio.Task[None]) -> None:
    """Take note of how a write ended: whoever waited for it may be gone."""
    if not task.cancelled():
        task.exception()


def _replace(path: Path, content: bytes) -> None:
    """Put a file in the place of another in one step, durably. Raises OSError."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
