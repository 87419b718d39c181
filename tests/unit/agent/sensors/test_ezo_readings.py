"""What sensors that are EZO circuits read, and how it shows where they cannot."""

import itertools

import pytest

from tests.conftest import until
from tests.unit.agent.ezo.standin import StandIn
from tests.unit.agent.sensors.bench import bench, ezo
from vigilia.agent.sensors import watching
from vigilia.points import Severity, Status

INVALID, MINOR, GOOD = Severity.INVALID, Severity.MINOR, Severity.NO_ALARM


async def test_a_reading_is_live_and_some_are_samples() -> None:
    ph = StandIn()
    async with bench({99: ph}, ezo("ph", "ezo-ph", sample_s=20.0)) as lab:
        await until(lambda: len(lab.heard.of("pH")) == 3)
        reading = lab.newest("ph", "pH")
        assert (reading.value, reading.severity) == (7.021, GOOD)
        assert lab.newest("ph", "Raw").value == "7.021"
        assert lab.newest("ph", "Voltage").value == 5.04
        assert lab.newest("ph", "Restart").value == "power was off"
        assert (
            lab.newest("ph", "Calibration").value == "not calibrated; slope acid 99.7 %, base 100.3 %, offset -0.89 mV"
        )
        times = [sample.time for sample in lab.heard.of("pH")]
        assert ph.log.count("R") > 6  # live readings each 5 s, between samples each 20 s
        assert all(later - earlier > 10 for earlier, later in itertools.pairwise(times))


@pytest.mark.parametrize(
    ("kind", "circuit", "values"),
    [
        ("ezo-orp", StandIn("OR", value="-231.5"), {"ORP": -231.5}),
        ("ezo-rtd", StandIn("RTD", value="25.104"), {"Temp": 25.104}),
        ("ezo-rtd", StandIn("RTD", value="77.000", kept={"S": "f"}), {"Temp": 25.0}),
        ("ezo-rtd", StandIn("RTD", value="298.150", kept={"S": "k"}), {"Temp": 25.0}),
        ("ezo-do", StandIn("D.O.", value="8.12"), {"DO": 8.12}),
        ("ezo-do", StandIn("DO", value="8.12,97.3", columns=["mg", "%"]), {"DO": 8.12, "Saturation": 97.3}),
        ("ezo-do", StandIn("DO", value="8.12,97.3", replies={"O,?": "?,O,%,mg"}), {"DO": 8.12, "Saturation": 97.3}),
        ("ezo-do", StandIn("DO", value="97.3", columns=["%"]), {"Saturation": 97.3}),
        ("ezo-hum", StandIn("HUM", value="48.82"), {"Hum": 48.82}),
        (
            "ezo-hum",
            StandIn("HUM", value="48.82,24.80,Dew,13.31", columns=["HUM", "T", "Dew"]),
            {"Hum": 48.82, "Temp": 24.8, "DewPoint": 13.31},
        ),
        ("ezo-co2", StandIn("CO2", value="415"), {"CO2": 415.0}),
        ("ezo-co2", StandIn("CO2", value="415,31.2", columns=["ppm", "t"]), {"CO2": 415.0, "SensorTemp": 31.2}),
        ("ezo-co2", StandIn("CO2", value="415,31.2", replies={"O,?": "?,O,t"}), {"CO2": 415.0, "SensorTemp": 31.2}),
        ("ezo-co2", StandIn("CO2", value="415,31.2", replies={"O,?": None}), {"CO2": 415.0, "SensorTemp": 31.2}),
        ("ezo-co2", StandIn("CO2", value="415", replies={"O,?": "?,O,no output"}), {"CO2": 415.0}),
        ("ezo-ec", StandIn("EC", value="1413"), {"EC": 1413.0}),
        (
            "ezo-ec",
            StandIn("EC", value="466.4,252,0.23,1.000", columns=["EC", "TDS", "S", "SG"]),
            {"EC": 466.4, "TDS": 252.0, "Salinity": 0.23, "SG": 1.0},
        ),
        ("ezo-ec", StandIn("EC", value="252,1.000", columns=["TDS", "SG"]), {"TDS": 252.0, "SG": 1.0}),
        ("ezo-ec", StandIn("EC", value="1413", replies={"O,?": None}), {"EC": 1413.0}),
    ],
)
async def test_every_kind_is_read(kind: str, circuit: StandIn, values: dict[str, float]) -> None:
    from vigilia.agent.sensors.kinds import EZO_KINDS

    quantities = {quantity.parameter for quantity in EZO_KINDS[kind].quantities}
    async with bench({EZO_KINDS[kind].address: circuit}, ezo("s", kind)) as lab:
        await until(lambda: all(lab.has("s", name) for name in values))
        measured = {entry.parameter: entry for entry in lab["s"].readings() if entry.parameter in quantities}
        assert {name: entry.value for name, entry in measured.items()} == pytest.approx(values)
        assert {entry.severity for entry in measured.values()} == {GOOD}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "an empty answer to R"),
        ("nan", "'nan' where a number belongs"),
        ("7.0.2", "where a number belongs"),
        ("466.4,252,0.23,1.000", "4 values"),
        ("77.021", "pH of 77.021, which it cannot measure"),
        ("-0.5", "cannot measure"),
        ("*ER", "where a number belongs"),
    ],
)
async def test_a_bad_answer_is_invalid_and_says_so(value: str, says: str) -> None:
    async with bench({99: StandIn(value=value)}, ezo("ph", "ezo-ph")) as lab:
        await until(lambda: bool(lab.heard.of("pH")))
        stored = lab.heard.of("pH")[0]
        assert (stored.value, stored.severity, stored.status) == (None, INVALID, Status.READ)
        assert says in stored.detail
        assert "i2c-1, address 99" in stored.detail
        assert lab.newest("ph", "pH")[3:] == stored[3:]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"raw": b""}, "empty answer"),
        ({"raw": b"\x017.0"}, "without its end"),
        ({"raw": b"\xff\0"}, "255"),
        ({"replies": {"R": None}}, "syntax error"),
    ],
)
async def test_a_bad_frame_is_invalid_and_heals(fault: dict[str, object], says: str) -> None:
    ph = StandIn()
    async with bench({99: ph}, ezo("ph", "ezo-ph")) as lab:
        await until(lambda: lab.has("ph", "pH"))
        for name, value in fault.items():
            setattr(ph, name, value)
        await until(lambda: lab.newest("ph", "pH").severity is INVALID)
        lost = lab.newest("ph", "pH")
        assert (lost.value, lost.status) == (7.021, Status.READ)  # what is lost keeps its last value
        assert says in lost.detail
        ph.raw, ph.replies = None, {}
        await until(lambda: lab.newest("ph", "pH").severity is GOOD)


