"""Being told of what other programs do to files and devices: Linux's inotify, through the C library."""

import asyncio
import ctypes
import os
import struct
from collections.abc import Callable
from pathlib import Path

OPEN = 0x20
CLOSE = 0x08 | 0x10
MODIFY = 0x02
CLOSE_WRITE = 0x08
_GONE = 0x8000
_EVENT = struct.Struct("iIII")

Heard = Callable[[int, str], None]


class Watcher:
    """Calls back, in the loop, for events on the paths that are watched. `start` first; raises OSError."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = -1
        self._heard: dict[int, Heard] = {}

    def start(self) -> None:
        """Begin to hear."""
        self._fd = self._checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC), "inotify")
        asyncio.get_running_loop().add_reader(self._fd, self._read)

    def stop(self) -> None:
        """Hear no more."""
        if self._fd >= 0:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
        self._heard.clear()

    def watch(self, path: Path, mask: int, heard: Heard) -> int:
        """Call `heard(mask, name)` for such events on a path, `name` being that of a file in it; return its handle."""
        handle = self._checked(self._libc.inotify_add_watch(self._fd, os.fsencode(path), mask), str(path))
        self._heard[handle] = heard
        return handle

    def forget(self, handle: int) -> None:
        """Watch a path no more; nothing where it is gone by itself."""
        if self._heard.pop(handle, None) is not None:
            self._libc.inotify_rm_watch(self._fd, handle)

    def _read(self) -> None:
        try:
            data = os.read(self._fd, 65536)
        except BlockingIOError:
            return
        at = 0
        while at < len(data):
            handle, mask, _cookie, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size
            name = data[at : at + length].rstrip(b"\0").decode(errors="replace")
            at += length
            if mask & _GONE:
                self._heard.pop(handle, None)
            elif handle in self._heard:
                self._heard[handle](mask, name)

    def _checked(self, result: int, what: str) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"cannot watch {what}: {os.strerror(number)}")
        return result
