"""``colonnade metrics``: the portfolio's figures with their policies, and the lab of policies."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction

import click
from rich.console import Console

from mappings.money import to_major
from success.coverage import Freshness
from success.kpi_pack import Pack
from success.lab import Difference, Figures, Lab, Variant
from success.ledger import minor_per_unit
from success.positions import Level
from success.sentiment import Sentiment
from success.standing_counts import StandingCounts
from sync.backtest_gate import Validation, validations
from sync.commands.output import answer, json_option, plain, table
from sync.config import read_settings
from sync.kpis import context, experiments, kpis, with_policies
from sync.numbers import Metrics, Portfolio, portfolio, year_before
from sync.numbers import metrics as portfolio_metrics
from sync.runtime import open_runtime
from sync.standings import standings
from sync.usage_numbers import UsageIntake, intake
from sync.workspace import Workspace, open_workspace

DAY = click.DateTime(formats=["%Y-%m-%d"])
COHORTS_SHOWN = 12
AGES_SHOWN = (0, 1, 2, 3, 6, 12, 24)
EXPLAINED_SHOWN = 3


@click.command()
@click.argument("installation")
@click.option("--as-of", type=DAY, help="The day asked about; today by default.")
@click.option("--known-at", type=DAY, help="As known at the end of that day (UTC); now by default.")
@click.option(
    "--since", type=DAY, help="Where the period of bridge, renewals and wins begins; a year before."
)
@click.option(
    "--policy", "choices", multiple=True, metavar="NAME=VALUE", help="Count by another policy, this once."
)
@click.option("--lab", "as_lab", is_flag=True, help="Every choice of each policy, and who differs.")
@json_option
def metrics(
    installation: str,
    as_of: datetime | None,
    known_at: datetime | None,
    since: datetime | None,
    choices: tuple[str, ...],
    as_lab: bool,
    as_json: bool,
) -> None:
    """Print the portfolio's figures, each with its policies: ARR, bridge, retention, cohorts and more.

    Example: colonnade metrics hubspot-24680135 --as-of 2024-12-31 --policy grace_days=30 --json
    """
    ws = with_policies(open_workspace(open_runtime(read_settings()), installation), choices)
    day = as_of.date() if as_of else ws.day_of(ws.now())
    start = since.date() if since else year_before(day)
    if start >= day:
        raise click.UsageError(
            f"the period would begin on {start}, not before {day}; give an earlier --since"
        )
    moment = known_at.replace(hour=23, minute=59, second=59, tzinfo=UTC) if known_at else None
    held = portfolio(ws, day, moment)
    if as_lab:
        found = experiments(ws, held, start)
        answer(found, as_json, lambda out: _show_lab(out, found))
        return
    _answer_figures(ws, held, start, as_json)


def _answer_figures(ws: Workspace, held: Portfolio, start: date, as_json: bool) -> None:
    asked = context(ws, held, start)
    headline, rest = portfolio_metrics(ws, held, asked), kpis(ws, held, start, asked)
    places, valid = standings(ws, held, start), validations(ws)
    used = intake(ws, held.as_of, held.known_at)
    told = {
        **plain(headline),
        "kpis": rest,
        "standing": places,
        "quarantined": held.quarantined,
        "validation": valid,
        "usage_intake": used,
    }
    answer(told, as_json, lambda out: _show(out, headline, rest, _Beside(places, valid, used)))


@dataclass(frozen=True, slots=True)
class _Beside:
    """What is printed beside the figures: where accounts stand, what scores stand on, whose usage is."""

    places: StandingCounts
    valid: list[Validation]
    used: UsageIntake


def _show(out: Console, headline: Metrics, rest: Pack, beside: _Beside) -> None:
    out.print(
        table(
            f"{headline.accounts} accounts, {headline.contract_lines} lines, as of {headline.as_of}",
            ("number", "value", "by"),
            _headline_rows(headline),
        )
    )
    out.print(_bridge_table(rest))
    out.print(table(f"From {rest.start} to {rest.as_of}", ("number", "value", "of"), _figure_rows(rest)))
    out.print(
        table(
            f"Usage received, up to {beside.used.as_of}", ("number", "value", "of"), _intake_rows(beside.used)
        )
    )
    out.print(_cohort_table(rest))
    out.print(_place_table(beside.places, rest.currency))
    out.print(f"Counted by: {rest.bridge.policies}", markup=False, style="dim")
    for one in beside.valid:
        out.print(f"{one.kind.title()} {one.subject}: {one.told}.", markup=False, style="dim")


def _headline_rows(found: Metrics) -> list[tuple[str, str, str]]:
    rows = [
        (f"ARR, {name.value}", f"{to_major(one.value):,f} {one.value.currency}", _overlap(one.policies))
        for name, one in found.arr.items()
    ]
    rows += [
        (one.name, "no cohort" if one.value is None else f"{float(one.value):.4f}", _overlap(one.policies))
        for one in found.retention
    ]
    return rows


def _overlap(policies: str) -> str:
    """Return the one policy in which the headlines differ; the others stand below the tables."""
    return policies.partition(";")[0]


def _bridge_table(rest: Pack) -> object:
    moved = rest.bridge.total
    rows = [(name, _money(getattr(moved, name), rest.currency)) for name in type(moved).__slots__]
    rows.append(("of closing, pending", _money(rest.bridge.pending, rest.currency)))
    return table(f"ARR from {rest.start} to {rest.as_of}", ("movement", rest.currency), rows)


def _figure_rows(rest: Pack) -> list[tuple[str, str, str]]:
    renewals, value, active = rest.renewal_rate, rest.time_to_value, rest.activation
    seats, health, breadth = rest.seat_utilisation, rest.health_coverage, rest.feature_adoption
    rows = [(one.name, _share(one.value), "") for one in rest.retention]
    rows += [
        ("Renewal rate, gross", _share(renewals.gross), f"{len(renewals.terms)} due"),
        ("Renewal rate, net", _share(renewals.net), f"{len(renewals.terms)} due"),
        ("Time to value, median days", _number(value.median), f"{value.reached} of {value.accounts} there"),
        (f"Value within {value.target_days} days", _share(value.share_within), f"{value.accounts} accounts"),
        (
            f"Activated in {active.days} days",
            _share(active.share),
            f"{active.activated} of {active.eligible}",
        ),
        ("Features used of those entitled", _share(breadth.breadth), f"{len(breadth.features)} features"),
        ("Seat utilisation", _share(seats.share), f"{seats.accounts} accounts, {seats.unknown} unknown"),
        ("ARR with a health score", _share(health.share), ""),
    ]
    rows += [
        (f"Win rate, {one.kind}, by {one.basis.value}", _share(one.rate), f"{one.won} won, {one.lost} lost")
        for one in rest.win_rates
    ]
    rows += [
        (f"Fresh: {one.measure}{_limit(one, rest)}", _share(one.share), f"{one.fresh} of {one.accounts}")
        for one in rest.freshness
    ]
    rows += [(f"{one.name}, 90 days", _interval(one), f"{one.n} answers") for one in rest.sentiment]
    early = rest.tickets_before_signup
    rows.append(("Tickets before their account", _share(early.share), f"{early.before} of {early.tickets}"))
    codes = Counter(one.code for one in rest.contradictions)
    rows += [(f"Contradiction: {code}", str(count), "") for code, count in sorted(codes.items())]
    rows += [(f"Left out: {one.line_id}", one.reason, one.account_id) for one in rest.left_out]
    return rows


def _limit(one: Freshness, rest: Pack) -> str:
    """Return the limit of a measure's age where scorecards do not agree on one."""
    if [other.measure for other in rest.freshness].count(one.measure) == 1:
        return ""
    return ", any age" if one.max_age_days is None else f", {one.max_age_days} days"


