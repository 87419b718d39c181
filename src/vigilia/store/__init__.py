"""Durable state: schema and migrations, chosen set points, known points, the audit of writes."""

from vigilia.store.database import Chosen, PointChanges, Store, StoreError
from vigilia.store.journal import WriteJournal

__all__ = ["Chosen", "PointChanges", "Store", "StoreError", "WriteJournal"]
