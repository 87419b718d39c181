"""The process that reads answers: it takes questions with their bodies from a socket, and gives digests.

Run by `reader` as `python -m vigilia.drivers.pvoperation.reading FD`. It imports little, so that it is small.
"""

import signal
import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress

from vigilia.drivers.pvoperation.digest import Digest, Question, digest

_LENGTH = struct.Struct("!q")
_NO_BODY = -1


def ask(end: socket.socket, question: Question, bodies: Sequence[bytes | None]) -> Digest:
    """Return what the process at the other end makes of answers. Raises OSError where it does not answer."""
    _send(end, question.pack())
    end.sendall(_LENGTH.pack(len(bodies)))
    for body in bodies:
        _send(end, body)
    packed = _receive(end)
    if packed is None:
        raise ConnectionResetError
    return Digest.unpack(packed)


def serve(end: socket.socket) -> None:
    """Answer questions until the other end is closed."""
    with suppress(ConnectionError):
        while True:
            packed = _receive(end)
            if packed is None:
                return
            (count,) = _LENGTH.unpack(_receive_exactly(end, _LENGTH.size))
            bodies = [_receive(end) for _ in range(count)]
            _send(end, digest(Question.unpack(packed), bodies).pack())


def _send(end: socket.socket, body: bytes | None) -> None:
    end.sendall(_LENGTH.pack(_NO_BODY if body is None else len(body)))
    if body:
        end.sendall(body)


def _receive(end: socket.socket) -> bytes | None:
    """Return the next body; None for one that is none. Raises ConnectionResetError at the end of the conversation."""
    (length,) = _LENGTH.unpack(_receive_exactly(end, _LENGTH.size))
    return None if length == _NO_BODY else bytes(_receive_exactly(end, length))


def _receive_exactly(end: socket.socket, length: int) -> bytearray:
    received = bytearray(length)
    view, at = memoryview(received), 0
    while at < length:
        count = end.recv_into(view[at:])
        if not count:
            raise ConnectionResetError
        at += count
    return received


def main() -> None:
    """Serve on the socket whose number is the argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the service's: it ends this with the conversation
    with socket.socket(fileno=int(sys.argv[1])) as end:
        serve(end)


if __name__ == "__main__":
    main()
