"""Writing records: upsert by external key, update by id, link to parents.

Every input carries a trace id: with it HubSpot writes the good rows and names the bad
(207); without it one bad row refuses all. Answers come in any order and are matched by
trace id. A row whose id the caller knows is updated by id, never upserted: an adopted
record is not doubled and a deleted one is not made again.
Neighbours: ``associate`` makes the links, ``read`` finds parents, ``port`` exposes this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, Final

from integration.hubspot import vocabulary
from integration.hubspot.associate import Pair, write_links
from integration.hubspot.connector import BATCH_ROWS
from integration.hubspot.errors import RefusedCall, problem_of, row_error
from integration.hubspot.normalised import normalised_values
from integration.hubspot.portal import Portal
from integration.hubspot.read import Reader
from integration.port import (
    Link,
    RateLimited,
    Refusal,
    Refused,
    RowError,
    Unavailable,
    WriteResult,
    WriteRow,
)

REMEMBERED_PARENTS: Final = 50_000
"""How many written keys a port keeps with their ids, to link children without a read."""

Results = dict[str, WriteResult]


@dataclass(frozen=True, slots=True)
class _Batch:
    """At most a hundred rows by trace id, upserted by ``key_field`` or updated by record id."""

    rows: Mapping[str, WriteRow]
    key_field: str | None

    @property
    def operation(self) -> str:
        return "batch/update" if self.key_field is None else "batch/upsert"

    def body(self) -> vocabulary.Body:
        if self.key_field is None:
            updates = {trace: (str(row.record_id), row.values) for trace, row in self.rows.items()}
            return vocabulary.update_body(updates)
        upserts = {trace: (row.key, row.values) for trace, row in self.rows.items()}
        return vocabulary.upsert_body(self.key_field, upserts)


@dataclass(slots=True)
class Writer:
    """The writes of one portal; thread-safe."""

    portal: Portal
    reader: Reader
    _known: dict[tuple[str, str], str] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def upsert(self, object_name: str, key_field: str, rows: Sequence[WriteRow]) -> list[WriteResult]:
        """Write rows by ``key_field`` and link those without a known id to their parents.

        A row is written when it is linked too: a refused link gives the row an error and
        its id as ``unlinked`` only, and the next upsert makes up for it. Of rows with one
        key the later values win.
        """
        unique = _merged(rows, lambda row: row.key)
        ready, results = self._with_parents(key_field, unique)
        known = [_with_key(row, key_field) for row in ready if row.record_id is not None]
        new = [row for row in ready if row.record_id is None]
        batches = [*_batches(known, None), *_batches(new, key_field)]
        results |= {result.key: result for result in self._write(object_name, batches)}
        results |= self._link(object_name, new, results)
        self._remember(object_name, results.values())
        return [results[row.key] for row in rows]

    def update(self, object_name: str, rows: Sequence[WriteRow]) -> list[WriteResult]:
        """Write fields by ``record_id``; every row must have one. Parents are not touched."""
        if any(row.record_id is None for row in rows):
            raise ValueError("update needs the record id of every row")
        merged = _merged(rows, lambda row: str(row.record_id))
        written = self._write(object_name, list(_batches(merged, None)))
        by_id = {str(row.record_id): result for row, result in zip(merged, written, strict=True)}
        return [replace(by_id[str(row.record_id)], key=row.key) for row in rows]

    def _write(self, object_name: str, batches: Sequence[_Batch]) -> list[WriteResult]:
        """Send the batches; once one is through, a later failure never loses its answer."""
        results: list[WriteResult] = []
        for at, batch in enumerate(batches):
            unsent = [row for later in batches[at:] for row in later.rows.values()]
            try:
                results += self._send(object_name, batch)
            except Refused as refusal:
                if refusal.error.refusal is Refusal.PERMISSION:  # the rest would be refused too
                    return [*results, *failed_results(unsent, refusal.error)]
                results += failed_results(batch.rows.values(), refusal.error)
            except Unavailable as error:
                if not results:
                    raise
                return [*results, *failed_results(unsent, busy_error(error))]
        return results

    def _send(self, object_name: str, batch: _Batch) -> list[WriteResult]:
        """Return the results of one batch; rows a whole-batch refusal names are left out once."""
        try:
            return self._ask(object_name, batch)
        except RefusedCall as refusal:
            bad = _named_rows(refusal, batch)
            good = {trace: row for trace, row in batch.rows.items() if trace not in bad}
            if not bad or not good:
                raise
            error = refusal.error
        written = iter(self._ask(object_name, replace(batch, rows=good)))
        return [
            WriteResult(row.key, None, error=error) if trace in bad else next(written)
            for trace, row in batch.rows.items()
        ]

    def _ask(self, object_name: str, batch: _Batch) -> list[WriteResult]:
        path = self.portal.objects_path(object_name, batch.operation)
        answer = self.portal.transport.call(f"write {object_name}", "POST", path, batch.body())
        return [row_result(trace, row, answer.body) for trace, row in batch.rows.items()]

    def _with_parents(self, key_field: str, rows: Sequence[WriteRow]) -> tuple[list[WriteRow], Results]:
        """Return rows with parent keys turned into ids, and errors for those with none yet."""
        waiting = {pair for row in rows if row.record_id is None for pair in row.parent_keys}
        ids = self._parent_ids(key_field, waiting)
        ready: list[WriteRow] = []
        orphans: Results = {}
        for row in rows:
            missing = [pair for pair in row.parent_keys if pair in waiting and pair not in ids]
            if row.record_id is None and missing:
                orphans[row.key] = WriteResult(row.key, None, error=_no_parent(*missing[0]))
                continue
            found = tuple(Link(pair[0], ids[pair]) for pair in row.parent_keys if pair in ids)
            ready.append(replace(row, parents=(*row.parents, *found), parent_keys=()))
        return ready, orphans

    def _parent_ids(self, key_field: str, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Return record ids by (object, key): those written here before, the rest read once."""
        ids = {pair: self._known[pair] for pair in wanted if pair in self._known}
        unknown: dict[str, list[str]] = {}
        for object_name, key in sorted(wanted):
            if (object_name, key) not in ids:
                unknown.setdefault(object_name, []).append(key)
        for object_name, keys in unknown.items():
            for key, record in self.reader.find(object_name, key_field, keys, ()).items():
                ids[object_name, key] = record.id
        return ids

    def _link(self, object_name: str, rows: Sequence[WriteRow], results: Results) -> Results:
        """Link rows to their parents; return results in place of those whose link failed.

        Rows that HubSpot calls old are linked as well: the call before may have been lost
        between the record and its links, and linking twice changes nothing.
        """
        pairs: dict[str, list[tuple[str, Pair]]] = {}
        for row in rows:
            record_id = results[row.key].record_id
            for parent in row.parents if record_id is not None else ():
                pairs.setdefault(parent.object, []).append((row.key, (str(record_id), parent.id)))
        failed: Results = {}
        for target, keyed in pairs.items():
            refused = self._refused_links(object_name, target, [pair for _, pair in keyed])
            for key, pair in keyed:
                if pair in refused:
                    failed[key] = WriteResult(
                        key, None, results[key].created, refused[pair], unlinked=pair[0]
                    )
        self._forget(row for row in rows if row.key in failed)
        return failed

    def _refused_links(self, source: str, target: str, pairs: Sequence[Pair]) -> dict[Pair, RowError]:
        """Return refusals by pair; the records stand, so a link not made now is busy, not lost."""
        try:
            return write_links(self.portal, source, target, pairs)
        except Unavailable as error:
            return dict.fromkeys(pairs, busy_error(error))

    def _remember(self, object_name: str, results: Iterable[WriteResult]) -> None:
        with self._lock:
            if len(self._known) > REMEMBERED_PARENTS:
                self._known.clear()
            for result in results:
                if result.record_id is not None and result.error is None:
                    self._known[object_name, result.key] = result.record_id

    def _forget(self, rows: Iterable[WriteRow]) -> None:
        """Forget the parents of rows whose links were refused: they may be gone."""
        gone = {parent for row in rows for parent in row.parents}
        if gone:
            with self._lock:
                self._known = {
                    pair: record_id
                    for pair, record_id in self._known.items()
                    if Link(pair[0], record_id) not in gone
                }


