"""A scorecard over the mirror's own past: what it would have said each month, and what came of it.

Facts are those the CRM held then, where its history was read; outcomes are those of the ledger as it
is known now: a term that ended within the horizon and was not renewed within the grace. Neighbours:
``facts`` assembles any moment, ``success.backtest`` judges, ``backtest_gate`` asks for the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
from sqlalchemy import func, select

from mappings.scorecards import ScorecardEntry
from success.backtest.baselines import Roles
from success.backtest.run import Options, backtest_score
from success.backtest.split import TimeSplit
from success.backtest.table import Column, FactsTable, Floats, ordered
from success.churn_dates import spells, with_churn_dates
from success.days import month_starts
from success.facts import AccountFacts
from success.health import score
from success.measures import MeasureBook
from success.policies import Policies
from success.rules import Rules, Scorecard
from success.view import AccountView
from sync.backtest_gate import subject_of
from sync.backtesting import answer_of
from sync.facts import Moment, assemble
from sync.state import backtests
from sync.state.engine import reading, writing
from sync.state.mirror_rows import record_version
from sync.workspace import INSTANT_STEP, Workspace

FEWEST_MONTHS = 6
WORST = 100_000
EXISTING = "existing_score"
BY_CONTRACT = frozenset({"days_to_renewal", "days_since_start"})
"""Measures whose future stands in the contract; that they foresee the end of a term is no leak."""
ASIDE = ("days_since_start", "usage_events_28d", "seats", "arr")


@dataclass(frozen=True, slots=True)
class Row:
    """One account on one day: its scores (None: unknown), its measures, and whether it was lost."""

    account: str
    day: date
    points: int | None
    existing: int | None
    measures: Mapping[str, float]
    lost: bool


@dataclass(slots=True)
class Past:
    """All rows, and how many days there were."""

    rows: list[Row] = field(default_factory=list)
    days: list[date] = field(default_factory=list)


def of_scorecard(
    ws: Workspace, entry: ScorecardEntry, options: Options, horizon: int, since: date | None
) -> dict[str, Any]:
    """Return the answer for a scorecard over the mirror's months, and keep it for the gate.

    Raises ValueError where the past is too short to be divided.
    """
    existing = ws.charter.scorecard
    other = None if subject_of(existing) == subject_of(entry) else existing.to_rules()
    past = look_back(ws, entry.to_rules(), other, horizon, since)
    known = [row for row in past.rows if row.points is not None]
    if not known:
        raise ValueError("no account of the past has a score; too little is known of it to judge")
    weighed = {one.measure for one in entry.measures if one.weight} - BY_CONTRACT
    table, risk = _table(known, sorted(weighed | {*ASIDE}), other is not None)
    roles = Roles("days_since_start", "usage_events_28d", "seats", EXISTING if other else None, "arr")
    kept = options.kept | (set(table.names()) - weighed)
    named = Options(options.resamples, options.seed, options.accounts_per_csm, roles, kept)
    report = backtest_score(table, risk, _split(past.days, horizon), named)
    told = answer_of(report, "date")
    subject = subject_of(entry)
    told |= {
        "subject": subject.name,
        "subject_hash": subject.content_hash,
        "horizon_days": horizon,
        "months": len(past.days),
        "unknown_rows": len(past.rows) - len(known),
    }
    with writing(ws.runtime.engine) as conn:
        backtests.keep(conn, ws.id, subject, ws.now(), report.activate, told)
    return told


def look_back(
    ws: Workspace, scorecard: Scorecard, existing: Scorecard | None, horizon: int, since: date | None
) -> Past:
    """Return every account under contract on the first of each month whose outcome is known by now."""
    rules, today = ws.rules, ws.day_of(ws.now())
    with reading(ws.runtime.engine) as conn:
        lost = _lost(assemble(conn, ws, None, Moment(today)).facts, rules, today)
        first = conn.execute(
            select(func.min(record_version.c.source_at)).where(record_version.c.installation_id == ws.id)
        ).scalar()
    past = Past()
    if first is None:
        return past
    last = today - timedelta(days=horizon + rules.policies.grace_days)
    for day in month_starts(max(since or ws.day_of(first), ws.day_of(first)), last):
        past.days.append(day)
        past.rows += _on(ws, day, scorecard, existing, lost, horizon)
    return past


def _lost(facts: Mapping[str, AccountFacts], rules: Rules, today: date) -> dict[str, list[date]]:
    """Return the days on which each account was lost, by the charter's policies."""
    return {key: _ends(one, rules, today) for key, one in facts.items()}


def _ends(facts: AccountFacts, rules: Rules, today: date) -> list[date]:
    policies: Policies = rules.policies
    uses = AccountView(facts, rules).usage.days
    lines = with_churn_dates(facts.lines, policies, uses, today)
    return [one.end for one in spells(lines, policies) if one.end is not None]


def _on(
    ws: Workspace,
    day: date,
    scorecard: Scorecard,
    existing: Scorecard | None,
    lost: Mapping[str, list[date]],
    horizon: int,
) -> Iterator[Row]:
    end = datetime.combine(day + timedelta(days=1), time(), ws.zone) - INSTANT_STEP
    with reading(ws.runtime.engine) as conn:
        found = assemble(conn, ws, None, Moment(day, end, read_against="source"))
    for key, facts in sorted(found.facts.items()):
        view = AccountView(facts, ws.rules)
        if key not in lost or not view.open_lines(day):
            continue
        book = MeasureBook(view, day)
        points = score(facts, scorecard, book, day).points
        other = None if existing is None else score(facts, existing, book, day).points
        names = {one.measure for one in scorecard.measures} | {*ASIDE}
        values = {name: _number(book[name].value) for name in names}
        gone = any(day < one <= day + timedelta(days=horizon) for one in lost[key])
        yield Row(key, day, points, other, values, gone)


def _number(value: object) -> float:
    return float("nan") if value is None else float(value)  # type: ignore[arg-type]


def _table(rows: list[Row], names: list[str], with_existing: bool) -> tuple[FactsTable, Floats]:
    """Return the rows as a table, and each row's risk: how far its points are from the best."""
    accounts = {key: code for code, key in enumerate(sorted({row.account for row in rows}))}
    held = [Column(name, np.array([row.measures[name] for row in rows])) for name in names]
    if with_existing:
        points = [float("nan") if row.existing is None else float(row.existing) for row in rows]
        held.append(Column(EXISTING, np.array(points)))
    held.append(Column("", np.array([float(WORST - (row.points or 0)) for row in rows])))
    whole = ordered(
        np.array([row.day.toordinal() for row in rows]),
        np.array([accounts[row.account] for row in rows]),
        np.array([int(row.lost) for row in rows]),
        held,
        days=True,
    )
    return whole.without([""]), whole.column("").values


def _split(days: list[date], horizon: int) -> TimeSplit:
    """Return the past divided in two, so that what is left out between does not shorten one part alone."""
    if len(days) < FEWEST_MONTHS:
        raise ValueError(
            f"{len(days)} months of the past have known outcomes, at least {FEWEST_MONTHS} are needed; "
            "read what the CRM kept with `colonnade sync history`, or wait"
        )
    between = len([day for day in days if (day - days[0]).days <= horizon]) - 1
    place = max(0, (len(days) - between) // 2 - 1)
    train_to = days[place].toordinal()
    last = days[-1].toordinal()
    return TimeSplit(train_to, train_to + horizon + 1, horizon, last)
