"""Giving back what a start has left behind: a third of what the worker holds then is never looked at again.

Modules that are read and compiled leave free pieces in the heap, and libraries the pages that only their start needed:
gRPC and pydantic have several megabytes of these. A Pi has 512 for everything.
"""

import ctypes
import gc
import logging
from collections.abc import Iterator
from pathlib import Path

_logger = logging.getLogger(__name__)

_SMAPS = Path("/proc/self/smaps")
_MADV_DONTNEED = 4
"""madvise(2): the pages of a range go; whoever needs one again has it from the file, as the first time."""


def spare_memory() -> None:
    """Give back what can be; nothing where the system is another one than Linux with the C library of GNU."""
    gc.collect()
    gc.freeze()  # what is there now stays: no collection looks at it again
    try:
        libc = ctypes.CDLL(None)
        libc.malloc_trim(0)
        for begin, end in _code(_SMAPS.read_text()):
            libc.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), _MADV_DONTNEED)
    except (AttributeError, OSError) as error:
        _logger.debug("no memory is given back: %s", error)


def _code(smaps: str) -> Iterator[tuple[int, int]]:
    """Yield the ranges that are of a file and that nobody ever wrote to: code, and what is constant."""
    place: tuple[int, int] | None = None
    for line in smaps.splitlines():
        head, *rest = line.split()
        if not head.endswith(":"):
            begin, _, end = head.partition("-")
            is_of_file = len(rest) > 4 and rest[4].startswith("/")
            place = (int(begin, 16), int(end, 16)) if is_of_file and rest[0][1] == "-" else None
        elif head == "Anonymous:" and rest[0] == "0" and place:
            yield place
