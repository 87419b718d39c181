"""The verdict on a day: what people were told and what the store knows, against what the script says is true.

What counts as what:

- *Told*: a card named the equipment as failed, with the time at which the script has the alarm begin; and, once the
  alarm is over, another card named it as back to normal, with the time at which the script has it end.
- *Brief*: no card, but an incident in the store. Right only for an alarm that began and ended between two complete
  scans that the service made, or while it was killed: no complete scan lies inside the alarm.
- *Ahead*: a failure of an inverter under a relay alarm that no complete scan of relays could have seen by then, because
  the API did not give its records: it is found, and may be told, as if there were no relay alarm. Counted, not wrong.
- *Dropped*: a failure of an inverter whose notice was not sent when a relay alarm of its plant began. The truth is then
  asked for anew with it in `dropped`.
- *Missed*: an alarm that is none of these; or one that was told and whose end was not.
- *False*: a card of a failure that the script does not have.
- *Without evidence*: a card of a return to normal that the script does not have at that time.
- *Repeat*: a card received again under the same number. Explained where the process was killed within KILLED_WITHIN_S
  of the first receipt, or where the webhook lost its answer. The same event under another number is never right.
"""

import bisect
import math
import sqlite3
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from told import Entry, Receipt

KILLED_WITHIN_S = 0.5
"""Real seconds from the receipt of a card to the kill that left it unrecorded: an answer and a commit, on a machine
that is busy."""
ZONE = ZoneInfo("America/Sao_Paulo")
"""Of all plants."""
_FAILURE = "inverter-failure"
_LAST_OF_SEQUENCE_S = (600, 1200)
"""How much later than the first of three readings of 5 minutes the last of them is, which the truth calls the time; two
of them may be missing."""

Truth = Callable[[Sequence[str]], Awaitable[list[dict[str, Any]]]]
"""Gives the truth, with these failures dropped."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A complete scan: every plant read, and what followed committed. Times by the simulator's clock."""

    family: str
    began: float
    done: float


@dataclass(slots=True)
class Verdict:
    """What came of a day. `faults`: a sentence for each thing that is not as it must be, by what it is."""

    told: int = 0
    over: int = 0
    brief: int = 0
    ahead: int = 0
    dropped: int = 0
    suppressed: int = 0
    cards: int = 0
    titles: frozenset[str] = frozenset()
    """Of all cards."""
    repeated_by_kill: int = 0
    repeated_by_lost_answer: int = 0
    kills: int = 0
    kills_before_ready: int = 0
    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a day left behind."""

    receipts: Sequence[Receipt]
    incidents: Sequence[dict[str, Any]]
    scans: Sequence[Scan]
    kills: Sequence[float]
    """By the simulator's clock."""
    lost: Collection[int]
    """The numbers of cards that the webhook took, and whose answer it lost."""
    speed: float


async def judge(evidence: Evidence, truth: Truth) -> Verdict:
    """Compare."""
    verdict = Verdict(kills=len(evidence.kills))
    entries = _without_repeats(evidence, verdict)
    dropped: list[str] = []
    while True:
        alarms = await truth(dropped)
        told = _match(alarms, entries)
        ahead = _ahead(alarms, evidence)
        new = [
            alarm
            for alarm in alarms
            if alarm["suppressed"] and not alarm["dropped"] and not told[_key(alarm)][0]
            if not _is_among(alarm, ahead) and not _is_told(alarm, evidence)
        ]
        # One after another: what is dropped changes what follows.
        if not new:
            break
        dropped.append(f"{new[0]['plant']}/{new[0]['equipment']}/{new[0]['raised']}")
    verdict.dropped = len(dropped)
    verdict.ahead = len(ahead)
    used: set[Entry] = set()
    for row in ahead:
        own = [entry for entry in entries if _is_entry(entry, row)]
        used.update(own)
        if row["told"] and {entry.is_over for entry in own} != {False, row["ended_at"] is not None}:
            verdict.faults["missed"].append(f"{row['area']}, {row['equipment']}: told by the store, not by a card")
    for alarm in alarms:
        if not alarm["dropped"] and (told[_key(alarm)][0] or not _is_among(alarm, ahead)):
            used.update(_judge_alarm(alarm, told[_key(alarm)], evidence, verdict))
    for entry in sorted(entries.keys() - used, key=lambda entry: entry.card):
        verdict.faults["normalised without evidence" if entry.is_over else "false"].append(_words(entry))
    return verdict


