"""Writing rows: upserts by external key and updates by id, in the fewest calls.

A request of sObject Collections takes 200 rows; five of them ride in one composite call, so that
1,000 rows cost one. Larger loads go through Bulk API 2.0 where that costs fewer calls; any number of
rows may be streamed through it. Rows are sorted by parent: rows of one account then lock it once, not
in every batch. ``allOrNone`` is always false, so one refused row never takes its neighbours with it.
Two refusals get another try here: a locked row after a random pause, and a row that a duplicate rule
only warns of with the header that says so. Rows whose id is known are updated by id with the key among
their values, which is how a record made by a person is adopted.
Source: REST API guide, "Upsert Records Using sObject Collections"; Large Data Volumes guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from random import SystemRandom
from typing import Any
from urllib.parse import quote

from integration.port import FieldType, Refused, RowError, Unavailable, WriteResult, WriteRow
from integration.salesforce.bulk import UNPROCESSED, BulkUpsert
from integration.salesforce.composite import Part, send_parts
from integration.salesforce.csv_rows import BulkRow, carries_in_csv
from integration.salesforce.errors import call_error, row_error
from integration.salesforce.limits import (
    BULK_BATCH_ROWS,
    BULK_CALLS,
    BULK_FROM_ROWS,
    BULK_PUSH_WAIT_S,
    COLLECTION_ROWS,
    COMPOSITE_COLLECTIONS,
    LOCK_STEP_S,
    LOCK_TRIES,
)
from integration.salesforce.names import relationship_of
from integration.salesforce.shape import Shapes
from integration.salesforce.transport import Transport
from integration.salesforce.values import from_text

# REST API guide, "Duplicate Rule Header": save what a rule warns of; a rule that blocks is not moved by it.
ALLOW_SAVE = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
CALL_ROWS = COLLECTION_ROWS * COMPOSITE_COLLECTIONS


@dataclass(frozen=True, slots=True)
class Draft:
    """A row on its way: its place in the caller's list, its JSON without key or id."""

    index: int
    row: WriteRow
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a draft; ``warned`` when a duplicate rule refused it that lets it be saved."""

    draft: Draft
    result: WriteResult
    warned: bool = False

    @property
    def locked(self) -> bool:
        """Return whether another transaction held the row or its parent."""
        return self.result.error is not None and self.result.error.code == "UNABLE_TO_LOCK_ROW"


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

    def _known(self, row: WriteRow) -> dict[str, Any]:
        return {"Id": row.record_id} | ({self.key_field: row.key} if self.key_field else {})


class Writer:
    """The writing verbs of one port."""

    def __init__(self, transport: Transport, shapes: Shapes) -> None:
        """Find types and link fields in ``shapes``."""
        self._transport = transport
        self._shapes = shapes

    def upsert(self, object_name: str, key_field: str, rows: Sequence[WriteRow]) -> list[WriteResult]:
        """Write ``rows`` by ``key_field``, or by id where it is known; results in row order."""
        drafts = self._drafts(object_name, key_field, rows)
        known = [draft for draft in drafts if draft.row.record_id]
        keyed = [draft for draft in drafts if not draft.row.record_id]
        bulk = [draft for draft in keyed if carries_in_csv(draft.fields)] if pays_as_bulk(len(keyed)) else []
        taken = {draft.index for draft in bulk}
        way = Way(f"write {object_name}", object_name, key_field)
        rest = [draft for draft in keyed if draft.index not in taken]
        results = self._write(way, [*way.updates(known), *way.upserts(rest)])
        if bulk:
            results |= self._send_bulk(way, bulk)
        return [results[index] for index in range(len(rows))]

    def stream(self, object_name: str, key_field: str, rows: Iterable[WriteRow]) -> Iterator[WriteResult]:
        """Write any number of rows by ``key_field``, one internal batch in memory; results in any order.

        Few rows go as ``upsert`` sends them.
        """
        source = iter(rows)
        head = list(islice(source, most_rows_by_collections() + 1))
        if not pays_as_bulk(len(head)):
            yield from self.upsert(object_name, key_field, head)
            return
        kept_back: list[WriteRow] = []
        bulk = BulkUpsert(self._transport, object_name, key_field)
        yield from bulk.run(self._bulk_rows(object_name, key_field, chain(head, source), kept_back))
        yield from self.upsert(object_name, key_field, kept_back)

    def _bulk_rows(
        self, object_name: str, key_field: str, rows: Iterable[WriteRow], kept_back: list[WriteRow]
    ) -> Iterator[BulkRow]:
        """Yield rows as a CSV takes them, putting those it cannot carry into ``kept_back``."""
        source = iter(rows)
        while chunk := list(islice(source, BULK_BATCH_ROWS)):
            for draft in self._drafts(object_name, key_field, chunk):
                if carries_in_csv(draft.fields):
                    yield _bulk_row(draft)
                else:
                    kept_back.append(draft.row)

    def update(self, object_name: str, rows: Sequence[WriteRow]) -> list[WriteResult]:
        """Write the fields of existing records by id; ValueError for a row without one."""
        if any(not row.record_id for row in rows):
            raise ValueError("an update needs the record_id of every row")
        drafts = self._drafts(object_name, "", rows)
        way = Way(f"write {object_name}", object_name, None)
        results = self._write(way, way.updates(drafts))
        return [results[index] for index in range(len(rows))]

    def _drafts(self, object_name: str, key_field: str, rows: Sequence[WriteRow]) -> list[Draft]:
        if not rows:
            return []
        names = sorted({name for row in rows for name in row.values} - {key_field})
        types = self._shapes.types(object_name, names)
        drafts = [
            Draft(index, row, self._fields(object_name, key_field, row, types))
            for index, row in enumerate(rows)
        ]
        return sorted(drafts, key=_by_parent)

    def _fields(
        self, object_name: str, key_field: str, row: WriteRow, types: Mapping[str, FieldType | None]
    ) -> dict[str, Any]:
        values = {name: text for name, text in row.values.items() if name != key_field}
        fields: dict[str, Any] = {name: from_text(text, types[name]) for name, text in values.items()}
        for parent in row.parents:
            fields[self._shapes.link_field(object_name, parent.object)] = parent.id
        for parent_object, key in row.parent_keys:
            lookup = self._shapes.link_field(object_name, parent_object)
            fields[relationship_of(lookup)] = {key_field: key}
        return fields

    def _write(self, way: Way, batches: Sequence[Batch]) -> dict[int, WriteResult]:
        """Send ``batches`` and what deserves it again; return the results by the drafts' index."""
        outcomes = {one.draft.index: one for one in self._send(way, batches)}
        for attempt in range(LOCK_TRIES):
            locked = [one.draft for one in outcomes.values() if one.locked]
            if not locked:
                break
            self._transport.sleep(_pause_s(attempt))
            outcomes |= {one.draft.index: one for one in self._send(way, way.again(locked))}
        warned = [one.draft for one in outcomes.values() if one.warned]
        for batch in way.again(warned):
            answer = self._send_alone(way, batch, ALLOW_SAVE)
            outcomes |= {one.draft.index: one for one in _outcomes(batch, answer, way.key_field)}
        return {index: one.result for index, one in outcomes.items()}

    def _send(self, way: Way, batches: Sequence[Batch]) -> Iterator[Outcome]:
        for start in range(0, len(batches), COMPOSITE_COLLECTIONS):
            group = batches[start : start + COMPOSITE_COLLECTIONS]
            alone = len(group) == 1
            answers = [self._send_alone(way, group[0])] if alone else self._send_together(way, group)
            for batch, answer in zip(group, answers, strict=True):
                yield from _outcomes(batch, answer, way.key_field)

    def _send_alone(self, way: Way, batch: Batch, headers: Mapping[str, str] | None = None) -> Any:
        part = batch.part
        try:
            return self._transport.request(
                way.reason, part.method, part.path, body=part.body, headers=headers
            )
        except Refused as refused:
            error = refused.error
            return row_error(error.code, error.message, error.fields, way.key_field)

    def _send_together(self, way: Way, group: Sequence[Batch]) -> list[Any]:
        answers = send_parts(self._transport, way.reason, [batch.part for batch in group])
        if all(answer.failure and answer.failure.transient for answer in answers) and answers[0].failure:
            raise call_error(answers[0].failure)
        return [
            row_error(answer.failure.code, answer.failure.message, answer.failure.fields, way.key_field)
            if answer.failure
            else answer.body
            for answer in answers
        ]

    def _send_bulk(self, way: Way, drafts: Sequence[Draft]) -> dict[int, WriteResult]:
        """Send rows as one job; those it has not done in time, or was ended before, go as any write does."""
        bulk = BulkUpsert(self._transport, way.object_name, way.key_field or "")
        by_key = {one.key: one for one in bulk.run(map(_bulk_row, drafts), BULK_PUSH_WAIT_S)}
        results = {draft.index: by_key[draft.row.key] for draft in drafts}
        left = [draft for draft in drafts if _unprocessed(results[draft.index])]
        return results | self._write(way, way.upserts(left))


