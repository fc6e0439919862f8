"""Which accounts the mirror learned something about after a moment; spares reading the past.

``sync/look.py`` asks, per grid day, whose facts differ between then and now.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select

from sync.state.mirror_rows import record_version
from sync.state.schema import chunks


def accounts_changed_since(
    conn: Connection, installation_id: str, moment: datetime, account_ids: Collection[str]
) -> set[str]:
    """Return those of the accounts with a version that reached us after ``moment`` (exclusive).

    A record that moved away counts for the account it left as well.
    """
    table, found = record_version.c, set[str]()
    for chunk in chunks(sorted(set(account_ids))):
        here = (table.installation_id == installation_id) & table.account_id.in_(chunk)
        later = (table.ingested_at > moment) | (table.superseded_at > moment)
        found |= set(conn.execute(select(table.account_id).where(here, later).distinct()).scalars())
    return found
