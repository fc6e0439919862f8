"""The customers of a chaos run, and which of them may be merged or deleted.

Nothing is drawn here: the same number of accounts is the same book. Contracts end on many days, so that
each day of a run opens renewals of some; others are new, and some have bought nothing yet.
Neighbours: ``plan`` says what people do to them, ``sync/bench/book.py`` is the plain book of benchmarks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path

AS_OF = date(2026, 6, 9)
PRODUCT = "core"
SEATS, ARR = 10, 1200
ROLES = 10
"""Accounts play parts by the last digit of their number: most are ordinary."""

DELETED, MERGED, SURVIVING = 7, 8, 9
KINDS, NEW, PROSPECT = 3, 1, 2
TERM = timedelta(days=365)
ENDS_WITHIN = 160
"""Contracts end 1 to so many days after the book's day: renewals open on most of them."""


def is_ordinary(number: int) -> bool:
    """Return whether an account is there from beginning to end."""
    return number % ROLES not in (DELETED, MERGED, SURVIVING)


def has_contract(number: int) -> bool:
    """Return whether an account has bought something; one in three is a prospect with an open deal."""
    return number % KINDS != PROSPECT


def is_new(number: int) -> bool:
    """Return whether an account bought a few weeks ago, so that its plan is under way."""
    return number % KINDS == NEW


def has_ticket(number: int) -> bool:
    """Return whether an account has asked for help; Salesforce deletes no account with cases."""
    return is_ordinary(number) and number % 11 == 0


def term_of(number: int) -> tuple[date, date]:
    """Return the contract's days, ``[start, end)``."""
    if is_new(number):
        start = AS_OF - timedelta(days=10 + number % 40)
        return start, start + TERM
    end = AS_OF + timedelta(days=1 + number * 7 % ENDS_WITHIN)
    return end - TERM, end


def write_book(folder: Path, accounts: int) -> Path:
    """Write the portfolio as a folder the sandboxes load; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    head = {"name": "chaos", "as_of": AS_OF.isoformat(), "contract_home": "line_item", "currency": "USD"}
    (folder / "portfolio.json").write_text(json.dumps(head), "utf-8")
    numbers = range(accounts)
    _write(folder / "products.jsonl", [{"key": PRODUCT, "name": "Core", "unit_price": "120.00"}])
    _write(folder / "accounts.jsonl", map(_account, numbers))
    _write(folder / "deals.jsonl", map(_deal, numbers))
    _write(folder / "lines.jsonl", (_line(one) for one in numbers if has_contract(one)))
    _write(folder / "tickets.jsonl", _tickets(numbers))
    return folder


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


def _deal(number: int) -> Mapping[str, object]:
    sold = has_contract(number)
    closed = term_of(number)[0] if sold else AS_OF + timedelta(days=60)
    return {
        "key": f"d{number}",
        "account_key": f"a{number}",
        "name": f"Deal {number}",
        "stage": "won" if sold else "open",
        "kind": "new",
        "amount": f"{ARR}.00",
        "currency": "USD",
        "created_on": "2025-02-01",
        "close_on": closed.isoformat(),
    }


def _line(number: int) -> Mapping[str, object]:
    start, end = term_of(number)
    return {
        "key": f"l{number}",
        "deal_key": f"d{number}",
        "account_key": f"a{number}",
        "product_key": PRODUCT,
        "seats": SEATS,
        "start_on": start.isoformat(),
        "end_on": end.isoformat(),
        "term_months": 12,
        "arr": f"{ARR}.00",
        "currency": "USD",
        "kind": "recurring",
        "billing": "annual",
        "auto_renew": True,
    }


def _tickets(numbers: Iterable[int]) -> Iterator[Mapping[str, object]]:
    for number in numbers:
        if has_ticket(number):
            yield {
                "key": f"t{number}",
                "account_key": f"a{number}",
                "subject": f"Ticket {number}",
                "priority": "medium",
                "opened_at": f"{AS_OF - timedelta(days=3)}T08:00:00Z",
                "closed_at": None,
                "escalated": False,
            }


def _write(path: Path, records: Iterable[Mapping[str, object]]) -> None:
    with path.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(one) + "\n" for one in records)
