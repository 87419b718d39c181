"""How an output is made safe by somebody who knows nothing but what to write where: the guardian, and systemd.

An *operation* is a list, as JSON holds it:

    ["pwm", folder, period, duty]            a channel of hardware PWM in sysfs, both in nanoseconds; duty 0: it is off
    ["gpio", pin, 0 or 1]                    a pin of the Pi's header, by its BCM number
    ["i2c", device, address, hex]            bytes to a circuit on an I2C bus
    ["uart", device, baud, hex]              bytes to a circuit on a serial line
    ["sim", "host:port", address, hex]       bytes to a circuit on a simulated bus

Only the standard library is used, and pins and buses are driven through the kernel's own interface: importing a library
for pins takes longer on a Pi than an output may stay on.
"""

import contextlib
import fcntl
import os
import socket
import struct
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

Operation = list[str | int]

MOST_OPERATIONS = 16
"""Of one output."""
WHOLE_S = 0.9
"""How long making everything safe may take."""
_SHAPES: Mapping[str, tuple[type, ...]] = {
    "pwm": (str, int, int),
    "gpio": (int, int),
    "i2c": (str, int, str),
    "uart": (str, int, str),
    "sim": (str, int, str),
}
_TO_CIRCUITS = frozenset({"i2c", "uart", "sim"})
_TWICE_AFTER_S = 0.35
"""A circuit that is at work on a command may miss the next one: it has 300 ms for it (EZO data sheets). So it is told
twice; what makes it safe does no harm when it is."""
_AGAIN_AFTER_S = 0.05
_SIM_DEADLINE_S = 0.4

# linux/i2c-dev.h and linux/gpio.h
_I2C_SLAVE = 0x0703
_GPIO_GET_CHIPINFO = 0x8044B401
_GPIO_V2_GET_LINE = 0xC250B407
_GPIO_OUTPUT = 1 << 3
_GPIO_ATTRIBUTE_VALUES = 2


def check_operations(value: object) -> list[Operation]:
    """Return `value` as the operations of one output. Raises ValueError where it is none."""
    if not isinstance(value, list) or not 0 < len(cast(list[Any], value)) <= MOST_OPERATIONS:
        raise ValueError("no list of operations")
    for entry in cast(list[Any], value):
        shape = _SHAPES.get(entry[0]) if isinstance(entry, list) and entry and isinstance(entry[0], str) else None
        given = cast(list[Any], entry)[1:] if shape else []
        if (
            shape is None
            or len(given) != len(shape)
            or any(type(a) is not b for a, b in zip(given, shape, strict=True))
        ):
            raise ValueError(f"no operation: {str(cast(object, entry))[:80]}")
        if entry[0] in _TO_CIRCUITS:
            bytes.fromhex(given[2])
    return cast(list[Operation], value)


