"""``colonnade uninstall``: take back what an install made. ``install`` is in ``installing``."""

from __future__ import annotations

import click
from rich.console import Console

from integration.parts import OwnedPart, PartKind
from sync.commands.output import answer, json_option, rows_bar, table
from sync.config import read_settings
from sync.runtime import open_runtime
from sync.uninstall import Uninstalled, UninstallPlan, apply_uninstall, plan_uninstall
from sync.workspace import open_workspace


@click.command()
@click.argument("installation")
@click.option(
    "--plan", "mode", flag_value="plan", default=True, help="Say what would go and what stays (default)."
)
@click.option("--apply", "mode", flag_value="apply", help="Do it.")
@click.option("--keep-data", is_flag=True, help="Take back lists, reports and dashboards only.")
@json_option
def uninstall(installation: str, mode: str, keep_data: bool, as_json: bool) -> None:
    """Take back what an install made: lists, labels, pages, rights, fields, objects and their records.

    What stood there before stays, whatever its name; so do the deals and tasks we opened. No job works
    for the installation afterwards; `colonnade disconnect` ends the connection itself.

    Example: colonnade uninstall hubspot-24680135 --plan
    """
    ws = open_workspace(open_runtime(read_settings()), installation)
    plan = plan_uninstall(ws, keep_data=keep_data)
    done = None
    if mode == "apply":
        with rows_bar() as bar:
            tasks = {
                one.object: bar.add_task(f"Taking back {one.object}", total=one.ours) for one in plan.records
            }
            done = apply_uninstall(ws, plan, lambda name, rows: bar.advance(tasks[name], rows))
    data = {
        "installation": installation,
        "applied": done is not None,
        "keep_data": keep_data,
        "parts": [_as_data(one) for one in plan.parts],
        "kept": [_as_data(one) for one in plan.kept],
        "records": plan.records,
        "stays": plan.stays,
        "notes": plan.notes,
        "removals": [] if done is None else done.removals,
        "records_archived": 0 if done is None else done.records,
        "calls": ws.port.calls.total,
    }
    answer(data, as_json, lambda out: _show(out, installation, plan, done))
    if done is not None and done.refused:
        left = "; ".join(f"{one.part}: {one.message}" for one in done.refused)
        raise click.ClickException(f"{len(done.refused)} parts still stand ({left}); mend that and run again")


def _as_data(one: OwnedPart) -> dict[str, str | None]:
    part = one.part
    return {"kind": part.kind.value, "object": part.object, "name": part.name, "id": one.crm_id}


def _show(out: Console, installation: str, plan: UninstallPlan, done: Uninstalled | None) -> None:
    rows = [
        (kind.value, name, ", ".join(names))
        for kind in PartKind
        for name, names in sorted(_names(plan.parts, kind).items())
    ]
    if rows:
        out.print(table(f"Uninstall plan for {installation}", ("what", "of", "goes"), rows))
    for one in plan.records:
        if one.ours:
            out.print(f"{one.object}: {one.ours} of our records go with the object, for good.")
    for name, count in plan.stays.items():
        out.print(f"{name}: {count} that we opened stay, because people work with them.")
    for note in plan.notes:
        out.print(f"Note: {note}", markup=False)
    if plan.kept:
        out.print(f"{len(plan.kept)} parts stay with what is in them (--keep-data).")
    if done is None:
        nothing = "Nothing of ours is left; nothing to do."
        out.print(nothing if plan.is_empty else "The CRM was not changed; run again with --apply.")
        return
    gone = sum(one.gone for one in done.removals)
    out.print(f"Taken back: {gone} parts and {done.records} records.")
    out.print(f"The connection stands; `colonnade disconnect {installation}` ends it.")


def _names(parts: tuple[OwnedPart, ...], kind: PartKind) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in parts:
        if one.part.kind is kind:
            found.setdefault(one.part.object, []).append(one.part.name)
    return found
