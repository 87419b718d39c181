"""Kills the watch over photovoltaic plants with SIGKILL at random instants of scripted days; says what people missed.

    python bench/crash.py [--kills N] [--jobs N] [--seed N] [--short] [--keep DIRECTORY]

Each day has its own seed, plants and data directory. Simulator and service run as processes on loopback; the webhook
and the API fail at random besides. Days go on until so many kills have struck. What counts as missed, false, brief or
repeated is written in `verdict.py`. The exit code is 0 where every limit is kept, else 1. `--short` is one day with
some eight kills, in less than a minute.
"""

import argparse
import asyncio
import itertools
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from crashday import Plan, run_day
from figures import Figure, figures_table, machine
from programs import Bench, BenchError
from verdict import Verdict

LIMITS = ("missed", "false", "normalised without evidence", "told again under another number", "unexplained repeats")
"""What must not be, and is told even where it is 0."""
SHORT_SPEED = 1200.0
SHORT_KILL_EVERY_S = 5.0


async def campaign(bench: Bench, kills: int, jobs: int, first: int, keep: Path | None) -> dict[int, Verdict]:
    """Run days, so many at a time, until so many kills have struck; return their verdicts by seed."""
    verdicts: dict[int, Verdict] = {}
    seeds = itertools.count(first)

    async def work() -> None:
        while sum(verdict.kills for verdict in verdicts.values()) < kills:
            seed = next(seeds)
            plan = short_plan(seed) if bench.short else Plan(seed)
            began = time.monotonic()
            verdict = await _day(bench, plan)
            verdicts[plan.seed] = verdict
            words = "; ".join(f"{len(found)} {what}" for what, found in verdict.faults.items()) or "as it must be"
            seconds = time.monotonic() - began
            print(f"seed {plan.seed}: {seconds:.0f} s, {verdict.kills} kills, {verdict.told} told: {words}", flush=True)
            for what, found in verdict.faults.items():
                print("\n".join(f"  {what}: {text}" for text in found), flush=True)
            if verdict.faults and keep is not None:
                for folder in bench.directory.glob(f"service-{plan.seed}-*"):
                    shutil.copytree(folder, keep / folder.name, dirs_exist_ok=True)

    await asyncio.gather(*(work() for _ in range(jobs)))
    return verdicts


async def _day(bench: Bench, plan: Plan) -> Verdict:
    try:
        return await run_day(bench, plan)
    except BenchError as error:
        return Verdict(faults={"days that could not be brought to an end": [str(error)]})


def short_plan(seed: int) -> Plan:
    """Return a day that takes less than a minute."""
    return Plan(seed, speed=SHORT_SPEED, plants=4, kill_every_s=SHORT_KILL_EVERY_S)


def figures(verdicts: list[Verdict], *, short: bool = False) -> list[Figure]:
    """Everything that was counted, and what must be 0. Of a few kills a rate says nothing."""

    def total(name: str) -> int:
        return sum(getattr(verdict, name) for verdict in verdicts)

    found = {name: sum(len(verdict.faults.get(name, ())) for verdict in verdicts) for name in LIMITS}
    for verdict in verdicts:
        for name in verdict.faults.keys() - found:
            found[name] = sum(len(other.faults.get(name, ())) for other in verdicts)
    cards = total("cards")
    return [
        Figure("days", len(verdicts), ""),
        Figure("kills", total("kills"), ""),
        Figure("kills before the ready line", total("kills_before_ready"), ""),
        Figure("alarms told", total("told"), ""),
        Figure("returns to normal told", total("over"), ""),
        Figure("alarms told, then suppressed", total("suppressed"), ""),
        Figure("failures dropped, a relay alarm having come first", total("dropped"), ""),
        Figure("failures found before their relay alarm could be", total("ahead"), ""),
        Figure("brief alarms: an incident, no card", total("brief"), ""),
        *(Figure(what, count, "", 0) for what, count in found.items()),
        Figure("cards", cards, ""),
        Figure("repeats, killed between send and record", total("repeated_by_kill"), ""),
        Figure("the same, of all cards", 100 * total("repeated_by_kill") / max(1, cards), "%", None if short else 1),
        Figure("repeats, the webhook's answer lost", total("repeated_by_lost_answer"), ""),
    ]


def main() -> int:
    """Read the arguments, run, print; return the exit code."""
    parser = argparse.ArgumentParser(description="Kills the watch at random instants of scripted days.")
    parser.add_argument("--kills", type=int, default=200, metavar="N", help="kills in all, at least (default 200)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="days side by side (default 1)")
    parser.add_argument("--seed", type=int, default=None, metavar="N", help="of the first day; default: at random")
    parser.add_argument("--short", action="store_true", help="one short day, in less than a minute")
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY", help="keep what a day that failed left behind")
    arguments = parser.parse_args()
    seed = random.randrange(10**6) if arguments.seed is None else arguments.seed
    kills = 1 if arguments.short else arguments.kills
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="vigilia-bench-") as directory:
        bench = Bench(Path(directory), arguments.short)
        verdicts = asyncio.run(campaign(bench, kills, arguments.jobs, seed, arguments.keep))
    results = figures([*verdicts.values()], short=arguments.short)
    print(f"\n{machine()}\n")
    print(figures_table({"crash": results}))
    return int(any(figure.passed is False for figure in results))


if __name__ == "__main__":
    sys.exit(main())
