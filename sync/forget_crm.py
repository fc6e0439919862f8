"""A person taken out of the records we wrote into a CRM: what stands there, not what we think stands there.

Only fields of ours are read and rewritten. Whom a record belongs to is the CRM's own link to its own user,
and people's to change: an owner's id is no trace here. Neighbours: ``forget`` calls this after the ledger
holds the same values, so that no later look takes them for somebody's edit; ``prove`` reads them again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import select

from integration.port import WriteRow
from mappings.deal_roles import ROLES
from sync.person_text import Traces
from sync.state.engine import reading
from sync.state.ledger_rows import WriteState, write_ledger
from sync.workspace import Workspace

GONE: Final = frozenset({WriteState.TOMBSTONE})
RECORDS_AT_ONCE: Final = 100
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Standing:
    """A record of ours as it stands: its values of our fields; which of them name the person."""

    object: str
    key: str
    record_id: str
    values: dict[str, str | None]
    named: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record the CRM did not let us change, with its words."""

    object: str
    record_id: str
    words: str


def records_of_ours(ws: Workspace, traces: Traces, progress: Progress) -> Iterator[Standing]:
    """Yield every record of ours that stands in the CRM, read now. Raises what the port raises."""
    here = in_crm(traces)
    for name, (fields, keys) in sorted(_written(ws).items()):
        ids = sorted(keys)
        for start in range(0, len(ids), RECORDS_AT_ONCE):
            batch = ids[start : start + RECORDS_AT_ONCE]
            for record in ws.port.read(name, batch, sorted(fields)):
                values = {field: record.values.get(field) for field in fields}
                named = tuple(
                    field
                    for field, value in sorted(values.items())
                    if value and here.tells(f"{field} {value}")
                )
                yield Standing(name, keys.get(record.id, ""), record.id, values, named)
            progress(name, len(batch))


def remove_from_crm(ws: Workspace, traces: Traces, progress: Progress) -> tuple[int, list[Refusal]]:
    """Rewrite the fields of ours that name the person; return how many records, and what was refused."""
    rows: defaultdict[str, list[WriteRow]] = defaultdict(list)
    for one in records_of_ours(ws, traces, progress):
        if one.named:
            changed = {field: traces.without(one.values[field] or "") for field in one.named}
            rows[one.object].append(WriteRow(one.key, changed, record_id=one.record_id))
    refused, done = [], 0
    for name, wanted in rows.items():
        for row, result in zip(wanted, ws.port.update(name, wanted), strict=True):
            done += result.error is None
            if result.error is not None:
                refused.append(Refusal(name, row.record_id or "", result.error.words))
    return done, refused


def in_crm(traces: Traces) -> Traces:
    """Return how the person is met in records of the CRM: not by whom a record belongs to."""
    person = replace(traces.person, owner=frozenset(), user=frozenset())
    return Traces(person, traces.installation_id)


def _written(ws: Workspace) -> dict[str, tuple[set[str], dict[str, str]]]:
    """Return the fields and the keys by record id of what we wrote, by object."""
    table, found = write_ledger.c, dict[str, tuple[set[str], dict[str, str]]]()
    query = select(
        table.object, table.key, table.record_id, table.desired, table.seed, table.acknowledged
    ).where(
        table.installation_id == ws.id,
        table.record_id.is_not(None),
        table.state.not_in(GONE),
        table.object != ROLES,  # such a row stands for its deal
    )
    with reading(ws.runtime.engine) as conn:
        for name, key, record_id, desired, seed, acknowledged in conn.execute(query):
            fields, keys = found.setdefault(name, (set(), {}))
            fields |= desired.keys() | seed.keys() | (acknowledged or {}).keys()
            keys[record_id] = key
    return found
