"""Deals and contract lines of one account: first sale, renewals, add-ons, trials, open deals.

Rounding rule: the agreed price of a seat is list price x rate of the currency x discount x
uplift, rounded half up to a cent; a line's ARR is seats x that price, exactly. A one-time
line carries its fee where others carry ARR, as deal line items do; its kind keeps it out of
every recurring figure. Trials cost nothing. Only won deals have lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Final, Literal

from sandbox.portfolio import names
from sandbox.portfolio.dates import add_months, days_before
from sandbox.portfolio.model import ContractLine, Deal
from sandbox.portfolio.people import Situation
from sandbox.portfolio.schedule import TRIAL_DAYS, Schedule, months_between
from sandbox.portfolio.story import Story

CENT: Final = Decimal("0.01")
_RATES: Final = {"USD": Decimal(1), "EUR": Decimal("0.92"), "GBP": Decimal("0.79")}
_LIST_PRICE: Final = {product.key: Decimal(product.unit_price) for product in names.PRODUCTS}
_ADD_ON_STORIES: Final = frozenset(
    {Story.HEALTHY, Story.STEADY, Story.RENEWAL_SOON, Story.USAGE_DECAY, Story.PRICE, Story.CHAMPION_LEFT}
)
_OPEN_EXPANSION_STORIES: Final = frozenset({Story.HEALTHY, Story.STEADY, Story.MONTHLY})

Kind = Literal["recurring", "one_time", "trial"]
Stage = Literal["open", "won", "lost"]
Sale = Literal["new", "expansion", "renewal"]


@dataclass(slots=True)
class Book:
    """The deals and lines written so far for one account, and its standing terms of trade."""

    who: Situation
    rng: Random
    discount: int
    auto_renew: bool
    notice_days: int
    billing: Literal["monthly", "annual"]
    deals: list[Deal] = field(default_factory=list)
    lines: list[ContractLine] = field(default_factory=list)

    def price(self, product: str, uplift: Decimal = Decimal(1)) -> Decimal:
        """Return the agreed price of a seat for a year, in cents of the account's currency."""
        rate = _RATES[self.who.account.currency] * uplift * (100 - self.discount) / 100
        return (_LIST_PRICE[product] * rate).quantize(CENT, ROUND_HALF_UP)

    def deal(
        self, stage: Stage, kind: Sale, close_on: date, amount: Decimal,
        *, label: str = "", created_on: date | None = None, renewal_of: str | None = None,
    ) -> Deal:  # fmt: skip
        """Add a deal named after account and label; made some weeks before it closes unless told."""
        account = self.who.account
        created = created_on or days_before(close_on, self.rng.randint(25, 90))
        made = Deal(
            key=f"{account.key}-D{len(self.deals) + 1}",
            account_key=account.key,
            name=f"{account.name} - {label or 'new business'}",
            stage=stage,
            kind=kind,
            amount=str(amount.quantize(CENT, ROUND_HALF_UP)),
            currency=account.currency,
            created_on=max(created.isoformat(), account.created_on),
            close_on=close_on.isoformat(),
            owner_key=account.owner_key,
            renewal_of=renewal_of,
        )
        self.deals.append(made)
        return made

    def line(
        self, deal_key: str, product: str, seats: int, price: Decimal, period: tuple[date, date | None],
        *, kind: Kind = "recurring", months: int | None = None, group: str | None = None,
    ) -> None:  # fmt: skip
        """Add a contract line of ``seats`` at ``price`` each, valid in the half-open period."""
        account = self.who.account
        start, end = period
        self.lines.append(
            ContractLine(
                key=f"{account.key}-L{len(self.lines) + 1}",
                deal_key=deal_key,
                account_key=account.key,
                product_key=product,
                seats=seats,
                start_on=start.isoformat(),
                end_on=end.isoformat() if end else None,
                term_months=months,
                arr=str(seats * price),
                currency=account.currency,
                kind=kind,
                billing=self.billing,
                auto_renew=self.auto_renew and kind == "recurring",
                notice_days=self.notice_days,
                co_term_group=group,
            )
        )


@dataclass(frozen=True, slots=True)
class Term:
    """One paid term: what number it is of how many, its edges, and its core seats."""

    number: int
    of: int
    start: date
    end: date
    seats: int

    @property
    def months(self) -> int:
        """Length in calendar months."""
        return months_between(self.start, self.end)


def book(who: Situation, plan: Schedule) -> Book:
    """Return every deal and line of the account, oldest first."""
    rng = who.draw("contracts")
    made = Book(
        who,
        rng,
        discount=rng.choice((0, 0, 0, 5, 10, 15, 20)),
        auto_renew=rng.random() < 0.3,
        notice_days=rng.choice((30, 60, 60, 90)),
        billing="monthly" if rng.random() < 0.25 else "annual",
    )
    if plan.trial_on:
        _trial(made, plan.trial_on)
    if who.story is Story.MONTHLY:
        _open_ended(made, plan.edges[0])
    terms = list(_terms(who, plan))
    for term in terms:
        _paid_term(made, term)
    if terms and who.story in _ADD_ON_STORIES and rng.random() < 0.45:
        _add_on(made, terms[-1])
    _not_won(made, terms)
    return made


def _terms(who: Situation, plan: Schedule) -> Iterator[Term]:
    """Yield the paid terms; seats grow from about five sixths of today's to today's."""
    count = len(plan.edges) - 1
    for number in range(1, count + 1):
        seats = who.seats - who.seats * (count - number) // (6 * count)
        yield Term(number, count, plan.edges[number - 1], plan.edges[number], seats)