def _batches(rows: Sequence[WriteRow], key_field: str | None) -> Iterator[_Batch]:
    for start in range(0, len(rows), BATCH_ROWS):
        chunk = rows[start : start + BATCH_ROWS]
        yield _Batch({f"row-{start + at}": row for at, row in enumerate(chunk)}, key_field)


def _merged(rows: Sequence[WriteRow], identity: Callable[[WriteRow], str]) -> list[WriteRow]:
    """Return one row per identity with the later values, as writing them in order would leave it."""
    merged: dict[str, WriteRow] = {}
    for row in rows:
        earlier = merged.get(identity(row))
        values = row.values if earlier is None else {**earlier.values, **row.values}
        merged[identity(row)] = replace(row, values=values)
    return list(merged.values())


def _with_key(row: WriteRow, key_field: str) -> WriteRow:
    """Return the row with its key among the values: an adopted record has none yet."""
    return replace(row, values={**row.values, key_field: row.key})


def row_result(trace: str, row: WriteRow, body: Mapping[str, Any]) -> WriteResult:
    """Return what an answer says of one row: written, refused, or nothing at all."""
    for item in body.get("results", []):
        if item.get("objectWriteTraceId") == trace or _is_update_of(row, item):
            kept = normalised_values(trace, row, item, body)
            created = bool(item.get("new", False))
            return WriteResult(row.key, str(item["id"]), created, normalised=kept)
    for item in body.get("errors", []):
        problem = problem_of(0, item)
        named = problem.named("objectWriteTraceId")
        if trace in named or (not named and row.record_id in problem.named("ids", "id")):
            return WriteResult(row.key, None, error=row_error(problem))
    return WriteResult(row.key, None, error=RowError(Refusal.BUSY, "NO_ANSWER", "HubSpot did not say"))


def _is_update_of(row: WriteRow, item: Mapping[str, Any]) -> bool:
    """Match an update by its id where HubSpot echoes no trace id."""
    return row.record_id is not None and "objectWriteTraceId" not in item and item["id"] == row.record_id


def _named_rows(refusal: RefusedCall, batch: _Batch) -> set[str]:
    """Return the trace ids of the rows a whole-batch refusal names."""
    traces = set(refusal.problem.named("objectWriteTraceId"))
    ids = set(refusal.problem.named("ids", "id"))
    return {
        trace
        for trace, row in batch.rows.items()
        if trace in traces or row.key in ids or row.record_id in ids
    }


def failed_results(rows: Iterable[WriteRow], error: RowError) -> list[WriteResult]:
    """Return the same refusal for every row."""
    return [WriteResult(row.key, None, error=error) for row in rows]


def busy_error(error: Unavailable) -> RowError:
    """Return why rows behind a call without an answer are to be tried again."""
    code = error.policy if isinstance(error, RateLimited) else "UNAVAILABLE"
    return RowError(Refusal.BUSY, code, str(error))


def _no_parent(object_name: str, key: str) -> RowError:
    return RowError(Refusal.BUSY, "PARENT_NOT_FOUND", f"{object_name} {key} is not in the portal yet")
