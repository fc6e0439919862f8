"""What a database file still holds of rows that were rewritten: free pages and the log, made anew.

SQLite keeps old bytes until it needs the room; where a search of the file's bytes finds the person, the file
is written anew. PostgreSQL is asked to free its dead rows: what its log and its backups hold is the server's.
Neighbours: ``forget`` calls this last, ``prove`` searches the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import text

from sync.person_text import Traces
from sync.runtime import Runtime

PIECE_BYTES: Final = 8_000_000
OVERLAP_BYTES: Final = 2_000


def scour(runtime: Runtime, traces: Traces) -> None:
    """Have the database let go of what no row holds any more."""
    engine = runtime.engine
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        if engine.dialect.name == "postgresql":
            conn.execute(text("VACUUM"))
        elif any(leftover(path, traces) for path in database_files(runtime)):
            raw = conn.connection.dbapi_connection
            if raw is not None:
                cursor = raw.cursor()
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                cursor.execute("VACUUM")
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                cursor.close()


def database_files(runtime: Runtime) -> list[Path]:
    """Return the files of an SQLite database; none where it is a server's."""
    if runtime.engine.dialect.name != "sqlite":
        return []
    main = Path(str(runtime.engine.url.database)).expanduser()
    return [one for one in (main, main.with_name(f"{main.name}-wal")) if one.exists()]


def pieces_of(path: Path) -> Iterator[str]:
    """Yield a file's bytes as text, piece by piece; what ends one begins the next, so that nothing is cut."""
    with path.open("rb") as file:
        before = b""
        while piece := file.read(PIECE_BYTES):
            yield (before + piece).decode("utf-8", "replace")
            before = piece[-OVERLAP_BYTES:]


def leftover(path: Path, traces: Traces) -> bool:
    """Return whether a database file's bytes hold what is the person's wherever it stands.

    Ids that are numbers are left to the search by statements, where it is known what stands beside them.
    """
    return any(traces.tells_apart(text) for text in pieces_of(path))
