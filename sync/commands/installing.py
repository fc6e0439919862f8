"""``colonnade install``: connect a portal or org, show the plan, apply it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from inspect import Parameter, signature
from pathlib import Path

import click
from rich.console import Console

from integration.parts import PartKind
from integration.port import CrmDescription, CrmPort, Misconfigured, NeedsConsent
from integration.salesforce.ids import long_id
from mappings.charter import Charter
from mappings.load import load_charter
from sync.commands.output import Unusable, answer, json_option, table
from sync.config import read_settings
from sync.connect import CREDENTIALS, kind_of
from sync.homes import pinned_homes
from sync.install import InstallPlan, make_plan
from sync.install_apply import owned_parts
from sync.install_steps import Outcome
from sync.onboard import apply_charter, apply_install, connect_installation, pin_namespace, plan_install
from sync.runtime import Runtime, open_runtime
from sync.state import charters, installations
from sync.state.engine import reading
from sync.state.errors import StateError
from sync.state.installations import Installation
from sync.workspace import open_workspace

# HubSpot changelog "Legacy private app creation sunset": service keys are for REST calls only.
SERVICE_KEY_LACKS = (
    "no webhooks: changes arrive by polling, every few minutes",
    "no cards on records: what we write stands in fields and objects",
)
DEFAULT_CHARTER = Path(__file__).parents[2] / "mappings" / "charters" / "default.yaml"


@click.command()
@click.argument("vendor", type=click.Choice(["hubspot", "salesforce"]))
@click.option(
    "--credentials",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A JSON file: `kind` and what that kind of credential needs.",
)
@click.option(
    "--portal", help="A portal or org that is connected already, by its id, in place of credentials."
)
@click.option("--url", default="", help="The API's address, where it is not the vendor's own.")
@click.option(
    "--charter",
    "charter_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The charter to install for; by default the one in force, else that of CS_CHARTER, else ours.",
)
@click.option("--plan", "mode", flag_value="plan", default=True, help="Say what would be done (default).")
@click.option("--apply", "mode", flag_value="apply", help="Do it.")
@json_option
def install(
    vendor: str,
    credentials: Path | None,
    portal: str | None,
    url: str,
    charter_file: Path | None,
    mode: str,
    as_json: bool,
) -> None:
    """Connect a portal or org and install into it, by plan and apply.

    A plan changes nothing in the CRM; a charter already in force stays until an apply names another.

    Example: colonnade install hubspot --credentials hubspot.json --plan
    """
    settings = read_settings()
    charter = load_charter(charter_file or settings.charter or DEFAULT_CHARTER, vendor)
    if (credentials is None) == (portal is None):
        raise Unusable("give either --credentials FILE to connect, or --portal ID of one that is connected")
    runtime = open_runtime(settings)
    if credentials is None:
        with reading(runtime.engine) as conn:
            found = installations.get(conn, installations.installation_id(vendor, _account(vendor, portal)))
        pin_namespace(runtime, found.id)
    else:
        if vendor == "salesforce" and not url:
            raise Unusable("--url is missing: give where the org signs in, its My Domain or login host")
        found = _connect(runtime, vendor, url, credentials, charter, charter_file)
    if not _in_force(runtime, found.id):
        apply_charter(runtime, found.id, charter, author="colonnade install")
    ws = open_workspace(runtime, found.id)
    plan = plan_install(ws, charter if charter_file else None)
    if mode == "apply":
        _refuse_questions(plan, charter_file)
        if charter_file:
            apply_charter(runtime, found.id, charter, author="colonnade install")
    results = apply_install(open_workspace(runtime, found.id), plan) if mode == "apply" else []
    lacks = SERVICE_KEY_LACKS if kind_of(runtime, found.id) == "service_key" else ()
    data = {
        "installation": found.id,
        "applied": mode == "apply",
        "steps": plan.steps,
        "questions": plan.questions,
        "homes": {kind.value: home.value for kind, home in plan.homes.of.items()},
        "notes": plan.notes,
        "inspection": plan.inspection,
        "parts": [
            {"part": str(one.part), "outcome": one.outcome.value, "why": one.why} for one in plan.parts
        ],
        "calls_to_apply": plan.calls,
        "results": results,
        "lacks": lacks,
        "calls": ws.port.calls.total,
    }
    answer(data, as_json, lambda console: _show(console, plan, mode, found.id, lacks))
    refused = [one for one in results if not one.done and one.required]
    if refused:
        told = "; ".join(f"{one.object}: {one.message}" for one in refused)
        rest = "Nothing was changed" if plan.survey.package else "The rest was done"
        raise click.ClickException(f"{told}. {rest}; mend what is named and apply again")
    _refuse_questions(plan, charter_file)


def _refuse_questions(plan: InstallPlan, charter_file: Path | None) -> None:
    """Raise Unusable where something is to be settled first, naming who asks for it: charter or CRM."""
    refused = plan.refusals
    asked = [one for one in plan.questions if one not in refused]
    told = [f"{charter_file or 'the charter'}: {'; '.join(asked)}"] if asked else []
    told += [f"what would be installed is refused: {'; '.join(refused)}"] if refused else []
    if told:
        raise Unusable(f"{'. '.join(told)}. Nothing was installed; settle this and run again")


def _connect(
    runtime: Runtime, vendor: str, url: str, credentials: Path, charter: Charter, charter_file: Path | None
) -> Installation:
    """Connect by a file, a portal or org that can be installed into.

    Raises Unusable naming the file where it opens nothing, or what is to be settled first.
    """
    client = _read_credentials(credentials)
    _check_names(credentials, vendor, client)

    def check(port: CrmPort, who: CrmDescription) -> None:
        installation_id = installations.installation_id(vendor, who.account_id)
        if not _in_force(runtime, installation_id):
            _refuse_questions(make_plan(port, charter), charter_file)
            return
        ws = open_workspace(runtime, installation_id)
        planned = charter if charter_file else ws.charter
        pinned = pinned_homes(ws.installation.settings)
        _refuse_questions(make_plan(port, planned, pinned, owned_parts(ws)), charter_file)

    try:
        return connect_installation(runtime, vendor, url, client, charter.time_zone, check)
    except (NeedsConsent, Misconfigured) as error:
        raise Unusable(
            f"{credentials}: {vendor} does not let us in with these ({error}); correct them and run again"
        ) from error


def _account(vendor: str, given: str | None) -> str:
    """Return a portal's or org's id as it is kept; an org may be named by its 15 characters."""
    try:
        return long_id(str(given)) if vendor == "salesforce" else str(given)
    except ValueError as error:
        raise Unusable(f"--portal: {error}") from error


def _in_force(runtime: Runtime, installation_id: str) -> bool:
    with reading(runtime.engine) as conn:
        return charters.current(conn, installation_id, runtime.clock.now()) is not None


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


def _check_names(path: Path, vendor: str, client: Mapping[str, str]) -> None:
    """Raise Unusable naming what the kind of credentials lacks, or has no use for."""
    kinds = CREDENTIALS[vendor]
    kind = client.get("kind", "")
    if kind not in kinds:
        raise Unusable(
            f"{path}: these are no {vendor} credentials: `kind` is {kind!r}; give one of: {', '.join(kinds)}"
        )
    known = signature(kinds[kind]).parameters
    given = client.keys() - {"kind"}
    missing = [name for name, one in known.items() if one.default is Parameter.empty and name not in given]
    wrong = [f"`{name}` is missing" for name in missing]
    wrong += [f"`{name}` is unknown" for name in sorted(given - known.keys())]
    if wrong:
        takes = ", ".join(f"`{name}`" for name in known)
        raise Unusable(f"{path}: these are no {vendor} credentials: {', '.join(wrong)}; {kind} takes {takes}")


def _show(console: Console, plan: InstallPlan, mode: str, installation_id: str, lacks: Sequence[str]) -> None:
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
    for line in _inspected(plan):
        console.print(line, markup=False)
    for line in _beside_fields(plan):
        console.print(line, markup=False)
    for note in plan.notes:
        console.print(f"Note: {note}", markup=False)
    for question in plan.questions:
        console.print(f"To be settled first: {question}", style="red", markup=False)
    for lack in lacks:
        console.print(f"A service key has {lack}.")
    if plan.is_empty:
        console.print("Everything is there already; nothing to do.")
    else:
        package = plan.survey.package
        deploys = package is not None and package.step is not None and package.step.archive
        asks = ", and asks how far the deploy is until it has ended" if deploys else ""
        console.print(f"An apply makes {plan.calls} {'call' if plan.calls == 1 else 'calls'}{asks}.")
        console.print("Applied." if mode == "apply" else "The CRM was not changed; run again with --apply.")


def _beside_fields(plan: InstallPlan) -> Iterator[str]:
    """Yield what is done about parts the table does not show; what cannot be is among the notes."""
    for one in plan.parts:
        plain = one.part.kind in (PartKind.FIELD, PartKind.OBJECT) and one.outcome is Outcome.CREATE
        if one.outcome not in (Outcome.RIGHT, Outcome.CANNOT) and not plain:
            yield f"{one.outcome.value.capitalize()}: {one.part}" + (f" ({one.why})" if one.why else "")


def _inspected(plan: InstallPlan) -> Iterator[str]:
    """Yield what an admin should know of the portal: its kind, its people, its limits."""
    found = plan.inspection
    if found.account_type:
        has = "with" if found.custom_objects else "without"
        yield f"Account: {found.account_type.lower()}, {has} custom objects"
    if found.owners is not None:
        yield f"Owners: {found.owners}, and {found.archived_owners or 0} archived"
    if found.limits:
        yield "In use: " + "; ".join(str(one) for one in found.limits)
