"""From a switch's answer to readings: every state, every field, and anything else a firmware may say."""

import json
import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.drivers.aruba.config import ArubaConfig, PortConfig, SwitchConfig
from vigilia.drivers.aruba.mapping import (
    DELIVERING,
    FAULT,
    MEASUREMENTS,
    OFF_ON,
    OTHER_FAULT,
    RAW_LABELS,
    UNKNOWN,
    PortPoints,
    parse_number,
    parse_state,
)
from vigilia.points import INTEGER_RANGE, LONGEST_TEXT, NEVER_READ, Kind, Reading, Severity, Status

SWITCH = SwitchConfig(name="sw-1", url="http://h", ports=[PortConfig(port="3", device="T1")])
PORT = PortPoints(ArubaConfig(switches=[SWITCH]), SWITCH, SWITCH.ports[0], 3.2)
KINDS = {point.name: point.kind for point in PORT.points}
GOOD = (Severity.NO_ALARM, Status.NO_ALARM)
READ_ALARM = (Severity.INVALID, Status.READ)
STATE_ALARM = (Severity.MAJOR, Status.STATE)


def never(_name: str) -> Reading:
    return NEVER_READ


def readings(stats: dict[str, object]) -> dict[str, Reading]:
    return {name.removeprefix("T1:"): reading for name, reading, _ in PORT.samples(stats, 100.0, never)}


def test_the_points_of_a_port() -> None:
    points = {point.name: point for point in PORT.points}
    assert list(points) == [
        *(f"T1:PwrState-{suffix}" for suffix in ("Sel", "Sts", "Raw", "Desc")),
        *("T1:Power-Mon", "T1:Voltage-Mon", "T1:PowerClass-Mon", "T1:PowerDenied-Mon"),
        *("T1:OverCurrent-Mon", "T1:Short-Mon", "T1:MpsAbsent-Mon"),
    ]
    assert [name for name, point in points.items() if point.writable] == ["T1:PwrState-Sel"]
    assert [name for name, point in points.items() if point.setpoint] == ["T1:PwrState-Sel"]
    for name in ("T1:PwrState-Sel", "T1:PwrState-Sts"):
        assert points[name].labels == ("Off", "On")
    assert points["T1:PwrState-Raw"].labels == (
        *("Searching", "Delivering", "Disabled", "Fault", "Other Fault", "Test", "Unknown"),
    )
    assert points["T1:PwrState-Raw"].blank == UNKNOWN
    assert points["T1:PwrState-Desc"].long_text
    assert (points["T1:Power-Mon"].units, points["T1:Voltage-Mon"].units) == ("W", "V")
    assert {point.device for point in points.values()} == {"T1"}
    assert {point.link for point in points.values()} == {"sw-1"}
    assert all(len(point.description) > 0 for point in points.values())


@pytest.mark.parametrize(
    ("code", "raw", "sts", "alarm"),
    [
        ("PPDS_SEARCHING", 0, 0, GOOD),
        ("PPDS_DELIVERING", 1, 1, GOOD),
        ("PPDS_DISABLED", 2, 0, GOOD),
        ("PPDS_DISABLE", 2, 0, GOOD),
        ("PPDS_FAULT", 3, 0, STATE_ALARM),
        ("PPDS_OTHERFAULT", 4, 0, STATE_ALARM),
        ("PPDS_OTHER_FAULT", 4, 0, STATE_ALARM),
        ("PPDS_TEST", 5, 0, GOOD),
        ("PPDS_WONDERFUL", 6, 0, GOOD),
        ("", 6, 0, GOOD),
    ],
)
def test_every_state(code: str, raw: int, sts: int, alarm: tuple[Severity, Status]) -> None:
    found = readings({"port_id": "3", "poe_detection_status": code})
    assert found["PwrState-Raw"] == (raw, 100.0, *alarm)
    assert found["PwrState-Sts"] == (sts, 100.0, *GOOD), "state alarms sit on Raw alone"
    assert found["PwrState-Desc"][2:] == GOOD
    assert found.keys() == {"PwrState-Raw", "PwrState-Sts", "PwrState-Desc"}, "what is not reported gives nothing"


def test_descriptions_explain_and_an_unknown_state_keeps_its_text() -> None:
    sentences = {parse_state({"poe_detection_status": code})[1] for code in ("PPDS_FAULT", "PPDS_OTHERFAULT")}
    assert len(sentences) == 2
    state, sentence = parse_state({"poe_detection_status": "PPDS_{x}"})
    assert state == UNKNOWN
    assert "PPDS_{x}" in sentence
    assert len(parse_state({"poe_detection_status": "x" * 10**6})[1]) < 200


