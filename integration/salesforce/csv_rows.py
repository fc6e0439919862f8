"""Rows for Bulk API 2.0 on disk: gathered, sorted by parent, cut into CSV files.

Only one internal batch of rows is in memory at a time: each is sorted and written to a file as a run,
and the runs are merged when all are there (an external merge sort), so that rows of one account lock
it once however many rows there are. In the CSV an empty cell leaves a field unchanged and ``#N/A``
clears it. Source: Bulk API 2.0 guide, "Prepare CSV Files"; Large Data Volumes guide.
Neighbour: ``bulk`` sends the files.
"""

from __future__ import annotations

import heapq
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO, cast

from integration.salesforce.limits import BULK_BATCH_ROWS, BULK_FIELD_CHARACTERS, BULK_ROW_CHARACTERS
from integration.salesforce.values import to_text

NULL = "#N/A"
# A line break or a quote inside a cell needs quotes around it; a space at its edge would be lost.
NEEDS_QUOTES = re.compile(r'[",\r\n]|^\s|\s$')
BLOCK_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class BulkRow:
    """A row for a job: its key and its JSON fields; a nested parent is ``{relation: {field: key}}``.

    ``parent`` is what rows are sorted by: the ids or keys of the records they hang under.
    """

    key: str
    fields: Mapping[str, Any]
    parent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV with a header and so many rows, at its beginning."""

    data: BinaryIO
    rows: int


def carries_in_csv(fields: Mapping[str, Any]) -> bool:
    """Return whether a job takes the row as it is: text that reads ``#N/A`` would become null.

    A long text area holds more characters than a job takes of one field.
    """
    texts = [value for value in fields.values() if isinstance(value, str)]
    sizes = [len(text) for text in texts]
    small = max(sizes, default=0) <= BULK_FIELD_CHARACTERS and sum(sizes) <= BULK_ROW_CHARACTERS
    return small and NULL not in texts


def iter_csv_files(rows: Iterable[BulkRow], key_field: str, most_bytes: int) -> Iterator[CsvFile]:
    """Yield CSV files of all ``rows``, none above ``most_bytes``; each is gone when the next is asked for.

    Rows are sorted by parent within what fits one file; rows of one parent keep their order.
    """
    source = iter(rows)
    while True:
        with _spooled(source, key_field, most_bytes) as spool:
            if not spool.runs:
                return
            yield from _cut(spool, most_bytes)


@dataclass(slots=True)
class _Spool:
    """Sorted runs of rows in one file, and the columns they have between them."""

    file: IO[bytes]
    runs: list[tuple[int, int]]
    columns: dict[str, None]

    def add(self, rows: Sequence[BulkRow]) -> int:
        """Write a run; return how many bytes the file has now."""
        start = self.file.tell()
        for row in sorted(rows, key=lambda row: row.parent):
            cells = _cells(row.fields)
            self.columns.update(dict.fromkeys(cells))
            self.file.write(json.dumps([row.parent, row.key, cells], ensure_ascii=False).encode() + b"\n")
        end = self.file.tell()
        self.runs.append((start, end))
        return end

    def merged(self) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Yield key and cells of every row, by parent."""
        self.file.flush()
        readers = [_read_run(self.file.fileno(), start, end) for start, end in self.runs]
        for _parent, key, cells in heapq.merge(*readers, key=lambda row: cast("list[str]", row[0])):
            yield key, cells


@contextmanager
def _spooled(source: Iterator[BulkRow], key_field: str, most_bytes: int) -> Iterator[_Spool]:
    with TemporaryFile() as file:
        spool = _Spool(file, [], {key_field: None})
        size = 0
        while size < most_bytes and (run := list(islice(source, BULK_BATCH_ROWS))):
            size = spool.add(run)
        yield spool


def _read_run(descriptor: int, start: int, end: int) -> Iterator[tuple[Any, str, Mapping[str, str]]]:
    rest = b""
    while start < end:
        block = os.pread(descriptor, min(BLOCK_BYTES, end - start), start)
        start += len(block)
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            parent, key, cells = json.loads(line)
            yield parent, key, cells


def _cut(spool: _Spool, most_bytes: int) -> Iterator[CsvFile]:
    """Yield the spool's rows as CSV files with the same header."""
    key_field, *others = spool.columns
    header = _line([key_field, *others])
    lines = (_line([key, *(cells.get(name, "") for name in others)]) for key, cells in spool.merged())
    ahead = next(lines, None)
    while ahead is not None:
        with TemporaryFile() as file:
            size, rows = file.write(header), 0
            while ahead is not None and (rows == 0 or size + len(ahead) <= most_bytes):
                size, rows = size + file.write(ahead), rows + 1
                ahead = next(lines, None)
            file.seek(0)
            yield CsvFile(cast("BinaryIO", file), rows)


def _cells(fields: Mapping[str, Any]) -> dict[str, str]:
    cells: dict[str, str] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            cells |= {f"{name}.{inner}": str(key) for inner, key in value.items()}
        else:
            cells[name] = to_text(value) or NULL
    return cells


def _line(cells: Iterable[str]) -> bytes:
    return (",".join(map(_quoted, cells)) + "\n").encode()


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if NEEDS_QUOTES.search(cell) else cell
