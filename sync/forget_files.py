"""A person taken out of files: the home folder's and the usage store's.

Parquet is read as a table, what is packed is unpacked, everything else is text as far as it can be read as
such. Files are replaced whole, so that a reader meets the old one or the new one. Databases are left to
their own statements. Neighbours: ``forget`` calls this, ``prove`` searches the same files as bytes.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import duckdb

from sync.forget_rows import cleaned_text, told
from sync.person_text import Traces
from sync.runtime import Runtime
from sync.scour import pieces_of
from sync.work_folder import PART, delete_leftovers, in_progress, put_in_place

PARQUET, PACKED = ".parquet", ".gz"
DATABASE_BYTES: Final = b"SQLite format 3\0"
DATABASE_ENDINGS: Final = ("-wal", "-shm", "-journal")
TABLE_BYTES: Final = b"PAR1"
LINES_AT_ONCE: Final = 50_000
LETTERS_AT_ONCE: Final = 1_000_000
Progress = Callable[[str, int], None]


def files_of(runtime: Runtime) -> list[Path]:
    """Return every file of the home folder and the usage store, each once, by name; links not followed."""
    roots = {runtime.settings.home.absolute(), Path(runtime.settings.usage_store).absolute()}
    found = {one for root in roots for one in root.rglob("*") if one.is_file() and not one.is_symlink()}
    return sorted(found)


def is_database(path: Path) -> bool:
    """Return whether a file is SQLite's, or one of those beside it."""
    if path.name.endswith(DATABASE_ENDINGS):
        return True
    with path.open("rb") as file:
        return file.read(len(DATABASE_BYTES)) == DATABASE_BYTES


def is_table(path: Path) -> bool:
    """Return whether a file is Parquet by its bytes, whatever its name says."""
    with path.open("rb") as file:
        return file.read(len(TABLE_BYTES)) == TABLE_BYTES


def is_text(path: Path) -> bool:
    """Return whether a file is text to its end, unpacked."""
    try:
        with path.open(encoding="utf-8") as file:
            while file.read(LETTERS_AT_ONCE):
                pass
    except UnicodeDecodeError:
        return False
    return True


def texts_of(path: Path) -> Iterator[str]:
    """Yield what a file that is no table holds, unpacked, as text; bytes that are none are passed over."""
    if path.suffix == PACKED:
        with suppress(OSError, EOFError):  # else it is not packed, whatever its name says
            yield gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
    yield from pieces_of(path)


def parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield a Parquet file's rows by column, every value as text."""
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        found = db.execute("SELECT COLUMNS(*)::VARCHAR FROM read_parquet(?)", [str(path)])
        names = [one[0] for one in found.description or ()]
        while rows := found.fetchmany(LINES_AT_ONCE):
            for row in rows:
                yield dict(zip(names, row, strict=True))


def remove_files(
    runtime: Runtime, traces: Traces, stand_in: str, progress: Progress
) -> tuple[list[str], list[str]]:
    """Take the person out of every file that can be rewritten; return which were, and what is left."""
    changed, left = list[str](), list[str]()
    delete_leftovers(runtime.settings)
    for path in files_of(runtime):
        try:
            if in_progress(runtime.settings, path):
                left += [f"{path} is being worked on"] if _names(path, traces) else []
                continue
            done = _remove(path, traces, stand_in)
        except FileNotFoundError:
            continue  # somebody's work that ended meanwhile
        except duckdb.Error:
            left += [f"{path} cannot be read"] if path.exists() else []
            continue
        finally:
            progress("files", 1)
        if done:
            changed.append(str(path))
    return changed, left


def _names(path: Path, traces: Traces) -> bool:
    if is_table(path):
        return any(
            traces.tells(told(row)) or traces.is_user(row.get("user") or "") for row in parquet_rows(path)
        )
    return any(traces.tells(text) for text in texts_of(path))


def _remove(path: Path, traces: Traces, stand_in: str) -> bool:
    if path.suffix == PARQUET:
        return _remove_from_parquet(path, traces, stand_in)
    return not is_database(path) and _remove_from_text(path, traces)


def _remove_from_parquet(path: Path, traces: Traces, stand_in: str) -> bool:
    """Rewrite the rows of the person's: another user, ids of messages that lead nowhere."""
    rows, hit = list[dict[str, Any]](), False
    for row in parquet_rows(path):
        theirs = traces.is_user(row.get("user") or "")
        if theirs:
            row |= {"user": stand_in, "message_id": f"{stand_in}-{len(rows)}"}
        cleaned = {name: value and cleaned_text(traces, value, name) for name, value in row.items()}
        hit = hit or theirs or cleaned != row
        rows.append(cleaned)
    if hit:
        _write_parquet(path, rows)
    return hit


def _write_parquet(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write the rows in place of the file's, in its own columns and types."""
    part = path.with_name(f".{path.name}.{os.getpid()}{PART}")
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.execute("CREATE TABLE kept AS SELECT * FROM read_parquet(?) LIMIT 0", [str(path)])
        holes = ", ".join("?" for _ in rows[0])
        db.executemany(f"INSERT INTO kept VALUES ({holes})", [list(row.values()) for row in rows])
        db.execute(f"COPY kept TO '{str(part).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)")
    put_in_place(part, path)


def _remove_from_text(path: Path, traces: Traces) -> bool:
    """Rewrite a text, packed or not; what is no text is left for the proof to tell of."""
    raw = path.read_bytes()
    packed = path.suffix == PACKED and raw[:2] == b"\x1f\x8b"
    try:
        text = (gzip.decompress(raw) if packed else raw).decode("utf-8")
    except (UnicodeDecodeError, OSError, EOFError):
        return False
    if not traces.tells(text):
        return False
    cleaned = traces.without(text).encode()
    part = path.with_name(f".{path.name}.{os.getpid()}{PART}")
    part.touch(mode=path.stat().st_mode & 0o777)
    part.write_bytes(gzip.compress(cleaned) if packed else cleaned)
    put_in_place(part, path)
    return True
