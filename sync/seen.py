"""Whether a customer's support and product tell us anything at all, and since which day.

Silence of one account means something only where others are heard, so these two facts hold
for the whole installation. Neighbours: ``facts`` hands them to the rules, ``look`` asks from
which grid day on they differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, func, select

from sync.state import usage_store
from sync.state.mirror import ReadAgainst
from sync.state.mirror_rows import record_version
from sync.state.usage_store import usage_day
from sync.workspace import Workspace

DAY = timedelta(days=1)


def support_seen(
    conn: Connection, ws: Workspace, known_at: datetime | None, read_against: ReadAgainst = "ours"
) -> bool:
    """Say whether any ticket was known, to us or the CRM, by ``known_at`` (UTC, inclusive; None is now)."""
    reads, table = ws.inbound.crm.reads.ticket, record_version.c
    if reads is None:
        return False
    query = select(table.source_id).where(table.installation_id == ws.id, table.object == reads.object)
    if known_at is not None:
        at = table.ingested_at if read_against == "ours" else table.source_at
        query = query.where(at <= known_at)
    return conn.execute(query.limit(1)).first() is not None


def first_heard(conn: Connection, ws: Workspace, first: date) -> Iterator[date]:
    """Yield the grid days after ``first`` on which support or usage was known of for the first time.

    What reaches us on a day is first seen at the next day's grid point.
    """
    reads, table = ws.inbound.crm.reads.ticket, record_version.c
    if reads is not None and not support_seen(conn, ws, ws.grid_point(first)):
        mine = (table.installation_id == ws.id) & (table.object == reads.object)
        since = conn.execute(select(func.min(table.ingested_at)).where(mine)).scalar()
        if since is not None:
            yield ws.day_of(since) + DAY
    if not usage_store.seen_any(conn, ws.id, first - DAY):
        received = select(func.min(usage_day.c.received_on)).where(usage_day.c.installation_id == ws.id)
        on = conn.execute(received).scalar()
        if on is not None:
            yield on + DAY
