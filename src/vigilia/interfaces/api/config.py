"""The `[web]` section: where the pages and the REST API listen, and who may come in."""

import ipaddress
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from vigilia.addresses import is_loopback, split_address
from vigilia.interfaces.auth.config import AuthConfig
from vigilia.settings import Section, check_site_url, with_tls_files


class WebConfig(Section):
    """The whole section."""

    enabled: bool = True
    insecure: bool = False
    """Allows a listener that is not on loopback without TLS and, unless `auth` is there, without sign-in."""
    tls_cert: str | None = None
    tls_key: str | None = None
    listen: str = "127.0.0.1:8080"
    """Host and TCP port; port 0 takes any free one."""
    public_url: str = ""
    """The address under which people reach the service, where it is not `listen`: a proxy's, for example."""
    trusted_proxies: list[str] = Field(default=[], max_length=100)
    """Addresses and networks of proxies: what their `X-Forwarded-…` headers say is believed."""
    auth: AuthConfig | None = None
    """Sign-in; None: on for a listener that is not on loopback, unless that is `insecure`."""

    @field_validator("listen")
    @classmethod
    def _check_listen(cls, listen: str, info: ValidationInfo) -> str:
        host, _ = split_address(listen)
        if not is_loopback(host) and not info.data.get("insecure") and info.data.get("tls_cert") is None:
            raise ValueError(
                f"{listen!r} is not on loopback, and passwords must not cross a network that anybody can read; give "
                'tls_cert and tls_key, write an address such as "127.0.0.1:8080", or insecure = true to do without '
                "TLS and, where there is no [web.auth], without sign-in"
            )
        return listen

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, url: str) -> str:
        return check_site_url(url)

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, networks: list[str]) -> list[str]:
        for network in networks:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ValueError(f'{network[:80]!r}: {error}; write such as "192.0.2.1" or "192.0.2.0/24"') from error
        return networks

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("has only one of tls_cert and tls_key; give both, or neither for plain HTTP")
        return self

    def resolved(self, base: Path) -> Self:
        """Return the section with the paths of the TLS files made absolute. Raises ConfigError where one is no file."""
        return with_tls_files(self, "[web]", base)

    @property
    def signs_in(self) -> AuthConfig | None:
        """How people sign in; None: nobody has to, and everybody may do everything."""
        open_to_all = is_loopback(self.host) or self.insecure
        return self.auth or (None if open_to_all else AuthConfig())

    @property
    def secure(self) -> bool:
        """Whether browsers reach the service over TLS."""
        return self.tls_cert is not None or self.public_url.startswith("https://")

    @property
    def host(self) -> str:
        """The host to listen on; an IPv6 address without its brackets."""
        return split_address(self.listen)[0]

    @property
    def port(self) -> int:
        """The TCP port to listen on; 0 for any free one."""
        return split_address(self.listen)[1]
