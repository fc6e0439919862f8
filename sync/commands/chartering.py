"""``colonnade charter``: its schema, its checks, and its life per installation."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

import click
from rich.console import Console

from mappings.charter import content_hash, json_schema
from mappings.load import load_charter
from sync.charter_plan import CharterPlan, plan_charter
from sync.commands.output import Unusable, answer, json_option, table
from sync.config import read_settings
from sync.install import InstallPlan
from sync.least_calls import calls_to_write
from sync.numbers import portfolio
from sync.onboard import apply_charter, plan_install, rollback_charter
from sync.runtime import Runtime, open_runtime
from sync.state import charters, installations
from sync.state.engine import reading
from sync.workspace import open_workspace

UNREASONED = "--force-unvalidated needs a --reason, which is stored and shown"
CHARTER_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def charter() -> None:
    """Check, plan, apply and roll back charters."""


@charter.command()
@json_option
def schema(as_json: bool) -> None:  # noqa: ARG001 - a schema is JSON either way
    """Print the JSON Schema of a charter, for editors.

    Example: colonnade charter schema > charter.schema.json
    """
    click.echo(json.dumps(json_schema(), indent=2))


@charter.command()
@click.argument("file", type=CHARTER_FILE)
@click.option("--vendor", type=click.Choice(["hubspot", "salesforce"]), required=True)
@json_option
def check(file: Path, vendor: str, as_json: bool) -> None:
    """Report every mistake of a charter at once, by line and column.

    Example: colonnade charter check charter.yaml --vendor hubspot
    """
    found = load_charter(file, vendor)
    data = {"file": str(file), "content_hash": content_hash(found)}
    answer(data, as_json, lambda out: out.print(f"{file} is in order ({data['content_hash'][:12]})."))


@charter.command()
@click.argument("installation")
@click.argument("file", type=CHARTER_FILE)
@json_option
def plan(installation: str, file: Path, as_json: bool) -> None:
    """Say what a charter would change: bands, stages, records by tomorrow, fields, calls. Changes nothing.

    Example: colonnade charter plan hubspot-24680135 charter.yaml
    """
    runtime = open_runtime(read_settings())
    ws = open_workspace(runtime, installation)
    new = load_charter(file, ws.vendor)
    changes = plan_charter(ws, portfolio(ws, ws.day_of(ws.now())), new)
    fields = plan_install(ws, new)
    data = {
        "installation": installation,
        "content_hash": content_hash(new),
        "accounts": changes.accounts,
        "records": changes.records,
        "rows": changes.rows,
        "fields": fields.steps,
        "questions": fields.questions,
        "calls": {"to_write": calls_to_write(ws.vendor, changes.rows), "made": ws.port.calls.total},
    }
    answer(data, as_json, lambda out: _show_plan(out, ws.vendor, changes, fields))


@charter.command()
@click.argument("installation")
@click.argument("file", type=CHARTER_FILE)
@click.option("--reason", default="", help="Why, for the history.")
@click.option("--force-unvalidated", is_flag=True, help="Do without a passing backtest; needs --reason.")
@json_option
def apply(installation: str, file: Path, reason: str, force_unvalidated: bool, as_json: bool) -> None:
    """Bring a charter into force from now on.

    Example: colonnade charter apply hubspot-24680135 charter.yaml --reason "new bands"
    """
    if force_unvalidated and not reason.strip():
        raise Unusable(UNREASONED)
    runtime = open_runtime(read_settings())
    read = load_charter(file, _vendor(runtime, installation))
    life = apply_charter(runtime, installation, read, getpass.getuser(), reason, force_unvalidated)
    answer(
        life, as_json, lambda out: out.print(f"In force: {life.content_hash[:12]} since {life.effective_at}.")
    )


@charter.command()
@click.argument("installation")
@json_option
def history(installation: str, as_json: bool) -> None:
    """List which charters were in force, oldest first.

    Example: colonnade charter history hubspot-24680135
    """
    runtime = open_runtime(read_settings())
    with reading(runtime.engine) as conn:
        installations.get(conn, installation)
        past = charters.history(conn, installation)
    rows = [
        (one.seq, one.content_hash[:12], one.action.value, one.author, one.effective_at, one.reason)
        for one in past
    ]
    columns = ("#", "charter", "action", "author", "in force from", "reason")
    answer(past, as_json, lambda out: out.print(table(installation, columns, rows)))


@charter.command()
@click.argument("installation")
@click.option("--reason", default="", help="Why, for the history.")
@click.option("--force-unvalidated", is_flag=True, help="Do without a passing backtest; needs --reason.")
@json_option
def rollback(installation: str, reason: str, force_unvalidated: bool, as_json: bool) -> None:
    """Bring back the charter applied before the one in force.

    Example: colonnade charter rollback hubspot-24680135 --reason "too many reds"
    """
    if force_unvalidated and not reason.strip():
        raise Unusable(UNREASONED)
    runtime = open_runtime(read_settings())
    with reading(runtime.engine) as conn:
        installations.get(conn, installation)
    life = rollback_charter(runtime, installation, getpass.getuser(), reason, force_unvalidated)
    answer(life, as_json, lambda out: out.print(f"In force again: {life.content_hash[:12]}."))


def _vendor(runtime: Runtime, installation: str) -> str:
    with reading(runtime.engine) as conn:
        return installations.get(conn, installation).vendor


def _show_plan(out: Console, vendor: str, changes: CharterPlan, fields: InstallPlan) -> None:
    names = ("band", "segment", "stage")
    columns = ("account", *(column for name in names for column in (name, "would be")))
    rows = [
        (one.account, *(side[name] for name in names for side in (one.before, one.after)))
        for one in changes.accounts
    ]
    out.print(table(f"{len(rows)} accounts would change band, segment or stage", columns, rows))
    told = [
        (one.key, "appears" if one.appears else "no longer wanted", one.reason) for one in changes.records
    ]
    out.print(table(f"{len(told)} records would come or go by tomorrow", ("record", "what", "reason"), told))
    written, calls = sum(changes.rows.values()), calls_to_write(vendor, changes.rows)
    out.print(f"{written} rows would be written, in about {calls} calls.")
    adds = [f"{step.object}.{name}" for step in fields.steps for name in step.adds]
    out.print(f"{len(adds)} fields would be added in the CRM{': ' if adds else ''}{', '.join(adds)}.")
    for question in fields.questions:
        out.print(f"To be settled first: {question}", markup=False)
