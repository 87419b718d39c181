"""The worker's end of the pair of sockets that it shares with the guardian (see `vigilia.agent.guardian`)."""

import asyncio
import json
import os
import time
from collections.abc import MutableMapping, Sequence
from typing import Any

from vigilia.agent.guardian import DESCRIPTOR
from vigilia.agent.parts import Rejected
from vigilia.agent.safeops import Operation
from vigilia.errors import StartError

SILENT_S = 4.0
"""A guardian that answers nothing for so long is stopped, or stuck: it would make nothing safe."""


class Guard:
    """Tells the guardian what is on, and notices when there is none any more. No call waits."""

    def __init__(self, descriptor: int) -> None:
        """`descriptor`: of a socket, which belongs to the guard from now on."""
        self._descriptor = descriptor
        os.set_blocking(descriptor, False)
        os.set_inheritable(descriptor, False)
        self._gone = asyncio.Event()
        self._on: set[str] = set()
        self._unanswered: float | None = None
        """Since when there is something that the guardian has not answered, by real monotonic time."""

    @classmethod
    def take(cls, environment: MutableMapping[str, str]) -> "Guard":
        """Return the guard that the guardian gave us, and take its variable away from our children.

        Raises StartError where there is none: without a guardian no output may be on.
        """
        text = environment.pop(DESCRIPTOR, "")
        if not text.isdecimal():
            raise StartError('the worker was started without its guardian: start it with "vigilia agent"')
        return cls(int(text))

    @property
    def gone(self) -> bool:
        """Whether the guardian has died, or no longer answers."""
        return self._gone.is_set()

    def arm(self, name: str, operations: Sequence[Operation]) -> None:
        """Say how an output is made safe, before it is ever switched on. Raises Rejected where there is no guardian."""
        self._say({"arm": {name: operations}})
        self._require()

    def renew(self, name: str) -> None:
        """Say that an output is about to be on, or is, and is looked after: at least every half second.

        Raises Rejected where there is no guardian.
        """
        self._on.add(name)
        self._say({"alive": [name]})
        self._require()

    def off(self, name: str) -> None:
        """Say that an output is safe, and confirmed."""
        self._on.discard(name)
        self._say({"off": [name]})

    def bye(self) -> None:
        """Say that all outputs are safe and that the worker ends; nothing where one is not known to be safe.

        The guardian then finds the end of the pair without a farewell, and makes all safe itself.
        """
        if not self._on:
            self._say({"bye": True})

    async def wait_gone(self) -> None:
        """Return once the guardian has died: the worker then leaves safe, and ends."""
        loop = asyncio.get_running_loop()
        if not self.gone:
            loop.add_reader(self._descriptor, self._read)
        try:
            await self._gone.wait()
        finally:
            loop.remove_reader(self._descriptor)

    def close(self) -> None:
        """Close our end. What was armed and not bidden farewell is made safe by the guardian."""
        self._gone.set()
        os.close(self._descriptor)
        self._descriptor = -1

    def _read(self) -> None:
        try:
            if os.read(self._descriptor, 4096):
                self._unanswered = None
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._gone.set()

    def _require(self) -> None:
        if not self.gone and self._unanswered is not None:
            self._read()  # what has come counts, however late we ourselves are
        if self._unanswered is not None and time.monotonic() - self._unanswered > SILENT_S:
            self._gone.set()
        if self.gone:
            raise Rejected("the guardian, which would make it safe, is gone: nothing is switched on")

    def _say(self, message: dict[str, Any]) -> None:
        if self.gone:
            return
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        try:
            written = os.write(self._descriptor, line)
        except OSError:  # it died; or has not read for so long that nothing more fits
            written = 0
        if written < len(line):
            self._gone.set()
        elif self._unanswered is None:
            self._unanswered = time.monotonic()
