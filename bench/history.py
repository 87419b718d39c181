"""Measures the history against its databases, and says whether it keeps its limits.

    python bench/history.py [--quick] [--picture FILE] [NAME …]

Without names: everything. `--quick` is a tenth of the size, for a check of each change. Databases, simulator and
service run as processes on loopback; needs PostgreSQL, and measures VictoriaMetrics, InfluxDB and DuckDB beside where
they are installed. The exit code is 0 where every limit is kept, else 1. `--picture`: an SVG of what grows with what.
"""

import argparse
import asyncio
import sys
import tempfile
from functools import partial
from pathlib import Path

from poe import Measurement, run
from programs import Bench
from rig import choose_epics_ports


def measurements(picture: Path | None) -> dict[str, Measurement]:
    """Every measurement by name. Imported when EPICS has been told its ports."""
    import historygrowth
    import historyqueries
    import historysize
    import sustained

    return {
        "sustained": sustained.sustained,
        "size": historysize.size,
        "queries": historyqueries.queries,
        "growth": partial(historygrowth.growth, picture=picture),
    }


def main() -> int:
    """Read the arguments, measure, print; return the exit code."""
    choose_epics_ports()
    names = ("sustained", "size", "queries", "growth")
    parser = argparse.ArgumentParser(description="Measures the history.")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *names], help=", ".join(names))
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="where to put an SVG of the growth")
    arguments = parser.parse_args()
    known = measurements(arguments.picture)
    chosen = {name: known[name] for name in arguments.names or known}
    with tempfile.TemporaryDirectory(prefix="vigilia-bench-") as directory:
        return asyncio.run(run(chosen, Bench(Path(directory), arguments.quick)))


if __name__ == "__main__":
    sys.exit(main())
