"""One SQLite file per sandbox, and a small table of settings that survive a restart.

The vendor sandboxes add their own tables to the same file; the clock keeps its state in ``settings``.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from typing import Any


def open_database(path: str) -> sqlite3.Connection:
    """Open (or make) the sandbox's file: WAL, usable from any thread, explicit transactions.

    ``synchronous=NORMAL`` under WAL survives the end of the process at any instant, which is
    what the sandboxes promise; it does not promise to survive a power cut.
    """
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA busy_timeout=10000")
    connection.execute("PRAGMA cache_size=-32000")
    return connection


class Settings:
    """Named JSON values in the sandbox's own file; every ``put`` is durable before it returns."""

    def __init__(self, connection: sqlite3.Connection, lock: threading.RLock) -> None:
        """Use ``connection`` under ``lock``, the lock that guards all writes to the file."""
        self._connection = connection
        self._lock = lock
        with lock:
            connection.execute("CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT)")

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value stored under ``name``, else ``default``."""
        with self._lock:
            row = self._connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row[0])

    def put(self, name: str, value: Any) -> None:
        """Store ``value`` (anything JSON can hold) under ``name``."""
        with self._lock:
            self._connection.execute(
                "INSERT INTO settings VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
                (name, json.dumps(value)),
            )

    def put_each(self, prefix: str, values: Mapping[str, Sequence[Any]]) -> None:
        """Store every list under ``prefix`` and its name, all or none: one of many is then read alone."""
        with self._lock:
            self._connection.execute(
                "INSERT INTO settings SELECT ? || key, value FROM json_each(?) WHERE true"
                " ON CONFLICT(name) DO UPDATE SET value = excluded.value",
                (prefix, json.dumps(values)),
            )
