"""Serial lines, one circuit on each, through pyserial."""

import contextlib
import errno
import termios
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from vigilia.agent.buses.blocking import BlockingThread, Overdue
from vigilia.agent.buses.bus import BusError, Operation
from vigilia.errors import StartError

if TYPE_CHECKING:
    from serial import Serial

_SLICE_S = 0.2
"""How long one look for bytes waits: so soon it is noticed that the caller has given up."""
_MARGIN_S = 1.0
"""What opening and writing may take besides."""
_MOST_BYTES = 4096
"""More than that in one exchange is noise."""


class UartBus:
    """One serial line. The device is opened at the first exchange, and anew after it failed."""

    kind = "uart"

    def __init__(self, name: str, device: str, baud: int) -> None:
        """Raises StartError where pyserial is not installed."""
        try:
            import serial
        except ModuleNotFoundError as error:
            raise StartError(f"the bus {name} (UART) needs the extra [agent]: pip install 'vigilia[agent]'") from error
        self._serial = serial
        self.name = name
        self.device = device
        self.baud = baud
        self._line: Serial | None = None
        self._thread = BlockingThread(name)

    @property
    def place(self) -> str:
        """Where the circuit is, for people."""
        return f"{self.name}, {self.device}"

    def operation(self, data: bytes) -> Operation:
        """Return how the guardian writes `data` without this program."""
        return ["uart", self.device, self.baud, data.hex()]

    async def exchange(self, data: bytes, ended: Callable[[bytes], bool], deadline_s: float) -> tuple[bytes, bytes]:
        """Write `data`; return what had come unasked before, and what came since.

        It waits until `ended` says of the bytes so far that they are all, or until `deadline_s`. Raises BusError.
        """
        given_up = threading.Event()

        def work() -> tuple[bytes, bytes]:
            return self._converse(data, ended, deadline_s, given_up)

        try:
            return await self._thread.call(work, deadline_s + _MARGIN_S)
        except Overdue as error:
            raise BusError(f"{self.place}: the exchange has not ended after {deadline_s + _MARGIN_S:g} s") from error
        except (OSError, termios.error) as error:
            raise BusError(f"{self.place}: {_explain(error)}") from error
        finally:
            given_up.set()

    async def close(self) -> None:
        """Let go of the device."""
        with contextlib.suppress(Overdue):  # then it is stuck in the device; it is a daemon, and ends with us
            await self._thread.call(self._drop, _MARGIN_S)
        self._thread.close()

    def _converse(
        self, data: bytes, ended: Callable[[bytes], bool], deadline_s: float, given_up: threading.Event
    ) -> tuple[bytes, bytes]:
        """Do one exchange, in the thread."""
        try:
            if self._line is None:
                self._line = self._serial.Serial(
                    self.device, self.baud, timeout=_SLICE_S, write_timeout=_MARGIN_S / 2, exclusive=True
                )
            line = self._line
            before = line.read(min(line.in_waiting, _MOST_BYTES))
            line.reset_input_buffer()
            line.write(data)
            until = time.monotonic() + deadline_s
            came = b""
            while not ended(came) and len(came) < _MOST_BYTES and time.monotonic() < until and not given_up.is_set():
                came += line.read(max(1, min(line.in_waiting, _MOST_BYTES)))
            return before, came
        except (OSError, termios.error):
            self._drop()
            raise

    def _drop(self) -> None:
        if self._line is not None:
            line, self._line = self._line, None
            with contextlib.suppress(OSError, termios.error):  # of a device that is gone
                line.close()


def _explain(error: Exception) -> str:
    """Return why a serial line failed, and the way out where there is one. pyserial's own texts repeat themselves."""
    match getattr(error, "errno", None):
        case errno.ENOENT:
            return "there is no such device: correct `device`, or enable the serial port (raspi-config)"
        case errno.EACCES:
            return "not allowed: add the user to the group dialout"
        case errno.EAGAIN | errno.EBUSY:
            return "another program uses it: the agent itself? Stop that first (systemctl stop vigilia-agent)"
        case _:
            return str(error)
