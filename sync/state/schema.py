"""Column types and small building blocks shared by every table of the state.

Two databases, one behaviour: instants are integers (microseconds since 1970 UTC) and
documents are canonical JSON text, so both sort, compare and hash the same in SQLite and
PostgreSQL. Escaped JSON also carries NUL characters, which PostgreSQL text refuses.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

from pydantic_core import to_json
from sqlalchemy import BigInteger, Column, Connection, Dialect, MetaData, Table, Text, TypeDecorator
from sqlalchemy.dialects import postgresql, sqlite

JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
Row: TypeAlias = dict[str, Any]
T = TypeVar("T")

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
CHUNK = 500  # ids per IN list: far below SQLite's 32,766 bound variables

# One for all: json.dumps makes a new one for each document that is not told by default.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class Instant(TypeDecorator[datetime]):
    """A UTC instant kept as microseconds since 1970; refuses naive datetimes."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Return the integer to store."""
        if value is None:
            return None
        return microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the stored instant in UTC."""
        return None if value is None else EPOCH + value * MICROSECOND


def microseconds(instant: datetime) -> int:
    """Return an instant as it is stored. Raises ValueError for one without time zone."""
    if instant.tzinfo is None:
        message = f"an instant needs a time zone, got {instant!r}"
        raise ValueError(message)
    return (instant - EPOCH) // MICROSECOND


class JsonText(TypeDecorator[Any]):
    """A JSON document kept as canonical text (sorted keys, no spaces, ASCII only)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: JsonValue, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Return the text to store; ``None`` is SQL NULL."""
        return None if value is None else canonical_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Return the document."""
        return None if value is None else json.loads(value)


def canonical_json(value: JsonValue) -> str:
    """Return ``value`` as JSON text that is equal whenever the documents are equal."""
    return _CANONICAL.encode(value)


def canonical_texts(values: Mapping[str, str | None]) -> str:
    """Return the same for texts by name, a mirror's many values: in a third of the time.

    pydantic writes them as ``canonical_json`` does, but for what is not plain ASCII.
    """
    try:
        written = to_json(values if _in_order(tuple(values)) else dict(sorted(values.items())))
    except ValueError:  # half a character of UTF-16, which is no text to others
        return canonical_json(dict(values))
    if written.isascii() and b"\x7f" not in written:
        return written.decode("ascii")
    return canonical_json(dict(values))


@lru_cache(maxsize=64)
def _in_order(names: tuple[str, ...]) -> bool:
    """Say whether names are in order: records of one object have the same, so that few are ever sorted."""
    return list(names) == sorted(names)


def content_hash(value: JsonValue) -> str:
    """Return the SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


# Indexes beside a primary key must not share its first two columns: without statistics, as on
# the day of the first load, PostgreSQL takes them for equally good and scans the installation.


def installation_column() -> Column[str]:
    """Return the first column of every primary key: whose row it is."""
    return Column("installation_id", Text, primary_key=True)


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Yield ``items`` in runs of at most ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


Upsert: TypeAlias = "postgresql.Insert | sqlite.Insert"


def upsert(conn: Connection, table: Table) -> Upsert:
    """Return an INSERT of the connection's own dialect, which can say ON CONFLICT."""
    return dialect_insert(conn.dialect.name, table)


def dialect_insert(dialect: str, table: Table) -> Upsert:
    """Return an INSERT of the dialect of that name, which can say ON CONFLICT."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def key_columns(table: Table) -> list[str]:
    """Return the names of the primary key's columns, for ON CONFLICT."""
    return [column.name for column in table.primary_key.columns]
