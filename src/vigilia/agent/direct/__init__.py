"""Samples straight from the reactor into the database of the history, where the server says so."""

import re
from urllib.parse import unquote, urlsplit

from vigilia.agent.direct.engine import EngineWriter
from vigilia.agent.direct.postgresql import PostgresWriter
from vigilia.agent.direct.rows import (
    REVISION,
    DirectError,
    DirectWriter,
    OtherRevision,
    Refused,
    StoredSample,
    check_revision,
)
from vigilia.redaction import hide

__all__ = ["REVISION", "DirectError", "DirectWriter", "OtherRevision", "Refused", "StoredSample", "make_direct"]

_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def make_direct(url: str, reactor_id: str, revision: int = REVISION) -> DirectWriter:
    """Return what writes a reactor's samples to the history at `url`, as `[history] url` of the server has it.

    `revision`: how it is laid out, by the server's word; a database that has tables is asked for its own besides.
    Nothing is connected to. Raises OtherRevision where this agent does not know that one, DirectError for an address
    that agents cannot write to, StartError where a package is missing.
    """
    if not _ID.fullmatch(reactor_id):
        raise DirectError(f"{reactor_id[:80]!r} is no id of a reactor: letters, digits, dot, dash and underscore")
    try:
        password = urlsplit(url).password or ""
    except ValueError:
        raise DirectError("the history's address, as the server tells it, cannot be read: check it there") from None
    hide([password, unquote(password)])
    check_revision("that the server names", revision)
    if url.startswith("postgresql://"):
        return PostgresWriter(url, reactor_id)
    if url.startswith(("influx+http://", "influx+https://")):
        return EngineWriter(url, reactor_id)
    raise DirectError(
        "the history that the server names is none that agents write to: it is to be postgresql:// or influx+http://, "
        "or [reactor] history_url to be empty"
    )
