"""The words for an alarm."""

from dataclasses import replace
from datetime import UTC

import pytest

from tests.unit.alarms.rig import INVERTER, NOON, RELAY, inverter, relay
from vigilia.alarms.alarm import Alarm, Incident
from vigilia.alarms.machine import Tell
from vigilia.alarms.telling import duration, log_line, notice
from vigilia.notices import NoticeKind
from vigilia.points import Severity, Window

SAO_PAULO = Window("06:30", "17:30", "America/Sao_Paulo")


def test_a_card_of_an_area_names_the_equipment_in_its_line_and_local_times() -> None:
    point = replace(relay(), equipment="Relay 7", window=SAO_PAULO, facts=(("Capacity", "2500 kWp"),))
    alarm = Alarm(replace(RELAY, label="OVERVOLTAGE"), point)
    incident = Incident(NOON, NOON + 60, Severity.MAJOR, "r59A, r59B")
    raised = notice(alarm, incident, Tell.RAISED, UTC)
    assert (raised.kind, raised.title, raised.area) == (NoticeKind.RAISED, "Relay failure", "P")
    assert raised.line == "Relay 7: OVERVOLTAGE (r59A, r59B) – since 10/03 09:00, last seen 10/03 09:01"
    assert (raised.facts, raised.incident, raised.at) == (point.facts, incident.id, NOON)
    incident.ended = NOON + 7200
    cleared = notice(alarm, incident, Tell.CLEARED, UTC)
    assert cleared.line == "Relay 7: OVERVOLTAGE (r59A, r59B) – from 10/03 09:00 to 10/03 11:00, for 2 h 00 min"
    assert (cleared.kind, cleared.at) == (NoticeKind.CLEARED, NOON + 7200)


def test_of_what_was_taken_over_no_start_and_no_duration_are_told() -> None:
    incident = Incident(NOON, NOON + 60, Severity.MAJOR, "", start_known=False)
    lines = []
    for tell in (Tell.RAISED, Tell.CLEARED):
        lines.append(notice(Alarm(RELAY, relay()), incident, tell, UTC).line)
        incident.ended = NOON + 7200
    assert lines == ["P-RA: last seen 10/03 12:01; start not known", "P-RA: until 10/03 14:00; start not known"]


def test_times_are_those_of_the_plant_also_where_it_has_no_hours() -> None:
    point = replace(relay(), zone="America/Cuiaba")
    told = notice(Alarm(RELAY, point), Incident(NOON, NOON, Severity.MAJOR, ""), Tell.RAISED, UTC)
    assert told.line.endswith("since 10/03 08:00, last seen 10/03 08:00")


def test_a_card_of_an_equipment_is_about_it() -> None:
    told = notice(Alarm(INVERTER, inverter()), Incident(NOON, NOON, Severity.MAJOR, ""), Tell.RAISED, UTC)
    assert (told.area, told.routing) == ("P-I1", ("P", "P-I1"))
    assert told.line == "P-I1: since 10/03 12:00, last seen 10/03 12:00"


def test_a_log_line_begins_with_its_mark() -> None:
    alarm = Alarm(replace(RELAY, mark="[RELE] Falha", cleared_mark="[RELE] Normalizacao", label="THERMAL"), relay())
    incident = Incident(NOON, NOON, Severity.MAJOR, "r49")
    assert log_line(alarm, incident, "raise") == f"[RELE] Falha: P / P-RA: THERMAL [r49] ({alarm.id})"
    assert log_line(alarm, incident, "clear").startswith("[RELE] Normalizacao: P / P-RA")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (3600, "1 h 00 min"), (2 * 86400 + 11700, "2 d 03 h 15 min")],
)
def test_durations_are_written_as_people_do(seconds: float, text: str) -> None:
    assert duration(seconds) == text
