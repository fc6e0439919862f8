"""What an org answered to each row of a collection: written, refused, or refused for the time being.

A duplicate rule's refusal names the records it matched; they are told with the org's words, for the
admin looks there first. Neighbours: ``batches`` holds the rows, ``write`` decides what is sent again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integration.port import RowError, Unavailable, WriteResult, WriteRow
from integration.salesforce.batches import Batch, Draft
from integration.salesforce.errors import LOCKED, row_error


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a draft; ``warned`` when a duplicate rule refused it that lets it be saved."""

    draft: Draft
    result: WriteResult
    warned: bool = False

    @property
    def locked(self) -> bool:
        """Return whether another transaction held the row or its parent."""
        return self.result.error is not None and self.result.error.code == LOCKED


def outcomes(batch: Batch, answer: Any, key_field: str | None) -> Iterator[Outcome]:
    """Pair a batch's rows with their answers; a refusal of the whole batch is each row's."""
    if isinstance(answer, RowError):
        for draft in batch.drafts:
            yield Outcome(draft, WriteResult(draft.row.key, draft.row.record_id, error=answer))
        return
    if not isinstance(answer, list) or len(answer) != len(batch.drafts):
        raise Unavailable("a collections answer that leaves rows out")
    for draft, item in zip(batch.drafts, answer, strict=True):
        yield Outcome(draft, _result(draft.row, item, key_field), _warned(item))


def _result(row: WriteRow, item: Mapping[str, Any], key_field: str | None) -> WriteResult:
    if item.get("success"):
        record_id = str(item.get("id") or row.record_id)
        return WriteResult(row.key, record_id, created=bool(item.get("created", False)))
    errors = item.get("errors") or [{}]
    message = "; ".join(str(error.get("message", "")) + _matches(error) for error in errors)
    fields = tuple(str(name) for error in errors for name in error.get("fields") or ())
    error = row_error(str(errors[0].get("statusCode", "")), message, fields, key_field)
    return WriteResult(row.key, row.record_id, error=error)


def _matches(error: Mapping[str, Any]) -> str:
    """Return which records a duplicate rule matched, to be said after its words; mostly nothing."""
    found = error.get("duplicateResult") or {}
    ids = [
        str(match["record"]["Id"])
        for result in found.get("matchResults") or ()
        for match in result.get("matchRecords") or ()
    ]
    return f" ({found.get('duplicateRule', 'a duplicate rule')} matches {', '.join(ids)})" if ids else ""


def _warned(item: Mapping[str, Any]) -> bool:
    """Return whether every error of a row is a duplicate rule that allows to save after a warning."""
    errors: Sequence[Mapping[str, Any]] = item.get("errors") or []
    return bool(errors) and all((error.get("duplicateResult") or {}).get("allowSave") for error in errors)