def _unprocessed(result: WriteResult) -> bool:
    return result.error is not None and result.error.code == UNPROCESSED


def pays_as_bulk(rows: int) -> bool:
    """Return whether a Bulk API job is to be used for ``rows``: there are many, and it costs fewer calls."""
    return rows > most_rows_by_collections()


def most_rows_by_collections() -> int:
    """Return up to how many rows composite calls cost no more than a Bulk job."""
    return max(BULK_FROM_ROWS, BULK_CALLS * CALL_ROWS)


def _bulk_row(draft: Draft) -> BulkRow:
    return BulkRow(draft.row.key, draft.fields, _parents(draft.row))


def _by_parent(draft: Draft) -> tuple[tuple[str, ...], int]:
    return _parents(draft.row), draft.index


def _parents(row: WriteRow) -> tuple[str, ...]:
    return tuple(parent.id for parent in row.parents) + tuple(key for _, key in row.parent_keys)


def _batch(path: str, object_name: str, drafts: Sequence[Draft], heads: list[dict[str, Any]]) -> Batch:
    records = [
        {"attributes": {"type": object_name}, **head, **draft.fields}
        for head, draft in zip(heads, drafts, strict=True)
    ]
    return Batch(Part("PATCH", path, {"allOrNone": False, "records": records}), tuple(drafts))


