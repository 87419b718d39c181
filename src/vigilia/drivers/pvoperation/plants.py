"""The account's list of plants, as the API gives it."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from vigilia.drivers.pvoperation.records import Fields, identity
from vigilia.errors import BadAnswer, printable

_LONGEST_NAME = 80
MOST_PLANTS = 10_000


@dataclass(frozen=True, slots=True)
class Plant:
    """One plant of the account."""

    id: str
    """Its id as text: the first part of its points' names."""
    name: str
    capacity: str = ""
    """With its unit, "2500 kWp"; empty where the API does not tell."""
    key: int | str = ""
    """Its id as the API writes it, which requests repeat."""


def parse_plants(items: object) -> tuple[list[Plant], int]:
    """Return the plants of `GET /plants`, and how many entries were of no use. Raises BadAnswer where it is no list."""
    if not isinstance(items, list) or len(cast("list[Any]", items)) > MOST_PLANTS:
        raise BadAnswer("a list of plants that is none")
    plants: dict[str, Plant] = {}
    unusable = 0
    for item in cast("list[Any]", items):
        plant = _parse_plant(cast(Fields, item)) if isinstance(item, dict) else None
        if plant is None:
            unusable += 1
        else:
            plants.setdefault(plant.id, plant)
    return list(plants.values()), unusable


def tell_apart(plants: Iterable[Plant], known: Mapping[str, Plant]) -> list[Plant]:
    """Return `plants`, those whose name another plant has as well with their id behind it: people go by names.

    `known` are the plants known from before; one that was told apart stays so, whichever plants a list lacks.
    """
    listed = list(plants)
    others = {plant.id: plant.name for plant in known.values()} | {plant.id: plant.name for plant in listed}
    names = Counter(others.values())
    return [
        replace(plant, name=told)
        if names[plant.name] > 1 or (plant.id in known and known[plant.id].name == told)
        else plant
        for plant in listed
        for told in [f"{plant.name} ({plant.id})"]
    ]


def _parse_plant(item: Fields) -> Plant | None:
    key = item.get("id")
    plant_id = identity(key)
    if plant_id is None or not isinstance(key, int | str):
        return None
    name = item.get("nome")
    name = printable(" ".join(name.split()))[:_LONGEST_NAME] if isinstance(name, str) else ""
    return Plant(plant_id.replace(":", "_"), name or plant_id, _capacity(item.get("capacidade")), key)


def _capacity(value: object) -> str:
    """Return a capacity in kWp as a card shows it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9 or not math.isfinite(value):
        return ""
    return f"{value:.3f}".rstrip("0").rstrip(".") + " kWp"
