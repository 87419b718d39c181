"""An agent's configuration: what is taken, and a line for each mistake."""

from pathlib import Path

import pytest

from vigilia.agent.addresses import host_and_port, is_loopback
from vigilia.agent.config import AgentConfig, find_config, load_config
from vigilia.errors import ConfigError

WHOLE = """
[agent]
id = "R1"
name = "Reactor 1"
coordinator = "127.0.0.1:50051"
[[buses]]
name = "i2c-1"
kind = "i2c"
number = 1
[[buses]]
name = "line"
kind = "uart"
device = "/dev/ttyAMA0"
[[buses]]
name = "w1"
kind = "w1"
[[sensors]]
name = "temp"
kind = "ds18b20"
bus = "w1"
[[sensors]]
name = "ph"
kind = "ezo-ph"
bus = "i2c-1"
address = 99
sample_s = 10.0
compensate_with = "temp"
[[actuators]]
name = "heater"
kind = "pwm"
pin = 18
max_on_s = 3600.0
[[actuators]]
name = "acid"
kind = "ezo-pmp"
bus = "line"
max_dose_ml_hour = 20.0
max_dose_ml_day = 100.0
[[loops]]
name = "ph-control"
kind = "ph-dosing"
sensor = "ph"
actuator = "acid"
setpoint = 7.0
direction = "down"
dose_ml = 0.5
min_interval_s = 120.0
max_day_ml = 50.0
"""


def load(folder: Path, text: str, **environment: str) -> AgentConfig:
    (folder / "agent.toml").write_text(text)
    return load_config(folder / "agent.toml", environment)


