"""The rows a model learns from: one account in one period, its features, and whether it churned.

Values are exact (integers, fractions, truths) or words; None is unknown, never zero.
Neighbours: ``sync.models`` builds tables from the mirror's past, the backtest from files too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

Value = Fraction | int | str | None
"""A feature's value; a truth is the integer 1 or 0, a word belongs to a category."""


class Kind(StrEnum):
    """Whether a column holds numbers or the words of a category."""

    NUMBER = "number"
    CATEGORY = "category"


class Role(StrEnum):
    """Whether a column says something of the account, or where it stands in its life and its term.

    Columns of time are used by the hazard only.
    """

    FEATURE = "feature"
    TIME = "time"


class Direction(StrEnum):
    """What more of a feature is taken to do to the risk of churn."""

    RAISES = "raises"
    LOWERS = "lowers"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table; ``direction`` None leaves its sign to the data."""

    name: str
    kind: Kind = Kind.NUMBER
    role: Role = Role.FEATURE
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One account in one period. ``period`` counts months or any other even steps of time.

    ``values`` stand in the order of the table's columns, as known at the period's beginning;
    ``event`` is whether the account churned within the horizon that begins there.
    """

    account: str
    period: int
    values: tuple[Value, ...]
    event: bool


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Rows under named columns, in any order."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        """Refuse columns of one name and rows of another width with a ValueError."""
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError(f"two columns have one name among {names}")
        for row in self.rows:
            if len(row.values) != len(names):
                raise ValueError(
                    f"{row.account} in {row.period} has {len(row.values)} values for {len(names)} columns"
                )

    @property
    def events(self) -> int:
        """Return how many rows are events."""
        return sum(row.event for row in self.rows)

    def within(self, first: int, last: int) -> FeatureTable:
        """Return the rows of the periods ``first`` to ``last``, both in."""
        return FeatureTable(self.columns, tuple(row for row in self.rows if first <= row.period <= last))

    def without(self, names: frozenset[str]) -> FeatureTable:
        """Return the table without the named columns."""
        kept = [index for index, column in enumerate(self.columns) if column.name not in names]
        rows = (
            Row(row.account, row.period, tuple(row.values[i] for i in kept), row.event) for row in self.rows
        )
        return FeatureTable(tuple(self.columns[i] for i in kept), tuple(rows))

    def in_order(self) -> tuple[Row, ...]:
        """Return the rows in the one order they are fitted in, however they came."""
        return tuple(
            sorted(self.rows, key=lambda row: (row.period, row.account, row.event, repr(row.values)))
        )


@dataclass(frozen=True, slots=True)
class Prior:
    """What an expert holds of the features before any data.

    ``weights`` are log-odds of churn per unit of a number, by column; ``typical`` the value from which
    a number is counted while training has none. A column that is not named is taken to say nothing.
    """

    weights: Mapping[str, Fraction] = field(default_factory=dict)
    typical: Mapping[str, Fraction] = field(default_factory=dict)
