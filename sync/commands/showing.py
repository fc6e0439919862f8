"""``colonnade metrics``, ``explain`` and ``doctor``: what is known, why, and what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from rich.console import Console
from sqlalchemy import Connection

from integration.hubspot.versions import default_warning
from success.explain import explain as explanation
from sync.commands.output import answer, json_option, table
from sync.config import read_settings
from sync.connect import APP, CLIENT, kind_of
from sync.numbers import Metrics, decisions, portfolio
from sync.numbers import metrics as portfolio_metrics
from sync.onboard import every_installation
from sync.runtime import Runtime, open_runtime
from sync.state import findings, installations, ledger, mirror
from sync.state.engine import reading
from sync.state.errors import StateError
from sync.state.installations import Status
from sync.workspace import Workspace, open_workspace

DAY = click.DateTime(formats=["%Y-%m-%d"])
HUBSPOT = "hubspot"


@click.command()
@click.argument("installation")
@click.option("--as-of", type=DAY, help="The day asked about; today by default.")
@click.option("--known-at", type=DAY, help="As known at the end of that day (UTC); now by default.")
@json_option
def metrics(installation: str, as_of: datetime | None, known_at: datetime | None, as_json: bool) -> None:
    """Print the portfolio's ARR and retention, each with its policy.

    Example: colonnade metrics hubspot-24680135 --as-of 2024-12-31 --json
    """
    ws = open_workspace(open_runtime(read_settings()), installation)
    day = as_of.date() if as_of else ws.day_of(ws.now())
    moment = known_at.replace(hour=23, minute=59, second=59, tzinfo=UTC) if known_at else None
    found = portfolio_metrics(ws, portfolio(ws, day, moment))
    answer(found, as_json, lambda out: _show_metrics(out, found))


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
    decided = decisions(ws, portfolio(ws, today, account_ids=[key])).get(key)
    if decided is None:
        raise StateError(
            f"nothing is known of {account!r} on {today}; it may be deleted or merged in the CRM"
        )
    data = {
        "account_id": key,
        "as_of": today,
        "health": decided.health,
        "milestones": decided.milestones,
        "records": decided.records,
    }
    answer(data, as_json, lambda out: _show_account(out, explanation(decided.health), decided.records))


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Say what is wrong and what to do. Exit code 1 when something is.

    Example: colonnade doctor
    """
    runtime = open_runtime(read_settings())
    known = every_installation(runtime)
    ills = [ill for one in known for ill in _ills(runtime, one.id, one.status)]
    ills += [ill for one in known if one.vendor == HUBSPOT for ill in _ageing(one.id, runtime.clock.now())]
    answer(
        ills,
        as_json,
        lambda out: out.print(
            table(
                "What is wrong",
                ("installation", "matter", "what to do"),
                [tuple(ill.values()) for ill in ills],
            )
            if ills
            else "Nothing is wrong."
        ),
    )
    if ills:
        raise SystemExit(1)


def _ills(runtime: Runtime, installation: str, status: Status) -> list[dict[str, str]]:
    found = []
    if status is Status.NEEDS_CONSENT:
        found.append(("the CRM withdrew our access", _way_back(runtime, installation)))
    try:
        ws = open_workspace(runtime, installation)
    except StateError as error:
        return [{"installation": installation, "matter": str(error), "remedy": "apply a charter"}]
    with reading(runtime.engine) as conn:
        blocked = ledger.blocked(conn, installation)
        found += _sealed(runtime, conn, installation)
        contradictions = findings.open_findings(conn, installation, "contradiction")
    found += [(f"{row.object} {row.key}: {row.error_message}", "mend it in the CRM") for row in blocked[:20]]
    if contradictions:
        first = f"{contradictions[0].subject}: {contradictions[0].message}"
        matter = f"{len(contradictions)} records contradict the charter, first {first}"
        found.append((matter, "correct the record or the charter"))
    if not ws.live:
        found.append(("it is not live yet", f"run `colonnade sync load {installation}`, then `sync live`"))
    return [{"installation": installation, "matter": matter, "remedy": remedy} for matter, remedy in found]


def _ageing(installation: str, now: datetime) -> list[dict[str, str]]:
    """Return a warning where the version of HubSpot's API we build on ends within 90 days."""
    matter = default_warning(now.date())
    remedy = "install a newer version of this program"
    return [{"installation": installation, "matter": matter, "remedy": remedy}] if matter else []


def _way_back(runtime: Runtime, installation: str) -> str:
    """Return how an admin lets us in again: by our page where that was the way in, else by a file."""
    by_page = kind_of(runtime, installation) == APP and runtime.settings.public_url
    return (
        f"have an admin of the portal open {runtime.settings.public_url}/connect/hubspot"
        if by_page
        else "connect again with `colonnade install --credentials`"
    )


def _sealed(runtime: Runtime, conn: Connection, installation: str) -> list[tuple[str, str]]:
    """Return what is the matter with the credentials, if anything: none there, or no key opens them."""
    try:
        held = installations.load_secret(conn, runtime.box, installation, CLIENT)
    except StateError as error:
        return [(str(error), "put the key that sealed them back into CS_SECRET_KEYS")]
    return [] if held else [("it has no credentials", "connect it with `colonnade install`")]


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
    with reading(ws.runtime.engine) as conn:
        if account in mirror.find(conn, ws.id, reads.object, [account]):
            return account
        held = mirror.current(conn, ws.id, reads.object)
    field = reads.fields.name.field or ""
    named = [one.source_id for one in held if one.values.get(field) == account]
    if len(named) != 1:
        raise StateError(f"{len(named)} accounts of {ws.id} are called {account!r}; give the CRM's id")
    return named[0]


def _show_metrics(out: Console, found: Metrics) -> None:
    rows = [
        (f"ARR, {name.value}", f"{one.value.minor / 100:,.2f} {one.value.currency}", one.policies)
        for name, one in found.arr.items()
    ]
    rows += [
        (one.name, "no cohort" if one.value is None else f"{float(one.value):.4f}", one.policies)
        for one in found.retention
    ]
    out.print(
        table(
            f"{found.accounts} accounts, {found.contract_lines} lines, as of {found.as_of}",
            ("number", "value", "policies"),
            rows,
        )
    )


def _show_account(out: Console, text: str, records: tuple[object, ...]) -> None:
    out.print(text, markup=False)
    for record in records:
        line = f"  {getattr(record, 'key', '')}: {getattr(record, 'reason', '')}"
        out.print(line, style="dim", markup=False)
