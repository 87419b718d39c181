"""A calibration carried from one circuit to another: Export gives it piece by piece, Import takes it back.

The real circuits' string is theirs alone; what matters here is that only a whole and unaltered one is taken.
"""

import json
import zlib

from pydantic import TypeAdapter, ValidationError

from vigilia.sim.reactor.circuits.reply import NotUnderstood

Calibration = dict[str, tuple[float, float]]
_PIECE = 12
_LONGEST = 2000
_POINTS: TypeAdapter[Calibration] = TypeAdapter(Calibration)


class Transfer:
    """How far an export and an import have come."""

    def __init__(self) -> None:
        self._given = 0
        self._taken = ""

    def size(self, points: Calibration) -> tuple[int, int]:
        """Return how many pieces an export has, and how many characters; it begins anew."""
        self._given = 0
        text = _spelled(points)
        return -(-len(text) // _PIECE), len(text)

    def next_piece(self, points: Calibration) -> str:
        """Return the next piece, *DONE after the last."""
        piece = _spelled(points)[self._given : self._given + _PIECE]
        self._given = self._given + _PIECE if piece else 0
        return piece or "*DONE"

    def take_piece(self, piece: str) -> Calibration | None:
        """Take the next piece; return the calibration when it is whole. Raises NotUnderstood, and forgets all then."""
        text, self._taken = self._taken + piece.strip().upper(), ""
        try:
            found = bytes.fromhex(text)
        except ValueError:
            raise NotUnderstood from None
        if len(text) > _LONGEST or len(found) < 2:
            raise NotUnderstood
        length = int.from_bytes(found[:2])
        if len(found) < length:
            self._taken = text
            return None
        body, check = found[2 : length - 4], found[length - 4 :]
        if zlib.crc32(body).to_bytes(4) != check:
            raise NotUnderstood
        try:
            return _POINTS.validate_json(body)
        except ValidationError:
            raise NotUnderstood from None


def _spelled(points: Calibration) -> str:
    """Return length, points and check in hexadecimal digits."""
    body = json.dumps(points, separators=(",", ":")).encode()
    return ((len(body) + 6).to_bytes(2) + body + zlib.crc32(body).to_bytes(4)).hex().upper()
