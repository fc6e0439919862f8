"""When the mirror learned something about accounts after a moment; spares reading the past.

``sync/look.py`` asks from which grid day on an account's facts differ.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, or_, select, union

from sync.state.mirror_rows import record_version
from sync.state.schema import chunks


def changes_since(
    conn: Connection, installation_id: str, moment: datetime, account_ids: Collection[str]
) -> set[tuple[str, datetime]]:
    """Return (account, instant) of every version that reached us after ``moment`` (exclusive).

    A record that moved away counts for the account it left as well. Versions superseded the moment they
    came do not: no reader of what we knew ever met them.
    """
    table, found = record_version.c, set[tuple[str, datetime]]()
    for chunk in chunks(sorted(set(account_ids))):
        here = (table.installation_id == installation_id) & table.account_id.in_(chunk)
        seen = or_(table.superseded_at.is_(None), table.superseded_at > table.ingested_at)
        came = select(table.account_id, table.ingested_at).where(here, table.ingested_at > moment, seen)
        went = select(table.account_id, table.superseded_at).where(here, table.superseded_at > moment)
        found |= {(row[0], row[1]) for row in conn.execute(union(came, went))}
    return found
