"""Reports of backtests by what they judged, and waivers: who did without a passing one, and why.

What is judged is known by name and content, so that a report of other weights counts for nothing.
Neighbours: ``sync/backtest_gate.py`` asks, ``sync/backtest_past.py`` keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Boolean, Column, ColumnElement, Connection, Table, Text, select

from sync.state.schema import Instant, JsonText, JsonValue, installation_column, key_columns, metadata, upsert

backtest_report = Table(
    "backtest_report",
    metadata,
    installation_column(),
    Column("subject", Text, primary_key=True),
    Column("subject_hash", Text, primary_key=True),
    Column("made_at", Instant, primary_key=True),
    Column("passed", Boolean, nullable=False),
    Column("body", JsonText, nullable=False),
)

backtest_waiver = Table(
    "backtest_waiver",
    metadata,
    installation_column(),
    Column("subject", Text, primary_key=True),
    Column("subject_hash", Text, primary_key=True),
    Column("made_at", Instant, nullable=False),
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report judged: ``name`` is ``key@version``, ``content_hash`` that of its part of the charter."""

    name: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report as it was printed; ``made_at`` in UTC."""

    made_at: datetime
    passed: bool
    body: JsonValue


@dataclass(frozen=True, slots=True)
class Report:
    """A passing report, by the SHA-256 of its canonical JSON."""

    report_hash: str


@dataclass(frozen=True, slots=True)
class Waiver:
    """Who brought something into force without a passing report, when (UTC), and why."""

    author: str
    made_at: datetime
    reason: str


def keep(
    conn: Connection, installation_id: str, subject: Subject, now: datetime, passed: bool, body: JsonValue
) -> None:
    """Keep a report, in place of one of the same instant."""
    row = {**_row(installation_id, subject), "made_at": now, "passed": passed, "body": body}
    new = upsert(conn, backtest_report).values(row)
    changes = {"passed": new.excluded.passed, "body": new.excluded.body}
    conn.execute(new.on_conflict_do_update(index_elements=key_columns(backtest_report), set_=changes))


def newest(conn: Connection, installation_id: str, subject: Subject) -> StoredReport | None:
    """Return the newest report of exactly this content; None where there is none."""
    table = backtest_report.c
    query = select(table.made_at, table.passed, table.body).where(
        _is(backtest_report, installation_id, subject)
    )
    row = conn.execute(query.order_by(table.made_at.desc()).limit(1)).first()
    return None if row is None else StoredReport(*row)


def newest_of_content(conn: Connection, installation_id: str, content_hash: str) -> StoredReport | None:
    """Return the newest report of this content, under whichever name; None where there is none."""
    table = backtest_report.c
    mine = (table.installation_id == installation_id) & (table.subject_hash == content_hash)
    query = select(table.made_at, table.passed, table.body).where(mine)
    row = conn.execute(query.order_by(table.made_at.desc()).limit(1)).first()
    return None if row is None else StoredReport(*row)


def waive(conn: Connection, installation_id: str, subject: Subject, waiver: Waiver) -> None:
    """Keep who does without a passing report; a later word stands for an earlier one."""
    row = {
        **_row(installation_id, subject),
        "made_at": waiver.made_at,
        "author": waiver.author,
        "reason": waiver.reason,
    }
    new = upsert(conn, backtest_waiver).values(row)
    changes = {name: new.excluded[name] for name in ("made_at", "author", "reason")}
    conn.execute(new.on_conflict_do_update(index_elements=key_columns(backtest_waiver), set_=changes))


def waiver(conn: Connection, installation_id: str, subject: Subject) -> Waiver | None:
    """Return the waiver of exactly this content; None where there is none."""
    table = backtest_waiver.c
    query = select(table.author, table.made_at, table.reason).where(
        _is(backtest_waiver, installation_id, subject)
    )
    row = conn.execute(query).first()
    return None if row is None else Waiver(*row)


def _row(installation_id: str, subject: Subject) -> dict[str, str]:
    return {
        "installation_id": installation_id,
        "subject": subject.name,
        "subject_hash": subject.content_hash,
    }


def _is(table: Table, installation_id: str, subject: Subject) -> ColumnElement[bool]:
    mine = table.c.installation_id == installation_id
    same: ColumnElement[bool] = table.c.subject_hash == subject.content_hash
    return mine & (table.c.subject == subject.name) & same
