"""Reading records: by page, by id, by external key.

Everything is read by the list endpoint, whose answers carry the links; what changed since an
instant by search. A searched page with links is five search pages (1,000 records), so that one
association call serves them all.
Neighbours: ``listing`` and ``search`` find rows, ``associate`` reads links, ``port``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from integration.hubspot import vocabulary
from integration.hubspot.associate import read_links
from integration.hubspot.connector import ASSOCIATION_READ_ROWS, BATCH_ROWS, MERGED_IDS, SEARCH_PAGE_ROWS
from integration.hubspot.listing import list_page, listed_links
from integration.hubspot.portal import Portal
from integration.hubspot.search import search_page
from integration.port import CrmRecord, Link, Page, ReadQuery

CURSOR_VERSION: Final = 2
LIST_AFTER: Final = "list_after"
SEARCH_AFTER: Final = "after_id"


@dataclass(frozen=True, slots=True)
class Reader:
    """The reads of one portal."""

    portal: Portal

    def iter_pages(self, query: ReadQuery) -> Iterator[Page]:
        """Yield pages in a stable order by id; at least one, which may be empty.

        A cursor of another version, or of the other way of reading, reads from the start.
        """
        return self._listed(query) if query.changed_since is None else self._searched(query)

    def _listed(self, query: ReadQuery) -> Iterator[Page]:
        after, more = _place(query.resume, LIST_AFTER), True
        fields = sorted(query.fields)  # the order in which the mirror keeps them
        while more:
            page = list_page(self.portal, query, after)
            links = listed_links(self.portal, query.object, query.link_to, page.rows)
            rows = page.rows if page.complete else self._whole(query, page.rows)
            after, more = page.after, page.after is not None
            records = [_record(query.object, row, fields, links[str(row["id"])]) for row in rows]
            yield Page(tuple(records), _cursor(LIST_AFTER, after))

    def _searched(self, query: ReadQuery) -> Iterator[Page]:
        after_id, more = _place(query.resume, SEARCH_AFTER), True
        while more:
            rows, after_id, more = self._collect(query, after_id)
            resume = _cursor(SEARCH_AFTER, after_id) if more else None
            yield Page(tuple(self._records(query.object, rows, query.fields, query.link_to)), resume)

    def read(
        self, object_name: str, ids: Sequence[str], fields: Sequence[str], link_to: Sequence[str]
    ) -> list[CrmRecord]:
        """Return the records that exist among ``ids``, in their order."""
        wanted = list(dict.fromkeys(ids))
        asked = (*fields, MERGED_IDS)
        found = {str(row["id"]): row for row in self._batch_read(object_name, wanted, asked)}
        rows = [found[item] for item in wanted if item in found]
        return self._records(object_name, rows, fields, link_to)

    def find(
        self, object_name: str, key_field: str, keys: Sequence[str], fields: Sequence[str]
    ) -> dict[str, CrmRecord]:
        """Return the records that exist among ``keys``; read from the store, never from search."""
        wanted = list(dict.fromkeys(keys))
        asked = list(dict.fromkeys([*fields, key_field]))
        rows = self._batch_read(object_name, wanted, asked, key_field)
        records = self._records(object_name, rows, asked, ())
        return {key: record for record in records if (key := record.values[key_field]) is not None}

    def _collect(
        self, query: ReadQuery, after_id: str | None
    ) -> tuple[list[dict[str, Any]], str | None, bool]:
        """Return the rows of one searched page, the id it ends at, and whether more follow."""
        size = ASSOCIATION_READ_ROWS if query.link_to else SEARCH_PAGE_ROWS
        rows: list[dict[str, Any]] = []
        while True:
            page = search_page(self.portal, query, after_id)
            rows += page.rows if page.complete else self._whole(query, page.rows)
            after_id = str(page.rows[-1]["id"]) if page.rows else after_id
            if not page.more or len(rows) + SEARCH_PAGE_ROWS > size:
                return rows, after_id, page.more

    def _whole(self, query: ReadQuery, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return rows with the fields a list or search had no room for, in the same order."""
        ids = [str(row["id"]) for row in rows]
        fields = (*query.fields, MERGED_IDS)
        found = {str(row["id"]): row for row in self._batch_read(query.object, ids, fields)}
        return [found[item] for item in ids if item in found]

    def _batch_read(
        self, object_name: str, ids: Sequence[str], fields: Sequence[str], id_property: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the rows that exist; HubSpot answers 207 and names the missing."""
        path = self.portal.objects_path(object_name, "batch/read")
        rows: list[dict[str, Any]] = []
        for start in range(0, len(ids), BATCH_ROWS):
            body = vocabulary.batch_read_body(ids[start : start + BATCH_ROWS], fields, id_property)
            answer = self.portal.transport.call(f"read {object_name}", "POST", path, body)
            rows += answer.body.get("results", [])
        return rows

    def _records(
        self, object_name: str, rows: Sequence[dict[str, Any]], fields: Sequence[str], link_to: Sequence[str]
    ) -> list[CrmRecord]:
        ids = [str(row["id"]) for row in rows]
        linked = [read_links(self.portal, object_name, target, ids) for target in link_to if ids]
        return [
            _record(object_name, row, fields, tuple(link for by_id in linked for link in by_id.get(item, ())))
            for item, row in zip(ids, rows, strict=True)
        ]


def _record(
    object_name: str, row: dict[str, Any], fields: Sequence[str], links: tuple[Link, ...]
) -> CrmRecord:
    values = row.get("properties", {})
    merged = values.get(MERGED_IDS)
    return CrmRecord(
        object=object_name,
        id=str(row["id"]),
        values={name: values.get(name) or None for name in fields},
        created_at=_instant(row["createdAt"]),
        source_at=_instant(row["updatedAt"]),
        archived=bool(row.get("archived", False)),
        links=links,
        merged_ids=tuple(filter(None, merged.split(";"))) if merged else (),
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _cursor(kind: str, place: str | None) -> str | None:
    return None if place is None else json.dumps({"v": CURSOR_VERSION, kind: place})


def _place(resume: str | None, kind: str) -> str | None:
    try:
        cursor = json.loads(resume or "{}")
    except ValueError:
        return None
    if not isinstance(cursor, dict) or cursor.get("v") != CURSOR_VERSION:
        return None
    place = cursor.get(kind)
    return place if isinstance(place, str) else None
