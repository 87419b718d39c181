"""What people were told, read from the cards as a person reads them."""

import re
from dataclasses import dataclass
from typing import Any

_NUMBER = re.compile(r"^nº (\d+)\b")
_ENTRY = re.compile(
    r"(?:Relé|Inversor) (?P<equipment>\d+): (?:(?P<label>[^–;]*?) – )?"
    r"(?:desde (?P<since>\d\d/\d\d [\d:]{5}), visto|de (?P<began>\d\d/\d\d [\d:]{5}) a (?P<ended>\d\d/\d\d [\d:]{5}),)"
)
_TITLES = {
    "Falha de relé – ": (False, "relay"),
    "Relé normalizado – ": (True, "relay"),
    "Falha de inversor – ": (False, "inverter"),
    "Inversor normalizado – ": (True, "inverter"),
}
SUMMARY = "Resumo de alertas"
OTHERS = re.compile(
    r"^(Dados (desatualizados|restabelecidos) – |API PVOperation |Heartbeat|Relatório semanal|Monitor: )"
)
"""Cards that say nothing of relays and inverters."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One equipment on one card: that it failed, or that it is over. Times as on the card, local: "10/03 07:40"."""

    card: int
    is_over: bool
    kind: str
    plant: str
    equipment: str
    relay_class: str | None
    began: str
    ended: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A card as it was received once. `time`: by the simulator's clock."""

    number: int
    time: float
    title: str
    entries: tuple[Entry, ...]
    problem: str


def receipt(card: dict[str, Any]) -> Receipt:
    """Read a card; `problem` is not empty where something on it cannot be understood."""
    found = [match for line in card["lines"] if (match := _NUMBER.match(line))]
    number = int(found[-1].group(1)) if found else 0
    problem = card["problem"] or ("" if number else "no number")
    title: str = card["title"]
    entries: list[Entry] = []
    if title == SUMMARY:
        for line in card["lines"][1:]:
            if _NUMBER.match(line) or OTHERS.match(line):
                continue
            head, _, rest = line.partition(": ")
            some = _entries(number, head, rest)
            problem = problem or ("" if some else f"a line of a summary says nothing: {line}")
            entries += some
    elif not OTHERS.match(title):
        for line in card["lines"][1:]:
            entries += _entries(number, title, line)
        problem = problem or ("" if entries else f"a card says nothing: {title}")
    return Receipt(number, card["time"], title, tuple(entries), problem)


def _entries(card: int, title: str, text: str) -> list[Entry]:
    beginning = next((beginning for beginning in _TITLES if title.startswith(beginning)), None)
    if beginning is None:
        return []
    is_over, kind = _TITLES[beginning]
    found: list[Entry] = []
    for match in _ENTRY.finditer(text):
        if (match["ended"] is not None) is not is_over:
            return []
        label = match["label"]
        relay_class = label.split(" (")[0] if label and kind == "relay" else None
        began = match["began"] or match["since"]
        plant = title.removeprefix(beginning)
        found.append(Entry(card, is_over, kind, plant, match["equipment"], relay_class, began, match["ended"]))
    return found
