"""``colonnade bench``: benchmarks that anybody can repeat, each beside what could at best be done."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from sync.bench import health as measuring
from sync.bench import push as pushes
from sync.bench import salesforce_sync as salesforce
from sync.bench import usage as rolling
from sync.bench.book import Size
from sync.bench.health import HealthBench
from sync.bench.hubspot_sync import HubSpotSync, run
from sync.bench.push import Cycle, PushBench
from sync.bench.salesforce_sync import SalesforceSync
from sync.bench.usage import UsageBench
from sync.bench.usage_made_up import Shape
from sync.commands.bench_flow import intake, latency
from sync.commands.bench_home import bench_home as _home
from sync.commands.bench_pull import pull
from sync.commands.demonstration import ANY_FOLDER
from sync.commands.output import answer, json_option, progress, table

deals_option = click.option(
    "--deals", type=click.IntRange(min=100), default=8_000, show_default=True, help="How many."
)
home_option = click.option(
    "--home", type=ANY_FOLDER, help="Where sandbox, state and what was counted go and stay; else removed."
)
changed_option = click.option(
    "--changed", type=click.FloatRange(0, 1), default=0.03, show_default=True, help="The share that changes."
)


@click.group()
def bench() -> None:
    """Measure the product, beside the least that could be done."""


bench.add_command(intake)
bench.add_command(latency)
bench.add_command(pull)


@bench.command("hubspot-sync")
@click.option("--companies", type=click.IntRange(min=100), default=5_000, show_default=True, help="How many.")
@deals_option
@changed_option
@click.option("--memory/--no-memory", default=True, help="Also compare peak memory at ten times the size.")
@click.option("--rate/--no-rate", default=True, help="Also call at full speed for half a minute.")
@home_option
@json_option
def hubspot_sync(
    companies: int, deals: int, changed: float, memory: bool, rate: bool, home: Path | None, as_json: bool
) -> None:
    """Read a portal, decide and write; again with nothing changed; and with a few records changed.

    Example: colonnade bench hubspot-sync --json
    """
    with _home(home) as folder:
        size = Size(companies, deals)
        found = run(folder, size, changed, memory=memory, full_speed=rate, say=progress.print)
    answer(found, as_json, lambda console: _show_hubspot(console, found))


@bench.command("salesforce-sync")
@click.option("--accounts", type=click.IntRange(min=100), default=5_000, show_default=True, help="How many.")
@deals_option
@changed_option
@click.option("--memory/--no-memory", default=True, help="Also compare peaks of Bulk at ten times the rows.")
@click.option(
    "--memory-rows",
    type=(int, int),
    default=salesforce.MEMORY_ROWS,
    show_default=True,
    help="The rows whose peaks are compared, the fewer first.",
)
@home_option
@json_option
def salesforce_sync(
    accounts: int,
    deals: int,
    changed: float,
    memory: bool,
    memory_rows: tuple[int, int],
    home: Path | None,
    as_json: bool,
) -> None:
    """Read an org, decide and write; again with nothing changed; and with a few records changed.

    Example: colonnade bench salesforce-sync --json
    """
    with _home(home) as folder:
        size, rows = Size(accounts, deals), memory_rows if memory else None
        found = salesforce.run(folder, size, changed, memory=rows, say=progress.print)
    answer(found, as_json, lambda console: _show_salesforce(console, found))


@bench.command("push")
@click.option("--rows", type=click.IntRange(min=200), default=20_000, show_default=True, help="How many.")
@changed_option
@home_option
@json_option
def push(rows: int, changed: float, home: Path | None, as_json: bool) -> None:
    """Have many rows stand of which few have changed, beside two clients with and without hashes.

    Example: colonnade bench push --json
    """
    with _home(home) as folder:
        found = pushes.run(folder, rows, changed, say=progress.print)
    answer(found, as_json, lambda console: _show_push(console, found))


@bench.command("health")
@click.option(
    "--accounts", type=click.IntRange(min=1), default=100_000, show_default=True, help="How many accounts."
)
@changed_option
@click.option(
    "--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Times each is done."
)
@click.option("--seed", default=7, show_default=True, help="The same seed makes the same portfolio.")
@click.option(
    "--sample", type=click.IntRange(min=1), default=500, show_default=True, help="How many to compare."
)
@click.option("--database", help="sqlite:///FILE or postgresql://...; else a SQLite file that is removed.")
@json_option
def health(
    accounts: int, changed: float, rounds: int, seed: int, sample: int, database: str | None, as_json: bool
) -> None:
    """Score, explain, segment and stage a whole portfolio, beside only reading it and beside pandas.

    Example: colonnade bench health --accounts 100000 --json
    """
    with _home(None) as folder:
        url = database or f"sqlite:///{folder / 'bench.db'}"
        found = measuring.run(url, accounts, changed, rounds, seed, sample, progress.print)
    answer(found, as_json, lambda console: _show_health(console, found))
    if found.differing:
        raise click.ClickException(f"{found.differing} of {found.compared} accounts differ from their twins")


@bench.command("usage")
@click.option(
    "--events", type=click.IntRange(min=1_000), default=20_000_000, show_default=True, help="How many events."
)
@click.option(
    "--memory-mb",
    type=click.IntRange(min=128),
    default=512,
    show_default=True,
    help="The memory limit of ours and of DuckDB.",
)
@click.option(
    "--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Times each is done."
)
@click.option("--seed", default=7, show_default=True, help="The same seed makes the same events.")
@home_option
@json_option
def usage(events: int, memory_mb: int, rounds: int, seed: int, home: Path | None, as_json: bool) -> None:
    """Roll up product events into daily sums and distinct users, beside DuckDB and chDB.

    Example: colonnade bench usage --json
    """
    with _home(home) as folder:
        found = rolling.run(folder, Shape(events), memory_mb, rounds, seed, progress.print)
    answer(found, as_json, lambda console: _show_usage(console, found))
    if found.differing:
        raise click.ClickException(f"{found.differing} rows differ between the engines")


def _show_hubspot(console: Console, found: HubSpotSync) -> None:
    _show_runs(console, "HubSpot sync", found)
    past = found.history
    console.print(f"The past of {past.records} records: {past.calls} calls of at least {past.least}.")
    if found.rate is not None:
        used, refused = found.rate.used_share, found.rate.throttled
        console.print(f"At full speed: {used:.1%} of the calls allowed, {refused} refused.")
    if found.memory_ratio is not None:
        console.print(f"Peak memory at ten times the size: {found.memory_ratio} times as much.")


def _show_salesforce(console: Console, found: SalesforceSync) -> None:
    _show_runs(console, "Salesforce sync", found)
    if found.memory_ratio is not None:
        console.print(f"Peak memory of ten times the rows by Bulk: {found.memory_ratio} times as much.")


def _show_push(console: Console, found: PushBench) -> None:
    hubspot, org = found.hubspot, found.salesforce
    named: dict[str, Cycle] = {
        "HubSpot: ours": hubspot.ours,
        "hubspot-api-client": hubspot.hubspot_api_client,
        "the same with hashes": hubspot.hubspot_api_client_hash_skip,
        "Salesforce: ours": org.ours,
        "simple-salesforce": org.simple_salesforce,
        "the same with hashes ": org.simple_salesforce_hash_skip,
    }
    rows = [
        (name, one.calls, one.throttled, one.seconds, one.cpu_us_per_row, "yes" if one.own_errors else "no")
        for name, one in named.items()
    ]
    heads = ("who", "calls", "429", "seconds", "CPU, µs a row", "each row's error known")
    console.print(table(f"{found.rows} rows, {found.changed} changed", heads, rows))


def _show_health(console: Console, found: HealthBench) -> None:
    rows = [
        ("only reading", found.read_s, "the same SELECT into the same frame"),
        ("pandas", found.pandas_s, "a scorecard that explains nothing"),
        ("everything", found.ours_s, f"{found.rendered} of {found.accounts} put into words again"),
    ]
    console.print(table("Health of a portfolio", ("what", "seconds", "which is"), rows))
    console.print(f"{found.ours_over_read} times the reading; {found.differing} of {found.compared} differ.")


def _show_usage(console: Console, found: UsageBench) -> None:
    engines = {"ours": found.ours, "DuckDB": found.duckdb} | ({"chDB": found.chdb} if found.chdb else {})
    rows = [
        (name, one.counts_s, one.distinct_s, one.one_day_s, one.peak_rss_mb) for name, one in engines.items()
    ]
    columns = ("engine", "sums, s", "distinct users, s", "one day, s", "peak MB")
    console.print(table(f"{found.events} events of {found.days} days", columns, rows))
    console.print(
        f"Sums in {found.ratio_counts} times DuckDB's time; one day {found.ratio_one_day} times faster than "
        f"everything; {found.differing} of {found.cells} cells differ."
    )


def _show_runs(console: Console, title: str, found: HubSpotSync | SalesforceSync) -> None:
    first, changed = found.first, found.changed
    rows = [
        ("first run", first.calls, first.least, f"{first.records} records in {first.seconds} s"),
        ("nothing changed", found.unchanged.calls, 0, f"{found.unchanged.writes} written"),
        ("a few changed", changed.calls, changed.least, f"{changed.written} written"),
    ]
    console.print(table(title, ("run", "calls", "least possible", "what"), rows))
