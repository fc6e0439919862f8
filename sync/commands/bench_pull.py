"""``colonnade bench pull``: the pull beside dlt and a plain loop over HubSpot's client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from sync.bench.pull import Again, PullBench, Sizes, run
from sync.commands.bench_home import bench_home
from sync.commands.demonstration import ANY_FOLDER
from sync.commands.output import answer, json_option, progress, table


@click.command("pull")
@click.option(
    "--companies", type=click.IntRange(min=300), default=50_000, show_default=True, help="How many."
)
@click.option(
    "--changed", type=click.FloatRange(0, 0.3), default=0.03, show_default=True, help="The share renamed."
)
@click.option("--deleted", type=click.IntRange(min=1), default=300, show_default=True, help="How many.")
@click.option(
    "--ties",
    type=click.IntRange(min=1),
    default=12_000,
    show_default=True,
    help="How many one import changes.",
)
@click.option("--peers/--no-peers", default=True, help="Also dlt and hubspot-api-client (make bench-ready).")
@click.option("--limits/--no-limits", default=True, help="Also the first loads within the vendor's limits.")
@click.option("--home", type=ANY_FOLDER, help="Where everything goes and stays; else removed.")
@json_option
def pull(
    companies: int,
    changed: float,
    deleted: int,
    ties: int,
    peers: bool,
    limits: bool,
    home: Path | None,
    as_json: bool,
) -> None:
    """Read companies into the mirror, then what changed; beside dlt and a plain loop, each killed once.

    Example: colonnade bench pull --json
    """
    if peers and find_spec("dlt") is None:
        raise click.UsageError("dlt is not installed: run `make bench-ready`, or give --no-peers")
    sizes = Sizes(companies, int(companies * changed), deleted, ties)
    with bench_home(home) as folder:
        found = run(folder, sizes, peers=peers, limited=limits, say=progress.print)
    answer(found, as_json, lambda console: _show(console, found))


def _show(console: Console, found: PullBench) -> None:
    clients = {"ours": found.ours, "dlt": found.dlt, "hubspot-api-client": found.hubspot_api_client}
    there = {name: one for name, one in clients.items() if one is not None}
    rows = [("bare loop", found.floor), *((name, one.first) for name, one in there.items())]
    columns = ("client", "seconds", "processor µs a record", "calls", "peak MB")
    shown = [(name, one.seconds, one.cpu_us_per_record, one.calls, one.peak_mb) for name, one in rows]
    console.print(table(f"First load, at least {found.least.first} calls", columns, shown))
    console.print(_table("After changes", found.least.changed, {n: one.changed for n, one in there.items()}))
    console.print(_table("After an import", found.least.ties, {n: one.ties for n, one in there.items()}))
    killed = [(name, one.restart.calls_again, one.restart.records_again) for name, one in there.items()]
    console.print(table("Killed at half", ("client", "calls again", "records again"), killed))


def _table(title: str, least: int, clients: Mapping[str, Mapping[str, Again]]) -> Table:
    rows = list(_rows(clients))
    columns = ("client", "seconds", "calls", "changes seen", "deletions seen", "failed")
    return table(f"{title}, at least {least} calls", columns, rows)


def _rows(clients: Mapping[str, Mapping[str, Again]]) -> Iterator[tuple[object, ...]]:
    for name, ways in clients.items():
        for way, one in ways.items():
            seen = (one.changes_seen, one.deletes_seen, one.failed)
            yield (f"{name} ({way})", one.seconds, one.calls, *seen)