def _chunks(drafts: Sequence[Draft]) -> list[Sequence[Draft]]:
    return [drafts[start : start + COLLECTION_ROWS] for start in range(0, len(drafts), COLLECTION_ROWS)]


def _outcomes(batch: Batch, answer: Any, key_field: str | None) -> Iterator[Outcome]:
    """Pair a batch's rows with their answers; a refusal of the whole batch is each row's."""
    if isinstance(answer, RowError):
        for draft in batch.drafts:
            yield Outcome(draft, WriteResult(draft.row.key, draft.row.record_id, error=answer))
        return
    if not isinstance(answer, list) or len(answer) != len(batch.drafts):
        raise Unavailable("a collections answer that leaves rows out")
    for draft, item in zip(batch.drafts, answer, strict=True):
        yield Outcome(draft, _result(draft.row, item, key_field), _warned(item))


def _warned(item: Mapping[str, Any]) -> bool:
    """Return whether every error of a row is a duplicate rule that allows to save after a warning."""
    errors = item.get("errors") or []
    return bool(errors) and all((error.get("duplicateResult") or {}).get("allowSave") for error in errors)


def _pause_s(attempt: int) -> float:
    """Return a random wait, longer from try to try, so that two writers do not meet again."""
    return float(SystemRandom().uniform(0.5, 1.0) * LOCK_STEP_S * (1 << attempt))


def _result(row: WriteRow, item: Mapping[str, Any], key_field: str | None) -> WriteResult:
    if item.get("success"):
        record_id = str(item.get("id") or row.record_id)
        return WriteResult(row.key, record_id, created=bool(item.get("created", False)))
    errors = item.get("errors") or [{}]
    first = errors[0]
    message = "; ".join(str(error.get("message", "")) for error in errors)
    fields = tuple(str(name) for error in errors for name in error.get("fields") or ())
    error = row_error(str(first.get("statusCode", "")), message, fields, key_field)
    return WriteResult(row.key, row.record_id, error=error)
