"""The parsed form of a SOQL query, between ``soql_parse.py`` and ``soql_where.py``/``soql_run.py``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Path:
    """A field, perhaps through parents (``Account.Owner.Name``), and where it stands in the text."""

    parts: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        """Return the path as written."""
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Literal:
    """A value: ``kind`` is string, number, boolean, null, date, datetime or range (a date literal)."""

    kind: str
    value: Any
    at: int


@dataclass(frozen=True, slots=True)
class Compare:
    """``path op literal``."""

    path: Path
    op: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Among:
    """``path [NOT] IN (…)`` over literals or the rows of a subquery."""

    path: Path
    negated: bool
    values: tuple[Literal, ...]
    subquery: Query | None = None


@dataclass(frozen=True, slots=True)
class Not:
    """``NOT condition``."""

    inner: Condition


@dataclass(frozen=True, slots=True)
class Both:
    """Conditions that must all hold (``op`` AND) or of which one must (OR)."""

    op: str
    parts: tuple[Condition, ...]


Condition: TypeAlias = "Compare | Among | Not | Both"


@dataclass(frozen=True, slots=True)
class Order:
    """One ORDER BY term."""

    path: Path
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query; ``count`` for ``SELECT COUNT()``, ``children`` for child subqueries."""

    text: str
    select: tuple[Path, ...]
    count: bool
    source: str
    source_at: int
    where: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    children: tuple[Query, ...] = field(default=())
    fields_of: tuple[str, ...] = ()
