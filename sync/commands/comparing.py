"""``colonnade parity``: whether both CRMs show the same customer success for the same customers."""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path

import click
from rich.console import Console

from sync.commands.output import Unusable, answer, json_option, progress, table
from sync.commands.sandboxes import run_portfolio
from sync.demo.usage_feed import UsageFeed
from sync.parity import Parity, pair

AS_OF = "2026-06-30"


@click.command()
@click.option("--accounts", type=click.IntRange(min=1), default=200, show_default=True, help="How many.")
@click.option("--seed", default=7, show_default=True, help="The same seed makes the same portfolio.")
@json_option
def parity(accounts: int, seed: int, as_json: bool) -> None:
    """Sync one portfolio into both sandboxes, read both back with others' clients, and compare every value.

    Ends with exit code 1 where anything differs.

    Example: colonnade parity --json
    """
    if find_spec("hubspot_sdk") is None:
        raise Unusable(
            "hubspot-sdk, which reads HubSpot back, is not installed: pip install 'colonnade[parity]'"
        )
    with tempfile.TemporaryDirectory(prefix="colonnade-parity-") as home:
        found = _compared(Path(home), accounts, seed)
    answer(found, as_json, lambda console: _show(console, found))
    if found.differences:
        raise SystemExit(1)


def _compared(home: Path, accounts: int, seed: int) -> Parity:
    folder, usage = home / "portfolio", home / "portfolio" / "usage.segment.jsonl"
    progress.print(f"making up {accounts} customers and loading them into both sandboxes")
    run_portfolio("generate", str(folder), "--accounts", str(accounts), "--seed", str(seed), "--as-of", AS_OF)
    run_portfolio("usage", str(folder), str(usage))
    with pair(home, folder) as both:
        both.sync(UsageFeed(folder), progress.print)
        progress.print("reading both back")
        return both.compare()


def _show(console: Console, found: Parity) -> None:
    counted = ", ".join(f"{count} of {kind}" for kind, count in found.records.items())
    console.print(f"{found.compared} values compared, {found.differences} differ. Records: {counted}.")
    if found.first_differences:
        rows = [
            (one.kind, one.key, one.field, one.hubspot, one.salesforce) for one in found.first_differences
        ]
        console.print(table("The first differences", ("what", "key", "field", "HubSpot", "Salesforce"), rows))
