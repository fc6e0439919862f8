"""Many rows in one statement, the same on both databases and without a statement built for each call.

A page of a hundred records is stored in a handful of statements; what they cost beside the database's own
work is what they are made of. So ids travel as one parameter (a JSON text in SQLite, an array in
PostgreSQL), which leaves the statement the same whatever their number, and rows to insert go to the driver
as they are. Neighbours: ``mirror_store``, ``dirty`` and ``identity`` write by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Dialect,
    Table,
    TableValuedAlias,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    insert,
    select,
)
from sqlalchemy.dialects import postgresql

from sync.state.schema import canonical_json

POSTGRESQL: Final = "postgresql"
Parameter = str | list[str]


def among(dialect: str, wanted: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Return the condition that a column is one of the texts in the parameter ``name`` (``texts``)."""
    if dialect == POSTGRESQL:
        return wanted == any_(bindparam(name, type_=ARRAY(Text)))
    return wanted.in_(select(column("value", Text)).select_from(func.json_each(bindparam(name, type_=Text))))


def texts(dialect: str, values: Sequence[str]) -> Parameter:
    """Return the value of a parameter of ``among`` or ``each``; the order stays."""
    return list(values) if dialect == POSTGRESQL else canonical_json(values)


def each(dialect: str, name: str) -> TableValuedAlias:
    """Return the texts in the parameter ``name`` (``texts``) as rows with one column, ``value``."""
    if dialect == POSTGRESQL:
        given = func.unnest(bindparam(name, type_=ARRAY(Text)))
        return given.table_valued(column("value", Text)).render_derived()
    return func.json_each(bindparam(name, type_=Text)).table_valued(column("value", Text))


def pairs(dialect: str, name: str) -> TableValuedAlias:
    """Return the JSON object of texts in the parameter ``name`` as rows of ``key`` and ``value``."""
    if dialect == POSTGRESQL:
        document = cast(bindparam(name, type_=Text), postgresql.JSON)
        return func.json_each_text(document).table_valued(column("key", Text), column("value", Text))
    return func.json_each(bindparam(name, type_=Text)).table_valued(
        column("key", Text), column("value", Text)
    )


def insert_rows(conn: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    """Insert whole rows, their values in the order of the table's columns and as the database keeps them."""
    if not rows:
        return
    statement = _insert(table, conn.engine.dialect)
    if conn.dialect.name == POSTGRESQL:
        names = tuple(table.c.keys())
        conn.exec_driver_sql(statement, [dict(zip(names, row, strict=True)) for row in rows])
    else:
        conn.exec_driver_sql(statement, [tuple(row) for row in rows])


@lru_cache(maxsize=32)
def _insert(table: Table, dialect: Dialect) -> str:
    return str(insert(table).compile(dialect=dialect))
