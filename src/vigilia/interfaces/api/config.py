"""The `[web]` section: where the REST API (and later the pages) listens."""

from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from vigilia.addresses import is_loopback, split_address
from vigilia.errors import ConfigError, Problem
from vigilia.settings import Section, check_site_url


class WebConfig(Section):
    """The whole section."""

    enabled: bool = True
    insecure: bool = False
    """Allows a listener that is not on loopback, although nobody has to sign in."""
    listen: str = "127.0.0.1:8080"
    """Host and TCP port; port 0 takes any free one."""
    public_url: str = ""
    """The address under which people reach the service, where it is not `listen`: a proxy's, for example."""
    tls_cert: str | None = None
    tls_key: str | None = None
    auth: Any = Field(default=None, exclude=True)
    """Sign-in: known, so that it is refused with the right words."""

    @field_validator("listen")
    @classmethod
    def _check_listen(cls, listen: str, info: ValidationInfo) -> str:
        host, _ = split_address(listen)
        if not is_loopback(host) and not info.data.get("insecure"):
            raise ValueError(
                f"{listen!r} is not on loopback, and sign-in comes with a later version; "
                'write an address such as "127.0.0.1:8080", or insecure = true to let anyone in who can reach it'
            )
        return listen

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, url: str) -> str:
        return check_site_url(url)

    @field_validator("auth")
    @classmethod
    def _refuse_auth(cls, _auth: object) -> None:
        raise ValueError("is not available in this version; remove it")

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("has only one of tls_cert and tls_key; give both, or neither for plain HTTP")
        return self

    def resolved(self, base: Path) -> Self:
        """Return the section with the paths of the TLS files made absolute. Raises ConfigError where one is no file."""
        files = {name: base / path for name in ("tls_cert", "tls_key") if (path := getattr(self, name)) is not None}
        problems = [
            Problem("[web]", name, f"{path} is no file", "name a PEM file")
            for name, path in files.items()
            if not path.is_file()
        ]
        if problems:
            raise ConfigError(problems)
        return self.model_copy(update={name: str(path) for name, path in files.items()})

    @property
    def host(self) -> str:
        """The host to listen on; an IPv6 address without its brackets."""
        return split_address(self.listen)[0]

    @property
    def port(self) -> int:
        """The TCP port to listen on; 0 for any free one."""
        return split_address(self.listen)[1]