def _judge_alarm(
    alarm: dict[str, Any], told: tuple[list[Entry], list[Entry]], evidence: Evidence, verdict: Verdict
) -> list[Entry]:
    """Judge one alarm of the truth; return the entries that are about it."""
    begins, ends = told
    name = _named(alarm)
    incidents = [row for row in evidence.incidents if _is_incident(row, alarm)]
    if len(incidents) != 1:
        verdict.faults["incidents"].append(f"{len(incidents)} incidents of {name}")
    if not begins:
        verdict.faults["missed"] += _why_not_brief(alarm, name, incidents, evidence, verdict)
    else:
        verdict.told += 1
        verdict.suppressed += alarm["suppressed"] is not None
        if alarm["cleared"] is not None and not ends:
            verdict.faults["missed"].append(f"the end of {name}")
        verdict.over += bool(ends)
    for entries in told:
        if len(entries) > 1:
            numbers = ", ".join(str(entry.card) for entry in entries)
            verdict.faults["told again under another number"].append(f"{name} on cards {numbers}")
    if begins and ends and ends[0].card < begins[0].card:
        verdict.faults["out of order"].append(f"the end of {name} was told before it")
    return [*begins, *ends]


def _ahead(alarms: Sequence[dict[str, Any]], evidence: Evidence) -> list[dict[str, Any]]:
    """Return the incidents of inverters that were found before the relay alarm over them could be."""
    found: list[dict[str, Any]] = []
    for row in evidence.incidents:
        withdrawn = not row["told"] and not row["brief"]
        if row["rule"] != _FAILURE or withdrawn or any(_is_incident(row, alarm) for alarm in alarms):
            continue
        relays = [alarm for alarm in alarms if alarm["kind"] == "relay" and alarm["plant_name"] == row["area"]]
        over = [alarm for alarm in relays if _overlap(alarm["raised"], alarm["cleared"], row)]
        if any(not _was_scanned("relay", alarm["raised"], row["found_at"], evidence) for alarm in over):
            found.append(row)
    return found


def _was_scanned(family: str, start: float, end: float, evidence: Evidence) -> bool:
    """Whether a complete scan lies between two moments."""
    return any(scan.family == family and scan.began > start and scan.done < end for scan in evidence.scans)


def _overlap(start: float, end: float | None, row: dict[str, Any]) -> bool:
    return start <= (row["ended_at"] or math.inf) and row["began_at"] <= (math.inf if end is None else end)


def _is_told(alarm: dict[str, Any], evidence: Evidence) -> bool:
    """Whether the store says that an alarm of the truth was told, and not taken back."""
    return any(
        row["told"]
        and row["area"] == alarm["plant_name"]
        and row["equipment"].endswith(f" {alarm['equipment']}")
        and _is_moment(row["began_at"], alarm["raised"], alarm["kind"])
        for row in evidence.incidents
    )


def _is_among(alarm: dict[str, Any], rows: Sequence[dict[str, Any]]) -> bool:
    """Whether what an alarm of the truth is about is told by one of these incidents instead."""
    return any(
        row["equipment"].endswith(f" {alarm['equipment']}") and _overlap(alarm["raised"], alarm["cleared"], row)
        for row in rows
    )


def _is_entry(entry: Entry, row: dict[str, Any]) -> bool:
    """Whether an entry on a card tells of an incident."""
    own = row["equipment"].endswith(f" {entry.equipment}") and entry.began == _shown(row["began_at"])
    return own and (not entry.is_over or entry.ended == _shown(row["ended_at"]))


def _shown(moment: float | None) -> str:
    """A moment as a card shows it."""
    return "" if moment is None else datetime.fromtimestamp(moment, ZONE).strftime("%d/%m %H:%M")


def _why_not_brief(
    alarm: dict[str, Any], name: str, incidents: Sequence[dict[str, Any]], evidence: Evidence, verdict: Verdict
) -> list[str]:
    """Return what is wrong with an alarm that no card names, if anything is; else count it as brief."""
    if not incidents or not incidents[0]["brief"]:
        return [f"{name}: no card, and no brief incident"]
    if _was_scanned(alarm["kind"], alarm["raised"], alarm["cleared"] or 0, evidence):
        return [f"{name}: brief, but a complete scan must have seen it"]
    verdict.brief += 1
    return []


