"""What a portfolio says of us, worked out by hand, with how far it may be off."""

from __future__ import annotations

import csv
from datetime import date
from fractions import Fraction
from math import sqrt

import pytest

from success.facts import SurveyKind
from success.sentiment import sentiment, tickets_before_signup
from success.view import AccountView
from tests.success import ravenstack
from tests.success.builders import answer, facts, line, rules, ticket

AS_OF = date(2024, 6, 30)


def view(**changes: object) -> AccountView:
    """Return a customer as the figures ask it."""
    return AccountView(facts([line()], **changes), rules())


def test_nps_has_its_interval() -> None:
    """Six promoters, two passives and two detractors are 40 ± 1.96·√((0.8 − 0.16)/10), 49.6 points."""
    scores = [9, 10, 9, 10, 9, 10, 7, 8, 0, 6]
    answers = tuple(answer(f"s{place}", AS_OF, score) for place, score in enumerate(scores))
    nps, _ = sentiment([view(answers=answers)], AS_OF)
    assert (nps.n, nps.value, nps.response_rate) == (10, 40, None)
    margin = 196 * sqrt(0.064)
    assert nps.high is not None
    assert nps.low is not None
    assert float(nps.high) == pytest.approx(40 + margin, abs=0.0006)
    assert float(nps.low) == pytest.approx(40 - margin, abs=0.0006)


def test_four_answers_are_no_figure() -> None:
    """Below five people NPS and CSAT say nothing but how many answered; a fifth makes the figure."""
    answers = tuple(answer(f"s{place}", AS_OF, 10) for place in range(5))
    nps, csat = sentiment([view(answers=answers[:4])], AS_OF)
    assert (nps.n, nps.value, nps.low, nps.high) == (4, None, None, None)
    assert (csat.n, csat.value) == (0, None)
    assert sentiment([view(answers=answers)], AS_OF)[0].value == 100


def test_a_person_known_to_two_accounts_counts_once() -> None:
    """Ann answered 0 for one account and later 10 for another: her 10 counts; old answers are out."""
    others = tuple(answer(f"s{place}", AS_OF, 7) for place in range(4))
    first = view(answers=(answer("a", date(2024, 5, 1), 0, respondent="ann"), *others))
    second = view(
        answers=(answer("b", date(2024, 6, 1), 10, respondent="ann"), answer("o", date(2024, 4, 1), 0))
    )
    for order in ([first, second], [second, first]):
        assert (sentiment(order, AS_OF)[0].n, sentiment(order, AS_OF)[0].value) == (5, 20)


def test_csat_is_the_share_of_fours_and_fives() -> None:
    """Of ratings 5, 4, 4, 3 and a survey rated 1 three are content: 60 % ± 42.9, from 17.1."""
    tickets = tuple(ticket(str(place), AS_OF, csat=score) for place, score in enumerate((5, 4, 4, 3)))
    survey = answer("s", AS_OF, 0, kind=SurveyKind.CSAT, csat=1)
    _, csat = sentiment([view(tickets=tickets, answers=(survey,))], AS_OF)
    assert (csat.n, csat.value) == (5, 60)
    assert csat.low is not None
    assert float(csat.low) == pytest.approx(60 - 196 * sqrt(0.24 / 5), abs=0.0006)
    assert csat.high == 100


def test_a_ticket_of_the_day_its_account_came_is_not_early() -> None:
    """The account is of 1 January 2023: a ticket of the day before is early, one after `as_of` not there."""
    days = (date(2022, 12, 31), date(2023, 1, 1), date(2024, 1, 1), date(2024, 7, 1))
    tickets = tuple(ticket(str(day), day) for day in days)
    found = tickets_before_signup([view(tickets=tickets)], AS_OF)
    assert (found.tickets, found.before, found.share) == (3, 1, Fraction(1, 3))


@pytest.mark.skipif(not ravenstack.available(), reason="RavenStack is not on this machine")
def test_ravenstack_tickets_before_signup() -> None:
    """1,077 of RavenStack's 2,000 tickets (53.9 %) came before signup, as counted from its files alone."""
    folder, made, before, count = ravenstack.FOLDER, {}, 0, 0
    with (folder / "ravenstack_accounts.csv").open(encoding="utf-8-sig") as file:
        made = {row["account_id"]: row["signup_date"] for row in csv.DictReader(file)}
    with (folder / "ravenstack_support_tickets.csv").open(encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            count += 1
            before += row["submitted_at"][:10] < made[row["account_id"]]
    assert (count, before) == (2000, 1077)
    views = [AccountView(one, rules()) for one in ravenstack.load().accounts]
    found = tickets_before_signup(views, date(2025, 12, 31))
    assert (found.tickets, found.before) == (count, before)
