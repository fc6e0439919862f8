"""The names usage goes by, and who claims them: what lies between usage as counted and its account.

Usage that names more than an account is counted under a reference, and ``usage_name`` says what it named:
account, contract line and the domain of its user's address, never the address. ``usage_claim`` says which
account had which name from when to when, as far as we knew. Neighbour: ``sync/usage_identity.py``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ColumnElement, Connection, Index, Table, Text, and_, delete, or_, select

from sync.state.schema import Instant, chunks, installation_column, key_columns, metadata, upsert

MARK = "~"
"""What a reference begins with that is not itself the product's name of an account."""

usage_name = Table(
    "usage_name",
    metadata,
    installation_column(),
    Column("ref", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("subscription", Text, nullable=False),
    Column("email_domain", Text, nullable=False),
)
KINDS = ("account", "subscription", "email_domain")
for _kind in KINDS:
    Index(f"ix_usage_name_{_kind}", usage_name.c.installation_id, usage_name.c[_kind])

usage_claim = Table(
    "usage_claim",
    metadata,
    installation_column(),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
    Column("since", Instant, primary_key=True),
    Column("until", Instant),
    Column("account_id", Text, nullable=False),
)
Index("ix_usage_claim_account", usage_claim.c.installation_id, usage_claim.c.account_id)
Index("ix_usage_claim_record", usage_claim.c.installation_id, usage_claim.c.record_id)


@dataclass(frozen=True, slots=True, order=True)
class Names:
    """What an event named: the account, a contract line, a domain; each may be empty."""

    account: str
    subscription: str = ""
    email_domain: str = ""

    @property
    def ref(self) -> str:
        """Return under what it is counted: the account's name where there is nothing else."""
        if self.account and not (self.subscription or self.email_domain or self.account.startswith(MARK)):
            return self.account
        text = json.dumps([self.account, self.subscription, self.email_domain])
        return MARK + hashlib.sha256(text.encode()).hexdigest()[:32]

    def of(self, kind: str) -> str:
        """Return the name of one kind, empty where there is none."""
        return {
            "account": self.account,
            "subscription": self.subscription,
            "email_domain": self.email_domain,
        }[kind]


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """An account that has a name, by one of its records, from ``since`` to before ``until`` (UTC)."""

    kind: str
    name: str
    record_id: str
    since: datetime
    until: datetime | None
    account_id: str


def keep_names(conn: Connection, installation_id: str, named: Iterable[Names]) -> None:
    """Remember what references stand for."""
    rows = [
        {
            "installation_id": installation_id,
            "ref": one.ref,
            "account": one.account,
            "subscription": one.subscription,
            "email_domain": one.email_domain,
        }
        for one in sorted(set(named))
        if one.ref != one.account
    ]
    if rows:
        conn.execute(upsert(conn, usage_name).on_conflict_do_nothing(), rows)


def named(conn: Connection, installation_id: str, kind: str, names: Collection[str]) -> set[Names]:
    """Return everything counted that named one of ``names`` as its ``kind``."""
    found: set[Names] = set()
    for chunk in chunks(sorted(names)):
        mine = and_(usage_name.c.installation_id == installation_id, usage_name.c[kind].in_(chunk))
        found |= {_names(row) for row in conn.execute(select(usage_name).where(mine))}
    return found


def names_of(conn: Connection, installation_id: str, refs: Collection[str]) -> dict[str, Names]:
    """Return what each reference stands for; one that was never kept is the account's name."""
    found = {ref: Names(ref) for ref in refs}
    for chunk in chunks(sorted(ref for ref in refs if ref.startswith(MARK))):
        mine = and_(usage_name.c.installation_id == installation_id, usage_name.c.ref.in_(chunk))
        found |= {row.ref: _names(row) for row in conn.execute(select(usage_name).where(mine))}
    return found


def _names(row: object) -> Names:
    return Names(row.account, row.subscription, row.email_domain)  # type: ignore[attr-defined]


def claims(
    conn: Connection,
    installation_id: str,
    kind: str,
    names: Collection[str],
    known_at: datetime | None = None,
) -> dict[str, set[str]]:
    """Return which accounts claimed each name as known at a moment (inclusive; ``None`` is now)."""
    found: dict[str, set[str]] = {}
    table = usage_claim.c
    for chunk in chunks(sorted(names)):
        mine = and_(table.installation_id == installation_id, table.kind == kind, table.name.in_(chunk))
        for name, account in conn.execute(select(table.name, table.account_id).where(mine, _known(known_at))):
            found.setdefault(name, set()).add(account)
    return found


def claims_of(
    conn: Connection, installation_id: str, account_ids: Collection[str], known_at: datetime | None = None
) -> dict[str, set[str]]:
    """Return the names the accounts claim, by kind, as known at a moment."""
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    table = usage_claim.c
    for chunk in chunks(sorted(account_ids)):
        mine = and_(table.installation_id == installation_id, table.account_id.in_(chunk))
        for kind, name in conn.execute(select(table.kind, table.name).where(mine, _known(known_at))):
            found[kind].add(name)
    return found


def claimed_since(
    conn: Connection, installation_id: str, account_ids: Collection[str], moment: datetime
) -> set[tuple[str, datetime]]:
    """Return (account, instant) of every claim after ``moment`` on a name the account has or had."""
    mine, other = usage_claim.alias("mine"), usage_claim.alias("other")
    same = and_(
        other.c.installation_id == mine.c.installation_id,
        other.c.kind == mine.c.kind,
        other.c.name == mine.c.name,
    )
    found: set[tuple[str, datetime]] = set()
    for chunk in chunks(sorted(account_ids)):
        here = and_(mine.c.installation_id == installation_id, mine.c.account_id.in_(chunk))
        for when in (other.c.since, other.c.until):
            query = select(mine.c.account_id, when).join(other, same).where(here, when > moment)
            found |= {(row[0], row[1]) for row in conn.execute(query.distinct())}
    return found


def of_records(conn: Connection, installation_id: str, record_ids: Collection[str]) -> set[Claim]:
    """Return every claim records make or made."""
    found: set[Claim] = set()
    for chunk in chunks(sorted(record_ids)):
        mine = and_(usage_claim.c.installation_id == installation_id, usage_claim.c.record_id.in_(chunk))
        found |= {
            Claim(row.kind, row.name, row.record_id, row.since, row.until, row.account_id)
            for row in conn.execute(select(usage_claim).where(mine))
        }
    return found


def put_claims(conn: Connection, installation_id: str, gone: Iterable[Claim], come: Iterable[Claim]) -> None:
    """Delete some claims and enter others; one that stands already has its end and account changed."""
    table = usage_claim.c
    for one in sorted(gone, key=_key):
        key = and_(table.kind == one.kind, table.name == one.name, table.record_id == one.record_id)
        same = and_(table.installation_id == installation_id, key, table.since == one.since)
        conn.execute(delete(usage_claim).where(same))
    rows = [
        {
            "installation_id": installation_id,
            "kind": one.kind,
            "name": one.name,
            "record_id": one.record_id,
            "since": one.since,
            "until": one.until,
            "account_id": one.account_id,
        }
        for one in sorted(come, key=_key)
    ]
    if rows:
        new = upsert(conn, usage_claim)
        changes = {"until": new.excluded.until, "account_id": new.excluded.account_id}
        conn.execute(new.on_conflict_do_update(index_elements=key_columns(usage_claim), set_=changes), rows)


def forget_claims(conn: Connection, installation_id: str) -> None:
    """Delete all claims, which can be learned anew from the mirror."""
    conn.execute(delete(usage_claim).where(usage_claim.c.installation_id == installation_id))


def _key(one: Claim) -> tuple[str, str, str, datetime]:
    return one.kind, one.name, one.record_id, one.since


def _known(known_at: datetime | None) -> ColumnElement[bool]:
    table = usage_claim.c
    if known_at is None:
        return table.until.is_(None)
    return and_(table.since <= known_at, or_(table.until.is_(None), table.until > known_at))
