"""Accounts as rows of a model: known then, told later, and in words on the profile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from success.decide import decide
from success.facts import AccountFacts, ContractLine
from success.fold import FoldState
from success.policies import ChurnDate, Policies, Validity
from success.prediction.features import (
    churned,
    columns,
    cut_off,
    grid,
    known_from,
    period,
    unknown_columns,
    values,
)
from success.prediction.ladder import fit
from success.prediction.model import Calibration, Model
from success.prediction.reasons import reasons, shown_log_odds, title
from success.prediction.rule import FeatureRule, ModelRule, Scoring
from success.prediction.table import Direction, FeatureTable, Kind, Prior, Role, Row
from success.view import AccountView
from success.wording.words import Language, Words
from tests.success.builders import EXAMPLES, answer, facts, fields, line, rules, ticket, used

DAY = date(2024, 6, 1)
POLICIES = Policies()
RULE = ModelRule(
    "churn",
    1,
    90,
    (
        FeatureRule("active_days_28d", Fraction(-1, 10), Fraction(10), Direction.LOWERS),
        FeatureRule("open_tickets", Fraction(1, 2)),
        FeatureRule("attribute.industry"),
    ),
)


def ended(end: date, **changes: object) -> ContractLine:
    """Return a line of the account that ends on a day."""
    return line(end=end, **changes)


def test_a_model_has_its_features_and_the_columns_of_time() -> None:
    """Attributes are categories; age and the way to the term's end follow, none of them twice."""
    found = columns(RULE)
    assert [(one.name, one.kind, one.role) for one in found] == [
        ("active_days_28d", Kind.NUMBER, Role.FEATURE),
        ("open_tickets", Kind.NUMBER, Role.FEATURE),
        ("attribute.industry", Kind.CATEGORY, Role.FEATURE),
        ("days_since_start", Kind.NUMBER, Role.TIME),
        ("days_to_renewal", Kind.NUMBER, Role.TIME),
        ("term_ends", Kind.NUMBER, Role.TIME),
    ]
    assert found[0].direction is Direction.LOWERS
    own = replace(RULE, features=(FeatureRule("days_to_renewal"),))
    assert [one.name for one in columns(own)] == ["days_to_renewal", "days_since_start", "term_ends"]


def test_values_are_those_of_the_day() -> None:
    """Three days of use, one open ticket, an industry; 152 days since the start, the term ends in 30."""
    held = facts(
        [ended(date(2024, 7, 1))],
        usage=tuple(used(DAY - timedelta(days=back)) for back in (1, 2, 3)),
        tickets=(ticket("1", DAY - timedelta(days=5)), ticket("2", DAY + timedelta(days=5))),
        usage_seen=True,
        support_seen=True,
    )
    account = replace(held.account, attributes={"industry": "Software"})
    view = AccountView(replace(held, account=account), rules())
    names = [one.name for one in columns(RULE)]
    assert values(view, names, 90, DAY) == (3, 1, "Software", 152, 30, 1)
    assert values(view, names, 20, DAY)[-1] == 0


def test_nothing_known_is_unknown_and_no_zero() -> None:
    """Without use, support or attributes those features are unknown, as is the end of an open contract."""
    view = AccountView(facts([line(term_months=None)]), rules())
    assert values(view, [one.name for one in columns(RULE)], 90, DAY) == (None, None, None, 152, None, None)


def test_a_column_nothing_can_fill_is_named() -> None:
    """A measure of another release is told apart from measures, attributes and the term's end."""
    assert unknown_columns(["open_tickets", "attribute.x", "term_ends", "moonlight"]) == ("moonlight",)


@pytest.mark.parametrize(
    ("end", "left"),
    [
        (DAY + timedelta(days=1), True),
        (DAY + timedelta(days=90), True),
        (DAY + timedelta(days=91), False),
        (None, False),
    ],
)
def test_a_churn_is_a_term_that_ends_within_the_horizon(end: date | None, left: bool) -> None:
    """The first and the last day of (day, day + 90] count, the day after it does not."""
    assert churned([line(end=end)], POLICIES, DAY, 90) is left


def test_who_is_no_customer_has_no_outcome() -> None:
    """Before the start, after the end, and without any line there is nothing to lose."""
    assert churned([ended(DAY)], POLICIES, DAY, 90) is None
    assert churned([line(start=DAY + timedelta(days=1))], POLICIES, DAY, 90) is None
    assert churned([], POLICIES, DAY, 90) is None


