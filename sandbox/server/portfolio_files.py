"""A whole portfolio folder in memory, for the vendor loaders; ``portfolio/read.py`` reads the files.

Usage events are not read: they reach the product from the product's telemetry, not the CRM.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
from sandbox.portfolio.read import read_portfolio, read_records


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


REFS = "refs/"
"""What a sandbox keeps the record of each portfolio key under: one value a key."""


def ref_of(kind: str, key: str) -> str:
    """Return the lookup ref of a portfolio key, ``account:acme``; a key that has the prefix keeps it."""
    return key if key.startswith(f"{kind}:") else f"{kind}:{key}"


def read_folder(folder: Path) -> PortfolioFolder:
    """Read ``folder`` whole. Raises FolderError (a ValueError) naming the file, the line and the remedy."""
    return PortfolioFolder(
        portfolio=read_portfolio(folder),
        owners=tuple(read_records(folder, Owner)),
        accounts=tuple(read_records(folder, Account)),
        contacts=tuple(read_records(folder, Contact)),
        products=tuple(read_records(folder, Product)),
        deals=tuple(read_records(folder, Deal)),
        lines=tuple(read_records(folder, ContractLine)),
        tickets=tuple(read_records(folder, Ticket)),
        surveys=tuple(read_records(folder, SurveyResponse)),
    )
