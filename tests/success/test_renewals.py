"""Renewals: one per account, group and due day; opened once, adopted before made, never dropped."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from success.days import add_months
from success.decide import advance, decide
from success.facts import AccountFacts, ContractLine, DealState, LineKind, Money
from success.fold import FoldState
from success.renewals import due, group_sources
from success.rules import Overlap, Policies, RenewalRule
from tests.success.builders import deal, facts, fields, line, rules, usd

DUE = date(2025, 1, 1)
OPENS = DUE - timedelta(days=90)
KEY = "renewal:g-l1:1"


def opened(account: AccountFacts, day: date, state: FoldState | None = None, **changes: Any) -> FoldState:
    """Return the state after the step of one day."""
    return advance(state or FoldState.empty(), account, rules(**changes), day)


@pytest.mark.parametrize(
    ("day", "is_open"),
    [(OPENS - timedelta(days=1), False), (OPENS, True), (DUE, True), (DUE + timedelta(days=1), False)],
)
def test_a_rolling_line_s_window_has_both_its_ends(day: date, is_open: bool) -> None:
    """From 90 days before to the due day itself."""
    assert (KEY in opened(facts([line(end=None)]), day).renewals) is is_open


@pytest.mark.parametrize(
    ("day", "is_open"),
    [(OPENS - timedelta(days=1), False), (OPENS, True), (DUE - timedelta(days=1), True), (DUE, False)],
)
def test_a_fixed_line_s_window_ends_with_the_line(day: date, is_open: bool) -> None:
    """A line is in force up to the day before its end: one that has ended opens no renewal any more."""
    assert (KEY in opened(facts([line(end=DUE)]), day).renewals) is is_open


def test_a_monthly_line_that_was_ended_makes_no_renewal() -> None:
    """Monthly and evergreen lines churn by notice (domain D.6, rule 9), also once their end is known."""
    assert opened(facts([line(end=DUE, term_months=1)]), OPENS).renewals == {}


def test_fixed_lines_due_on_one_day_are_one_renewal() -> None:
    """Whatever day they began: one renewal per account and due day (domain D.6, rule 1)."""
    later = line(line_id="L2", start=date(2024, 6, 1), end=DUE)
    both = [line(end=DUE), later]
    assert set(group_sources(both).values()) == {"L1"}


def test_a_renewal_is_worth_its_lines_with_the_uplift() -> None:
    """1,200 and 800 dollars with 5 % are 2,100."""
    account = facts([line(), line("L2", arr=usd(800))])
    charter = rules(renewal=RenewalRule(uplift=50))
    records = decide(advance(FoldState.empty(), account, charter, OPENS), account, charter, OPENS).records
    renewal = fields(records, KEY)
    assert renewal["amount"] == usd(2100)
    assert (renewal["due_on"], renewal["term_number"], renewal["kind"]) == (DUE, 1, "renewal")
    assert renewal["opened_on"] == OPENS
    assert renewal["reason"] == "2 lines worth USD 2,100.00 a year come due on 2025-01-01 (term 1)."


def test_co_termed_lines_make_one_renewal() -> None:
    """An add-on that began in May and ends with its group joins the group's renewal."""
    first = line(end=DUE, co_term_group="C")
    add_on = line("L2", start=date(2024, 5, 1), end=DUE, term_months=None, co_term_group="C", arr=usd(300))
    state = opened(facts([add_on, first]), OPENS)
    assert list(state.renewals) == [KEY]
    assert state.renewals[KEY].amount == usd(1500)
    assert state.renewals[KEY].lines == ("L1", "L2")


def test_lines_group_by_co_term_chain_and_anniversary() -> None:
    """The earliest line names the group; trials are in none."""
    lines = [
        line("B", start=date(2023, 3, 1), end=date(2024, 3, 1)),
        line("C", start=date(2024, 3, 5), end=date(2025, 3, 5), renewal_of_line_id="B"),
        line("D", start=date(2024, 7, 1), term_months=24),
        line("A", start=date(2024, 7, 1), term_months=24),
        line("E", start=date(2024, 2, 1), co_term_group="X"),
        line("F", start=date(2024, 1, 9), co_term_group="X", term_months=6),
        line("G", start=date(2024, 7, 1), term_months=24, account_id="A2"),
        line("T", kind=LineKind.TRIAL),
    ]
    expected = {"B": "B", "C": "B", "A": "A", "D": "A", "E": "F", "F": "F", "G": "G"}
    assert group_sources(lines) == expected
    assert group_sources(reversed(lines)) == expected


