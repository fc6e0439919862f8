"""``colonnade explain`` and ``doctor``: why an account stands where it does, and what is wrong."""

from __future__ import annotations

from datetime import datetime

import click
from rich.console import Console

from success.decide import Decision
from success.desired import RecordKind
from success.explain import explain as explanation
from success.explain_change import explain_change
from success.wording.words import Words
from sync.backtest_gate import SCORECARD, Ground, validations
from sync.commands.diagnosis import (
    HUBSPOT,
    Diagnosis,
    Severity,
    of_api_version,
    of_connection,
    of_listening,
    of_org,
    of_reading,
    of_scopes,
    of_usage,
)
from sync.commands.look_matters import of_compares, of_looks
from sync.commands.metrics import DAY
from sync.commands.model_matters import of_models
from sync.commands.output import answer, json_option, table
from sync.commands.surface_matters import of_surface
from sync.commands.work_matters import of_deployment, of_work
from sync.config import read_settings
from sync.explaining import account_meant, change_since
from sync.numbers import decisions, portfolio
from sync.onboard import every_installation
from sync.owners import UNREAD, UNSEEDED, AccountOwner, owner_of
from sync.runtime import Runtime, open_runtime
from sync.state import findings, ledger
from sync.state.engine import reading
from sync.state.errors import StateError
from sync.state.installations import ENDED, Installation
from sync.storage import STORAGE_FULL
from sync.taken import NORMALISED
from sync.workspace import Workspace, open_workspace

SHOWN = 20


