"""Measures the watch over plants against a simulated PVOperation API, and says whether it keeps its limits.

    python bench/pv.py [--quick] [NAME …]

Without names: everything. `--quick` is a tenth of the size, for a check of each change. Simulators and service run as
processes on loopback. The exit code is 0 where every limit is kept, else 1.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from plants import clean_environment
from poe import Measurement, run
from programs import Bench
from rig import choose_epics_ports


def measurements() -> dict[str, Measurement]:
    """Every measurement by name. Imported when EPICS has been told its ports."""
    import plantcomparison
    import plantscans
    import storm

    return {
        "scan": plantscans.scan,
        "thousand": plantscans.thousand,
        "storm": storm.storm,
        "reference": plantcomparison.reference,
    }


def main() -> int:
    """Read the arguments, measure, print; return the exit code."""
    choose_epics_ports()
    clean_environment()
    known = measurements()
    parser = argparse.ArgumentParser(description="Measures the watch over plants.")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *known], help=", ".join(known))
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    arguments = parser.parse_args()
    chosen = {name: known[name] for name in arguments.names or known}
    with tempfile.TemporaryDirectory(prefix="vigilia-bench-") as directory:
        return asyncio.run(run(chosen, Bench(Path(directory), arguments.quick)))


if __name__ == "__main__":
    sys.exit(main())
