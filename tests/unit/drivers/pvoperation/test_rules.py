"""The rules of plants, and what their cards are about."""

from datetime import UTC

import pytest

from tests.unit.drivers.pvoperation.conftest import make_config
from vigilia.alarms.alarm import Alarm, Incident
from vigilia.alarms.machine import Tell
from vigilia.alarms.telling import notice
from vigilia.drivers.pvoperation.mapping import INVERTER, RELAY, Catalogue
from vigilia.drivers.pvoperation.plants import Plant
from vigilia.drivers.pvoperation.rules import rules_of
from vigilia.language import use
from vigilia.notices import Notice
from vigilia.notify.cards import title_of
from vigilia.points import Kind, Point, Severity

CONFIG = make_config("https://x.example/api")
RULES = {rule.name: rule for rule in rules_of(CONFIG, "vigilia")}
PLANT = Plant("19478", "UFV Alfa", "2500 kWp", 19478)
CATALOGUE = Catalogue(CONFIG, UTC)
RELAY_POINT = next(point for point in CATALOGUE.of(RELAY, PLANT, "R1") if "Thermal" in point.name)
POWER = CATALOGUE.of(INVERTER, PLANT, "7")[0]
LAST_RECORD = CATALOGUE.of_plant(PLANT)
CONTACT = Point("vigilia:pvoperation:LastScan-Mon", Kind.TEXT, "vigilia:pvoperation", equipment="pvoperation")


def told(rule: str, point: Point, tell: Tell) -> Notice:
    incident = Incident(100.0, 200.0, Severity.MAJOR, "", ended=300.0)
    return notice(Alarm(RULES[rule], point), incident, tell, UTC)


@pytest.mark.parametrize(
    ("rule", "point", "titles", "area", "equipment"),
    [
        ("relay-thermal", RELAY_POINT, ("Relay failure", "Relay back to normal"), "UFV Alfa", "Relay R1"),
        ("inverter-failure", POWER, ("Inverter failure", "Inverter back to normal"), "UFV Alfa", "Inverter 7"),
        ("stale-data", LAST_RECORD, ("Stale data", "Data restored"), "UFV Alfa", "UFV Alfa"),
        ("pv-api-down", CONTACT, ("PVOperation API unavailable", "PVOperation API restored"), "", "pvoperation"),
    ],
)
def test_cards_are_about_the_plant_and_of_the_account_about_none(
    rule: str, point: Point, titles: tuple[str, str], area: str, equipment: str
) -> None:
    for tell, title in zip((Tell.RAISED, Tell.CLEARED), titles, strict=True):
        card = told(rule, point, tell)
        assert (card.title, card.area) == (title, area)
        assert card.line.startswith(f"{equipment}: ")


def test_the_account_in_portuguese() -> None:
    use("pt-BR")
    try:
        titles = [title_of(told("pv-api-down", CONTACT, tell)) for tell in (Tell.RAISED, Tell.CLEARED)]
    finally:
        use("en")
    assert titles == ["API PVOperation indisponível", "API PVOperation restabelecida"]
