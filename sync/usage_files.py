"""A file of usage as messages: JSON lines, CSV or Parquet, read by the batch, refused with line and column.

Every row becomes the message the tracking API would have got, so that what is refused, counted once and kept
is the same whichever way it comes. A row without an id has one from the file's content and its place: the
same file given again is known again. Neighbours: ``webhooks/usage_files.py`` and ``colonnade sync usage``
give files, ``usage`` counts the messages.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from sync import drain as draining
from sync.json_bodies import DEEPEST, is_shallow
from sync.state import inbox
from sync.state.engine import writing
from sync.state.inbox import InboxEvent
from sync.state.schema import JsonValue, content_hash
from sync.usage_events import RefusedEvent, read_message
from sync.usage_rollup import quoted, rolling_up
from sync.work_folder import work_folder
from sync.workspace import Workspace

BATCH_MESSAGES: Final = 500
BATCHES_BETWEEN: Final = 20
"""How many batches are kept before it is asked again whether we are behind."""
ROWS_MAX: Final = 2_000_000
"""Of a file: what 100 MB of CSV may have. Parquet packs a thousand million equal rows into kilobytes."""
JSONL, CSV, PARQUET = "jsonl", "csv", "parquet"
KINDS: Final = (JSONL, CSV, PARQUET)
FIELDS: Final = {
    "message_id": ("messageId",),
    "timestamp": ("timestamp",),
    "feature": ("event",),
    "user": ("userId",),
    "email": ("context", "traits", "email"),
    "account": ("properties", "account"),
    "subscription": ("properties", "subscription"),
    "product": ("properties", "product"),
    "count": ("properties", "count"),
    "duration_s": ("properties", "duration_s"),
    "errors": ("properties", "errors"),
}
"""The columns of a file, by the names they have unless told otherwise, and where a message holds each."""
NUMBERS: Final = ("count", "duration_s", "errors")
REQUIRED: Final = ("timestamp", "feature")
Columns = Mapping[str, str]
Row = tuple[int, Mapping[str, JsonValue]]


class FileMistake(ValueError):
    """What a file cannot be read for: the line (or row of a Parquet file) from 1, the column, the reason."""

    def __init__(self, line: int, column: str, reason: str) -> None:
        """Keep the three; ``column`` is empty where it is about the whole line."""
        super().__init__(f"{line}: {column}: {reason}" if column else f"{line}: {reason}")
        self.line, self.column, self.reason = line, column, reason


class PutOff(Exception):
    """We are behind: the rest of a file is taken when it is sent again; ``why`` is the code of the reason."""

    def __init__(self, why: str) -> None:
        """Keep the code."""
        super().__init__(why)
        self.why = why


def messages_of(
    file: Path, kind: str, columns: Columns, within: Path
) -> Iterator[tuple[int, dict[str, JsonValue]]]:
    """Yield the line and message of every row; ``columns`` names the column of a field that has another name.

    ``within`` is the folder to work in.
    Raises FileMistake for the first row that is none of its kind, or is more than ``ROWS_MAX``.
    """
    for number, (line, message) in enumerate(_read(file, kind, columns, within), 1):
        if number > ROWS_MAX:
            raise _too_many(line)
        yield line, message


def _too_many(line: int) -> FileMistake:
    return FileMistake(line, "", f"a file may have {ROWS_MAX} rows; hand it over in parts")


def _read(
    file: Path, kind: str, columns: Columns, within: Path
) -> Iterator[tuple[int, dict[str, JsonValue]]]:
    if kind == JSONL:
        yield from _json_lines(file)
        return
    named = {field: columns.get(field, field) for field in FIELDS}
    rows = _csv_rows(file, named) if kind == CSV else _parquet_rows(file, named, within)
    digest = _digest(file)
    for line, row in rows:
        yield line, _message(row, named, f"{digest}-{line}", line)


def check_file(ws: Workspace, file: Path, kind: str, columns: Columns) -> int:
    """Return how many messages a file has. Raises FileMistake for the first that could not be counted."""
    count, by_account = 0, ws.charter.usage is None
    shown = {".".join(path): columns.get(field, field) for field, path in FIELDS.items()}
    for line, message in messages_of(file, kind, columns, work_folder(ws.runtime.settings)):
        read = read_message(message, ws.zone, ws.now(), by_account=by_account)
        if isinstance(read, RefusedEvent):
            place, _, reason = read.reason.partition(": ")
            column = shown.get(place, place) if reason and " " not in place else ""
            raise FileMistake(line, column, reason if column else read.reason)
        count += 1
    return count


def take_file(
    ws: Workspace, file: Path, kind: str, columns: Columns, behind: Callable[[], str | None] = lambda: None
) -> int:
    """Keep a file's messages to be counted, each batch durable at once; return how many they are.

    A file that was taken before adds nothing; one cut short by a crash goes on where it was when given again.
    Raises PutOff, between batches, where ``behind`` says what keeps us from taking more.
    """
    count = 0
    messages = messages_of(file, kind, columns, work_folder(ws.runtime.settings))
    for number, batch in enumerate(_batches(messages)):
        if number and number % BATCHES_BETWEEN == 0 and (why := behind()) is not None:
            raise PutOff(why)
        count += len(batch)
        event = InboxEvent(f"usage:{content_hash(batch)}", draining.USAGE, {"batch": batch})
        with writing(ws.runtime.engine) as conn:
            inbox.put(conn, ws.id, ws.now(), [event])
    return count


def _batches(messages: Iterable[tuple[int, dict[str, JsonValue]]]) -> Iterator[list[JsonValue]]:
    batch: list[JsonValue] = []
    for _line, message in messages:
        batch.append(message)
        if len(batch) == BATCH_MESSAGES:
            yield batch
            batch = []
    if batch:
        yield batch


def _json_lines(file: Path) -> Iterator[tuple[int, dict[str, JsonValue]]]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                found = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise FileMistake(number, "", f"this line is no JSON message: {error}") from error
            if not isinstance(found, dict):
                kind = type(found).__name__
                raise FileMistake(number, "", f"this line is no JSON message: it holds {kind}, not an object")
            if not is_shallow(found):
                raise FileMistake(number, "", f"it is nested deeper than {DEEPEST} levels")
            yield number, found


def _csv_rows(file: Path, named: Columns) -> Iterator[Row]:
    with file.open(encoding="utf-8-sig", newline="") as source:
        rows = csv.reader(source, strict=True)
        try:
            head = next(rows, [])
            _demand(named, head)
            for row in rows:
                if not row:
                    continue
                if len(row) != len(head):
                    reason = f"it has {len(row)} values, the head has {len(head)}"
                    raise FileMistake(rows.line_num, "", reason)
                yield rows.line_num, dict(zip(head, row, strict=True))
        except csv.Error as error:
            raise FileMistake(rows.line_num, "", str(error)) from error
        except UnicodeDecodeError as error:
            raise FileMistake(_first_not_utf8(file), "", "it is not UTF-8") from error


def _first_not_utf8(file: Path) -> int:
    """Return the first line that is not UTF-8; the reader itself is ahead of the line it gives."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 1


