"""Addresses of line-protocol engines: `influx+http://user:password@host:8086/?db=vigilia`."""

from base64 import b64encode
from dataclasses import dataclass, field

from yarl import URL

from vigilia.errors import StartError

SCHEME = "influx+"
DATABASE = "vigilia"
_FORMS = (
    "influx+http://USER:PASSWORD@HOST:PORT/?db=NAME, or for a cluster "
    "influx+http://VMINSERT:8480/insert/0/influx?read=http://VMSELECT:8481/select/0/prometheus"
)


@dataclass(frozen=True, slots=True)
class Door:
    """An address that requests go to, without the user and the password that they carry."""

    url: URL
    authorization: str | None = field(repr=False)
    """The header's value."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an engine is written to and read from."""

    name: str
    """As it may be shown: without passwords."""
    write: Door
    read: Door
    database: str | None
    """What the address names; None where it names none."""
    separate: bool
    """It has a reading side of its own, as a VictoriaMetrics cluster has."""


def parse_address(url: str) -> Address:
    """Return the parts of an address. Raises StartError, which does not repeat it, where it makes no sense.

    `read` is where questions go, where that is elsewhere; they carry the same user, unless it names one itself.
    """
    try:
        whole = URL(url.removeprefix(SCHEME))
        query = whole.query
        reading = URL(query["read"]) if "read" in query else None
        known = {"db", "read"}
        if not url.startswith(SCHEME) or set(query) - known or len(query) != len(set(query)) or whole.fragment:
            raise ValueError
        write = _door(whole.with_query(None))
        read = write if reading is None else _door(reading, write.authorization)
    except ValueError:
        raise StartError(f"[history] url is not the address of a line-protocol engine: write {_FORMS}") from None
    database = query.get("db") or None
    return Address(_shown(whole, reading), write, read, database, reading is not None)


def _door(url: URL, authorization: str | None = None) -> Door:
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise ValueError
    if url.user is not None:
        if ":" in url.user:  # Basic authentication cannot say it: RFC 7617, section 2
            raise ValueError
        authorization = "Basic " + b64encode(f"{url.user}:{url.password or ''}".encode()).decode()
    bare = url.with_user(None)
    return Door(bare.with_path(bare.path.rstrip("/")), authorization)


def _shown(whole: URL, reading: URL | None) -> str:
    shown = whole.with_password(None)
    if reading is not None:
        shown = shown.update_query(read=str(reading.with_password(None)))
    return f"{SCHEME}{shown}"
