"""What people write into the filters of lists: whatever it is, every store answers."""

import pytest
from sqlalchemy import select

from vigilia.store import Store, schema
from vigilia.store.auditing import AuditFilter
from vigilia.store.incidents import IncidentFilter
from vigilia.store.notices import NoticeFilter


@pytest.mark.parametrize("text", ["\0", "a\0b*", "\ud800", "%_\\", "é" * 200])
async def test_any_text_may_be_looked_for(store: Store, text: str) -> None:
    questions = (
        (schema.incidents, IncidentFilter(system=text, area=text)),
        (schema.outbox, NoticeFilter(kind=text, area=text, channel=text, alarm=text)),
        (schema.audit, AuditFilter(point=text)),
        (schema.audit, AuditFilter(point=text + "*", user=text)),
    )
    async with store.reading() as connection:
        for table, wanted in questions:
            assert list(await connection.execute(select(table).where(*wanted.conditions()))) == []
