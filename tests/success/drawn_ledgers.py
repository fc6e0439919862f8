"""Random ledgers and policies for properties: ramps, currencies, notices, renewals and all kinds."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from hypothesis import strategies as st

from success.facts import ContractLine, LineKind, Money
from success.policies import (
    ChurnDate,
    CoTerm,
    Customer,
    FxRate,
    Movement,
    MultiYear,
    Overlap,
    Policies,
    UsagePricing,
    Validity,
)
from success.positions import Context
from tests.success.builders import line

DAYS = st.dates(date(2023, 1, 1), date(2025, 12, 31))
PARENTS = {"B": "A", "C": "D", "D": "C"}
FX = {"EUR": Fraction(11, 10)}
FX_DATED = {"EUR": ((date(2023, 6, 1), Fraction(6, 5)), (date(2024, 9, 1), Fraction(1)))}


@st.composite
def drawn_lines(draw: st.DrawFn, place: int) -> ContractLine:
    """Draw a line of one of four accounts, perhaps the renewal of an earlier one."""
    start, length = draw(DAYS), draw(st.none() | st.integers(0, 500))
    currency = draw(st.sampled_from(["USD", "EUR"]))
    amount = st.integers(0, 10_000)
    return line(
        f"L{place}",
        account_id=draw(st.sampled_from("ABCD")),
        product_id=draw(st.sampled_from("xy")),
        quantity=draw(st.integers(0, 5)),
        kind=draw(st.sampled_from([LineKind.RECURRING] * 4 + list(LineKind))),
        start=start,
        end=None if length is None else start + timedelta(days=length),
        arr=Money(draw(amount), currency),
        ramp=tuple(Money(one, currency) for one in draw(st.lists(amount, max_size=3))),
        renewal_of_line_id=draw(st.none() | st.just(f"L{place - 1}")),
        co_term_group=draw(st.none() | st.just("g")),
        cancelled_on=draw(st.none() | DAYS),
        last_paid_on=draw(st.none() | DAYS),
    )


@st.composite
def ledgers(draw: st.DrawFn) -> list[ContractLine]:
    """Draw up to eight lines with distinct ids."""
    return [draw(drawn_lines(place)) for place in range(draw(st.integers(0, 8)))]


CONTEXTS = st.builds(
    Context,
    known_on=st.none() | DAYS,
    parents=st.just(PARENTS),
    uses=st.fixed_dictionaries({"A": st.lists(DAYS, max_size=4).map(sorted)}),
)
POLICIES = st.builds(
    Policies,
    overlap=st.sampled_from(list(Overlap)),
    validity=st.sampled_from(list(Validity)),
    fx=st.just(FX),
    customer=st.sampled_from(list(Customer)),
    churn_date=st.sampled_from(list(ChurnDate)),
    grace_days=st.sampled_from([0, 30, 90]),
    new_after_months=st.sampled_from([0, 12]),
    movement=st.sampled_from(list(Movement)),
    multi_year=st.sampled_from(list(MultiYear)),
    co_term=st.sampled_from(list(CoTerm)),
    fx_rate=st.sampled_from(list(FxRate)),
    fx_dated=st.sampled_from([{}, FX_DATED]),
    usage_pricing=st.sampled_from(list(UsagePricing)),
    counted=st.sampled_from(
        [frozenset({LineKind.RECURRING}), frozenset({LineKind.RECURRING, LineKind.CS_OFFER})]
    ),
)
