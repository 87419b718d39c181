"""Samples into an engine that takes InfluxDB line protocol: InfluxDB 1.x, or VictoriaMetrics, single or a cluster.

Lines are those that the service itself writes (docs/reference/history.md): `vigilia,point=NAME value=1.5,severity=0i,
status=0i MILLISECONDS`. Names of reactors and parts have no character that the protocol must escape.
"""

import asyncio
import gzip
import json
import re
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import cast
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from vigilia.agent.direct.exchange import Answer, Exchange
from vigilia.agent.direct.rows import MOST_AT_ONCE, DirectError, Refused, Row, StoredSample, row_of, sort_out

_DATABASE = "vigilia"
"""In InfluxDB, where the address names none."""
_AHEAD_MS = 2 * 86_400_000
"""VictoriaMetrics drops, without a word, what is further ahead of its clock."""
_BEYOND_KEEPING = re.compile(
    r"partial write: (?:points beyond retention policy dropped=(\d+)|dropped (\d+) points outside retention policy)"
)
"""InfluxDB, the latter from 1.11 on: all other lines were written."""
_NEVER = re.compile(r"(?:partial write: )?(?:unable to parse|field type conflict|invalid field name|max key length)")
"""What InfluxDB says of lines that it takes at no time. Other refusals (max-series-per-database, max-values-per-tag, a
body cut short on its way to VictoriaMetrics) end when somebody sees to the cause."""
_QUOTED = str.maketrans({'"': '\\"', "\\": "\\\\"})


class EngineWriter:
    """A DirectWriter into an engine."""

    def __init__(self, url: str, reactor: str) -> None:
        """Raises DirectError for an address that makes no sense."""
        parts = urlsplit(url.removeprefix("influx+"))
        options: dict[str, list[str]] = {}
        host = port = None
        with suppress(ValueError):
            options = parse_qs(parts.query, strict_parsing=bool(parts.query))
            host, port = parts.hostname, parts.port
        if not host or parts.fragment or not url.isprintable():
            raise DirectError("the history's address, as the server tells it, names no server: check it there")
        self.name = f"influx+{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        self._reactor = reactor
        self._database = options.get("db", [""])[0]
        self._is_victoria = True if "read" in options else None
        """None until it is found out. Only a cluster of VictoriaMetrics is read from elsewhere."""
        headers: dict[str, str] = {}
        if parts.username is not None:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Authorization"] = "Basic " + b64encode(user.encode()).decode()
        self._exchange = Exchange(self.name, parts.scheme == "https", host, port, parts.path.rstrip("/"), headers)

    async def write(self, samples: Sequence[StoredSample]) -> Sequence[Refused]:
        """See DirectWriter."""
        if not samples:
            return []
        if self._is_victoria is None:
            self._is_victoria = await self._find_out()
        latest = (round(time.time() * 1000) + _AHEAD_MS,) if self._is_victoria else ()
        good, refused = sort_out(samples, *latest)
        for begin in range(0, len(good), MOST_AT_ONCE):
            refused += await self._deliver(good[begin : begin + MOST_AT_ONCE])
        return refused

    async def _deliver(self, samples: Sequence[StoredSample]) -> list[Refused]:
        """Write samples; return those that are refused, found by halving what they came with."""
        lines = await asyncio.to_thread(self._lines, samples)
        headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Encoding": "gzip"}
        answer = await self._exchange.ask("POST", f"/write?{urlencode(self._query())}", lines, headers)
        if answer.status == 204:
            return []
        if found := _BEYOND_KEEPING.match(answer.reason):
            oldest = sorted(samples, key=lambda sample: sample.time_ms)
            return [Refused(sample, answer.reason) for sample in oldest[: int(found[1] or found[2])]]
        if answer.status == 404 and "database not found" in answer.reason:
            raise self._exchange.error(f"{answer.reason}: start the server on it once")
        if answer.status == 413 or (answer.status == 400 and _NEVER.match(answer.reason)):
            if len(samples) == 1:
                return [Refused(samples[0], answer.reason or "it alone is too large")]
            middle = len(samples) // 2
            return [*await self._deliver(samples[:middle]), *await self._deliver(samples[middle:])]
        raise self._exchange.error(f"status {answer.status}: {answer.reason or 'which is no answer to rows'}")

    def _lines(self, samples: Sequence[StoredSample]) -> bytes:
        rows = (row_of(self._reactor, sample) for sample in samples)
        last = {(row.point, row.time_ms): row for row in rows}
        lines = (line_of(row, keeps_text=not self._is_victoria) for row in last.values())
        return gzip.compress("\n".join(lines).encode(), compresslevel=5)

    def _query(self) -> Mapping[str, str]:
        database = self._database or ("" if self._is_victoria else _DATABASE)
        return {"precision": "ms"} | ({"db": database} if database else {})

    async def _find_out(self) -> bool:
        """Say whether the engine is VictoriaMetrics. Raises DirectError where it is neither that nor InfluxDB 1.x."""
        built = await self._exchange.ask("POST", "/api/v1/status/buildinfo")
        if built.status == 200 and _says_success(built):
            return True
        greeting = await self._exchange.ask("GET", "/ping")
        version = greeting.headers.get("x-influxdb-version", "").removeprefix("v")
        if not version.startswith("1."):
            found = f"InfluxDB {version[:20]}" if version else "what answers there"
            raise self._exchange.error(f"{found} is neither InfluxDB 1.x nor VictoriaMetrics")
        return False


def line_of(row: Row, *, keeps_text: bool) -> str:
    """Return a row as a line. `keeps_text`: the engine has fields that are texts."""
    state = f"severity={row.severity:d}i,status={row.status:d}i {row.time_ms}"
    head = f"vigilia,point={row.point} "
    if row.value is not None:
        return f"{head}value={row.value!r},{state}"
    if row.text is not None and keeps_text:
        return f'{head}text="{row.text.translate(_QUOTED)}",{state}'
    return head + state


def _says_success(answer: Answer) -> bool:
    try:
        found = json.loads(answer.body)
    except ValueError:
        return False
    return isinstance(found, dict) and cast("dict[str, object]", found).get("status") == "success"
