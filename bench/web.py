"""Measures what open pages cost the service, and what they are in a browser, and says whether limits are kept.

    python bench/web.py [--quick] [NAME …]

Without names: everything. `--quick`: shorter, for a check of each change. The service runs as a process on loopback,
pages' streams in this one; `pages` and `changes` need chromium. The exit code is 0 where every limit is kept, else 1.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from poe import Measurement, run
from programs import Bench
from rig import choose_epics_ports


def measurements() -> dict[str, Measurement]:
    """Every measurement by name."""
    import webpages
    import webstream

    return {"stream": webstream.stream, "pages": webpages.pages, "changes": webpages.changes}


def main() -> int:
    """Read the arguments, measure, print; return the exit code."""
    choose_epics_ports()
    known = measurements()
    parser = argparse.ArgumentParser(description="Measures what open pages cost the service.")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *known], help=", ".join(known))
    parser.add_argument("--quick", action="store_true", help="shorter")
    arguments = parser.parse_args()
    chosen = {name: known[name] for name in arguments.names or known}
    with tempfile.TemporaryDirectory(prefix="vigilia-bench-") as directory:
        return asyncio.run(run(chosen, Bench(Path(directory), arguments.quick)))


if __name__ == "__main__":
    sys.exit(main())