def _parquet_rows(file: Path, named: Columns, within: Path) -> Iterator[Row]:
    with rolling_up(within=within) as db:
        db.execute("SET preserve_insertion_order = true")
        try:
            size = f"SELECT sum(num_rows) FROM parquet_file_metadata({quoted(str(file))})"
            if (db.execute(size).fetchone() or (0,))[0] > ROWS_MAX:
                raise _too_many(ROWS_MAX + 1)
            found = db.execute(f"SELECT * FROM read_parquet({quoted(str(file))})")
            head = [one[0] for one in found.description or ()]
            _demand(named, head)
            line = 0
            while rows := found.fetchmany(BATCH_MESSAGES):
                for row in rows:
                    line += 1
                    yield line, dict(zip(head, map(_plain, row), strict=True))
        except duckdb.Error as error:
            raise FileMistake(1, "", f"it is no Parquet file: {str(error).splitlines()[0]}") from error


def _demand(named: Columns, head: list[str]) -> None:
    missing = [named[field] for field in REQUIRED if named[field] not in head]
    if missing:
        raise FileMistake(1, missing[0], f"there is no such column; there are {', '.join(head) or 'none'}")


def _plain(value: object) -> Any:
    """Return a value of a Parquet file as JSON has it; a time without a zone is UTC."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _message(row: Mapping[str, JsonValue], named: Columns, name: str, line: int) -> dict[str, JsonValue]:
    """Return the message a row stands for; what is empty is left out."""
    message: dict[str, Any] = {"type": "track", "messageId": name}
    for field, path in FIELDS.items():
        value = row.get(named[field])
        if value is None or value == "":
            continue
        read = _READ.get(field, str)
        try:
            given = read(value)
        except ValueError as error:
            raise FileMistake(line, named[field], f"{str(value)[:80]!r} is no {_MEANT[field]}") from error
        place = message
        for step in path[:-1]:
            place = place.setdefault(step, {})
        place[path[-1]] = given
    return message


def _number(value: object) -> int:
    text = str(value)
    if not text.lstrip("-").isdecimal():
        raise ValueError(text)
    return int(text)


def _time(value: object) -> str:
    found = datetime.fromisoformat(str(value))
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()


_READ: Final[Mapping[str, Callable[[object], object]]] = {
    **dict.fromkeys(NUMBERS, _number),
    "timestamp": _time,
}
_MEANT: Final = {**dict.fromkeys(NUMBERS, "whole number"), "timestamp": "time (2025-01-31T09:30:00Z)"}


def _digest(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()[:32]
