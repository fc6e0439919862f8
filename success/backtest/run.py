"""One backtest from a table of facts to its report: of a model fitted here, or of a score as it stands.

Neighbours: ``sync`` brings the table and keeps the report; the other modules each do one part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from success.backtest import fitting, gate
from success.backtest.alarms import alarms_of
from success.backtest.baselines import BASE_RATE, Roles, baselines_of, per_seat, roles_of
from success.backtest.calibration import calibrate, straight_line
from success.backtest.clockwork import by_the_clock
from success.backtest.foresight import knows_who, lifetimes
from success.backtest.later import future_values
from success.backtest.leaks import Leak, examine
from success.backtest.ranking import (
    AccountBootstrap,
    auc,
    average_precision,
    interval,
    middle,
    top_tenth,
    weighted_auc,
)
from success.backtest.report import (
    Baseline,
    Fit,
    FittedTerm,
    Measured,
    PartCounts,
    Report,
    SegmentArea,
    Weighted,
)
from success.backtest.signals import signals_of
from success.backtest.split import Parts, TimeSplit, divide
from success.backtest.table import Column, FactsTable, Floats, Mask

RED_SHARE = 0.9
"""The alarm level is what nine tenths of training lie below."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a backtest is made. ``kept`` are columns somebody answers for although they look like leaks."""

    resamples: int = 1000
    seed: int = 0
    accounts_per_csm: int = 50
    named: Roles = field(default_factory=Roles)
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class _Scored:
    """Every row's risk, and the log-odds made of it."""

    risk: Floats
    log_odds: Floats
    fit: Fit | None


def backtest(table: FactsTable, asked: TimeSplit, options: Options) -> Report:
    """Return the report of a logistic model fitted on the table's training rows.

    Raises ValueError where the split leaves nothing, or a named column is not there.
    """
    parts = divide(table, asked)
    roles = roles_of(table.names(), options.named)
    found = list(find_leaks(table, parts)) if _both_outcomes(table, parts) else []
    leaks = tuple(one for one in found if one.column not in options.kept)
    notes = tuple(f"{one.column} is kept on request although {one.why}" for one in found if one not in leaks)
    blocked = frozenset(one.column for one in leaks)
    features = _features(table, roles, blocked)
    ignored = tuple(one.name for one in table.columns if one.identifies and one.name not in blocked)
    made = _Judge(table, parts, roles, options, asked.embargo, blocked)
    report = made.report(_fitted(features, parts, options) if made.judgeable else None)
    return replace(report, blocked=leaks, ignored=ignored, notes=(*notes, *report.notes))


def backtest_score(
    table: FactsTable, risk: Floats, asked: TimeSplit, options: Options, log_odds: Floats | None = None
) -> Report:
    """Return the report of a score that is not fitted here, high ``risk`` being worse.

    ``log_odds`` are those it tells itself; without, training turns scores into probabilities by a straight
    line that keeps their order. Training sets the alarm level. A leak among the table's columns stands
    against it, since it cannot be left out.
    """
    parts = divide(table, asked)
    roles = roles_of(table.names(), options.named)
    found = list(find_leaks(table, parts)) if _both_outcomes(table, parts) else []
    leaks = tuple(one for one in found if one.column not in options.kept)
    made = _Judge(table, parts, roles, options, asked.embargo, frozenset(one.column for one in leaks))
    scored = None
    if made.judgeable:
        odds = _line_of_training(table, risk, parts.train) if log_odds is None else log_odds
        scored = _Scored(risk, odds, None)
    report = made.report(scored)
    if not leaks:
        return report
    against = tuple(f"its measure {one.column} knows the outcome: {one.why}" for one in leaks)
    reasons = against if report.activate else (*report.reasons, *against)
    return replace(report, activate=False, reasons=reasons, blocked=leaks)


def find_leaks(table: FactsTable, parts: Parts) -> Iterator[Leak]:
    """Yield one finding for every column that knows the outcome."""
    later, looked_at = future_values(table), [one for one in table.columns if not by_the_clock(table, one)]
    each = {one.name: next(_leaks_of(table, one, parts), later.get(one.name)) for one in looked_at}
    found = {name: leak for name, leak in each.items() if leak is not None}
    found |= lifetimes(table.without(found), each.keys() - found.keys())
    return (found[one.name] for one in looked_at if one.name in found)


def _leaks_of(table: FactsTable, column: Column, parts: Parts) -> Iterator[Leak]:
    signals = list(signals_of(table, column))
    for signal in signals:
        yield from examine(table, signal, parts.train, parts.test)
    for signal in signals:
        who = knows_who(table, signal)
        if who is not None:
            yield who


def _both_outcomes(table: FactsTable, parts: Parts) -> bool:
    return len(np.unique(table.labels[parts.train | parts.test])) > 1


def _features(table: FactsTable, roles: Roles, blocked: frozenset[str]) -> FactsTable:
    """Return what a model may use: columns that are neither leaks nor the score in use, and use per seat."""
    kept = table.without(blocked | ({roles.score} if roles.score else set()))
    shared = per_seat(table, roles, blocked)
    if shared is None:
        return kept
    column = Column(f"{roles.usage} per {roles.seats}", shared)
    return replace(kept, columns=(*kept.columns, column))


def _fitted(features: FactsTable, parts: Parts, options: Options) -> _Scored:
    model = fitting.fit(features, parts.train)
    odds = model.log_odds(features)
    shuffled = fitting.permuted_areas(features, model, parts.train, parts.test, options.seed)
    terms = tuple(
        FittedTerm(term.name, float(weight)) for term, weight in zip(model.terms, model.weights, strict=True)
    )
    fit = Fit(terms, model.strength, model.events_per_parameter, model.shrunk, tuple(shuffled))
    return _Scored(odds, odds, fit)


