"""Opens the database, runs the migrations, and says how transactions begin.

SQLite (WAL) is the embedded default, PostgreSQL the one for several machines. Writers on
SQLite begin IMMEDIATE: a claim that read first and then wrote could lose its turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from sync.state.errors import StateError
from sync.state.schema_floor import is_newer

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_MILLISECONDS = 30_000
CONNECT_WITHIN_S = 10  # a server that is switched off answers nothing at all
MIGRATION_LOCK = 0x636F6C6F6E  # "colon": one release command at a time on PostgreSQL
READING = "colonnade_reading"
UNSYNCED = "colonnade_unsynced"
NORMAL = 1  # of SQLite's ``synchronous``: the log is synced at checkpoints only


def normal_url(url: str) -> URL:
    """Return the SQLAlchemy URL for ``url``; ``postgres://`` as Heroku writes it is accepted.

    Raises StateError for anything but a SQLite file or a PostgreSQL database.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        message = "the database URL cannot be read; give sqlite:///file or postgresql://host/name"
        raise StateError(message) from error
    if parsed.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        return parsed
    message = f"{_shown(parsed)} is no SQLite file and no PostgreSQL database"
    raise StateError(message)


def open_engine(url: str) -> Engine:
    """Return a pooled engine for ``url`` that has answered once.

    Raises StateError naming the URL without its password when it does not answer.
    """
    parsed = normal_url(url)
    try:
        engine = _sqlite_engine(parsed) if parsed.drivername == "sqlite" else _postgres_engine(parsed)
        with engine.connect() as conn:
            conn.execute(text("SELECT 1"))
    except (DBAPIError, NoSuchModuleError, OSError) as error:
        message = f"the database {_shown(parsed)} cannot be reached: {_first_line(error)}"
        raise StateError(message) from error
    return engine


def migrate(engine: Engine) -> bool:
    """Bring the database to the newest schema; safe to run twice and from two processes.

    Returns whether it is newer than this program and still serves it, as during a rolling upgrade: then
    nothing is done. Raises StateError when it serves this program no longer, or refuses.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        with engine.begin() as conn:
            if conn.dialect.name == "postgresql":
                conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            if is_newer(conn, config):
                return True
            config.attributes["connection"] = conn
            command.upgrade(config, "head")
    except (OperationalError, CommandError) as error:
        message = f"the database {_shown(engine.url)} could not be migrated: {_first_line(error)}"
        raise StateError(message) from error
    return False


def writing(engine: Engine, *, synced: bool = True) -> AbstractContextManager[Connection]:
    """Return a transaction that may write; commits at the end, rolls back on an exception.

    One that is not ``synced`` outlives the end of any process like every other, but a power cut may undo the
    latest of them, each whole. That is for what is read again from a place kept in the same transaction. The
    next synced commit of anybody makes those before it last.
    """
    return engine.begin() if synced else engine.execution_options(**{UNSYNCED: True}).begin()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Yield a connection whose reads all see one moment of the database, and may not write."""
    options: dict[str, Any] = {READING: True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect() as conn:
        yield conn.execution_options(**options)


def _postgres_engine(url: URL) -> Engine:
    told = {"connect_timeout": CONNECT_WITHIN_S}
    sizes = {"pool_size": 5, "max_overflow": 15}
    engine = create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=told, **sizes)
    event.listen(engine, "begin", _begin_postgres)
    return engine


def _begin_postgres(conn: Connection) -> None:
    if conn.get_execution_options().get(UNSYNCED, False):
        conn.exec_driver_sql("SET LOCAL synchronous_commit = off")


def _sqlite_engine(url: URL) -> Engine:
    Path(str(url.database)).expanduser().parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_size=5, max_overflow=15, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin for us
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    # An answered webhook must outlive a power cut as well, so commits are synced unless they say otherwise.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _begin_sqlite(conn: Connection) -> None:
    options = conn.get_execution_options()
    if options.get(READING, False):
        conn.exec_driver_sql("BEGIN")
        return
    _sync_sqlite(conn, unsynced=bool(options.get(UNSYNCED, False)))
    conn.exec_driver_sql("BEGIN IMMEDIATE")


def _sync_sqlite(conn: Connection, *, unsynced: bool) -> None:
    """Have the commit synced or not; SQLite takes no notice of the wish within a transaction."""
    kept = conn.info.get(UNSYNCED)
    if unsynced and kept is None:
        kept = int(conn.exec_driver_sql("PRAGMA synchronous").scalar_one())
        conn.exec_driver_sql(f"PRAGMA synchronous = {min(kept, NORMAL)}")
        conn.info[UNSYNCED] = kept
    elif not unsynced and kept is not None:
        conn.exec_driver_sql(f"PRAGMA synchronous = {kept}")
        del conn.info[UNSYNCED]


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)


def _first_line(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0]