class SafeHands:
    """Makes outputs safe. It holds the pins it has driven, so that they stay so, until `release`."""

    def __init__(self) -> None:
        self._pins: dict[int, int] = {}
        self._lock = threading.Lock()

    def release(self) -> None:
        """Let go of the pins, so that a worker can have them."""
        with self._lock:
            for line in self._pins.values():
                os.close(line)
            self._pins.clear()

    def make_safe(self, outputs: Mapping[str, Sequence[Operation]]) -> dict[str, str]:
        """Make all `outputs` safe at once, each in a thread of its own; return, by name, why one is not.

        It takes WHOLE_S at most: a bus that hangs holds up no other, nor whoever asked.
        """
        failures = dict.fromkeys(outputs, f"no end within {WHOLE_S:g} s")
        deadline = time.monotonic() + WHOLE_S
        threads = [
            threading.Thread(target=self._make_one_safe, args=(name, operations, deadline, failures), daemon=True)
            for name, operations in outputs.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return {name: failure for name, failure in failures.copy().items() if failure}

    def _make_one_safe(
        self, name: str, operations: Sequence[Operation], deadline: float, failures: dict[str, str]
    ) -> None:
        for operation in operations:
            failure = self._until_taken(operation, deadline)
            if failure:
                failures[name] = failure
                return
        failures[name] = ""

    def _until_taken(self, operation: Operation, deadline: float) -> str:
        """Do one operation until it succeeds, twice where it is for a circuit; return why it does not."""
        wanted = 2 if operation[0] in _TO_CIRCUITS else 1
        while True:
            try:
                self.perform(operation)
                failure = ""
                wanted -= 1
                wait = _TWICE_AFTER_S
            except OSError as error:
                failure = f"{operation[0]} {operation[1]}: {error.strerror or error}"
                wait = _AGAIN_AFTER_S
            if not wanted or time.monotonic() + wait > deadline:
                return failure
            time.sleep(wait)

    def perform(self, operation: Operation) -> None:
        """Do one operation, once. Raises OSError."""
        kind, *given = cast(list[Any], operation)
        match kind:
            case "pwm":
                if Path(given[0]).is_dir():  # a channel that is not exported drives nothing
                    drive_pwm(*given)
            case "gpio":
                self._drive_pin(*given)
            case "i2c":
                _write_i2c(given[0], given[1], bytes.fromhex(given[2]))
            case "uart":
                _write_uart(given[0], given[1], bytes.fromhex(given[2]))
            case _:
                _write_sim(*given)

    def _drive_pin(self, pin: int, level: int) -> None:
        if os.environ.get("GPIOZERO_PIN_FACTORY") == "mock":
            return  # such a pin was in the worker's memory, and ended with it
        with self._lock:
            if pin in self._pins:
                os.close(self._pins.pop(pin))
            self._pins[pin] = _take_line(pin, level)


def drive_pwm(folder: str, period: int, duty: int) -> None:
    """Have an exported channel of hardware PWM put out `duty` of `period`, both in nanoseconds. Raises OSError.

    The kernel refuses a duty longer than the period. While the period is 0, as a channel has it when it was just
    exported, older kernels (those of Raspberry Pi OS 12 are) refuse all but a period (drivers/pwm/core.c,
    pwm_apply_state). So a first period comes before all else, and another one when the duty is 0.
    """
    held = _held_period(f"{folder}/period")
    if held == 0:
        write_sysfs(f"{folder}/period", period)
    elif duty and held != period:
        write_sysfs(f"{folder}/duty_cycle", 0)
        write_sysfs(f"{folder}/period", period)
    write_sysfs(f"{folder}/duty_cycle", duty)
    write_sysfs(f"{folder}/enable", int(duty > 0))


def _held_period(path: str) -> int | None:
    """Return a channel's period; None where it cannot be read, which must not be in the way of switching it off."""
    try:
        return int(Path(path).read_bytes())
    except (OSError, ValueError):
        return None


def write_sysfs(path: str, number: int) -> None:
    """Write a number into a file of sysfs. Raises OSError, with the file's name."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
        try:
            os.write(file, str(number).encode())
        finally:
            os.close(file)
    except OSError as error:
        error.filename = path
        raise


def _write_i2c(device: str, address: int, data: bytes) -> None:
    bus = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(bus, _I2C_SLAVE, address)
        os.write(bus, data)
    finally:
        os.close(bus)


def _write_uart(device: str, baud: int, data: bytes) -> None:
    line = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        with contextlib.suppress(termios.error):  # not all that takes bytes has a speed
            modes = termios.tcgetattr(line)
            speed = getattr(termios, f"B{baud}")
            modes[0] = modes[1] = modes[3] = 0
            modes[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
            modes[4] = modes[5] = speed
            termios.tcsetattr(line, termios.TCSANOW, modes)
        os.write(line, data)
    finally:
        os.close(line)


def _write_sim(place: str, address: int, data_hex: str) -> None:
    host, _, port = place.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=_SIM_DEADLINE_S) as bus:
        bus.sendall(f"W {address} {data_hex}\n".encode())
        answer = bus.recv(200)
    if not answer.startswith(b"OK"):
        raise OSError(f"answers {answer.decode(errors='replace').strip() or 'nothing'}")


def _take_line(pin: int, level: int) -> int:
    """Return the descriptor of a header pin, driven to `level` for as long as it is open. Raises OSError."""
    request = bytearray(592)  # struct gpio_v2_line_request
    struct.pack_into("=I", request, 0, pin)  # offsets
    request[256:263] = b"vigilia"  # consumer
    struct.pack_into("=QI", request, 288, _GPIO_OUTPUT, 1)  # config: flags, num_attrs
    struct.pack_into("=I4xQQ", request, 320, _GPIO_ATTRIBUTE_VALUES, level, 1)  # its first attribute, and which lines
    struct.pack_into("=I", request, 560, 1)  # num_lines
    chip = os.open(_header_chip(), os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(chip, _GPIO_V2_GET_LINE, request)
    finally:
        os.close(chip)
    return struct.unpack_from("=i", request, 588)[0]


def _header_chip() -> str:
    """Return the device that has the pins of the Pi's header: its number differs between models. Raises OSError."""
    for path in sorted(Path("/dev").glob("gpiochip*")):
        info = bytearray(68)  # struct gpiochip_info: name, label, lines
        chip = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.ioctl(chip, _GPIO_GET_CHIPINFO, info)
        finally:
            os.close(chip)
        if info[32:64].startswith(b"pinctrl-"):
            return str(path)
    raise FileNotFoundError(2, "no chip has the pins of a Pi's header")
