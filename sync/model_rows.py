"""The installation's own past as the rows of a model: features known then, outcomes known now.

Rows stand on firsts of months. What the CRM knew at their beginning is read against its own time; use,
tickets and answers carry theirs, and what of them came later is cut off. Reads only.
Neighbours: ``models`` trains on these, ``success.prediction.features`` says what a row is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection, func, select

from success.days import add_months, window_start
from success.facts import AccountFacts
from success.measures import MONTH_DAYS
from success.prediction.features import churned, columns, cut_off, grid, known_from, period, values
from success.prediction.rule import ModelRule
from success.prediction.table import FeatureTable, Row
from success.view import AccountView
from sync.facts import Moment, assemble
from sync.pull import Progress, quiet
from sync.state import usage_store
from sync.state.engine import reading
from sync.state.mirror_rows import record_version
from sync.workspace import INSTANT_STEP, Workspace

LONGEST_MONTHS = 60
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Past:
    """A table of the past, and the first and the last day its features were taken from."""

    table: FeatureTable
    first_day: date | None
    last_day: date | None


def past(ws: Workspace, rule: ModelRule, after: date | None = None, progress: Progress = quiet) -> Past:
    """Return the rows whose outcomes are known by today, those of days later than ``after`` if given.

    It goes back to the first month the CRM's time reaches, 60 months at most.
    """
    today, rows, days = ws.day_of(ws.now()), list[Row](), list[date]()
    with reading(ws.runtime.engine) as conn:
        now = assemble(conn, ws, None, Moment(today)).facts
        first = _first_day(conn, ws, today)
        for day, within in grid(first, today, rule.horizon_days):
            over = known_from(day, ws.rules.policies, within) > today
            if over or (after is not None and day <= after):
                continue
            found = list(_rows(ws, rule, (day, within), _then(conn, ws, day, now), now))
            rows += found
            progress("rows", len(found))
            days += [day] if found else []
    table = FeatureTable(columns(rule), tuple(rows))
    return Past(table, min(days, default=None), max(days, default=None))


def today_rows(ws: Workspace, rule: ModelRule) -> FeatureTable:
    """Return a row for each customer of today, as known now; their outcomes are not known and say no."""
    today = ws.day_of(ws.now())
    with reading(ws.runtime.engine) as conn:
        now = assemble(conn, ws, None, Moment(today)).facts
    names = [one.name for one in columns(rule)]
    views = {key: AccountView(one, ws.rules) for key, one in sorted(now.items())}
    rows = (
        Row(key, period(today), values(view, names, rule.horizon_days, today), event=False)
        for key, view in views.items()
        if view.open_lines(today)
    )
    return FeatureTable(columns(rule), tuple(rows))


def _first_day(conn: Connection, ws: Workspace, today: date) -> date:
    """Return the day from which the CRM's own time says anything of accounts."""
    table, account = record_version.c, ws.inbound.crm.reads.account.object
    mine = (table.installation_id == ws.id) & (table.object == account)
    at = conn.execute(select(func.min(table.source_at)).where(mine)).scalar()
    return max(today if at is None else ws.day_of(at), add_months(today, -LONGEST_MONTHS))


def _then(
    conn: Connection, ws: Workspace, day: date, now: Mapping[str, AccountFacts]
) -> dict[str, AccountFacts]:
    """Return the facts known at 00:00 of a day, before anything of that day."""
    midnight = datetime.combine(day, time(), ws.zone)
    then = assemble(conn, ws, None, Moment(day - DAY, midnight - INSTANT_STEP, read_against="source")).facts
    supported = any(one.opened_at < midnight for held in now.values() for one in held.tickets)
    used = any(one.day < day for held in now.values() for one in held.usage)
    whole = _presence_since(conn, ws) <= window_start(day, MONTH_DAYS)
    return {
        key: replace(
            cut_off(one, now[key], midnight),
            presence=one.presence if whole else (),
            usage_seen=used,
            support_seen=supported,
        )
        for key, one in then.items()
        if key in now
    }


def _presence_since(conn: Connection, ws: Workspace) -> date:
    """Return the first day of which users are still kept: a window that begins earlier would be short."""
    table = usage_store.presence_day.c
    found = conn.execute(select(func.min(table.day)).where(table.installation_id == ws.id)).scalar()
    return date.max if found is None else found


def _rows(
    ws: Workspace,
    rule: ModelRule,
    window: tuple[date, int],
    then: Mapping[str, AccountFacts],
    now: Mapping[str, AccountFacts],
) -> Iterator[Row]:
    """Yield a row for each account that was a customer then, and by what is known now."""
    (day, within), names = window, [one.name for one in columns(rule)]
    for key, one in sorted(then.items()):
        view = AccountView(one, ws.rules)
        if not view.open_lines(day):
            continue
        event = churned(now[key].lines, ws.rules.policies, day, within)
        if event is not None:
            found = values(view, names, rule.horizon_days, day)
            yield Row(one.account_key, period(day), found, event)
