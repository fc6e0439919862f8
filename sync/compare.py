"""The nightly compare: what the ledger says the CRM took against what stands there, record by record.

Polls see what moved a record's time and a census who is there. Neither sees a change whose time is older
than a poll's place (made while we were away, or by an import that sets times), nor a value of ours that was
changed without moving the record's time. So once a night every record of ours is read again: our own
objects by the cheapest listing, the few of ours among the customer's by their ids. What differs goes the
way of drift: the push rewrites it, or shows it as blocked; what is missing goes the way of a census.
One object is one task, in the lane that waits for all others. Neighbours: ``scheduler`` plans and rings,
``jobs`` runs this, ``drift`` and ``census`` do what is found, ``commands/look_matters.py`` tells of it.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, time, timedelta

from sqlalchemy import Connection

from integration.port import CrmError, CrmRecord, NeedsConsent, ReadQuery, Unavailable
from mappings.diff import same_value
from mappings.human_fields import AUTHORS
from sync.census import take_census
from sync.keep import in_reading_order, keep, own_objects
from sync.owners import names_of_people
from sync.state import cursors, due, ledger, mirror
from sync.state.cursors import Cursor, Phase
from sync.state.due import DueTask
from sync.state.engine import reading, writing
from sync.state.leases import HOLD_S, Lease
from sync.state.ledger import LedgerRow, WriteState
from sync.state.schema import chunks
from sync.workspace import Workspace

COMPARE = "compare"
AT = time(3)
"""When in the installation's night it is done."""

LEASE_S = HOLD_S
READ_TOGETHER = 500
FEW = 10
"""Of a customer's object, ours are read by id where they are at most every tenth record."""

RETRY_AFTER = timedelta(minutes=30)
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Compared:
    """What a compare of one object found, by records of ours: held against the CRM, other there, gone.

    ``by`` are those who saved the differing ones last and how many each, as far as the CRM says.
    """

    records: int = 0
    differed: int = 0
    missing: int = 0
    by: Mapping[str, int] | None = None

    @property
    def people(self) -> Mapping[str, int]:
        """Return who saved the differing records, with how many each."""
        return self.by or {}


def plan_compares(conn: Connection, ws: Workspace) -> None:
    """Have every object that holds records of ours compared this night, or the next one once it is over.

    One that is planned already keeps its time, also where that has passed: it is made up.
    """
    now, held = ws.now(), due.schedule(conn, ws.id)
    tonight = datetime.combine(ws.day_of(now), AT, ws.zone)
    at = tonight if now <= tonight else datetime.combine(ws.day_of(now) + DAY, AT, ws.zone)
    for name in sorted({*own_objects(ws), *(found for found, _ in ledger.counts(conn, ws.id))}):
        if held.get(task := f"{COMPARE} {name}", at) >= at:
            due.plan(conn, ws.id, task, at)


def compare(ws: Workspace, owner: str) -> Compared | None:
    """Compare the object that has been due longest; ``None`` when none is.

    Raises Unavailable and NeedsConsent after giving the task back; another refusal is kept with it.
    """
    if not ws.live:
        return None
    with writing(ws.runtime.engine) as conn:
        lease = Lease(owner, ws.now(), LEASE_S, 1)
        claimed = due.claim(conn, lease, installation_id=ws.id, kinds=[COMPARE])
    if not claimed:
        return None
    (task,) = claimed
    try:
        found = compare_object(ws, task.task.partition(" ")[2])
    except CrmError as error:
        with writing(ws.runtime.engine) as conn:
            due.fail(conn, ws.now(), task, str(error), ws.now() + RETRY_AFTER)
        if isinstance(error, Unavailable | NeedsConsent):
            raise
        log.warning("%s of %s cannot be done: %s", task.task, ws.id, error)
        return Compared()
    _enter(ws, task, found)
    return found


