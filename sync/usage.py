"""Usage intake: batches of product events → daily sums and who was there.

A batch is counted once, whatever is delivered again: messages are known by the hash of
their content. Raw events go to ``CS_USAGE_STORE`` as Parquet by installation and day of
receipt; the sums and the presence table stay in the database.
Neighbours: ``drain`` calls ``take_in``, ``usage_events`` reads messages, ``usage_rollup`` adds up, ``facts``
reads the sums.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any, cast

import duckdb
from sqlalchemy import Connection

from integration.record_ids import name_of_account
from sync.admission import forgotten_by_now, forgotten_users
from sync.state import dirty, findings, identity, usage_names, usage_store
from sync.state.dirty import Scope
from sync.state.engine import reading, writing
from sync.state.inbox import InboxItem
from sync.state.usage_names import Names
from sync.state.usage_store import Presence, UsageSum
from sync.usage_events import RefusedEvent, UsageEvent, kept_user, read_message
from sync.usage_identity import Unmatched, matched
from sync.usage_rollup import quoted, rolling_up, seen_query, sums_query
from sync.work_folder import PART, put_in_place, work_folder
from sync.workspace import Workspace

COLUMNS = {
    "message_id": "VARCHAR",
    "account_ref": "VARCHAR",
    "line_ref": "VARCHAR",
    "product": "VARCHAR",
    "feature": "VARCHAR",
    "user": "VARCHAR",
    "day": "DATE",
    "at": "TIMESTAMPTZ",
    "count": "BIGINT",
    "duration_s": "BIGINT",
    "errors": "BIGINT",
    "email_domain": "VARCHAR",
}
IN_COLUMN_ORDER = attrgetter(*COLUMNS)
ROLLED_UP_BY = {"ref": "VARCHAR", "known_on": "DATE"}


@dataclass(slots=True)
class TakenIn:
    """What became of some batches: events counted, known already, refused, ids told twice differently."""

    counted: int = 0
    repeated: int = 0
    refused: int = 0
    conflicting: list[str] = field(default_factory=list)


def take_in(ws: Workspace, items: Sequence[InboxItem]) -> TakenIn:
    """Count the batches' events once, in one transaction; mark the accounts they speak of."""
    if not items:
        return TakenIn()
    events, refusals = _read(ws, items)
    unique = {event.digest(): event for event in reversed(events)}  # of equal ones the first that came
    while (taken := _count_once(ws, unique, refusals)) is None:
        continue  # another worker counted some of them meanwhile
    taken.repeated = len(events) - taken.counted
    return taken


def _count_once(
    ws: Workspace, unique: Mapping[str, UsageEvent], refusals: Sequence[RefusedEvent]
) -> TakenIn | None:
    """Count what was never counted; ``None`` when that, or who was forgotten, changed since the rolling up.

    The rolling up stays outside the transaction: webhooks must not wait for it.
    """
    with reading(ws.runtime.engine) as conn:
        seen = usage_store.known_messages(conn, ws.id, unique)
    fresh = {digest: event for digest, event in unique.items() if digest not in seen}
    received_on = day_received(ws)
    told = {event.user for event in fresh.values()}
    gone = forgotten_users(ws, told)
    sums, users = _roll_up(ws, list(fresh.values()), received_on, gone) if fresh else ([], [])
    with writing(ws.runtime.engine) as conn:
        if forgotten_by_now(conn, ws, told) != gone:
            return None  # the file is written again under the same name, without them
        new = usage_store.new_messages(conn, ws.id, ws.now(), fresh)
        if len(new) < len(fresh):
            conn.rollback()
            return None
        usage_names.keep_names(conn, ws.id, map(_names, fresh.values()) if ws.charter.usage else ())
        usage_store.add_usage(conn, ws.id, sums)
        usage_store.add_presence(conn, ws.id, users)
        differing = usage_store.told_differently(conn, ws.id, new)
        twice = sorted({fresh[digest].message_id for digest in differing})
        _report(conn, ws, refusals, twice, [event for event in fresh.values() if event.ahead])
        mark(conn, ws, accounts_named(conn, ws, set(map(_names, fresh.values()))), "usage")
    return TakenIn(len(fresh), 0, len(refusals), twice)


def day_received(ws: Workspace) -> date:
    """Return the day under which usage received now is kept.

    A day is seen by the grid points after it. What came before going live belongs to the first
    point, which stands within its day: it is kept under the day before.
    """
    today = ws.day_of(ws.now())
    return today if ws.live else today - timedelta(days=1)


def mark(conn: Connection, ws: Workspace, account_ids: Iterable[str], reason: str) -> None:
    """Ask for a look at the accounts."""
    dirty.mark(conn, ws.id, ws.now(), Scope.ACCOUNT, account_ids, reason)


