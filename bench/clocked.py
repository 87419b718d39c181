"""`vigilia run` by the clock of a simulator that runs already: `python bench/clocked.py NOW MONOTONIC SPEED`.

A clock of 600 times the real speed moves on by ten minutes while Python loads its modules. So they are loaded first,
and VIGILIA_CLOCK is set to what the simulator's clock shows after that: it showed NOW (seconds UTC) at MONOTONIC, a
moment of the machine's monotonic clock, which is the same for all its processes.
"""

import os
import sys
import time

import vigilia.app
import vigilia.config
import vigilia.interfaces.api.server  # noqa: F401 - loaded now, so that it takes no time later
from vigilia.cli import main
from vigilia.clock import iso

shown, moment, speed = map(float, sys.argv[1:])
os.environ["VIGILIA_CLOCK"] = f"{iso(shown + (time.monotonic() - moment) * speed)} x{speed:g}"
main(["run"])
