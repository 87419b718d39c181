"""What hangs on the buses: `vigilia agent scan` lists what answers at which address, and what is missing there."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from vigilia.agent.buses import Bus, BusError, I2cBus, Nack, OneWireBus, UartBus
from vigilia.agent.buses.i2c import DeviceI2cBus, bus_numbers
from vigilia.agent.ezo import Identity, circuit_on
from vigilia.agent.sensors.config import ADDRESSES, Ds18b20Config, SensorConfig, circuit_address
from vigilia.agent.sensors.ds18b20 import parse_temperature
from vigilia.agent.sensors.kinds import EZO_KINDS
from vigilia.errors import BadAnswer, printable
from vigilia.language import tr

BAUDS = (9600, 38_400, 115_200, 57_600, 19_200, 2400, 1200, 300)
"""The rates of EZO circuits, the likely ones first."""
_EXPANDERS = (*range(0x20, 0x28), *range(0x38, 0x40))
"""Addresses of port expanders such as the PCF8574: they take any byte for their outputs, and a relay would switch."""
_W1 = "/sys/bus/w1/devices"

Address = int | str | None


@dataclass(frozen=True, slots=True)
class Found:
    """What answers at one place; or, without an address on a bus that has them, why the bus cannot be used."""

    bus: str
    address: Address
    """Of I2C, a number; of 1-wire, an identity; None: a serial line, or the bus itself."""
    identity: Identity | None
    """What it is; None: no EZO circuit and no thermometer, or not known."""
    detail: str = ""
    """What more there is to say; an error where something is wrong."""
    wrong: bool = False


class Expected(NamedTuple):
    """What the configuration says of one place."""

    bus: str
    address: Address
    name: str
    type: str
    """As a circuit says it: "pH", "PMP"; "DS18B20"."""


def expected_of(sensors: Sequence[SensorConfig], buses: Iterable[Bus]) -> list[Expected]:
    """Return where the configured sensors should be."""
    kinds = {bus.name: bus.kind for bus in buses}
    return [
        Expected(sensor.bus, sensor.address, sensor.name, "DS18B20")
        if isinstance(sensor, Ds18b20Config)
        else Expected(
            sensor.bus, circuit_address(sensor, kinds.get(sensor.bus, "")), sensor.name, EZO_KINDS[sensor.kind].type
        )
        for sensor in sensors
    ]


def buses_here() -> list[Bus]:
    """Return the buses that this computer has, for a scan before there is a configuration."""
    buses: list[Bus] = [DeviceI2cBus(f"i2c-{number}", number) for number in bus_numbers()]
    return [*buses, OneWireBus("w1", _W1)] if Path(_W1).is_dir() else buses


async def scan(buses: Iterable[Bus], circuits_at: Collection[tuple[str, Address]] = ()) -> AsyncIterator[Found]:
    """Give what answers on every bus, in the order of addresses. Never raises for what a bus does.

    `circuits_at`: places where a circuit is expected; there it is asked what it is even where a port expander may be.
    """
    for bus in buses:
        try:
            if isinstance(bus, UartBus):
                yield await _on_line(bus)
            elif isinstance(bus, OneWireBus):
                for identity in await bus.devices():
                    yield await _thermometer(bus, identity)
            else:
                answering = [
                    address for address in range(ADDRESSES[0], ADDRESSES[1] + 1) if await _answers(bus, address)
                ]
                for found in await asyncio.gather(*(_at(bus, address, circuits_at) for address in answering)):
                    yield found
        except (Nack, BusError) as error:
            yield Found(bus.name, None, None, printable(str(error)), wrong=True)


async def run_scan(buses: Sequence[Bus], expected: Sequence[Expected], say: Callable[[str], None]) -> int:
    """Say what answers on every bus, and what was expected and is missing or another.

    Returns the exit code: 1 where something is not as configured, or a bus cannot be used.
    """
    if not buses:
        say(tr("There is no bus: enable I2C or 1-Wire (raspi-config), or name a configuration with [[buses]]"))
        return 1
    missing = {(entry.bus, entry.address): entry for entry in expected}
    wrong = False
    bus = ""
    async for found in scan(buses, missing.keys()):
        if found.bus != bus:
            bus = found.bus
            say(f"{bus}:")
        entry = _take(missing, found)
        wrong = wrong or found.wrong or (entry is not None and not _fits(entry, found))
        say(f"  {_line(found, entry)}")
    for entry in missing.values():
        where = entry.bus if entry.address is None else f"{entry.bus}, {_address(entry.address)}"
        say(tr("missing: {name} ({type}) at {where}").format(name=entry.name, type=entry.type, where=where))
    return int(wrong or bool(missing))


def _take(missing: dict[tuple[str, Address], Expected], found: Found) -> Expected | None:
    """Return what was expected where something was found, and expect it no longer."""
    if found.identity is None and found.address is None:
        return None
    entry = missing.pop((found.bus, found.address), None)
    only = missing.get((found.bus, None))  # a thermometer that is configured as the only one
    if entry is None and only is not None and _fits(only, found):
        entry = missing.pop((found.bus, None))
    return entry


def _fits(entry: Expected, found: Found) -> bool:
    return found.identity is not None and found.identity.type == entry.type


def _line(found: Found, entry: Expected | None) -> str:
    """Return what is said of one place."""
    words: list[str] = []
    if found.identity is not None and found.identity.firmware:
        text = tr("{type} circuit, firmware {firmware}")
        words.append(text.format(type=found.identity.type, firmware=found.identity.firmware))
    elif found.identity is not None:
        words.append(found.identity.type)
    if found.detail:
        words.append(found.detail)
    if entry is None:
        if found.identity is not None:
            words.append(tr("not configured"))
    elif _fits(entry, found):
        words.append(tr("configured as {name}").format(name=entry.name))
    else:
        words.append(tr("WRONG: configured as {name} ({type})").format(name=entry.name, type=entry.type))
    where = "" if found.address is None else f"{_address(found.address)}: "
    return where + "; ".join(words)


def _address(address: int | str) -> str:
    return f"{address} (0x{address:02X})" if isinstance(address, int) else address


async def _answers(bus: I2cBus, address: int) -> bool:
    """Say whether anybody acknowledges an address; reading a byte changes nothing in what hangs there. Or BusError."""
    try:
        await bus.read(address, 1)
    except Nack:
        return False
    return True


async def _at(bus: I2cBus, address: int, circuits_at: Collection[tuple[str, Address]]) -> Found:
    """Return what it is that answers at an address."""
    if address in _EXPANDERS and (bus.name, address) not in circuits_at:
        return Found(bus.name, address, None, tr("answers; not asked what it is: it may be a port expander"))
    try:
        return Found(bus.name, address, await circuit_on(bus, address).identify())
    except BadAnswer:
        return Found(bus.name, address, None, tr("answers, but not as one EZO circuit: another device, or two at once"))
    except (Nack, BusError) as error:
        return Found(bus.name, address, None, printable(str(error)), wrong=True)


async def _on_line(bus: UartBus) -> Found:
    """Return the circuit on a serial line, at whatever rate it speaks. Raises Nack or BusError."""
    try:
        return Found(bus.name, None, await circuit_on(bus, None).identify())
    except BadAnswer as error:
        trouble = printable(str(error))
    finally:
        await bus.close()
    for baud in BAUDS:
        other = UartBus(bus.name, bus.device, baud)
        try:
            identity = None if baud == bus.baud else await circuit_on(other, None).identify()
        except (Nack, BadAnswer):
            continue
        finally:
            await other.close()
        if identity is not None:
            detail = tr("speaks at {baud} baud, not at {configured}: write baud = {baud}")
            return Found(bus.name, None, identity, detail.format(baud=baud, configured=bus.baud), wrong=True)
    return Found(bus.name, None, None, trouble, wrong=True)


async def _thermometer(bus: OneWireBus, identity: str) -> Found:
    if not identity.startswith("28-"):
        return Found(bus.name, identity, None, tr("answers, but is no DS18B20"))
    try:
        celsius = parse_temperature(await bus.read(identity))
    except (Nack, BusError, BadAnswer) as error:
        return Found(bus.name, identity, Identity("DS18B20", ""), printable(str(error)), wrong=True)
    return Found(bus.name, identity, Identity("DS18B20", ""), f"{celsius:.2f} °C")