def test_measured_values() -> None:
    found = readings(
        {
            "poe_detection_status": "PPDS_DELIVERING",
            "actual_power_in_watts": 6,
            "port_voltage_in_volts": 54.25,
            "power_class": "3",
            "power_denied_count": 1,
            "over_current_count": 2,
            "short_count": 3.0,
            "mps_absent_count": 4,
            "something_new": [1],
        }
    )
    assert {name: reading.value for name, reading in found.items() if name.endswith("-Mon")} == {
        "Power-Mon": 6.0,
        "Voltage-Mon": 54.25,
        "PowerClass-Mon": 3,
        "PowerDenied-Mon": 1,
        "OverCurrent-Mon": 2,
        "Short-Mon": 3,
        "MpsAbsent-Mon": 4,
    }
    assert type(found["Power-Mon"].value) is float
    assert type(found["PowerClass-Mon"].value) is int


@pytest.mark.parametrize("value", [None, True, "", "six", "nan", "1e999", [], {}, math.nan, math.inf, 1e12, 10**400])
def test_a_field_that_cannot_be_understood_alarms_its_own_point_only(value: object) -> None:
    present = Reading(5.5, 50.0)
    samples = PORT.samples(
        {"poe_detection_status": "PPDS_DELIVERING", "actual_power_in_watts": value, "power_class": 4},
        100.0,
        lambda _: present,
    )
    found = {sample.name: sample.reading for sample in samples}
    assert found["T1:Power-Mon"] == (5.5, 100.0, *READ_ALARM)
    assert found["T1:PowerClass-Mon"] == (4, 100.0, *GOOD)
    assert found["T1:PwrState-Raw"] == (DELIVERING, 100.0, *GOOD)


@pytest.mark.parametrize("code", [None, 1, ["PPDS_FAULT"], {}, True])
def test_an_answer_without_a_state_is_a_read_alarm_with_the_value_kept(code: object) -> None:
    found = {
        sample.name: sample.reading
        for sample in PORT.samples({"poe_detection_status": code}, 100.0, lambda _: Reading(FAULT, 50.0, *STATE_ALARM))
    }
    assert {name.removeprefix("T1:PwrState-") for name in found} == {"Sts", "Raw", "Desc"}
    assert set(found.values()) == {Reading(FAULT, 100.0, *READ_ALARM)}


def test_an_unlisted_port_is_unreadable_but_for_its_choice() -> None:
    found = {sample.name: sample.reading for sample in PORT.unreadable(100.0, never)}
    assert found.keys() == KINDS.keys() - {"T1:PwrState-Sel"}
    assert set(found.values()) == {Reading(None, 100.0, *READ_ALARM)}


@pytest.mark.parametrize("value", [2**31 - 1, 2147483647.6, -(2**31) - 1, "2147483648"])
def test_an_integer_fits_what_epics_can_hold(value: float | str) -> None:
    try:
        number = parse_number(Kind.INTEGER, value)
    except ValueError:
        return
    assert INTEGER_RANGE[0] <= float(number) <= INTEGER_RANGE[1]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
numbers = json_values | st.integers(-(2**33), 2**33) | st.floats(-3e9, 3e9) | st.floats().map(str)
stats_of_any_firmware = st.fixed_dictionaries(
    {},
    optional={
        "poe_detection_status": json_values | st.sampled_from(["PPDS_DELIVERING", "PPDS_FAULT", "PPDS_TEST"]),
        **{measurement.field: numbers for measurement in MEASUREMENTS},
        "port_id": json_values,
    },
)


@given(stats_of_any_firmware | st.dictionaries(st.text(), json_values))
def test_no_statistics_raise_or_give_what_a_point_cannot_hold(stats: dict[str, object]) -> None:
    for name, (value, time, severity, _status), _ in PORT.samples(stats, 100.0, never):
        assert time == 100.0
        assert name != "T1:PwrState-Sel", "a scan never touches the choice"
        if value is None:
            assert severity is Severity.INVALID
            continue
        match KINDS[name]:
            case Kind.ENUM:
                assert type(value) is int
                assert value in range(len(RAW_LABELS) if name.endswith("Raw") else len(OFF_ON))
            case Kind.INTEGER:
                assert type(value) is int
                assert INTEGER_RANGE[0] <= value <= INTEGER_RANGE[1]
            case Kind.NUMBER:
                assert type(value) is float
                assert math.isfinite(value)
            case _:
                assert isinstance(value, str)
                assert len(value) <= LONGEST_TEXT


def test_an_answer_nested_as_deep_as_json_may_be_is_unreadable_like_any_other() -> None:
    """Deeper than Python can print: a message about it must not fail."""
    deep = orjson.loads("[" * 1000 + "]" * 1000)
    found = readings({"poe_detection_status": deep, "power_class": deep})
    assert {reading[2:] for reading in found.values()} == {READ_ALARM}


def test_faults_are_the_only_alarms() -> None:
    alarmed = {
        raw
        for code in ("SEARCHING", "DELIVERING", "DISABLED", "FAULT", "OTHERFAULT", "TEST", "?")
        if (raw := parse_state({"poe_detection_status": f"PPDS_{code}"})[0])
        and readings(json.loads(json.dumps({"poe_detection_status": f"PPDS_{code}"})))["PwrState-Raw"][2:] != GOOD
    }
    assert alarmed == {FAULT, OTHER_FAULT}
