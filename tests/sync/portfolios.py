"""Small hand-made portfolios, written in the folder form that the sandboxes load.

Dates are days of a year in which nobody's clock runs by itself; money is decimal text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sandbox.portfolio.model import (
    Account,
    ContractLine,
    Deal,
    Owner,
    Portfolio,
    Product,
    SurveyResponse,
    Ticket,
)

PRODUCT = "core"


@dataclass
class Book:
    """A portfolio being written: accounts, what they bought, what they asked."""

    accounts: list[Account] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    lines: list[ContractLine] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    owners: list[Owner] = field(default_factory=list)
    surveys: list[SurveyResponse] = field(default_factory=list)

    def account(self, key: str, name: str, *, currency: str = "USD", owner: str | None = None) -> Book:
        """Add a customer."""
        self.accounts.append(
            Account(
                key, name, f"{key}.example", "Software", "Norway", 50, currency, "2023-01-02", owner_key=owner
            )
        )
        return self

    def owner(self, key: str, email: str) -> Book:
        """Add a person who owns records."""
        self.owners.append(Owner(key, email, key.title(), "Owner"))
        return self

    def sold(
        self,
        account: str,
        ref: str,
        start: str,
        end: str | None,
        arr: str,
        *,
        seats: int = 10,
        currency: str = "USD",
        stage: Any = "won",
        group: str | None = None,
    ) -> Book:
        """Add a deal closed on the day its one line starts (a year's term)."""
        self.deals.append(
            Deal(
                f"d-{ref}", account, f"Deal {ref}", stage, "new", arr, currency, start, start, owner_key=None
            )
        )
        self.lines.append(
            ContractLine(
                f"l-{ref}",
                f"d-{ref}",
                account,
                PRODUCT,
                seats,
                start,
                end,
                12,
                arr,
                currency,
                "recurring",
                "annual",
                True,
                60,
                group,
            )
        )
        return self

    def open_deal(self, account: str, ref: str, kind: Any, close_on: str, amount: str = "100") -> Book:
        """Add an open deal without lines, made by a person."""
        self.deals.append(
            Deal(f"d-{ref}", account, f"Deal {ref}", "open", kind, amount, "USD", "2024-12-01", close_on)
        )
        return self

    def ticket(self, account: str, ref: str, opened: str, *, escalated: bool = False) -> Book:
        """Add an open ticket."""
        self.tickets.append(Ticket(ref, account, f"Ticket {ref}", "medium", opened, None, escalated))
        return self

    def answered(self, account: str, ref: str, kind: Any, score: int, at: str) -> Book:
        """Add an answer to a survey, by nobody in particular."""
        self.surveys.append(SurveyResponse(ref, account, None, kind, score, at))
        return self

    def write(self, folder: Path) -> Path:
        """Write the folder and return it."""
        folder.mkdir(parents=True, exist_ok=True)
        head = Portfolio("hand-made", "2025-01-15", "line_item")
        (folder / "portfolio.json").write_text(json.dumps(asdict(head)), "utf-8")
        _lines(folder / "owners.jsonl", self.owners)
        _lines(folder / "accounts.jsonl", self.accounts)
        _lines(folder / "products.jsonl", [Product(PRODUCT, "Core", "100.00")])
        _lines(folder / "deals.jsonl", self.deals)
        _lines(folder / "lines.jsonl", self.lines)
        _lines(folder / "tickets.jsonl", self.tickets)
        _lines(folder / "surveys.jsonl", self.surveys)
        return folder


def _lines(path: Path, records: Sequence[Any]) -> None:
    path.write_text("".join(json.dumps(asdict(one)) + "\n" for one in records), "utf-8")


def three_customers() -> Book:
    """Return one customer due in 45 days on two lines, one new, one prospect."""
    book = Book().account("acorn", "Acorn").account("birch", "Birch").account("doc", "Doc")
    book.sold("acorn", "a1", "2024-03-01", "2025-03-01", "12000")
    book.sold("acorn", "a2", "2024-03-01", "2025-03-01", "3000", seats=5)
    book.sold("birch", "b1", "2024-12-01", None, "2400", seats=4)
    return book


def five_customers() -> Book:
    """Return those three, one with an escalation in another currency, one renewing in a person's deal."""
    book = three_customers().account("cedar", "Cedar", currency="EUR").account("elm", "Elm")
    book.sold("cedar", "c1", "2024-06-01", "2025-06-01", "1000", seats=5, currency="EUR")
    book.ticket("cedar", "t1", "2025-01-10T08:00:00Z", escalated=True)
    book.sold("elm", "e1", "2024-03-01", "2025-03-01", "900")
    book.open_deal("elm", "e2", "renewal", "2025-03-05")
    return book
