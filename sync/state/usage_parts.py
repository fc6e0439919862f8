"""What each part of a usage source was counted for: by this a part read again changes only what is new in it.

A part is a file, or a whole table. Its mark says up to where, or in which form, it was read; its sums per day
stand beside the usage they were added to, so that another reading adds the difference.
Neighbours: ``usage_store`` holds what counts, ``sync/usage_pull.py`` compares.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Date,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    func,
    select,
)

from sync.state.schema import Instant, installation_column, key_columns, metadata, upsert

usage_part = Table(
    "usage_part",
    metadata,
    installation_column(),
    Column("source", Text, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("mark", Text, nullable=False),
    Column("read_at", Instant, nullable=False),
)
usage_part_sum = Table(
    "usage_part_sum",
    metadata,
    installation_column(),
    Column("source", Text, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("account_ref", Text, primary_key=True),
    Column("line_ref", Text, primary_key=True),
    Column("product", Text, primary_key=True),
    Column("feature", Text, primary_key=True),
    Column("row_count", BigInteger, nullable=False),
    Column("use_count", BigInteger, nullable=False),
    Column("duration_s", BigInteger, nullable=False),
    Column("error_count", BigInteger, nullable=False),
)
Cell = tuple[str, str, str, str]
"""Reference, line, product, feature."""
Numbers = tuple[int, int, int, int]
"""Rows, uses, seconds, errors."""
CELL = ("account_ref", "line_ref", "product", "feature")
NUMBERS = ("row_count", "use_count", "duration_s", "error_count")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a source of an installation."""

    installation_id: str
    source: str
    name: str


def marks(conn: Connection, installation_id: str, source: str) -> dict[str, str]:
    """Return the mark of every part that was read."""
    mine = and_(usage_part.c.installation_id == installation_id, usage_part.c.source == source)
    return dict(conn.execute(select(usage_part.c.part, usage_part.c.mark).where(mine)).all())


def put_mark(conn: Connection, part: Part, mark: str, now: datetime) -> None:
    """Enter how a part stood when it was read."""
    row = {"installation_id": part.installation_id, "source": part.source, "part": part.name}
    values = {"mark": mark, "read_at": now}
    statement = upsert(conn, usage_part).values(row | values)
    conn.execute(statement.on_conflict_do_update(index_elements=key_columns(usage_part), set_=values))


def last_read(conn: Connection, installation_id: str) -> dict[str, tuple[int, datetime]]:
    """Return of each source how many parts were read and when last."""
    table = usage_part.c
    query = select(table.source, func.count(), func.max(table.read_at)).group_by(table.source)
    found = conn.execute(query.where(table.installation_id == installation_id)).all()
    return {row[0]: (int(row[1]), row[2]) for row in found}


def days(conn: Connection, part: Part) -> set[date]:
    """Return the days a part was counted for."""
    query = select(usage_part_sum.c.day).where(_of(part)).distinct()
    return set(conn.execute(query).scalars())


def sums(conn: Connection, part: Part, day: date) -> dict[Cell, Numbers]:
    """Return what a part was counted for on a day."""
    query = select(*(usage_part_sum.c[name] for name in (*CELL, *NUMBERS)))
    found = conn.execute(query.where(_of(part), usage_part_sum.c.day == day)).all()
    return {(row[0], row[1], row[2], row[3]): (row[4], row[5], row[6], row[7]) for row in found}


def put_sums(
    conn: Connection, part: Part, day: date, found: Mapping[Cell, Numbers], gone: Collection[Cell]
) -> None:
    """Enter what a part is now counted for in some cells of a day, and that others are gone."""
    key = {"installation_id": part.installation_id, "source": part.source, "part": part.name, "day": day}
    if gone:
        same = [usage_part_sum.c[name] == bindparam(f"b_{name}") for name in CELL]
        target = delete(usage_part_sum).where(_of(part), usage_part_sum.c.day == day, *same)
        names = [f"b_{name}" for name in CELL]
        conn.execute(target, [dict(zip(names, cell, strict=True)) for cell in sorted(gone)])
    if found:
        rows = [
            key | dict(zip((*CELL, *NUMBERS), (*cell, *numbers), strict=True))
            for cell, numbers in sorted(found.items())
        ]
        new = upsert(conn, usage_part_sum)
        changes = {name: new.excluded[name] for name in NUMBERS}
        conn.execute(
            new.on_conflict_do_update(index_elements=key_columns(usage_part_sum), set_=changes), rows
        )


def _of(part: Part) -> ColumnElement[bool]:
    table = usage_part_sum.c
    return and_(
        table.installation_id == part.installation_id, table.source == part.source, table.part == part.name
    )
