"""A table of a customer's warehouse, rolled up where it is: through ibis the rollup speaks its SQL.

Only daily sums and the users of a day leave the warehouse. The days touched since a watermark are asked for
first; each is then added up whole, from midnight to midnight of the installation. Source: ibis pages
"Backends" and "Table.sql". Neighbours: ``usage_rollup`` has the text, ``usage_pull`` keeps what came.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from mappings.usage_sources import UsageSource
from sync.state.usage_parts import NUMBERS
from sync.usage_events import NUMBER_MAX
from sync.usage_folders import NAMED_BY
from sync.usage_ibis import connected
from sync.usage_rollup import NAMES, seen_query, sums_query

if TYPE_CHECKING:
    import ibis.expr.types as ir

BATCH_ROWS = 20_000
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Touched:
    """The days rows came for since a watermark, in order, and the newest watermark among them, if any."""

    days: tuple[date, ...]
    watermark: datetime | None


class UsageTable:
    """A table at an address, as a charter's source says to read it. Close it after use."""

    def __init__(self, url: str, source: UsageSource, zone: ZoneInfo) -> None:
        """Connect. Raises ValueError where ibis is missing, or table or column is not there."""
        try:
            import ibis
        except ImportError as error:
            raise ValueError("warehouses need ibis: pip install 'colonnade[warehouse]'") from error
        self._ibis, self._zone, self._source = ibis, zone, source
        self._columns = source.columns.named()
        try:
            self._backend: Any = connected(url)
        except Exception as error:  # noqa: BLE001 - a driver's words may repeat the address and its password
            why = type(error).__name__
            raise ValueError(f"the warehouse of {source.name} does not open ({why})") from None
        schema, _, name = (source.table or "").rpartition(".")
        try:
            self._table: ir.Table = self._backend.table(name, database=schema or None)
        except Exception as error:
            raise ValueError(f"the warehouse of {source.name} has no table {source.table}") from error
        wanted = [*self._columns.values(), *([source.watermark] if source.watermark else [])]
        missing = [one for one in wanted if one not in self._table.columns]
        if missing:
            there = ", ".join(self._table.columns)
            raise ValueError(f"{source.table} has no column {missing[0]!r}; it has {there}")
        named = [name for field, name in NAMED_BY.items() if field in self._columns]
        self.by = tuple(one for one in NAMES if one in named) + (
            ("product",) if "product" in self._columns else ()
        )

    def close(self) -> None:
        """End the connection."""
        self._backend.disconnect()

    def touched(self, since: datetime | None) -> Touched:
        """Return the days of rows whose watermark is at or after an instant; of all rows where it is None."""
        when = self._table[self._source.watermark or self._when]
        table = self._table
        if since is not None:
            table = table.filter(when >= self._instant(when, since))
        at = table[self._when]
        grouped = table.filter(at.notnull()).group_by(utc_day=at.cast("date"))
        mark = table[self._source.watermark or self._when].max()
        rows = grouped.aggregate(first=at.min(), last=at.max(), mark=mark).to_pyarrow().to_pylist()
        days = {self._local_day(row[name]) for row in rows for name in ("first", "last")}
        found = [self._as_instant(row["mark"]) for row in rows if row["mark"] is not None]
        return Touched(tuple(sorted(days)), max(found, default=None))

    def sums(self, day: date) -> Iterator[Mapping[str, Any]]:
        """Yield the daily sums of one day, as the rollup names its columns, in batches from the warehouse."""
        types = dict.fromkeys((*self.by, "feature", "day"), "string") | dict.fromkeys(NUMBERS, "int64")
        yield from self._answers(self._rolled(day, sums_query(self.by), types))

    def seen(self, day: date) -> Iterator[Mapping[str, Any]]:
        """Yield the users of one day."""
        if "user" in self._columns:
            names = (*self.by, "day", "user_ref")
            yield from self._answers(self._rolled(day, seen_query(self.by), dict.fromkeys(names, "string")))

    def rows(self, day: date) -> int:
        """Return how many rows of one day there are, sound or not."""
        return int(self._of_day(day).count().execute())

    @property
    def _when(self) -> str:
        return self._columns.get("timestamp") or self._columns["day"]

    def _answers(self, query: ir.Table) -> Iterator[Mapping[str, Any]]:
        for batch in query.to_pyarrow_batches(chunk_size=BATCH_ROWS):
            yield from batch.to_pylist()

    def _rolled(self, day: date, text: str, types: Mapping[str, str]) -> ir.Table:
        """Return the rollup of a day in the warehouse's words; it makes nothing there, not even a view.

        The types are said, for to find them out ibis would create one.
        """
        import sqlglot

        events = self._backend.compile(self._events(day))
        (rolled,) = sqlglot.transpile(text, read="duckdb", write=self._backend.dialect)
        return self._backend.sql(f"WITH events AS ({events}) {rolled}", schema=self._ibis.schema(types))

    def _of_day(self, day: date) -> ir.Table:
        at = self._table[self._when]
        if "day" in self._columns:
            return self._table.filter(at.cast("date") == self._ibis.date(day.isoformat()))
        first, until = (datetime.combine(one, time(), self._zone) for one in (day, day + DAY))
        return self._table.filter(at >= self._instant(at, first), at < self._instant(at, until))

    def _events(self, day: date) -> ir.Table:
        """Return the sound rows of a day in the rollup's columns."""
        table = self._of_day(day)
        fields: dict[str, Any] = {
            "account_ref": self._text(table, "account"),
            "line_ref": self._text(table, "subscription"),
            "email_domain": self._host(table),
            "product": self._text(table, "product"),
            "feature": self._text(table, "feature"),
            "user_ref": self._text(table, "user"),
            "day": self._ibis.literal(day.isoformat()),
            "use_count": self._number(table, "count", 1),
            "duration_s": self._number(table, "duration_s", 0),
            "error_count": self._number(table, "errors", 0),
        }
        events = table.select(**fields)
        named = [events[name] != "" for field, name in NAMED_BY.items() if field in self._columns]
        numbers = [events[name].between(0, NUMBER_MAX) for name in ("use_count", "duration_s", "error_count")]
        return events.filter(events.feature != "", self._ibis.or_(*named), *numbers)

    def _text(self, table: ir.Table, field: str) -> Any:
        if field not in self._columns:
            return self._ibis.literal("")
        return self._ibis.coalesce(table[self._columns[field]].cast("string"), "")

    def _host(self, table: ir.Table) -> Any:
        if "email" not in self._columns:
            return self._ibis.literal("")
        address = table[self._columns["email"]].cast("string").lower()
        host = address.substr(address.find("@") + 1)
        return self._ibis.coalesce(address.contains("@").ifelse(host, ""), "")

    def _number(self, table: ir.Table, field: str, missing: int) -> Any:
        if field not in self._columns:
            return self._ibis.literal(missing, type="int64")
        return self._ibis.coalesce(table[self._columns[field]].cast("int64"), missing)

    def _instant(self, column: Any, instant: datetime) -> Any:
        """Return an instant as a column can be compared with it: a column without a zone holds UTC."""
        if column.type().is_date():
            return self._ibis.date(instant.astimezone(UTC).date().isoformat())
        utc = instant.astimezone(UTC)
        zoned = column.type().is_timestamp() and column.type().timezone is not None
        return self._ibis.literal(utc if zoned else utc.replace(tzinfo=None))

    def _as_instant(self, value: object) -> datetime:
        """Return what a column holds as an instant; raises ValueError where it is no time."""
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        if isinstance(value, date):
            return datetime.combine(value, time(), UTC)
        raise ValueError(f"{self._source.name}: {value!r} is no time")

    def _local_day(self, value: object) -> date:
        if "day" in self._columns:
            return self._as_instant(value).date()
        return self._as_instant(value).astimezone(self._zone).date()
