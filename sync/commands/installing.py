"""``colonnade install``: connect a portal or org, show the plan, apply it."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console

from mappings.load import load_charter
from sync.commands.output import answer, json_option, table
from sync.config import read_settings
from sync.install import InstallPlan
from sync.onboard import apply_charter, apply_install, connect_installation, plan_install
from sync.runtime import open_runtime
from sync.state.errors import StateError
from sync.workspace import open_workspace

DEFAULT_CHARTER = Path(__file__).parents[2] / "mappings" / "charters" / "default.yaml"


@click.command()
@click.argument("vendor", type=click.Choice(["hubspot", "salesforce"]))
@click.option(
    "--credentials",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="A JSON file: `kind` and what that kind of credential needs.",
)
@click.option("--url", default="", help="The API's address, where it is not the vendor's own.")
@click.option(
    "--charter",
    "charter_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_CHARTER,
    help="The charter to bring into force.",
)
@click.option("--plan", "mode", flag_value="plan", default=True, help="Say what would be done (default).")
@click.option("--apply", "mode", flag_value="apply", help="Do it.")
@json_option
def install(vendor: str, credentials: Path, url: str, charter_file: Path, mode: str, as_json: bool) -> None:
    """Connect a portal or org and install into it, by plan and apply.

    Example: colonnade install hubspot --credentials hubspot.json --plan
    """
    charter = load_charter(charter_file, vendor)
    runtime = open_runtime(read_settings())
    client = _read_credentials(credentials)
    found = connect_installation(runtime, vendor, url, client, charter.time_zone)
    apply_charter(runtime, found.id, charter, author="colonnade install")
    ws = open_workspace(runtime, found.id)
    plan = plan_install(ws)
    results = apply_install(ws, plan) if mode == "apply" else []
    data = {
        "installation": found.id,
        "applied": mode == "apply",
        "steps": plan.steps,
        "questions": plan.questions,
        "results": results,
        "calls": ws.port.calls.total,
    }
    answer(data, as_json, lambda console: _show(console, plan, mode, found.id))
    refused = [one for one in results if not one.done]
    if refused:
        raise click.ClickException("; ".join(f"{one.object}: {one.message}" for one in refused))


def _read_credentials(path: Path) -> dict[str, str]:
    """Return the credentials; never shows what is in them. Raises ValueError naming the file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path}: the credentials cannot be read: {type(error).__name__}; "
            "give a JSON object with `kind` and what that kind needs"
        ) from error
    if not isinstance(found, dict):
        raise StateError(f"{path}: the credentials are no JSON object; give `kind` and what that kind needs")
    return {str(name): str(value) for name, value in found.items()}


def _show(console: Console, plan: InstallPlan, mode: str, installation_id: str) -> None:
    rows = [
        (
            step.object,
            "create" if step.creates_object else "extend" if step.adds else "as it should be",
            ", ".join(step.adds),
            len(step.right),
        )
        for step in plan.steps
    ]
    console.print(
        table(f"Install plan for {installation_id}", ("object", "what", "fields to add", "right"), rows)
    )
    for question in plan.questions:
        console.print(f"[red]To be settled first:[/red] {question}")
    if plan.is_empty:
        console.print("Everything is there already; nothing to do.")
    else:
        console.print("Applied." if mode == "apply" else "Nothing was changed; run again with --apply.")
