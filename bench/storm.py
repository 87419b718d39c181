"""A storm: every inverter of 25 plants has failed when the service first looks. Few cards, and nothing left out."""

import asyncio
import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

from figures import Figure
from plants import ANSWER_S, PlantService, PlantSimulator
from programs import Bench, BenchError

NOON = "2026-03-10T12:00:00"
MOST_CARDS = 10
LARGEST_CARD_BYTES = 20_000
DELIVERED_S = 120.0
"""By the service's clock, from the end of the scan: notices are gathered first; 3 cards a second are allowed."""
_INVERTER = re.compile(r"\b\d{5}7\d{3}\b")


async def storm(bench: Bench) -> list[Figure]:
    """500 inverters of 25 plants fail in the same scan."""
    plants = int(bench.take(25, 6))
    script = _script(plants)
    async with PlantSimulator(
        bench, plants=plants, clock=NOON, options=("--script", str(_write(bench, script)))
    ) as sim:
        await sim.ask("PATCH", "/api", {"latency_ms": ANSWER_S * 1000})
        clock, _ = await sim.clock()
        async with PlantService(bench, sim, clock, epics=False) as service:
            scanned = await service.scanned("inverter", 120)
            expected = {inverter["id"] for plant in script["plants"] for inverter in plant["inverters"]}
            cards = await _cards(sim, expected, scanned + DELIVERED_S + 60)
            _, ahead = await sim.clock()
            await asyncio.sleep(2)
            cards = await _told(sim)
    texts = ["\n".join((card["title"], *card["lines"])) for card in cards]
    named = Counter(name for text in texts for name in _INVERTER.findall(text))
    misnamed = sum(_is_misnamed(plant, texts) for plant in script["plants"])
    return [
        Figure(f"{len(expected)} alarms of {plants} plants: cards", len(cards), "", MOST_CARDS),
        Figure("largest card", max(card["size"] for card in cards), "bytes", LARGEST_CARD_BYTES),
        Figure("inverters not named exactly once", sum(named[name] != 1 for name in expected), "", 0),
        Figure("plants not named exactly once on each card of their inverters", misnamed, "", 0),
        Figure("delivered after the scan, by the clock", cards[-1]["time"] - ahead - scanned, "s", DELIVERED_S),
    ]


def _is_misnamed(plant: dict[str, Any], texts: list[str]) -> bool:
    """Whether a card with inverters of a plant does not name it exactly once. A full card may end within a plant."""
    name = re.compile(rf"{re.escape(plant['name'])}\b(?! \d)")
    inverters = [inverter["id"] for inverter in plant["inverters"]]
    carrying = [text for text in texts if any(inverter in text for inverter in inverters)]
    return not carrying or any(len(name.findall(text)) != 1 for text in carrying)


def _script(plants: int) -> dict[str, Any]:
    """Every inverter of every plant gives nothing from 11:00 on."""
    outage = {"from": "11:00", "pac_kw": 0.0}
    return {
        "day": NOON[:10],
        "plants": [
            {
                "id": 19478 + number,
                "name": f"UFV Tempestade {number + 1}",
                "relays": [{"id": f"{19478 + number}9001"}],
                "inverters": [{"id": f"{19478 + number}7{k:03d}", "outages": [outage]} for k in range(1, 21)],
            }
            for number in range(plants)
        ],
    }


def _write(bench: Bench, script: dict[str, Any]) -> Path:
    path = bench.folder("script") / "storm.json"
    path.write_text(json.dumps(script))
    return path


async def _told(sim: PlantSimulator) -> list[dict[str, Any]]:
    """The cards about inverters."""
    cards = (await sim.ask("GET", "/teams/cards"))["items"]
    return [card for card in cards if _INVERTER.search("\n".join((card["title"], *card["lines"])))]


async def _cards(sim: PlantSimulator, expected: set[str], until: float) -> list[dict[str, Any]]:
    """Wait until every inverter was named. Raises BenchError when that does not happen in time."""
    named: set[str] = set()
    while time.monotonic() < until:
        cards = await _told(sim)
        named = {name for card in cards for line in card["lines"] for name in _INVERTER.findall(line)}
        if expected <= named:
            return cards
        await asyncio.sleep(0.25)
    raise BenchError(f"{len(expected - named)} of {len(expected)} inverters were named on no card")