def _read(ws: Workspace, items: Sequence[InboxItem]) -> tuple[list[UsageEvent], list[RefusedEvent]]:
    events: list[UsageEvent] = []
    refusals: list[RefusedEvent] = []
    for item in items:
        body = cast("dict[str, Any]", item.body)
        for message in body.get("batch", []):
            by_account = ws.charter.usage is None
            read = read_message(message, ws.zone, item.received_at, by_account=by_account)
            if isinstance(read, UsageEvent):
                events.append(replace(read, account_ref=name_of_account(ws.vendor, read.account_ref)))
            elif read is not None:
                refusals.append(read)
    return events, refusals


def _report(
    conn: Connection,
    ws: Workspace,
    refusals: Sequence[RefusedEvent],
    twice: Sequence[str],
    ahead: Sequence[UsageEvent],
) -> None:
    found = {f"usage/{one.message_id}": one.reason for one in refusals}
    found |= {f"usage/{one}": "the same id was told with other content; both are counted" for one in twice}
    found |= {
        f"usage/{one.message_id}": f"dated {one.at.isoformat()}, more than a day ahead; it waits for its day"
        for one in ahead
    }
    findings.report(conn, ws.id, ws.now(), "usage", found)


def accounts_named(conn: Connection, ws: Workspace, named: set[Names]) -> set[str]:
    """Return the account ids the product's names stand for; unknown names wait in the sums."""
    if ws.charter.usage is not None:
        found = matched(conn, ws, named).values()
        return {one for one in found if not isinstance(one, Unmatched)}
    refs = {one.account for one in named}
    return set(identity.resolve(conn, ws.id, identity.USAGE_REF_KEY, sorted(refs)).values())


def _names(event: UsageEvent) -> Names:
    return Names(event.account_ref, event.line_ref, event.email_domain)


def _row(ws: Workspace, event: UsageEvent, received_on: date, gone: Collection[str]) -> dict[str, object]:
    """Return the event as it is kept: what an account's name alone cannot find, under all it named.

    Use by somebody who was forgotten is nobody's, and its message's id may name them.
    """
    row = dict(zip(COLUMNS, IN_COLUMN_ORDER(event), strict=True))
    ref = event.account_ref if ws.charter.usage is None else _names(event).ref
    kept = {"user": kept_user(ws.id, event.user), "ref": ref, "known_on": event.known_on(received_on)}
    return row | kept | ({"user": "", "message_id": ""} if event.user in gone else {})


def _roll_up(
    ws: Workspace, events: Sequence[UsageEvent], received_on: date, gone: Collection[str]
) -> tuple[list[UsageSum], list[Presence]]:
    """Keep the raw events as Parquet and return their sums and presence; use by who is gone is nobody's."""
    with tempfile.TemporaryDirectory(dir=work_folder(ws.runtime.settings)) as folder:
        source = Path(folder) / "events.json"  # no CSV: there a text may look like nothing or end a line
        with source.open("w", encoding="ascii") as file:
            for event in events:
                file.write(json.dumps(_row(ws, event, received_on, gone), default=str))
                file.write("\n")
        with rolling_up(within=Path(folder)) as db:
            db.execute(
                "CREATE TABLE raw AS SELECT * FROM "
                f"read_json(?, format = 'newline_delimited', columns = {COLUMNS | ROLLED_UP_BY!r})",
                [str(source)],
            )
            _keep_raw(db, ws, events, received_on)
            db.execute(
                'CREATE VIEW events AS SELECT *, "user" AS user_ref, count AS use_count, '
                "errors AS error_count FROM raw"
            )
            sums = db.execute(sums_query(("ref", "line_ref", "product", "known_on"))).fetchall()
            seen = db.execute(seen_query(("ref", "product", "known_on")) + " ORDER BY known_on").fetchall()
    return (
        [
            UsageSum(ref, line or None, product, feature, day, known_on, rows, count, seconds, errors)
            for ref, line, product, known_on, feature, day, rows, count, seconds, errors in sums
        ],
        [Presence(ref, product, day, user, known_on) for ref, product, known_on, day, user in seen],
    )


def _keep_raw(
    db: duckdb.DuckDBPyConnection, ws: Workspace, events: Sequence[UsageEvent], received_on: date
) -> None:
    """Write the batch once: its name is the hash of what is in it, so a repeat writes the same file."""
    name = hashlib.sha256("".join(sorted(event.digest() for event in events)).encode()).hexdigest()
    folder = Path(ws.runtime.settings.usage_store) / ws.id / received_on.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    target, part = folder / f"{name}.parquet", folder / f".{name}.{os.getpid()}{PART}"
    db.execute(f"COPY raw TO {quoted(str(part))} (FORMAT parquet)")
    put_in_place(part, target)
