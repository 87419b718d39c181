"""The demonstration's reactors: agent and service take what is written for them, and what fails is a sentence."""

import tomllib
from pathlib import Path

import pytest

from vigilia.agent.config import load_config
from vigilia.clock import Clock
from vigilia.demo import reactors
from vigilia.demo.reactors import SHAKY, STEADY, ReactorPorts, live, sim_options, write_configs
from vigilia.drivers.reactor.config import ReactorConfig
from vigilia.errors import VigiliaError
from vigilia.sim.reactor import Fleet


async def test_agents_find_the_equipment_and_the_service(tmp_path: Path) -> None:
    ports = ReactorPorts()
    service = ReactorConfig(**tomllib.loads(ports.section)["reactor"])
    async with Fleet([STEADY, SHAKY], tmp_path / 'it\'s "here"', Clock()) as fleet:
        said = [f"{reactor.name} {reactor.server.address} {reactor.folder}" for reactor in fleet.reactors]
        configs = write_configs(tmp_path, ["control http://x", *said, "vigilia sim ready"], ports, "pt-BR")
        for reactor in fleet.reactors:
            config = load_config(configs[reactor.name], {})
            assert (config.agent.id, config.agent.language) == (reactor.name, "pt-BR")
            assert config.agent.coordinator.endswith(f":{service.port}")
            assert config.agent.plain
            assert config.buses[0].model_dump()["address"] == reactor.server.address
            heater = next(actuator for actuator in config.actuators if actuator.name == "heater")
            assert heater.model_dump()["chip"] == str(reactor.pwm.path)
            assert {sensor.name for sensor in config.sensors} <= reactor.circuits.keys()
            assert "acid" in reactor.pumps
    places = {name: load_config(path, {}).agent.coordinator for name, path in configs.items()}
    assert places[STEADY] == service.listen
    assert places[SHAKY] != service.listen


def test_the_simulator_is_told_where_and_how_fast(tmp_path: Path) -> None:
    options = sim_options(tmp_path, 60)
    assert options[options.index("--clock") + 1] == "x60"
    assert Path(options[options.index("--folder") + 1]).is_relative_to(tmp_path)


async def test_reactors_that_cannot_be_set_going_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reactors, "_CONNECTED_S", 0.5)
    ports = ReactorPorts()
    nowhere = f"http://127.0.0.1:{ports.coordinator}"
    with pytest.raises(VigiliaError, match=r"the reactors do not get going \(.+\)"):
        await live(nowhere, nowhere, ports.network())