@pytest.mark.parametrize(
    "changes",
    [{"kind": LineKind.TRIAL}, {"kind": LineKind.ONE_TIME}, {"term_months": 1}, {"term_months": None}],
)
def test_no_renewal_of_trials_one_time_and_monthly_lines(changes: dict[str, Any]) -> None:
    """Nothing of theirs is due in a whole year."""
    account = facts([line(**changes)])
    assert due(account, rules(), DUE, DUE, date(2025, 12, 31)) == ()


def test_a_leap_day_is_due_on_28_february() -> None:
    """29 February 2024 plus a year is 28 February 2025, and 29 February again in 2028."""
    account = facts([line(start=date(2024, 2, 29))])
    found = due(account, rules(), date(2024, 3, 1), date(2025, 1, 1), date(2028, 12, 31))
    assert [item.due_on for item in found] == [
        date(2025, 2, 28),
        date(2026, 2, 28),
        date(2027, 2, 28),
        date(2028, 2, 29),
    ]
    assert [item.term_number for item in found] == [1, 2, 3, 4]


def test_month_ends_do_not_drift() -> None:
    """31 January plus one and two months: 28 February, 31 March."""
    assert [add_months(date(2025, 1, 31), months) for months in (1, 2)] == [
        date(2025, 2, 28),
        date(2025, 3, 31),
    ]


def test_several_years_are_due_once_at_their_end() -> None:
    """A fixed three-year line makes no renewal at its yearly price steps."""
    account = facts([line(term_months=36, end=date(2027, 1, 1))])
    found = due(account, rules(), DUE, date(2024, 1, 1), date(2030, 1, 1))
    assert [(item.due_on, item.term_number) for item in found] == [(date(2027, 1, 1), 1)]


def test_a_persons_renewal_deal_is_adopted() -> None:
    """Return an open renewal deal that closes within 60 days of the due day stands in, for good."""
    theirs = deal("D1", close_on=DUE + timedelta(days=60), name="Acme 2025")
    account = facts([line()], deals=(theirs,))
    state = opened(account, OPENS)
    assert not state.renewals
    assert state.adopted == {KEY: "D1"}
    won = facts([line()], deals=(replace(theirs, state=DealState.WON),))
    later = opened(won, OPENS + timedelta(days=1), state)
    assert not later.renewals
    told = decide(state, account, rules(), OPENS).records[0].fields["explanation"]
    assert "handled in the deal Acme 2025" in str(told)


@pytest.mark.parametrize(
    "changes",
    [
        {"close_on": DUE + timedelta(days=61)},
        {"close_on": None},
        {"state": DealState.LOST},
        {"kind": "new"},
        {"cs_key": "renewal:other:1"},
    ],
)
def test_other_deals_are_not_adopted(changes: dict[str, Any]) -> None:
    """Too far off, undated, decided, of another kind, or ours already: the renewal is opened."""
    theirs = deal("D1", **{"close_on": DUE, **changes})
    assert KEY in opened(facts([line()], deals=(theirs,)), OPENS).renewals


def test_one_deal_stands_in_for_one_renewal() -> None:
    """Of two renewals due near one deal, the earlier is adopted and the other opened."""
    other = line("L2", start=date(2024, 1, 10))
    account = facts([line(), other], deals=(deal("D1", close_on=DUE),))
    state = opened(account, OPENS + timedelta(days=20))
    assert state.adopted == {KEY: "D1"}
    assert list(state.renewals) == ["renewal:g-l2:1"]


def test_an_overdue_renewal_stays_visible() -> None:
    """A month after the due day it is still desired with the same fields, and named as a risk."""
    account, charter = facts([line(end=DUE)]), rules()
    state = opened(account, OPENS)
    before = fields(decide(state, account, charter, OPENS).records, KEY)
    later = date(2025, 2, 1)
    state = opened(account, later, state)
    records = decide(state, account, charter, later).records
    assert fields(records, KEY) == before
    assert "The renewal due on 2025-01-01 is still open." in str(records[0].fields["risks"])


@pytest.mark.parametrize(
    "successor",
    [
        line("L2", start=date(2024, 12, 15), renewal_of_line_id="L1", end=date(2025, 12, 15), arr=usd(9999)),
        line("L2", start=DUE, arr=usd(9999)),
    ],
)
def test_a_renewed_term_is_closed_and_stands_still(successor: ContractLine) -> None:
    """Once a line renews it, or a newer one of the group begins, its fields never change again."""
    charter = rules()
    alone = facts([line()])
    state = opened(alone, OPENS)
    before = fields(decide(state, alone, charter, OPENS).records, KEY)
    both = facts([line(arr=usd(5)), successor])
    state = opened(both, DUE + timedelta(days=5), state)
    assert state.renewals[KEY].closed_on == OPENS + timedelta(days=1)
    assert fields(decide(state, both, charter, DUE + timedelta(days=5)).records, KEY) == before
    assert list(state.renewals) == [KEY]