def _intake_rows(used: UsageIntake) -> list[tuple[str, str, str]]:
    rows = [
        ("Rows that belong to an account", _share(used.match_rate), f"{used.matched} of {used.rows}"),
        ("Days from use to receipt, median", _number(used.lag_median_days), "received in 28 days"),
        ("Days from use to receipt, 95 of 100", _number(used.lag_95_days), "received in 28 days"),
        ("Dated ahead, waiting", str(used.ahead), ""),
    ]
    rows += [
        (f"Belongs to nobody: {reason.value}", str(count), "") for reason, count in used.unmatched.items()
    ]
    return rows + [(f"  {one.named}", str(one.rows), one.reason.value) for one in used.names]


def _cohort_table(rest: Pack) -> object:
    """Return logo and ARR shares of the youngest cohorts; a cell whose month is not over is empty."""
    rows = []
    for one in rest.cohorts.cohorts[-COHORTS_SHOWN:]:
        cells = {cell.age: f"{_percent(cell.logo_share)} / {_percent(cell.arr_share)}" for cell in one.cells}
        shown = (cells.get(age, "") for age in AGES_SHOWN)
        rows.append((one.start.strftime("%Y-%m"), one.size, *shown))
    title = "Cohorts by month of start: logos / ARR at the end of each month"
    return table(title, ("start", "accounts", *(str(age) for age in AGES_SHOWN)), rows)


