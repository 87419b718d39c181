"""An answer's body as JSON, also where it is not quite JSON."""

import json
from typing import Any

import orjson

from vigilia.errors import BadAnswer, printable

_LARGEST_LENIENT_BYTES = 8_000_000


def parse_json(body: bytes, request: str) -> Any:
    """Return a body as JSON; NaN, which is none, is let through. Raises BadAnswer, naming `request`, where it is none.

    Large bodies take long: not to be called on the event loop.
    """
    try:
        return orjson.loads(body)
    except ValueError as error:
        try:
            if len(body) <= _LARGEST_LENIENT_BYTES and body.lstrip()[:1] in (b"[", b"{"):
                return json.loads(body)
        except (ValueError, RecursionError):
            pass
        start = printable(body[:60].decode(errors="replace"))
        raise BadAnswer(f"not JSON: {start!r} ({request})") from error