def test_an_open_renewal_follows_its_contract() -> None:
    """Seats added and a corrected end day change amount and due day, never the key."""
    charter = rules()
    state = opened(facts([line(end=DUE)]), OPENS)
    changed = facts([line(end=date(2025, 1, 15), arr=usd(5000))])
    renewal = fields(decide(state, changed, charter, OPENS + timedelta(days=1)).records, KEY)
    assert (renewal["amount"], renewal["due_on"]) == (usd(5000), date(2025, 1, 15))
    assert list(opened(changed, OPENS + timedelta(days=60), state).renewals) == [KEY]


def test_the_next_term_gets_the_next_number() -> None:
    """A rolling line is due again a year later under its own key."""
    account = facts([line()])
    state = opened(account, date(2025, 12, 1), opened(account, OPENS))
    assert list(state.renewals) == [KEY, "renewal:g-l1:2"]


def test_closing_a_rolling_line_does_not_renumber_its_terms() -> None:
    """The third anniversary is term 3 whether the line rolls on or was given that end."""
    third = date(2027, 1, 1)
    for end in (None, third):
        found = due(facts([line(end=end)]), rules(), date(2026, 12, 1), third, third)
        assert [item.key for item in found] == ["renewal:g-l1:3"]


def test_a_line_without_a_minted_group_makes_no_renewal() -> None:
    """Without an id that lasts there is no key to write under."""
    account = replace(facts([line()]), group_keys={})
    assert not opened(account, OPENS).renewals


def test_an_end_moved_by_a_year_renews_the_term() -> None:
    """Prolonging the line itself closes the open renewal; the next opens in its own window."""
    state = opened(facts([line(end=DUE)]), OPENS)
    prolonged = facts([line(end=date(2026, 1, 1))])
    state = opened(prolonged, OPENS + timedelta(days=1), state)
    assert state.renewals[KEY].closed_on == OPENS + timedelta(days=1)
    state = opened(prolonged, date(2025, 12, 1), state)
    assert list(state.renewals) == [KEY, "renewal:g-l1:2"]


def test_a_decided_deal_of_ours_is_left_alone() -> None:
    """Once sales has won it, a later change of the contract no longer changes its amount."""
    charter = rules()
    state = opened(facts([line()]), OPENS)
    won = deal("D9", cs_key=KEY, state=DealState.WON, close_on=DUE)
    changed = facts([line(arr=usd(5000))], deals=(won,))
    assert fields(decide(state, changed, charter, DUE).records, KEY)["amount"] == usd(1200)


def test_a_renewal_without_a_rate_keeps_its_own_currency() -> None:
    """Pounds without a rate are shown in pounds, not as nothing."""
    state = opened(facts([line(arr=Money(5000, "GBP"))]), OPENS)
    assert state.renewals[KEY].amount == Money(5000, "GBP")


def test_a_renewal_outlives_its_deleted_line() -> None:
    """A line that vanished from the CRM leaves the opened renewal with its last figures."""
    charter = rules()
    state = opened(facts([line()]), OPENS)
    before = fields(decide(state, facts([line()]), charter, OPENS).records, KEY)
    assert fields(decide(state, facts(), charter, OPENS).records, KEY) == before


def test_without_rolling_terms_only_an_end_is_due() -> None:
    """The charter may leave open-ended lines alone."""
    rule = RenewalRule(rolling_terms=False)
    assert not opened(facts([line()]), OPENS, renewal=rule).renewals
    assert opened(facts([line(end=DUE)]), OPENS, renewal=rule).renewals


def test_superseded_lines_are_not_due() -> None:
    """Where the newest line replaces the others, only it renews."""
    account = facts([line(), line("L2", start=date(2024, 1, 10))])
    state = opened(account, OPENS + timedelta(days=20), policies=Policies(overlap=Overlap.SUPERSEDE))
    assert list(state.renewals) == ["renewal:g-l2:1"]


def test_a_renewal_begins_with_the_figures_of_its_opening() -> None:
    """A contract that changed before anybody looked gives the deal the same beginning as a look that day."""
    before = facts([line(end=DUE)])
    after = facts([line(end=DUE + timedelta(days=10), arr=usd(2400))])
    state = opened(after, OPENS + timedelta(days=5), opened(before, OPENS))
    (renewal,) = [
        one for one in decide(state, after, rules(), OPENS + timedelta(days=5)).records if one.key == KEY
    ]
    assert renewal.opening == {"amount": usd(1200), "due_on": DUE}
    assert (renewal.fields["amount"], renewal.fields["due_on"]) == (usd(2400), DUE + timedelta(days=10))
