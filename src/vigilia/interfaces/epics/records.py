"""All records of the IOC: made from points, loaded, started, shown readings, and asked. IOC process only."""

import asyncio
import ctypes
import itertools
import logging
import tempfile
from collections.abc import Awaitable, Callable
from ctypes import POINTER, c_int
from pathlib import Path
from typing import Any

from softioc import builder as untyped_builder
from softioc import softioc as untyped_softioc

from vigilia.interfaces.epics.announced import Channel, TrapMessage
from vigilia.interfaces.epics.base import TrapListener, core
from vigilia.interfaces.epics.inputs import InputRecord, definition
from vigilia.interfaces.epics.outputs import Ask, OutputRecord
from vigilia.points import Point, Reading

builder: Any = untyped_builder
softioc: Any = untyped_softioc
_logger = logging.getLogger(__name__)


class Database:
    """All records of the IOC. Made once in a process, from within its running event loop."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._records: list[InputRecord | OutputRecord] = []
        self._outputs: dict[int, OutputRecord] = {}
        self._numbers = itertools.count(1)
        self._definitions = tempfile.NamedTemporaryFile("w", suffix=".db", encoding="utf-8")  # noqa: SIM115

    def add(self, name: str, point: Point, reading: Reading) -> None:
        """Make the record of the next point, called `name`, with the reading it begins with."""
        if point.writable:
            self._records.append(OutputRecord(len(self._records), name, point, reading, self._ask))
        else:
            self._definitions.write(definition(name, point))
            self._records.append(InputRecord(name, point, reading))

    def load(self) -> None:
        """Have EPICS make the records. Raises AssertionError or OSError for one refused; its message stands above."""
        # As root, iocInit would lock every thread's whole stack into memory: 180 MB for nothing.
        c_int.in_dll(core, "dbThreadRealtimeLock").value = 0
        builder.LoadDatabase()
        with self._definitions as file:
            file.flush()
            softioc.dbLoadDatabase(file.name)
        for record in self._records:
            if isinstance(record, InputRecord):
                record.find()

    def start(self, access_file: Path) -> None:
        """Start the IOC with its Channel Access and PV Access servers, after `load`. Raises OSError if it refuses."""
        # Hosts are known by the address they call from, not by the name they claim.
        c_int.in_dll(core, "asCheckClientIP").value = 1
        if core.asSetFilename(str(access_file).encode()):
            raise OSError(f"EPICS cannot use the access security file {access_file}")
        softioc.iocInit(_Dispatcher(asyncio.get_running_loop()))
        if not c_int.in_dll(core, "asActive").value:
            raise OSError("EPICS refused the access security file: its message stands above")
        self._listener = TrapListener(self._trap)
        core.asTrapWriteRegisterListener(self._listener)
        for record in self._records:
            if isinstance(record, OutputRecord):
                self._outputs[record.start()] = record
            else:
                record.start()

    def show(self, index: int, reading: Reading) -> None:
        """Give the record of point `index` a new reading."""
        self._records[index].show(reading)

    def _trap(self, pointer: Any, after: int) -> None:
        message: TrapMessage = pointer.contents
        channel = ctypes.cast(message.channel, POINTER(Channel)).contents
        record = self._outputs.get(channel.record)
        if record is None:
            return
        if after:
            record.conclude(message.private or 0, channel.field)
        else:
            message.private = next(self._numbers)
            record.announce(message.private, message, channel.field)


class _Dispatcher:
    """Runs softioc's callbacks on the event loop (softioc's own keeps a thread and a loop for them)."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __call__(
        self,
        function: Callable[..., Awaitable[None]],
        func_args: tuple[Any, ...] = (),
        completion: Callable[..., None] | None = None,
        completion_args: tuple[Any, ...] = (),
    ) -> None:
        async def run() -> None:
            try:
                await function(*func_args)
            except Exception:  # a record left incomplete would take no put ever again
                _logger.exception("a put failed")
            finally:
                if completion:
                    completion(*completion_args)

        asyncio.run_coroutine_threadsafe(run(), self._loop)