def test_what_is_followed_is_no_churn() -> None:
    """A line taken over the same day, and one renewed late but within the grace, stay; later than it left."""
    first = ended(DAY + timedelta(days=30))
    same = line("L2", start=DAY + timedelta(days=30))
    late = line("L2", start=DAY + timedelta(days=50))
    grace = replace(POLICIES, grace_days=30)
    assert churned([first, same], POLICIES, DAY, 90) is False
    assert churned([first, late], grace, DAY, 90) is False
    assert churned([first, late], POLICIES, DAY, 90) is True
    assert churned([first, line("L3", start=date(2023, 1, 1), end=None)], POLICIES, DAY, 90) is False


def test_grace_moves_no_term_into_the_horizon_or_out_of_it() -> None:
    """A term that ends on the horizon's last day is lost though it shows 30 days later."""
    grace = replace(POLICIES, grace_days=30)
    assert churned([ended(DAY + timedelta(days=90))], grace, DAY, 90) is True
    assert churned([ended(DAY + timedelta(days=91))], grace, DAY, 90) is False
    cancelled = ended(DAY + timedelta(days=91), cancelled_on=DAY)
    assert churned([cancelled], grace, DAY, 90) is False
    assert known_from(DAY, grace, 90) == DAY + timedelta(days=121)


def test_a_term_that_is_over_on_the_day_was_lost_before_it() -> None:
    """On the day its term ends a customer may still be waited for; the row before has that churn."""
    assert churned([ended(DAY)], replace(POLICIES, grace_days=30), DAY, 90) is False


def test_the_target_is_the_terms_end_under_every_policy() -> None:
    """Notice given within the horizon of a term that ends after it: no churn of that horizon."""
    notice = replace(POLICIES, churn_date=ChurnDate.NOTICE)
    held = [ended(DAY + timedelta(days=100), cancelled_on=DAY + timedelta(days=10))]
    assert churned(held, notice, DAY, 90) is False
    assert churned(held, notice, DAY, 120) is True


def test_what_came_later_is_cut_off_by_its_own_date() -> None:
    """Of tickets opened before, one closed since was open and not known to be escalated; answers alike."""
    before, since = DAY - timedelta(days=3), DAY + timedelta(days=3)
    now = facts(
        tickets=(
            ticket("over", before, before, escalated=True, csat=4),
            ticket("open then", before, since, escalated=True, csat=1),
            ticket("later", since),
        ),
        answers=(answer("then", before, 9), answer("later", since, 2)),
    )
    then = cut_off(facts([line()]), now, datetime(2024, 6, 1, tzinfo=UTC))
    assert [(one.ticket_id, one.closed_at is None, one.escalated, one.csat) for one in then.tickets] == [
        ("over", False, True, 4),
        ("open then", True, False, None),
    ]
    assert [one.answer_id for one in then.answers] == ["then"]
    assert len(then.lines) == 1


def test_an_end_day_that_counts_is_lost_the_day_after() -> None:
    """With the end day in, a term that ends on the horizon's last day is lost after it."""
    inclusive = replace(POLICIES, validity=Validity.END_INCLUSIVE)
    assert churned([ended(DAY + timedelta(days=90))], inclusive, DAY, 90) is False
    assert churned([ended(DAY + timedelta(days=89))], inclusive, DAY, 90) is True


@EXAMPLES
@given(st.integers(-400, 400), st.sampled_from([28, 30, 31, 90, 180]))
@example(-91, 30)
@example(-31, 90)
def test_a_churn_is_counted_once(offset: int, horizon: int) -> None:
    """Of an account's rows at most one sees its churn, whenever that comes: also in a short February."""
    end = DAY + timedelta(days=offset)
    held = [line(start=date(2020, 1, 1), end=end)]
    rows = list(grid(date(2022, 1, 1), date(2026, 12, 31), horizon))
    assert sum(churned(held, POLICIES, day, within) is True for day, within in rows) <= 1
    assert all((later - day).days >= within for (day, within), (later, _) in pairwise(rows))
    assert all(within in (horizon, (later - day).days) for (day, within), (later, _) in pairwise(rows))


def test_a_longer_past_moves_no_row() -> None:
    """Quarters begin in January, April, July and October, whenever we begin to look."""
    days = [day for day, _ in grid(date(2024, 2, 10), date(2025, 1, 1), 90)]
    assert days == [date(2024, 4, 1), date(2024, 7, 1), date(2024, 10, 1), date(2025, 1, 1)]
    assert [day for day, _ in grid(date(2024, 6, 1), date(2024, 8, 1), 30)] == [
        date(2024, 6, 1),
        date(2024, 7, 1),
        date(2024, 8, 1),
    ]
    assert period(date(2024, 7, 1)) - period(date(2024, 4, 1)) == 3


