"""What must hold for every ledger, whatever the contracts."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from success.facts import ContractLine, LineKind, Money
from success.kpis import Level, grr, logo_retention, nrr
from success.ledger import arr_of
from success.rules import Overlap, Policies, Validity
from tests.success.builders import EXAMPLES, line

DAYS = st.dates(date(2023, 1, 1), date(2025, 12, 31))
POLICIES = st.builds(
    Policies, overlap=st.sampled_from(list(Overlap)), validity=st.sampled_from(list(Validity))
)


@st.composite
def contract_lines(draw: st.DrawFn, place: int) -> ContractLine:
    """Draw a line of one of three accounts."""
    start = draw(DAYS)
    length = draw(st.none() | st.integers(0, 500))
    return line(
        f"L{place}",
        account_id=draw(st.sampled_from("ABC")),
        product_id=draw(st.sampled_from("xy")),
        kind=draw(st.sampled_from([LineKind.RECURRING, LineKind.RECURRING, LineKind.TRIAL])),
        start=start,
        end=None if length is None else start + timedelta(days=length),
        arr=Money(draw(st.integers(0, 10_000)), "USD"),
    )


@st.composite
def ledgers(draw: st.DrawFn) -> list[ContractLine]:
    """Draw up to nine lines with distinct ids."""
    return [draw(contract_lines(place)) for place in range(draw(st.integers(0, 9)))]


@EXAMPLES
@given(ledgers(), DAYS, DAYS, POLICIES, st.sampled_from(list(Level)))
def test_gross_retention_never_beats_net_nor_one(
    lines: list[ContractLine], one: date, other: date, policies: Policies, level: Level
) -> None:
    """GRR <= min(1, NRR) at every level, and finer levels never show more."""
    start, end = sorted((one, other))
    net = nrr(lines, start, end, policies).value
    gross = grr(lines, start, end, policies, level).value
    if net is None or gross is None:
        assert net is gross
        return
    assert 0 <= gross <= min(Fraction(1), net)
    coarse = grr(lines, start, end, policies, Level.ACCOUNT).value
    assert coarse is not None
    assert gross <= coarse


@EXAMPLES
@given(ledgers(), DAYS, st.sampled_from(list(Validity)))
def test_stacked_arr_is_never_below_superseding(
    lines: list[ContractLine], day: date, validity: Validity
) -> None:
    """One line per account cannot be worth more than all of them."""
    stacked = arr_of(lines, day, Policies(Overlap.STACK, validity))
    newest = arr_of(lines, day, Policies(Overlap.SUPERSEDE, validity))
    assert stacked.minor >= newest.minor


@EXAMPLES
@given(ledgers(), DAYS, POLICIES, st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter(
    lines: list[ContractLine], day: date, policies: Policies, order: object
) -> None:
    """A shuffled ledger has the same ARR and retention."""
    shuffled = list(lines)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert arr_of(shuffled, day, policies) == arr_of(lines, day, policies)
    before = day - timedelta(days=365)
    assert nrr(shuffled, before, day, policies) == nrr(lines, before, day, policies)


@EXAMPLES
@given(ledgers(), DAYS, POLICIES)
def test_nothing_changes_within_no_time(lines: list[ContractLine], day: date, policies: Policies) -> None:
    """From a day to the same day all retention is exactly 1, or unknown without a cohort."""
    found = {
        nrr(lines, day, day, policies).value,
        grr(lines, day, day, policies).value,
        logo_retention(lines, day, day, policies).value,
    }
    assert found in ({1}, {None})
