"""Measures the PoE IOC against simulated switches, and says whether it keeps its limits.

    python bench/poe.py [--short] [--soak [--minutes N]] [NAME …]

Without names: everything but the soak. `--short` is for a check of each change: about a minute, the long measurements
left out, the others shorter. `--soak` is the half hour of faults alone. Simulator and service run as processes on
loopback. The exit code is 0 where every limit is kept, else 1.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil

from figures import Figure, figures_table, machine, show_number
from programs import Bench, BenchError
from rig import choose_epics_ports, warm_up

Measurement = Callable[[Bench], Awaitable[list[Figure]]]

LONG = ("isolation", "start", "scale", "reference")
"""Left out of the short form."""


def measurements() -> dict[str, Measurement]:
    """Every measurement by name. Imported when EPICS has been told its ports."""
    import comparison
    import endurance
    import loads
    import puts
    import timing

    return {
        "refresh": timing.refresh,
        "writes": puts.writes,
        "isolation": timing.isolation,
        "resources": loads.resources,
        "start": loads.start,
        "scale": loads.scale,
        "sessions": endurance.sessions,
        "reference": comparison.reference,
        "soak": endurance.soak,
    }


async def measure(name: str, measurement: Measurement, bench: Bench) -> list[Figure]:
    """Take one measurement and say how it went; one that fails gives a figure that fails."""
    began = time.monotonic()
    busy, own = _busy_s(), _own_s()
    try:
        figures = await measurement(bench)
    except BenchError as error:
        figures = [Figure(f"could not be measured: {error}", float("nan"), "", 0)]
    seconds = time.monotonic() - began
    others = 100 * max(0.0, (_busy_s() - busy) - (_own_s() - own)) / seconds
    failed = [figure for figure in figures if figure.passed is False]
    verdict = "kept all limits" if not failed else "; ".join(f"FAIL {figure.what}" for figure in failed)
    print(f"{name}: {seconds:.0f} s, {verdict} (other programs used {show_number(others)} % of a core)", flush=True)
    return figures


def _busy_s() -> float:
    """CPU time that anybody used since the machine started, its host's theft included."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - times.iowait - times.guest - times.guest_nice


def _own_s() -> float:
    """CPU time of this process and of those that it started and that have ended."""
    return sum(os.times()[:4])


async def run(chosen: dict[str, Measurement], bench: Bench, *, service: bool = True) -> int:
    """Take the measurements chosen and print their figures; return the exit code. `service`: one of them runs it."""
    if service:
        await warm_up(bench)
    results = {name: await measure(name, measurement, bench) for name, measurement in chosen.items()}
    print(f"\n{machine()}\n")
    print(figures_table(results))
    for table in bench.tables:
        print(f"\n{table}")
    return int(any(figure.passed is False for figures in results.values() for figure in figures))


def main() -> int:
    """Read the arguments, measure, print; return the exit code."""
    choose_epics_ports()
    known = measurements()
    parser = argparse.ArgumentParser(description="Measures the PoE IOC against simulated switches.")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *known], help=", ".join(known))
    parser.add_argument("--short", action="store_true", help="about a minute, without the long ones")
    parser.add_argument("--soak", action="store_true", help="half an hour of faults, and nothing else")
    parser.add_argument("--minutes", type=float, default=30.0, metavar="N", help="length of the soak (default 30)")
    arguments = parser.parse_args()
    if arguments.minutes < 1:
        parser.error("--minutes: a soak of less than one minute shows nothing")
    usual = [name for name in known if name != "soak" and not (arguments.short and name in LONG)]
    names = ["soak"] if arguments.soak else arguments.names or usual
    with tempfile.TemporaryDirectory(prefix="vigilia-bench-") as directory:
        return asyncio.run(
            run({name: known[name] for name in names}, Bench(Path(directory), arguments.short, arguments.minutes))
        )


if __name__ == "__main__":
    sys.exit(main())