def model(events: int = 40) -> Model:
    """Return a model of three features learned from accounts of which the idle ones churned."""
    rows = tuple(
        Row(f"a{n}", 0, (n % 20, n % 3, "Software" if n % 2 else "Retail"), n % 20 < 4 and n < events * 5)
        for n in range(400)
    )
    return fit(FeatureTable(columns(RULE)[:3], rows), RULE.prior)


def customer(active_days: int) -> AccountFacts:
    """Return a customer in its first year, in use on so many of the last days."""
    held = facts(
        [line()],
        usage=tuple(used(DAY - timedelta(days=back)) for back in range(active_days)),
        usage_seen=True,
        support_seen=True,
    )
    return replace(held, account=replace(held.account, attributes={"industry": "Software"}))


def told(account: AccountFacts, models: tuple[Scoring, ...] | None) -> dict[str, object]:
    """Return what the profile says of risk under the models in force."""
    found = decide(FoldState.empty(), account, rules(models=models), DAY)
    profile = fields(found.records, "profile:acme")
    return {name: profile[name] for name in ("churn_risk", "churn_rank", "risk_reasons") if name in profile}


def test_a_model_in_force_stands_on_the_profile() -> None:
    """Idle accounts are in the highest tenth, for the reasons with the largest log-odds; no probability."""
    scoring = Scoring("churn", 1, "hash", 90, model())
    idle, busy = told(customer(0), (scoring,)), told(customer(19), (scoring,))
    assert (idle["churn_risk"], idle["churn_rank"]) == (None, 10)
    assert busy["churn_rank"] in (1, 2)
    first = str(idle["risk_reasons"]).splitlines()[0]
    assert first.startswith("Active days in 28 days (0) raises the risk: +")
    assert "lowers the risk: -" in str(busy["risk_reasons"]).splitlines()[0]
    assert told(customer(0), (scoring,)) == idle


def test_a_calibrated_model_tells_a_probability() -> None:
    """With the map "as fitted" the profile says the fit's own chance, in percent with one decimal."""
    calibrated = replace(model(), calibration=Calibration(1_000_000, 0, 100, 1000, 1, 2))
    said = told(customer(0), (Scoring("churn", 1, "hash", 90, calibrated),))["churn_risk"]
    expected = calibrated.raw_probability((0, None, "Software")) * 100
    assert isinstance(said, Decimal)
    assert float(said) == pytest.approx(expected, abs=1)


def test_without_a_model_nothing_is_told_and_what_was_told_is_taken_back() -> None:
    """Never one: no fields. None in force now, or no customer: fields without values."""
    nothing = {"churn_risk": None, "churn_rank": None, "risk_reasons": None}
    assert told(customer(0), None) == {}
    assert told(customer(0), ()) == nothing
    assert told(facts(), (Scoring("churn", 1, "hash", 90, model()),)) == nothing


def test_reasons_are_the_three_largest() -> None:
    """By hand: weights -2, 1/2 and 0 per unit from a typical 4, 4 and 4, a fourth too small to show."""
    prior = Prior(
        {
            "open_tickets": Fraction(-2),
            "tickets_28d": Fraction(1, 2),
            "arr": Fraction(1, 1000),
            "seat_utilisation": Fraction(1),
        },
        dict.fromkeys(("open_tickets", "tickets_28d", "arr"), Fraction(4)),
    )
    named = [replace(columns(RULE)[0], name=name, direction=None) for name in prior.weights]
    expert = fit(FeatureTable(tuple(named), ()), prior)
    assert reasons(expert, [6, 5, 5, Fraction(1, 4)]) == (
        "Open tickets (6) lowers the risk: -4.00 log-odds.",
        "Tickets in 28 days (5) raises the risk: +0.50 log-odds.",
        "Seat utilisation (25 %) raises the risk: +0.25 log-odds.",
    )
    assert reasons(expert, [6, 5, 5, Fraction(1, 4)], Words(Language.DE)) == (
        "Offene Tickets (6) senkt das Risiko: -4,00 Log-Odds.",
        "Tickets in 28 Tagen (5) erhöht das Risiko: +0,50 Log-Odds.",
        "Auslastung der Plätze (25 %) erhöht das Risiko: +0,25 Log-Odds.",
    )
    assert title("term_ends", Words(Language.FR)) == "Période qui se termine dans l'horizon"
    assert [shown_log_odds(micro) for micro in (5_000, -5_000, 4_999)] == [
        Decimal("0.01"),
        Decimal("-0.01"),
        Decimal("0.00"),
    ]
