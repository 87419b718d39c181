"""What is used of EPICS base itself: its own C functions, and where a record's fields lie. IOC process only."""

import ctypes
import struct
from collections.abc import Generator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_uint, c_ushort, c_void_p
from functools import cache
from typing import Any, NamedTuple

from epicscorelibs import ioc
from softioc import imports as untyped_imports

from vigilia.interfaces.epics.announced import TrapMessage

core: Any = ioc.dbCore
_imports: Any = untyped_imports

VALUE_AND_LOG = 1 | 2
"""DBE_VALUE and DBE_LOG of `caeventmask.h`."""
TrapListener = CFUNCTYPE(None, POINTER(TrapMessage), c_int)
_EPOCH = 631_152_000
"""1990, where EPICS's time begins (`epicsTime.h`)."""
_ADDRESS_BYTES = 256
"""More than a DBADDR of `dbAddr.h` has; its first member is the record."""

for _function in (core.dbScanLock, core.dbScanUnlock):
    _function.argtypes = (c_void_p,)
    _function.restype = None
core.db_post_events.argtypes = (c_void_p, c_void_p, c_uint)
core.recGblResetAlarms.argtypes = (c_void_p,)
core.recGblResetAlarms.restype = c_ushort
core.asTrapWriteRegisterListener.argtypes = (TrapListener,)
core.asTrapWriteRegisterListener.restype = c_void_p
core.asSetFilename.argtypes = (c_char_p,)
core.asSetFilename.restype = c_int
core.dbNameToAddr.argtypes = (c_char_p, c_void_p)


class Field(NamedTuple):
    """Where a field lies in its record, and how many bytes it has."""

    offset: int
    size: int


@cache
def fields_of(record_type: str) -> dict[str, Field]:
    """Return the fields of a type of records, by name."""
    return {name: Field(*place[:2]) for name, place in _imports.get_field_offsets(record_type).items()}


def find(name: str) -> int:
    """Return the address of the record `name`. Raises OSError where there is none."""
    buffer = ctypes.create_string_buffer(_ADDRESS_BYTES)
    if core.dbNameToAddr(name.encode(), buffer):
        raise OSError(f"EPICS has no record {name}")
    return int(c_void_p.from_buffer(buffer).value or 0)


@contextmanager
def locked(address: int) -> Generator[None]:
    """Have nobody else touch a record."""
    core.dbScanLock(address)
    try:
        yield
    finally:
        core.dbScanUnlock(address)


def pack_time(time: float) -> bytes:
    """Return seconds UTC since 1970 as an `epicsTimeStamp`; times before 1990 are 1990."""
    nanoseconds = max(0, round((time - _EPOCH) * 1e9))
    return struct.pack("=II", nanoseconds // 1_000_000_000 & 0xFFFFFFFF, nanoseconds % 1_000_000_000)
