"""Many rows in one statement, the same on both databases and without a statement built for each call.

A page of a hundred records is stored in a handful of statements; what they cost beside the database's own
work is what they are made of. So ids travel as one parameter (a JSON text in SQLite, an array in
PostgreSQL), which leaves the statement the same whatever their number, and rows to insert go to the driver
as they are. Neighbours: ``mirror_store``, ``dirty`` and ``identity`` write by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
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
RUN: Final = 100
"""Rows of one INSERT in SQLite: a page of HubSpot's."""

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
    if conn.dialect.name == POSTGRESQL:
        names, statement = tuple(table.c.keys()), _insert(table, conn.engine.dialect)
        conn.exec_driver_sql(statement, [dict(zip(names, row, strict=True)) for row in rows])
    else:
        _insert_in_runs(conn, table, rows)


def _insert_in_runs(conn: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    """Insert a page's rows by one statement, what is left over row by row, so that two statements do for all.

    SQLite's driver lets go of the interpreter for each statement, and a thread that reads ahead takes it.
    """
    whole = len(rows) - len(rows) % RUN
    for start in range(0, whole, RUN):
        values = tuple(chain.from_iterable(rows[start : start + RUN]))
        conn.exec_driver_sql(_insert(table, conn.engine.dialect, RUN), values)
    if whole < len(rows):
        rest = [tuple(row) for row in rows[whole:]]
        conn.exec_driver_sql(_insert(table, conn.engine.dialect), rest)


@lru_cache(maxsize=32)
def _insert(table: Table, dialect: Dialect, rows: int = 1) -> str:
    one = str(insert(table).compile(dialect=dialect))
    head, word, values = one.partition(" VALUES ")
    return head + word + ", ".join([values] * rows)
