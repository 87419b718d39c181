"""Measures the reactors' side of the service, and says whether it keeps its limits.

    python bench/reactor.py [--quick] [NAME …]

Without names: everything but the campaigns, `kills` and `failsafe`, which take the better part of an hour.
`--quick`: shorter, for a check of each change. The service and what it needs run as
processes on loopback, agents in this one. The exit code is 0 where every limit is kept, else 1.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from poe import Measurement, run
from programs import Bench
from rig import choose_epics_ports

CAMPAIGNS = ("kills", "failsafe")
"""Left out where none is named."""


def measurements() -> dict[str, Measurement]:
    """Every measurement by name. Imported when EPICS has been told its ports."""
    import reactoragent
    import reactorbackfill
    import reactorfailsafe
    import reactorfleet
    import reactorkills
    import reactorsamples

    return {
        "samples": reactorsamples.samples,
        "fleet": reactorfleet.fleet,
        "backfill": reactorbackfill.backfill,
        "agent": reactoragent.agent,
        "kills": reactorkills.kills,
        "failsafe": reactorfailsafe.failsafe,
    }


def main() -> int:
    """Read the arguments, measure, print; return the exit code."""
    choose_epics_ports()
    known = measurements()
    parser = argparse.ArgumentParser(description="Measures the reactors' side of the service.")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *known], help=", ".join(known))
    parser.add_argument("--quick", action="store_true", help="shorter")
    arguments = parser.parse_args()
    usual = [name for name in known if name not in CAMPAIGNS]
    chosen = {name: known[name] for name in arguments.names or usual}
    with tempfile.TemporaryDirectory(prefix="vigilia-bench-") as directory:
        return asyncio.run(run(chosen, Bench(Path(directory), arguments.quick)))


if __name__ == "__main__":
    sys.exit(main())
