"""Each measure on small customers worked out by hand, and when it is unknown."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest

from success.facts import AccountFacts, LineKind, Money, SurveyKind
from success.measures import MEASURES, MeasureValue, measure_all
from success.rules import RenewalRule
from tests.success.builders import answer, days, facts, line, rules, seen, ticket, used

AS_OF = date(2024, 6, 30)
WINDOW = date(2024, 6, 3)  # the first of the 28 days that end on AS_OF


def value(name: str, account: AccountFacts, as_of: date = AS_OF, **changes: Any) -> object:
    """Return the value of one measure."""
    return MEASURES[name](account, rules(**changes), as_of).value


def test_nothing_known_makes_every_use_and_support_measure_unknown() -> None:
    """Without any usage or ticket feed nothing is called zero."""
    known = {
        name
        for name, found in measure_all(facts([line()]), rules(), AS_OF).items()
        if found.value is not None
    }
    assert known == {"days_to_renewal", "days_since_start", "arr", "seats", "cancel_notice"}


def test_silence_in_a_product_that_reports_is_a_true_zero() -> None:
    """An account without use is at zero where the product sends usage."""
    silent = facts([line()], usage_seen=True)
    assert value("usage_events_28d", silent) == 0
    assert value("active_days_28d", silent) == 0
    assert value("usage_total", silent) == 0
    assert value("days_since_last_use", silent) is None


def test_zero_tickets_with_zero_use_is_no_healthy_support() -> None:
    """Silence is not health: no tickets count as good only where the product is used."""
    silent = facts([line()], usage_seen=True, support_seen=True)
    assert value("open_tickets", silent) is None
    assert value("open_escalations", silent) is None
    assert value("tickets_28d", silent) is None
    busy = facts([line()], usage=(used(AS_OF),), usage_seen=True, support_seen=True)
    assert value("open_tickets", busy) == 0


def test_the_window_holds_28_days_with_the_day_asked_about() -> None:
    """3 June is in, 2 June and 1 July are out."""
    rows = tuple(used(day, count=5) for day in (date(2024, 6, 2), WINDOW, AS_OF, date(2024, 7, 1)))
    account = facts([line()], usage=rows)
    assert value("usage_events_28d", account) == 10
    assert value("active_days_28d", account) == 2
    assert value("usage_total", account) == 15
    assert value("usage_per_seat_28d", account) == 1


def test_only_valid_use_counts() -> None:
    """Use before the line began is not seen by any measure."""
    account = facts([line(start=AS_OF)], usage=(used(date(2024, 6, 29), line_id="L1"),))
    assert value("usage_total", account) is None


def test_breadth_counts_features_once() -> None:
    """Three rows of two features are a breadth of two."""
    rows = (used(AS_OF, feature="a"), used(WINDOW, feature="a"), used(AS_OF, feature="b"))
    assert value("feature_breadth_28d", facts([line()], usage=rows)) == 2


def test_trend_compares_two_equal_windows() -> None:
    """6 uses after 4 is 3/2; without use before, or a contract throughout, it is unknown."""
    rows = (used(date(2024, 6, 2), count=4), used(WINDOW, count=6))
    assert value("usage_trend", facts([line()], usage=rows)) == Fraction(3, 2)
    assert value("usage_trend", facts([line()], usage=rows[1:])) is None
    assert value("usage_trend", facts([line(start=date(2024, 5, 7))], usage=rows)) is None
    assert value("usage_trend", facts([line(start=date(2024, 5, 6))], usage=rows)) == Fraction(3, 2)


def test_seat_utilisation_counts_each_user_once() -> None:
    """Three people over 28 days and two products on 10 seats are 0.3."""
    presence = (seen(WINDOW, "ab"), seen(AS_OF, "bc"), seen(AS_OF, "c", "other"), seen(date(2024, 6, 2), "z"))
    assert value("seat_utilisation", facts([line()], presence=presence)) == Fraction(3, 10)


def test_seat_utilisation_is_unknown_without_user_ids() -> None:
    """An empty id is nobody we know; without seats there is nothing to divide by."""
    assert value("seat_utilisation", facts([line()], presence=(seen(AS_OF, [""]),))) is None
    assert value("seat_utilisation", facts([line(quantity=0)], presence=(seen(AS_OF, "a"),))) is None


def test_seat_utilisation_uses_the_seats_of_the_day() -> None:
    """Seats bought later change later days only."""
    more = line("L2", start=AS_OF, product_id="other")
    account = facts([line(), more], presence=(seen(date(2024, 6, 29), "ab"),))
    assert value("seat_utilisation", account, date(2024, 6, 29)) == Fraction(2, 10)
    assert value("seat_utilisation", account, AS_OF) == Fraction(2, 20)


def test_open_tickets_on_a_day() -> None:
    """A ticket is open from the day it came to the day before it was closed."""
    tickets = (
        ticket("1", date(2024, 6, 1), AS_OF),
        ticket("2", date(2024, 6, 20), escalated=True),
        ticket("3", date(2024, 7, 1)),
    )
    account = facts([line()], tickets=tickets)
    assert value("open_tickets", account) == 1
    assert value("open_tickets", account, date(2024, 6, 29)) == 2
    assert value("open_escalations", account) == 1
    assert value("tickets_28d", account) == 1


def test_a_ticket_belongs_to_its_local_day() -> None:
    """23:30 UTC on 30 June is 1 July in Berlin."""
    late = ticket("1", AS_OF, opened_at=datetime(2024, 6, 30, 23, 30, tzinfo=UTC))
    account = facts([line()], tickets=(late,))
    assert value("open_tickets", account) == 1
    assert value("open_tickets", account, time_zone="Europe/Berlin") is None


def test_satisfaction_is_the_mean_of_the_fresh_ratings() -> None:
    """5 and 4 within 90 days are 9/2, seen on the day of the later answer; older ones are out."""
    tickets = (
        ticket("1", date(2024, 4, 1), date(2024, 4, 2), csat=5),
        ticket("2", date(2024, 6, 1), date(2024, 6, 3), csat=4),
        ticket("3", date(2024, 3, 30), date(2024, 4, 1), csat=1),
        ticket("4", date(2024, 6, 1), date(2024, 6, 3)),
    )
    found = MEASURES["csat_90d"](facts([line()], tickets=tickets), rules(), AS_OF)
    assert found == MeasureValue(Fraction(9, 2), date(2024, 6, 3))


def test_surveys_count_as_satisfaction_where_the_charter_rates_them() -> None:
    """A ticket's 5 and a survey's 2 are 7/2 on the survey's day; a survey that is not rated says nothing."""
    rated = answer("s1", date(2024, 6, 20), 1, kind=SurveyKind.CSAT, csat=2)
    bare = answer("s2", date(2024, 6, 25), 2, kind=SurveyKind.CSAT)
    given = (ticket("1", date(2024, 6, 1), date(2024, 6, 3), csat=5),)
    found = MEASURES["csat_90d"](facts([line()], tickets=given, answers=(rated, bare)), rules(), AS_OF)
    assert found == MeasureValue(Fraction(7, 2), date(2024, 6, 20))
    assert value("csat_90d", facts([line()], answers=(bare,))) is None


