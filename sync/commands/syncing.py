"""``colonnade sync``: first load, poll, usage, going live, and how far everything is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console

from mappings.inbound import watched_fields
from sync import drain as draining
from sync import look as looking
from sync import pull
from sync import push as pushing
from sync.addresses import Addresses, make_addresses
from sync.allocators import look_on
from sync.commands.output import answer, json_option, rows_bar, table
from sync.config import ConfigError, read_settings
from sync.history import read_history
from sync.holding import holding
from sync.mended import retry_blocked
from sync.onboard import every_installation, go_live
from sync.runtime import Runtime, open_runtime
from sync.state import dirty, inbox, ledger, mirror
from sync.state.engine import reading
from sync.state.errors import StateError
from sync.state.installations import Installation, Status
from sync.usage_files import CSV, FIELDS, JSONL, PARQUET, FileMistake, messages_of, take_file
from sync.work_folder import work_folder
from sync.workspace import Workspace, open_workspace


def _at_work(installation: str) -> Workspace:
    """Return an installation to read and write for. Raises StateError for one that was uninstalled."""
    ws = open_workspace(open_runtime(read_settings()), installation)
    if ws.installation.status is Status.UNINSTALLED:
        again = f"colonnade install {ws.vendor} --portal {ws.installation.account_id} --apply"
        raise StateError(f"{installation} was uninstalled, or is being: nothing works for it until `{again}`")
    return ws


@click.group()
def sync() -> None:
    """Read from the CRM, take in usage, decide, and write back."""


@sync.command()
@click.argument("installation")
@json_option
def load(installation: str, as_json: bool) -> None:
    """Read everything for the first time; a load that was stopped goes on where it was.

    Example: colonnade sync load hubspot-24680135
    """
    ws = _at_work(installation)
    with rows_bar() as bar:
        task = bar.add_task("rows read", total=None)
        done = pull.load(ws, lambda _name, rows: bar.update(task, advance=rows))
    data = {"installation": installation, "pulled": done, "calls": ws.port.calls.by_reason}
    answer(
        data,
        as_json,
        lambda out: out.print(f"{done.read} rows read, {done.changed} new, {done.marked} marked."),
    )


@sync.command()
@click.argument("installation")
@json_option
def history(installation: str, as_json: bool) -> None:
    """Read what the CRM kept of the past, once, for backtests; one that was stopped goes on where it was.

    Example: colonnade sync history hubspot-24680135
    """
    ws = _at_work(installation)
    with rows_bar() as bar:
        task = bar.add_task("records", total=None)
        done = read_history(ws, lambda _name, rows: bar.update(task, advance=rows))
    data = {"installation": installation, "history": done, "calls": ws.port.calls.by_reason}
    answer(
        data,
        as_json,
        lambda out: out.print(f"{done.records} records asked for, {done.versions} older versions kept."),
    )


@sync.command()
@click.argument("installation")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--column", "columns", multiple=True, help="FIELD=COLUMN where a column has a name of its own.")
@json_option
def usage(installation: str, file: Path, columns: tuple[str, ...], as_json: bool) -> None:
    """Take in usage from a file: Segment messages, one JSON object per line, or a .csv or .parquet file.

    Example: colonnade sync usage hubspot-24680135 usage.jsonl
    """
    runtime = open_runtime(read_settings())
    ws = open_workspace(runtime, installation)
    kind, named = _kind_of(file), _named_columns(columns)
    try:
        # A broken row anywhere is told before anything is kept; a message that cannot count is a finding.
        for _message in messages_of(file, kind, named, work_folder(runtime.settings)):
            pass
    except FileMistake as mistake:
        raise ValueError(f"{file}:{mistake}; mend it and run again, nothing was taken in") from mistake
    messages = take_file(ws, file, kind, named)
    with holding(runtime) as owner:
        while draining.drain(ws, owner) is not None:
            pass
    answer(
        {"installation": installation, "messages": messages},
        as_json,
        lambda out: out.print(f"{messages} messages taken in."),
    )


@sync.command()
@click.argument("installation")
@json_option
def live(installation: str, as_json: bool) -> None:
    """Begin to decide and write: fixes the first point of the daily grid at now.

    Example: colonnade sync live hubspot-24680135
    """
    ws = go_live(_at_work(installation))
    answer(
        {"installation": installation, "epoch": ws.installation.epoch},
        as_json,
        lambda out: out.print(f"{installation} is live since {ws.installation.epoch.isoformat()}."),
    )


@sync.command()
@click.argument("installation")
@json_option
def run(installation: str, as_json: bool) -> None:
    """Poll, work in the inbox, decide and write once, here and now, without workers.

    Example: colonnade sync run hubspot-24680135
    """
    ws = _at_work(installation)
    pulled, looks = pull.poll(ws), 0
    with holding(ws.runtime) as owner:
        while draining.drain(ws, owner) is not None:
            pass
        while (looked := looking.look(ws, owner)) is not None:
            looks += looked.accounts
        while look_on(ws, owner) is not None:
            pass
        pushed = pushing.push(ws, owner)
    data = {
        "installation": installation,
        "pulled": pulled,
        "accounts": looks,
        "pushed": pushed,
        "calls": ws.port.calls.by_reason,
    }
    answer(
        data,
        as_json,
        lambda out: out.print(
            f"{pulled.read} rows read, {looks} accounts decided, {pushed.written} records written."
        ),
    )


@sync.command()
@click.argument("installation")
@json_option
def addresses(installation: str, as_json: bool) -> None:
    """Make and show where the CRM and the product send to; what was shown before ends.

    Example: colonnade sync addresses hubspot-24680135
    """
    settings = read_settings()
    if settings.public_url is None:
        raise ConfigError("CS_PUBLIC_URL is not set; give the https:// address at which the CRM reaches us")
    runtime = open_runtime(settings)
    ws = open_workspace(runtime, installation)
    made = make_addresses(runtime, ws.installation, settings.public_url)
    watched = watched_fields(ws.charter, ws.vendor)
    data = {"installation": installation, "addresses": made, "watched": watched}
    answer(data, as_json, lambda out: _show_addresses(out, made, watched))


def _show_addresses(out: Console, made: Addresses, watched: Mapping[str, tuple[str, ...]]) -> None:
    out.print(f"Webhooks or outbound messages go to  {made.webhooks}", soft_wrap=True)
    out.print(f"Usage goes to                        {made.usage}", soft_wrap=True)
    out.print(f"with the write key                   {made.write_key}", soft_wrap=True)
    rows = [(name, ", ".join(fields)) for name, fields in watched.items()]
    out.print(table("To be told about: creation, deletion, and changes of", ("object", "fields"), rows))


@sync.command()
@click.argument("installation")
@click.option("--object", "object_name", help="Only writes to this object, by the CRM's own name.")
@json_option
def retry(installation: str, object_name: str | None, as_json: bool) -> None:
    """Write again what the CRM or somebody in it refused, once that is mended; the next push does it.

    Example: colonnade sync retry salesforce-00D5g00000AbCdEEAV --object Opportunity
    """
    done = retry_blocked(_at_work(installation), object_name)
    data = {"installation": installation, "reopened": done}
    answer(data, as_json, lambda out: out.print(f"{done} blocked writes are tried again by the next push."))


@sync.command()
@json_option
def status(as_json: bool) -> None:
    """Show how far every installation is.

    Example: colonnade sync status --json
    """
    runtime = open_runtime(read_settings())
    rows = [progress_of(runtime, one) for one in every_installation(runtime)]
    answer(rows, as_json, lambda out: _show_status(out, rows))


def progress_of(runtime: Runtime, one: Installation) -> dict[str, object]:
    """Return what waits and what is done for one installation, also where no charter is in force yet."""
    with reading(runtime.engine) as conn:
        return {
            "installation": one.id,
            "status": one.status.value,
            "live": one.live,
            "mirrored": mirror.counts(conn, one.id),
            "inbox": inbox.counts(conn, one.id),
            "dirty": dirty.count(conn, one.id),
            "ledger": {
                f"{name} {state.value}": n for (name, state), n in ledger.counts(conn, one.id).items()
            },
        }


def _show_status(out: Console, rows: list[dict[str, object]]) -> None:
    columns = ("installation", "status", "live", "mirrored", "inbox", "dirty", "ledger")
    out.print(table("Installations", columns, [[row[name] for name in columns] for row in rows]))


def _kind_of(file: Path) -> str:
    """Return what a file is by its name; what is neither CSV nor Parquet is JSON lines."""
    return {".csv": CSV, ".parquet": PARQUET}.get(file.suffix.lower(), JSONL)


def _named_columns(given: tuple[str, ...]) -> dict[str, str]:
    """Return the column of each field named. Raises ValueError for a field there is none of."""
    named = dict(one.split("=", 1) for one in given if "=" in one)
    wrong = [one for one in given if one.partition("=")[0] not in FIELDS or not one.partition("=")[2]]
    if wrong:
        raise ValueError(f"--column {wrong[0]}: give FIELD=COLUMN, with a field of {', '.join(FIELDS)}")
    return named
