"""``colonnade model``: churn models trained on the installation's own past, shown and brought into force."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from dataclasses import asdict

import click
from rich.console import Console

from success.prediction.drift import Drift
from success.prediction.model import BASE, Feature, Model
from success.prediction.model_text import from_json
from success.prediction.reasons import shown_log_odds, title
from sync.backtest_gate import KeptReports
from sync.commands.output import answer, json_option, rows_bar, table
from sync.commands.showing import only_installation
from sync.config import read_settings
from sync.models import (
    Activation,
    activate,
    deactivate,
    drift_of,
    held_out,
    standing,
    train,
    version_named,
)
from sync.runtime import open_runtime
from sync.state import models
from sync.state.engine import reading
from sync.state.errors import StateError
from sync.state.models import Life, Version
from sync.workspace import Workspace, open_workspace

installation_option = click.option("--installation", help="Needed where more than one is connected.")


@click.group()
def model() -> None:
    """Train, show and activate churn models."""


@model.command("train")
@click.argument("key")
@installation_option
@json_option
def train_command(key: str, installation: str | None, as_json: bool) -> None:
    """Train a model of the charter on the mirror's own past. Nothing is told before it is activated.

    Example: colonnade model train churn
    """
    ws = _workspace(installation)
    with rows_bar() as bar:
        task = bar.add_task("rows of the past", total=None)
        version = train(ws, key, lambda _name, rows: bar.update(task, advance=rows))
    found = from_json(version.training.body)
    answer(_told(version, found), as_json, lambda out: _show(out, version, found))


@model.command("list")
@installation_option
@json_option
def list_command(installation: str | None, as_json: bool) -> None:
    """List the trained versions, and which are in force.

    Example: colonnade model list
    """
    ws = _workspace(installation)
    with reading(ws.runtime.engine) as conn:
        found = models.versions(conn, ws.id)
    force = {version.name: life for version, life in standing(ws).values()}
    data = [
        {
            **_about(one),
            "rung": from_json(one.training.body).rung,
            "in_force": one.name in force,
            "forced": one.name in force and force[one.name].forced,
        }
        for one in found
    ]
    columns = ("model", "content", "trained", "rung", "in force")
    rows = [
        (
            one["name"],
            str(one["content_hash"])[:12],
            one["trained_at"],
            one["rung"],
            "forced" if one["forced"] else "yes" if one["in_force"] else "",
        )
        for one in data
    ]
    answer(data, as_json, lambda out: out.print(table(ws.id, columns, rows)))


@model.command()
@click.argument("name", metavar="KEY[@V]")
@installation_option
@json_option
def show(name: str, installation: str | None, as_json: bool) -> None:
    """Show a version: what it weighs, what it learned from, whether the world still is as it was.

    Example: colonnade model show churn@1
    """
    ws = _workspace(installation)
    version = version_named(ws, name)
    found = from_json(version.training.body)
    with reading(ws.runtime.engine) as conn:
        lives = [
            one
            for one in models.history(conn, ws.id, version.training.key)
            if one.version in (version.version, None)
        ]
    moved, unsaid = _drift(ws, version)
    data = {
        **_told(version, found),
        "drift": moved,
        "alarms": moved.alarms if moved else (unsaid,),
        "lives": lives,
    }
    answer(data, as_json, lambda out: _show_whole(out, version, found, moved, unsaid, lives))


@model.command("activate")
@click.argument("name", metavar="KEY@V")
@click.option("--reason", default="", help="Why, for the history; needed with --force.")
@click.option("--force", is_flag=True, help="Without a passing backtest report; kept and shown.")
@installation_option
@json_option
def activate_command(name: str, reason: str, force: bool, installation: str | None, as_json: bool) -> None:
    """Bring a version into force: from now on it stands on the record. Needs a passing backtest report.

    Example: colonnade model activate churn@1
    """
    ws = _workspace(installation)
    version = version_named(ws, name)
    asked = Activation(version.training.key, version.version, getpass.getuser(), reason, force)
    life = activate(ws, asked, KeptReports(ws))
    how = f", forced: {life.reason}" if life.forced else ""
    answer(life, as_json, lambda out: out.print(f"In force: {version.name}{how}.", markup=False))


@model.command("deactivate")
@click.argument("key")
@click.option("--reason", default="", help="Why, for the history.")
@installation_option
@json_option
def deactivate_command(key: str, reason: str, installation: str | None, as_json: bool) -> None:
    """Take a model out of force: what it told is taken back from the record.

    Example: colonnade model deactivate churn --reason "the base rate moved"
    """
    life = deactivate(_workspace(installation), key, getpass.getuser(), reason)
    answer(life, as_json, lambda out: out.print(f"{key} is out of force.", markup=False))


def _workspace(installation: str | None) -> Workspace:
    runtime = open_runtime(read_settings())
    return open_workspace(runtime, installation or only_installation(runtime))


def _drift(ws: Workspace, version: Version) -> tuple[Drift | None, str]:
    """Return how the world moved since, or why that cannot be said."""
    try:
        return drift_of(ws, version), ""
    except StateError as error:
        return None, str(error)


def _about(version: Version) -> dict[str, object]:
    training = version.training
    return {
        "name": version.name,
        "key": training.key,
        "version": version.version,
        "definition": training.definition,
        "content_hash": training.content_hash,
        "charter_hash": training.charter_hash,
        "trained_at": training.trained_at,
        "first_day": training.first_day,
        "last_day": training.last_day,
        "horizon_days": training.horizon_days,
    }


def _told(version: Version, found: Model) -> dict[str, object]:
    return {
        **_about(version),
        "rung": found.rung,
        "evidence": found.evidence,
        "strength": found.strength,
        "trained": asdict(found.trained),
        "calibration": found.calibration,
        "terms": [
            {"feature": BASE, "log_odds": found.base / 1_000_000},
            *(term for feature in found.features for term in _terms(feature)),
        ],
    }


def _terms(feature: Feature) -> Iterator[dict[str, object]]:
    for one in feature.encoded:
        yield {
            "feature": feature.name,
            "word": one.level,
            "log_odds_per_spread": one.weight / 1_000_000,
            "expert": one.prior / 1_000_000,
            "centre": float(one.centre),
            "spread": float(one.spread),
            "scale": one.scale,
            "against_direction": feature.against,
        }


def _show(out: Console, version: Version, found: Model) -> None:
    training, counts = version.training, found.trained
    span = f"{training.first_day} to {training.last_day}" if training.first_day else "no past"
    out.print(
        f"{version.name} ({training.content_hash[:12]}), trained {training.trained_at} on {span}: "
        f"{counts.rows} rows of {counts.accounts} accounts, {counts.events} churns within "
        f"{training.horizon_days} days.",
        markup=False,
    )
    out.print(f"Rung: {found.rung.value}, {found.evidence} evidence; {held_out(found)}.", markup=False)
    rows = [("Base", "", str(shown_log_odds(found.base)), "")]
    rows += [row for feature in found.features for row in _rows(feature)]
    out.print(table("Log-odds of churn", ("feature", "word", "per spread", "expert"), rows))


def _rows(feature: Feature) -> Iterator[tuple[str, str, str, str]]:
    name = f"{title(feature.name)}{' (against its direction: counts nothing)' if feature.against else ''}"
    for one in feature.encoded:
        yield name, one.level or "", f"{shown_log_odds(one.weight):+}", f"{shown_log_odds(one.prior):+}"


def _show_whole(
    out: Console, version: Version, found: Model, moved: Drift | None, unsaid: str, lives: list[Life]
) -> None:
    _show(out, version, found)
    if moved is None:
        out.print(f"Drift: {unsaid}.", markup=False)
    else:
        rows = [
            (title(one.feature), one.psi / 1000, one.chance / 1000, "alarm" if one.alarm else "")
            for one in moved.shifts
        ]
        out.print(table("Spread since training (PSI)", ("feature", "PSI", "by chance", ""), rows))
        out.print(f"Alarms: {'; '.join(moved.alarms) or 'none'}.", markup=False)
    for one in lives:
        what = "out of force" if one.version is None else "forced" if one.forced else "in force"
        out.print(f"{one.effective_at}: {what}, by {one.author}. {one.reason}", markup=False)
