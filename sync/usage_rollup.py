"""The rollup: usage events → daily sums and who was there, as one SQL text for every engine.

Written in DuckDB's words over a relation ``events``. DuckDB runs it in this process, within a memory limit,
over a batch or over files; through ibis the same text is put into the words of a customer's warehouse.
Neighbours: ``usage`` rolls up batches, ``usage_folders`` files, ``usage_tables`` tables.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

NAMES = ("account_ref", "line_ref", "email_domain")
"""What an event may name its account by."""
MEMORY_MB = 512
"""What DuckDB may take; beyond that it spills to the disk."""


def sums_query(by: Sequence[str], events: str = "events") -> str:
    """Return the text that adds up events per ``by``, feature and day.

    Columns: those of ``by``, then feature, day, row_count, use_count, duration_s, error_count.
    """
    keys = ", ".join((*by, "feature", "day"))
    return (
        f"SELECT {keys}, count(*) AS row_count, CAST(sum(use_count) AS BIGINT) AS use_count, "
        "CAST(sum(duration_s) AS BIGINT) AS duration_s, CAST(sum(error_count) AS BIGINT) AS error_count "
        f"FROM {events} GROUP BY {keys}"
    )


def seen_query(by: Sequence[str], events: str = "events") -> str:
    """Return the text that names each user once per ``by`` and day: those of ``by``, day, user_ref."""
    return f"SELECT DISTINCT {', '.join((*by, 'day', 'user_ref'))} FROM {events} WHERE user_ref <> ''"


@contextmanager
def rolling_up(memory_mb: int = MEMORY_MB, within: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a DuckDB of its own that keeps within a memory limit and spills to a folder that goes with it.

    Times without a zone are UTC. ``within`` is where that folder is made: the product's work is in its home.
    """
    with tempfile.TemporaryDirectory(prefix="colonnade-rollup-", dir=within) as folder:
        config = {"memory_limit": f"{memory_mb}MB", "temp_directory": str(Path(folder) / "spilled")}
        with duckdb.connect(str(Path(folder) / "rollup.db"), config=config) as db:
            db.execute("SET TimeZone = 'UTC'")
            db.execute("SET preserve_insertion_order = false")
            db.execute("SET enable_progress_bar = false")
            yield db


def quoted(path: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + path.replace("'", "''") + "'"
