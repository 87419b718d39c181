"""The `[reactor]` section: where agents find the service, and which of them it takes."""

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from vigilia.addresses import is_loopback, split_address
from vigilia.settings import Secret, Section, with_tls_files

_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


class ReactorConfig(Section):
    """The whole section. Times are real seconds."""

    listen: str = "127.0.0.1:50051"
    """Host and TCP port of the coordinator; port 0 takes any free one."""
    tls_cert: str | None = None
    tls_key: str | None = None
    insecure: bool = False
    """Allows a listener that is not on loopback to do without TLS and tokens."""
    manager_ports: str = "50100-50199"
    """The manager takes the first of these that is free; "0": any."""
    status_interval_s: float = Field(default=5.0, ge=0.2, le=300, allow_inf_nan=False)
    accept: Literal["known", "all"] = "known"
    history_url: Secret = Secret("")
    """Empty: samples come through the service; else the database that agents write them to."""
    epics: bool = True

    @field_validator("listen")
    @classmethod
    def _check_listen(cls, listen: str) -> str:
        split_address(listen)
        return listen

    @field_validator("manager_ports")
    @classmethod
    def _check_ports(cls, ports: str) -> str:
        match = _PORTS.fullmatch(ports)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last <= 65_535 or (first == 0 and last != 0):
            raise ValueError(f'{ports[:40]!r} is no range of ports; write one such as "50100-50199"')
        return ports

    @model_validator(mode="after")
    def _check_security(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("has only one of tls_cert and tls_key; give both, or neither for plain gRPC")
        if not self.on_loopback and self.tls_cert is None and not self.insecure:
            raise ValueError(
                f"listens on {self.listen!r}, which is not on loopback, without TLS; give tls_cert and tls_key, "
                'write an address such as "127.0.0.1:50051", or insecure = true to let anyone in who can reach it'
            )
        return self

    def resolved(self, base: Path) -> Self:
        """Return the section with the paths of the TLS files made absolute. Raises ConfigError where one is no file."""
        return with_tls_files(self, "[reactor]", base)

    @property
    def host(self) -> str:
        """The host to listen on; an IPv6 address without its brackets."""
        return split_address(self.listen)[0]

    @property
    def port(self) -> int:
        """The coordinator's TCP port; 0 for any free one."""
        return split_address(self.listen)[1]

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the listener."""
        return is_loopback(self.host)

    @property
    def needs_tokens(self) -> bool:
        """Whether every reactor must show a token; one that was given one must always."""
        return not self.on_loopback and not self.insecure

    @property
    def ports(self) -> range:
        """The ports that the manager may take; only 0 among them: any free one."""
        first, _, last = self.manager_ports.partition("-")
        return range(int(first), int(last or first) + 1)
