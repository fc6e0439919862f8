"""Churn models of an installation: trained on its own past, kept whole, brought into force by people.

Nothing is told before a version is activated, which needs a passing backtest report of the same content,
or an admin who forces it with a reason that is kept and shown.
Neighbours: ``model_rows`` reads the past, ``success.prediction`` fits, ``state.models`` keeps,
``commands/modelling.py`` prints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from mappings.models import ModelEntry
from success.prediction.calibration import ENOUGH_EVENTS, calibrate
from success.prediction.drift import Drift, drift
from success.prediction.ladder import fit
from success.prediction.model import Model
from success.prediction.model_text import content_hash, to_json
from success.prediction.rule import ModelRule
from success.prediction.table import FeatureTable
from sync.model_rows import Past, past, today_rows
from sync.pull import Progress, quiet
from sync.scheduler import look_at_all
from sync.scorings import readable
from sync.state import models
from sync.state.backtests import Report
from sync.state.engine import reading, writing
from sync.state.errors import StateError
from sync.state.models import Life, Training, Version
from sync.workspace import Workspace, open_workspace


class Reports(Protocol):
    """Where backtest reports are kept (``backtest_gate.KeptReports``)."""

    def passing_report(self, model_hash: str) -> Report | None:
        """Return a passing report of the model with this content hash, None where there is none."""


@dataclass(frozen=True, slots=True)
class Activation:
    """What an admin asks: this version, forced or not, and why."""

    key: str
    version: int
    author: str
    reason: str = ""
    force: bool = False


def declared(ws: Workspace, key: str) -> ModelEntry:
    """Return a model of the charter. Raises StateError naming those there are."""
    named = {one.key: one for one in ws.charter.models}
    if key not in named:
        known = ", ".join(named) or "none"
        raise StateError(f"the charter has no model {key!r} ({known}); add it under `models`")
    return named[key]


def train(ws: Workspace, key: str, progress: Progress = quiet) -> Version:
    """Train a model of the charter on the mirror's own past; return the version kept.

    The last periods are held out for the probabilities where that leaves enough of both. The same past
    gives the same content, and then the version there is. Raises StateError for an unknown key.
    """
    entry = declared(ws, key)
    found = past(ws, entry.to_rules(), progress=progress)
    return _keep(ws, entry, found, fitted(found.table, entry.to_rules()))


def fitted(table: FeatureTable, rule: ModelRule) -> Model:
    """Return the model of a table, with probabilities where the events allow to hold some out."""
    split = held_out_from(table)
    if split is None:
        return fit(table, rule.prior)
    periods = [row.period for row in table.rows]
    return calibrate(
        fit(table.within(min(periods), split - 1), rule.prior), table.within(split, max(periods))
    )


def held_out_from(table: FeatureTable) -> int | None:
    """Return the first period to hold out: the latest from which there are 100 events, and 100 before it."""
    for first in sorted({row.period for row in table.rows}, reverse=True):
        events = sum(row.event for row in table.rows if row.period >= first)
        if events >= ENOUGH_EVENTS:
            return first if table.events - events >= ENOUGH_EVENTS else None
    return None


def _keep(ws: Workspace, entry: ModelEntry, found: Past, model: Model) -> Version:
    training = Training(
        key=entry.key,
        content_hash=content_hash(model),
        body=to_json(model),
        definition=entry.version,
        horizon_days=entry.horizon_days,
        charter_hash=ws.rules.charter_hash,
        trained_at=ws.now(),
        first_day=found.first_day,
        last_day=found.last_day,
    )
    with writing(ws.runtime.engine) as conn:
        return models.add(conn, ws.id, training)


def version_named(ws: Workspace, name: str) -> Version:
    """Return the version KEY@V, or the last of KEY. Raises StateError where there is none."""
    key, _, number = name.partition("@")
    if number and not number.isdecimal():
        raise StateError(f"{name!r} names no version; write {key}@1, or see `colonnade model list`")
    with reading(ws.runtime.engine) as conn:
        return models.version_of(conn, ws.id, key, int(number) if number else None)


def activate(ws: Workspace, asked: Activation, reports: Reports) -> Life:
    """Bring a version into force from now on and have every account looked at; return the entry.

    Raises StateError without a passing report unless forced, when forced without a reason, for a model the
    charter does not put on the record, and for a version nothing is known of.
    """
    if asked.force and not asked.reason.strip():
        raise StateError("forcing a model needs a reason, which is kept and shown; add --reason")
    if not declared(ws, asked.key).active:
        raise StateError(
            f"the charter keeps {asked.key} off the record; set `active: true` and apply it first"
        )
    with reading(ws.runtime.engine) as conn:
        version = models.version_of(conn, ws.id, asked.key, asked.version)
    report = reports.passing_report(version.training.content_hash)
    if report is None and not asked.force:
        raise StateError(
            f"{version.name} has no passing backtest report of its content; run `colonnade backtest "
            f"{asked.key}`, or force it with --force --reason, which is kept and shown"
        )
    return _enter(ws, asked, asked.version, None if report is None else report.report_hash)


def deactivate(ws: Workspace, key: str, author: str, reason: str) -> Life:
    """Take a model out of force from now on; what it told is taken back. Raises StateError if none is."""
    with reading(ws.runtime.engine) as conn:
        standing = models.in_force(conn, ws.id, ws.now()) or {}
    if key not in standing:
        raise StateError(f"no version of {key} is in force")
    return _enter(ws, Activation(key, standing[key].version, author, reason), None, None)


def _enter(ws: Workspace, asked: Activation, version: int | None, report: str | None) -> Life:
    life = Life(
        key=asked.key,
        seq=0,
        version=version,
        author=asked.author,
        effective_at=ws.now(),
        reason=asked.reason,
        forced=version is not None and report is None,
        report=report,
    )
    with writing(ws.runtime.engine) as conn:
        entered = models.enter(conn, ws.id, life)
    if ws.live:
        look_at_all(open_workspace(ws.runtime, ws.id), "a model came into force or left it")
    return entered


def standing(ws: Workspace) -> Mapping[str, tuple[Version, Life]]:
    """Return the versions in force, each with the entry that brought it there."""
    with reading(ws.runtime.engine) as conn:
        found = models.in_force(conn, ws.id, ws.now()) or {}
        lives = {one.key: one for one in models.history(conn, ws.id)}
    return {key: (version, lives[key]) for key, version in found.items()}


def drift_of(ws: Workspace, version: Version) -> Drift:
    """Return how today's accounts, and the periods since training, compare with what a version saw.

    Raises StateError where the charter no longer declares the model with the features it reads.
    """
    model, rule = readable(version), declared(ws, version.training.key).to_rules()
    rule = replace(rule, horizon_days=version.training.horizon_days)
    now = today_rows(ws, rule)
    if model is None or set(model.names) - {column.name for column in now.columns}:
        raise StateError(f"{version.name} reads what is no longer declared or measured; train anew")
    return drift(model, now, past(ws, rule, version.training.last_day).table)


def held_out(model: Model) -> str:
    """Return in words what the probabilities of a model rest on."""
    found = model.calibration
    if found is None:
        return "ranks only: too few events on time held out"
    return f"calibrated on {found.events} events of {found.rows} rows held out"
