"""Which rows no database will ever take: they are told apart before one of them spoils what came with it."""

import math
from collections.abc import Sequence

from vigilia.history.backend import RefusedRowsError, Row
from vigilia.history.ladder import LATEST_MS
from vigilia.points import shorten

LONGEST_NAME = 255
LONGEST_TEXT = 10_000


def check_rows(rows: Sequence[Row]) -> None:
    """Raise RefusedRowsError, naming the first row that cannot be kept."""
    for row in rows:
        if wrong := _wrong(row):
            raise RefusedRowsError(
                f"a row of {shorten(row.point)} at {shorten(row.time_ms)} ms cannot be kept: {wrong}"
            )


def _wrong(row: Row) -> str:
    if not row.point or len(row.point) > LONGEST_NAME or not _storable(row.point):
        return f"a name has 1 to {LONGEST_NAME} characters, without NUL or half characters"
    if not 0 <= row.time_ms <= LATEST_MS:
        return "its time is not between the years 1970 and 9999"
    if row.value is not None and row.text is not None:
        return "it has a value and a text: a point says one or the other"
    if row.value is not None and not math.isfinite(row.value):
        return "its value is not finite"
    if row.text is not None and (len(row.text) > LONGEST_TEXT or not _storable(row.text)):
        return f"a text has up to {LONGEST_TEXT} characters, without NUL or half characters"
    return ""


def _storable(text: str) -> bool:
    """Tell whether every database can hold a text: none takes half a surrogate pair, PostgreSQL no NUL."""
    if text.isascii():
        return "\0" not in text
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
