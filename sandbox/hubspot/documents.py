"""Definitions kept as JSON documents in the sandbox's file, with a copy in memory.

A document has a kind (``property``, ``group``, ``schema``, ``pipeline``, ``owner``, ``list``,
``association``), an owner (the object type id it belongs to) and a name.
"""

from __future__ import annotations

import json
from typing import Any

from sandbox.server.app import Services

Document = dict[str, Any]


class Documents:
    """Named JSON documents, in the order they were made; every write is durable before it returns."""

    def __init__(self, services: Services) -> None:
        """Read what the file holds."""
        self._connection, self._lock = services.connection, services.lock
        self._settings = services.settings
        self._kinds: dict[str, dict[tuple[str, str], Document]] = {}
        with self._lock:
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS documents (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, "
                "owner TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (kind, owner, name))"
            )
            rows = self._connection.execute(
                "SELECT kind, owner, name, body FROM documents ORDER BY seq"
            ).fetchall()
        for kind, owner, name, body in rows:
            self._kinds.setdefault(kind, {})[(owner, name)] = json.loads(body)

    def next_number(self, name: str) -> int:
        """Return 1, 2, 3 … for each counter ``name``, also after a restart."""
        number: int = self._settings.get(name, 0) + 1
        self._settings.put(name, number)
        return number

    def get(self, kind: str, owner: str, name: str) -> Document | None:
        """Return the document, or None. Treat it as frozen: change it through ``put``."""
        return self._kinds.get(kind, {}).get((owner, name))

    def of(self, kind: str, owner: str) -> list[Document]:
        """Return the documents of a kind that belong to ``owner``, oldest first."""
        return [body for (held_by, _), body in self._kinds.get(kind, {}).items() if held_by == owner]

    def all(self, kind: str) -> list[Document]:
        """Return every document of a kind, oldest first."""
        return list(self._kinds.get(kind, {}).values())

    def put(self, kind: str, owner: str, name: str, body: Document) -> None:
        """Add or replace a document."""
        self.put_many(kind, [(owner, name, body)])

    def put_many(self, kind: str, rows: list[tuple[str, str, Document]]) -> None:
        """Add or replace documents of one kind in one transaction."""
        with self._lock:
            self._connection.execute("BEGIN")
            self._connection.executemany(
                "INSERT INTO documents (kind, owner, name, body) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (kind, owner, name) DO UPDATE SET body = excluded.body",
                [(kind, owner, name, json.dumps(body)) for owner, name, body in rows],
            )
            self._connection.execute("COMMIT")
            held = self._kinds.setdefault(kind, {})
            for owner, name, body in rows:
                held[(owner, name)] = body

    def drop(self, kind: str, owner: str, name: str) -> None:
        """Remove a document for ever."""
        with self._lock:
            self._connection.execute(
                "DELETE FROM documents WHERE kind = ? AND owner = ? AND name = ?", (kind, owner, name)
            )
            self._kinds.get(kind, {}).pop((owner, name), None)