async def test_a_circuit_that_is_gone_is_a_comm_alarm_with_bus_and_address_and_heals() -> None:
    ph = StandIn()
    async with bench({99: ph}, ezo("ph", "ezo-ph")) as lab:
        await until(lambda: lab.has("ph", "pH"))
        changes = len(lab.heard.changes)
        ph.nacks_for_ever = True
        await until(lambda: lab.newest("ph", "pH").severity is INVALID)
        assert len(lab.heard.changes) > changes  # the next report does not wait
        lost = lab.newest("ph", "pH")
        assert (lost.value, lost.status) == (7.021, Status.COMM)
        assert "i2c-1 (127.0.0.1:" in lost.detail
        assert "address 99: nobody answers (NACK)" in lost.detail
        for name in ("Voltage", "Calibration"):
            assert lab.newest("ph", name).status is Status.COMM
        await until(lambda: any(sample.value is None for sample in lab.heard.of("pH")))
        ph.nacks_for_ever = False
        await until(lambda: lab.newest("ph", "pH").severity is GOOD)
        await until(lambda: lab.newest("ph", "Voltage").severity is GOOD)


async def test_a_bus_that_vanishes_and_returns_heals() -> None:
    circuits = {99: StandIn(), 102: StandIn("RTD", value="25.0")}
    async with bench(circuits, ezo("ph", "ezo-ph"), ezo("temp", "ezo-rtd")) as lab:
        await until(lambda: lab.has("ph", "pH") and lab.has("temp", "Temp"))
        await lab.bus.vanish()
        await until(lambda: lab.newest("ph", "pH").status is Status.COMM)
        await until(lambda: lab.newest("temp", "Temp").status is Status.COMM)
        assert "simulator" in lab.newest("ph", "pH").detail
        await lab.bus.appear()
        await until(lambda: lab.newest("ph", "pH").severity is GOOD)
        await until(lambda: lab.newest("temp", "Temp").severity is GOOD)


async def test_another_kind_of_circuit_at_the_address_is_told_of() -> None:
    async with bench({99: StandIn("EC", "2.10", value="1413")}, ezo("ph", "ezo-ph")) as lab:
        await until(lambda: lab.has("ph", "pH"))
        reading = lab.newest("ph", "pH")
        assert (reading.value, reading.severity, reading.status) == (None, INVALID, Status.READ)
        assert "address 99 holds a circuit of type EC (firmware 2.10), not pH: correct the address" in reading.detail


async def test_a_circuit_that_is_exchanged_while_it_runs_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_S", 0.02)
    async with bench({99: StandIn()}, ezo("ph", "ezo-ph")) as lab:
        await until(lambda: lab.has("ph", "pH"))
        lab.bus.circuits[99] = StandIn("ORP", value="7.0")
        await until(lambda: "type ORP" in lab.newest("ph", "pH").detail)


