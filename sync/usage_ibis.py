"""ibis opened at an address, DuckDB files among them.

ibis 12.0.0 asks a DuckDB connection for two names that DuckDB 2 gave others (its own change of this is ibis
pull request 12001, released in none yet). Neighbour: ``usage_tables`` speaks through this.
"""

from __future__ import annotations

from typing import Any, Final, Self

import duckdb

RENAMED: Final = {"fetch_arrow_table": "to_arrow_table", "fetch_record_batch": "to_arrow_reader"}


def connected(url: str) -> Any:
    """Return ibis's backend at an address. Raises ImportError without ibis or the backend's own packages."""
    import ibis

    backend = ibis.connect(url, **({"read_only": True} if url.startswith("duckdb:") else {}))
    if isinstance(backend.con, duckdb.DuckDBPyConnection) and not hasattr(backend.con, "fetch_arrow_table"):
        backend.con = _Renaming(backend.con)
    return backend


class _Renaming:
    """A DuckDB connection that answers to the names it had."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con

    def __getattr__(self, name: str) -> Any:
        return getattr(self._con, RENAMED.get(name, name))

    def execute(self, *arguments: Any, **named: Any) -> _Renaming:
        """Run a statement; what it answers is fetched from this."""
        self._con.execute(*arguments, **named)
        return self

    def cursor(self) -> _Renaming:
        """Return a connection of its own to the same database."""
        return _Renaming(self._con.cursor())

    def fetch_record_batch(self, rows_per_batch: int = 1_000_000) -> Any:
        """Return the answer in batches."""
        return self._con.to_arrow_reader(rows_per_batch)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._con.close()
