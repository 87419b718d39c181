"""The pipe between the service and its IOC process: one JSON object a line, both ways.

To the IOC: `{"points": …}` as often as needed, then `{"load": true}`, upon which it makes its records, and
`{"start": access file}` once it may have the ports; then `{"answer": [put, index, reading…]}` and `{"ping": n}`, and
`{"retire": true}`, upon which it ends as soon as no put is under way. `{"set": [[index, reading…], …]}` may come at any
time after `load`.
From the IOC: `{"loaded": true}`, `{"ready": true}`, or `{"failed": why}` in their place; then
`{"put": [put, index, value, user, host]}`, `{"pong": n}`.
"""

import asyncio
import json
from typing import Any

from vigilia.points import Kind, Point, Reading, Severity, Status

LONGEST_LINE = 4_000_000
"""Room for some thousand readings, or definitions of points."""

Message = dict[str, Any]


class Pipe:
    """One end of the pipe."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, sock: Any) -> "Pipe":
        """Take a connected socket as one end."""
        return cls(*await asyncio.open_connection(sock=sock, limit=LONGEST_LINE))

    async def send(self, message: Message) -> None:
        """Send one message; waits while the other end does not keep up. Raises ConnectionError when it is gone."""
        self._writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        await self._writer.drain()

    async def receive(self) -> Message | None:
        """Return the next message, or None when the other end is gone."""
        try:
            line = await self._reader.readline()
        except (ConnectionError, ValueError):
            return None
        return json.loads(line) if line.endswith(b"\n") else None

    def close(self) -> None:
        """Close this end."""
        self._writer.close()


def pack_reading(reading: Reading) -> list[Any]:
    """Return a reading as a JSON list."""
    return [reading.value, reading.time, int(reading.severity), int(reading.status)]


def unpack_reading(packed: list[Any]) -> Reading:
    """Return the reading that `pack_reading` packed."""
    return Reading(packed[0], packed[1], Severity(packed[2]), Status(packed[3]))


def pack_point(point: Point) -> Message:
    """Return what a record needs of its point, as a JSON object."""
    return {
        "name": point.name,
        "kind": point.kind,
        "description": point.description,
        "units": point.units,
        "labels": point.labels,
        "precision": point.precision,
        "limits": point.limits,
        "writable": point.writable,
        "long_text": point.long_text,
        "blank": point.blank,
    }


def unpack_point(packed: Message) -> Point:
    """Return the point that `pack_point` packed."""
    limits = packed["limits"]
    return Point(
        name=packed["name"],
        kind=Kind(packed["kind"]),
        device="",
        description=packed["description"],
        units=packed["units"],
        labels=tuple(packed["labels"]),
        precision=packed["precision"],
        limits=None if limits is None else (limits[0], limits[1]),
        writable=packed["writable"],
        long_text=packed["long_text"],
        blank=packed["blank"],
    )
