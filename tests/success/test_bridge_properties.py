"""What holds of every ledger under every policy: bridges add up, and retention agrees with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from success.bridge import bridge
from success.cohorts import Span, cohorts
from success.facts import ContractLine, Money
from success.kpis import arr, grr, logo_retention, nrr, retention
from success.policies import FxRate, Movement, Policies
from success.positions import Book, Context, Level
from success.renewal_rate import renewal_rate
from success.rules import RenewalRule
from tests.success.builders import EXAMPLES
from tests.success.drawn_ledgers import CONTEXTS, DAYS, POLICIES, ledgers

LEVELS = st.sampled_from(list(Level))
LOSSES = ("contraction", "churn")
GAINS = ("new", "reactivation", "expansion", "uplift")


@EXAMPLES
@given(ledgers(), DAYS, DAYS, POLICIES, CONTEXTS, LEVELS)
def test_the_bridge_adds_up_to_the_unit(
    lines: list[ContractLine], one: date, other: date, policies: Policies, context: Context, level: Level
) -> None:
    """Opening and movements are closing, for each unit and in total; both ends are ARR of their day."""
    start, end = sorted((one, other))
    found = bridge(Book(lines, policies, context), start, end, level)
    assert all(row.moved.adds_up for row in found.rows)
    assert found.total.adds_up
    assert found.total.opening == arr(lines, start, policies, context).value.minor
    assert found.total.closing == arr(lines, end, policies, context).value.minor
    for row in found.rows:
        assert all(getattr(row.moved, name) <= 0 for name in LOSSES)
        assert all(getattr(row.moved, name) >= 0 for name in GAINS)


@EXAMPLES
@given(ledgers(), st.lists(DAYS, min_size=3, max_size=3), POLICIES, CONTEXTS)
def test_periods_that_meet_add_up(
    lines: list[ContractLine], days: list[date], policies: Policies, context: Context
) -> None:
    """Told by movements at one rate, a period is the sum of its halves in every bucket."""
    start, middle, end = sorted(days)
    fixed = replace(policies, movement=Movement.MOVEMENTS, fx_rate=FxRate.BUDGET)
    book = Book(lines, fixed, context)
    whole, first, second = (
        bridge(book, *period).total for period in ((start, end), (start, middle), (middle, end))
    )
    for name in (*LOSSES, *GAINS):
        assert getattr(whole, name) == getattr(first, name) + getattr(second, name), name
    assert first.closing == second.opening


@EXAMPLES
@given(ledgers(), DAYS, DAYS, POLICIES, CONTEXTS, LEVELS)
def test_gross_retention_never_beats_net_nor_one(
    lines: list[ContractLine], one: date, other: date, policies: Policies, context: Context, level: Level
) -> None:
    """GRR <= min(1, NRR) under every policy, and told by movements it is never higher."""
    start, end = sorted((one, other))
    ends = replace(policies, movement=Movement.POINT_TO_POINT)
    net = nrr(lines, start, end, ends, level, context).value
    gross = grr(lines, start, end, ends, level, context).value
    if net is None or gross is None:
        assert net is gross
        return
    assert 0 <= gross <= min(Fraction(1), net)
    if policies.fx_rate is not FxRate.SPOT:
        moved = grr(lines, start, end, replace(policies, movement=Movement.MOVEMENTS), level, context).value
        assert moved is not None
        assert moved <= gross


@EXAMPLES
@given(ledgers(), DAYS, DAYS, POLICIES, CONTEXTS)
def test_retention_can_be_read_off_the_bridge(
    lines: list[ContractLine], one: date, other: date, policies: Policies, context: Context
) -> None:
    """NRR, GRR and logos are those of the rows that open above 0, without FX."""
    start, end = sorted((one, other))
    policies = replace(policies, movement=Movement.POINT_TO_POINT, fx_rate=FxRate.CONSTANT)
    rows = [row.moved for row in bridge(Book(lines, policies, context), start, end).rows if row.moved.opening]
    base = sum(row.opening for row in rows)
    assert nrr(lines, start, end, policies, context=context).kept == sum(row.closing - row.fx for row in rows)
    lost = sum(row.contraction + row.churn for row in rows)
    assert grr(lines, start, end, policies, context=context).kept == base + lost
    assert logo_retention(lines, start, end, policies, context).kept == sum(
        row.closing - row.fx > 0 for row in rows
    )


@EXAMPLES
@given(ledgers(), DAYS, DAYS, POLICIES, CONTEXTS, st.integers(0, 1000))
def test_the_order_of_lines_leaves_no_trace(
    lines: list[ContractLine], one: date, other: date, policies: Policies, context: Context, seed: int
) -> None:
    """A shuffled ledger has the same bridge, retention, cohorts and renewal rate."""
    start, end = sorted((one, other))
    shuffled = list(lines)
    Random(seed).shuffle(shuffled)
    books = [Book(held, policies, context) for held in (lines, shuffled)]
    assert bridge(books[0], start, end, Level.LINE) == bridge(books[1], start, end, Level.LINE)
    assert retention(books[0], start, end) == retention(books[1], start, end)
    assert cohorts(books[0], end, Span.QUARTER) == cohorts(books[1], end, Span.QUARTER)
    rates = [renewal_rate(held, RenewalRule(), policies, (start, end), end) for held in (lines, shuffled)]
    assert rates[0] == rates[1]


@EXAMPLES
@given(ledgers(), DAYS, DAYS, POLICIES, CONTEXTS)
def test_one_rate_for_a_whole_ledger_scales_money_and_leaves_shares(
    lines: list[ContractLine], one: date, other: date, policies: Policies, context: Context
) -> None:
    """The same ledger in a currency worth twice as much: every amount doubles, FX is 0, NRR stays."""
    start, end = sorted((one, other))
    plain = replace(policies, fx={"EUR": Fraction(2)}, fx_dated={})
    dollars = [_in(line, "USD") for line in lines]
    euros = [_in(line, "EUR") for line in lines]
    ours, theirs = (bridge(Book(held, plain, context), start, end).total for held in (dollars, euros))
    assert theirs.fx == 0
    for name in ("opening", "new", "reactivation", "contraction", "churn", "closing"):
        assert getattr(theirs, name) == 2 * getattr(ours, name), name
    assert nrr(dollars, start, end, plain, context=context).value == (
        nrr(euros, start, end, plain, context=context).value
    )


def _in(line: ContractLine, currency: str) -> ContractLine:
    ramp = tuple(Money(one.minor, currency) for one in line.ramp)
    return replace(line, arr=Money(line.arr.minor, currency), ramp=ramp)


@EXAMPLES
@given(ledgers(), DAYS, POLICIES, CONTEXTS)
def test_a_cohort_is_fixed_and_holds_every_customer_once(
    lines: list[ContractLine], day: date, policies: Policies, context: Context
) -> None:
    """No cell has more logos than the cohort, shares follow, and no customer begins twice."""
    book = Book(lines, policies, context)
    found = cohorts(book, day).cohorts
    assert sum(one.size for one in found) <= len(list(book.customers))
    for one in found:
        assert [cell.age for cell in one.cells] == list(range(len(one.cells)))
        assert all(0 <= cell.returned <= cell.logos <= one.size for cell in one.cells)
        assert all(cell.on <= day and cell.logo_share == Fraction(cell.logos, one.size) for cell in one.cells)
