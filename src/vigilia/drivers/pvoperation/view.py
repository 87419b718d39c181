"""The plants as people look at them: relays and inverters, the sun, and why an inverter's failure is not told."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from vigilia.clock import moment
from vigilia.drivers.pvoperation import hours, mapping
from vigilia.drivers.pvoperation.mapping import INVERTER, RELAY
from vigilia.drivers.pvoperation.plants import Plant
from vigilia.drivers.pvoperation.records import CLASSES
from vigilia.drivers.pvoperation.watch import PlantWatch
from vigilia.language import tr
from vigilia.points import Reading, Severity
from vigilia.sun import day_of, elevation, sunrise_and_sunset
from vigilia.table import PointTable
from vigilia.views import MOST_LISTED, InverterView, Names, PlantsView, PlantView, RelayView

_MOST_CAUSES = 3


def view_of(plants: Iterable[Plant], watch: PlantWatch, table: PointTable, now: float) -> PlantsView:
    """Return the plants by name, as they are at `now` (seconds UTC)."""
    room, left_out = MOST_LISTED, 0
    shown: list[PlantView] = []
    for plant in sorted(plants, key=lambda plant: (plant.name, plant.id)):
        relays, inverters = (watch.equipment(family, plant.id) for family in (RELAY, INVERTER))
        needed = 1 + len(relays) + len(inverters)
        if needed > room:
            left_out += needed
            continue
        room -= needed
        shown.append(_plant(plant, relays, inverters, watch, table, now))
    return PlantsView(shown, left_out)


def _plant(
    plant: Plant, relays: list[str], inverters: list[str], watch: PlantWatch, table: PointTable, now: float
) -> PlantView:
    window = watch.window(plant.id)
    zone = ZoneInfo(window.zone)
    high = rise = fall = None
    if window.latitude is not None and window.longitude is not None:
        high = round(elevation(now, window.latitude, window.longitude), 1)
        rise, fall = sunrise_and_sunset(day_of(now, zone), window.latitude, window.longitude, window.zone)
    newest = mapping.last_record(plant.id)
    own = {"LastRecord": newest, "LastRelayRecord": mapping.last_relay_record(plant.id)}
    return PlantView(
        plant.id,
        plant.name,
        plant.capacity,
        window.zone,
        (window.start, window.end),
        hours.is_open(window, now),
        sun_elevation_deg=high,
        sunrise=rise,
        sunset=fall,
        last_data=_time_told(table.reading(newest)) if newest in table else None,
        points=_known(own, table),
        relays=[_relay(plant.id, relay, table) for relay in relays],
        inverters=[_inverter(plant.id, inverter, watch, table) for inverter in inverters],
        usual_silence_s=watch.usual_silence_s,
    )


def _relay(plant: str, relay: str, table: PointTable) -> RelayView:
    points = {flags.name: mapping.relay_status(plant, relay, flags.name) for flags in CLASSES}
    return RelayView(relay, tr("Relay {id}").format(id=relay), _known(points, table))


def _inverter(plant: str, inverter: str, watch: PlantWatch, table: PointTable) -> InverterView:
    points = {"Pac": mapping.power(plant, inverter), "State": mapping.state(plant, inverter)}
    known = _known(points, table)
    return InverterView(
        inverter,
        tr("Inverter {id}").format(id=inverter),
        known,
        _why_suppressed(plant, inverter, watch),
        _time_of(table.reading(known["Pac"])) if "Pac" in known else None,
    )


def _time_told(reading: Reading) -> float | None:
    """Return the time that a reading's value is: that stays where the reading only says that no other has come."""
    return moment(reading.value) if isinstance(reading.value, str) else None


def _time_of(reading: Reading) -> float | None:
    """Return the time of the record that a reading is of; None for one that only says that none has come."""
    return None if reading.severity is Severity.INVALID else reading.time


def _why_suppressed(plant: str, inverter: str, watch: PlantWatch) -> str | None:
    """Return what keeps an inverter's failure from being told: the plant's relays, or else the account."""
    causes = [
        f"{tr('Relay {id}').format(id=relay)}: {tr(flags.label)}"
        for (relay, flags), _ in zip(watch.relay_alarms(plant), range(_MOST_CAUSES), strict=False)
    ]
    if causes:
        return "; ".join(causes)
    return tr("PVOperation API unavailable") if watch.is_suppressed(plant, inverter) else None


def _known(points: Names, table: PointTable) -> Names:
    return {key: name for key, name in points.items() if name in table}