def test_the_latest_recommendation_keeps_its_day() -> None:
    """An old answer is known with its age, a later one is not seen yet, and no answer is unknown."""
    old, later = answer("s1", date(2023, 1, 5), 9), answer("s2", date(2024, 7, 1), 2)
    effort = answer("s3", AS_OF, 7, kind=SurveyKind.CES)
    account = facts([line()], answers=(later, effort, old))
    assert MEASURES["nps_latest"](account, rules(), AS_OF) == MeasureValue(9, date(2023, 1, 5))
    assert value("nps_latest", account, date(2024, 7, 1)) == 2
    assert value("nps_latest", facts([line()], answers=(effort,))) is None


def test_nps_is_unknown_below_five_people() -> None:
    """Three promoters, one passive and one detractor are 40; of four people it is unknown."""
    scores = {"a": 9, "b": 10, "c": 9, "d": 8, "e": 6}
    answers = tuple(answer(f"s-{who}", AS_OF, score, respondent=who) for who, score in scores.items())
    assert value("nps_90d", facts([line()], answers=answers)) == 40
    assert value("nps_90d", facts([line()], answers=answers[:4])) is None


def test_a_person_counts_once_with_their_latest_answer() -> None:
    """Ann's 10 replaces her 0; what is older than 90 days is out, and nobody in particular is one each."""
    early, late = date(2024, 5, 1), date(2024, 6, 1)
    known = (answer("s1", early, 0, respondent="ann"), answer("s2", late, 10, respondent="ann"))
    others = tuple(answer(f"s{number}", late, 7) for number in range(3, 7))
    gone = answer("s9", date(2024, 4, 1), 0)
    assert value("nps_90d", facts([line()], answers=(*others, *known, gone))) == 20
    assert value("nps_90d", facts([line()], answers=(*others, gone))) is None


def test_contract_measures() -> None:
    """Six months into a rolling year worth 1,200.50 for 10 seats."""
    account = facts([line(arr=Money(120_050, "USD"))])
    assert value("days_since_start", account) == 181
    assert value("days_to_renewal", account) == 185
    assert value("arr", account) == Fraction(2401, 2)
    assert value("seats", account) == 10


def test_arr_is_unknown_without_a_rate() -> None:
    """A line whose currency has no rate makes ARR unknown rather than too small."""
    assert value("arr", facts([line(arr=Money(1, "GBP"))])) is None


def test_a_pilot_before_the_contract_took_no_time() -> None:
    """Use in a trial before the first paid day is zero days to first use."""
    trial = line("T", kind=LineKind.TRIAL, start=date(2023, 12, 1), end=date(2023, 12, 31))
    pilot = facts([trial, line()], usage=(used(date(2023, 12, 5)),))
    assert value("first_use_days", pilot) == 0
    later = facts([line()], usage=(used(date(2024, 1, 11)),))
    assert value("first_use_days", later) == 10


def test_monthly_lines_have_no_renewal_day() -> None:
    """A rolling month is never due, unless the charter wants it."""
    monthly = facts([line(term_months=1)])
    assert value("days_to_renewal", monthly) is None
    assert value("days_to_renewal", monthly, renewal=RenewalRule(skip_monthly=False)) == 1


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_facts_after_the_day_are_not_seen(name: str) -> None:
    """No measure of a day changes with what happened later."""
    past = facts([line()], usage=tuple(used(day) for day in days(date(2024, 1, 5), 170)))
    later = (used(date(2024, 7, 1), feature="new", count=99),)
    future = facts(
        [line()],
        usage=past.usage + later,
        tickets=(ticket("9", date(2024, 7, 2), date(2024, 7, 3), csat=1, escalated=True),),
        presence=(seen(date(2024, 7, 1), "abc"),),
    )
    assert value(name, past) == value(name, future)
