"""Product usage as counted: daily sums, who was there on which day, which messages were seen.

Account and line are kept as the product sent them; ``sync/`` binds them to the mirror when
facts are assembled, so that usage sent before its account is known is not lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Date, Select, Table, Text, and_, delete, func, select

from sync.state.schema import Instant, Row, chunks, installation_column, key_columns, metadata, upsert

usage_day = Table(
    "usage_day",
    metadata,
    installation_column(),
    Column("account_ref", Text, primary_key=True),
    Column("line_ref", Text, primary_key=True),
    Column("product", Text, primary_key=True),
    Column("feature", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("received_on", Date, primary_key=True),
    Column("row_count", BigInteger, nullable=False),
    Column("use_count", BigInteger, nullable=False),
    Column("duration_s", BigInteger, nullable=False),
    Column("error_count", BigInteger, nullable=False),
)
ID_HASH_CHARACTERS = 32
SUMS = ("row_count", "use_count", "duration_s", "error_count")

presence_day = Table(
    "presence_day",
    metadata,
    installation_column(),
    Column("account_ref", Text, primary_key=True),
    Column("product", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("user_ref", Text, primary_key=True),
    Column("received_on", Date, nullable=False),
)

usage_message = Table(
    "usage_message",
    metadata,
    installation_column(),
    Column("dedupe_hash", Text, primary_key=True),
    Column("received_at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True)
class UsageSum:
    """Use of one feature on one day, as received on one day; ``line_ref`` None: the product did not say.

    ``received_on`` lets a reader leave out what came later than the moment asked about.
    """

    account_ref: str
    line_ref: str | None
    product: str
    feature: str
    day: date
    received_on: date
    rows: int
    count: int
    duration_s: int
    errors: int


@dataclass(frozen=True, slots=True)
class Presence:
    """A user (by reference, never by name) seen with a product on a day; first received on a day."""

    account_ref: str
    product: str
    day: date
    user_ref: str
    received_on: date


def new_messages(
    conn: Connection, installation_id: str, now: datetime, hashes: Iterable[str]
) -> frozenset[str]:
    """Keep the messages' hashes; return those never seen before. Count only these."""
    rows = [
        {"installation_id": installation_id, "dedupe_hash": one, "received_at": now}
        for one in sorted(set(hashes))
    ]
    if not rows:
        return frozenset()
    statement = upsert(conn, usage_message).on_conflict_do_nothing().returning(usage_message.c.dedupe_hash)
    return frozenset(conn.execute(statement, rows).scalars())


def known_messages(conn: Connection, installation_id: str, hashes: Iterable[str]) -> frozenset[str]:
    """Return those of the hashes that were kept before."""
    table, found = usage_message.c, set[str]()
    for chunk in chunks(sorted(set(hashes))):
        query = select(table.dedupe_hash).where(
            table.installation_id == installation_id, table.dedupe_hash.in_(chunk)
        )
        found |= set(conn.execute(query).scalars())
    return frozenset(found)


def add_usage(conn: Connection, installation_id: str, sums: Sequence[UsageSum]) -> None:
    """Add to the daily sums; the caller has left out what was counted before."""
    rows = [_usage_row(installation_id, one) for one in sums]
    rows.sort(key=lambda row: [str(row[name]) for name in key_columns(usage_day)])
    if rows:
        new = upsert(conn, usage_day)
        changes = {name: usage_day.c[name] + new.excluded[name] for name in SUMS}
        statement = new.on_conflict_do_update(index_elements=key_columns(usage_day), set_=changes)
        conn.execute(statement, rows)


def add_presence(conn: Connection, installation_id: str, seen: Iterable[Presence]) -> None:
    """Keep who was seen; the first ``received_on`` stays."""
    rows = [
        {
            "installation_id": installation_id,
            "account_ref": one.account_ref,
            "product": one.product,
            "day": one.day,
            "user_ref": one.user_ref,
            "received_on": one.received_on,
        }
        for one in seen
    ]
    rows.sort(key=lambda row: [str(row[name]) for name in key_columns(presence_day)])
    if rows:
        conn.execute(upsert(conn, presence_day).on_conflict_do_nothing(), rows)


