"""Minted identities: ids that outlive whatever they were minted from.

A renewal group or an account key is minted once from its first source id; the first writer
wins, and a merge makes both sources answer with the survivor's id for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from sqlalchemy import Column, Connection, Index, Table, Text, bindparam, select, true, update

from sync.state import bulk
from sync.state.errors import StateError
from sync.state.schema import (
    Upsert,
    canonical_json,
    chunks,
    dialect_insert,
    installation_column,
    key_columns,
    metadata,
    upsert,
)

ACCOUNT_KEY = "account"
"""The kind that leads from an account's id to the key of its records: a survivor answers with its heir's."""

USAGE_REF_KEY = "usage_ref"
"""The kind that leads from the product's name of an account to the account."""

identity = Table(
    "identity",
    metadata,
    installation_column(),
    Column("kind", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("minted", Text, nullable=False),
    Column("first_minted", Text, nullable=False),
    Index("ix_identity_minted", "installation_id", "minted", "kind"),
)


def mint_many(
    conn: Connection, installation_id: str, kind: str, proposals: Mapping[str, str]
) -> dict[str, str]:
    """Return the minted id per source; a source not known yet takes its proposal, for ever."""
    rows = [
        {
            "installation_id": installation_id,
            "kind": kind,
            "source": source,
            "minted": proposals[source],
            "first_minted": proposals[source],
        }
        for source in sorted(proposals)
    ]
    if rows:
        conn.execute(upsert(conn, identity).on_conflict_do_nothing(), rows)
    return resolve(conn, installation_id, kind, list(proposals))


def bind(conn: Connection, installation_id: str, kind: str, meanings: Mapping[str, str]) -> None:
    """Have every source answer with its id from now on, whatever it answered before.

    For names that people correct, such as the product's name of an account; minted keys never change.
    """
    if meanings:
        given = {"whose": installation_id, "of": kind, "meanings": canonical_json(dict(meanings))}
        conn.execute(_bind_statement(conn.dialect.name), given)


@lru_cache
def _bind_statement(dialect: str) -> Upsert:
    """Return how sources are bound to their ids, all in one statement."""
    given = bulk.pairs(dialect, "meanings")
    values = {
        "installation_id": bindparam("whose", type_=Text),
        "kind": bindparam("of", type_=Text),
        "source": given.c.key,
        "minted": given.c.value,
        "first_minted": given.c.value,
    }
    # Without a condition SQLite takes ON CONFLICT for part of the SELECT.
    new = dialect_insert(dialect, identity)
    new = new.from_select(list(values), select(*values.values()).select_from(given).where(true()))
    changes = {"minted": new.excluded.minted}
    return new.on_conflict_do_update(index_elements=key_columns(identity), set_=changes)


def resolve(conn: Connection, installation_id: str, kind: str, sources: Sequence[str]) -> dict[str, str]:
    """Return the minted id of every known source among ``sources``."""
    minted: dict[str, str] = {}
    for chunk in chunks(sources):
        query = select(identity.c.source, identity.c.minted).where(
            identity.c.installation_id == installation_id,
            identity.c.kind == kind,
            identity.c.source.in_(chunk),
        )
        minted |= dict(conn.execute(query).all())
    return minted


def sources_of(conn: Connection, installation_id: str, kind: str, minted: str) -> list[str]:
    """Return the sources that answer with the minted id, in order."""
    query = select(identity.c.source).where(
        identity.c.installation_id == installation_id, identity.c.kind == kind, identity.c.minted == minted
    )
    return list(conn.execute(query.order_by(identity.c.source)).scalars())


def alias(conn: Connection, installation_id: str, kind: str, merged: str, survivor: str) -> str:
    """Make ``merged``, and all that was merged into it, answer with the survivor's id; return that.

    Raises StateError when the survivor was never minted.
    """
    known = resolve(conn, installation_id, kind, [merged, survivor])
    if survivor not in known:
        message = f"{kind} {survivor} has no identity in {installation_id} to merge {merged} into"
        raise StateError(message)
    target = known[survivor]
    if merged not in known:
        return mint_many(conn, installation_id, kind, {merged: target})[merged]
    same = (identity.c.installation_id == installation_id) & (identity.c.kind == kind)
    conn.execute(update(identity).where(same, identity.c.minted == known[merged]).values(minted=target))
    return target