@click.command()
@click.argument("account")
@click.option("--installation", help="Needed where more than one is connected.")
@click.option("--since", type=DAY, help="Say too why health is not what it was at the end of that day.")
@json_option
def explain(account: str, installation: str | None, since: datetime | None, as_json: bool) -> None:
    """Say how an account's health comes about. ACCOUNT is its CRM id, its key or its exact name.

    Example: colonnade explain "Acme Inc" --since 2026-06-01 --installation hubspot-24680135
    """
    runtime = open_runtime(read_settings())
    ws = open_workspace(runtime, installation or only_installation(runtime))
    key = account_meant(ws, account)
    today = ws.day_of(ws.now())
    found = portfolio(ws, today, account_ids=[key])
    decided = decisions(ws, found).get(key)
    if decided is None:
        raise StateError(
            f"nothing is known of {account!r} on {today}; it may be deleted or merged in the CRM"
        )
    with reading(runtime.engine) as conn:
        owner = owner_of(conn, ws, found.facts[key].account.owner_id)
    words = Words(ws.rules.language)
    moved = None if since is None else change_since(ws, found, key, since.date())
    data: dict[str, object] = {
        "account_id": key,
        "owner": owner,
        "as_of": today,
        "standing": _standing(decided),
        "health": decided.health,
        "validation": validations(ws),
        "milestones": decided.milestones,
        "records": decided.records,
    }
    if moved is not None:
        data["change"] = moved
    told = "\n".join([_whose(owner), _where(decided), explanation(decided.health, words)])
    told += "".join(f"\n{one.kind.title()} {one.subject}: {one.told}." for one in validations(ws))
    if moved is not None:
        told = f"{told}\n\n{explain_change(moved, words)}"
    answer(data, as_json, lambda out: _show_account(out, told, decided.records))


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Say what is wrong and what to do. Exit code 1 when something is.

    Example: colonnade doctor
    """
    runtime = open_runtime(read_settings())
    known = [one for one in every_installation(runtime) if one.status not in ENDED]
    found = [*of_surface(runtime), *of_deployment(runtime)]
    found += [matter for one in known for matter in _matters(runtime, one)]
    answer(found, as_json, lambda out: _show_matters(out, found))
    if any(one.severity is Severity.WRONG for one in found):
        raise SystemExit(1)


def _matters(runtime: Runtime, one: Installation) -> list[Diagnosis]:
    found = of_connection(runtime, one)
    if one.vendor == HUBSPOT:
        found += of_api_version(one.id, runtime.clock.now().date())
    try:
        ws = open_workspace(runtime, one.id)
    except StateError as error:
        return [*found, Diagnosis(one.id, str(error), "apply a charter")]
    if not any(matter.severity is Severity.WRONG for matter in found):
        found += [*of_scopes(runtime, ws), *of_org(ws)]
    return [
        *found,
        *of_work(ws),
        *of_reading(ws),
        *of_looks(ws),
        *of_compares(ws),
        *of_listening(ws),
        *of_usage(ws),
        *of_models(ws),
        *_of_records(ws),
        *_of_scores(ws),
    ]


def _of_scores(ws: Workspace) -> list[Diagnosis]:
    """Return the scorecards in force that were meant to be validated and are not; models speak elsewhere."""
    remedy = "run `colonnade backtest` again once there is more of a past"
    return [
        Diagnosis(ws.id, f"{one.kind} {one.subject}: {one.told}", remedy, Severity.NOTE)
        for one in validations(ws)
        if one.ground is Ground.FORCED and one.kind == SCORECARD
    ]


def _of_records(ws: Workspace) -> list[Diagnosis]:
    """Return what is wrong with what was read and written."""
    with reading(ws.runtime.engine) as conn:
        blocked = ledger.blocked(conn, ws.id)
        contradictions = findings.open_findings(conn, ws.id, "contradiction")
        normalised = findings.open_findings(conn, ws.id, NORMALISED)
        owners = [one for kind in (UNREAD, UNSEEDED) for one in findings.open_findings(conn, ws.id, kind)]
        full = findings.open_findings(conn, ws.id, STORAGE_FULL)
    found = [
        Diagnosis(
            ws.id,
            f"{row.object} {row.key}: {row.error_message}",
            "mend it in the CRM, then `colonnade sync retry`",
        )
        for row in blocked[:SHOWN]
    ]
    if contradictions:
        first = f"{contradictions[0].subject}: {contradictions[0].message}"
        matter = f"{len(contradictions)} records contradict the charter, first {first}"
        found.append(Diagnosis(ws.id, matter, "correct the record or the charter"))
    if normalised:
        first = f"{normalised[0].subject}: {normalised[0].message}"
        matter = f"{len(normalised)} values stand in another form than they were written in, first {first}"
        remedy = "none is needed; have the field's mapping or type agree if it should stand as sent"
        found.append(Diagnosis(ws.id, matter, remedy, Severity.NOTE))
    found += [Diagnosis(ws.id, one.message, "see to it in the CRM", Severity.NOTE) for one in owners[:SHOWN]]
    found += [Diagnosis(ws.id, one.message, "free or buy storage in the CRM") for one in full]
    if not ws.live:
        remedy = f"run `colonnade sync load {ws.id}`, then `sync live`"
        found.append(Diagnosis(ws.id, "it is not live yet", remedy))
    return found


def _show_matters(out: Console, found: list[Diagnosis]) -> None:
    wrong = [one for one in found if one.severity is Severity.WRONG]
    notes = [one for one in found if one.severity is Severity.NOTE]
    for title, part in (("What is wrong", wrong), ("Good to know", notes)):
        if part:
            rows = [(one.installation, one.matter, one.remedy) for one in part]
            out.print(table(title, ("installation", "matter", "what to do"), rows))
    if not wrong:
        out.print("Nothing is wrong.")


def only_installation(runtime: Runtime) -> str:
    """Return the one installation there is; raise StateError where there are others, or none."""
    found = every_installation(runtime)
    if len(found) != 1:
        names = ", ".join(one.id for one in found) or "none"
        raise StateError(f"name one with --installation; connected: {names}")
    return found[0].id


def _whose(owner: AccountOwner | None) -> str:
    """Return whose the account is."""
    if owner is None:
        return "Nobody owns it."
    if owner.name is None:
        return f"Owner: {owner.id}, of whom nothing was read."
    address = f" ({owner.email})" if owner.email and owner.email != owner.name else ""
    return f"Owner: {owner.name}{address}{', who left' if owner.archived else ''}."


def _standing(decided: Decision) -> dict[str, object]:
    """Return where the account stands and since when, and all it was before."""
    profile = next(one.fields for one in decided.records if one.kind is RecordKind.PROFILE)
    names = ("segment", "segment_since", "touch_model", "stage", "stage_since", "adoption_stages")
    stands = decided.standing
    return {name: profile.get(name) for name in names} | {
        "pinned": sorted(stands.pinned),
        "segments": stands.segment.changes if stands.segment else (),
        "stages": stands.stage.changes if stands.stage else (),
    }


def _where(decided: Decision) -> str:
    """Return where the account stands and since when."""
    stands = _standing(decided)
    touch = f", touch model {stands['touch_model']}" if stands["touch_model"] else ""
    return (
        f"Segment: {stands['segment']} since {stands['segment_since']}{touch}. "
        f"Stage: {stands['stage']} since {stands['stage_since']}."
    )


def _show_account(out: Console, text: str, records: tuple[object, ...]) -> None:
    out.print(text, markup=False, soft_wrap=True)
    for record in records:
        line = f"  {getattr(record, 'key', '')}: {getattr(record, 'reason', '')}"
        out.print(line, style="dim", markup=False)
