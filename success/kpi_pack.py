"""All portfolio figures of a period at once, from the facts of its accounts (domain A.1).

K1 to K8 with bridge and cohorts, adoption, coverage, win rates and freshness, and what was
left out and why. Each part prints its policies. Neighbours: ``sync/numbers.py`` brings facts
and bands, ``lab`` computes the ledger's figures under other policies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from success.adoption import FeatureAdoption, SeatUtilisation, feature_adoption, seat_utilisation
from success.bridge import Bridge, bridge
from success.cohorts import CohortTable, cohorts
from success.coverage import Freshness, HealthCoverage, freshness, health_coverage
from success.facts import AccountFacts, ContractLine, Deal
from success.kpis import Amount, Rate, arr, pending_arr, retention
from success.ledger import contradictions, in_reporting
from success.policies import Policies
from success.positions import Book, Context
from success.renewal_rate import RenewalRate, renewal_rate
from success.rules import Rules, Scorecard
from success.sentiment import Sentiment, TicketsBeforeSignup, sentiment, tickets_before_signup
from success.standing_findings import standing_findings
from success.time_to_value import Activation, TimeToValue, activation, time_to_value, waits
from success.view import AccountView
from success.win_rate import WinRate, by_closing, by_creation

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class LeftOut:
    """A contract line that counts nowhere, and why."""

    account_id: str
    line_id: str
    reason: str


@dataclass(frozen=True, slots=True, order=True)
class Contradicted:
    """What cannot both be true of an account's contracts, by its code, its subject and in words."""

    account_id: str
    code: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Pack:
    """The figures from ``start`` to ``as_of``. Amounts without a currency are minor units of ``currency``.

    ``retention`` holds NRR and GRR at account, product and line level, and logos.
    ``left_out`` lines count nowhere; ``contradictions`` are counted and told.
    """

    start: date
    as_of: date
    currency: str
    arr: Amount
    pending: Amount
    bridge: Bridge
    retention: tuple[Rate, ...]
    renewal_rate: RenewalRate
    cohorts: CohortTable
    time_to_value: TimeToValue
    activation: Activation
    feature_adoption: FeatureAdoption
    seat_utilisation: SeatUtilisation
    health_coverage: HealthCoverage
    win_rates: tuple[WinRate, ...]
    freshness: tuple[Freshness, ...]
    left_out: tuple[LeftOut, ...]
    contradictions: tuple[Contradicted, ...]
    sentiment: tuple[Sentiment, ...]
    tickets_before_signup: TicketsBeforeSignup


def pack(
    facts: Sequence[AccountFacts],
    rules: Rules,
    period: tuple[date, date],
    bands: Mapping[str, str],
    context: Context,
    cards: Mapping[str, Scorecard] | None = None,
) -> Pack:
    """Return the figures of a portfolio; ``bands`` are the accounts' on the period's last day.

    ``cards`` are the scorecards the accounts have then; one that is not named has the charter's default.

    The period runs from the state on its first day to the state on its last. What is counted
    by events (renewals due, deals closed or created) takes the days after the first, up to
    and with the last.
    """
    policies, (start, as_of) = rules.policies, period
    views = [AccountView(one, rules) for one in sorted(facts, key=lambda one: one.account.account_id)]
    lines = [line for view in views for line in view.lines]
    book = Book(lines, policies, context)
    events = (start + DAY, as_of + DAY)
    ways = waits(views, as_of, policies.clock)
    scored = [(view, bands[view.facts.account.account_id]) for view in views]
    own = cards or {}
    carded = [(view, own.get(view.facts.account.account_id, rules.scorecard)) for view in views]
    return Pack(
        start=start,
        as_of=as_of,
        currency=policies.reporting_currency,
        arr=arr(lines, as_of, policies, context),
        pending=pending_arr(lines, as_of, policies, context),
        bridge=bridge(book, start, as_of),
        retention=retention(book, start, as_of),
        renewal_rate=renewal_rate(lines, rules.renewal, policies, events, as_of),
        cohorts=cohorts(book, as_of),
        time_to_value=time_to_value(ways, as_of, policies),
        activation=activation(ways, as_of, policies),
        feature_adoption=feature_adoption(views, as_of, policies),
        seat_utilisation=seat_utilisation(views, as_of, policies),
        health_coverage=health_coverage(scored, as_of, policies),
        win_rates=tuple(_win_rates(views, events, as_of, policies)),
        freshness=freshness(carded, as_of),
        left_out=tuple(sorted(_left_out(lines, policies))),
        contradictions=_contradictions(views, policies, as_of),
        sentiment=sentiment(views, as_of),
        tickets_before_signup=tickets_before_signup(views, as_of),
    )


def context_of(
    facts: Iterable[AccountFacts], rules: Rules, known_on: date, parents: Mapping[str, str]
) -> Context:
    """Return what policies ask beside the lines: the parents given, the days ``facts`` were used."""
    uses = {one.account.account_id: AccountView(one, rules).usage.days for one in facts}
    return Context(known_on, parents, uses)


def _win_rates(
    views: Iterable[AccountView], events: tuple[date, date], as_of: date, policies: Policies
) -> Iterable[WinRate]:
    deals: list[Deal] = [deal for view in views for deal in view.facts.deals]
    for kind in sorted({deal.kind for deal in deals}):
        yield by_closing(deals, kind, events, policies)
        yield by_creation(deals, kind, events, as_of, policies)


def _left_out(lines: Iterable[ContractLine], policies: Policies) -> Iterable[LeftOut]:
    for line in lines:
        if line.kind not in policies.counted:
            continue
        if line.end is not None and line.end < line.start:
            yield LeftOut(line.account_id, line.line_id, "ends before it starts")
        elif in_reporting(line.arr, policies) is None:
            yield LeftOut(line.account_id, line.line_id, f"no rate for {line.arr.currency}")


def _contradictions(
    views: Iterable[AccountView], policies: Policies, as_of: date
) -> tuple[Contradicted, ...]:
    return tuple(
        Contradicted(view.facts.account.account_id, one.code, one.subject, one.text)
        for view in views
        for one in (*contradictions(view.facts, policies, as_of), *standing_findings(view))
    )