def _place_table(found: StandingCounts, currency: str) -> object:
    """Return accounts and ARR by segment and by stage, and below them the moves of the period."""
    places = [("segment", one) for one in found.segments] + [("stage", one) for one in found.stages]
    rows = [
        (what, one.title, one.touch.value if one.touch else "", str(one.accounts), _money(one.arr, currency))
        for what, one in places
        if one.accounts
    ]
    moves = [("segment", one) for one in found.segment_moves] + [("stage", one) for one in found.stage_moves]
    rows += [
        (f"{what} changed", f"{one.before} to {one.after}", "", str(one.accounts), "") for what, one in moves
    ]
    return table(f"Where accounts stand on {found.as_of}", ("", "", "touch", "accounts", currency), rows)


def _percent(share: Fraction) -> str:
    return f"{float(100 * share):.0f} %"


def _show_lab(out: Console, found: Lab) -> None:
    rows = [_lab_row("declared", found.declared, "", found.currency)]
    rows += [
        _lab_row(f"{one.policy}={one.choice}", one.figures, _explained(one, found.currency), found.currency)
        for one in found.variants
    ]
    columns = (
        "policy",
        "ARR",
        "NRR",
        "GRR",
        "GRR product",
        "GRR line",
        "logos",
        "renewed",
        "who differs most",
    )
    out.print(table(f"From {found.start} to {found.as_of}, one policy changed at a time", columns, rows))
    out.print(f"Declared: {found.policies}", markup=False, style="dim")


def _lab_row(name: str, found: Figures, differs: str, currency: str) -> tuple[str, ...]:
    names = ("nrr_account", *(f"grr_{level.value}" for level in Level), "logos")
    rates = (_share(found.retention[one]) for one in names)
    return (name, _money(found.arr, currency), *rates, _share(found.renewal_gross), differs)


def _explained(one: Variant, currency: str) -> str:
    if one.remark:
        return one.remark
    shown = "; ".join(_difference(each, currency) for each in one.explained[:EXPLAINED_SHOWN])
    return f"{one.accounts} accounts: {shown}" if shown else "nobody"


def _difference(one: Difference, currency: str) -> str:
    amount = _money(one.difference, currency, sign=True) if one.money else f"{one.difference:+d}"
    return f"{one.account} {one.figure} {amount}"


def _money(minor: int, currency: str, *, sign: bool = False) -> str:
    amount = minor / minor_per_unit(currency)
    return f"{amount:+,.2f}" if sign else f"{amount:,.2f}"


def _share(value: Fraction | float | None) -> str:
    return "unknown" if value is None else f"{float(value):.4f}"


def _interval(found: Sentiment) -> str:
    """Return the figure with its 95 % interval."""
    if found.value is None or found.low is None or found.high is None:
        return "unknown"
    return f"{float(found.value):.1f} ({float(found.low):.1f} to {float(found.high):.1f})"


def _number(value: int | None) -> str:
    return "unknown" if value is None else str(value)
