"""Writing rows: upserts by external key and updates by id, in the fewest calls.

A request of sObject Collections takes 200 rows; five of them ride in one composite call, so that
1,000 rows cost one. Larger loads go through Bulk API 2.0 where that costs fewer calls; any number of
rows may be streamed through it. Rows are sorted by parent: rows of one account then lock it once, not
in every batch. ``allOrNone`` is always false, so one refused row never takes its neighbours with it.
Two refusals get another try here: a locked row after a random pause, and, where the row's caller allows
it, a row that a duplicate rule only warns of, with the header that says so. Rows whose id is known are
updated by id with the key among their values, which is how a record made by a person is adopted.
Source: REST API guide, "Upsert Records Using sObject Collections"; Large Data Volumes guide.
Neighbours: ``batches`` holds rows on their way, ``answers`` reads what came back, ``bulk`` runs jobs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from random import SystemRandom
from typing import Any

from integration.port import FieldType, Refused, WriteResult, WriteRow
from integration.salesforce.answers import Outcome, outcomes
from integration.salesforce.batches import ID, Batch, Draft, Way
from integration.salesforce.bulk import UNPROCESSED, BulkLoad
from integration.salesforce.composite import send_parts
from integration.salesforce.csv_rows import BulkRow, carries_in_csv
from integration.salesforce.errors import DUPLICATE, call_error, row_error
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


class Writer:
    """The writing verbs of one port."""

    def __init__(self, transport: Transport, shapes: Shapes) -> None:
        """Find types and link fields in ``shapes``."""
        self._transport = transport
        self._shapes = shapes

    def upsert(self, object_name: str, key_field: str, rows: Sequence[WriteRow]) -> list[WriteResult]:
        """Write ``rows`` by ``key_field``, or by id where it is known; results in row order."""
        drafts = self._drafts(object_name, key_field, rows)
        way = Way(f"write {object_name}", object_name, key_field)
        results = self._send_all(way, drafts)
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
        way = Way(f"write {object_name}", object_name, key_field)
        bulk = BulkLoad(self._transport, object_name, key_field)
        yield from bulk.run(self._bulk_rows(way, chain(head, source), kept_back))
        yield from self.upsert(object_name, key_field, kept_back)

    def _bulk_rows(self, way: Way, rows: Iterable[WriteRow], kept_back: list[WriteRow]) -> Iterator[BulkRow]:
        """Yield rows as a CSV takes them, putting those it cannot carry into ``kept_back``."""
        source = iter(rows)
        while chunk := list(islice(source, BULK_BATCH_ROWS)):
            for draft in self._drafts(way.object_name, way.key_field or "", chunk):
                if carries_in_csv(draft.fields):
                    yield way.bulk_row(draft)
                else:
                    kept_back.append(draft.row)

    def update(self, object_name: str, rows: Sequence[WriteRow]) -> list[WriteResult]:
        """Write the fields of existing records by id; ValueError for a row without one."""
        if any(not row.record_id for row in rows):
            raise ValueError("an update needs the record_id of every row")
        drafts = self._drafts(object_name, "", rows)
        results = self._send_all(Way(f"write {object_name}", object_name, None), drafts)
        return [results[index] for index in range(len(rows))]

    def _send_all(self, way: Way, drafts: Sequence[Draft]) -> dict[int, WriteResult]:
        """Write rows by key or by id, each sort as a job where there are so many that it costs less."""
        known = [draft for draft in drafts if draft.row.record_id]
        keyed = [draft for draft in drafts if not draft.row.record_id]
        jobs = [_for_job(way, known), _for_job(way, keyed)]
        taken = {draft.index for job in jobs for draft in job}
        results = self._write(way, way.again([draft for draft in drafts if draft.index not in taken]))
        for job in jobs:
            if job:
                results |= self._send_bulk(way, job)
        return results

    def _drafts(self, object_name: str, key_field: str, rows: Sequence[WriteRow]) -> list[Draft]:
        if not rows:
            return []
        names = sorted({name for row in rows for name in row.values} - {key_field})
        types = self._shapes.types(object_name, names)
        drafts = [
            Draft(index, row, self._fields(object_name, key_field, row, types))
            for index, row in enumerate(rows)
        ]
        return sorted(drafts, key=lambda draft: draft.order)

    def fields(self, object_name: str, key_field: str, row: WriteRow) -> dict[str, Any]:
        """Return one row's JSON without key or id, its parents as links."""
        names = sorted(set(row.values) - {key_field})
        return self._fields(object_name, key_field, row, self._shapes.types(object_name, names))

    def _fields(
        self, object_name: str, key_field: str, row: WriteRow, types: Mapping[str, FieldType | None]
    ) -> dict[str, Any]:
        values = {name: text for name, text in row.values.items() if name != key_field}
        fields: dict[str, Any] = {name: from_text(text, types[name]) for name, text in values.items()}
        for parent in () if row.linked else row.parents:
            fields[self._shapes.link_field(object_name, parent.object)] = parent.id
        for parent_object, key in row.parent_keys:
            lookup = self._shapes.link_field(object_name, parent_object)
            fields[relationship_of(lookup)] = {key_field: key}
        return fields

    def _write(self, way: Way, batches: Sequence[Batch]) -> dict[int, WriteResult]:
        """Send ``batches`` and what deserves it again; return the results by the drafts' index."""
        told = {one.draft.index: one for one in self._send(way, batches)}
        for attempt in range(LOCK_TRIES):
            locked = [one.draft for one in told.values() if one.locked]
            if not locked:
                break
            self._transport.sleep(pause_s(attempt))
            told |= {one.draft.index: one for one in self._send(way, way.again(locked))}
        warned = [one.draft for one in told.values() if one.warned and one.draft.row.allow_duplicate]
        for batch in way.again(warned):
            answer = self._send_alone(way, batch, ALLOW_SAVE)
            told |= {one.draft.index: one for one in outcomes(batch, answer, way.key_field)}
        return {index: one.result for index, one in told.items()}

    def _send(self, way: Way, batches: Sequence[Batch]) -> Iterator[Outcome]:
        for start in range(0, len(batches), COMPOSITE_COLLECTIONS):
            group = batches[start : start + COMPOSITE_COLLECTIONS]
            alone = len(group) == 1
            answers = [self._send_alone(way, group[0])] if alone else self._send_together(way, group)
            for batch, answer in zip(group, answers, strict=True):
                yield from outcomes(batch, answer, way.key_field)

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
        """Send rows as one job, all by key or all by id; what it leaves goes as any write does."""
        known = bool(drafts[0].row.record_id)
        operation, column = ("update", ID) if known else ("upsert", way.key_field or "")
        bulk = BulkLoad(self._transport, way.object_name, column, operation)
        told = {one.key: one for one in bulk.run(map(way.bulk_row, drafts), BULK_PUSH_WAIT_S)}
        found = {draft.index: told[way.bulk_row(draft).key] for draft in drafts}
        results = {d.index: replace(found[d.index], key=d.row.key) for d in drafts}
        left = [draft for draft in drafts if _for_collections(results[draft.index])]
        return results | self._write(way, way.again(left))


