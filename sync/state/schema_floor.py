"""Which programs a schema still serves, so that old workers outlive a migration.

During a rolling upgrade a database is newer than some of its processes. A migration only adds; what it adds
older programs do not see. What they need is taken away by a later version at the earliest, in a migration
that also raises the floor kept here. Neighbour: ``engine.migrate`` asks; decision 0097.
"""

from __future__ import annotations

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Integer, Table, Text, inspect, select, update

from sync.state.errors import StateError
from sync.state.schema import metadata

schema_floor = Table(
    "schema_floor",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("oldest", Text, nullable=False),
)


def is_newer(conn: Connection, config: Config) -> bool:
    """Return whether the database is ahead of the program whose migrations ``config`` names, and serves it.

    Raises StateError when it is ahead and the program older than what it serves.
    """
    at = MigrationContext.configure(conn).get_current_revision()
    known = {one.revision for one in ScriptDirectory.from_config(config).walk_revisions()}
    if at is None or at in known:
        return False
    oldest = _oldest(conn)
    if oldest not in known:
        raise StateError(
            f"the database is at {at}, which serves programs from {oldest or at} on; this one is older. "
            "Start the version that migrated it, or a newer one"
        )
    return True


def _oldest(conn: Connection) -> str | None:
    if not inspect(conn).has_table(schema_floor.name):
        return None
    return conn.execute(select(schema_floor.c.oldest)).scalar_one_or_none()


def raise_floor(conn: Connection, oldest: str) -> None:
    """Say, in a migration that takes away, that programs before ``oldest`` are served no longer."""
    conn.execute(update(schema_floor).values(oldest=oldest))
