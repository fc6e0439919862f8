"""The rules meet the figures computed independently on RavenStack (domain section E)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from success.bridge import bridge
from success.cohorts import Span, cohorts
from success.decide import advance, decide
from success.fold import FoldState
from success.kpis import Level, arr, grr, logo_retention, nrr
from success.ledger import contradictions, open_lines
from success.policies import Clock, Movement
from success.positions import Book
from success.renewal_rate import renewal_rate
from success.renewals import due
from success.rules import Overlap, Policies, Validity
from success.time_to_value import activation, time_to_value, waits
from success.usage import UsageVerdict, quarantine
from success.view import AccountView
from tests.success import ravenstack
from tests.success.builders import rules

pytestmark = pytest.mark.skipif(
    not ravenstack.available(), reason="the RavenStack data set is not on this machine"
)

YEAR_END = date(2024, 12, 31)
YEAR_BEFORE = date(2023, 12, 31)
STACK = Policies()
SUPERSEDE = Policies(overlap=Overlap.SUPERSEDE)


@pytest.fixture(scope="module")
def data() -> ravenstack.Ravenstack:
    """Return the whole data set."""
    return ravenstack.load()


def _four(value: Fraction | None) -> str:
    assert value is not None
    return f"{float(value):.4f}"


@pytest.mark.parametrize(
    ("policies", "dollars"),
    [
        (STACK, 121_915_296),
        (Policies(validity=Validity.END_INCLUSIVE), 123_114_108),
        (SUPERSEDE, 16_317_156),
    ],
)
def test_arr_at_year_end(data: ravenstack.Ravenstack, policies: Policies, dollars: int) -> None:
    """ARR on 31 December 2024 depends on the declared policies exactly as published."""
    assert arr(data.lines, YEAR_END, policies).value.minor == dollars * 100


def test_net_retention(data: ravenstack.Ravenstack) -> None:
    """NRR of 2024 is 2.9227 stacked and 1.1591 superseding."""
    assert _four(nrr(data.lines, YEAR_BEFORE, YEAR_END, STACK).value) == "2.9227"
    assert _four(nrr(data.lines, YEAR_BEFORE, YEAR_END, SUPERSEDE).value) == "1.1591"


def test_gross_retention(data: ravenstack.Ravenstack) -> None:
    """GRR of 2024 is 0.9959 stacked, 0.4553 superseding and 0.9259 per line."""
    assert _four(grr(data.lines, YEAR_BEFORE, YEAR_END, STACK).value) == "0.9959"
    assert _four(grr(data.lines, YEAR_BEFORE, YEAR_END, SUPERSEDE).value) == "0.4553"
    assert _four(grr(data.lines, YEAR_BEFORE, YEAR_END, STACK, Level.LINE).value) == "0.9259"


def test_no_logo_was_lost(data: ravenstack.Ravenstack) -> None:
    """Every account that paid at the end of 2023 paid at the end of 2024."""
    assert logo_retention(data.lines, YEAR_BEFORE, YEAR_END, STACK).value == 1


def test_usage_outside_its_subscription_is_quarantined(data: ravenstack.Ravenstack) -> None:
    """19,142 rows lie before their subscription, 290 after it, and the rest of 25,000 count."""
    counts = quarantine(data.usage, data.lines)
    assert counts[UsageVerdict.BEFORE_START] == 19_142
    assert counts[UsageVerdict.AFTER_END] == 290
    assert counts[UsageVerdict.VALID] == 25_000 - 19_142 - 290


def test_accounts_with_valid_usage(data: ravenstack.Ravenstack) -> None:
    """469 of 500 accounts ever have valid usage."""
    charter = rules()
    assert sum(bool(AccountView(facts, charter).usage.days) for facts in data.accounts) == 469


def test_open_annual_lines(data: ravenstack.Ravenstack) -> None:
    """1,871 annual lines are open at the end of 2024."""
    assert sum(line.term_months == 12 for line in open_lines(data.lines, YEAR_END, STACK)) == 1871


def test_renewals_of_the_first_quarter(data: ravenstack.Ravenstack) -> None:
    """180 annual lines fall due in the quarter: 179 renewals of 131 accounts worth 5,725,476."""
    charter = rules()
    found = [
        (facts.account.account_id, item)
        for facts in data.accounts
        for item in due(facts, charter, YEAR_END, date(2025, 1, 1), date(2025, 3, 31))
    ]
    lines = [line for _, item in found for line in item.lines]
    assert len(lines) == 180
    assert len(found) == len({(account, item.due_on) for account, item in found}) == 179
    assert len({account for account, _ in found}) == 131
    assert sum(item.amount.minor for _, item in found) == 5_725_476 * 100
    by_hand = [line for line in lines if not line.auto_renew]
    assert len(by_hand) == 36
    assert sum(line.arr.minor for line in by_hand) == 1_082_076 * 100


def test_renewal_keys_are_unique(data: ravenstack.Ravenstack) -> None:
    """No two renewals of ten years share a key."""
    charter = rules()
    keys = Counter(
        item.key
        for facts in data.accounts
        for item in due(facts, charter, YEAR_END, date(2025, 1, 1), date(2034, 12, 31))
    )
    assert keys
    assert max(keys.values()) == 1


def test_churn_flags_contradict_the_contracts(data: ravenstack.Ravenstack) -> None:
    """110 accounts are flagged as churned while none is by contract: all 110 are reported."""
    found = [
        facts
        for facts in data.accounts
        if any(item.code == "churned_but_open" for item in contradictions(facts, STACK, YEAR_END))
    ]
    assert len(found) == 110


def test_one_look_opens_every_renewal_of_the_window_once(data: ravenstack.Ravenstack) -> None:
    """A first look on 1 January with 89 days of lead makes the quarter's 179 renewals."""
    charter = rules(renewal=replace(rules().renewal, lead_days=89))
    renewals = 0
    for facts in data.accounts:
        state = advance(FoldState.empty(), facts, charter, date(2025, 1, 1))
        decision = decide(state, facts, charter, date(2025, 1, 1))
        renewals += sum(record.kind == "renewal" for record in decision.records)
    assert renewals == 179


