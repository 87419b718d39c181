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


def measurements() -> dict[str, Measurement]:
    """Every measurement by name. Imported when EPICS has been told its ports."""
    import historygrowth
    import historyqueries
    import historysize
    import sustained

    return {
        "sustained": sustained.sustained,
        "size": historysize.size,
        "queries": historyqueries.queries,
        "growth": historygrowth.growth,
    }


def main() -> int:
    """Read the arguments, measure, print; return the exit code."""
    choose_epics_ports()
    known = measurements()
    parser = argparse.ArgumentParser(description="Measures the history.")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *known], help=", ".join(known))
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="where to put an SVG of the growth")
    arguments = parser.parse_args()
    known["growth"] = partial(known["growth"], picture=arguments.picture)
    chosen = {name: known[name] for name in arguments.names or known}
    with tempfile.TemporaryDirectory(prefix="vigilia-bench-") as directory:
        return asyncio.run(run(chosen, Bench(Path(directory), arguments.quick), service="sustained" in chosen))


if __name__ == "__main__":
    sys.exit(main())
