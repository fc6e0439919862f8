"""The facts of ``colonnade bench health``: measures by account and day in the product's kind of database.

A row per account and day with a column per measure, exact: the numerator (NULL: unknown), of a ratio its
denominator, and the day the value stands for. Beside it the state of each account after the day before:
segment, stage and band that stand and wait, and the fingerprint of the explanation in the CRM. No score is
kept. Both tables are made for the run and dropped after it. Neighbour: ``health`` runs on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.sql import ColumnElement

from success.columns.criteria import NOWHERE, HeldColumns
from success.columns.frame import NO_DAY, Frame, Integers, Measured, kind_of
from success.measures import CelType
from sync.bench.health_rules import BAND_KEYS, READ, SEGMENT_KEYS, STAGE_KEYS
from sync.state.engine import reading, writing
from sync.state.errors import StateError

INSTALLATION: Final = "bench"
AT_ONCE: Final = 16_384
NOTHING: Final = int(np.iinfo(np.int64).min)
"""What the SELECT gives in place of NULL; no measure comes to it."""

metadata = MetaData()
VALUES: Final = Table(
    "bench_measure_values",
    metadata,
    Column("installation_id", Text, primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("account_id", Text, primary_key=True),
    *(
        column
        for name in READ
        for column in (
            Column(name, BigInteger),
            *([Column(f"{name}_of", BigInteger)] if kind_of(name) is CelType.DOUBLE else []),
            Column(f"{name}_on", Integer),
        )
    ),
)
STANDINGS: Final = Table(
    "bench_standings",
    metadata,
    Column("installation_id", Text, primary_key=True),
    Column("account_id", Text, primary_key=True),
    *(
        Column(f"{kind}_{part}", Text if part in {"value", "waiting"} else Integer)
        for kind in ("segment", "stage", "band")
        for part in ("value", "since", "waiting", "waiting_since")
    ),
    Column("explained", BigInteger),
)


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What a look over all accounts begins from: measures of the day, and what stood the day before."""

    frame: Frame
    segments: HeldColumns
    stages: HeldColumns
    bands: HeldColumns
    explained: Integers


@contextmanager
def tables(engine: Engine) -> Iterator[None]:
    """Make the two tables and drop them at the end. Raises StateError where one is there already."""
    names = [table.name for table in metadata.sorted_tables]
    there = sorted(set(names) & set(inspect(engine).get_table_names()))
    if there:
        raise StateError(
            f"the database already has {', '.join(there)}; give another, or drop what a run left"
        )
    metadata.create_all(engine)
    try:
        yield
    finally:
        metadata.drop_all(engine)


def write_values(engine: Engine, frame: Frame, day: date) -> None:
    """Write the measures of all accounts on a day."""
    columns: dict[str, list[int | None]] = {}
    for name, column in frame.measures.items():
        columns[name] = _or_null(column.numerator, column.known)
        columns[f"{name}_on"] = _or_null(column.observed, column.known)
        if column.kind is CelType.DOUBLE:
            columns[f"{name}_of"] = _or_null(column.denominator, column.known)
    key = {"installation_id": INSTALLATION, "day": day.toordinal()}
    _write(engine, VALUES, key, {"account_id": frame.accounts, **columns})


def write_standings(engine: Engine, accounts: Sequence[str], found: Portfolio) -> None:
    """Write what stands of all accounts after a day."""
    columns: dict[str, Sequence[object]] = {"account_id": accounts, "explained": found.explained.tolist()}
    for kind, held in (("segment", found.segments), ("stage", found.stages), ("band", found.bands)):
        keys = [*_KEYS[kind], None]
        columns[f"{kind}_value"] = [keys[at] for at in held.value]
        columns[f"{kind}_waiting"] = [keys[at] for at in held.waiting]
        columns[f"{kind}_since"] = _or_null(held.since, held.value != NOWHERE)
        columns[f"{kind}_waiting_since"] = _or_null(held.waiting_since, held.waiting != NOWHERE)
    _write(engine, STANDINGS, {"installation_id": INSTALLATION}, columns)


