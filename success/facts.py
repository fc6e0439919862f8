"""The canonical facts of customer success: frozen values, no vendor, no clock, no I/O.

``sync/facts.py`` assembles them from the mirror as known at a moment; every rule in this
package takes them and an ``as_of`` day. Money is integer minor units with a currency,
shares of seats are integers, days are ``datetime.date``, instants are UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from success.human_inputs import HumanInputs


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in minor units (cents) of an ISO 4217 currency."""

    minor: int
    currency: str


class LineKind(StrEnum):
    """What a contract line sells; the policies say which kinds count towards ARR.

    ``OVERAGE`` is use above a commitment, billed by its period: its ``arr`` is the charge of the period.
    """

    RECURRING = "recurring"
    ONE_TIME = "one_time"
    TRIAL = "trial"
    COMMITTED_USAGE = "committed_usage"
    OVERAGE = "overage"
    CS_OFFER = "cs_offer"
    SERVICE = "service"
    CREDIT = "credit"
    PASS_THROUGH = "pass_through"  # noqa: S105  a kind of line, no password


ARR_KINDS = frozenset({LineKind.RECURRING, LineKind.COMMITTED_USAGE})
"""What counts towards ARR unless the charter says otherwise (domain A.0: usage pricing, excluded)."""


@dataclass(frozen=True, slots=True)
class ContractLine:
    """One row per product, price and period (domain A.0), valid ``[start, end)``.

    ``end`` None: open-ended. ``line_id`` is the source's own reference where it has one,
    else the CRM's id. ``booked_on`` is when the deal behind it was won, ``cancelled_on`` the
    day the customer gave notice, ``last_paid_on`` the last day a payment reached. ``ramp`` is
    the ARR of each contract year where the price has steps; the last one stands for later years.
    ``price_id`` is the price of the product in the CRM's own price list, where the charter reads it;
    ``deal_id`` the CRM's id of the deal that sold the line, where a deal did.
    """

    line_id: str
    account_id: str
    product_id: str
    quantity: int
    kind: LineKind
    start: date
    end: date | None
    arr: Money
    term_months: int | None = None
    auto_renew: bool = False
    notice_days: int = 0
    co_term_group: str | None = None
    supersedes_line_id: str | None = None
    renewal_of_line_id: str | None = None
    booked_on: date | None = None
    source_id: str = ""
    cancelled_on: date | None = None
    last_paid_on: date | None = None
    ramp: tuple[Money, ...] = ()
    price_id: str | None = None
    deal_id: str | None = None


class DealState(StrEnum):
    """A deal's state by the pipeline's own closed and won flags, never by stage name."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Deal:
    """A native deal or opportunity. ``cs_key`` is set on those we created."""

    deal_id: str
    account_id: str
    name: str
    state: DealState
    kind: str
    amount: Money
    close_on: date | None
    created_on: date
    owner_id: str | None = None
    cs_key: str | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A support ticket; ``csat`` 1..5 or None where the customer gave none.

    ``reopened`` is how often it was opened again after closing, None where the CRM does not say.
    """

    ticket_id: str
    account_id: str
    priority: str
    opened_at: datetime
    closed_at: datetime | None
    escalated: bool
    csat: int | None = None
    reopened: int | None = None


class SurveyKind(StrEnum):
    """What a survey asks: recommendation (0 to 10), satisfaction, or effort (1 to 7)."""

    NPS = "nps"
    CSAT = "csat"
    CES = "ces"


@dataclass(frozen=True, slots=True)
class SurveyAnswer:
    """One answer to a survey. ``respondent`` None: nobody we can tell from another.

    ``csat`` is a satisfaction survey's score as a rating from 1 to 5, where the charter counts it as one.
    """

    answer_id: str
    account_id: str
    kind: SurveyKind
    score: int
    answered_at: datetime
    respondent: str | None = None
    csat: int | None = None


@dataclass(frozen=True, slots=True)
class UsageDay:
    """A day's use of one feature under one contract line.

    ``rows`` counts the raw events behind it. ``line_id`` None: the product did not say.
    """

    account_id: str
    line_id: str | None
    product_id: str
    feature: str
    day: date
    rows: int
    count: int
    duration_s: int
    errors: int


@dataclass(frozen=True, slots=True)
class PresenceDay:
    """The users seen on one day for one product; distinct over windows by set union."""

    account_id: str
    product_id: str
    day: date
    users: frozenset[str]


@dataclass(frozen=True, slots=True)
class Account:
    """A customer account with the attributes the charter maps."""

    account_id: str
    name: str
    created_on: date
    parent_id: str | None = None
    owner_id: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """Everything known of one account at one moment.

    ``group_keys`` maps a line_id to the minted id of its renewal group (co-term group, or
    the chain of lines that renew one another); it outlives merges and never changes.
    ``usage_seen`` says whether the product sends usage for this portfolio at all: without
    it, no usage is *unknown*, not zero. Quarantined usage is left in ``usage`` and told
    apart by ``success.usage``. ``product_names`` are the CRM's, by product id, where it is asked for them.
    """

    account: Account
    account_key: str
    lines: tuple[ContractLine, ...] = ()
    deals: tuple[Deal, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    usage: tuple[UsageDay, ...] = ()
    presence: tuple[PresenceDay, ...] = ()
    group_keys: Mapping[str, str] = field(default_factory=dict)
    answers: tuple[SurveyAnswer, ...] = ()
    product_names: Mapping[str, str] = field(default_factory=dict)
    usage_seen: bool = False
    support_seen: bool = False
    human: HumanInputs = field(default_factory=HumanInputs)
    presence_from: date | None = None

    def product_name(self, product_id: str) -> str:
        """Return what people call a product: its name where we know it, else its id."""
        return self.product_names.get(product_id, product_id)