def usage(
    conn: Connection,
    installation_id: str,
    account_refs: Collection[str],
    days: tuple[date, date],
    received_by: date | None = None,
) -> list[UsageSum]:
    """Return the sums of days ``[from, until)``, received on or before ``received_by``.

    Where a source took back what it had told, the day's sums are one row with what is left, if anything is.
    """
    table, found = usage_day.c, list[UsageSum]()
    for chunk in chunks(sorted(set(account_refs))):
        query = _within(usage_day, installation_id, chunk, days, received_by)
        ordered = query.order_by(table.account_ref, table.day, table.product, table.feature, table.line_ref)
        found += [_usage_sum(row) for row in conn.execute(ordered.order_by(table.received_on))]
    return _without_taken_back(found)


def presence(
    conn: Connection,
    installation_id: str,
    account_refs: Collection[str],
    days: tuple[date, date],
    received_by: date | None = None,
) -> list[Presence]:
    """Return who was seen on days ``[from, until)``, received on or before ``received_by``."""
    table, found = presence_day.c, []
    for chunk in chunks(sorted(set(account_refs))):
        query = _within(presence_day, installation_id, chunk, days, received_by)
        ordered = query.order_by(table.account_ref, table.product, table.day, table.user_ref)
        found += [
            Presence(row.account_ref, row.product, row.day, row.user_ref, row.received_on)
            for row in conn.execute(ordered)
        ]
    return found


def seen_any(conn: Connection, installation_id: str, received_by: date | None = None) -> bool:
    """Return whether the product has sent any usage at all, by the day given."""
    query = select(usage_day.c.day).where(usage_day.c.installation_id == installation_id).limit(1)
    if received_by is not None:
        query = query.where(usage_day.c.received_on <= received_by)
    return conn.execute(query).first() is not None


def first_use_after(
    conn: Connection, installation_id: str, refs: Sequence[str], day: date
) -> dict[str, date]:
    """Return the first day after ``day`` for which use is kept already, by reference; others left out."""
    table, found = usage_day.c, dict[str, date]()
    for chunk in chunks(refs):
        mine = and_(table.installation_id == installation_id, table.account_ref.in_(chunk), table.day > day)
        query = select(table.account_ref, func.min(table.day)).where(mine).group_by(table.account_ref)
        found |= {row[0]: row[1] for row in conn.execute(query)}
    return found


def expire_presence(conn: Connection, installation_id: str, before: date) -> int:
    """Delete presence of days before the one given (120 days are kept by default); return how many."""
    old = and_(presence_day.c.installation_id == installation_id, presence_day.c.day < before)
    return conn.execute(delete(presence_day).where(old)).rowcount


def expire_messages(conn: Connection, installation_id: str, before: datetime) -> int:
    """Delete hashes of messages received before the instant; return how many."""
    old = and_(usage_message.c.installation_id == installation_id, usage_message.c.received_at < before)
    return conn.execute(delete(usage_message).where(old)).rowcount


def _within(
    table: Table,
    installation_id: str,
    account_refs: Sequence[str],
    days: tuple[date, date],
    received_by: date | None,
) -> Select[*tuple[Any, ...]]:
    query = select(table).where(
        table.c.installation_id == installation_id,
        table.c.account_ref.in_(account_refs),
        table.c.day >= days[0],
        table.c.day < days[1],
    )
    return query if received_by is None else query.where(table.c.received_on <= received_by)


def _without_taken_back(found: list[UsageSum]) -> list[UsageSum]:
    """Return the sums, those of one cell as one where any of them is negative; none of a cell at nothing."""
    if not any(min(_numbers(one)) < 0 for one in found):
        return found
    cells: dict[tuple[str, str | None, str, str, date], list[UsageSum]] = {}
    for one in found:
        cells.setdefault((one.account_ref, one.line_ref, one.product, one.feature, one.day), []).append(one)
    left: list[UsageSum] = []
    for same in cells.values():
        if all(min(_numbers(one)) >= 0 for one in same):
            left += same
            continue
        rows, count, seconds, errors = map(sum, zip(*map(_numbers, same), strict=True))
        if rows > 0:
            left.append(replace(same[0], rows=rows, count=count, duration_s=seconds, errors=errors))
    return left