def _for_job(way: Way, drafts: Sequence[Draft]) -> list[Draft]:
    """Return those of many rows that a job takes: none where they are too few to pay for one.

    One record twice in a job would be refused or written in no promised order.
    """
    if not pays_as_bulk(len(drafts)):
        return []
    rows = {draft.index: way.bulk_row(draft) for draft in drafts}
    often = Counter(row.key for row in rows.values())
    return [d for d in drafts if often[rows[d.index].key] == 1 and carries_in_csv(rows[d.index].fields)]


def _for_collections(result: WriteResult) -> bool:
    """Say whether a job left a row that collections may do: not reached, or met by a duplicate rule.

    A job carries no header and names no matches.
    """
    return result.error is not None and result.error.code in (UNPROCESSED, DUPLICATE)


def pays_as_bulk(rows: int) -> bool:
    """Return whether a Bulk API job is to be used for ``rows``: there are many, and it costs fewer calls."""
    return rows > most_rows_by_collections()


def most_rows_by_collections() -> int:
    """Return up to how many rows composite calls cost no more than a Bulk job."""
    return max(BULK_FROM_ROWS, BULK_CALLS * CALL_ROWS)


def pause_s(attempt: int) -> float:
    """Return a random wait, longer from try to try, so that two writers do not meet again."""
    return float(SystemRandom().uniform(0.5, 1.0) * LOCK_STEP_S * (1 << attempt))
