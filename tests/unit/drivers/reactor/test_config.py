"""The `[reactor]` section: safe by default, and each mistake in one line."""

from pathlib import Path

import pytest

from vigilia.drivers.reactor.config import ReactorConfig
from vigilia.errors import ConfigError
from vigilia.settings import validate


def mistakes(**keys: object) -> list[str]:
    return [str(problem) for problem in validate(ReactorConfig, keys, "vigilia.toml", "reactor")[1]]


def test_the_defaults_listen_on_loopback_without_tokens() -> None:
    config = ReactorConfig()
    assert (config.host, config.port, config.on_loopback, config.needs_tokens) == ("127.0.0.1", 50051, True, False)
    assert (config.ports[0], config.ports[-1], config.status_interval_s, config.epics) == (50100, 50199, 5.0, True)
    assert config.accept == "known"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"listen": "0.0.0.0:50051"}, "which is not on loopback, without TLS; give tls_cert and tls_key"),
        ({"listen": "50051"}, "is not an address to listen on"),
        ({"tls_cert": "a.pem"}, "has only one of tls_cert and tls_key"),
        ({"manager_ports": "50199-50100"}, "is no range of ports"),
        ({"manager_ports": "0-10"}, "is no range of ports"),
        ({"manager_ports": "1-70000"}, "is no range of ports"),
        ({"manager_ports": "some"}, "is no range of ports"),
        ({"status_interval_s": 0.1}, "reactor.status_interval_s: cannot be 0.1"),
        ({"accept": "some"}, "reactor.accept: cannot be 'some'"),
        ({"port": 1}, "reactor.port: is not a known key"),
    ],
)
def test_a_mistake_is_one_line(keys: dict[str, object], expected: str) -> None:
    (line,) = mistakes(**keys)
    assert expected in line


def test_off_loopback_tokens_are_needed_unless_it_is_insecure(tmp_path: Path) -> None:
    open_to_all = ReactorConfig(listen="0.0.0.0:50051", insecure=True)
    assert not open_to_all.needs_tokens
    secured = ReactorConfig(listen="0.0.0.0:50051", tls_cert="c.pem", tls_key="k.pem")
    assert secured.needs_tokens
    with pytest.raises(ConfigError, match=r"tls_cert: .*c\.pem is no file"):
        secured.resolved(tmp_path)
    for name in ("c.pem", "k.pem"):
        (tmp_path / name).touch()
    assert secured.resolved(tmp_path).tls_cert == str(tmp_path / "c.pem")
