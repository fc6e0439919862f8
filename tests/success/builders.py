"""Small customers and charters for the tests of the rules; every default is plain to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, settings

from success.facts import (
    Account,
    AccountFacts,
    ContractLine,
    Deal,
    DealState,
    LineKind,
    Money,
    PresenceDay,
    SurveyAnswer,
    SurveyKind,
    Ticket,
    UsageDay,
)
from success.renewals import group_sources
from success.rules import (
    Band,
    Cap,
    CurvePoint,
    ExpansionTrigger,
    MeasureRule,
    MilestoneRule,
    PlanTemplate,
    Policies,
    RenewalRule,
    Rules,
    Scorecard,
)

# Property tests draw the same examples on every machine, however slow it is.
EXAMPLES = settings(
    deadline=None, derandomize=True, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
BANDS = (Band("red", "Red", 0), Band("yellow", "Yellow", 50_000), Band("green", "Green", 75_000))


def usd(units: int) -> Money:
    """Whole dollars."""
    return Money(units * 100, "USD")


def line(line_id: str = "L1", **changes: Any) -> ContractLine:
    """Return a year of 10 seats for 1,200 dollars that began on 1 January 2024 and rolls."""
    base = ContractLine(
        line_id, "A1", "core", 10, LineKind.RECURRING, date(2024, 1, 1), None, usd(1200), term_months=12
    )
    return replace(base, **changes)


def deal(deal_id: str, **changes: Any) -> Deal:
    """Return an open renewal deal that a person made."""
    base = Deal(deal_id, "A1", f"Deal {deal_id}", DealState.OPEN, "renewal", usd(1), None, date(2024, 1, 1))
    return replace(base, **changes)


def used(day: date, *, feature: str = "search", count: int = 1, line_id: str | None = None) -> UsageDay:
    """Return some use of one feature on one day."""
    return UsageDay("A1", line_id, "core", feature, day, count, count, 60, 0)


def seen(day: date, users: Iterable[str], product: str = "core") -> PresenceDay:
    """Return the users seen on one day."""
    return PresenceDay("A1", product, day, frozenset(users))


def ticket(ticket_id: str, opened: date, closed: date | None = None, **changes: Any) -> Ticket:
    """Return a ticket opened and closed at noon UTC."""
    base = Ticket(ticket_id, "A1", "high", _noon(opened), _noon(closed) if closed else None, escalated=False)
    return replace(base, **changes)


def answer(answer_id: str, day: date, score: int, **changes: Any) -> SurveyAnswer:
    """Return an answer to a recommendation survey, given at noon UTC by nobody we can tell."""
    base = SurveyAnswer(answer_id, "A1", SurveyKind.NPS, score, _noon(day))
    return replace(base, **changes)


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def facts(lines: Iterable[ContractLine] = (), **changes: Any) -> AccountFacts:
    """One account whose renewal groups are minted from their source lines."""
    held = tuple(lines)
    groups = {line_id: f"g-{source.lower()}" for line_id, source in group_sources(held).items()}
    account = Account("A1", "Acme", date(2023, 1, 1))
    return replace(AccountFacts(account, "acme", lines=held, group_keys=groups), **changes)


def curve(*corners: tuple[float, int]) -> tuple[CurvePoint, ...]:
    """Corners as (raw, points of 100)."""
    return tuple(CurvePoint(Fraction(str(raw)), points * 1000) for raw, points in corners)


def counts(measure: str, weight: int, *corners: tuple[float, int], **changes: Any) -> MeasureRule:
    """Return a measure of a scorecard."""
    return replace(MeasureRule(measure, measure, "group", weight, curve(*corners)), **changes)


def scorecard(*measures: MeasureRule, caps: tuple[Cap, ...] = (), floor: int = 500) -> Scorecard:
    """Return a scorecard with the bands red, yellow from 50 and green from 75."""
    return Scorecard("health", 1, measures, BANDS, caps, floor)


def milestone(position: str, evidence: str, due: int = 14, phase: str = "launch") -> MilestoneRule:
    """Return a milestone due so many days after the plan's start."""
    return MilestoneRule(position, position.title(), phase, "customer", due, evidence)


PLAN = PlanTemplate(
    "onboarding",
    1,
    "Onboarding",
    180,
    (milestone("use", "usage_total >= 1"), milestone("breadth", "feature_breadth_28d >= 2", 60, "adoption")),
)
CARD = scorecard(
    counts("active_days_28d", 40, (0, 0), (20, 100)),
    counts("feature_breadth_28d", 30, (0, 0), (4, 100)),
    counts("open_tickets", 20, (0, 100), (5, 0)),
    counts("csat_90d", 10, (1, 0), (5, 100), max_age_days=60),
    caps=(Cap("escalation", "open_escalations > 0", 40_000, "An escalation is open"),),
    floor=300,
)


def rules(**changes: Any) -> Rules:
    """Return a charter: stacked lines, renewals 90 days ahead, seats nearly full for 14 days."""
    trigger = ExpansionTrigger("seats", "Seats nearly full", 800, 14, 28, 200)
    base = Rules("hash", Policies(), CARD, PLAN, RenewalRule(), trigger)
    return replace(base, **changes)


def days(first: date, count: int, step: int = 1) -> list[date]:
    """Count days from a first one."""
    return [first + timedelta(days=step * place) for place in range(count)]


def fields(records: Iterable[Any], key: str) -> Mapping[str, Any]:
    """Return the fields of the record with a key; fails where there is none."""
    return next(record.fields for record in records if record.key == key)
