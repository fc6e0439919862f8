"""The org's records: all in memory for speed, every committed change in one SQLite file.

A ``Change`` collects the writes of one request (or one collection row) so that they can be
taken back; ``Store.commit`` makes them durable. Unique fields have an index here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from sandbox.server.app import Services

Row = dict[str, Any]

_TABLES = """
CREATE TABLE IF NOT EXISTS record (
    id TEXT PRIMARY KEY, object TEXT NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
"""


class Saved(NamedTuple):
    """What one commit made of a row: what it was before (None: not there) and what it is now."""

    object: str
    id: str
    before: Row | None
    after: Row | None


class Change:
    """The rows a request touched, with what they were before."""

    def __init__(self) -> None:
        """Start with nothing touched."""
        self.before: dict[str, tuple[str, Row | None]] = {}
        self.created: list[str] = []

    def join(self, later: Change) -> None:
        """Take over what a later change did, so that both can be undone as one."""
        for row_id, before in later.before.items():
            self.before.setdefault(row_id, before)
        self.created += later.created


class Store:
    """Rows by object and id, indexed by unique fields; thread safety is the caller's lock."""

    def __init__(self, services: Services) -> None:
        """Read every row of the sandbox's file into memory."""
        self._db, self._lock, self._settings = services.connection, services.lock, services.settings
        self._db.executescript(_TABLES)
        self.rows: dict[str, dict[str, Row]] = {}
        self._unique: dict[tuple[str, str], dict[str, str]] = {}
        self._folds: dict[tuple[str, str], bool] = {}
        self._dirty: dict[str, tuple[str, Row | None]] = {}
        self._before: dict[str, Row | None] = {}
        self.committed: Callable[[list[Saved]], None] = lambda _saved: None
        for row_id, name, body in self._db.execute("SELECT id, object, body FROM record ORDER BY id"):
            self.rows.setdefault(name, {})[row_id] = json.loads(body)

    def table(self, object_name: str) -> dict[str, Row]:
        """Return an object's rows by 18-character id, deleted ones included."""
        return self.rows.setdefault(object_name, {})

    def find(self, object_name: str, row_id: str) -> Row | None:
        """Return a row, deleted or not."""
        return self.table(object_name).get(row_id)

    def index(self, object_name: str, field: str, *, case_sensitive: bool) -> None:
        """Keep ``field`` findable by value (external ids and unique fields)."""
        key = (object_name, field)
        self._folds[key] = not case_sensitive
        index = self._unique[key] = {}
        for row in self.table(object_name).values():
            value = row.get(field)
            if value is not None and not row.get("IsDeleted"):
                index[self._fold(key, value)] = row["Id"]

    def holder(self, object_name: str, field: str, value: Any) -> str | None:
        """Return the id of the live row that holds a unique value, if any."""
        key = (object_name, field)
        index = self._unique.get(key)
        return None if index is None else index.get(self._fold(key, value))

    def holders(self, object_name: str, field: str, value: Any) -> list[str]:
        """Return the ids of all live rows with a value, for external ids that are not unique."""
        fold = self._folds.get((object_name, field), True)
        wanted = _folded(value, fold=fold)
        rows = self.table(object_name).values()
        return [
            r["Id"] for r in rows if not r.get("IsDeleted") and _folded(r.get(field), fold=fold) == wanted
        ]

    def put(self, change: Change, object_name: str, row: Row) -> None:
        """Insert or replace a row within a change."""
        row_id = row["Id"]
        table = self.table(object_name)
        old = table.get(row_id)
        if row_id not in change.before:
            change.before[row_id] = (object_name, old)
        self._reindex(object_name, old, row)
        table[row_id] = row
        self._touch(object_name, row_id, old, row)

    def remove(self, change: Change, object_name: str, row_id: str) -> None:
        """Purge a row within a change."""
        old = self.table(object_name).pop(row_id, None)
        if row_id not in change.before:
            change.before[row_id] = (object_name, old)
        self._reindex(object_name, old, None)
        self._touch(object_name, row_id, old, None)

    def undo(self, change: Change) -> None:
        """Take back everything a change did."""
        for row_id, (object_name, old) in reversed(change.before.items()):
            table = self.table(object_name)
            now = table.get(row_id)
            self._reindex(object_name, now, old)
            if old is None:
                table.pop(row_id, None)
            else:
                table[row_id] = old
            self._touch(object_name, row_id, now, old)
        change.before.clear()
        change.created.clear()

    def pending(self) -> list[tuple[str, str, bool]]:
        """Return (object, id, whether it is new) of the rows changed since the last commit."""
        return [(name, row_id, self._before[row_id] is None) for row_id, (name, _row) in self._dirty.items()]

    def commit(self) -> None:
        """Write all that changed since the last commit to the file."""
        dirty, self._dirty = self._dirty, {}
        before, self._before = self._before, {}
        if not dirty:
            return
        puts = [(i, o, json.dumps(r, separators=(",", ":"))) for i, (o, r) in dirty.items() if r is not None]
        gone = [(i,) for i, (_, r) in dirty.items() if r is None]
        with self._lock:
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO record (id, object, body) VALUES (?, ?, ?)", puts)
            self._db.executemany("DELETE FROM record WHERE id = ?", gone)
            self._db.execute("COMMIT")
        self.committed([Saved(name, key, before[key], row) for key, (name, row) in dirty.items()])

    def _touch(self, object_name: str, row_id: str, old: Row | None, new: Row | None) -> None:
        """Remember that a row is to be committed, and what it was at the last commit."""
        self._before.setdefault(row_id, old)
        self._dirty[row_id] = (object_name, new)

    def drop_object(self, object_name: str) -> None:
        """Forget all rows of a deleted object."""
        change = Change()
        for row_id in list(self.table(object_name)):
            self.remove(change, object_name, row_id)

    def drop_field(self, object_name: str, field: str) -> None:
        """Forget the values of a deleted field."""
        change = Change()
        for row in list(self.table(object_name).values()):
            if field in row:
                self.put(change, object_name, {k: v for k, v in row.items() if k != field})
        self._unique.pop((object_name, field), None)

    def note(self, key: str, value: Any) -> None:
        """Keep a JSON value of the org itself (schema, tokens, settings) durably."""
        self._settings.put("sf:" + key, value)

    def note_each(self, prefix: str, values: Mapping[str, list[str]]) -> None:
        """Keep many lists durably, each to be had alone by ``noted``."""
        self._settings.put_each("sf:" + prefix, values)

    def noted(self, key: str, default: Any = None) -> Any:
        """Return a kept value."""
        return self._settings.get("sf:" + key, default)

    def live(self, object_name: str) -> Iterable[Row]:
        """Yield the rows of an object that are not deleted."""
        return (r for r in self.table(object_name).values() if not r.get("IsDeleted"))

    def _fold(self, key: tuple[str, str], value: Any) -> str:
        return str(_folded(value, fold=self._folds[key]))

    def _reindex(self, object_name: str, old: Row | None, new: Row | None) -> None:
        for key, index in self._unique.items():
            if key[0] == object_name:
                self._move(key, index, old, new)

    def _move(self, key: tuple[str, str], index: dict[str, str], old: Row | None, new: Row | None) -> None:
        before = None if old is None or old.get("IsDeleted") else old.get(key[1])
        after = None if new is None or new.get("IsDeleted") else new.get(key[1])
        if before is not None and old is not None and index.get(self._fold(key, before)) == old["Id"]:
            del index[self._fold(key, before)]
        if after is not None and new is not None:
            index[self._fold(key, after)] = new["Id"]


def _folded(value: Any, *, fold: bool) -> Any:
    if value is None:
        return None
    text = f"{value:.15g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    return text.lower() if fold else text
