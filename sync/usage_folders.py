"""A file of usage events, CSV or Parquet, as DuckDB reads it: rolled up by day without being held in memory.

What cannot be a usage fact (no feature, no name of an account, no day, a number below nothing) is left out
and counted. Neighbours: ``usage_rollup`` has the rollup, ``usage_objects`` finds and fetches files,
``usage_pull`` keeps what came of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb

from sync.usage_events import NUMBER_MAX, TEXT_MAX_BYTES
from sync.usage_rollup import NAMES, quoted, seen_query, sums_query

NAMED_BY: Final = {"account": "account_ref", "subscription": "line_ref", "email": "email_domain"}
"""The fields an account is named by, and what the rollup calls them."""
UNSOUND: Final = -1
EMPTY: Final = "''"
NOBODY: Final = "SELECT DATE '1970-01-01' AS day, '' AS user_ref WHERE FALSE"
BATCH_ROWS: Final = 20_000


class FileRollup:
    """The rollup of one file as SQL: ``sums`` and ``seen``, whose first columns are ``by``."""

    def __init__(
        self, db: duckdb.DuckDBPyConnection, file: Path, columns: Mapping[str, str], zone: str
    ) -> None:
        """Take the file, the column of each field (a field may have none), and the zone days begin in.

        Raises ValueError naming the first column that the file does not have.
        """
        self._db, self._file = db, _reading(file)
        there = [row[0] for row in db.execute(f"DESCRIBE SELECT * FROM {self._file}").fetchall()]
        for field, column in columns.items():
            if column not in there:
                raise ValueError(
                    f"{file.name} has no column {column!r} for `{field}`; it has {', '.join(there)}"
                )
        self._columns, self._zone = columns, zone
        named = [name for field, name in NAMED_BY.items() if field in columns]
        self.by = tuple(name for name in NAMES if name in named) + (
            ("product",) if "product" in columns else ()
        )
        events = f"(SELECT * FROM ({self._events()}) WHERE {self._sound(named)})"
        self.sums = sums_query(self.by, events)
        self.seen = seen_query(self.by, events) if "user" in columns else ""

    def rows(self) -> int:
        """Return how many rows the file has, sound or not."""
        (found,) = self._db.execute(f"SELECT count(*) FROM {self._file}").fetchall()
        return int(found[0])

    def _events(self) -> str:
        fields = {
            "account_ref": self._text("account"),
            "line_ref": self._text("subscription"),
            "email_domain": self._host(),
            "product": self._text("product"),
            "feature": self._text("feature"),
            "user_ref": self._text("user"),
            "day": self._day(),
            "use_count": self._number("count", 1),
            "duration_s": self._number("duration_s", 0),
            "error_count": self._number("errors", 0),
        }
        return f"SELECT {', '.join(f'{text} AS {name}' for name, text in fields.items())} FROM {self._file}"

    def _text(self, field: str) -> str:
        return f"coalesce(CAST({self._named(field)} AS VARCHAR), '')" if field in self._columns else "''"

    def _host(self) -> str:
        return f"lower(split_part({self._text('email')}, '@', 2))" if "email" in self._columns else "''"

    def _number(self, field: str, missing: int) -> str:
        if field not in self._columns:
            return f"{missing}::BIGINT"
        name = self._named(field)
        empty = f"nullif(CAST({name} AS VARCHAR), '')" if self._is_csv else name
        read = f"coalesce(TRY_CAST({empty} AS BIGINT), {UNSOUND})"
        return f"CASE WHEN {empty} IS NULL THEN {missing} ELSE {read} END"

    def _day(self) -> str:
        if "day" in self._columns:
            return f"TRY_CAST({self._named('day')} AS DATE)"
        moment = f"TRY_CAST({self._named('timestamp')} AS TIMESTAMPTZ)"
        return f"CAST(timezone({quoted(self._zone)}, {moment}) AS DATE)"

    @property
    def _is_csv(self) -> bool:
        return self._file.startswith("read_csv")

    def _named(self, field: str) -> str:
        column = self._columns[field].replace('"', '""')
        return f'"{column}"'

    def _sound(self, named: list[str]) -> str:
        texts = [*self.by, "feature", *(["user_ref"] if "user" in self._columns else [])]
        conditions = [
            "feature <> ''",
            "day IS NOT NULL",
            f"({' OR '.join(f'{one} <> {EMPTY}' for one in named)})",
        ]
        conditions += [f"strlen({one}) <= {TEXT_MAX_BYTES}" for one in texts]
        numbers = {"use_count": "count", "duration_s": "duration_s", "error_count": "errors"}
        conditions += [
            f"{one} BETWEEN 0 AND {NUMBER_MAX}" for one, field in numbers.items() if field in self._columns
        ]
        return " AND ".join(conditions)


def _reading(file: Path) -> str:
    """Return how DuckDB reads the file; a CSV's columns are read as they stand and typed by us."""
    path = quoted(str(file))
    if file.suffix == ".parquet":
        return f"read_parquet({path})"
    return f"read_csv({path}, header = true, all_varchar = true, nullstr = '', allow_quoted_nulls = true)"


class RolledFile:
    """A file rolled up into tables of a DuckDB, from which each day is told in batches."""

    def __init__(
        self, db: duckdb.DuckDBPyConnection, file: Path, columns: Mapping[str, str], zone: str
    ) -> None:
        """Roll up the file. Raises ValueError for a column it does not have."""
        rollup = FileRollup(db, file, columns, zone)
        db.execute(f"CREATE TABLE sums AS {rollup.sums}")
        db.execute(f"CREATE TABLE seen AS {rollup.seen or NOBODY}")
        self._db = db
        self.days = [row[0] for row in db.execute("SELECT DISTINCT day FROM sums ORDER BY day").fetchall()]
        self.unsound = rollup.rows() - self._added("TRUE")

    def rows(self, day: date) -> int:
        """Return how many sound rows of a day the file has."""
        return self._added(f"day = DATE '{day}'")

    def sums(self, day: date) -> Iterator[Mapping[str, Any]]:
        """Yield the sums of a day, as the rollup names its columns."""
        yield from self._told(f"SELECT * FROM sums WHERE day = DATE '{day}'")

    def seen(self, day: date) -> Iterator[Mapping[str, Any]]:
        """Yield the users of a day."""
        yield from self._told(f"SELECT * FROM seen WHERE day = DATE '{day}'")

    def _added(self, condition: str) -> int:
        query = f"SELECT coalesce(sum(row_count), 0) FROM sums WHERE {condition}"
        (found,) = self._db.execute(query).fetchall()
        return int(found[0])

    def _told(self, query: str) -> Iterator[Mapping[str, Any]]:
        with self._db.cursor() as cursor:
            cursor.execute(query)
            names = [one[0] for one in cursor.description or ()]
            while rows := cursor.fetchmany(BATCH_ROWS):
                for row in rows:
                    yield dict(zip(names, row, strict=True))