def _line_of_training(table: FactsTable, risk: Floats, train: Mask) -> Floats:
    """Return log-odds by a line through training's outcomes, its base rate for all where none rises."""
    positive = table.labels[train] == 1
    base = float(positive.mean())
    line = straight_line(positive, risk[train])
    if line is None or line[1] <= 0:
        return np.full(len(risk), float(np.log(base / (1 - base))))
    odds: Floats = line[0] + line[1] * risk
    return odds


def _counts(table: FactsTable, rows: Mask) -> PartCounts:
    labels, times = table.labels[rows] == 1, table.times[rows]
    groups = table.groups[rows]
    with_events = len(np.unique(groups[labels]))
    return PartCounts(
        len(times), int(labels.sum()), len(np.unique(groups)), with_events, int(times.min()), int(times.max())
    )


def _shrunk(fit: Fit) -> str:
    least = fitting.EVENTS_PER_PARAMETER
    few = f"{fit.events_per_parameter:.1f} events per fitted parameter, fewer than {least}"
    return f"{few}: weights are shrunk strongly"


class _Judge:
    """Measures one score over the test of a table and puts the report together."""

    def __init__(
        self,
        table: FactsTable,
        parts: Parts,
        roles: Roles,
        options: Options,
        horizon: int,
        blocked: frozenset[str],
    ) -> None:
        self._table, self._parts, self._roles, self._options = table, parts, roles, options
        self._horizon, self._blocked = horizon, blocked
        self._train, self._test = _counts(table, parts.train), _counts(table, parts.test)
        self._positive = table.labels[parts.test] == 1

    @property
    def judgeable(self) -> bool:
        """Say whether both parts hold events and others, without which nothing can be measured."""
        return all(0 < part.events < part.rows for part in (self._train, self._test))

    def report(self, scored: _Scored | None) -> Report:
        """Return the report, with nothing measured where there is no score."""
        measured, notes = (Measured(), ()) if scored is None else self._measured(scored)
        fit = None if scored is None else scored.fit
        against = gate.refusals(measured, self._train, self._test, fit)
        if fit is not None and fit.shrunk:
            notes = (*notes, _shrunk(fit))
        notes = (*notes, *gate.doubts(measured))
        reasons = against or gate.passed(measured)
        return Report(not against, reasons, measured, self._train, self._test, fit=fit, notes=notes)

    def _measured(self, scored: _Scored) -> tuple[Measured, tuple[str, ...]]:
        test, positive = self._parts.test, self._positive
        risk = scored.risk[test]
        resamples = AccountBootstrap(
            positive, self._table.groups[test], self._options.resamples, self._options.seed
        )
        areas = resamples.areas(risk)
        top = top_tenth(positive, risk)
        baselines, notes = self._baselines(resamples, risk, areas)
        level = float(np.quantile(scored.risk[self._parts.train], RED_SHARE))
        return Measured(
            auc=interval(auc(positive, risk), areas),
            average_precision=average_precision(positive, risk),
            lift_at_10=None if top is None else top.lift,
            capture_at_10=None if top is None else top.capture,
            calibration=calibrate(positive, scored.log_odds[test], self._train.events / self._train.rows),
            alarms=alarms_of(
                self._table, scored.risk, level, test, self._horizon, self._options.accounts_per_csm
            ),
            segments=self._segments(risk),
            weighted=self._weighted(risk),
            new_accounts_auc=self._on_new_accounts(risk),
            baselines=baselines,
        ), tuple(notes)

    def _baselines(
        self, resamples: AccountBootstrap, risk: Floats, areas: Floats
    ) -> tuple[dict[str, Baseline], list[str]]:
        risks, notes = baselines_of(self._table, self._roles, self._parts.train, self._blocked)
        mine = auc(self._positive, risk) or 0.0
        found: dict[str, Baseline] = {}
        for name, every in risks.items():
            theirs = every[self._parts.test]
            area = auc(self._positive, theirs)
            if area is None:
                continue
            drawn = np.full(len(areas), 0.5) if name == BASE_RATE else resamples.areas(theirs)
            spread, lead = middle(drawn), middle(areas - drawn)
            low, high = spread or (None, None)
            least, most = lead or (None, None)
            found[name] = Baseline(area, low, high, mine - area, least, most)
        return found, notes

    def _segments(self, risk: Floats) -> dict[str, SegmentArea]:
        if self._roles.segment is None:
            return {}
        column = self._table.column(self._roles.segment)
        codes, positive = column.values[self._parts.test], self._positive
        found = {}
        for code in np.unique(codes[~np.isnan(codes)]):
            rows = codes == code
            name = column.levels[int(code)] if column.levels else f"{code:g}"
            found[name] = SegmentArea(
                int(rows.sum()), int(positive[rows].sum()), auc(positive[rows], risk[rows])
            )
        return found

    def _weighted(self, risk: Floats) -> Weighted | None:
        if self._roles.arr is None or self._table.column(self._roles.arr).levels:
            return None
        amounts = np.nan_to_num(self._table.column(self._roles.arr).values[self._parts.test])
        amounts = np.maximum(amounts, 0.0)
        top = top_tenth(self._positive, risk, amounts)
        area = weighted_auc(self._positive, risk, amounts)
        return Weighted(area, None if top is None else top.lift, None if top is None else top.capture)

    def _on_new_accounts(self, risk: Floats) -> float | None:
        """Return the ranking among accounts of which training had no row."""
        test = self._parts.test
        new = ~np.isin(self._table.groups[test], np.unique(self._table.groups[self._parts.train]))
        return auc(self._positive[new], risk[new])
