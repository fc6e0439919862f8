"""What the rules want to stand in the CRM: canonical records, keyed and vendor-free.

``success.decide`` returns them; ``mappings`` turns them into vendor rows; ``sync/push``
writes what differs. Field values are typed here and made text in ``mappings``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from success.facts import Money

Value = str | int | Decimal | bool | date | Money | None


class RecordKind(StrEnum):
    """The canonical records we write (DESIGN: What we write)."""

    PROFILE = "profile"
    PLAN = "plan"
    MILESTONE = "milestone"
    RENEWAL = "renewal"
    EXPANSION = "expansion"
    SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True)
class DesiredLine:
    """One line of a deal of ours, as it begins: ``amount`` is for a year, all of the line's quantity.

    ``position`` counts from 1 within the deal and never changes. ``price_id`` is the CRM's own price of the
    product on the line before; ``continues`` that line's id, where there is one. Valid
    ``[starts_on, ends_on)``; ``ends_on`` None is open-ended.
    """

    position: int
    product_id: str
    price_id: str | None
    quantity: int
    amount: Money
    starts_on: date
    ends_on: date | None
    term_months: int | None
    continues: str | None = None


@dataclass(frozen=True, slots=True)
class DesiredRecord:
    """One record that should exist, by structural key (lower case, at most 200 characters).

    ``parent_key`` is the key of the record of ours it hangs under (a milestone's plan).
    ``reason`` says in one sentence why it should exist. ``opening`` holds, by field, the
    values it begins with where they are not today's; they are the customer's from then on, as are ``lines``.
    ``continues`` are the ids of the CRM's deals that sold what it goes on with, the latest first; none once
    it is closed.
    """

    kind: RecordKind
    key: str
    account_id: str
    fields: Mapping[str, Value]
    parent_key: str | None = None
    reason: str = ""
    opening: Mapping[str, Value] = field(default_factory=dict)
    lines: tuple[DesiredLine, ...] = ()
    continues: tuple[str, ...] = ()
