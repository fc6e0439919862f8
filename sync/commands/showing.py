"""``colonnade explain`` and ``doctor``: why an account stands where it does, and what is wrong."""

from __future__ import annotations

import click
from rich.console import Console

from integration.record_ids import name_of_account
from success.decide import Decision
from success.explain import explain as explanation
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
from sync.commands.output import answer, json_option, table
from sync.config import read_settings
from sync.numbers import decisions, portfolio
from sync.onboard import every_installation
from sync.owners import UNREAD, UNSEEDED, AccountOwner, owner_of
from sync.runtime import Runtime, open_runtime
from sync.state import findings, ledger, mirror
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
@json_option
def explain(account: str, installation: str | None, as_json: bool) -> None:
    """Say how an account's health comes about, point by point. ACCOUNT is its CRM id or its name.

    Example: colonnade explain "Acme Inc" --installation hubspot-24680135
    """
    runtime = open_runtime(read_settings())
    ws = open_workspace(runtime, installation or _only_installation(runtime))
    key = _account_id(ws, account)
    today = ws.day_of(ws.now())
    found = portfolio(ws, today, account_ids=[key])
    decided = decisions(ws, found).get(key)
    if decided is None:
        raise StateError(
            f"nothing is known of {account!r} on {today}; it may be deleted or merged in the CRM"
        )
    with reading(runtime.engine) as conn:
        owner = owner_of(conn, ws, found.facts[key].account.owner_id)
    data = {
        "account_id": key,
        "owner": owner,
        "as_of": today,
        "health": decided.health,
        "milestones": decided.milestones,
        "records": decided.records,
    }
    answer(data, as_json, lambda out: _show_account(out, _told(decided, owner), decided.records))


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Say what is wrong and what to do. Exit code 1 when something is.

    Example: colonnade doctor
    """
    runtime = open_runtime(read_settings())
    known = [one for one in every_installation(runtime) if one.status not in ENDED]
    found = [matter for one in known for matter in _matters(runtime, one)]
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
    return [*found, *of_reading(ws), *of_listening(ws), *of_usage(ws), *_of_records(ws)]


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


def _only_installation(runtime: Runtime) -> str:
    found = every_installation(runtime)
    if len(found) != 1:
        names = ", ".join(one.id for one in found) or "none"
        raise StateError(f"name one with --installation; connected: {names}")
    return found[0].id


def _account_id(ws: Workspace, account: str) -> str:
    """Return the account's CRM id, given it or the account's name.

    Raises StateError for a name of none, or of several.
    """
    reads = ws.inbound.crm.reads.account
    account = name_of_account(ws.vendor, account)
    with reading(ws.runtime.engine) as conn:
        if account in mirror.find(conn, ws.id, reads.object, [account]):
            return account
        held = mirror.current(conn, ws.id, reads.object)
    field = reads.fields.name.field or ""
    named = [one.source_id for one in held if one.values.get(field) == account]
    if len(named) != 1:
        raise StateError(f"{len(named)} accounts of {ws.id} are called {account!r}; give the CRM's id")
    return named[0]


def _told(decided: Decision, owner: AccountOwner | None) -> str:
    """Return whose the account is and how its health comes about."""
    if owner is None:
        whose = "Nobody owns it."
    elif owner.name is None:
        whose = f"Owner: {owner.id}, of whom nothing was read."
    else:
        address = f" ({owner.email})" if owner.email and owner.email != owner.name else ""
        whose = f"Owner: {owner.name}{address}{', who left' if owner.archived else ''}."
    return f"{whose}\n{explanation(decided.health)}"


def _show_account(out: Console, text: str, records: tuple[object, ...]) -> None:
    out.print(text, markup=False)
    for record in records:
        line = f"  {getattr(record, 'key', '')}: {getattr(record, 'reason', '')}"
        out.print(line, style="dim", markup=False)
