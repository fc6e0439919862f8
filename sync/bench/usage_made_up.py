"""Made-up product events as Parquet, one file per day, the same for the same seed.

Some accounts, features and users are used far more than others, as in any product. The columns are those of
the raw events the intake keeps. Neighbour: ``usage`` measures over them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from sync.usage_rollup import quoted, rolling_up

FIRST_DAY: Final = date(2026, 1, 1)
PRODUCTS: Final = 5


@dataclass(frozen=True, slots=True)
class Shape:
    """How many events, over how many days, accounts, features (of five products) and users per account."""

    events: int
    days: int = 90
    accounts: int = 1_000
    features: int = 25
    users: int = 40


def write_events(folder: Path, shape: Shape, seed: int) -> list[Path]:
    """Write the events as ``YYYY-MM-DD/events.parquet`` below the folder; return the files by day."""
    files = []
    with rolling_up() as db:
        for number in range(shape.days):
            first = shape.events * number // shape.days
            until = shape.events * (number + 1) // shape.days
            day = FIRST_DAY + timedelta(days=number)
            target = folder / day.isoformat() / "events.parquet"
            target.parent.mkdir(parents=True)
            query = _query(shape, seed, day, first, until)
            db.execute(f"COPY ({query}) TO {quoted(str(target))} (FORMAT parquet, COMPRESSION zstd)")
            files.append(target)
    return files


def _query(shape: Shape, seed: int, day: date, first: int, until: int) -> str:
    """Return the events numbered ``[first, until)``, all of one day."""
    account, feature = _drawn(seed, 1, shape.accounts, 1.5), _drawn(seed, 2, shape.features, 2)
    user, count = _drawn(seed, 3, shape.users, 2), _drawn(seed, 4, 5, 2)
    return f"""
        SELECT 'account-' || account AS account, 'product-' || (feature % {PRODUCTS}) AS product,
               'feature-' || feature AS feature, 'user-' || account || '-' || member AS "user",
               DATE '{day}' AS day, 1 + uses AS count, uses * 30 AS duration_s, (uses = 4)::BIGINT AS errors
        FROM (SELECT {account} AS account, {feature} AS feature, {user} AS member, {count} AS uses
              FROM range({first}, {until}) AS events(i))
    """


def _drawn(seed: int, which: int, below: int, skew: float) -> str:
    """Return a number below another, by the hash of the event's number; small ones are drawn more often."""
    share = f"((hash(i, {seed}, {which}) % 1000003) / 1000003.0)"
    return f"floor(pow({share}, {skew}) * {below})::BIGINT"