def _without_repeats(evidence: Evidence, verdict: Verdict) -> dict[Entry, Receipt]:
    """Return what the cards say, each number taken once, and judge why numbers came again."""
    first: dict[int, Receipt] = {}
    latest: dict[int, Receipt] = {}
    for receipt in evidence.receipts:
        if receipt.problem:
            verdict.faults["cards"].append(f"no. {receipt.number}: {receipt.problem}")
        before = latest.get(receipt.number)
        latest[receipt.number] = receipt
        first.setdefault(receipt.number, receipt)
        if before is None:
            continue
        name = f"no. {receipt.number} ({receipt.title}) at {before.time:.0f} and {receipt.time:.0f}"
        if receipt.entries != before.entries:
            verdict.faults["unexplained repeats"].append(f"{name} says something else than before")
        if before.number in evidence.lost:
            verdict.repeated_by_lost_answer += 1
        elif _killed_after(before, receipt, evidence):
            verdict.repeated_by_kill += 1
        else:
            verdict.faults["unexplained repeats"].append(name)
    verdict.cards = len(first)
    verdict.titles = frozenset(receipt.title for receipt in first.values())
    missing = sorted(set(range(1, max(first, default=0) + 1)) - first.keys())
    if missing:
        verdict.faults["cards"].append(f"numbers that never came: {missing}")
    return {entry: receipt for receipt in first.values() for entry in receipt.entries}


def _killed_after(before: Receipt, again: Receipt, evidence: Evidence) -> bool:
    index = bisect.bisect_left(evidence.kills, before.time)
    kill = evidence.kills[index] if index < len(evidence.kills) else float("inf")
    return kill < again.time and kill - before.time < KILLED_WITHIN_S * evidence.speed


def _match(
    alarms: Sequence[dict[str, Any]], entries: dict[Entry, Receipt]
) -> dict[tuple[object, ...], tuple[list[Entry], list[Entry]]]:
    """Return for each alarm of the truth the entries of its beginning and of its end."""
    found: dict[tuple[object, ...], tuple[list[Entry], list[Entry]]] = {}
    by_equipment: dict[tuple[object, ...], list[Entry]] = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: entry.card):
        by_equipment[entry.kind, entry.plant, entry.equipment, entry.relay_class].append(entry)
    for alarm in alarms:
        own = by_equipment[alarm["kind"], alarm["plant_name"], alarm["equipment"], alarm["relay_class"]]
        own = [entry for entry in own if _is_time(entry.began, alarm["raised_local"], alarm["kind"])]
        begins = [entry for entry in own if not entry.is_over]
        ends = [
            entry
            for entry in own
            if entry.is_over and entry.ended and _is_time(entry.ended, alarm["cleared_local"], alarm["kind"])
        ]
        found[_key(alarm)] = begins, ends
    return found


def _is_time(shown: str, local: str | None, kind: str) -> bool:
    """Whether a card's time is that of the truth: of an inverter it is the first of the readings that decide."""
    if local is None:
        return False
    true = datetime.fromisoformat(local)
    given = datetime.strptime(f"{true.year}/{shown}", "%Y/%d/%m %H:%M")  # noqa: DTZ007 - both plant-local
    return _is_moment(given.timestamp(), true.timestamp(), kind)


def _is_moment(given: float, true: float, kind: str) -> bool:
    if kind == "relay":
        return abs(true - given) < 60
    least, most = _LAST_OF_SEQUENCE_S
    return least <= true - given <= most + 60


def _is_incident(row: dict[str, Any], alarm: dict[str, Any]) -> bool:
    """Whether an incident of the store is about an alarm of the truth."""
    if not row["equipment"].endswith(f" {alarm['equipment']}") or row["area"] != alarm["plant_name"]:
        return False
    if not _is_moment(row["began_at"], alarm["raised"], alarm["kind"]):
        return False
    if alarm["cleared"] is None or row["ended_at"] is None:
        return alarm["cleared"] is None and row["ended_at"] is None
    return _is_moment(row["ended_at"], alarm["cleared"], alarm["kind"])


def _key(alarm: dict[str, Any]) -> tuple[object, ...]:
    return alarm["plant"], alarm["equipment"], alarm["relay_class"], alarm["raised"]


def _named(alarm: dict[str, Any]) -> str:
    times = f"{alarm['raised_local'][5:16]} to {(alarm['cleared_local'] or '')[5:16] or 'now'}"
    return f"{alarm['plant_name']}, {alarm['kind']} {alarm['equipment']} {alarm['relay_class'] or ''} ({times})"


def _words(entry: Entry) -> str:
    what = "normal again" if entry.is_over else "failed"
    name = f"{entry.plant}, {entry.kind} {entry.equipment} {entry.relay_class or ''}"
    return f"no. {entry.card}: {name} {what} ({entry.began}, {entry.ended})"


def read_incidents(store: Path) -> list[dict[str, Any]]:
    """Return the incidents of relays and inverters that a store has."""
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        query = "SELECT * FROM incidents WHERE rule LIKE 'relay-%' OR rule = 'inverter-failure' ORDER BY began_at"
        rows = [dict(row) for row in connection.execute(query)]
    connection.close()
    return rows
