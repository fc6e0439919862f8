"""A scorecard over the mirror's own past: what it would have said each month, and what came of it.

Facts are those the CRM held then, where its history was read; outcomes are those of the ledger as it
is known now: a term that ended within the horizon and was not renewed within the grace. Neighbours:
``facts`` assembles any moment, ``success.backtest`` judges, ``backtest_gate`` asks for the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np

from mappings.charter import Charter, rules_of
from success.backtest.baselines import Roles
from success.backtest.run import Options, backtest_score
from success.backtest.table import Column, FactsTable, Floats, ordered
from success.decide import met
from success.fold import PlanState
from success.health import score
from success.measures import MeasureBook
from success.rules import Rules, Scorecard
from success.view import AccountView
from success.words import SEGMENT
from sync.backtest_evidence import lost_days, months_judged
from sync.backtest_gate import judged, subject_of
from sync.backtest_terms import terms
from sync.backtesting import in_two, kept_answer
from sync.facts import Moment, assemble
from sync.state.engine import reading
from sync.workspace import INSTANT_STEP, Workspace

WORST = 100_000
EXISTING = "existing_score"
BY_CONTRACT = frozenset({"days_to_renewal", "days_since_start"})
"""Measures whose future stands in the contract; that they foresee the end of a term is no leak."""
BY_DAY = "segment, stage and plan are those each day alone tells; margins and holds do not count"
ASIDE = ("days_since_start", "usage_events_28d", "seats", "arr")


@dataclass(frozen=True, slots=True)
class Row:
    """One account on one day: its scores (None: unknown), its measures, and whether it was lost."""

    account: str
    day: date
    points: int | None
    existing: int | None
    measures: Mapping[str, float]
    segment: str
    lost: bool


@dataclass(slots=True)
class Past:
    """All rows and the days they stand on, how many were for other scorecards, and plans met so far."""

    rows: list[Row] = field(default_factory=list)
    days: list[date] = field(default_factory=list)
    others: int = 0
    plans: dict[str, Mapping[str, PlanState]] = field(default_factory=dict)


def of_scorecard(
    ws: Workspace, charter: Charter, key: str, options: Options, horizon: int, since: date | None
) -> dict[str, Any]:
    """Return the answer for a scorecard of a charter over the mirror's months, and keep it for the gate.

    Only accounts it is for are judged, by segments and stages of that charter. Raises ValueError where the
    past is too short to be divided, and KeyError where the charter has no such scorecard.
    """
    entry, existing = judged(charter)[key], judged(ws.charter).get(key, ws.charter.scorecard)
    rules, other = rules_of(charter), None
    if subject_of(existing) != subject_of(entry):
        other = existing.to_rules(ws.charter.time_zone)
    past = look_back(ws, rules, entry.to_rules(charter.time_zone), other, horizon, since)
    known = [row for row in past.rows if row.points is not None]
    if not known:
        raise ValueError("no account of the past has a score; too little is known of it to judge")
    weighed = {one.measure for one in entry.measures if one.weight} - BY_CONTRACT
    table, risk = _table(known, sorted(weighed | {*ASIDE}), other is not None)
    roles = Roles(
        "days_since_start", "usage_events_28d", "seats", EXISTING if other else None, "arr", SEGMENT
    )
    named = replace(options, named=roles, kept=options.kept | (set(table.names()) - weighed))
    report = backtest_score(table, risk, in_two(past.days, horizon), named)
    if rules.scorecards or any(one.caps for one in (rules.scorecard, *rules.scorecards)):
        report = replace(report, notes=(BY_DAY, *report.notes))
    more = {
        "horizon_days": horizon,
        "months": len(past.days),
        "unknown_rows": len(past.rows) - len(known),
        "rows_of_other_scorecards": past.others,
        **terms(charter, options, since, horizon),
    }
    return kept_answer(ws, subject_of(entry), report, more)


def look_back(
    ws: Workspace,
    rules: Rules,
    scorecard: Scorecard,
    existing: Scorecard | None,
    horizon: int,
    since: date | None,
) -> Past:
    """Return every account a scorecard was for on the first of each month whose outcome is known by now."""
    past, lost = Past(), lost_days(ws, rules)
    for day in months_judged(ws, rules, horizon, since):
        past.days.append(day)
        for view in _customers(ws, rules, day):
            if view.facts.account.account_id not in lost:
                continue
            row = _row(view, day, past, (scorecard, existing))
            if row is None:
                past.others += 1
                continue
            ends = lost[view.facts.account.account_id]
            gone = any(day < one <= day + timedelta(days=horizon) for one in ends)
            past.rows.append(replace(row, lost=gone))
    return past


def _customers(ws: Workspace, rules: Rules, day: date) -> Iterator[AccountView]:
    """Yield the accounts under contract on a day, by what the CRM held at its end."""
    end = datetime.combine(day + timedelta(days=1), time(), ws.zone) - INSTANT_STEP
    with reading(ws.runtime.engine) as conn:
        found = assemble(conn, ws, None, Moment(day, end, read_against="source"))
    views = (AccountView(facts, rules) for _, facts in sorted(found.facts.items()))
    return (view for view in views if view.open_lines(day))


def _row(view: AccountView, day: date, past: Past, cards: tuple[Scorecard, Scorecard | None]) -> Row | None:
    """Return an account on a day, not yet with its outcome; None where another scorecard is for it."""
    (scorecard, existing), key = cards, view.facts.account.account_id
    stood = met(view, past.plans.get(key, {}), day)
    past.plans[key] = stood.plans
    if stood.card.key != scorecard.key:
        return None
    book = MeasureBook(view, day, words=stood.words)
    points = score(view.facts, scorecard, book, day).points
    other = None if existing is None else score(view.facts, existing, book, day).points
    names = {one.measure for one in scorecard.measures} | {*ASIDE}
    values = {name: _number(book[name].value) for name in names}
    return Row(key, day, points, other, values, str(stood.words[SEGMENT]), lost=False)


def _number(value: object) -> float:
    return float("nan") if value is None else float(value)  # type: ignore[arg-type]


def _table(rows: list[Row], names: list[str], with_existing: bool) -> tuple[FactsTable, Floats]:
    """Return the rows as a table, and each row's risk: how far its points are from the best."""
    accounts = {key: code for code, key in enumerate(sorted({row.account for row in rows}))}
    held = [Column(name, np.array([row.measures[name] for row in rows])) for name in names]
    if with_existing:
        points = [float("nan") if row.existing is None else float(row.existing) for row in rows]
        held.append(Column(EXISTING, np.array(points)))
    segments = tuple(sorted({row.segment for row in rows}))
    held.append(Column(SEGMENT, np.array([float(segments.index(row.segment)) for row in rows]), segments))
    held.append(Column("", np.array([float(WORST - (row.points or 0)) for row in rows])))
    whole = ordered(
        np.array([row.day.toordinal() for row in rows]),
        np.array([accounts[row.account] for row in rows]),
        np.array([int(row.lost) for row in rows]),
        held,
        days=True,
    )
    return whole.without([""]), whole.column("").values