async def test_what_another_kind_of_circuit_reads_is_never_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_S", 0.02)
    async with bench({99: StandIn()}, ezo("ph", "ezo-ph", sample_s=1.0)) as lab:
        await until(lambda: lab.has("ph", "pH"))
        lab.bus.circuits[99] = StandIn("ORP", value="5.0")
        await until(lambda: "type ORP" in lab.newest("ph", "pH").detail)
        monkeypatch.setattr(watching, "LOOK_S", 1000.0)
        count = len(lab.heard.of("pH"))
        await until(lambda: len(lab.heard.of("pH")) > count + 5)
        assert {sample.value for sample in lab.heard.of("pH")[count:]} == {None}


async def test_a_temperature_circuit_without_a_probe_says_so() -> None:
    async with bench({102: StandIn("RTD", value="-1023.000")}, ezo("temp", "ezo-rtd")) as lab:
        await until(lambda: lab.has("temp", "Temp"))
        assert "no temperature probe is connected" in lab.newest("temp", "Temp").detail
        assert lab.newest("temp", "Raw").value == "-1023.000"


async def test_a_co2_sensor_that_warms_up_says_so() -> None:
    async with bench({105: StandIn("CO2", value="*WARM")}, ezo("co2", "ezo-co2")) as lab:
        await until(lambda: lab.has("co2", "CO2"))
        assert "warming up" in lab.newest("co2", "CO2").detail


async def test_columns_that_are_switched_elsewhere_are_asked_for_again() -> None:
    ec = StandIn("EC", value="1413")
    async with bench({100: ec}, ezo("ec", "ezo-ec")) as lab:
        await until(lambda: lab.has("ec", "EC"))
        ec.columns, ec.value = ["EC", "TDS"], "1413,763"
        await until(lambda: lab.has("ec", "TDS"))
        assert (lab.newest("ec", "EC").value, lab.newest("ec", "TDS").value) == (1413.0, 763.0)


async def test_a_value_below_what_the_probe_tells_is_no_mystery() -> None:
    async with bench({100: StandIn("EC", value="0.00")}, ezo("ec", "ezo-ec")) as lab:
        await until(lambda: lab.has("ec", "EC"))
        reading = lab.newest("ec", "EC")
        assert (reading.value, reading.severity) == (0.0, GOOD)
        assert reading.detail == "below 5 µS/cm, the least that a K 1 probe tells"
        assert lab["ec"].settings()["K"] == 1.0


async def test_firmware_that_answers_only_readings_is_read() -> None:
    silent = dict.fromkeys(("Status", "Cal,?", "Slope,?", "T,?"))
    async with bench({99: StandIn(replies=dict(silent))}, ezo("ph", "ezo-ph")) as lab:
        await until(lambda: lab.has("ph", "pH"))
        assert lab.newest("ph", "pH").value == 7.021
        assert not lab.has("ph", "Voltage")


async def test_a_restart_is_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_S", 0.02)
    ph, rtd = StandIn(), StandIn("RTD", value="31.5")
    configs = (ezo("temp", "ezo-rtd"), ezo("ph", "ezo-ph", compensate_with="temp"))
    async with bench({99: ph, 102: rtd}, *configs) as lab:
        await until(lambda: lab.has("ph", "pH") and lab.newest("ph", "pH").severity is GOOD)
        assert lab.heard.of("Restart") == []  # what was before us is no event
        changes = lab.heard.changes.count("ph")
        ph.power_cut()  # for the same reason as the time before, and back before anybody asked
        await until(lambda: bool(lab.heard.of("Restart")))
        event = lab.heard.of("Restart")[0]
        assert (event.value, event.detail) == ("power was off", "it started anew; it is told 31.5 °C again")
        assert lab.heard.changes.count("ph") > changes
        await until(lambda: ph.degrees == 31.5)
        ph.restart = "W"
        await until(lambda: len(lab.heard.of("Restart")) > 1)
        assert lab.heard.of("Restart")[1].value == "watchdog"


async def test_a_circuit_that_was_gone_and_returns_is_an_event() -> None:
    orp = StandIn("ORP", value="225.0")
    async with bench({98: orp}, ezo("orp", "ezo-orp")) as lab:
        await until(lambda: lab.has("orp", "ORP"))
        orp.nacks_for_ever = True
        await until(lambda: lab.newest("orp", "ORP").status is Status.COMM)
        orp.nacks_for_ever = False
        await until(lambda: bool(lab.heard.of("Restart")))
        event = lab.heard.of("Restart")[0]
        assert (event.value, event.detail) == ("power was off", "it answers again after it was gone")
        await until(lambda: lab.newest("orp", "ORP").severity is GOOD)
        await lab.bus.vanish()  # which says nothing of the circuit
        await until(lambda: lab.newest("orp", "ORP").status is Status.COMM)
        await lab.bus.appear()
        await until(lambda: lab.newest("orp", "ORP").severity is GOOD)
        assert len(lab.heard.of("Restart")) == 1
