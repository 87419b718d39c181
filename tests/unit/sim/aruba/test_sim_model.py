"""The electrical model and its encoded answers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.sim.aruba import PortChanges, SwitchModel, UnknownPortError

STATES = ("PPDS_DISABLED", "PPDS_DISABLE", "PPDS_OTHER_FAULT", "PPDS_TEST", "PPDS_FAULT", "nonsense")


def status(model: SwitchModel, port: str, now: float) -> str:
    return json.loads(model.stats(port, now))["poe_detection_status"]


def test_enabling_searches_then_delivers() -> None:
    model = SwitchModel(2, detect_s=0.2)
    assert status(model, "1", 0.0) == "PPDS_DELIVERING"
    model.change("1", 10.0, enabled=False)
    assert status(model, "1", 10.0) == "PPDS_DISABLED"
    model.change("1", 20.0, enabled=True)
    assert [status(model, "1", now) for now in (20.0, 20.19, 20.2)] == [
        "PPDS_SEARCHING",
        "PPDS_SEARCHING",
        "PPDS_DELIVERING",
    ]
    assert status(model, "2", 20.0) == "PPDS_DELIVERING"


def test_enabling_an_enabled_port_does_not_interrupt() -> None:
    model = SwitchModel(1)
    model.change("1", 10.0, enabled=True)
    assert status(model, "1", 10.0) == "PPDS_DELIVERING"


def test_without_a_device_it_searches_and_counts_the_loss() -> None:
    model = SwitchModel(1)
    model.change("1", 1.0, attached=False)
    stats = json.loads(model.stats("1", 1.0))
    assert stats["poe_detection_status"] == "PPDS_SEARCHING"
    assert stats["mps_absent_count"] == 1
    assert stats["actual_power_in_watts"] == stats["port_voltage_in_volts"] == 0


@pytest.mark.parametrize("state", STATES)
def test_a_forced_state_holds_until_cleared(state: str) -> None:
    model = SwitchModel(1)
    model.change("1", 1.0, state=state)
    model.change("1", 2.0, enabled=False)
    model.restart(3.0)
    assert status(model, "1", 9.0) == state
    model.change("1", 10.0, state=None)
    assert status(model, "1", 10.0) == "PPDS_DISABLED"


def test_measured_values_and_counters_are_shown_while_delivering() -> None:
    model = SwitchModel(["1/24"])
    model.change("1/24", 0.0, power_w=7.5, voltage_v=53.9, power_class=4, short_count=2, over_current_count=3)
    assert json.loads(model.stats("1/24", 0.0)) == {
        "uri": "/ports/1%2F24/poe/stats",
        "port_id": "1/24",
        "port_voltage_in_volts": 53.9,
        "actual_power_in_watts": 7.5,
        "power_class": 4,
        "power_denied_count": 0,
        "over_current_count": 3,
        "mps_absent_count": 0,
        "short_count": 2,
        "poe_detection_status": "PPDS_DELIVERING",
    }


def test_minimal_fields() -> None:
    model = SwitchModel(1, fields="minimal")
    assert json.loads(model.stats("1", 0.0)) == {"port_id": "1", "poe_detection_status": "PPDS_DELIVERING"}


def test_restart_zeroes_counters_and_detects_anew() -> None:
    model = SwitchModel(1, detect_s=0.5)
    model.change("1", 0.0, short_count=9)
    model.restart(10.0)
    assert status(model, "1", 10.4) == "PPDS_SEARCHING"
    stats = json.loads(model.stats("1", 10.5))
    assert (stats["poe_detection_status"], stats["short_count"]) == ("PPDS_DELIVERING", 0)


def test_missing_ports_are_left_out_and_come_back() -> None:
    model = SwitchModel(3)
    some = json.loads(model.all_stats(0.0, frozenset({"2"})))
    assert [port["port_id"] for port in some["port_poe_stats"]] == ["1", "3"]
    assert some["collection_result"]["total_elements_count"] == 2
    assert len(json.loads(model.all_stats(0.0))["port_poe_stats"]) == 3


def test_unknown_and_repeated_ports_are_refused() -> None:
    with pytest.raises(UnknownPortError, match=r"'9'.*1, 2"):
        SwitchModel(2).change("9", 0.0, enabled=False)
    with pytest.raises(ValueError, match="twice"):
        SwitchModel(["1", "1"])


changes = st.fixed_dictionaries(
    {},
    optional={
        "enabled": st.booleans(),
        "attached": st.booleans(),
        "state": st.none() | st.sampled_from(STATES),
        "power_w": st.floats(0, 30),
    },
)
steps = st.lists(st.tuples(st.floats(0, 0.3), st.none() | st.tuples(st.sampled_from("123"), changes)), max_size=40)


@given(steps)
def test_what_is_kept_encoded_is_never_outdated(steps: list[tuple[float, tuple[str, PortChanges] | None]]) -> None:
    model = SwitchModel(3, detect_s=0.2)
    now = 0.0
    for wait, change in steps:
        now += wait
        if change is not None:
            model.change(change[0], now, **change[1])
        elif wait > 0.25:
            model.restart(now)
        truth = [port.stats(now) for port in model.ports.values()]
        assert json.loads(model.all_stats(now))["port_poe_stats"] == truth
        assert [json.loads(model.stats(port, now)) for port in model.ports] == truth
