"""Expansion: seats in use long enough, priced as they are sold today, proposed once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from success.decide import advance, decide
from success.facts import AccountFacts, DealState
from success.fold import FoldState
from tests.success.builders import days, deal, facts, fields, line, rules, seen, ticket, usd, used

LAST = date(2024, 6, 30)
FIRST_HELD = LAST - timedelta(days=13)
GRID = LAST + timedelta(days=1)
KEY = "expansion:acme:core:1"
EIGHT = "abcdefgh"


def busy(users: str = EIGHT, first: date = FIRST_HELD, **changes: Any) -> AccountFacts:
    """Ten seats, and these users from the first day on to the last."""
    held = days(first, (LAST - first).days + 1)
    return facts([line()], presence=tuple(seen(day, users) for day in held), **changes)


def opened(account: AccountFacts, day: date = GRID, **changes: Any) -> bool:
    """Say whether the step of one day opens the expansion."""
    return KEY in advance(FoldState.empty(), account, rules(**changes), day).expansions


def test_eight_of_ten_seats_for_fourteen_days_are_enough() -> None:
    """80 % held from 17 to 30 June opens it on 1 July and not a day before."""
    assert opened(busy())
    assert not opened(busy(), LAST)


def test_one_user_or_one_day_less_is_not_enough() -> None:
    """Seven of ten seats, or thirteen days, propose nothing."""
    assert not opened(busy(EIGHT[:7]))
    assert not opened(busy(first=FIRST_HELD + timedelta(days=1)))


def test_the_amount_is_the_added_seats_at_todays_price() -> None:
    """20 % of 13 seats rounded up are 3; at 1,300 dollars for 13 they cost 300."""
    thirteen = line(quantity=13, arr=usd(1300))
    account = replace(busy("abcdefghijk"), lines=(thirteen,))
    charter = rules()
    state = advance(FoldState.empty(), account, charter, GRID)
    expansion = fields(decide(state, account, charter, GRID).records, KEY)
    assert expansion["amount"] == usd(300)
    assert (expansion["kind"], expansion["product"], expansion["opened_on"]) == ("expansion", "core", GRID)
    assert expansion["reason"] == (
        "80.0 % or more of 13 seats of core were in use on each of the 14 days before 2024-07-01: "
        "3 seats more are proposed."
    )


def test_use_of_another_product_fills_no_seats_of_this_one() -> None:
    """Seats are counted per product."""
    elsewhere = tuple(replace(day, product_id="other") for day in busy().presence)
    assert not opened(replace(busy(), presence=elsewhere))


@pytest.mark.parametrize(("escalated", "expected"), [(True, False), (False, True)])
def test_an_escalation_holds_it_back(escalated: bool, expected: bool) -> None:
    """The charter's own words suppress it while they are true."""
    trigger = replace(rules().expansion, suppress_when="open_escalations > 0")
    account = busy(tickets=(ticket("1", LAST, escalated=escalated),))
    assert opened(account, expansion=trigger) is expected


def test_red_health_holds_it_back() -> None:
    """Health is known to suppression: three features of use make it well, none make it red."""
    trigger = replace(rules().expansion, suppress_when="health < 50.0")
    assert not opened(busy(usage_seen=True), expansion=trigger)
    rows = tuple(used(day, feature=str(place % 4)) for place, day in enumerate(days(date(2024, 6, 4), 27)))
    assert opened(busy(usage=rows), expansion=trigger)


def test_a_persons_open_expansion_deal_stands_in() -> None:
    """While theirs is open none of ours is made, and the profile says so; once lost, ours may come."""
    theirs = deal("D1", kind="expansion", name="More Acme")
    account = busy(deals=(theirs,))
    assert not opened(account)
    told = decide(FoldState.empty(), account, rules(), GRID).records[0].fields["explanation"]
    assert "the deal More Acme is open for it" in str(told)
    assert opened(busy(deals=(replace(theirs, state=DealState.LOST),)))


def test_an_opened_expansion_stays_as_it_was() -> None:
    """Months later, with the seats empty, the same record is desired."""
    charter = rules()
    state = advance(FoldState.empty(), busy(), charter, GRID)
    before = fields(decide(state, busy(), charter, GRID).records, KEY)
    quiet = facts([line(quantity=99)])
    state = advance(state, quiet, charter, GRID + timedelta(days=60))
    assert fields(decide(state, quiet, charter, GRID + timedelta(days=60)).records, KEY) == before
