"""The portfolio: customers of a made-up vendor, as plain records in a folder of JSON lines.

One file per class below (``accounts.jsonl``, ``contacts.jsonl`` …) and ``portfolio.json``
for what holds for all. The generator and the CSV reader write it; the two sandboxes' own
loaders turn it into their CRM records. Keys are the made-up vendor's own references, not
CRM ids. Dates are ``YYYY-MM-DD``, instants ISO 8601 UTC, money is decimal text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What holds for the whole folder.

    ``contract_home`` says where the CRM of this customer keeps contract data: on the deal
    itself (then each deal has exactly one line and no line item is made) or on line items.
    ``truth`` holds what the generator planted, for tests; no loader reads it.
    """

    name: str
    as_of: str
    contract_home: Literal["deal", "line_item"]
    currency: str = "USD"
    seed: int | None = None
    truth: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Owner:
    """A user of the CRM who owns records."""

    key: str
    email: str
    first_name: str
    last_name: str


@dataclass(frozen=True, slots=True)
class Account:
    """A customer company."""

    key: str
    name: str
    domain: str
    industry: str
    country: str
    employees: int
    currency: str
    created_on: str
    owner_key: str | None = None
    parent_key: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contact:
    """A person at an account; ``role`` is champion, economic_buyer, admin or user."""

    key: str
    account_key: str
    email: str
    first_name: str
    last_name: str
    title: str
    role: str
    created_on: str


@dataclass(frozen=True, slots=True)
class Product:
    """Something sold; ``unit_price`` is a year's list price of one seat."""

    key: str
    name: str
    unit_price: str


@dataclass(frozen=True, slots=True)
class Deal:
    """A sale, open or closed. ``renewal_of`` is the deal it renews."""

    key: str
    account_key: str
    name: str
    stage: Literal["open", "won", "lost"]
    kind: Literal["new", "expansion", "renewal"]
    amount: str
    currency: str
    created_on: str
    close_on: str
    owner_key: str | None = None
    renewal_of: str | None = None


@dataclass(frozen=True, slots=True)
class ContractLine:
    """One product, price and period of a deal, valid [start_on, end_on).

    ``end_on`` None: open-ended. ``arr`` is the yearly recurring amount; trials and
    one-time lines have kind ``trial`` and ``one_time``.
    """

    key: str
    deal_key: str
    account_key: str
    product_key: str
    seats: int
    start_on: str
    end_on: str | None
    term_months: int | None
    arr: str
    currency: str
    kind: Literal["recurring", "one_time", "trial"]
    billing: Literal["monthly", "annual"]
    auto_renew: bool
    notice_days: int = 60
    co_term_group: str | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A support ticket; ``csat`` 1..5."""

    key: str
    account_key: str
    subject: str
    priority: Literal["low", "medium", "high", "urgent"]
    opened_at: str
    closed_at: str | None
    escalated: bool
    csat: int | None = None


@dataclass(frozen=True, slots=True)
class SurveyResponse:
    """An answer to a survey; NPS 0..10."""

    key: str
    account_key: str
    contact_key: str | None
    kind: Literal["nps", "csat", "ces"]
    score: int
    at: str


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """A product event, as the product's own telemetry would send it.

    ``line_key`` names the contract line it was used under, where the product knows it.
    """

    message_id: str
    account_key: str
    line_key: str | None
    product_key: str
    feature: str
    user: str
    at: str
    count: int = 1
    duration_s: int = 0
    errors: int = 0
