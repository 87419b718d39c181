"""Reads the JSON files of the program before: `switches.config` and `rooms.config`, unchanged.

Their format is specified in docs/reference/switches-file.md.
"""

import ipaddress
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from vigilia.errors import ConfigError, Problem
from vigilia.settings import Secret, Section, read_file, validate


def _check_host(text: str) -> str:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        if not re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", text):
            raise ValueError(f"{text[:60]!r} is not an address; write an IP address or a host name") from None
    return text


def _check_port(value: object) -> object:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and not (text.isascii() and text.isdecimal() and 0 < int(text[:9]) < 65536):
        raise ValueError(f"{text[:60]!r} is not a TCP port; write 1 to 65535, or leave it out for 80")
    return text


_Host = Annotated[str, StringConstraints(max_length=253), AfterValidator(_check_host)]
_TcpPort = Annotated[str, BeforeValidator(_check_port)]


class _LoginData(Section):
    ip: _Host
    port: _TcpPort | None = None
    username: str | None = None
    password: Secret | None = None


class _Device(Section):
    name: Annotated[str, StringConstraints(pattern=r"^[^\s\x00-\x1f]+$", max_length=60)]
    port: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+(/[A-Za-z0-9]+)?$", max_length=12)]


class _Switch(Section):
    login_data: _LoginData
    devices: list[_Device] = Field(min_length=1)


class _SwitchesFile(Section):
    switches: list[_Switch] = Field(min_length=1)


class _RoomSwitch(Section):
    ip: _Host


class _Room(Section):
    id: int | str
    name: str
    switches: list[_RoomSwitch]


class _RoomsFile(Section):
    rooms: list[_Room]


_File = TypeVar("_File", bound=Section)


def read_switches_file(
    path: Path, rooms: dict[str, str], problems: list[Problem]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each switch of the file as a table like those of `[[aruba.switches]]`, with the place it stands in.

    `rooms` gives the room of an IP address. What is wrong is added to `problems`.
    """
    content = _read(_SwitchesFile, path, problems)
    for index, switch in enumerate(content.switches if content else []):
        place = f"{path}: switches[{index}]"
        login = switch.login_data
        password = login.password.get_secret_value() if login.password else ""
        if bool(login.username) != bool(password):
            problems.append(
                Problem(
                    str(path),
                    f"switches[{index}].login_data",
                    "has only one of username and password",
                    "give both, or neither for anonymous REST",
                )
            )
            continue
        host = f"[{login.ip}]" if ":" in login.ip else login.ip
        port = int(login.port or 80)
        yield (
            place,
            {
                "name": login.ip if port == 80 else f"{login.ip}:{port}",
                "url": f"http://{host}:{port}",
                "username": login.username or None,
                "password": password or None,
                "room": rooms.get(login.ip, ""),
                "ports": [{"port": device.port, "device": device.name} for device in switch.devices],
            },
        )


def read_rooms_file(path: Path, problems: list[Problem]) -> dict[str, str]:
    """Return the room's name for each switch's IP address. What is wrong is added to `problems`."""
    content = _read(_RoomsFile, path, problems)
    rooms: dict[str, str] = {}
    for index, room in enumerate(content.rooms if content else []):
        for ip in (switch.ip for switch in room.switches):
            known = rooms.setdefault(ip, room.name)
            if known != room.name:
                wrong = f"puts {ip} in {room.name!r}, though it is in {known!r} already"
                problems.append(Problem(str(path), f"rooms[{index}].switches", wrong, "put each switch in one room"))
    return rooms


def _read(model: type[_File], path: Path, problems: list[Problem]) -> _File | None:
    """Return the file as a `model`, or None with what is wrong added to `problems`."""
    try:
        content = json.loads(read_file(path, "a JSON file").decode())
    except ConfigError as error:
        problems.extend(error.problems)
        return None
    except UnicodeDecodeError:
        problems.append(Problem(str(path), "file", "is not text in UTF-8", "name a JSON file"))
        return None
    except (ValueError, RecursionError) as error:
        problems.append(Problem(str(path), "file", f"is not JSON: {error}", "correct it at that place"))
        return None
    section, wrong = validate(model, content, str(path), "")
    problems.extend(wrong)
    return section
