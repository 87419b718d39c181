"""The `[aruba]` section: switches, their ports, and how to talk to them."""

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from vigilia.drivers.aruba.legacy import read_rooms_file, read_switches_file
from vigilia.errors import ConfigError, Problem
from vigilia.settings import Secret, Section, check_site_url, validate

PortId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+(/[A-Za-z0-9]+)?$", max_length=12)]
DeviceName = Annotated[str, StringConstraints(pattern=r"^[^\s\x00-\x1f]+$", max_length=60)]
SwitchName = Annotated[str, StringConstraints(pattern=r"^[^\s\x00-\x1f]+$", max_length=259)]
"""As long as a host name of 253 characters with a port, which is what a switches file makes of one."""


class PortConfig(Section):
    """One port of a switch, and the device it powers."""

    port: PortId
    device: DeviceName


class SwitchConfig(Section):
    """One switch."""

    name: SwitchName
    url: str
    username: str | None = None
    password: Secret | None = None
    room: str = ""
    ports: list[PortConfig] = Field(min_length=1)

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        """Take `http(s)://host[:port]` and nothing more; return it without a final slash."""
        right = 'write "http://HOST" or "https://HOST:PORT"'
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:  # its text may quote a password
            raise ValueError(f"is not an address; {right}") from None
        if parts.scheme not in ("http", "https") or not _is_host(parts.hostname or ""):
            raise ValueError(f"is not the address of a switch; {right}")
        if port == 0 or parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
            raise ValueError(f"is more than the address of a switch; {right}")
        return f"{parts.scheme}://{parts.netloc}"

    @model_validator(mode="after")
    def _check_login(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("has only one of username and password; give both, or neither for anonymous REST")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and TCP port: what makes two entries the same switch."""
        parts = urlsplit(self.url)
        host = (parts.hostname or "").lower()
        with suppress(ValueError):  # a name stays as it is; an IPv6 address can be written in many ways
            host = str(ipaddress.ip_address(host))
        return host, parts.port or (443 if parts.scheme == "https" else 80)


class ArubaConfig(Section):
    """The whole section. Times are seconds."""

    scan_s: float = Field(default=1.0, ge=0.05, le=3600)
    timeout_s: float = Field(default=0.6, ge=0.01, le=60)
    """For one request, from sending it to the last byte of the answer."""
    login_timeout_s: float = Field(default=5.0, ge=0.01, le=60)
    verify: bool = True
    ca_file: str | None = None
    selector_from: Literal["delivering", "enabled", "last", "archiver"] = "delivering"
    archiver_url: str | None = None
    """Of the EPICS Archiver Appliance, for `selector_from = "archiver"`."""
    settle_s: float = Field(default=0.0, ge=0, le=600)
    switches_file: str | None = None
    rooms_file: str | None = None
    switches: list[SwitchConfig] = []

    @field_validator("archiver_url")
    @classmethod
    def _check_archiver_url(cls, url: str | None) -> str | None:
        return check_site_url(url) or None if url else None

    @model_validator(mode="after")
    def _check_archiver(self) -> Self:
        if self.selector_from == "archiver" and self.archiver_url is None:
            raise ValueError(
                'has selector_from = "archiver" and no archiver_url; write archiver_url = "http://HOST:17665"'
            )
        return self

    def resolved(self, base: Path) -> Self:
        """Return the section with the legacy files merged into `switches` and paths made absolute.

        Raises ConfigError for what is wrong in those files, and for anything named or used twice.
        """
        problems: list[Problem] = []
        switches = list(self.switches)
        if self.switches_file is not None:
            rooms = {} if self.rooms_file is None else read_rooms_file(base / self.rooms_file, problems)
            path = base / self.switches_file
            for place, table in read_switches_file(path, rooms, problems):
                switch, wrong = validate(SwitchConfig, table, place, "")
                problems += wrong
                switches += [switch] if switch else []
        elif self.rooms_file is not None:
            problems.append(
                Problem("[aruba]", "rooms_file", "is given without switches_file", "give both, or remove it")
            )
        problems += _twice(switches)
        if not switches and not problems:
            problems.append(
                Problem("[aruba]", "switches", "names no switch", "add [[aruba.switches]] or switches_file")
            )
        update: dict[str, object] = {"switches": switches, "switches_file": None, "rooms_file": None}
        if self.ca_file is not None:
            ca_file = base / self.ca_file
            if not ca_file.is_file():
                problems.append(Problem("[aruba]", "ca_file", f"{ca_file} is no file", "name a PEM bundle"))
            update["ca_file"] = str(ca_file)
        if problems:
            raise ConfigError(problems)
        return self.model_copy(update=update)


def _is_host(text: str) -> bool:
    """Whether `text` is an IP address or may be a name, which has a letter: 192.0.2.999 is neither."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9_.-]+", text) is not None
    return "%" not in text


def _twice(switches: list[SwitchConfig]) -> Iterator[Problem]:
    """Give a problem for each switch, address, port and device that stands there more than once."""
    for name, times in Counter(switch.name for switch in switches).items():
        if times > 1:
            yield Problem(
                "[aruba]", f"switch {name!r}", f"is named {times} times", "give each switch a name of its own"
            )
    for (host, port), times in Counter(switch.address for switch in switches).items():
        if times > 1:
            right = "put all its ports under one switch"
            yield Problem("[aruba]", f"switch at {host}:{port}", f"stands there {times} times", right)
    for switch in switches:
        for port_id, times in Counter(port.port for port in switch.ports).items():
            if times > 1:
                right = "give each port to one device"
                yield Problem("[aruba]", f"port {port_id!r} of {switch.name}", f"is used {times} times", right)
    for device, times in Counter(port.device for switch in switches for port in switch.ports).items():
        if times > 1:
            yield Problem(
                "[aruba]", f"device {device!r}", f"is named {times} times", "give each device a name of its own"
            )
