"""An EPICS Archiver Appliance as far as its documented API goes, on a real socket, with its oddities.

After `ArchivePVAction`, `GetPVStatusAction`, `PVNames` and `GetDataAtTime` of archiver-appliance epicsarchiverap:

- `archivePV` answers 200 with a status for each PV: "Archive request submitted", "Already submitted". Only a request
  whose content type is exactly `application/json` is read as JSON.
- An entry whose `samplingperiod` is no text, or whose method it does not know, is left out; the comma before it is not,
  so that the answer is no JSON.
- A name that fails its syntax check ends the request with a 500; what stood before it was taken.
- A new PV is in "Initial sampling" until the appliance has measured it, minutes later; an unknown one "Not being
  archived"; a paused one is "Paused", and "Already submitted" when it is asked for again.
- An alias has the status of what it stands for, under the name that was asked for. Numbers and truths are texts.
- `getDataAtTime` leaves out what it does not know.
"""

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web

_NAME = re.compile(r"[a-zA-Z0-9_\-+:\[\]<>;/,#{}^]+(\.[A-Za-z_][A-Za-z0-9_]*)?")
MEASURING, ARCHIVED, PAUSED = "Initial sampling", "Being archived", "Paused"


@dataclass
class Archived:
    """What the appliance has of one PV."""

    method: str = "MONITOR"
    period: float = 1.0
    policy: str = ""
    status: str = MEASURING
    value: dict[str, Any] | None = None
    """As `getDataAtTime` gives it."""


@dataclass
class ArchiverAppliance:
    """`async with ArchiverAppliance() as archiver: … archiver.url, archiver.pvs`."""

    pvs: dict[str, Archived] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    forgets: set[str] = field(default_factory=set)
    """PVs that it says it has taken, and has not."""
    slow_to_know: dict[str, int] = field(default_factory=dict)
    """How often a PV that was taken is still said not to be: a cluster whose members have not heard of it."""
    requests: list[tuple[str, Any]] = field(default_factory=list)
    delay_s: float = 0.0
    hangs_up_after: int | None = None
    """Requests that it answers before it is away."""
    broken: int = 0
    """A status that every request gets; 0: none."""
    url: str = ""

    async def __aenter__(self) -> Self:
        self._ending = asyncio.Event()
        application = web.Application(client_max_size=10_000_000)
        application.router.add_post("/mgmt/bpl/archivePV", self._archive)
        application.router.add_route("*", "/mgmt/bpl/getPVStatus", self._status)
        application.router.add_post("/retrieval/data/getDataAtTime", self._data)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        await self._runner.cleanup()

    def saw(self, pv: str, value: Any, severity: int = 0, status: int = 0, secs: int = 1_700_000_000) -> None:
        """Have it know a value of a PV."""
        archived = self.pvs.setdefault(pv, Archived(status=ARCHIVED))
        archived.value = {"val": value, "secs": secs, "nanos": 0, "severity": severity, "status": status}

    def measure(self) -> None:
        """Let the minutes pass in which new PVs are measured."""
        for archived in self.pvs.values():
            if archived.status == MEASURING:
                archived.status = ARCHIVED

    def _hang_up(self, request: web.Request) -> None:
        if self.hangs_up_after is not None:
            self.hangs_up_after -= 1
            if self.hangs_up_after < 0 and request.transport is not None:
                request.transport.abort()

    async def _archive(self, request: web.Request) -> web.Response:
        self._hang_up(request)
        if self.broken:
            return web.Response(status=self.broken, text="<html>trouble</html>", content_type="text/html")
        if request.headers.get("Content-Type") != "application/json":
            return web.Response(status=500, text="java.lang.NullPointerException")
        entries = await request.json()
        self.requests.append(("archivePV", entries))
        parts: list[str] = []
        for entry in entries:
            said = self._take(entry)
            if said is None:
                return web.Response(status=500, text=f"java.io.IOException: PV name fails syntax check {entry['pv']}")
            parts.append(said)
        return web.Response(text="[\n" + ",\n".join(parts) + "]\n", content_type="application/json")

    def _take(self, entry: dict[str, Any]) -> str | None:
        """Take one entry; return its part of the answer, or None for a name that ends the request."""
        pv, period, method = entry["pv"], entry.get("samplingperiod", "1.0"), entry.get("samplingmethod", "MONITOR")
        if not isinstance(period, str) or method.upper() not in ("MONITOR", "SCAN"):
            return ""
        if _NAME.fullmatch(pv) is None:
            return None
        if pv in self.pvs or pv in self.aliases:
            return f'{{ "pvName": "{pv}", "status": "Already submitted" }}'
        if pv not in self.forgets:
            self.pvs[pv] = Archived(method.upper(), float(period), entry.get("policy", ""))
        return f'{{ "pvName": "{pv}", "status": "Archive request submitted" }}'

    async def _status(self, request: web.Request) -> web.Response:
        self._hang_up(request)
        if self.broken:
            return web.Response(status=self.broken, text="trouble")
        form = await request.post() if request.method == "POST" else request.query
        names = str(form["pv"]).split(",")
        self.requests.append(("getPVStatus", names))
        return web.json_response([self._stand(name) for name in names])

    def _stand(self, name: str) -> dict[str, str]:
        archived = self.pvs.get(self.aliases.get(name, name))
        if archived is not None and self.slow_to_know.get(name):
            self.slow_to_know[name] -= 1
            archived = None
        if archived is None:
            return {"pvName": name, "status": "Not being archived"}
        said = {"pvName": name, "status": archived.status}
        if archived.status == ARCHIVED:
            monitored = str(archived.method == "MONITOR").lower()
            said |= {"isMonitored": monitored, "samplingPeriod": str(archived.period), "connectionState": "true"}
        return said

    async def _data(self, request: web.Request) -> web.Response:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), self.delay_s)
        if self.broken:
            return web.Response(status=self.broken, text="trouble")
        names = await request.json()
        self.requests.append(("getDataAtTime", (names, dict(request.query))))
        known = {name: self.pvs.get(self.aliases.get(name, name)) for name in names}
        return web.json_response({name: pv.value for name, pv in known.items() if pv is not None and pv.value})
