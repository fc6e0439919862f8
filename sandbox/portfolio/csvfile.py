"""Rows of a CSV file, or one error that says which file, row and column and what to do.

UTF-8 with or without a byte order mark. Rows count as a spreadsheet shows them: the header
is row 1.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path


class DataError(ValueError):
    """A CSV file that cannot be used; the message names file, row, column and remedy."""

    def __init__(self, file: str, row: int | None, column: str | None, message: str) -> None:
        """Keep the place beside the message."""
        self.file, self.row, self.column, self.message = file, row, column, message
        place = [file]
        if row is not None:
            place.append(f"row {row}")
        if column is not None:
            place.append(f"column {column!r}")
        super().__init__(f"{', '.join(place)}: {message}.")


def rows(path: Path, needed: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row's number and its cells by column; wholly empty rows are passed over.

    Raises:
        DataError: the file is missing or unreadable, a needed column is missing, or a row has
            another number of cells than the header.

    """
    number = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, strict=True)
            header = next(reader, [])
            number = 1
            _check_header(path.name, header, needed)
            for number, cells in enumerate(reader, start=2):
                if cells:
                    yield number, _row(path.name, number, header, cells)
    except FileNotFoundError:
        message = f"not found in {path.parent}. Put it there, or correct `file:` in the mapping"
        raise DataError(path.name, None, None, message) from None
    except OSError as error:
        raise DataError(path.name, None, None, f"cannot be read: {error}. Make it readable") from None
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 ({error.reason}). Save the file as UTF-8"
        raise DataError(path.name, _row_of_bad_byte(path), None, message) from None
    except csv.Error as error:
        message = f"is not CSV: {error}. Save the file as CSV with quotes doubled inside quoted cells"
        raise DataError(path.name, number + 1, None, message) from None


def _row_of_bad_byte(path: Path) -> int:
    """Return the first line of the file that is not UTF-8, counted from 1."""
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            return number
    return 1


def _check_header(file: str, header: list[str], needed: Iterable[str]) -> None:
    """Raise DataError unless the header names every needed column, and none twice."""
    there = ", ".join(header) or "none"
    for column in needed:
        if column not in header:
            message = f"is not in the header. The columns are: {there}. Correct the mapping or the file"
            raise DataError(file, 1, column, message)
        if header.count(column) > 1:
            raise DataError(file, 1, column, "is in the header twice. Rename one of the two")


def _row(file: str, number: int, header: list[str], cells: list[str]) -> dict[str, str]:
    """Return the cells by column name."""
    if len(cells) != len(header):
        message = f"has {len(cells)} cells where the header has {len(header)}. Quote cells that hold a comma"
        raise DataError(file, number, None, message)
    return dict(zip(header, cells, strict=True))
