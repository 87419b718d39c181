"""Gives the agent a wall clock that jumps: by the seconds that the file $VIGILIA_BENCH_JUMP holds.

Python loads it at its start where this folder is in PYTHONPATH. The modules of Vigilia see the jump in `time.time()`.
Libraries do not: they count their deadlines by it, and a kernel whose clock is set would not move those with it.
"""

import os
import sys
import time
from pathlib import Path

_REAL = time.time
_FILE = Path(os.environ.get("VIGILIA_BENCH_JUMP", os.devnull))


def _jumped() -> float:
    caller = sys._getframe(1).f_globals.get("__name__", "")  # noqa: SLF001 - who asks is all that there is to go by
    return _REAL() + float(_FILE.read_text() or 0) if caller.startswith(("vigilia", "__main__")) else _REAL()


time.time = _jumped