def _numbers(one: UsageSum) -> tuple[int, int, int, int]:
    return one.rows, one.count, one.duration_s, one.errors


def _usage_row(installation_id: str, one: UsageSum) -> Row:
    return {
        "installation_id": installation_id,
        "account_ref": one.account_ref,
        "line_ref": one.line_ref or "",
        "product": one.product,
        "feature": one.feature,
        "day": one.day,
        "received_on": one.received_on,
        "row_count": one.rows,
        "use_count": one.count,
        "duration_s": one.duration_s,
        "error_count": one.errors,
    }


def _usage_sum(row: Any) -> UsageSum:
    return UsageSum(
        row.account_ref,
        row.line_ref or None,
        row.product,
        row.feature,
        row.day,
        row.received_on,
        row.row_count,
        row.use_count,
        row.duration_s,
        row.error_count,
    )


def received_after(
    conn: Connection, installation_id: str, account_refs: Collection[str], day: date
) -> set[tuple[str, date]]:
    """Return (account, day) of every day after ``day`` on which usage of the account was received."""
    table, found = usage_day.c, set[tuple[str, date]]()
    for chunk in chunks(sorted(set(account_refs))):
        query = select(table.account_ref, table.received_on).where(
            table.installation_id == installation_id, table.account_ref.in_(chunk), table.received_on > day
        )
        found |= {(row[0], row[1]) for row in conn.execute(query.distinct())}
    return found


def told_differently(conn: Connection, installation_id: str, hashes: Collection[str]) -> frozenset[str]:
    """Return those of the hashes (``id:content``) whose id was also kept with other content."""
    one, other = usage_message.alias("one"), usage_message.alias("other")
    id_part = func.substr(one.c.dedupe_hash, 1, ID_HASH_CHARACTERS)
    same_id = and_(
        other.c.installation_id == one.c.installation_id,
        other.c.dedupe_hash > id_part + ":",
        other.c.dedupe_hash < id_part + ";",
        other.c.dedupe_hash != one.c.dedupe_hash,
    )
    found: set[str] = set()
    for chunk in chunks(sorted(hashes)):
        mine = (one.c.installation_id == installation_id) & one.c.dedupe_hash.in_(chunk)
        query = select(one.c.dedupe_hash).join(other, same_id).where(mine)
        found |= set(conn.execute(query.distinct()).scalars())
    return frozenset(found)


def rows_by_ref(conn: Connection, installation_id: str, as_of: date) -> dict[str, int]:
    """Return how many raw rows of days up to ``as_of`` stand under each reference."""
    table = usage_day.c
    query = select(table.account_ref, func.sum(table.row_count)).where(
        table.installation_id == installation_id, table.day <= as_of
    )
    return {ref: int(rows) for ref, rows in conn.execute(query.group_by(table.account_ref))}


def rows_after(conn: Connection, installation_id: str, as_of: date) -> int:
    """Return how many raw rows are of days after ``as_of``."""
    later = and_(usage_day.c.installation_id == installation_id, usage_day.c.day > as_of)
    return int(conn.execute(select(func.sum(usage_day.c.row_count)).where(later)).scalar() or 0)


def lags(conn: Connection, installation_id: str, received: tuple[date, date]) -> list[tuple[int, int]]:
    """Return (days from use to receipt, raw rows) of what was received on days of [first, last], in order."""
    table, found = usage_day.c, Counter[int]()
    query = select(table.received_on, table.day, func.sum(table.row_count)).where(
        table.installation_id == installation_id, table.received_on.between(*received)
    )
    for received_on, day, rows in conn.execute(query.group_by(table.received_on, table.day)):
        found[max(0, (received_on - day).days)] += int(rows)
    return sorted(found.items())