def compare_object(ws: Workspace, object_name: str) -> Compared:
    """Read every record of ours in an object, hold it against what was acknowledged, return what differs."""
    queries = {one.object: one for one in in_reading_order(ws)} | own_objects(ws)
    with reading(ws.runtime.engine) as conn:
        ids = set(ledger.record_ids(conn, ws.id, object_name))
    if not ids or object_name not in queries:
        return Compared()
    left, differed, authors = set(ids), 0, Counter[str]()
    for began, records in _read(ws, queries[object_name], ids):
        left.difference_update(one.id for one in records if not one.archived)
        other = _differing(ws, object_name, records, began)
        differed += len(other)
        authors.update(_saved_by(ws, other))
        if other:
            with writing(ws.runtime.engine) as conn:
                keep(conn, ws, other, "compared")
    if left:
        take_census(ws, object_name)
    return Compared(len(ids), differed, len(left), dict(authors))


def last_compared(conn: Connection, ws: Workspace) -> dict[str, tuple[datetime, Compared]]:
    """Return when each object was last compared and what was found."""
    found = {}
    for place in cursors.every(conn, ws.id):
        kind, _, name = place.object.partition(" ")
        if kind == COMPARE and name and place.position and place.high_water:
            found[name] = (place.high_water, Compared(**json.loads(place.position)))
    return found


def _enter(ws: Workspace, task: DueTask, found: Compared) -> None:
    now = ws.now()
    with writing(ws.runtime.engine) as conn:
        if due.finish(conn, now, task):
            told = json.dumps(asdict(found), sort_keys=True)
            cursors.put(conn, ws.id, now, Cursor(task.task, Phase.INCREMENTAL, told, now))


def _read(
    ws: Workspace, query: ReadQuery, ids: Collection[str]
) -> Iterator[tuple[datetime, Sequence[CrmRecord]]]:
    """Yield the records by page, or by id where ours are few, with the instant each reading began."""
    with reading(ws.runtime.engine) as conn:
        every = sum(1 for _ in mirror.live_ids(conn, ws.id, query.object))
    began = ws.now()
    if query.object in own_objects(ws) or len(ids) * FEW > every:
        for page in ws.port.iter_pages(query):
            yield began, page.records
            began = ws.now()
        return
    for chunk in chunks(sorted(ids), READ_TOGETHER):
        began = ws.now()
        yield began, ws.port.read(query.object, chunk, query.fields, query.link_to)


def _differing(
    ws: Workspace, object_name: str, records: Sequence[CrmRecord], began: datetime
) -> list[CrmRecord]:
    """Return the records that hold another value than when they took our write, as later than that write.

    Their own time may be older, which is why nobody saw it. What was sent since the reading ``began`` is
    left out: the answer to it came after what was read.
    """
    with reading(ws.runtime.engine) as conn:
        rows = ledger.by_record(conn, ws.id, object_name, [one.id for one in records])
    return [
        replace(one, source_at=max(one.source_at, row.acknowledged_at + MOMENT))
        for one in records
        if (row := rows.get(one.id)) is not None and row.acknowledged_at is not None
        if row.state is WriteState.ACKNOWLEDGED and row.acknowledged_at <= began and not one.archived
        if _differs(row, one)
    ]


def _differs(row: LedgerRow, record: CrmRecord) -> bool:
    held = row.acknowledged or {}
    return any(
        name in record.values and not same_value(record.values[name], held[name])
        for name in row.desired
        if name in held
    )


def _saved_by(ws: Workspace, records: Sequence[CrmRecord]) -> list[str]:
    """Return who saved each record last: by name where it is known, else the CRM's id, else nobody."""
    if not records:
        return []
    with reading(ws.runtime.engine) as conn:
        people = names_of_people(conn, ws)
    names = {**people.owners, **people.users}
    said = [next(filter(None, map(one.values.get, AUTHORS[ws.vendor])), None) for one in records]
    return [names.get(one, one) if one else "somebody" for one in said]
