"""The proof of a forgetting: every table, file, Redis key and CRM record of ours, searched.

It does not ask what the forgetting did. Tables are those the database says it has, columns and rows all of
them; files all there are; records are read from the CRM now. A hit is told by its place, never by its words.
Neighbours: ``forget`` takes out, ``person_text`` knows the traces.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from sync.forget_crm import records_of_ours
from sync.forget_files import PARQUET, files_of, is_database, is_table, is_text, parquet_rows, texts_of
from sync.forget_redis import named_keys
from sync.forget_rows import OWN_TABLES, is_theirs, rows_of, tables_of, told
from sync.person_text import Traces
from sync.scour import database_files, leftover
from sync.state.engine import reading
from sync.state.installations import ENDED
from sync.work_folder import PART, in_progress
from sync.workspace import Workspace

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where the person is found: a table's column, a file, a Redis key, an object's field."""

    place: str
    count: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What was searched, and what found. ``hits`` empty: the person is nowhere among it."""

    tables: int
    columns: int
    rows: int
    files: int
    redis_keys: int
    crm_objects: int
    crm_records: int
    hits: tuple[Hit, ...]


def prove(ws: Workspace, traces: Traces, progress: Progress) -> Proof:
    """Search everything for the person; reads only. Raises what the CRM raises."""
    hits: Counter[str] = Counter()
    tables, columns, rows = _tables(ws, traces, hits, progress)
    files = _files(ws, traces, hits, progress)
    keys, named = named_keys(ws.runtime.redis, traces)
    hits.update({f"redis {place}": 1 for place in range(1, len(named) + 1)})
    objects, records = set[str](), 0
    for one in () if ws.installation.status in ENDED else records_of_ours(ws, traces, progress):
        objects.add(one.object)
        records += 1
        hits.update(f"{one.object}.{field}" for field in one.named)
    found = tuple(Hit(place, count) for place, count in sorted(hits.items()))
    return Proof(tables, columns, rows, files, keys, len(objects), records, found)


def _tables(ws: Workspace, traces: Traces, hits: Counter[str], progress: Progress) -> tuple[int, int, int]:
    found = tables_of(ws.runtime.engine)
    columns = rows = 0
    for table in found:
        columns += len(table.columns)
        with reading(ws.runtime.engine) as conn:
            for row in rows_of(conn, table, ws.id):
                rows += 1
                if traces.tells(told(row)) or (
                    table.name not in OWN_TABLES and is_theirs(traces, table.name, row)
                ):
                    places = [name for name, value in row.items() if traces.tells(f"{name} {value}")]
                    hits.update(f"{table.name}.{name}" for name in places or ("*",))
        progress(table.name, rows)
    return len(found), columns, rows


def _files(ws: Workspace, traces: Traces, hits: Counter[str], progress: Progress) -> int:
    paths = sorted({*files_of(ws.runtime), *database_files(ws.runtime)})
    for path in paths:
        if path.exists() and (count := _in_file(ws, path, traces)):
            hits[str(path)] += count
        progress("files", 1)
    return len(paths)


def _in_file(ws: Workspace, path: Path, traces: Traces) -> int:
    """Return how often a file tells of the person; once where it cannot be read, for it might."""
    try:
        hidden = in_progress(ws.runtime.settings, path) and not (is_table(path) or is_text(path))
        return 1 if hidden else _told_in(path, traces)
    except FileNotFoundError:
        return 0  # somebody's work that ended meanwhile
    except duckdb.Error:
        return 1


def _told_in(path: Path, traces: Traces) -> int:
    if path.suffix == PARQUET or (path.suffix == PART and is_table(path)):
        return sum(
            traces.tells(told(row)) or traces.is_user(row.get("user") or "") for row in parquet_rows(path)
        )
    if is_database(path):
        return int(leftover(path, traces))
    return int(any(traces.tells(text) for text in texts_of(path)))
