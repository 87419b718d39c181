"""Samples straight from the reactor into the database of the history, where the server says so."""

import re
from urllib.parse import unquote, urlsplit

from vigilia.agent.direct.engine import EngineWriter
from vigilia.agent.direct.postgresql import REVISION, PostgresWriter
from vigilia.agent.direct.rows import DirectError, DirectWriter, OtherRevision, Refused, StoredSample
from vigilia.redaction import hide

__all__ = ["REVISION", "DirectError", "DirectWriter", "OtherRevision", "Refused", "StoredSample", "make_direct"]

_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def make_direct(url: str, reactor_id: str) -> DirectWriter:
    """Return what writes a reactor's samples to the history at `url`, as `[history] url` of the server has it.

    Nothing is connected to. Raises DirectError for an address that agents cannot write to, StartError where a package
    is missing.
    """
    if not _ID.fullmatch(reactor_id):
        raise DirectError(f"{reactor_id[:80]!r} is no id of a reactor: letters, digits, dot, dash and underscore")
    try:
        password = urlsplit(url).password or ""
    except ValueError:
        raise DirectError("the history's address, as the server tells it, cannot be read: check it there") from None
    hide([password, unquote(password)])
    if url.startswith("postgresql://"):
        return PostgresWriter(url, reactor_id)
    if url.startswith(("influx+http://", "influx+https://")):
        return EngineWriter(url, reactor_id)
    raise DirectError(
        "the history that the server names is none that agents write to: it is to be postgresql:// or influx+http://, "
        "or [reactor] history_url to be empty"
    )
