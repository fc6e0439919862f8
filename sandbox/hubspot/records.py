"""Records of every object type: in memory for speed, in SQLite for keeps.

A record is frozen; a change puts a new one in its place. That makes the search index simple:
it holds the records as they were when last indexed, and a change reaches it after the index lag.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

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


class RecordTable:
    """The records of one object type, by id, with the search index beside them."""

    def __init__(self) -> None:
        """Start empty."""
        self.live: dict[str, Record] = {}
        self.gone: dict[str, Record] = {}
        self._live_ids: list[int] = []
        self._gone_ids: list[int] = []
        self._indexed: dict[str, Record] = {}
        self._waiting: deque[tuple[float, Record]] = deque()
        self.unique: dict[str, dict[str, str]] = {}

    def put(self, record: Record, index_at: float | None) -> None:
        """Take a record in; it reaches the search index at monotonic ``index_at``, None at once."""
        key = int(record.id)
        held, ids = (self.gone, self._gone_ids) if record.archived else (self.live, self._live_ids)
        other, other_ids = (self.live, self._live_ids) if record.archived else (self.gone, self._gone_ids)
        if record.id not in held:
            insort(ids, key)
        held[record.id] = record
        if other.pop(record.id, None) is not None:
            del other_ids[bisect_left(other_ids, key)]
        if index_at is None:
            self._index(record)
        else:
            self._waiting.append((index_at, record))

    def _index(self, record: Record) -> None:
        if record.archived:
            self._indexed.pop(record.id, None)
        else:
            self._indexed[record.id] = record

    def indexed(self) -> list[Record]:
        """Return the records as the search index now knows them; archived ones are never among them."""
        now = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now:
            self._index(self._waiting.popleft()[1])
        return [record for record in self._indexed.values() if record.id in self.live]

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
