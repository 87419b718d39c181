"""The heartbeat: due at fixed local times, once each, whatever clocks do; and what it says."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia.language import use
from vigilia.notices import Notice
from vigilia.notify.cards import LONGEST_FACT, compose
from vigilia.notify.heartbeat import (
    ActiveAlarm,
    BriefIncident,
    ScanVital,
    Vitals,
    compose_heartbeat,
    due,
    seconds_to_next,
)
from vigilia.points import Severity

ZONE = ZoneInfo("America/Sao_Paulo")
BERLIN = ZoneInfo("Europe/Berlin")  # which still changes its clocks
TIMES = ["07:00", "12:00"]


@pytest.fixture(autouse=True)
def portuguese() -> Iterator[None]:
    use("pt-BR")
    yield
    use("en")


def at(text: str, zone: ZoneInfo = ZONE, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


def name_of(now: str, last: str | None = None, started: str = "2026-03-01T00:00") -> str | None:
    slot = due(at(now), TIMES, ZONE, last, at(started))
    return slot.name if slot else None


def test_due_at_its_time_and_once() -> None:
    assert name_of("2026-03-10T06:59:59", "2026-03-09T12:00") is None
    assert name_of("2026-03-10T07:00", "2026-03-09T12:00") == "2026-03-10T07:00"
    assert name_of("2026-03-10T07:00:01", "2026-03-10T07:00") is None
    assert name_of("2026-03-10T12:00", "2026-03-10T07:00") == "2026-03-10T12:00"


def test_of_several_that_were_missed_only_the_last() -> None:
    assert name_of("2026-03-10T13:00", "2026-03-08T07:00") == "2026-03-10T12:00"
    assert name_of("2026-03-10T03:00", "2026-03-08T07:00") == "2026-03-09T12:00"


def test_no_heartbeat_merely_for_starting() -> None:
    assert name_of("2026-03-10T07:05", None, started="2026-03-10T07:01") is None
    assert name_of("2026-03-10T09:00", "2026-03-09T12:00", started="2026-03-10T08:59") is None
    assert name_of("2026-03-10T07:05", "2026-03-09T12:00", started="2026-03-10T07:04") == "2026-03-10T07:00"
    assert name_of("2026-03-10T12:00", None, started="2026-03-10T07:01") == "2026-03-10T12:00"


def served(moments: list[float], times: list[str], zone: ZoneInfo) -> list[str]:
    last: str | None = None
    names: list[str] = []
    for now in moments:
        slot = due(now, times, zone, last, moments[0])
        if slot:
            names.append(slot.name)
            last = slot.name
    return names


def test_a_clock_set_back_serves_no_slot_twice() -> None:
    moments = [at("2026-03-10T06:00") + 60 * minute for minute in range(120)]
    moments += [moment - 3600 for moment in moments[60:]] + [moments[-1] + 60 * minute for minute in range(300)]
    assert served(moments, TIMES, ZONE) == ["2026-03-10T07:00", "2026-03-10T12:00"]


def test_the_days_when_clocks_change() -> None:
    times = ["02:30"]
    spring = [at("2026-03-28T12:00", BERLIN) + 600 * step for step in range(6 * 36)]
    assert served(spring, times, BERLIN) == ["2026-03-29T02:30"], "02:30 does not exist: it comes at 03:30"
    autumn = [at("2026-10-24T12:00", BERLIN) + 600 * step for step in range(6 * 36)]
    assert served(autumn, times, BERLIN) == ["2026-10-25T02:30"], "02:30 comes twice"


@given(
    st.lists(st.floats(-5000, 20_000), min_size=1, max_size=60),
    st.lists(st.integers(0, 1439), min_size=1, max_size=5, unique=True),
    st.sampled_from(["2026-03-28T20:00", "2026-10-24T20:00", "2026-06-01T00:00"]),
)
def test_never_twice_for_any_course_of_the_clock(steps: list[float], minutes: list[int], start: str) -> None:
    times = [f"{minute // 60:02}:{minute % 60:02}" for minute in minutes]
    moments = [at(start, BERLIN)]
    for step in steps:
        moments.append(moments[-1] + step)
    names = served(moments, times, BERLIN)
    assert len(names) == len(set(names))


def test_the_next_one() -> None:
    assert seconds_to_next(at("2026-03-10T06:59"), TIMES, ZONE) == 60
    assert seconds_to_next(at("2026-03-10T12:00"), TIMES, ZONE) == 19 * 3600
    assert seconds_to_next(at("2026-03-10T12:00"), [], ZONE) is None


NOW = at("2026-03-10T12:00")


def compose_for(vitals: Vitals, missing: tuple[str, ...] = ()) -> Notice:
    return compose_heartbeat(vitals, missing, NOW, ZONE, "server-1", 4711)


def test_what_it_says() -> None:
    vitals = Vitals(
        scans=[ScanVital("Relés", NOW - 600, 600), ScanVital("Inversores", NOW - 900, 900)],
        families=["Relay alarms", "Inverter alarms"],
        alarms=[
            ActiveAlarm("Inverter alarms", "UFV A", "INV-1"),
            ActiveAlarm("Inverter alarms", "UFV B", "INV-1"),
            ActiveAlarm("Inverter alarms", "UFV B", "INV-2"),
            ActiveAlarm("Stuck ports", "", "T1"),
        ],
        brief=[BriefIncident("UFV A", "Relé 1", "OVERVOLTAGE", NOW - 7200, NOW - 7080)],
        waiting=2,
        success="99,8 %",
    )
    notice = compose_for(vitals)
    card = compose([notice])
    assert card.title == "Heartbeat"
    assert card.tone == "good"
    assert card.facts == (
        ("Status", "OK"),
        ("Relés", "10/03/2026 11:50"),
        ("Inversores", "10/03/2026 11:45"),
        ("Relés em alarme", "0"),
        ("Inversores em alarme", "3: UFV B (2), UFV A (1)"),
        ("Stuck ports", "1: T1 (1)"),
        ("Breves", "1: UFV A – Relé 1 SOBRETENSÃO 10:00–10:02"),
        ("Avisos na fila", "2"),
        ("Sucesso da API", "99,8 %"),
        ("Host", "server-1, PID 4711"),
    )


def test_brief_alarms_elsewhere_are_told_by_the_clocks_there() -> None:
    zones = [ZoneInfo(name) for name in ("America/Cuiaba", "America/Bahia")]
    brief = [BriefIncident("UFV A", "Relé 1", "", NOW - 7200, NOW - 7080, zone) for zone in zones]
    (fact,) = (text for title, text in compose_for(Vitals(brief=brief)).facts if title == "Breves")
    # Bahia's clocks show what those of São Paulo do.
    assert fact == "2: UFV A – Relé 1 09:00–09:02 (America/Cuiaba), UFV A – Relé 1 10:00–10:02"


@pytest.mark.parametrize(("age", "late"), [(1200.0, False), (1200.5, True), (None, True)])
def test_a_late_scan(age: float | None, late: bool) -> None:
    notice = compose_for(Vitals(scans=[ScanVital("Relés", None if age is None else NOW - age, 600)]))
    assert dict(notice.facts)["Status"] == notice.line == ("SCAN ATRASADO" if late else "OK")
    assert notice.severity is (Severity.MINOR if late else Severity.NO_ALARM)
    assert ("SCAN ATRASADO" in dict(notice.facts)["Relés"]) == (late and age is not None)


def test_it_is_earned() -> None:
    notice = compose_for(Vitals(), ("the store does not answer: disk full", "link sw-1 is silent"))
    card = compose([notice])
    assert card.title == "Heartbeat – faltam evidências"
    assert card.tone == "warning"
    assert dict(card.facts)["Evidências em falta"] == "the store does not answer: disk full, link sw-1 is silent"


def test_only_its_lists_are_cut_and_say_so() -> None:
    alarms = [ActiveAlarm("Relay alarms", f"UFV with a rather long name {number}", "R1") for number in range(1000)]
    text = dict(compose_for(Vitals(alarms=alarms)).facts)["Relés em alarme"]
    assert len(text) <= LONGEST_FACT
    assert text.startswith("1000: ")
    shown = text.count("(1)")
    assert text.endswith(f", +{1000 - shown}")
    assert shown > 3
