"""Loads that never fit in memory: the port's vocabulary for writing and reading rows as a stream.

Beside ``port.CrmPort``, whose verbs take and give whole batches. A vendor that has a bulk interface
implements it (``salesforce``); callers ask with ``isinstance(port, BulkPort)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, runtime_checkable

from integration.port import CrmRecord, Page, ReadQuery, WriteResult, WriteRow


@runtime_checkable
class BulkPort(Protocol):
    """A CRM that takes and gives any number of records, holding a bounded number of them in memory."""

    def pays_as_stream(self, rows: int) -> bool:
        """Return whether so many rows cost fewer calls as a stream; ``upsert`` sends them so by itself."""
        ...

    def upsert_stream(
        self, object_name: str, key_field: str, rows: Iterable[WriteRow]
    ) -> Iterator[WriteResult]:
        """Write rows by external key; yield one result per row, in any order.

        ``record_id`` is not looked at. Writing begins with the first result asked for. Raises the port's
        errors; what was written by then stays, and rows without a result may be sent again.
        """
        ...

    def reads_as_stream(self, page: Page) -> bool:
        """Return whether what is left after ``page`` costs fewer calls as a stream than page by page."""
        ...

    def record_stream(self, query: ReadQuery) -> Iterator[CrmRecord]:
        """Yield every record the query asks for, in no order; after ``resume`` where nothing else is asked.

        Deleted records are told (``archived``) where ``changed_since`` is set, as ``iter_pages`` does.
        """
        ...
