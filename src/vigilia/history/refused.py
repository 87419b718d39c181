"""The rows that a database will never take: set aside in a file beside it, where people find them."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from vigilia.history.backend import Row

_logger = logging.getLogger(__name__)

_MOST_BYTES = 5_000_000
"""The file is then put by in place of the one before: two at most lie about."""


class RefusedRows:
    """The file `path`, one JSON object a line; it does not grow beyond a bound."""

    def __init__(self, path: Path) -> None:
        self.count = 0
        """Rows set aside since the start."""
        self._path = path

    def set_aside(self, rows: Sequence[tuple[Row, str]]) -> None:
        """Note rows, each with the reason; where the file cannot be written they are counted and logged."""
        if not rows:
            return
        self.count += len(rows)
        first, reason = rows[0]
        _logger.error("%d rows that the history's database does not take are in %s: %s", len(rows), self._path, reason)
        try:
            if self._path.is_file() and self._path.stat().st_size > _MOST_BYTES:
                self._path.replace(self._path.with_name(f"{self._path.name}.old"))
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps({**row._asdict(), "reason": why}) + "\n" for row, why in rows)
        except OSError as error:
            _logger.error("%s cannot be written (%s): %d rows are lost, first %r", self._path, error, len(rows), first)
