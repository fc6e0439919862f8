"""What people said of accounts, from the versions of the records they say it on.

Only of accounts with something written are the versions read: the day a word began is that of the first
version that holds it. Neighbours: ``mappings.human_inputs`` reads one record, ``facts`` calls this.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from mappings.human_fields import speaks
from mappings.human_inputs import Said, pin_keys, to_human_inputs
from success.facts import Account
from sync.bury import by_age
from sync.keep import crm_record
from sync.owners import names_of_people
from sync.state import mirror
from sync.state.mirror import ReadAgainst, StoredRecord
from sync.workspace import Workspace


def what_people_said(
    conn: Connection,
    ws: Workspace,
    accounts: Iterable[Account],
    records: Iterable[StoredRecord],
    known_at: datetime | None,
    read_against: ReadAgainst,
) -> Mapping[str, Said]:
    """Return what was said of each account, by id, as known at ``known_at`` (UTC; ``None`` is now).

    ``records`` are those people write on, as known then, or as the CRM held them (``source``); accounts of
    which nothing is written are left out. Where two records speak of one account the older one counts.
    """
    spoken = {one.source_id: one for one in records if speaks(one.values, ws.vendor)}
    if not spoken:
        return {}
    object_name = next(iter(spoken.values())).object
    past = mirror.versions_of(conn, ws.id, object_name, sorted(spoken), known_at, read_against)
    owners, keys = {one.account_id: one.owner_id for one in accounts}, pin_keys(ws.charter)
    people = names_of_people(conn, ws)
    found: dict[str, Said] = {}
    for source_id in by_age(spoken):
        account_id = spoken[source_id].account_id
        if account_id in owners and account_id not in found:
            versions = [crm_record(one) for one in past[source_id]]
            owner = owners[account_id]
            named = None if owner is None else people.owners.get(owner, owner)
            found[account_id] = to_human_inputs(versions, named, ws.inbound, keys, people.users)
    return found
