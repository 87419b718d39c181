"""The `[aruba]` section: what it takes, what it refuses, and in which words."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.drivers.aruba.config import ArubaConfig, SwitchConfig
from vigilia.errors import ConfigError
from vigilia.settings import Secret, validate


def port(number: object = "1", device: object = "T1") -> dict[str, Any]:
    return {"port": number, "device": device}


def switch(name: str = "sw-1", url: str = "http://192.0.2.10", *ports: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "url": url, "ports": list(ports) or [port("1", f"{name}:d")], **more}


def mistakes(*switches: dict[str, Any], **keys: Any) -> list[str]:
    """What is wrong with a section, its own checks and those of the whole."""
    section, wrong = validate(ArubaConfig, {"switches": list(switches), **keys}, "vigilia.toml", "aruba")
    if section is None:
        return [str(problem) for problem in wrong]
    try:
        section.resolved(Path("/nowhere"))
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []


def test_what_is_left_out_has_its_default() -> None:
    config = ArubaConfig.model_validate({"switches": [switch()]})
    assert (config.scan_s, config.timeout_s, config.login_timeout_s) == (1.0, 0.6, 5.0)
    assert config.verify
    assert (config.selector_from, config.settle_s) == ("delivering", 0.0)
    assert (config.switches[0].username, config.switches[0].room) == (None, "")


def test_a_whole_section_is_taken() -> None:
    one = switch(username="controle", password="example", room="Connectivity room")
    two = switch("sw-2", "https://switch-2.example:8443", port("A12", "A"), port("1/24", "B"))
    assert mistakes(one, two, scan_s=2, timeout_s=0.5, selector_from="last", settle_s=10, verify=False) == []


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"scan_s": "1"}, "vigilia.toml: aruba.scan_s: cannot be '1'; input should be a valid number"),
        ({"scan_s": 0}, "aruba.scan_s: cannot be 0; input should be greater than or equal to 0.05"),
        ({"scan_s": float("nan")}, "aruba.scan_s: cannot be nan"),
        ({"timeout_s": float("inf")}, "aruba.timeout_s: cannot be inf"),
        ({"verify": "yes"}, "aruba.verify: cannot be 'yes'; input should be a valid boolean"),
        (
            {"selector_from": "sts"},
            "selector_from: cannot be 'sts'; write 'delivering', 'enabled', 'last' or 'archiver'",
        ),
        ({"selector_from": "archiver"}, "no archiver_url; write archiver_url"),
        ({"archiver_url": "archiver:17665"}, "archiver_url: is not the address of a site"),
        ({"scans": 1}, "aruba.scans: is not a known key; remove it or correct its spelling"),
        ({"settle_s": -1}, "aruba.settle_s: cannot be -1; input should be greater than or equal to 0"),
        ({"rooms_file": "rooms.config"}, "[aruba]: rooms_file: is given without switches_file; give both, or remove"),
        ({"ca_file": "nowhere.pem"}, "[aruba]: ca_file: /nowhere/nowhere.pem is no file; name a PEM bundle"),
        ({"ca_file": "a\0b"}, "is no file; name a PEM bundle"),
    ],
)
def test_wrong_keys_of_the_section(keys: dict[str, Any], expected: str) -> None:
    (line,) = mistakes(switch(), **keys)
    assert expected in line


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (switch(port=1), "aruba.switches[0].port: is not a known key"),
        ({"url": "http://h", "ports": [port()]}, "aruba.switches[0].name: is missing; add it"),
        ({**switch(), "ports": []}, "aruba.switches[0].ports: cannot be a list; list should have at least 1 item"),
        (switch("a b", "http://h", port()), "aruba.switches[0].name: cannot be 'a b'"),
        (switch("", "http://h", port()), "aruba.switches[0].name: cannot be ''"),
        (switch("sw-1", "http://h", port(3)), "aruba.switches[0].ports[0].port: cannot be 3; input should be a valid"),
        (switch("sw-1", "http://h", port("../reset")), "aruba.switches[0].ports[0].port: cannot be '../reset'"),
        (switch("sw-1", "http://h", port("1\n")), "aruba.switches[0].ports[0].port: cannot be"),
        (switch("sw-1", "http://h", port("1", "T 1")), "aruba.switches[0].ports[0].device: cannot be 'T 1'"),
        (switch("sw-1", "http://h", port("1", "x" * 61)), "aruba.switches[0].ports[0].device: cannot be"),
        (switch(username="u"), "aruba.switches[0]: has only one of username and password; give both, or neither"),
        (switch(password="31337"), "aruba.switches[0]: has only one of username and password; give both, or neither"),
        (switch(username="u", password=31337), "aruba.switches[0].password: is not a text; write it in quotes"),
    ],
)
def test_wrong_keys_of_a_switch(wrong: dict[str, Any], expected: str) -> None:
    (line,) = mistakes(wrong)
    assert expected in line
    assert "31337" not in line


@pytest.mark.parametrize(
    "url",
    [
        "192.0.2.10",
        "http://",
        "ftp://192.0.2.10",
        "http://:80",
        "http://192.0.2.10:0",
        "http://192.0.2.10:65536",
        "http://192.0.2.10:port",
        "http://192.0.2.10/rest",
        "http://192.0.2.10//",
        "http://192.0.2.10?a=1",
        "http://192.0.2.10#a",
        "http://controle:31337@192.0.2.10",
        "http://[::1",
        "http://admin:p31337",
        "http://[31337]",
        "http://a b",
        "http://192.0.2.999",
        "http://192.0.2",
        "",
    ],
)
def test_a_bad_address(url: str) -> None:
    (line,) = mistakes(switch("sw-1", url))
    assert line.startswith("vigilia.toml: aruba.switches[0].url: is ")
    assert 'write "http://HOST" or "https://HOST:PORT"' in line
    assert "31337" not in line


@pytest.mark.parametrize(
    ("url", "kept", "address"),
    [
        ("http://192.0.2.10", "http://192.0.2.10", ("192.0.2.10", 80)),
        ("http://192.0.2.10:8080/", "http://192.0.2.10:8080", ("192.0.2.10", 8080)),
        ("https://Switch-1.example", "https://Switch-1.example", ("switch-1.example", 443)),
        ("HTTPS://switch_1", "https://switch_1", ("switch_1", 443)),
        ("http://[::1]:80", "http://[::1]:80", ("::1", 80)),
        ("http://[0:0:0:0:0:0:0:1]", "http://[0:0:0:0:0:0:0:1]", ("::1", 80)),
        ("http://192.0.2.10?", "http://192.0.2.10", ("192.0.2.10", 80)),
        ("http://192.0.2.10#", "http://192.0.2.10", ("192.0.2.10", 80)),
    ],
)
def test_a_good_address_is_kept_as_scheme_host_and_port(url: str, kept: str, address: tuple[str, int]) -> None:
    config = SwitchConfig.model_validate(switch("sw-1", url))
    assert (config.url, config.address) == (kept, address)


def test_duplicates_are_named() -> None:
    one = switch("sw-1", "http://192.0.2.10", port("1", "A"), port("1", "B"))
    two = switch("sw-1", "http://192.0.2.10:80/", port("1", "A"))
    three = switch("sw-3", "HTTP://192.0.2.11", port("1", "C"))
    four = switch("sw-4", "http://192.0.2.11", port("1", "D"))
    assert mistakes(one, two, three, four) == [
        "[aruba]: switch 'sw-1': is named 2 times; give each switch a name of its own",
        "[aruba]: switch at 192.0.2.10:80: stands there 2 times; put all its ports under one switch",
        "[aruba]: switch at 192.0.2.11:80: stands there 2 times; put all its ports under one switch",
        "[aruba]: port '1' of sw-1: is used 2 times; give each port to one device",
        "[aruba]: device 'A': is named 2 times; give each device a name of its own",
    ]


def test_an_ipv6_address_is_the_same_however_it_is_written() -> None:
    assert mistakes(switch("sw-1", "http://[::1]"), switch("sw-2", "http://[0:0:0:0:0:0:0:1]")) == [
        "[aruba]: switch at ::1:80: stands there 2 times; put all its ports under one switch"
    ]


def test_a_switch_may_have_a_host_name_as_its_name_and_a_device_may_not() -> None:
    assert mistakes(switch("a" * 253 + ":18081", "http://h", port("1", "A"))) == []
    assert len(mistakes(switch("a" * 260, "http://h", port("1", "A")))) == 1
    assert len(mistakes(switch("a", "http://h", port("1", "A" * 61)))) == 1


def test_the_same_port_of_two_switches_is_no_duplicate() -> None:
    assert mistakes(switch("sw-1", "http://a1"), switch("sw-2", "http://a2")) == []


def test_a_section_without_switches() -> None:
    assert mistakes() == ["[aruba]: switches: names no switch; add [[aruba.switches]] or switches_file"]


def test_a_password_is_kept_secret() -> None:
    config = ArubaConfig.model_validate({"switches": [switch(username="controle", password="hunter2")]})
    assert isinstance(config.switches[0].password, Secret)
    assert "hunter2" not in f"{config!r} {config} {config.model_dump()}"


garbage = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "url", "ports", "port", "device", "password", "switches"]), inner)
    ),
    max_leaves=15,
)
near = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(ArubaConfig.model_fields, garbage),
        "switches": st.lists(
            st.fixed_dictionaries(
                {"name": st.text() | garbage, "url": st.sampled_from(["http://h", "https://[::1]"]) | garbage},
                optional={
                    "ports": st.lists(
                        st.fixed_dictionaries({"port": st.sampled_from("123"), "device": st.text() | garbage})
                    ),
                    "username": garbage,
                    "password": st.just("hunter2") | st.just(["hunter2"]) | st.just({"hunter": "hunter2"}),
                },
            )
        ),
    },
)


@given(garbage | near)
def test_no_section_does_worse_than_problems(value: object) -> None:
    section, wrong = validate(ArubaConfig, value, "vigilia.toml", "aruba")
    if section is not None:
        try:
            section.resolved(Path("/nowhere"))
        except ConfigError as error:
            wrong = list(error.problems)
            assert wrong
        assert "hunter2" not in repr(section)
    else:
        assert wrong
    for problem in wrong:
        assert str(problem).isprintable()
        assert problem.right
        assert "hunter2" not in str(problem)
