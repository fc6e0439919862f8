"""Records of every object type: in memory for speed, in SQLite for keeps.

A record is frozen; a change puts a new one in its place. That makes the search index simple:
it holds the records as they were when last indexed, and a change reaches it after the index lag.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple, overload

from sandbox.server.app import Services


class Version(NamedTuple):
    """One value a property had from ``at`` (ms) on, and where it came from."""

    value: str
    at: int
    source: str
    source_id: str


@dataclass(frozen=True, slots=True)
class Record:
    """One record. ``values`` holds every property that is set, system ones included; times are ms.

    ``history`` holds the versions, newest first, of properties that changed since creation; the
    others have one version, made with the record by ``source``/``source_id``.
    """

    type_id: str
    id: str
    values: dict[str, str]
    created: int
    updated: int
    source: str
    source_id: str
    history: dict[str, tuple[Version, ...]]
    archived: bool = False
    archived_at: int | None = None

    def versions(self, name: str) -> tuple[Version, ...]:
        """Return the versions of a property, newest first."""
        if name in self.history:
            return self.history[name]
        value = self.values.get(name)
        return () if value is None else (Version(value, self.created, self.source, self.source_id),)


class IndexView(Sequence[Record]):
    """The indexed records from some id on; good until the table changes."""

    def __init__(self, records: dict[int, Record], ids: list[int], first: int) -> None:
        """Show ``records`` in the order of ``ids`` from position ``first``."""
        self._records, self._ids, self._first = records, ids, first

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._ids) - self._first

    @overload
    def __getitem__(self, at: int) -> Record: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Record]: ...

    def __getitem__(self, at: int | slice) -> Record | Sequence[Record]:
        """Return the record at a position, or those of a slice."""
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            return [self._records[self._ids[self._first + n]] for n in range(start, stop, step)]
        return self._records[self._ids[self._first + at]]

    def __iter__(self) -> Iterator[Record]:
        """Go through them by id."""
        return map(self._records.__getitem__, islice(self._ids, self._first, None))


class RecordTable:
    """The records of one object type, by id, with the search index beside them."""

    def __init__(self) -> None:
        """Start empty."""
        self.live: dict[str, Record] = {}
        self.gone: dict[str, Record] = {}
        self._live_ids: list[int] = []
        self._gone_ids: list[int] = []
        self._indexed: dict[int, Record] = {}
        self._indexed_ids: list[int] = []
        self._waiting: deque[tuple[float, Record]] = deque()
        self.unique: dict[str, dict[str, str]] = {}

    def put(self, record: Record, index_at: float | None) -> None:
        """Take a record in; it reaches the search index at monotonic ``index_at``, None at once.

        An archived record leaves the index at once: search never answers it.
        """
        key = int(record.id)
        held, ids = (self.gone, self._gone_ids) if record.archived else (self.live, self._live_ids)
        other, other_ids = (self.live, self._live_ids) if record.archived else (self.gone, self._gone_ids)
        if record.id not in held:
            insort(ids, key)
        held[record.id] = record
        if other.pop(record.id, None) is not None:
            del other_ids[bisect_left(other_ids, key)]
        if index_at is None or record.archived:
            self._index(record)
        else:
            self._waiting.append((index_at, record))

    def purge(self, record: Record) -> None:
        """Remove a record from everywhere."""
        self.put(replace(record, archived=True), None)
        del self.gone[record.id]
        self._gone_ids.remove(int(record.id))

    def _index(self, record: Record) -> None:
        key = int(record.id)
        if record.id not in self.live:
            if self._indexed.pop(key, None) is not None:
                del self._indexed_ids[bisect_left(self._indexed_ids, key)]
            return
        if key not in self._indexed:
            insort(self._indexed_ids, key)
        self._indexed[key] = record

    def _settle(self) -> None:
        now = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now:
            self._index(self._waiting.popleft()[1])

    def indexed(self, above: int | None = None) -> Sequence[Record]:
        """Return the records as the search index now knows them, by id, from id ``above`` (left out) on.

        Nothing is copied or sorted: what a page of a keyset search costs does not grow with the table.
        """
        self._settle()
        first = 0 if above is None else bisect_right(self._indexed_ids, above)
        return IndexView(self._indexed, self._indexed_ids, first)

    def page(self, start: int, limit: int, archived: bool) -> list[Record]:
        """Return up to ``limit`` records with id >= ``start``, by id."""
        held, ids = (self.gone, self._gone_ids) if archived else (self.live, self._live_ids)
        first = bisect_left(ids, start)
        return [held[str(number)] for number in ids[first : first + limit]]


class Records:
    """All records of the portal."""

    def __init__(self, services: Services, index_lag: float) -> None:
        """Read everything in ``services``' file; ``index_lag`` is in real seconds."""
        self._connection: sqlite3.Connection = services.connection
        self._lock: threading.RLock = services.lock
        self._lag = index_lag
        self._tables: dict[str, RecordTable] = {}
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY, type TEXT NOT NULL, "
            "archived INTEGER NOT NULL, body TEXT NOT NULL)"
        )
        self._last = 10_000_000_000
        for row in self._connection.execute("SELECT id, type, archived, body FROM records ORDER BY id"):
            record = _unpack(*row)
            self.table(record.type_id).put(record, None)
            self._last = max(self._last, row[0])

    def table(self, type_id: str) -> RecordTable:
        """Return the records of a type (an empty table when there are none)."""
        return self._tables.setdefault(type_id, RecordTable())

    def next_id(self) -> str:
        """Return a new record id; ids grow, and are larger than 2^31."""
        self._last += 1
        return str(self._last)

    def find(self, type_id: str, record_id: str) -> Record | None:
        """Return the live record, or None."""
        return self.table(type_id).live.get(record_id)

    def purge(self, record: Record) -> None:
        """Remove a record for ever. The caller is in a transaction."""
        self._connection.execute("DELETE FROM records WHERE id = ?", (int(record.id),))
        self.table(record.type_id).purge(record)

    def keep(self, records: Iterable[Record], at_once: bool = False) -> None:
        """Store records, all or none; ``at_once`` skips the index lag. The caller is in a transaction."""
        held = list(records)
        self._connection.executemany(
            "INSERT INTO records VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET archived = excluded.archived, body = excluded.body",
            [_pack(record) for record in held],
        )
        index_at = None if at_once or self._lag <= 0 else time.monotonic() + self._lag
        for record in held:
            self.table(record.type_id).put(record, index_at)


def _pack(record: Record) -> tuple[int, str, int, str]:
    body = [
        record.values,
        record.created,
        record.updated,
        record.source,
        record.source_id,
        record.history,
        record.archived_at,
    ]
    return int(record.id), record.type_id, int(record.archived), json.dumps(body, separators=(",", ":"))


def _unpack(number: int, type_id: str, archived: int, body: str) -> Record:
    values, created, updated, source, source_id, history, archived_at = json.loads(body)
    past = {name: tuple(Version(*one) for one in versions) for name, versions in history.items()}
    record = Record(type_id, str(number), values, created, updated, source, source_id, past)
    return replace(record, archived=bool(archived), archived_at=archived_at)
