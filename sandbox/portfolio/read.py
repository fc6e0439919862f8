"""Typed readers of a portfolio folder: one file name per record class, one record per line.

Used by the tools beside it, by tests and by whoever wants to know what was planted. The
records are those of ``model.py``; nothing is held in memory but the line being read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from sandbox.portfolio.model import (
    Account,
    Contact,
    ContractLine,
    Deal,
    Owner,
    Portfolio,
    Product,
    SurveyResponse,
    Ticket,
    UsageEvent,
)

Record = Owner | Product | Account | Contact | Deal | ContractLine | Ticket | SurveyResponse | UsageEvent
R = TypeVar("R", Owner, Product, Account, Contact, Deal, ContractLine, Ticket, SurveyResponse, UsageEvent)

PORTFOLIO_FILE: Final = "portfolio.json"
FILE_NAMES: Final[Mapping[type[Record], str]] = {
    Owner: "owners.jsonl",
    Product: "products.jsonl",
    Account: "accounts.jsonl",
    Contact: "contacts.jsonl",
    Deal: "deals.jsonl",
    ContractLine: "lines.jsonl",
    Ticket: "tickets.jsonl",
    SurveyResponse: "surveys.jsonl",
    UsageEvent: "usage.jsonl",
}


class FolderError(ValueError):
    """A portfolio folder that cannot be read; the message names file, line and remedy."""


def read_portfolio(folder: Path) -> Portfolio:
    """Return what holds for the whole folder.

    Raises:
        FolderError: the folder has no ``portfolio.json``, or that file is not one.

    """
    path = folder / PORTFOLIO_FILE
    try:
        return Portfolio(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        remedy = "Make the folder with `generate` or `convert`"
        raise FolderError(f"{path}: not found; {folder} is no portfolio folder. {remedy}.") from None
    except (TypeError, ValueError) as error:
        raise FolderError(f"{path}: not a portfolio ({error}). Make the folder anew.") from error


def read_records(folder: Path, kind: type[R]) -> Iterator[R]:
    """Yield the records of one class in file order; a missing file holds none.

    Raises:
        FolderError: a line is not a record of this class.

    """
    path = folder / FILE_NAMES[kind]
    if not path.exists():
        return
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield kind(**json.loads(line))
            except (TypeError, ValueError) as error:
                remedy = "Make the folder anew"
                raise FolderError(f"{path}:{number}: not a {kind.__name__} ({error}). {remedy}.") from error


owners = partial(read_records, kind=Owner)
products = partial(read_records, kind=Product)
accounts = partial(read_records, kind=Account)
contacts = partial(read_records, kind=Contact)
deals = partial(read_records, kind=Deal)
lines = partial(read_records, kind=ContractLine)
tickets = partial(read_records, kind=Ticket)
surveys = partial(read_records, kind=SurveyResponse)
usage = partial(read_records, kind=UsageEvent)
