"""A CSV file of facts as the table a backtest takes: one row per account and time.

Nothing is guessed silently: what cannot be read is one error with its line. Neighbours:
``backtesting`` asks, ``success.backtest`` judges.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from success.backtest.table import Column, FactsTable, Floats, Ints, ordered

EMPTY = frozenset({"", "na", "n/a", "nan", "null", "none"})
TRUE, FALSE = frozenset({"1", "1.0", "true", "yes"}), frozenset({"0", "0.0", "false", "no"})
FEW_LEVELS, MOST_LEVELS = 20, 200
MONTHS = 12
_MONTH = re.compile(r"^(\d{4})-(\d{2})$")
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}")
_LAST_NUMBER = re.compile(r"(\d+)\D*$")


@dataclass(frozen=True, slots=True)
class Naming:
    """Which columns of a file are the outcome, the time and the account."""

    label: str
    time: str
    group: str


@dataclass(frozen=True, slots=True, eq=False)
class FactsFile:
    """What a file held. ``form`` names how its times are written; ``unlabelled`` rows had no outcome."""

    table: FactsTable
    form: str
    unlabelled: int


def read_facts(path: Path, naming: Naming) -> FactsFile:
    """Return the rows with an outcome.

    Raises ValueError with the line of what cannot be read, and OSError.
    """
    header, rows = _cells(path)
    for role in ("label", "time", "group"):
        name = getattr(naming, role)
        if name not in header:
            raise ValueError(
                f"--{role} names the column {name!r}, which {path} does not have; it has {', '.join(header)}"
            )
    if len({naming.label, naming.time, naming.group}) < 3:  # noqa: PLR2004 - three different roles
        raise ValueError("--label, --time and --group must name three different columns")
    by_name = {name: [row[place] for row in rows] for place, name in enumerate(header)}
    labels = _labels(path, naming.label, by_name.pop(naming.label))
    form, times = _times(path, naming.time, by_name.pop(naming.time))
    groups = _groups(path, naming.group, by_name.pop(naming.group))
    known = np.flatnonzero(labels >= 0)
    accounts = len(np.unique(groups))
    columns = [_column(name, cells, times, form, accounts) for name, cells in by_name.items()]
    kept = [Column(one.name, one.values[known], one.levels, one.identifies) for one in columns]
    table = ordered(times[known], groups[known], labels[known], kept, days=form == "date")
    return FactsFile(table, form, len(rows) - len(known))


def time_of(text: str, form: str, option: str) -> int:
    """Return a time given on the command line in the form of the file's times.

    Raises ValueError where it is of another form.
    """
    found = _time(text.strip())
    if found is None or found[0] != form:
        written = {"number": "whole numbers", "month": "months (YYYY-MM)", "date": "dates (YYYY-MM-DD)"}[form]
        raise ValueError(f"{option} {text!r} does not fit: the times of the file are {written}; give one")
    return found[1]


def _cells(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: it is not UTF-8 text; save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise ValueError(f"{path}: it is not CSV ({error}); save it as comma-separated values") from error
    rows = [row for row in lines[1:] if row]
    if not rows:
        raise ValueError(f"{path}: there is no row below the names of the columns; give a file with facts")
    header = [name.strip() for name in lines[0]]
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise ValueError(f"{path}: the column {twice[0]!r} stands there twice; rename one")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            wrong = f"{path}:{number}: {len(row)} values under {len(header)} names of columns"
            raise ValueError(f"{wrong}; correct the row")
    return header, [[cell.strip() for cell in row] for row in rows]


def _missing(cell: str) -> bool:
    return cell.lower() in EMPTY


def _labels(path: Path, name: str, cells: Sequence[str]) -> Ints:
    """Return 1, 0, or -1 where nobody knows the outcome."""
    found = np.full(len(cells), -1, dtype=np.int64)
    for place, cell in enumerate(cells):
        word = cell.lower()
        if word in TRUE or word in FALSE:
            found[place] = int(word in TRUE)
        elif not _missing(cell):
            raise ValueError(
                f"{path}:{place + 2}: {name} is {cell!r}; a label is 0 or 1, or empty where nobody knows yet"
            )
    return found


def _time(cell: str) -> tuple[str, int] | None:
    month = _MONTH.match(cell)
    try:
        if month:
            return "month", date(int(month[1]), int(month[2]), 1).year * MONTHS + int(month[2])
        if _DAY.match(cell):
            return "date", date.fromisoformat(cell[:10]).toordinal()
        number = float(cell)
    except ValueError:
        return None
    return ("number", int(number)) if number.is_integer() else None


def _times(path: Path, name: str, cells: Sequence[str]) -> tuple[str, Ints]:
    form, found = "", np.zeros(len(cells), dtype=np.int64)
    for place, cell in enumerate(cells):
        read = _time(cell)
        if read is None or (form and read[0] != form):
            wrong = f"{path}:{place + 2}: {name} is {cell!r}"
            remedy = "times are whole numbers, months (YYYY-MM) or dates (YYYY-MM-DD), all in one form"
            raise ValueError(f"{wrong}; {remedy}")
        form, found[place] = read
    return form, found


def _groups(path: Path, name: str, cells: Sequence[str]) -> Ints:
    for place, cell in enumerate(cells):
        if _missing(cell):
            raise ValueError(f"{path}:{place + 2}: {name} is empty; every row needs its account")
    _, codes = np.unique(np.array(cells), return_inverse=True)
    return codes.astype(np.int64)


def _column(name: str, cells: Sequence[str], times: Ints, form: str, accounts: int) -> Column:
    """Return a column as numbers where all its cells are, else as a category, else as what identifies."""
    for read in (_number, _truth, _ordinal):
        values = _read_all(cells, read)
        if values is not None:
            return Column(name, values - times if read is _ordinal and form == "date" else values)
    levels = sorted({cell for cell in cells if not _missing(cell)})
    if len(levels) > MOST_LEVELS or (len(levels) > FEW_LEVELS and len(levels) > accounts / 2):
        return Column(name, np.array([_last_number(cell) for cell in cells]), identifies=True)
    codes = {level: float(code) for code, level in enumerate(levels)}
    return Column(name, np.array([codes.get(cell, np.nan) for cell in cells]), tuple(levels))


def _read_all(cells: Sequence[str], read: Callable[[str], float]) -> Floats | None:
    try:
        return np.array([np.nan if _missing(cell) else read(cell) for cell in cells], dtype=float)
    except ValueError:
        return None


def _number(cell: str) -> float:
    value = float(cell)
    return value if np.isfinite(value) else float("nan")


def _truth(cell: str) -> float:
    word = cell.lower()
    if word not in TRUE and word not in FALSE:
        raise ValueError(cell)
    return float(word in TRUE)


def _ordinal(cell: str) -> float:
    if not _DAY.match(cell):
        raise ValueError(cell)
    return float(date.fromisoformat(cell[:10]).toordinal())


def _last_number(cell: str) -> float:
    found = _LAST_NUMBER.search(cell)
    return float(found[1]) if found else float("nan")
