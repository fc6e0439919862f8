"""What the last look at each account found that others go by: its next border, and what owners' books hold.

One row an account, written in the look's own transaction. Neighbours: ``sync/borders.py`` asks which
borders have come, ``sync/owner_book.py`` what an owner's accounts are worth and in which bands they stand.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import BigInteger, Column, Connection, Date, Index, Table, Text, select

from sync.state.schema import chunks, installation_column, key_columns, metadata, upsert

account_look = Table(
    "account_look",
    metadata,
    installation_column(),
    Column("account_id", Text, primary_key=True),
    Column("border_on", Date),
    Column("basis", Text, nullable=False),
    Column("owner_id", Text),
    Column("band", Text),
    Column("arr", BigInteger, nullable=False),
    Index("ix_account_look_owner_id", "owner_id", "installation_id"),
)


@dataclass(frozen=True, slots=True)
class AccountLook:
    """What a look found of one account.

    ``border_on`` is the first day on which time alone may change its records, ``None`` for never; it holds
    while everything else rules rest on still is as ``basis`` says. ``owner_id``, ``band`` and ``arr`` (minor
    units of the reporting currency) are those of the look.
    """

    account_id: str
    border_on: date | None
    basis: str
    owner_id: str | None
    band: str | None
    arr: int


def put(conn: Connection, installation_id: str, looks: Sequence[AccountLook]) -> None:
    """Keep what looks found, in place of what the looks before them did."""
    rows = [
        {
            "installation_id": installation_id,
            "account_id": one.account_id,
            "border_on": one.border_on,
            "basis": one.basis,
            "owner_id": one.owner_id,
            "band": one.band,
            "arr": one.arr,
        }
        for one in sorted(looks, key=lambda one: one.account_id)
    ]
    if rows:
        new = upsert(conn, account_look)
        changes = {name: new.excluded[name] for name in ("border_on", "basis", "owner_id", "band", "arr")}
        conn.execute(new.on_conflict_do_update(index_elements=key_columns(account_look), set_=changes), rows)


def find(conn: Connection, installation_id: str, account_ids: Collection[str]) -> dict[str, AccountLook]:
    """Return what the last looks at the accounts found; accounts never looked at are left out."""
    table, found = account_look.c, {}
    for chunk in chunks(sorted(set(account_ids))):
        mine = (table.installation_id == installation_id) & table.account_id.in_(chunk)
        for row in conn.execute(select(account_look).where(mine)):
            found[row.account_id] = AccountLook(
                row.account_id, row.border_on, row.basis, row.owner_id, row.band, row.arr
            )
    return found


def at_peace(conn: Connection, installation_id: str, today: date, basis: str) -> frozenset[str]:
    """Return the accounts whose border is still to come on a day, what they rest on being ``basis``."""
    table = account_look.c
    query = select(table.account_id).where(
        table.installation_id == installation_id,
        table.basis == basis,
        table.border_on.is_(None) | (table.border_on > today),
    )
    return frozenset(conn.execute(query).scalars())


def owners(conn: Connection, installation_id: str) -> frozenset[str]:
    """Return every owner some account was last seen with."""
    query = select(account_look.c.owner_id).where(
        account_look.c.installation_id == installation_id, account_look.c.owner_id.is_not(None)
    )
    return frozenset(conn.execute(query.distinct()).scalars())
