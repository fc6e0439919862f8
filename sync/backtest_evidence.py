"""Whether the mirror's own past can judge a scorecard: months with known outcomes, and customers lost.

Outcomes are those of the ledger as it is known now: a term that ended and was not renewed within the grace.
Neighbours: ``backtest_past`` judges by them, ``backtest_gate`` asks whether a report could be had.
"""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import func, select

from success.backtest.gate import FEWEST_EVENTS
from success.churn_dates import spells, with_churn_dates
from success.days import month_starts
from success.facts import AccountFacts
from success.policies import Policies
from success.rules import Rules
from success.view import AccountView
from sync.backtesting import FEWEST_MONTHS, in_two
from sync.facts import Moment, assemble
from sync.state.engine import reading
from sync.state.mirror_rows import record_version
from sync.workspace import Workspace


def lost_days(ws: Workspace, rules: Rules) -> dict[str, list[date]]:
    """Return the days on which each account was lost, by the policies of ``rules``."""
    today = ws.day_of(ws.now())
    with reading(ws.runtime.engine) as conn:
        facts = assemble(conn, ws, None, Moment(today)).facts
    return {key: _ends(one, rules, today) for key, one in facts.items()}


def months_judged(ws: Workspace, rules: Rules, horizon: int, since: date | None = None) -> list[date]:
    """Return the firsts of months that the CRM's history reaches, and whose outcome is known by now."""
    with reading(ws.runtime.engine) as conn:
        here = record_version.c.installation_id == ws.id
        first = conn.execute(select(func.min(record_version.c.source_at)).where(here)).scalar()
    if first is None:
        return []
    begin = ws.day_of(first)
    last = ws.day_of(ws.now()) - timedelta(days=horizon + rules.policies.grace_days)
    return list(month_starts(max(since or begin, begin), last))


def can_judge(ws: Workspace, horizon: int) -> bool:
    """Say whether a backtest over the mirror has enough to go by: months, and events in both its parts.

    Events are counted as it counts them: a customer on the first of a month who is lost within the horizon.
    """
    months = months_judged(ws, ws.rules, horizon)
    if len(months) < FEWEST_MONTHS:
        return False
    split = in_two(months, horizon)
    ends = list(lost_days(ws, ws.rules).values())
    learned = [day for day in months if day.toordinal() <= split.train_to]
    judged = [day for day in months if day.toordinal() >= split.test_from]
    return min(_events(part, ends, horizon) for part in (learned, judged)) >= FEWEST_EVENTS


def _events(months: list[date], ends: list[list[date]], horizon: int) -> int:
    within = timedelta(days=horizon)
    return sum(any(day < one <= day + within for one in lost) for day in months for lost in ends)


def _ends(facts: AccountFacts, rules: Rules, today: date) -> list[date]:
    policies: Policies = rules.policies
    uses = AccountView(facts, rules).usage.days
    lines = with_churn_dates(facts.lines, policies, uses, today)
    return [one.end for one in spells(lines, policies) if one.end is not None]
