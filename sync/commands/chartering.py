"""``colonnade charter``: its schema, its checks, and its life per installation."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

import click
from rich.console import Console

from mappings.charter import Charter, content_hash, json_schema, rules_of
from mappings.load import load_charter
from success.decide import decide
from success.fold import FoldState
from sync.commands.output import answer, json_option, table
from sync.config import read_settings
from sync.facts import Moment, assemble, known
from sync.install import make_plan
from sync.onboard import apply_charter, rollback_charter
from sync.runtime import Runtime, open_runtime
from sync.state import charters, fold, installations
from sync.state.engine import reading
from sync.workspace import Workspace, open_workspace

CHARTER_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def charter() -> None:
    """Check, plan, apply and roll back charters."""


@charter.command()
def schema() -> None:
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
    """Say what a charter would change: accounts by band and stage, deals opened, fields, calls.

    Example: colonnade charter plan hubspot-24680135 charter.yaml
    """
    runtime = open_runtime(read_settings())
    ws = open_workspace(runtime, installation)
    new = load_charter(file, ws.vendor)
    changes = _changes(ws, new)
    fields = make_plan(ws.port, new)
    data = {
        "installation": installation,
        "content_hash": content_hash(new),
        "accounts": changes,
        "fields": fields.steps,
        "questions": fields.questions,
        "calls": ws.port.calls.total,
    }
    answer(data, as_json, lambda out: _show_plan(out, changes, len(fields.changes)))


@charter.command()
@click.argument("installation")
@click.argument("file", type=CHARTER_FILE)
@click.option("--reason", default="", help="Why, for the history.")
@json_option
def apply(installation: str, file: Path, reason: str, as_json: bool) -> None:
    """Bring a charter into force from now on.

    Example: colonnade charter apply hubspot-24680135 charter.yaml --reason "new bands"
    """
    runtime = open_runtime(read_settings())
    life = apply_charter(
        runtime, installation, load_charter(file, _vendor(runtime, installation)), getpass.getuser(), reason
    )
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
@json_option
def rollback(installation: str, reason: str, as_json: bool) -> None:
    """Bring back the charter applied before the one in force.

    Example: colonnade charter rollback hubspot-24680135 --reason "too many reds"
    """
    life = rollback_charter(open_runtime(read_settings()), installation, getpass.getuser(), reason)
    answer(life, as_json, lambda out: out.print(f"In force again: {life.content_hash[:12]}."))


def _vendor(runtime: Runtime, installation: str) -> str:
    with reading(runtime.engine) as conn:
        return installations.get(conn, installation).vendor


def _changes(ws: Workspace, new: Charter) -> list[dict[str, object]]:
    """Return the accounts whose band, stage or open deals would be others under ``new``."""
    today, rules = ws.day_of(ws.now()), rules_of(new)
    with reading(ws.runtime.engine) as conn:
        facts = known(conn, ws, assemble(conn, ws, None, Moment(today)).facts)
        states = fold.newest(conn, ws.id, list(facts), today)
    changes: list[dict[str, object]] = []
    for key, one in facts.items():
        state = FoldState.from_json(states[key].state) if key in states else FoldState.empty()
        before, after = decide(state, one, ws.rules, today), decide(state, one, rules, today)
        if before.health.band != after.health.band:
            changes.append(
                {
                    "account": one.account.name,
                    "account_id": key,
                    "band": {"from": before.health.band, "to": after.health.band},
                }
            )
    return changes


def _show_plan(out: Console, changes: list[dict[str, object]], schema_changes: int) -> None:
    rows = [(one["account"], one["band"]["from"], one["band"]["to"]) for one in changes]  # type: ignore[index]
    out.print(table(f"{len(rows)} accounts would change band", ("account", "from", "to"), rows))
    out.print(f"{schema_changes} objects would get new fields.")
