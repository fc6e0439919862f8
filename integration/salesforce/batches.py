"""Rows on their way to sObject Collections: drafts, and the requests that carry them.

Neighbours: ``write`` fills and sends them, ``answers`` pairs them with what came back.
Source: REST API guide, "Upsert Records Using sObject Collections".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from integration.port import WriteRow
from integration.salesforce.composite import Part
from integration.salesforce.csv_rows import BulkRow
from integration.salesforce.limits import COLLECTION_ROWS

ID = "Id"


@dataclass(frozen=True, slots=True)
class Draft:
    """A row on its way: its place in the caller's list, its JSON without key or id."""

    index: int
    row: WriteRow
    fields: Mapping[str, Any]

    @property
    def order(self) -> tuple[tuple[str, ...], int]:
        """Return what drafts are sorted by: parents, then the caller's order."""
        return parents_of(self.row), self.index


@dataclass(frozen=True, slots=True)
class Batch:
    """One collections request; ``drafts`` are in the order of its records."""

    part: Part
    drafts: tuple[Draft, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """How rows of one object are written: counted as ``reason``, by ``key_field`` where there is one."""

    reason: str
    object_name: str
    key_field: str | None

    def again(self, drafts: Sequence[Draft]) -> list[Batch]:
        """Return the batches of rows that were sent before, each in the way it went."""
        known = [draft for draft in drafts if draft.row.record_id]
        return [*self.updates(known), *self.upserts([draft for draft in drafts if not draft.row.record_id])]

    def updates(self, drafts: Sequence[Draft]) -> list[Batch]:
        """Return the batches that write rows by id, giving each its key."""
        return [
            _batch("composite/sobjects", self.object_name, chunk, [self._known(d.row) for d in chunk])
            for chunk in _chunks(drafts)
        ]

    def upserts(self, drafts: Sequence[Draft]) -> list[Batch]:
        """Return the batches that write rows by key."""
        key_field = self.key_field or ""
        path = f"composite/sobjects/{quote(self.object_name, safe='')}/{quote(key_field, safe='')}"
        return [
            _batch(path, self.object_name, chunk, [{key_field: draft.row.key} for draft in chunk])
            for chunk in _chunks(drafts)
        ]

    def bulk_row(self, draft: Draft) -> BulkRow:
        """Return a row of a job: by its id where that is known, giving it its key, else by its key."""
        if draft.row.record_id:
            fields = {**self._key(draft.row), **draft.fields}
            return BulkRow(draft.row.record_id, fields, parents_of(draft.row))
        return BulkRow(draft.row.key, draft.fields, parents_of(draft.row))

    def _known(self, row: WriteRow) -> dict[str, Any]:
        return {ID: row.record_id} | self._key(row)

    def _key(self, row: WriteRow) -> dict[str, Any]:
        return {self.key_field: row.key} if self.key_field else {}


def parents_of(row: WriteRow) -> tuple[str, ...]:
    """Return the ids and keys of what a row hangs under, as rows are sorted by them."""
    return tuple(parent.id for parent in row.parents) + tuple(key for _, key in row.parent_keys)


def _batch(path: str, object_name: str, drafts: Sequence[Draft], heads: list[dict[str, Any]]) -> Batch:
    records = [
        {"attributes": {"type": object_name}, **head, **draft.fields}
        for head, draft in zip(heads, drafts, strict=True)
    ]
    return Batch(Part("PATCH", path, {"allOrNone": False, "records": records}), tuple(drafts))


def _chunks(drafts: Sequence[Draft]) -> list[Sequence[Draft]]:
    return [drafts[start : start + COLLECTION_ROWS] for start in range(0, len(drafts), COLLECTION_ROWS)]
