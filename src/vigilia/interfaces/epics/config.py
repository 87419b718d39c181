"""The `[epics]` section."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field

from vigilia.addresses import is_loopback
from vigilia.errors import ConfigError, Problem
from vigilia.settings import Section


def _check_writer(text: str) -> str:
    if text != "*" and not re.fullmatch(r"([A-Za-z0-9_.-]+@)?[A-Za-z0-9_.:-]+", text):
        raise ValueError(f'{text[:60]!r} is no writer; write "*", "host" or "user@host"')
    return text


def _check_interface(text: str) -> str:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        raise ValueError(f"{text[:60]!r} is no interface; write its IPv4 address") from None
    return text


class EpicsConfig(Section):
    """How the points are served over EPICS."""

    prefix: str = Field(default="", max_length=40, pattern=r"^[A-Za-z0-9_:+<>\[\];-]*$")
    server_port: int = Field(default=5064, ge=1, le=65535)
    pva_port: int = Field(default=5075, ge=1, le=65535)
    interfaces: list[Annotated[str, AfterValidator(_check_interface)]] = []
    writers: list[Annotated[str, AfterValidator(_check_writer)]] = ["*"]
    access_file: str | None = None
    """An access security file of the site's own, in place of `writers`."""

    @property
    def open_to_all(self) -> bool:
        """Whether anybody who reaches an interface that is not loopback may put."""
        alone = bool(self.interfaces) and all(is_loopback(interface) for interface in self.interfaces)
        return self.access_file is None and not alone and "*" in self.writers

    def resolved(self, base: Path) -> Self:
        """Return the section with an absolute `access_file`. Raises ConfigError where there is no such file."""
        if self.access_file is None:
            return self
        path = base / self.access_file
        if not path.is_file():
            raise ConfigError([Problem("[epics]", "access_file", f"{path} is no file", "name an access security file")])
        return self.model_copy(update={"access_file": str(path)})
