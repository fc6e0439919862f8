"""Reads a portfolio folder for the vendor loaders: each file at once, in the folder's own order.

Independent of ``portfolio/read.py`` so that a loader needs nothing but the records' shapes.
Usage events are not read: they reach the product from the product's telemetry, not the CRM.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

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
)

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class PortfolioFolder:
    """All the CRM records of one folder; a missing file is an empty tuple."""

    portfolio: Portfolio
    owners: tuple[Owner, ...]
    accounts: tuple[Account, ...]
    contacts: tuple[Contact, ...]
    products: tuple[Product, ...]
    deals: tuple[Deal, ...]
    lines: tuple[ContractLine, ...]
    tickets: tuple[Ticket, ...]
    surveys: tuple[SurveyResponse, ...]

    def attribute_names(self) -> tuple[str, ...]:
        """Return every key of ``Account.attributes`` in the folder, sorted."""
        return tuple(sorted({name for account in self.accounts for name in account.attributes}))

    def lines_by_deal(self) -> dict[str, list[ContractLine]]:
        """Return the lines of each deal key, in file order."""
        grouped: dict[str, list[ContractLine]] = {}
        for line in self.lines:
            grouped.setdefault(line.deal_key, []).append(line)
        return grouped


def ref_of(kind: str, key: str) -> str:
    """Return the lookup ref of a portfolio key, ``account:acme``; a key that has the prefix keeps it."""
    return key if key.startswith(f"{kind}:") else f"{kind}:{key}"


def read_folder(folder: Path) -> PortfolioFolder:
    """Read ``folder``. Raises ValueError without a ``portfolio.json`` or on a record of unknown shape."""
    path = folder / "portfolio.json"
    if not path.is_file():
        raise ValueError(f"{folder} is no portfolio folder: it has no portfolio.json")
    return PortfolioFolder(
        portfolio=_shaped(Portfolio, json.loads(path.read_text("utf-8"))),
        owners=tuple(_records(folder / "owners.jsonl", Owner)),
        accounts=tuple(_records(folder / "accounts.jsonl", Account)),
        contacts=tuple(_records(folder / "contacts.jsonl", Contact)),
        products=tuple(_records(folder / "products.jsonl", Product)),
        deals=tuple(_records(folder / "deals.jsonl", Deal)),
        lines=tuple(_records(folder / "lines.jsonl", ContractLine)),
        tickets=tuple(_records(folder / "tickets.jsonl", Ticket)),
        surveys=tuple(_records(folder / "surveys.jsonl", SurveyResponse)),
    )


def _records(path: Path, shape: type[Record]) -> Iterable[Record]:
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield _shaped(shape, json.loads(line))


def _shaped(shape: type[Record], raw: dict[str, Any]) -> Record:
    known = {field.name for field in fields(shape)}  # type: ignore[arg-type]
    if unknown := set(raw) - known:
        raise ValueError(f"{shape.__name__} has no fields {sorted(unknown)}")
    return shape(**raw)
