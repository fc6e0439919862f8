"""A person taken out of the database: every table there is, row by row, and no list of tables to go stale.

What tells an installation's rows apart is its column; what the person's place in counts needs is a stand-in
nobody can lead back. Rows are rewritten where they stand, hashes over what they hold are made anew, so that
the next look and the next poll find nothing changed but the person. Neighbours: ``forget`` calls this,
``prove`` searches the same tables in another way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Engine, MetaData, RowMapping, Table, and_, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import String

from sync.person_text import Traces
from sync.state.dirty import Scope
from sync.state.engine import reading, writing
from sync.state.schema import canonical_json, content_hash

ROWS_AT_ONCE: Final = 500
OWN_TABLES: Final = frozenset({"person_forgetting", "person_key", "person_tombstone", "alembic_version"})
"""Sealed, hashed, or none of anybody's: what the forgetting itself works with."""
Progress = Callable[[str, int], None]
Touched = Callable[[Connection, set[str]], object]
Values = Mapping[str, Any]


def tables_of(engine: Engine) -> list[Table]:
    """Return every table of the database as it stands, by name; types as the database knows them."""
    found = MetaData()
    found.reflect(engine)
    return [found.tables[name] for name in sorted(found.tables)]


def rows_of(conn: Connection, table: Table, installation_id: str) -> Iterator[dict[str, Any]]:
    """Yield a table's rows of one installation; all of a table that belongs to none."""
    query = select(table)
    if "installation_id" in table.c:
        query = query.where(table.c.installation_id == installation_id)
    streamed = conn.execution_options(yield_per=ROWS_AT_ONCE).execute(query)
    yield from map(_plain, streamed.mappings())


def _plain(row: RowMapping) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}


def told(row: Mapping[str, Any]) -> str:
    """Return a row as one text, each value behind its column's name."""
    return " ".join(f"{name} {value}" for name, value in row.items() if value is not None)


def named_rows(engine: Engine, traces: Traces, progress: Progress) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that name the person, by table; reads only."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table in tables_of(engine):
        if table.name in OWN_TABLES:
            continue
        with reading(engine) as conn:
            rows = [
                row
                for row in rows_of(conn, table, traces.installation_id)
                if traces.tells(told(row)) or is_theirs(traces, table.name, row)
            ]
        progress(table.name, len(rows))
        if rows:
            found[table.name] = rows
    return found


def is_theirs(traces: Traces, table: str, row: Values) -> bool:
    """Return whether a row is the person's whatever its text: a record of theirs, usage of theirs."""
    if table == "record_version":
        return traces.is_record(row["object"], row["source_id"])
    return table == "presence_day" and traces.is_user(row["user_ref"])


def remove_rows(
    engine: Engine, traces: Traces, stand_in: str, touched: Touched, progress: Progress
) -> dict[str, int]:
    """Take the person out of every row; return how many by table.

    What was done already is found no more, so it may be cut short: ``touched`` is told of the accounts in the
    transaction that rewrites their rows.
    """
    done, by_name = dict[str, int](), {table.name: table for table in tables_of(engine)}
    for name, rows in named_rows(engine, traces, progress).items():
        table = by_name[name]
        for start in range(0, len(rows), ROWS_AT_ONCE):
            with writing(engine) as conn:
                batch = rows[start : start + ROWS_AT_ONCE]
                for row in batch:
                    _remove(conn, table, row, traces, stand_in)
                touched(conn, {row["account_id"] for row in batch if row.get("account_id")})
        done[name] = len(rows)
    return done


def _remove(conn: Connection, table: Table, row: Values, traces: Traces, stand_in: str) -> None:
    key = _key(table, row)
    held = conn.execute(select(table).where(key).with_for_update()).mappings().one_or_none()
    if held is None:
        return
    changed = _changed(table, _plain(held), traces, stand_in)
    if changed is None:
        conn.execute(delete(table).where(key))
        return
    try:
        with conn.begin_nested():
            if changed:
                conn.execute(update(table).where(key).values(changed))
    except IntegrityError:  # the same row without the person stands already
        conn.execute(delete(table).where(key))


def _changed(table: Table, row: Values, traces: Traces, stand_in: str) -> dict[str, Any] | None:
    """Return the columns to write; ``None`` where the whole row is the person's and goes."""
    if table.name == "record_version" and traces.is_record(row["object"], row["source_id"]):
        return None
    if table.name == "dirty" and row["scope"] == Scope.CONTACT:
        return None  # it asked for this very thing
    if table.name == "presence_day" and traces.is_user(row["user_ref"]):
        return {"user_ref": stand_in}
    texts = [one.name for one in table.columns if isinstance(one.type, String)]
    new = {name: cleaned_text(traces, row[name], name) for name in texts if row[name] is not None}
    return _rehashed(table.name, row, {name: value for name, value in new.items() if value != row[name]})


def cleaned_text(traces: Traces, text: str, name: str = "") -> str:
    """Return a text or JSON document without the person, a document canonical as it was."""
    if text[:1] in {"{", "["}:
        try:
            document = json.loads(text)
        except ValueError:
            return traces.without(text)
        cleaned = traces.cleaned(document, name)
        return text if cleaned == document else canonical_json(cleaned)
    return traces.without(text)


def _rehashed(table: str, row: Values, new: dict[str, Any]) -> dict[str, Any]:
    """Return the changes with the hashes over what they change."""

    def held(name: str) -> Any:
        return json.loads(str(new.get(name, row[name])))

    if table == "record_version" and "body" in new:
        document = {"body": held("body"), "account": row["account_id"], "deleted": bool(row["deleted"])}
        new["body_hash"] = content_hash(document)
    if table == "write_ledger" and new.keys() & {"desired", "parents", "parent_keys"}:
        new["desired_hash"] = content_hash(
            {
                "fields": held("desired"),
                "parents": held("parents"),
                "parent_keys": held("parent_keys"),
            }
        )
    return new


def _key(table: Table, row: Values) -> Any:
    columns: Sequence[Any] = list(table.primary_key.columns) or list(table.columns)
    return and_(*(column == row[column.name] for column in columns))
