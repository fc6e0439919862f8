"""``colonnade chaos``: the whole product under disturbances, and what stands in both CRMs afterwards."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from sync.commands.demonstration import ANY_FOLDER, fresh_home
from sync.commands.output import answer, json_option, progress, table
from sync.commands.running import stoppable

if TYPE_CHECKING:
    from sync.chaos.run import Chaos

SEEDS = 1_000_000_000


@click.command()
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=3.0,
    show_default=True,
    help="How long people edit under disturbances; the same again goes quietly before.",
)
@click.option(
    "--seed", type=int, help="The same seed plans the same edits and disturbances; else one is drawn."
)
@click.option("--accounts", type=click.IntRange(min=100), default=2_000, show_default=True, help="How many.")
@click.option("--home", type=ANY_FOLDER, help="Where everything stays, logs included; else it is removed.")
@json_option
def chaos(minutes: float, seed: int | None, accounts: int, home: Path | None, as_json: bool) -> None:
    """Run the product under faults, kills and losses, and compare both CRMs with a clean replay.

    Example: colonnade chaos --minutes 3 --seed 7 --json
    """
    from sync.chaos.run import run  # not for every process that begins with these commands

    drawn = secrets.randbelow(SEEDS) if seed is None else seed
    progress.print(f"seed {drawn}")
    with stoppable(), _home(home) as folder:
        try:
            found = run(folder, accounts, minutes, drawn, lambda words: progress.print(words, markup=False))
        except (
            RuntimeError
        ) as error:  # something does not end, or a sandbox refuses: a failure like any other
            raise click.ClickException(f"seed {drawn}: {error}") from error
        answer(found, as_json, lambda out: _show(out, found))
        if found.failures:
            raise click.ClickException(f"seed {drawn}: {', '.join(found.failures)}")


@contextmanager
def _home(home: Path | None) -> Iterator[Path]:
    """Give the empty folder named, which stays, or one that goes with the run."""
    if home is not None:
        yield fresh_home(home)
        return
    with tempfile.TemporaryDirectory(prefix="colonnade-chaos-") as folder:
        yield Path(folder)


def _show(console: Console, found: Chaos) -> None:
    rows = [
        ("missing, duplicate, stale", f"{found.missing}, {found.duplicate}, {found.stale}"),
        ("calls of a quiet run's", found.calls_ratio),
        ("edits in each CRM", found.edits),
        ("kills", found.kills),
        ("Redis emptied", found.flushes),
        ("calls that met a fault", found.faults),
        ("webhooks lost, doubled, held up", _deliveries(found)),
    ]
    console.print(table(f"Chaos, seed {found.seed}", ("what", "how many"), rows))
    told = [
        (name, run, one.object, one.key, one.field, one.wanted, one.found)
        for run, differences in (("quiet", found.quiet_differences), ("disturbed", found.differences))
        for name, ones in differences.items()
        for one in ones
    ]
    if told:
        columns = ("what", "run", "object", "key", "field", "wanted", "found")
        console.print(table("Differences", columns, told))


def _deliveries(found: Chaos) -> str:
    return ", ".join(str(found.deliveries[name]) for name in ("lost", "doubled", "held_up"))
