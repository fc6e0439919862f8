"""One engine over the events of a bench, in a process of its own: ``python -m sync.bench.usage_engines``.

Arguments: ENGINE (ours, duckdb, chdb), the folder of events, a folder for the results, megabytes. Each engine
writes the same results as Parquet: the daily sums of everything, the distinct users of everything, and both
of one day. Prints seconds and the peak of memory. ``ours`` is the product's own rollup, file by file as it is
pulled; the others are what one would write by hand. Neighbour: ``usage`` starts it and compares.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import duckdb

from sync.bench.peak import forget_peak, peak_kb
from sync.bench.usage_made_up import FIRST_DAY
from sync.usage_folders import FileRollup
from sync.usage_rollup import quoted, rolling_up

SUMS: Final = (
    "SELECT account, product, feature, day, count(*) AS row_count, sum(count) AS use_count, "
    "sum(duration_s) AS duration_s, sum(errors) AS error_count FROM {events} "
    "GROUP BY account, product, feature, day"
)
USERS: Final = (
    "SELECT account, product, day, {distinct} AS users FROM {events} GROUP BY account, product, day"
)
Rolls = Callable[[Sequence[Path], Path], None]
COLUMNS: Final = {
    "account": "account",
    "product": "product",
    "feature": "feature",
    "user": "user",
    "day": "day",
    "count": "count",
    "duration_s": "duration_s",
    "errors": "errors",
}


class Engine(Protocol):
    """An engine that rolls up files into one Parquet file."""

    def sums(self, files: Sequence[Path], out: Path) -> None:
        """Write the daily sums."""
        ...

    def users(self, files: Sequence[Path], out: Path) -> None:
        """Write the daily distinct users."""
        ...


class Ours:
    """The product's rollup: the files one by one, as they are pulled."""

    def __init__(self, memory_mb: int) -> None:
        """Keep within a memory limit."""
        self._memory_mb = memory_mb

    def sums(self, files: Sequence[Path], out: Path) -> None:
        """Write the daily sums."""
        with rolling_up(self._memory_mb) as db:
            for place, rolled in self._rolled(db, files, out):
                _copy(
                    db, f"SELECT account_ref AS account, * EXCLUDE (account_ref) FROM ({rolled.sums})", place
                )

    def users(self, files: Sequence[Path], out: Path) -> None:
        """Write the daily distinct users."""
        with rolling_up(self._memory_mb) as db:
            for place, rolled in self._rolled(db, files, out):
                users = f"SELECT account_ref AS account, product, day, count(*) AS users FROM ({rolled.seen})"
                _copy(db, f"{users} GROUP BY account_ref, product, day", place)

    def _rolled(
        self, db: duckdb.DuckDBPyConnection, files: Sequence[Path], out: Path
    ) -> Iterator[tuple[Path, FileRollup]]:
        """Yield each file's rollup and where its result goes."""
        out.mkdir()
        for number, file in enumerate(files):
            yield out / f"{number:03}.parquet", FileRollup(db, file, COLUMNS, "UTC")


class DuckDB:
    """DuckDB's SQL as one would write it, over all files at once."""

    def __init__(self, memory_mb: int) -> None:
        """Keep within a memory limit."""
        self._memory_mb = memory_mb

    def sums(self, files: Sequence[Path], out: Path) -> None:
        """Write the daily sums."""
        self._write(SUMS.format(events=_duckdb_events(files)), out)

    def users(self, files: Sequence[Path], out: Path) -> None:
        """Write the daily distinct users."""
        counted = 'count(DISTINCT "user")'
        self._write(USERS.format(events=_duckdb_events(files), distinct=counted), out)

    def _write(self, query: str, out: Path) -> None:
        spilled = {"memory_limit": f"{self._memory_mb}MB", "temp_directory": f"{out}.spilled"}
        with duckdb.connect(config=spilled) as db:
            db.execute("SET preserve_insertion_order = false")
            db.execute("SET enable_progress_bar = false")
            _copy(db, query, out)


class ChDB:
    """ClickHouse's SQL in chDB; it has no memory limit that ends in spilling to the disk here."""

    def sums(self, files: Sequence[Path], out: Path) -> None:
        """Write the daily sums."""
        self._write(SUMS.format(events=_chdb_events(files)), out)

    def users(self, files: Sequence[Path], out: Path) -> None:
        """Write the daily distinct users."""
        counted = "uniqExact(user)"
        self._write(USERS.format(events=_chdb_events(files), distinct=counted), out)

    def _write(self, query: str, out: Path) -> None:
        import chdb

        chdb.query(f"{query} INTO OUTFILE {quoted(str(out))} FORMAT Parquet")


def _duckdb_events(files: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(quoted(str(one)) for one in files)}])"


def _chdb_events(files: Sequence[Path]) -> str:
    folder = files[0].parent.parent
    days = "*" if len(files) > 1 else files[0].parent.name
    return f"file({quoted(f'{folder}/{days}/events.parquet')}, Parquet)"


def _copy(db: duckdb.DuckDBPyConnection, query: str, out: Path) -> None:
    db.execute(f"COPY ({query}) TO {quoted(str(out))} (FORMAT parquet)")


def _engine(name: str, memory_mb: int) -> Engine:
    if name == "chdb":
        import chdb  # noqa: F401 - so that its loading counts for memory and not for time

        return ChDB()
    return Ours(memory_mb) if name == "ours" else DuckDB(memory_mb)


def main() -> None:
    """Roll up and print."""
    name, events, results, memory_mb = sys.argv[1:]
    engine, out = _engine(name, int(memory_mb)), Path(results)
    files = sorted(Path(events).glob("*/events.parquet"))
    late = [file for file in files if file.parent.name == FIRST_DAY.isoformat()]
    forget_peak()
    told: dict[str, float] = {}
    steps: Mapping[str, tuple[Rolls, Sequence[Path], str]] = {
        "counts": (engine.sums, files, "sums"),
        "distinct": (engine.users, files, "users"),
        "one_day_counts": (engine.sums, late, "day-sums"),
        "one_day_distinct": (engine.users, late, "day-users"),
    }
    for step, (rolls, over, result) in steps.items():
        begun, worked = time.perf_counter(), time.process_time()
        rolls(over, out / f"{result}.parquet")
        told[f"{step}_s"] = round(time.perf_counter() - begun, 4)
        told[f"{step}_processor_s"] = round(time.process_time() - worked, 4)
    told["peak_rss_mb"] = round(peak_kb() / 1000, 1)
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
