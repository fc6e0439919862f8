"""A churn model over the mirror's own past: refitted on its earlier part, judged on the later one.

The version that was trained learned from all of the past, so it cannot be judged on any of it. What is
judged is the way it was made: the same definition on rows read as training reads them. The report is kept
under the newest version's name and content. Neighbours: ``model_rows`` reads the past, ``models`` fits,
``success.backtest`` judges, ``backtest_gate`` asks for the report.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from mappings.models import ModelEntry
from success.backtest.baselines import Roles
from success.backtest.model_table import by_account, facts_of, log_odds_of
from success.backtest.run import Options, backtest_score
from success.backtest.split import TimeSplit
from success.prediction.features import AGE, ENDS, TO_END, columns, first_of, period
from success.prediction.model import Model
from success.prediction.rule import FeatureRule, ModelRule
from success.prediction.table import FeatureTable, Role
from success.words import SEGMENT
from sync.backtest_terms import terms
from sync.backtesting import in_two, kept_answer
from sync.model_rows import past
from sync.models import fitted, held_out, version_named
from sync.pull import Progress, quiet
from sync.scorings import readable
from sync.state.backtests import Subject
from sync.state.errors import StateError
from sync.state.models import Version
from sync.workspace import Workspace

BY_CONTRACT = frozenset({AGE, TO_END, ENDS})
"""Columns whose future stands in the contract; that they foresee the end of a term is no leak."""
ASIDE = ("usage_events_28d", "seats", "arr")
"""Measures that are read for the baselines, also where the model does not look at them."""
ROLES = Roles(AGE, "usage_events_28d", "seats", None, "arr")
BY_DAY = "segments are those each day alone tells; holds and pins of before do not count"


def of_model(
    ws: Workspace, entry: ModelEntry, options: Options, since: date | None, progress: Progress = quiet
) -> dict[str, Any]:
    """Return the answer for a model over the rows of the past, and keep it for the gate.

    Raises StateError where no version was trained by this definition, and ValueError where the past is too
    short to be divided.
    """
    rule = entry.to_rules()
    version = _trained(ws, rule)
    divided = len(ws.rules.segmentation.segments) > 1
    found = past(
        ws, _with_aside(rule, divided=divided), None if since is None else since - timedelta(days=1), progress
    )
    table = by_account(found.table)
    periods = sorted({row.period for row in table.rows})
    split = in_two([first_of(one) for one in periods], rule.horizon_days)
    model = _refitted(table, rule, split)
    odds = log_odds_of(model, table)
    kept = options.kept | BY_CONTRACT | ({*ASIDE, SEGMENT} - {one.name for one in rule.features})
    roles = replace(ROLES, segment=SEGMENT) if divided else ROLES
    report = backtest_score(facts_of(table), odds, split, replace(options, named=roles, kept=kept), odds)
    notes = (_told(version, model, split), *((BY_DAY,) if divided else ()))
    report = replace(report, notes=(*notes, *report.notes))
    more = {
        "horizon_days": rule.horizon_days,
        "months": len(periods),
        "unknown_rows": 0,
        **terms(ws.charter, options, since),
        "refitted": {"rung": model.rung, "evidence": model.evidence, "probabilities": held_out(model)},
    }
    return kept_answer(ws, Subject(version.name, version.training.content_hash), report, more)


def _trained(ws: Workspace, rule: ModelRule) -> Version:
    """Return the newest version, which must have been trained by this definition."""
    version = version_named(ws, rule.key)
    training, model = version.training, readable(version)
    same = (training.definition, training.horizon_days) == (rule.version, rule.horizon_days)
    learned = () if model is None else (one.name for one in model.features if one.role is Role.FEATURE)
    if not same or {*learned} != {one.name for one in rule.features}:
        raise StateError(
            f"{version.name} was trained by another definition of {rule.key} than this charter's; "
            f"train it anew with `colonnade model train {rule.key}`"
        )
    return version


def _with_aside(rule: ModelRule, *, divided: bool) -> ModelRule:
    """Return the model with what baselines need as further columns, and the segment if there are several."""
    read = {one.name for one in columns(rule)}
    names = (*ASIDE, SEGMENT) if divided else ASIDE
    aside = tuple(FeatureRule(name) for name in names if name not in read)
    return replace(rule, features=(*rule.features, *aside))


def _refitted(table: FeatureTable, rule: ModelRule, split: TimeSplit) -> Model:
    """Return the model of the split's earlier part, made of the columns training has."""
    read = {one.name for one in columns(rule)}
    mine = table.without(frozenset(one.name for one in table.columns if one.name not in read))
    until = period(date.fromordinal(split.train_to))
    return fitted(mine.within(min(row.period for row in mine.rows), until), rule)


def _told(version: Version, model: Model, split: TimeSplit) -> str:
    until = date.fromordinal(split.train_to)
    learned = model.trained
    return (
        f"it was refitted on the {learned.rows} rows ({learned.events} churns) up to {until}; {version.name} "
        f"itself learned from all rows up to {version.training.last_day}"
    )
