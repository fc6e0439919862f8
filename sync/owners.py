"""Owners: who may be given records in the CRM, kept in the mirror, and whom we give none.

They are read whole, with the first load and then as rarely as the charter's freshness asks (a day where
it says nothing), never by a look. A deal or task of ours begins with the account's owner; where that one
left or is not known to the CRM it begins with none, and a finding says so. What stands in the CRM already
is people's. Neighbours: ``integration.owners`` is the question, ``pull`` and ``catch_up`` call
``read_owners``, ``look`` asks ``unfit_owners``, ``commands/showing`` names an account's owner.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from integration.owners import OWNERS, Owner, OwnersPort
from integration.port import Refused
from mappings.inbound import owners_promise
from mappings.outbound import owned_objects
from success.facts import Account, AccountFacts
from sync.admission import admitted
from sync.keep import Pulled
from sync.state import cursors, findings, ledger, mirror
from sync.state.cursors import Cursor, Phase
from sync.state.engine import reading, writing
from sync.state.ledger import WantedRow
from sync.state.mirror import MirrorRecord, StoredRecord
from sync.workspace import Workspace

UNSEEDED = "owner"
"""The kind of finding: records of ours that began without an owner, by account."""

UNREAD = "owners"
"""The kind of finding: the CRM does not let us see its owners."""


@dataclass(frozen=True, slots=True)
class AccountOwner:
    """Who an account belongs to; ``name`` is ``None`` for one who was never read.

    ``archived``: that person left, or the CRM erased them.
    """

    id: str
    name: str | None
    email: str | None
    archived: bool


def read_owners_if_due(ws: Workspace) -> Pulled:
    """Read the owners where that was never tried, or longer ago than the charter promises."""
    promised = owners_promise(ws.charter, ws.vendor)
    with reading(ws.runtime.engine) as conn:
        tried = [_read_at(conn, ws), *(one.last_at for one in findings.open_findings(conn, ws.id, UNREAD))]
    if promised is None or any(at is not None and ws.now() - at < promised for at in tried):
        return Pulled()
    return read_owners(ws)


def read_owners(ws: Workspace) -> Pulled:
    """Read all owners into the mirror; return what was done. None where the CRM has no owners apart.

    A CRM that refuses them (the scope is missing) holds up nothing: its words become a finding, and
    every account's owner is taken as it stands. Raises Unavailable and NeedsConsent.
    """
    port, started = ws.port, ws.now()
    if not isinstance(port, OwnersPort) or owners_promise(ws.charter, ws.vendor) is None:
        return Pulled()
    try:
        found = port.owners()
    except Refused as error:
        with writing(ws.runtime.engine) as conn:
            named = ", ".join(error.error.fields)
            words = f"the CRM does not show who owns records: {error.error.message} ({named})"
            findings.report(conn, ws.id, started, UNREAD, {OWNERS: words})
        return Pulled()
    with writing(ws.runtime.engine) as conn:
        changed = _keep(conn, ws, found, started)
        findings.resolve(conn, ws.id, started, UNREAD, [OWNERS])
        cursors.put(conn, ws.id, started, Cursor(OWNERS, Phase.INCREMENTAL, None, started))
    return Pulled(len(found), changed)


def unfit_owners(conn: Connection, ws: Workspace, facts: Iterable[AccountFacts]) -> dict[str, str]:
    """Return, by account, in words why nothing of ours may be given to its owner; others are left out.

    Empty while owners were never read. An owner the account was given after the last reading may be
    new: nothing is said of that one yet.
    """
    read_at = _read_at(conn, ws)
    if read_at is None:
        return {}
    owned = [(one.account, owner) for one in facts if (owner := one.account.owner_id) is not None]
    known = mirror.find(conn, ws.id, OWNERS, sorted({owner for _, owner in owned}))
    found: dict[str, str] = {}
    for account, owner in owned:
        held = known.get(owner)
        if held is not None and held.deleted:
            whose = f"{_name(held)} ({owner}), who left"
        elif held is None and _given_at(conn, ws, account) <= read_at:
            whose = f"owner {owner}, whom the CRM does not know"
        else:
            continue
        found[account.account_id] = f"{account.name} belongs to {whose}"
    return found


def report_unseeded(
    conn: Connection,
    ws: Workspace,
    now: datetime,
    looked_at: Iterable[str],
    unfit: Mapping[str, str],
    rows: Iterable[WantedRow],
) -> None:
    """Tell of the accounts some of whose ``rows`` begin without an owner; close what is mended of others.

    Called before the rows are entered: what the CRM has taken keeps whom it began with.
    """
    begun = _new_accounts(conn, ws, [row for row in rows if row.account_id in unfit])
    messages = {
        account: f"{unfit[account]}: deals and tasks of ours begin there without an owner. Give the account "
        "another owner; what has begun is people's to give away"
        for account in sorted(begun)
    }
    findings.report(conn, ws.id, now, UNSEEDED, messages)
    findings.resolve(conn, ws.id, now, UNSEEDED, set(looked_at) - unfit.keys())


def owner_of(conn: Connection, ws: Workspace, owner_id: str | None) -> AccountOwner | None:
    """Return who the owner is, as last read; ``None`` for an account that has none."""
    if owner_id is None:
        return None
    held = mirror.find(conn, ws.id, OWNERS, [owner_id]).get(owner_id)
    if held is None:
        return AccountOwner(owner_id, None, None, archived=False)
    return AccountOwner(owner_id, _name(held), held.values.get("email"), held.deleted)


@dataclass(frozen=True, slots=True)
class People:
    """What people are called, by their ids as owners and, where the CRM has others, by those as users."""

    owners: Mapping[str, str]
    users: Mapping[str, str]


def names_of_people(conn: Connection, ws: Workspace) -> People:
    """Return the names of the owners as last read, those who left not among them."""
    held = mirror.current(conn, ws.id, OWNERS)
    users = {user: _name(one) for one in held if (user := one.values.get("user_id"))}
    return People({one.source_id: _name(one) for one in held}, users)


def _read_at(conn: Connection, ws: Workspace) -> datetime | None:
    """Return when the owners were last read whole; ``None`` where they never were."""
    place = cursors.get(conn, ws.id, OWNERS)
    return None if place is None else place.high_water


def _keep(conn: Connection, ws: Workspace, found: Sequence[Owner], started: datetime) -> int:
    """Store the owners, and those no longer listed as gone; return how many changed.

    No page says that an owner's time moves when they leave or come back, and the list is the store's
    own word: what it says is never older than what we hold.
    """
    held = mirror.find(conn, ws.id, OWNERS, [one.id for one in found])
    rows = admitted(conn, ws, [_record(one, held.get(one.id)) for one in found])
    listed = {one.id for one in found}
    erased = [(one, started) for one in mirror.live_ids(conn, ws.id, OWNERS) if one not in listed]
    changed = mirror.store(conn, ws.id, ws.now(), rows).changed
    return len(changed) + len(mirror.mark_deleted(conn, ws.id, ws.now(), OWNERS, erased).changed)


def _record(owner: Owner, held: StoredRecord | None) -> MirrorRecord:
    at = owner.changed_at if held is None else max(owner.changed_at, held.confirmed_at)
    values = {
        "email": owner.email or None,
        "first_name": owner.first_name or None,
        "last_name": owner.last_name or None,
        "archived": str(owner.archived).lower(),
        **({"user_id": owner.user_id} if owner.user_id else {}),
    }
    return MirrorRecord(OWNERS, owner.id, at, values, (), None, owner.archived, owner.created_at)


def _name(held: StoredRecord) -> str:
    """Return the owner's name, else the address, else the id."""
    values = held.values
    named = " ".join(filter(None, (values.get("first_name"), values.get("last_name"))))
    return named or values.get("email") or held.source_id


def _given_at(conn: Connection, ws: Workspace, account: Account) -> datetime:
    """Return since when the account has named its owner, by the CRM's time."""
    reads = ws.inbound.crm.reads.account
    field = reads.fields.owner_id.field if reads.fields.owner_id else None
    versions = mirror.versions(conn, ws.id, reads.object, account.account_id)
    since = versions[-1].source_at
    for one in reversed(versions):
        if field is None or one.values.get(field) != account.owner_id:
            break
        since = one.source_at
    return since


def _new_accounts(conn: Connection, ws: Workspace, rows: Sequence[WantedRow]) -> Collection[str]:
    """Return the accounts of rows that carry an owner and that the CRM has not taken yet."""
    objects, keys = owned_objects(ws.charter, ws.vendor), defaultdict[str, list[str]](list)
    for row in rows:
        if row.object in objects:
            keys[row.object].append(row.key)
    taken = {
        (name, key)
        for name, wanted in keys.items()
        for key, held in ledger.find(conn, ws.id, name, wanted).items()
        if held.record_id is not None
    }
    return {row.account_id for row in rows if row.object in keys and (row.object, row.key) not in taken}
