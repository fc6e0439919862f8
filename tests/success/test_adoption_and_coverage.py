"""Feature adoption, seats, health coverage and freshness of small portfolios (K9, K10, K11, K27)."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from success.adoption import feature_adoption, seat_utilisation
from success.coverage import freshness, health_coverage
from success.facts import AccountFacts
from success.policies import Policies
from success.view import AccountView
from tests.success.builders import counts, facts, line, rules, scorecard, seen, ticket, usd, used

AS_OF = date(2024, 6, 30)


def views(*accounts: AccountFacts) -> list[AccountView]:
    """Return the accounts' views under the default charter."""
    return [AccountView(one, rules()) for one in accounts]


def test_features_are_counted_among_those_entitled_to_them() -> None:
    """Search belongs to core, which two of three hold and one used lately; the third has no core."""
    portfolio = views(
        facts([line()], usage=(used(date(2024, 6, 10)),)),
        facts([line()], usage=(used(date(2024, 2, 1)), used(date(2024, 6, 3), feature="export"))),
        facts([line(product_id="other")]),
    )
    found = feature_adoption(portfolio, AS_OF, Policies())
    assert {one.feature: (one.using, one.entitled) for one in found.features} == {
        "search": (1, 2),
        "export": (1, 2),
    }
    assert found.breadth == Fraction(2, 4)


def test_use_outside_the_contract_makes_no_feature() -> None:
    """A row before the line began is quarantined here too."""
    found = feature_adoption(views(facts([line()], usage=(used(date(2023, 6, 10)),))), AS_OF, Policies())
    assert (found.features, found.breadth) == ((), None)


def test_seats_are_utilised_by_distinct_users_and_unknown_is_not_zero() -> None:
    """4 people on 10 seats, nothing known of another 10: 0.4, one unknown."""
    known = facts([line()], presence=(seen(date(2024, 6, 20), "abc"), seen(date(2024, 6, 3), "cd")))
    found = seat_utilisation(views(known, facts([line()])), AS_OF, Policies())
    assert (found.users, found.seats, found.share, found.unknown) == (4, 10, Fraction(4, 10), 1)


def test_seats_bought_inside_the_window_weigh_by_their_days() -> None:
    """14 more seats for the last 14 of 28 days are 7 seats: 10 + 7."""
    more = line("L2", start=date(2024, 6, 17), quantity=14)
    known = facts([line(), more], presence=(seen(AS_OF, "ab"),))
    assert seat_utilisation(views(known), AS_OF, Policies()).seats == 17


def test_health_coverage_is_weighed_by_arr() -> None:
    """30 green, 10 red and 60 unknown: 40 of 100 is covered."""
    amounts = {"green": 30, "red": 10, "unknown": 60}
    scored = [(views(facts([line(arr=usd(amount))]))[0], band) for band, amount in amounts.items()]
    found = health_coverage(scored, AS_OF, Policies())
    assert (found.covered, found.arr, found.share) == (4_000, 10_000, Fraction(2, 5))
    assert {one.band: (one.accounts, one.share) for one in found.bands} == {
        "green": (1, Fraction(3, 10)),
        "red": (1, Fraction(1, 10)),
        "unknown": (1, Fraction(3, 5)),
    }


def test_a_measure_is_fresh_within_its_limit() -> None:
    """A rating of 60 days ago is fresh within 60 and not within 59; a former customer does not count."""
    rated = facts([line()], tickets=(ticket("t", date(2024, 5, 1), date(2024, 5, 1), csat=4),))
    gone = facts([line(end=date(2024, 6, 1))], tickets=rated.tickets)
    for limit, fresh in ((60, 1), (59, 0)):
        card = scorecard(counts("csat_90d", 1000, (1, 0), (5, 100), max_age_days=limit))
        (found,) = freshness([(view, card) for view in views(rated, facts([line()]), gone)], AS_OF)
        assert (found.fresh, found.accounts) == (fresh, 2)


def test_freshness_goes_by_the_scorecard_an_account_has() -> None:
    """One is scored by a rating of at most 59 days, one by a rating of any age, one by no rating at all."""
    rated = facts([line()], tickets=(ticket("t", date(2024, 5, 1), date(2024, 5, 1), csat=4),))
    strict = scorecard(counts("csat_90d", 1000, (1, 0), (5, 100), max_age_days=59))
    lenient = scorecard(counts("csat_90d", 1000, (1, 0), (5, 100)))
    other = scorecard(counts("seats", 1000, (0, 0), (5, 100)))
    found = freshness(zip(views(rated, rated, rated), (strict, lenient, other), strict=True), AS_OF)
    assert [(one.measure, one.max_age_days, one.fresh, one.accounts) for one in found] == [
        ("csat_90d", 59, 0, 1),
        ("csat_90d", None, 1, 1),
        ("seats", None, 1, 1),
    ]