def _trial(made: Book, start: date) -> None:
    """Add a free trial of a few seats; a trial still running also has an open first sale."""
    end = start + timedelta(days=TRIAL_DAYS)
    deal = made.deal("won", "new", start, Decimal(0), label="trial")
    made.line(deal.key, names.CORE, min(5, made.who.seats), Decimal("0.00"), (start, end), kind="trial")


def _open_ended(made: Book, start: date) -> None:
    """Add a contract billed by the month that runs until somebody gives notice."""
    made.billing, made.auto_renew = "monthly", True
    price = made.price(names.CORE)
    deal = made.deal("won", "new", days_before(start, made.rng.randint(0, 10)), made.who.seats * price / 12)
    made.line(deal.key, names.CORE, made.who.seats, price, (start, None), months=1)


def _paid_term(made: Book, term: Term) -> None:
    """Add the sale or renewal behind one term, with its core line and maybe services."""
    price = made.price(names.CORE, _uplift(made, term))
    amount = term.seats * price * term.months / 12
    services = term.number == 1 and made.rng.random() < 0.35
    fee = made.price(names.SERVICES) if services else Decimal(0)
    if term.number == 1:
        closed = days_before(term.start, made.rng.randint(0, 20))
        deal = made.deal("won", "new", closed, amount + fee)
    else:
        # One renewal in twenty is signed a few days late.
        closed = days_before(term.start, made.rng.choice((*range(1, 39, 2), -6)))
        before = _last_sale(made)
        label = f"renewal {term.start.year}"
        deal = made.deal("won", "renewal", closed, amount, renewal_of=before, label=label)
    made.line(deal.key, names.CORE, term.seats, price, (term.start, term.end), months=term.months)
    if services:
        done = add_months(term.start, 3)
        made.line(deal.key, names.SERVICES, 1, fee, (term.start, done), kind="one_time")


def _uplift(made: Book, term: Term) -> Decimal:
    """Return the price against the first term's: 3 % more a renewal, 15 % more at last for "price"."""
    if made.who.story is Story.PRICE and term.number == term.of > 1:
        return Decimal("1.15")
    return Decimal(100 + 3 * (term.number - 1)) / 100


def _last_sale(made: Book) -> str:
    """Return the key of the sale or renewal that the next renewal follows."""
    return [deal.key for deal in made.deals if deal.stage == "won" and deal.kind != "expansion"][-1]


def _add_on(made: Book, term: Term) -> None:
    """Add seats or a product within the current term, ending with it, in one co-term group."""
    latest = min(days_before(made.who.as_of, 5), days_before(term.end, 30))
    start = add_months(term.start, made.rng.randint(1, 8))
    if start > latest:
        return
    group = f"{made.who.account.key}-T{term.number}"
    _join_group(made, term, group)
    product = made.rng.choice((names.CORE, *names.ADD_ONS))
    seats = max(2, term.seats // (4 if product == names.CORE else 2))
    price = made.price(product)
    days = Decimal((term.end - start).days)
    closed = days_before(start, made.rng.randint(0, 7))
    deal = made.deal("won", "expansion", closed, seats * price * days / 365, label=f"{product} add-on")
    months = months_between(start, term.end)
    made.line(deal.key, product, seats, price, (start, term.end), months=months, group=group)


def _join_group(made: Book, term: Term, group: str) -> None:
    """Put the core line of the term into the co-term group."""
    for place, line in enumerate(made.lines):
        if line.kind == "recurring" and line.start_on == term.start.isoformat():
            made.lines[place] = ContractLine(
                **{name: getattr(line, name) for name in ContractLine.__slots__} | {"co_term_group": group}
            )


def _not_won(made: Book, terms: list[Term]) -> None:
    """Add the deals that are open or were lost."""
    who, rng = made.who, made.rng
    if who.story in {Story.TRIAL, Story.PROSPECT}:
        _open_deal(made, "new", names.CORE, who.seats)
    elif who.story is Story.RENEWAL_TO_ADOPT:
        _hand_made_renewal(made, terms[-1])
    elif who.story in _OPEN_EXPANSION_STORIES and rng.random() < 0.15:
        _open_deal(made, "expansion", rng.choice(names.ADD_ONS), max(2, who.seats // 2))
    if who.part.churned:
        _lost_renewal(made, terms[-1])


def _open_deal(made: Book, kind: Sale, product: str, seats: int) -> None:
    """Add a sale somebody is working on."""
    as_of = made.who.as_of
    close = as_of + timedelta(days=made.rng.randint(10, 75))
    created = days_before(as_of, made.rng.randint(3, 30))
    label = "" if kind == "new" else f"{product} add-on"
    made.deal("open", kind, close, seats * made.price(product), created_on=created, label=label)


def _hand_made_renewal(made: Book, term: Term) -> None:
    """Add the renewal a person already opened in the CRM for the term that ends next."""
    created = days_before(made.who.as_of, made.rng.randint(5, 40))
    amount = term.seats * made.price(names.CORE, _uplift(made, term))
    made.deal(
        "open", "renewal", term.end, amount,
        created_on=created, renewal_of=_last_sale(made), label=f"renewal {term.end.year}",
    )  # fmt: skip


def _lost_renewal(made: Book, term: Term) -> None:
    """Add the renewal that was lost when the account left."""
    amount = term.seats * made.price(names.CORE, _uplift(made, term))
    closed = days_before(term.end, made.rng.randint(0, 30))
    label = f"renewal {term.end.year}"
    made.deal("lost", "renewal", closed, amount, renewal_of=_last_sale(made), label=label)
