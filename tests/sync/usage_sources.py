"""Events of a made-up product, put into every kind of source that runs here, and counted by hand."""

from __future__ import annotations

import csv
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
from sqlalchemy import create_engine, text

BERLIN = ZoneInfo("Europe/Berlin")
COLUMNS = {
    "account": "customer",
    "product": "app",
    "feature": "action",
    "user": "member",
    "timestamp": "happened",
    "count": "times",
}


@dataclass(frozen=True)
class Use:
    """One event; ``came`` is when the warehouse got it."""

    customer: str
    app: str
    action: str
    member: str
    happened: datetime
    times: int
    came: datetime

    @property
    def day(self) -> date:
        """Return its day where the installation is."""
        return self.happened.astimezone(BERLIN).date()

    def row(self) -> tuple[str, str, str, str, str, int, str]:
        """Return its values, times as UTC without a zone."""
        times = [one.strftime("%Y-%m-%d %H:%M:%S") for one in (self.happened, self.came)]
        return (self.customer, self.app, self.action, self.member, times[0], self.times, times[1])


def at(day: int, hour: int) -> datetime:
    """Return an instant of January 2025, in UTC."""
    return datetime(2025, 1, day, hour, 30, tzinfo=UTC)


USES = [
    Use("birch", "core", "export", "ann", at(10, 9), 3, at(11, 1)),
    Use("birch", "core", "export", "bob", at(10, 10), 4, at(11, 1)),
    Use("birch", "core", "share", "ann", at(10, 11), 1, at(11, 1)),
    Use("birch", "core", "export", "ann", at(10, 23), 2, at(11, 1)),  # the 11th in Berlin
    Use("cedar", "core", "export", "cid", at(11, 8), 5, at(12, 1)),
    Use("cedar", "plus", "export", "cid", at(11, 9), 6, at(12, 1)),
]
LATE = Use("birch", "core", "export", "eve", at(10, 12), 7, at(13, 1))


def sums_of(uses: Sequence[Use]) -> dict[tuple[str, str, str, date], tuple[int, int]]:
    """Return (rows, uses) by account, product, feature and day, counted one by one."""
    rows: Counter[tuple[str, str, str, date]] = Counter()
    times: Counter[tuple[str, str, str, date]] = Counter()
    for one in uses:
        key = (one.customer, one.app, one.action, one.day)
        rows[key] += 1
        times[key] += one.times
    return {key: (rows[key], times[key]) for key in rows}


def users_of(uses: Sequence[Use]) -> set[tuple[str, str, date, str]]:
    """Return who was there."""
    return {(one.customer, one.app, one.day, one.member) for one in uses}


DDL = (
    "CREATE TABLE IF NOT EXISTS uses (customer text, app text, action text, member text, "
    "happened timestamp, times bigint, came timestamp)"
)
NAMES = ("customer", "app", "action", "member", "happened", "times", "came")


def into_duckdb(file: Path, uses: Sequence[Use]) -> None:
    """Replace the table of a DuckDB file."""
    with duckdb.connect(str(file)) as db:
        db.execute("DROP TABLE IF EXISTS uses")
        db.execute(DDL)
        db.executemany("INSERT INTO uses VALUES (?, ?, ?, ?, ?, ?, ?)", [one.row() for one in uses])


def into_sqlite(file: Path, uses: Sequence[Use]) -> None:
    """Replace the table of a SQLite file."""
    db = sqlite3.connect(file)
    db.execute("DROP TABLE IF EXISTS uses")
    db.execute(DDL)
    db.executemany("INSERT INTO uses VALUES (?, ?, ?, ?, ?, ?, ?)", [one.row() for one in uses])
    db.commit()
    db.close()


def into_postgres(url: str, uses: Sequence[Use]) -> None:
    """Replace the table of a PostgreSQL database."""
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.execute(text("DROP TABLE IF EXISTS uses"))
        conn.execute(text(DDL))
        into = f"INSERT INTO uses VALUES ({', '.join(f':{name}' for name in NAMES)})"
        conn.execute(text(into), [dict(zip(NAMES, one.row(), strict=True)) for one in uses])
    engine.dispose()


def csv_file(file: Path, uses: Sequence[Use]) -> Path:
    """Write a CSV file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(NAMES)
        writer.writerows(one.row() for one in uses)
    return file


def parquet_file(file: Path, uses: Sequence[Use]) -> Path:
    """Write a Parquet file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as db:
        db.execute(DDL)
        db.executemany("INSERT INTO uses VALUES (?, ?, ?, ?, ?, ?, ?)", [one.row() for one in uses])
        db.execute(f"COPY uses TO '{file}' (FORMAT parquet)")
    return file