def _or_null(numbers: Integers, known: Any) -> list[int | None]:
    return [int(one) if yes else None for one, yes in zip(numbers, known, strict=True)]


def _write(
    engine: Engine, table: Table, key: Mapping[str, object], columns: Mapping[str, Sequence[object]]
) -> None:
    rows = [{**key, **dict(zip(columns, row, strict=True))} for row in zip(*columns.values(), strict=True)]
    for begin in range(0, len(rows), AT_ONCE):
        with writing(engine) as conn:
            conn.execute(insert(table), rows[begin : begin + AT_ONCE])


def read(engine: Engine, day: date) -> Portfolio:
    """Return the portfolio as of a day, accounts in the order of their ids: one SELECT into one frame."""
    chunks: list[dict[str, Integers | list[str]]] = []
    with reading(engine) as conn:
        found = conn.execution_options(yield_per=AT_ONCE).execute(_select(day))
        names = list(found.keys())
        for rows in found.partitions():
            columns = zip(names, zip(*rows, strict=True), strict=True)
            chunks.append({name: _column(name, values) for name, values in columns})
    accounts = [account for chunk in chunks for account in chunk.pop("account_id")]
    joined = {
        name: np.concatenate([chunk[name] for chunk in chunks]) for name in names if name != "account_id"
    }
    measures = {name: _measured(name, joined) for name in READ}
    return Portfolio(
        Frame(accounts, measures),
        _held("segment", joined),
        _held("stage", joined),
        _held("band", joined),
        joined["explained"],
    )


def _column(name: str, values: tuple[Any, ...]) -> Integers | list[str]:
    if name == "account_id":
        return list(values)
    positions = _POSITIONS.get(name)
    if positions is not None:
        return np.fromiter(map(positions.__getitem__, values), np.int64, len(values))
    return np.fromiter(values, np.int64, len(values))


def _measured(name: str, columns: Mapping[str, Integers]) -> Measured:
    numerator = columns[name]
    known = numerator != NOTHING
    ones = np.broadcast_to(np.int64(1), numerator.shape)
    denominator = np.where(known, columns[f"{name}_of"], 1) if f"{name}_of" in columns else ones
    return Measured(kind_of(name), numerator, denominator, known, columns[f"{name}_on"])


def _held(kind: str, columns: Mapping[str, Integers]) -> HeldColumns:
    return HeldColumns(
        *(columns[f"{kind}_{part}"] for part in ("value", "since", "waiting", "waiting_since"))
    )


def _select(day: date) -> Select[Any]:
    same = (STANDINGS.c.installation_id == VALUES.c.installation_id) & (
        STANDINGS.c.account_id == VALUES.c.account_id
    )
    return (
        select(
            VALUES.c.account_id,
            *(_read(column) for column in (*VALUES.c, *STANDINGS.c) if not column.primary_key),
        )
        .join(STANDINGS, same)
        .where(VALUES.c.installation_id == INSTALLATION, VALUES.c.day == day.toordinal())
        .order_by(VALUES.c.account_id)
    )


def _read(column: Column[Any]) -> ColumnElement[Any]:
    """Return a column as the frame takes it: without NULL where it is a number."""
    if isinstance(column.type, Text):
        return column
    instead = NO_DAY if column.name.endswith(("_on", "since")) else NOTHING
    return func.coalesce(column, instead).label(column.name)


_KEYS: Final[Mapping[str, Sequence[str]]] = {
    "segment": SEGMENT_KEYS,
    "stage": STAGE_KEYS,
    "band": BAND_KEYS,
}
_POSITIONS: Final[Mapping[str, Mapping[str | None, int]]] = {
    f"{kind}_{part}": {None: NOWHERE, **{key: place for place, key in enumerate(keys)}}
    for kind, keys in _KEYS.items()
    for part in ("value", "waiting")
}
