"""The OpenAPI document of the API, without a service that runs: what the pages' types are made of."""

from typing import Any

from vigilia.clock import Clock
from vigilia.interfaces.api.app import build_app
from vigilia.interfaces.api.parts import ApiParts
from vigilia.points import Origin, Point, Value
from vigilia.store.auditing import EVERY_WRITE, AuditFilter
from vigilia.store.database import Row
from vigilia.table import PointTable


def openapi_document() -> dict[str, Any]:
    """Return the document that /api/openapi.json gives; its version is left open. Raises StartError."""
    clock = Clock()
    parts = ApiParts(PointTable(clock, _NoJournal()), (), _no_audit, _no_faults, clock, "1")
    return build_app(parts).openapi()


class _NoJournal:
    """The journal of a table that nobody writes to."""

    def asked(self, point: Point, value: Value | None, previous: Value | None, origin: Origin) -> str:
        raise NotImplementedError

    def answered(self, write_id: str, outcome: str, detail: str) -> None:
        raise NotImplementedError


async def _no_audit(wanted: AuditFilter = EVERY_WRITE, *, before: int | None = None, limit: int = 100) -> list[Row]:
    del wanted, before, limit
    return []


async def _no_faults() -> list[str]:
    return []