def test_time_to_value_and_activation(data: ravenstack.Ravenstack) -> None:
    """From signup: naive median 77 days, Kaplan-Meier 78, 0.5652 by day 90, and 59 of 483 in 30 days."""
    policies = Policies(clock=Clock.ACCOUNT_CREATED)
    charter = rules(policies=policies)
    found = waits([AccountView(facts, charter) for facts in data.accounts], YEAR_END, policies.clock)
    told, active = time_to_value(found, YEAR_END, policies), activation(found, YEAR_END, policies)
    assert (told.accounts, told.reached, told.naive_median, told.median) == (500, 469, 77, 78)
    assert f"{told.share_within:.4f}" == "0.5652"
    assert (active.activated, active.eligible) == (59, 483)


def test_the_third_quarters_cohort_and_its_pause(data: ravenstack.Ravenstack) -> None:
    """Of 54 that began in 2023-Q3, 53 paid one quarter later and all 54 after two: one came back."""
    table = cohorts(Book(data.lines, STACK), YEAR_END, Span.QUARTER)
    (cohort,) = (one for one in table.cohorts if one.start == date(2023, 7, 1))
    assert cohort.size == 54
    assert [(cell.logos, cell.returned) for cell in cohort.cells[:3]] == [(54, 0), (53, 0), (54, 1)]
    assert [_four(cell.logo_share) for cell in cohort.cells[1:3]] == ["0.9815", "1.0000"]


@pytest.mark.parametrize("overlap", [Overlap.STACK, Overlap.SUPERSEDE])
@pytest.mark.parametrize("movement", list(Movement))
def test_the_bridge_of_2024_ends_in_the_published_arr(
    data: ravenstack.Ravenstack, overlap: Overlap, movement: Movement
) -> None:
    """To the cent in every view; told by its ends, no account was lost by contract."""
    found = bridge(Book(data.lines, Policies(overlap=overlap, movement=movement)), YEAR_BEFORE, YEAR_END)
    dollars = {Overlap.STACK: 121_915_296, Overlap.SUPERSEDE: 16_317_156}[overlap]
    assert found.total.closing == dollars * 100
    assert found.total.adds_up
    assert all(row.moved.adds_up for row in found.rows)
    if movement is Movement.POINT_TO_POINT:
        assert found.total.churn == 0


def test_what_was_due_in_the_first_quarter(data: ravenstack.Ravenstack) -> None:
    """179 terms of 180 lines in 131 accounts worth 5,725,476; all of them roll on, in 2025 unopposed."""
    period = (date(2025, 1, 1), date(2025, 4, 1))
    found = renewal_rate(data.lines, rules().renewal, STACK, period, date(2025, 3, 31))
    assert (len(found.terms), sum(len(term.line_ids) for term in found.terms)) == (179, 180)
    assert len({term.account_id for term in found.terms}) == 131
    assert found.target == 5_725_476 * 100
    assert (found.gross, found.net) == (1, 1)
