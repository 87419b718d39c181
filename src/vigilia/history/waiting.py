"""Where the history keeps on disk what its database has not taken yet."""

from pathlib import Path

import orjson

from vigilia.errors import StartError
from vigilia.spool import Spool


def open_spool(path: Path, most_bytes: int) -> Spool:
    """Open a spool of rows. Raises StartError where it cannot be written."""
    try:
        return Spool(path, most_bytes, orjson.dumps, orjson.loads)
    except OSError as error:
        raise StartError(f"{path} cannot be written ({error.strerror}): check its rights") from error
