"""Time to value and activation on hand-counted examples (K7, K8)."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from success.facts import Account, AccountFacts
from success.policies import Clock, Policies
from success.time_to_value import Wait, activation, clock_start, time_to_value, waits
from success.view import AccountView
from tests.success.builders import EXAMPLES, facts, line, rules, used

START = date(2024, 1, 1)
AS_OF = date(2024, 3, 1)


def view(account: AccountFacts) -> AccountView:
    """Return an account's view under the default charter."""
    return AccountView(account, rules())


def way(days: int, *, reached: bool, start: date = START) -> Wait:
    """Return a wait of so many days."""
    return Wait("A", start, start + timedelta(days=days) if reached else None, days, early=False)


def test_who_has_not_got_there_is_censored_and_not_dropped() -> None:
    """Reached after 1, 2 and 4 days, one still waiting after 3.

    Kaplan-Meier by hand: 3/4 wait after day 1, 3/4 x 2/3 = 1/2 after day 2, and none after day 4
    (of one at risk). The naive median is 2.
    """
    found = [way(1, reached=True), way(2, reached=True), way(3, reached=False), way(4, reached=True)]
    told = time_to_value(found, AS_OF, Policies(value_days=3))
    assert (told.accounts, told.reached, told.naive_median) == (4, 3, 2)
    assert told.median == 2
    assert told.share_within == pytest.approx(0.5, abs=1e-9)


def test_the_median_is_unknown_while_most_wait() -> None:
    """One of three got there: the naive median is 1 day, the estimated one is unknown."""
    told = time_to_value(
        [way(1, reached=True), way(9, reached=False), way(9, reached=False)], AS_OF, Policies()
    )
    assert (told.naive_median, told.median) == (1, None)


def test_nobody_is_no_estimate() -> None:
    """Without accounts every figure is unknown."""
    told = time_to_value([], AS_OF, Policies())
    assert (told.accounts, told.median, told.naive_median, told.share_within) == (0, None, None, None)


@EXAMPLES
@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=12), st.integers(1, 25))
def test_the_estimate_is_the_product_limit(drawn: list[tuple[int, bool]], target: int) -> None:
    """The share is 1 - Π (1 - reached / at risk) over the days up to the target, in exact fractions."""
    waiting = Fraction(1)
    for day in sorted({days for days, reached in drawn if reached and days <= target}):
        at_risk = sum(days >= day for days, _ in drawn)
        waiting *= 1 - Fraction(sum(reached and days == day for days, reached in drawn), at_risk)
    told = time_to_value(
        [way(days, reached=reached) for days, reached in drawn], AS_OF, Policies(value_days=target)
    )
    assert told.share_within == pytest.approx(float(1 - waiting), abs=1e-9)


def test_a_pilot_counts_as_no_days_and_is_told() -> None:
    """Used under a trial before the contract began: 0 days, early."""
    trial = facts(
        [line("t", kind=line().kind.TRIAL, start=date(2023, 12, 1)), line("p", start=date(2024, 1, 15))],
        usage=(used(date(2023, 12, 10)),),
    )
    (found,) = waits([view(trial)], AS_OF, Clock.CONTRACT_START)
    assert (found.started_on, found.days, found.early) == (date(2024, 1, 15), 0, True)


@pytest.mark.parametrize(
    ("clock", "day"),
    [
        (Clock.CONTRACT_START, date(2024, 1, 1)),
        (Clock.SIGNATURE, date(2023, 11, 30)),
        (Clock.ACCOUNT_CREATED, date(2022, 5, 5)),
    ],
)
def test_the_clock_is_the_charters(clock: Clock, day: date) -> None:
    """Contract start, signature, or the day the account was made."""
    account = facts([line(booked_on=date(2023, 11, 30))], account=Account("A1", "Acme", date(2022, 5, 5)))
    assert clock_start(view(account), AS_OF, clock) == day


def test_use_after_the_day_asked_about_is_not_known() -> None:
    """Used on 2 March, asked on the 1st: still waiting after 60 days."""
    account = facts([line()], usage=(used(date(2024, 3, 2)),))
    (found,) = waits([view(account)], AS_OF, Clock.CONTRACT_START)
    assert (found.reached_on, found.days) == (None, 60)


def test_activation_leaves_the_young_out_on_both_sides() -> None:
    """Of those with 30 days behind them one of four was in time, on the thirtieth day itself."""
    old, young = date(2024, 1, 1), date(2024, 2, 20)
    just = AS_OF - timedelta(days=30)
    found = [
        way(30, reached=True, start=old),
        way(31, reached=True, start=old),
        way(60, reached=False, start=old),
        way(30, reached=False, start=just),
        way(3, reached=True, start=young),
    ]
    told = activation(found, AS_OF, Policies())
    assert (told.activated, told.eligible, told.share) == (1, 4, Fraction(1, 4))


def test_the_estimator_is_loaded_only_when_asked() -> None:
    """No command pays for pandas and scipy that estimates nothing."""
    code = "import app, sys; raise SystemExit('lifelines' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
