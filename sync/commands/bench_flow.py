"""``colonnade bench intake`` and ``bench latency``: how events come in, and how fast they take effect."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
from rich.console import Console

from sync.bench import intake as receiving
from sync.bench import latency as reacting
from sync.bench.intake import Intake
from sync.bench.latency import Latency
from sync.commands.output import answer, json_option, progress, table


@click.command()
@click.option(
    "--batches", type=click.IntRange(min=1), default=1_000, show_default=True, help="Requests of 100 events."
)
@click.option(
    "--rate", type=click.FloatRange(min=1), default=150.0, show_default=True, help="Requests a second, then."
)
@click.option(
    "--seconds", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="For how long."
)
@json_option
def intake(batches: int, rate: float, seconds: float, as_json: bool) -> None:
    """Send signed batches of a hundred events to the web process, beside a bare Flask and RQ application.

    Example: colonnade bench intake --json
    """
    with tempfile.TemporaryDirectory(prefix="colonnade-bench-") as folder:
        found = receiving.run(Path(folder), receiving.Size(batches, rate, seconds), progress.print)
    answer(found, as_json, lambda console: _show_intake(console, found))


@click.command()
@click.option(
    "--accounts", type=click.IntRange(min=100), default=5_000, show_default=True, help="How many accounts."
)
@click.option(
    "--rate",
    "rates",
    type=click.IntRange(min=1),
    multiple=True,
    default=(5, 50, 200),
    show_default=True,
    help="Edits a second; give it again for more rates.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=30.0,
    show_default=True,
    help="How long each rate lasts.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Workers of the fast lane."
)
@json_option
def latency(accounts: int, rates: tuple[int, ...], seconds: float, workers: int, as_json: bool) -> None:
    """Edit companies at a rate and time until our value stands in the CRM, by real processes.

    Example: colonnade bench latency --accounts 500 --rate 5 --json
    """
    with tempfile.TemporaryDirectory(prefix="colonnade-bench-") as folder:
        plan = reacting.Plan(accounts, rates, seconds, workers)
        found = reacting.run(Path(folder), plan, progress.print)
    answer(found, as_json, lambda console: _show_latency(console, found))


def _show_intake(console: Console, found: Intake) -> None:
    served = {f"ours, {name}": one for name, one in found.ours_on.items()} | {"Flask and RQ": found.flask_rq}
    rows = [
        (name, one.events_per_s, one.p50_ms, one.p99_ms, one.cpu_us_per_event) for name, one in served.items()
    ]
    columns = ("server", "events/s kept", "p50 ms", "p99 ms", "processor µs an event")
    console.print(table("As fast as it answers", columns, rows))
    late = [(name, one.p50_ms, one.p99_ms, one.max_ms) for name, one in found.burst_on.items()]
    console.print(
        table(f"{found.burst.per_s:.0f} requests a second", ("ours on", "p50 ms", "p99 ms", "max ms"), late)
    )
    console.print(f"{found.ratio} times the events a second of Flask and RQ.")


def _show_latency(console: Console, found: Latency) -> None:
    rows = [
        (rate, one.per_s, one.p50_ms, one.p95_ms, one.p99_ms, one.calls_per_1000_events, one.missing)
        for rate, one in found.rates.items()
    ]
    columns = ("asked/s", "edits/s", "p50 ms", "p95 ms", "p99 ms", "calls per 1,000 events", "missing")
    console.print(table(f"From edit to value, {found.accounts} accounts", columns, rows))
