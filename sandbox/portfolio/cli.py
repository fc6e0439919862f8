"""The commands: generate, convert, usage. Progress goes to stderr, results to stdout.

Exit codes: 0 done, 2 something in what was given cannot be used (nothing was written).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sandbox.portfolio import segment
from sandbox.portfolio.convert import convert
from sandbox.portfolio.csvfile import DataError
from sandbox.portfolio.generate import Request, generate
from sandbox.portfolio.mapping import MappingError, load
from sandbox.portfolio.read import FolderError
from sandbox.portfolio.write import TargetError

UNUSABLE: Final = 2
_DAY: Final = click.DateTime(formats=["%Y-%m-%d"])
_FOLDER: Final = click.Path(path_type=Path)
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


class Refusal(click.ClickException):
    """An error shown as it is, ending with exit code 2."""

    exit_code = UNUSABLE


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn the errors of what was given into one message and exit code 2."""
    try:
        yield
    except (MappingError, DataError, TargetError, FolderError) as error:
        raise Refusal(str(error)) from None
    except OSError as error:
        raise Refusal(f"{error.filename}: {error.strerror}. Check the path and its permissions.") from None


def _print(result: dict[str, object], as_json: bool) -> None:
    """Print a result as JSON or as one line per figure."""
    if as_json:
        click.echo(json.dumps(result))
        return
    for name, value in result.items():
        figures = value.items() if isinstance(value, dict) else [("", value)]
        for label, figure in figures:
            click.echo(f"{name} {label}: {figure}" if label else f"{name}: {figure}")


@click.group()
def main() -> None:
    """Make and read demo portfolios: customers of a made-up vendor in a folder of JSON lines."""


@main.command("generate")
@click.argument("folder", type=_FOLDER)
@click.option("--accounts", type=click.IntRange(min=1), default=500, show_default=True)
@click.option("--seed", type=int, default=7, show_default=True, help="The same seed gives the same bytes.")
@click.option("--as-of", type=_DAY, default="2026-06-30", show_default=True, help="The folder's today.")
@_JSON
def generate_command(folder: Path, accounts: int, seed: int, as_of: datetime, as_json: bool) -> None:
    """Make up a portfolio and write it to FOLDER (new, empty, or an older portfolio)."""
    columns = (TextColumn("accounts"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with _refusals(), Progress(*columns, console=console, transient=True, refresh_per_second=2) as progress:
        task = progress.add_task("accounts", total=accounts)
        made = generate(folder, Request(accounts, seed, as_of.date()), lambda: progress.advance(task))
    _print({"folder": str(folder), "records": made.counts, "truth": made.truth}, as_json)


@main.command("convert")
@click.argument("csv_folder", type=_FOLDER)
@click.option("--mapping", "mapping_file", type=_FOLDER, required=True, help="YAML; see docs/portfolio.md.")
@click.argument("folder", type=_FOLDER)
@click.option("--as-of", type=_DAY, required=True, help="The day it is in the folder.")
@_JSON
def convert_command(
    csv_folder: Path, mapping_file: Path, folder: Path, as_of: datetime, as_json: bool
) -> None:
    """Read the CSV files of CSV_FOLDER by a mapping and write them as a portfolio to FOLDER."""
    with _refusals(), Console(stderr=True).status("reading CSV files"):
        counts = convert(csv_folder, load(mapping_file), folder, as_of.date())
    _print({"folder": str(folder), "records": counts}, as_json)


@main.command("usage")
@click.argument("folder", type=_FOLDER)
@click.argument("target", type=_FOLDER)
@_JSON
def usage_command(folder: Path, target: Path, as_json: bool) -> None:
    """Write the usage of FOLDER to TARGET as Segment track messages, one JSON object per line."""
    with _refusals(), Console(stderr=True).status("writing messages"):
        written = segment.write_messages(folder, target)
    _print({"file": str(target), "messages": written}, as_json)