def wrong(folder: Path, text: str, **environment: str) -> list[str]:
    """The problems, without the file, which each begins with (or with the variable)."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text, **environment)
    lines = [str(problem) for problem in caught.value.problems]
    assert all("\n" not in line for line in lines)
    return [line.removeprefix(f"{folder}/agent.toml: ") for line in lines]


def changed(old: str, new: str) -> str:
    assert old in WHOLE
    return WHOLE.replace(old, new, 1)


def test_a_whole_configuration(tmp_path: Path) -> None:
    config = load(tmp_path, WHOLE)
    assert (config.agent.id, config.agent.failsafe_after_s, config.agent.plain) == ("R1", 30.0, True)
    assert config.data_dir == tmp_path / "agent-state"
    assert [sensor.name for sensor in config.sensors] == ["temp", "ph"]
    assert [part.name for part in (*config.actuators, *config.loops)] == ["heater", "acid", "ph-control"]
    assert config.secrets() == []


def test_the_smallest_one(tmp_path: Path) -> None:
    config = load(tmp_path, '[agent]\nid = "R1"\ncoordinator = "localhost:1"\n')
    assert (config.sensors, config.actuators, config.loops, config.buses) == ((), (), (), ())


def test_the_environment_wins_and_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load(
        tmp_path, WHOLE, VIGILIA_AGENT__ID="R7", VIGILIA_AGENT__FAILSAFE_AFTER_S="60", VIGILIA_WEB__LISTEN="x"
    )
    assert (config.agent.id, config.agent.failsafe_after_s) == ("R7", 60.0)
    monkeypatch.chdir(tmp_path)
    alone = load_config(None, {"VIGILIA_AGENT__ID": "R8", "VIGILIA_AGENT__COORDINATOR": "127.0.0.1:50051"})
    assert (alone.agent.id, alone.source, alone.data_dir) == ("R8", "environment", tmp_path / "agent-state")


def test_mistakes_of_the_environment_name_the_variable(tmp_path: Path) -> None:
    assert wrong(tmp_path, WHOLE, VIGILIA_AGENT__ID="no spaces", VIGILIA_AGENT__NAMES="x") == [
        "environment variable VIGILIA_AGENT__ID: agent.id: "
        "cannot be 'no spaces'; string should match pattern '^[A-Za-z0-9_-]{1,24}$'",
        "environment variable VIGILIA_AGENT__NAMES: agent.names: is not a known key; remove it or correct its spelling",
    ]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('id = "R1"\n', "", "agent.id: is missing; add it"),
        ('"127.0.0.1:50051"', '"127.0.0.1"', 'agent.coordinator: is not the address of a server; write "HOST:PORT"'),
        ('name = "Reactor 1"', "nam = 1", "agent.nam: is not a known key; remove it or correct its spelling"),
        (
            "[agent]",
            "[agents]\n[agent]",
            "[agents]: is not a known section; remove it, or correct its spelling: "
            "agent, buses, sensors, actuators, loops",
        ),
        ("max_on_s = 3600.0\n", "", "actuators[0].max_on_s: is missing; state the limit; 0 means none, on purpose"),
        (
            "max_dose_ml_day = 100.0\n",
            "",
            "actuators[1].max_dose_ml_day: is missing; state the limit; 0 means none, on purpose",
        ),
        ("max_on_s = 3600.0", 'max_on_s = "x"', "actuators[0].max_on_s: cannot be 'x'; input should be a valid number"),
        (
            "max_on_s = 3600.0",
            "max_on = 1",
            "actuators[0].max_on: is not a known key; remove it or correct its spelling",
        ),
        ('bus = "line"', 'bus = "lime"', "actuators[1].bus: names 'lime', which is no bus; write i2c-1 or line"),
        ('bus = "line"', 'bus = "w1"', "actuators[1].bus: names 'w1', which is of kind w1; write i2c-1 or line"),
        (
            'bus = "line"',
            'bus = "i2c-1"\naddress = 99',
            "actuators[1].address: is where sensors[1] is already; give each circuit an address or line of its own",
        ),
        ('sensor = "ph"', 'sensor = "hp"', "loops[0].sensor: names 'hp', which is no sensor; write ph"),
        ('sensor = "ph"', 'sensor = "temp"', "loops[0].sensor: names 'temp', which is of kind ds18b20; write ph"),
        (
            'actuator = "acid"',
            'actuator = "heater"',
            "loops[0].actuator: names 'heater', which is of kind pwm; write acid",
        ),
        ('name = "heater"', 'name = "ph"', "actuators[0].name: is 'ph', as that of sensors[1]; choose another"),
        (
            'name = "heater"',
            'name = "agent"',
            "actuators[0].name: is 'agent', which is the agent itself; choose another",
        ),
        ('name = "line"', 'name = "w1"', "buses[2].name: is 'w1', as that of buses[1]; choose another"),
        (
            "max_on_s = 3600.0",
            'max_on_s = 1.0\n[[actuators]]\nname = "lamp"\nkind = "relay"\npin = 18\nmax_on_s = 0',
            "actuators[1].pin: is that of actuators[0] too; give each actuator a pin of its own",
        ),
    ],
)
def test_each_mistake_is_one_line_with_the_way_out(tmp_path: Path, old: str, new: str, line: str) -> None:
    assert line in wrong(tmp_path, changed(old, new))


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    text = changed('id = "R1"\n', "").replace("max_on_s = 3600.0\n", "").replace("number = 1", "number = -1")
    assert len(wrong(tmp_path, text)) == 3


def test_two_loops_do_not_share_an_actuator(tmp_path: Path) -> None:
    second = WHOLE[WHOLE.index("[[loops]]") :].replace("ph-control", "again")
    assert wrong(tmp_path, WHOLE + second) == [
        "loops[1].actuator: is driven by loops[0] already; give each loop one of its own"
    ]


def test_a_server_elsewhere_needs_a_token_or_an_explicit_word(tmp_path: Path) -> None:
    away = changed("127.0.0.1:50051", "192.0.2.5:50051")
    assert wrong(tmp_path, away) == [
        "agent.token_file: is missing, and 192.0.2.5:50051 is not on this machine; "
        'name the file that "vigilia reactor enrol" wrote, or set insecure = true'
    ]
    assert load(tmp_path, away.replace("[agent]", "[agent]\ninsecure = true", 1)).agent.plain
    (tmp_path / "token").write_text("the-secret\n")
    (tmp_path / "ca.pem").touch()
    config = load(tmp_path, away.replace("[agent]", '[agent]\ntoken_file = "token"\nca_file = "ca.pem"', 1))
    assert (config.agent.plain, config.secrets(), config.agent.ca_file) == (False, ["the-secret"], f"{tmp_path}/ca.pem")
    assert "the-secret" not in repr(config)
    missing = away.replace("[agent]", '[agent]\ntoken_file = "nowhere"\nca_file = "ca.pem"', 1)
    assert wrong(tmp_path, missing) == [
        "agent.token_file: cannot be read (No such file or directory); name a file that holds the secret"
    ]


@pytest.mark.parametrize("text", ["sensors = 3", "[sensors]", 'sensors = "many"'])
def test_what_is_no_list_of_tables_is_said(tmp_path: Path, text: str) -> None:
    said = wrong(tmp_path, f'agent = {{ id = "R1", coordinator = "127.0.0.1:1" }}\n{text}\n')
    assert said == ["sensors: is not a list of tables; begin each with [[sensors]]"]


def test_which_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_config(None, {}) is None
    (tmp_path / "vigilia-agent.toml").touch()
    assert find_config(None, {}) == Path("vigilia-agent.toml")
    assert find_config(None, {"VIGILIA_CONFIG": "/a.toml"}) == Path("/a.toml")
    assert find_config("b.toml", {"VIGILIA_CONFIG": "/a.toml"}) == Path("b.toml")


@pytest.mark.parametrize("address", ["", "host", "host:0", "host:65536", ":50051", "a b:1", "http://host:1", "::1:5"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        host_and_port(address)


def test_addresses() -> None:
    assert host_and_port("[::1]:50051") == ("::1", 50051)
    assert [is_loopback(host) for host in ("127.9.9.9", "::1", "LocalHost", "192.0.2.1", "localhost.example")] == [
        True,
        True,
        True,
        False,
        False,
    ]
