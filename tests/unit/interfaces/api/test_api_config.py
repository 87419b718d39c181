import subprocess
import sys
from pathlib import Path

import pytest

from vigilia.addresses import is_loopback
from vigilia.errors import ConfigError
from vigilia.interfaces.api.config import WebConfig
from vigilia.interfaces.auth.config import AuthConfig
from vigilia.settings import validate


def problems(**keys: object) -> list[str]:
    return [str(problem) for problem in validate(WebConfig, keys, "vigilia.toml", "web")[1]]


def test_defaults_are_those_of_the_design() -> None:
    config = WebConfig()
    assert (config.enabled, config.host, config.port, config.public_url) == (True, "127.0.0.1", 8080, "")
    assert not config.insecure


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("127.1.2.3:65535", "127.1.2.3", 65535),
        ("localhost:80", "localhost", 80),
        ("[::1]:8080", "::1", 8080),
    ],
)
def test_loopback_addresses_are_taken(listen: str, host: str, port: int) -> None:
    config = WebConfig(listen=listen)
    assert (config.host, config.port) == (host, port)


@pytest.mark.parametrize(
    "listen",
    ["", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:8080", "[zz]:80", "[1.2.3.4]:80", "a b:1"],
)
def test_what_is_no_address_is_refused(listen: str) -> None:
    (problem,) = problems(listen=listen)
    assert problem.startswith("vigilia.toml: web.listen: ")
    assert '"HOST:PORT"' in problem


OUTSIDE = pytest.mark.parametrize("listen", ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:80", "vigilia.example.org:80"])


@OUTSIDE
def test_a_listener_off_loopback_needs_tls_or_insecure(listen: str) -> None:
    (problem,) = problems(listen=listen)
    assert problem.startswith("vigilia.toml: web.listen: ")
    assert "tls_cert" in problem
    assert "insecure = true" in problem
    assert len(problems(listen=listen, auth={})) == 1
    assert problems(listen=listen, insecure=True) == []
    assert problems(listen=listen, tls_cert="cert.pem", tls_key="key.pem") == []


@OUTSIDE
def test_off_loopback_people_sign_in_unless_it_is_insecure(listen: str) -> None:
    tls = {"tls_cert": "cert.pem", "tls_key": "key.pem"}
    assert WebConfig(listen=listen, **tls).signs_in == AuthConfig()
    assert WebConfig(listen=listen, insecure=True).signs_in is None
    assert WebConfig(listen=listen, insecure=True, **tls).signs_in is None
    asked = AuthConfig(anonymous="viewer")
    assert WebConfig(listen=listen, insecure=True, auth=asked).signs_in == asked


def test_on_loopback_people_sign_in_where_the_section_is_there() -> None:
    assert WebConfig().signs_in is None
    assert WebConfig.model_validate({"auth": {}}).signs_in == AuthConfig()


def test_how_people_sign_in_is_checked() -> None:
    assert problems(auth={"anonymous": "viewer", "idle_hours": 0.5, "session_hours": 8}) == []
    (problem,) = problems(auth={"anonymous": "admin"})
    assert problem.startswith("vigilia.toml: web.auth.anonymous: cannot be 'admin'")
    (problem,) = problems(auth={"idle_hours": 24, "session_hours": 8})
    assert "idle_hours above session_hours" in problem
    (problem,) = problems(auth={"users": ["ana"]})
    assert "web.auth.users: is not a known key" in problem


@pytest.mark.parametrize("network", ["proxy.example.org", "192.0.2.0/33", "192.0.2.1/24", "*"])
def test_proxies_are_addresses_or_networks(network: str) -> None:
    assert problems(trusted_proxies=["127.0.0.1", "192.0.2.0/24", "2001:db8::/32"]) == []
    (problem,) = problems(trusted_proxies=[network])
    assert problem.startswith("vigilia.toml: web.trusted_proxies: ")


@pytest.mark.parametrize("key", ["tls_cert", "tls_key"])
def test_tls_needs_both_files(key: str) -> None:
    (problem,) = problems(**{key: "a.pem"})
    assert "only one of tls_cert and tls_key" in problem


def test_tls_files_are_found_from_the_file_and_must_exist(tmp_path: Path) -> None:
    config = WebConfig(tls_cert="cert.pem", tls_key="key.pem")
    (tmp_path / "cert.pem").touch()
    with pytest.raises(ConfigError, match=r"tls_key: .*key\.pem is no file"):
        config.resolved(tmp_path)
    (tmp_path / "key.pem").touch()
    assert config.resolved(tmp_path).tls_cert == str(tmp_path / "cert.pem")


@pytest.mark.parametrize(
    "url", ["vigilia.example.org", "ftp://a", "http://", "http://u:p@a", "http://a?b", "http://a:x"]
)
def test_public_url_must_be_an_address(url: str) -> None:
    (problem,) = problems(public_url=url)
    assert problem.startswith("vigilia.toml: web.public_url: ")


def test_public_url_loses_its_slash() -> None:
    assert WebConfig(public_url="https://vigilia.example.org/").public_url == "https://vigilia.example.org"


def test_reading_the_section_does_not_load_the_web_framework() -> None:
    heavy = "{'fastapi', 'starlette', 'uvicorn', 'prometheus_client'} & sys.modules.keys()"
    check = f"import sys, vigilia.interfaces.api.config; sys.exit(str({heavy}) if {heavy} else 0)"
    done = subprocess.run([sys.executable, "-c", check], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_unknown_keys_and_wrong_types_are_refused() -> None:
    assert len(problems(port=1, enabled="yes", insecure=1)) == 3


@pytest.mark.parametrize(
    ("host", "expected"), [("LOCALHOST.", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.1", False)]
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
