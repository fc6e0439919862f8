"""Level and trend apart: slopes of use as measures, and the direction of health beside health."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest

from success.explain import shown_value
from success.facts import AccountFacts
from success.health import score
from success.health_trend import health_trend
from success.human_inputs import HumanInputs, Override, OverrideKind
from success.measures import MEASURES, MeasureBook
from success.rules import Scorecard
from success.slope import median_of_pairs
from success.view import AccountView
from tests.success.builders import counts, facts, line, rules, scorecard, ticket, used

TODAY = date(2024, 6, 30)
DAY = timedelta(days=1)


def weekly(*totals: int, start: date = date(2024, 1, 1)) -> AccountFacts:
    """Return an account with so many uses in each week, the last one ending today."""
    ends = [TODAY - 7 * back * DAY for back in reversed(range(len(totals)))]
    rows = tuple(used(end, count=total) for end, total in zip(ends, totals, strict=True) if total)
    return facts([line(start=start)], usage=rows, usage_seen=True)


def test_one_odd_week_does_not_bend_the_slope() -> None:
    """0, 1, 2, 90, 4: of ten pairs the median slope is 1, where the mean would be pulled up."""
    assert median_of_pairs([(0, 0), (1, 1), (2, 2), (3, 90), (4, 4)]) == 1


@pytest.mark.parametrize(
    ("name", "totals", "slope"),
    [
        ("usage_slope_4w", (10, 20, 30, 40), Fraction(10, 25)),
        ("usage_slope_8w", (80, 70, 60, 50, 40, 30, 20, 10), Fraction(-10, 45)),
        ("usage_slope_8w", (5, 5, 5, 5, 90, 5, 5, 5), Fraction(0)),
        ("usage_slope_4w", (99, 99, 99, 99, 0, 0, 0, 0), None),
    ],
)
def test_a_slope_is_a_share_of_the_mean_week(
    name: str, totals: tuple[int, ...], slope: Fraction | None
) -> None:
    """Ten more each week on a mean of 25 are 40 %; a window without use has no direction."""
    assert MEASURES[name](weekly(*totals), rules(), TODAY).value == slope


def test_a_slope_is_unknown_before_the_weeks_are_full() -> None:
    """A contract of seven weeks has no slope of eight, but one of four."""
    account = weekly(1, 2, 3, 4, 5, 6, 7, 8, start=TODAY - 49 * DAY)
    assert MEASURES["usage_slope_8w"](account, rules(), TODAY).value is None
    assert MEASURES["usage_slope_4w"](account, rules(), TODAY).value == Fraction(1) / Fraction(26, 4)


@pytest.mark.parametrize(
    ("cancelled", "end", "given"),
    [(TODAY, None, True), (TODAY + DAY, None, False), (None, None, False), (TODAY - DAY, TODAY, False)],
)
def test_notice_counts_from_its_day_while_the_line_is_open(
    cancelled: date | None, end: date | None, given: bool
) -> None:
    """Not before it is given, and not once the line has ended."""
    account = facts([line(cancelled_on=cancelled, end=end)])
    found = MEASURES["cancel_notice"](account, rules(), TODAY)
    assert found.value is given
    assert shown_value("cancel_notice", found) == ("yes" if given else "no")


# Health is 100 less 10 for each open ticket.
CARD = scorecard(counts("open_tickets", 1, (0, 100), (10, 0)))


def opened(*weeks_ago: int) -> AccountFacts:
    """Return an account with tickets opened so many weeks ago, all still open, the first long before."""
    days = (TODAY - 200 * DAY, *(TODAY - 7 * weeks * DAY for weeks in weeks_ago))
    tickets = tuple(ticket(f"T{place}", day) for place, day in enumerate(days))
    used_daily = tuple(used(TODAY - back * DAY) for back in range(60))
    return facts([line(start=date(2023, 1, 1))], tickets=tickets, usage=used_daily)


def found_trend(account: AccountFacts, card: Scorecard = CARD) -> str:
    """Return the direction of health today."""
    view = AccountView(account, rules())
    return health_trend(view, card, score(account, card, MeasureBook(view, TODAY), TODAY)).value


def test_health_goes_down_with_each_weeks_ticket() -> None:
    """90, 80, 70, 60, 50: ten points a week."""
    assert found_trend(opened(3, 2, 1, 0)) == "down"


def test_one_ticket_among_four_weeks_is_flat() -> None:
    """90, 90, 90, 90, 80: the median of the pairs is 0."""
    assert found_trend(opened(0)) == "flat"


def test_closing_them_is_up() -> None:
    """50, 60, 70, 80, 90: ten points a week."""
    base = opened()
    closing = tuple(ticket(f"C{weeks}", TODAY - 100 * DAY, TODAY - 7 * weeks * DAY) for weeks in range(4))
    assert found_trend(replace(base, tickets=(*base.tickets, *closing))) == "up"


def test_an_override_is_no_movement() -> None:
    """100 by a person's word after 90 and 90 is not five points a week."""
    word = Override(OverrideKind.VALUE, 100_000, "Why", "Jo", TODAY, TODAY + DAY)
    account = facts([line()], tickets=(ticket("T", TODAY - 14 * DAY),))
    assert found_trend(replace(account, human=HumanInputs(override=word))) == "flat"


def test_health_known_for_less_than_three_of_the_weeks_has_no_direction() -> None:
    """The first ticket seven days ago: two scores; fourteen days ago: three, all 90."""
    for weeks, expected in ((1, "unknown"), (2, "flat")):
        first = (ticket("T", TODAY - 7 * weeks * DAY),)
        assert found_trend(facts([line()], tickets=first)) == expected
