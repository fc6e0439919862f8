"""What a renewal or expansion sells, line by line: the shares add up, and stay those of the opening."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from success.deal_lines import opened_lines
from success.decide import advance, decide
from success.facts import AccountFacts, Money
from success.fold import FoldState
from success.rules import Policies, RenewalRule
from tests.success.builders import facts, line, rules, usd

ENDS = date(2026, 1, 1)
OPENING = date(2025, 11, 1)
ONE = line(
    "L1", start=date(2025, 1, 1), end=ENDS, term_months=12, arr=usd(12_000), quantity=10, price_id="P1"
)
OTHER = line("L2", start=date(2025, 1, 1), end=ENDS, term_months=12, arr=usd(3_000), quantity=5)


def decided(account: AccountFacts, state: FoldState, day: date, uplift: int = 0):
    """Return the renewal of an account after a grid day, and the fold."""
    book = rules(renewal=RenewalRule(uplift=uplift))
    after = advance(state, account, book, day)
    (found,) = [one for one in decide(after, account, book, day).records if one.kind == "renewal"]
    return found, after


def test_each_line_goes_on_where_it_ends_at_its_share_of_the_amount() -> None:
    """12,000 and 3,000 with an uplift of 7 % are 12,840 and 3,210; a year from the due day, price kept."""
    found, _ = decided(facts([ONE, OTHER]), FoldState.empty(), OPENING, uplift=70)
    assert [(one.continues, one.quantity, one.amount, one.price_id) for one in found.lines] == [
        ("L1", 10, usd(12_840), "P1"),
        ("L2", 5, usd(3_210), None),
    ]
    assert {(one.starts_on, one.ends_on, one.term_months) for one in found.lines} == {
        (ENDS, date(2027, 1, 1), 12)
    }


def test_lines_are_those_of_the_opening_for_ever() -> None:
    """A line that grows or joins later changes what is due, not what the deal began with."""
    first, state = decided(facts([ONE]), FoldState.empty(), OPENING)
    grown = facts([replace(ONE, quantity=99, arr=usd(99_000)), OTHER])
    later, _ = decided(grown, FoldState.restored(state.to_json()), date(2025, 11, 2))
    assert later.fields["amount"] == usd(102_000)
    assert later.lines == first.lines


def test_a_fold_from_before_lines_were_kept_opens_none() -> None:
    """Its renewals go on as they were: their deals were made without lines."""
    _, state = decided(facts([ONE]), FoldState.empty(), OPENING)
    old = state.to_json().replace('"opened_lines":[["L1","core",10,1200000,"USD"]]', '"x":0')
    assert "opened_lines" not in old
    found, _ = decided(facts([ONE]), FoldState.restored(old), date(2025, 11, 2))
    assert found.lines == ()


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=6), st.integers(0, 10**9))
def test_the_lines_add_up_to_the_amount_to_the_cent(values: list[int], amount: int) -> None:
    """Whatever the shares; where every line is worth nothing, so is each of the deal's."""
    same = [replace(ONE, line_id=f"L{n}", arr=Money(value, "USD")) for n, value in enumerate(values)]
    parts = opened_lines(same, Money(amount, "USD"), Policies(reporting_currency="USD"))
    assert sum(one.amount.minor for one in parts) == (amount if sum(values) else 0)
    assert all(one.amount.minor >= 0 for one in parts)
