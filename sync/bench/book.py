"""A plain portfolio of any size for benchmarks, in the folder form the sandboxes load.

Every account has a won deal with one contract line; further deals are open. Written line by
line, so that its size is bounded by the disk only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

AS_OF = "2026-06-30"
PRODUCT = "core"


@dataclass(frozen=True, slots=True)
class Size:
    """How many accounts and deals a portfolio has; the first deal of each account is won."""

    accounts: int
    deals: int


def write_book(folder: Path, size: Size) -> Path:
    """Write the portfolio and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    head = {"name": "bench", "as_of": AS_OF, "contract_home": "line_item", "currency": "USD"}
    (folder / "portfolio.json").write_text(json.dumps(head), "utf-8")
    _write(folder / "products.jsonl", [{"key": PRODUCT, "name": "Core", "unit_price": "100.00"}])
    _write(folder / "accounts.jsonl", (_account(number) for number in range(size.accounts)))
    _write(folder / "deals.jsonl", (_deal(number, size.accounts) for number in range(size.deals)))
    _write(folder / "lines.jsonl", (_line(number) for number in range(min(size.accounts, size.deals))))
    return folder


def account_ref(number: int) -> str:
    """Return the portfolio key of an account."""
    return f"account:a{number}"


def deal_ref(number: int) -> str:
    """Return the portfolio key of a deal."""
    return f"deal:d{number}"


def _account(number: int) -> Mapping[str, object]:
    return {
        "key": f"a{number}",
        "name": f"Account {number}",
        "domain": f"a{number}.example",
        "industry": "Software",
        "country": "Norway",
        "employees": 50,
        "currency": "USD",
        "created_on": "2025-01-02",
    }


def _deal(number: int, accounts: int) -> Mapping[str, object]:
    won = number < accounts
    return {
        "key": f"d{number}",
        "account_key": f"a{number % accounts}",
        "name": f"Deal {number}",
        "stage": "won" if won else "open",
        "kind": "new" if won else "expansion",
        "amount": "1200.00",
        "currency": "USD",
        "created_on": "2026-02-01",
        "close_on": "2026-03-01" if won else "2026-09-01",
    }


def _line(number: int) -> Mapping[str, object]:
    return {
        "key": f"l{number}",
        "deal_key": f"d{number}",
        "account_key": f"a{number}",
        "product_key": PRODUCT,
        "seats": 10,
        "start_on": "2026-03-01",
        "end_on": "2027-03-01",
        "term_months": 12,
        "arr": "1200.00",
        "currency": "USD",
        "kind": "recurring",
        "billing": "annual",
        "auto_renew": True,
    }


def _write(path: Path, records: Iterable[Mapping[str, object]]) -> None:
    with path.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(one) + "\n" for one in records)
