"""Which parts of a portal or org an install of ours made; what stands here may be taken back.

An intention is kept before the call that makes the part: a part that was not there when we
planned, and is there after a crash, is ours. What stood before we came never gets here, so an
uninstall cannot touch it, whatever its name. Neighbours: ``sync/install.py`` intends and
confirms, ``sync/uninstall.py`` forgets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Column, ColumnElement, Connection, Table, Text, and_, delete, select, update

from integration.parts import OwnedPart, Part, PartKind
from sync.state.schema import Instant, installation_column, key_columns, metadata, upsert

installed_part = Table(
    "installed_part",
    metadata,
    installation_column(),
    Column("kind", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("crm_id", Text),
    Column("intended_at", Instant, nullable=False),
    Column("made_at", Instant),
)


def intend(conn: Connection, installation_id: str, now: datetime, parts: Iterable[Part]) -> None:
    """Keep that we are about to make ``parts``; those known already stay as they are."""
    rows = [{**_columns(installation_id, part), "intended_at": now} for part in sorted(set(parts))]
    if rows:
        statement = upsert(conn, installed_part)
        conn.execute(statement.on_conflict_do_nothing(index_elements=key_columns(installed_part)), rows)


def confirm(conn: Connection, installation_id: str, now: datetime, made: Mapping[Part, str | None]) -> None:
    """Keep that parts stand, with the CRM's own ids where they have one."""
    for part, crm_id in made.items():
        values = {"made_at": now} | ({"crm_id": crm_id} if crm_id else {})
        conn.execute(update(installed_part).where(_is(installation_id, part)).values(values))


def disclaim(conn: Connection, installation_id: str, parts: Iterable[Part]) -> None:
    """Forget intended parts that turned out to be the customer's; what another apply made stays ours."""
    for part in parts:
        mine = _is(installation_id, part) & installed_part.c.made_at.is_(None)
        conn.execute(delete(installed_part).where(mine))


def forget(conn: Connection, installation_id: str, parts: Iterable[Part]) -> None:
    """Forget parts: they were taken back."""
    for part in parts:
        conn.execute(delete(installed_part).where(_is(installation_id, part)))


def owned(conn: Connection, installation_id: str) -> tuple[OwnedPart, ...]:
    """Return the parts that are ours, or may be where a crash left an intention, in a stable order."""
    table = installed_part.c
    query = (
        select(table.kind, table.object, table.name, table.target, table.crm_id)
        .where(table.installation_id == installation_id)
        .order_by(table.kind, table.object, table.name, table.target)
    )
    return tuple(
        OwnedPart(Part(PartKind(row.kind), row.object, row.name, row.target), row.crm_id)
        for row in conn.execute(query)
    )


def unconfirmed(conn: Connection, installation_id: str) -> tuple[Part, ...]:
    """Return the parts that were intended and of which no answer said that they stand."""
    table = installed_part.c
    query = select(table.kind, table.object, table.name, table.target).where(
        table.installation_id == installation_id, table.made_at.is_(None)
    )
    return tuple(Part(PartKind(row.kind), row.object, row.name, row.target) for row in conn.execute(query))


def _columns(installation_id: str, part: Part) -> dict[str, str]:
    return {
        "installation_id": installation_id,
        "kind": part.kind.value,
        "object": part.object,
        "name": part.name,
        "target": part.target,
    }


def _is(installation_id: str, part: Part) -> ColumnElement[bool]:
    return and_(*(installed_part.c[name] == value for name, value in _columns(installation_id, part).items()))
