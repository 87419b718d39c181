"""The files of the program before, unchanged: `switches.config` and `rooms.config`."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.drivers.aruba.config import ArubaConfig
from vigilia.errors import ConfigError

EXAMPLES = Path(__file__).parents[3] / "fixtures" / "aruba"


def read(folder: Path, file: object = None, rooms: object = None, **keys: Any) -> ArubaConfig:
    """The section after the files were read: given as JSON values, or as they are."""
    for name, content in (("switches", file), ("rooms", rooms)):
        if content is not None:
            text = content if isinstance(content, bytes) else json.dumps(content).encode()
            (folder / f"{name}.config").write_bytes(text)
            keys[f"{name}_file"] = f"{name}.config"
    return ArubaConfig.model_validate(keys).resolved(folder)


def mistakes(folder: Path, file: object = None, rooms: object = None, **keys: Any) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        read(folder, file, rooms, **keys)
    lines = [str(problem).replace(f"{folder}/", "") for problem in raised.value.problems]
    assert all(problem.right for problem in raised.value.problems)
    return lines


def one(ip: object = "192.0.2.10", *devices: object, **login: object) -> dict[str, Any]:
    given = list(devices) or [{"name": f"D-{ip}", "port": "1"}]
    return {"login_data": {"ip": ip, **login}, "devices": given}


def switches(*entries: object) -> dict[str, Any]:
    return {"switches": list(entries) or [one()]}


# What sites have


def test_the_examples_are_read_unchanged() -> None:
    config = ArubaConfig(switches_file="switches.config", rooms_file="rooms.config").resolved(EXAMPLES)
    first, second = config.switches
    assert (first.name, first.url) == ("127.0.0.1:18081", "http://127.0.0.1:18081")
    assert (second.name, second.url) == ("127.0.0.1:18082", "http://127.0.0.1:18082")
    assert (first.username, second.username, second.password) == ("controle", None, None)
    assert first.password is not None
    assert first.password.get_secret_value() == "example"
    assert [(port.port, port.device) for switch in config.switches for port in switch.ports] == [
        ("3", "TB-01:CamMF-01"),
        ("5", "TB-01:CamMF-02"),
        ("8", "BO-01:CamMF-01"),
        ("10", "BO-02:CamMF-03"),
    ]
    assert {switch.room for switch in config.switches} == {"Connectivity room"}, "a room matches by ip, all its ports"
    assert (config.switches_file, config.rooms_file) == (None, None), "what is in force names the switches themselves"


@pytest.mark.parametrize(
    ("login", "name", "url"),
    [
        ({}, "192.0.2.10", "http://192.0.2.10:80"),
        ({"port": "80"}, "192.0.2.10", "http://192.0.2.10:80"),
        ({"port": 80}, "192.0.2.10", "http://192.0.2.10:80"),
        ({"port": "8080"}, "192.0.2.10:8080", "http://192.0.2.10:8080"),
        ({"port": 8080}, "192.0.2.10:8080", "http://192.0.2.10:8080"),
        ({"port": None}, "192.0.2.10", "http://192.0.2.10:80"),
        ({"ip": "sw-1.example"}, "sw-1.example", "http://sw-1.example:80"),
        ({"ip": "::1"}, "::1", "http://[::1]:80"),
        ({"ip": "a" * 253, "port": 18081}, "a" * 253 + ":18081", f"http://{'a' * 253}:18081"),
    ],
)
def test_names_and_addresses(tmp_path: Path, login: dict[str, Any], name: str, url: str) -> None:
    (switch,) = read(tmp_path, switches({**one(), "login_data": {"ip": "192.0.2.10", **login}})).switches
    assert (switch.name, switch.url) == (name, url)


@pytest.mark.parametrize("login", [{}, {"username": "", "password": ""}, {"username": None, "password": None}])
def test_anonymous_switches(tmp_path: Path, login: dict[str, Any]) -> None:
    (switch,) = read(tmp_path, switches(one(**login))).switches
    assert (switch.username, switch.password) == (None, None)


def test_a_switch_without_a_room_has_none(tmp_path: Path) -> None:
    rooms = {"rooms": [{"id": "r", "name": "Other", "switches": [{"ip": "192.0.2.99"}]}]}
    assert read(tmp_path, switches(), rooms).switches[0].room == ""
    assert read(tmp_path, switches()).switches[0].room == ""


def test_file_and_inline_switches_are_merged(tmp_path: Path) -> None:
    inline = {"name": "sw-1", "url": "https://192.0.2.11", "ports": [{"port": "1", "device": "X"}]}
    config = read(tmp_path, switches(), switches=[inline])
    assert [switch.name for switch in config.switches] == ["sw-1", "192.0.2.10"]


# What is wrong with them


def test_duplicates_across_file_and_inline(tmp_path: Path) -> None:
    inline = {"name": "sw-1", "url": "http://192.0.2.10", "ports": [{"port": "1", "device": "D-192.0.2.10"}]}
    assert mistakes(tmp_path, switches(), switches=[inline]) == [
        "[aruba]: switch at 192.0.2.10:80: stands there 2 times; put all its ports under one switch",
        "[aruba]: device 'D-192.0.2.10': is named 2 times; give each device a name of its own",
    ]


def test_duplicates_within_the_file(tmp_path: Path) -> None:
    twice = one("192.0.2.10", {"name": "A", "port": "1"}, {"name": "A", "port": "1"})
    assert mistakes(tmp_path, switches(twice)) == [
        "[aruba]: port '1' of 192.0.2.10: is used 2 times; give each port to one device",
        "[aruba]: device 'A': is named 2 times; give each device a name of its own",
    ]
    assert len(mistakes(tmp_path, switches(one(), one(port="80")))) == 3


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "switches.config: file: is not JSON: Expecting value: line 1 column 1 (char 0); correct it at that pla"),
        (b"\x00\xff\xfe", "switches.config: file: is not text in UTF-8; name a JSON file"),
        (b'{"switches": [', "switches.config: file: is not JSON: Expecting value"),
        (b"[" * 100_000, "switches.config: file: is not JSON"),
        (b"5", "switches.config: file: cannot be 5; write a table of keys"),
        (b"[]", "switches.config: file: cannot be a list; write a table of keys"),
        (b"{}", "switches.config: switches: is missing; add it"),
        ({"switches": []}, "switches.config: switches: cannot be a list; list should have at least 1 item"),
        ({"switches": {}}, "switches.config: switches: cannot be a table; input should be a valid list"),
        ({**switches(), "rooms": []}, "switches.config: rooms: is not a known key; remove it or correct"),
        (switches({"devices": one()["devices"]}), "switches.config: switches[0].login_data: is missing; add it"),
        (switches(one(ip=5)), "switches.config: switches[0].login_data.ip: cannot be 5; input should be a valid str"),
        (switches(one("192.0.2.999")), "switches[0].login_data.ip: '192.0.2.999' is not an address; write an IP add"),
        (switches(one("http://192.0.2.1")), "switches[0].login_data.ip: 'http://192.0.2.1' is not an address; write"),
        (switches(one("192.0.2.1:80")), "switches[0].login_data.ip: '192.0.2.1:80' is not an address; write"),
        (switches(one("fe80::1%eth0")), "switches[0]"),
        (switches(one("a" * 254, {"name": "A", "port": "1"})), "switches[0].login_data.ip: cannot be"),
        (switches(one(port="http")), "switches[0].login_data.port: 'http' is not a TCP port; write 1 to 65535, or l"),
        (switches(one(port="0")), "switches[0].login_data.port: '0' is not a TCP port"),
        (switches(one(port=65536)), "switches[0].login_data.port: '65536' is not a TCP port"),
        (switches(one(port=10**20)), "switches[0].login_data.port: '100000000000000000000' is not a TCP port"),
        (switches(one(port=True)), "switches[0].login_data.port: cannot be True"),
        (switches(one(port=80.0)), "switches[0].login_data.port: cannot be 80.0"),
        (switches(one(port="²")), "switches[0].login_data.port: '²' is not a TCP port"),
        (switches(one(username="controle")), "switches[0].login_data: has only one of username and password; give"),
        (switches(one(password="31337")), "switches[0].login_data: has only one of username and password; give"),
        (switches(one(username="u", password="")), "switches[0].login_data: has only one of username and password"),
        (switches(one(username="u", password=31337)), "switches[0].login_data.password: is not a text; write it in"),
        (switches(one(user="u")), "switches[0].login_data.user: is not a known key"),
        (switches({**one(), "devices": []}), "switches[0].devices: cannot be a list; list should have at least 1"),
        (switches(one("a1", {"name": "A"})), "switches[0].devices[0].port: is missing; add it"),
        (switches(one("a1", {"name": "A", "port": 3})), "switches[0].devices[0].port: cannot be 3; input should be"),
        (switches(one("a1", {"name": "A B", "port": "3"})), "switches[0].devices[0].name: cannot be 'A B'"),
        (switches(one("a1", {"name": "A", "port": ""})), "switches[0].devices[0].port: cannot be ''"),
    ],
)
def test_a_wrong_switches_file(tmp_path: Path, content: object, expected: str) -> None:
    (line,) = mistakes(tmp_path, content)
    assert line.startswith("switches.config: ")
    assert expected in line
    assert "31337" not in line


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "rooms.config: file: is not JSON"),
        (b"\xff", "rooms.config: file: is not text in UTF-8; name a JSON file"),
        (b"{}", "rooms.config: rooms: is missing; add it"),
        ({"rooms": [{"id": 1, "name": "R"}]}, "rooms.config: rooms[0].switches: is missing; add it"),
        ({"rooms": [{"id": 1, "name": 5, "switches": []}]}, "rooms.config: rooms[0].name: cannot be 5"),
        ({"rooms": [{"id": 1, "name": "R", "switches": [{"ip": "?"}]}]}, "rooms[0].switches[0].ip: '?' is not an add"),
        (
            {
                "rooms": [
                    {"id": 1, "name": "A", "switches": [{"ip": "a1"}]},
                    {"id": 2, "name": "B", "switches": [{"ip": "a1"}]},
                ]
            },
            "rooms.config: rooms[1].switches: puts a1 in 'B', though it is in 'A' already; put each switch in one room",
        ),
    ],
)
def test_a_wrong_rooms_file(tmp_path: Path, content: object, expected: str) -> None:
    (line,) = mistakes(tmp_path, switches(), content)
    assert expected in line


def test_files_that_are_not_there(tmp_path: Path) -> None:
    lines = mistakes(tmp_path, switches_file="a.config", rooms_file="b.config")
    assert lines == [
        "b.config: file: cannot be read (No such file or directory); name a JSON file",
        "a.config: file: cannot be read (No such file or directory); name a JSON file",
    ]


def test_mistakes_of_both_files_are_named_at_once(tmp_path: Path) -> None:
    assert len(mistakes(tmp_path, switches(one(port="x"), one("?")), {"rooms": 5})) == 3


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["switches", "login_data", "devices", "ip", "port", "name", "username", "password"]), inner
        )
    ),
    max_leaves=15,
)
hosts = st.sampled_from(["192.0.2.1", "::1", "a" * 61, "fe80::1%eth0", "h.example", "x_y"]) | st.text(max_size=5)
near = st.fixed_dictionaries(
    {
        "switches": st.lists(
            st.fixed_dictionaries(
                {
                    "login_data": st.fixed_dictionaries(
                        {"ip": hosts},
                        optional={"port": st.integers() | st.text("0123456789"), "password": st.just("hunter2")},
                    ),
                    "devices": st.lists(st.fixed_dictionaries({"name": st.text(), "port": st.text()})),
                }
            )
        )
    }
)


@given(content=st.binary() | (json_values | near).map(lambda value: json.dumps(value).encode()))
def test_no_file_does_worse_than_problems(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    lines = ["none"]
    try:
        read(folder, content, content)
    except ConfigError as error:
        lines = [str(problem) for problem in error.problems]
    assert lines
    for line in lines:
        assert line.isprintable()
        assert "hunter2" not in line
