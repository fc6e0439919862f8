"""Records that carry no unique key: made once, and looked for among their parents' children.

Tasks have no property of ours, and a portal may have used up the ten unique properties of its
deals. A batch create cannot be repeated safely, so it is sent once: what became of it when no
answer came is for ``children`` to tell. The links are part of the create, so that a record that
stands is found under its parent. Neighbours: ``write`` for records with a key, ``port``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from integration.hubspot import vocabulary
from integration.hubspot.associate import read_links
from integration.hubspot.connector import BATCH_ROWS, DEFAULT_LINK_TYPE_IDS
from integration.hubspot.portal import Portal
from integration.hubspot.read import Reader
from integration.hubspot.write import busy_error, failed_results, row_result
from integration.port import (
    CrmRecord,
    Link,
    Refusal,
    Refused,
    RowError,
    Unavailable,
    WriteResult,
    WriteRow,
)

UNKNOWN: Final = "OBJECT_NOT_FOUND"
NOBODYS_OWN: Final = frozenset({Refusal.PERMISSION, Refusal.BUSY})
"""Refusals that are no matter of a single record."""

MOST_HALVED: Final = 7
"""How often a refused batch is halved: so often it takes to find one record of a hundred."""


@dataclass(frozen=True, slots=True)
class Keyless:
    """Creates without a key in one portal; thread-safe."""

    portal: Portal
    reader: Reader

    def create(self, object_name: str, rows: Sequence[WriteRow]) -> list[WriteResult]:
        """Make a record of each row with its links; rows of one key are made once.

        Once a batch is through, a later failure never loses its answer: the rows behind it come
        back BUSY. Raises Unavailable when the first batch had no clear answer.
        """
        unique = list({row.key: row for row in rows}.values())
        results: dict[str, WriteResult] = {}
        for start in range(0, len(unique), BATCH_ROWS):
            batch, rest = unique[start : start + BATCH_ROWS], unique[start:]
            try:
                made = self._make(object_name, batch)
            except Refused as refusal:
                made = failed_results(batch, refusal.error)
            except Unavailable as error:
                if not results:
                    raise
                made = failed_results(rest, busy_error(error))
            results |= {result.key: result for result in made}
            if len(results) == len(unique):
                break
        return [results[row.key] for row in rows]

    def children(self, object_name: str, parents: Sequence[Link], fields: Sequence[str]) -> list[CrmRecord]:
        """Return the records under ``parents``, by ascending id; association reads and batch reads only."""
        by_object: dict[str, list[str]] = {}
        for parent in dict.fromkeys(parents):
            by_object.setdefault(parent.object, []).append(parent.id)
        ids = {
            link.id
            for source, parent_ids in by_object.items()
            for links in read_links(self.portal, source, object_name, parent_ids).values()
            for link in links
        }
        return self.reader.read(object_name, sorted(ids, key=int), fields, ())

    def withdraw(self, object_name: str, ids: Sequence[str]) -> dict[str, RowError]:
        """Move records to the recycle bin; one that is there already is no error (page "Objects").

        HubSpot takes or refuses a batch as a whole: which record it means is found by halves, as far as
        it takes to find one. What more there is of them is kept together with what stands beside it.
        """
        kept: dict[str, RowError] = {}
        for start in range(0, len(ids), BATCH_ROWS):
            parts, halved = [ids[start : start + BATCH_ROWS]], 0
            while parts:
                part = parts.pop(0)
                error = self._archive(object_name, part)
                if error is None or (len(part) == 1 and error.code == UNKNOWN):
                    continue
                if len(part) == 1 or halved == MOST_HALVED or error.refusal in NOBODYS_OWN:
                    kept |= dict.fromkeys(part, error)
                    continue
                halved, half = halved + 1, len(part) // 2
                parts += [part[:half], part[half:]]
        return kept

    def _archive(self, object_name: str, ids: Sequence[str]) -> RowError | None:
        try:
            path, body = self.portal.objects_path(object_name, "batch/archive"), vocabulary.archive_body(ids)
            self.portal.transport.call(f"withdraw {object_name}", "POST", path, body)
        except Refused as refusal:
            return refusal.error
        return None

    def _make(self, object_name: str, batch: Sequence[WriteRow]) -> list[WriteResult]:
        traced = {f"row-{at}": row for at, row in enumerate(batch)}
        inputs = {trace: (row.values, tuple(_links(object_name, row))) for trace, row in traced.items()}
        path = self.portal.objects_path(object_name, "batch/create")
        body = vocabulary.create_body(inputs)
        answer = self.portal.transport.call(f"write {object_name}", "POST", path, body, repeatable=False)
        return [_as_created(row_result(trace, row, answer.body)) for trace, row in traced.items()]


def _links(object_name: str, row: WriteRow) -> Iterator[tuple[str, int]]:
    """Yield (id, association type id) of each parent. Raises ``Refused`` for a pair without a known one."""
    for parent in row.parents:
        type_id = DEFAULT_LINK_TYPE_IDS.get((object_name, parent.object))
        if type_id is None:
            message = f"no association type is known from {object_name} to {parent.object}"
            raise Refused(RowError(Refusal.FIXABLE, "ASSOCIATION_TYPE_UNKNOWN", message))
        yield parent.id, type_id


def _as_created(result: WriteResult) -> WriteResult:
    """Return the result of a create: its answer has no ``new``, and whatever it made is new."""
    if result.record_id is None:
        return result
    return replace(result, created=True)
