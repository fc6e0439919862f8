"""``colonnade sandbox`` and ``colonnade portfolio``: start the stand-ins as processes of their own.

Nothing of the sandboxes is imported: they must not share our reading of the vendors.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
from requests import RequestException

from sync.commands.output import Unusable, answer, json_option
from sync.demo.children import ROOT
from sync.demo.control import Control

FOLDER = click.Path(path_type=Path, file_okay=False)
DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("vendor", type=click.Choice(["hubspot", "salesforce"]))
@click.option("--json", "as_json", is_flag=True, help="Accepted for uniformity; the server prints one line.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def sandbox(vendor: str, as_json: bool, options: Sequence[str]) -> None:  # noqa: ARG001 - the server's own output
    """Start one vendor's sandbox in the foreground; further options are the sandbox's own.

    Example: colonnade sandbox hubspot --port 9101 --db hubspot.db
    """
    command = [sys.executable, "-m", f"sandbox.{vendor}", *options]
    raise SystemExit(subprocess.call(command, cwd=ROOT))  # noqa: S603 - our own module


@click.group()
def portfolio() -> None:
    """Make a portfolio, or load somebody else's files into a sandbox."""


@portfolio.command()
@click.argument("folder", type=FOLDER)
@click.option(
    "--accounts", type=click.IntRange(min=1), default=500, show_default=True, help="How many accounts."
)
@click.option("--seed", default=7, show_default=True, help="The same seed makes the same files.")
@click.option(
    "--as-of", type=DAY, default="2026-06-30", show_default=True, help="The day the portfolio stands at."
)
@json_option
def generate(folder: Path, accounts: int, seed: int, as_of: datetime, as_json: bool) -> None:
    """Make a portfolio of made-up customers.

    Example: colonnade portfolio generate demo-portfolio --accounts 1000 --seed 3
    """
    options = ["--accounts", str(accounts), "--seed", str(seed), "--as-of", f"{as_of:%Y-%m-%d}"]
    click.echo(
        run_portfolio("generate", str(folder.absolute()), *options, *(["--json"] if as_json else [])),
        nl=False,
    )


@portfolio.command()
@click.argument("folder", type=FOLDER)
@click.option(
    "--mapping",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Which columns mean what.",
)
@click.option("--as-of", type=DAY, required=True, help="The day the files stand at.")
@click.option("--url", required=True, help="The running sandbox to load into.")
@click.option(
    "--usage",
    "usage_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write the usage events, for `colonnade sync usage`.",
)
@json_option
def load(
    folder: Path, mapping: Path, as_of: datetime, url: str, usage_file: Path | None, as_json: bool
) -> None:
    """Load somebody else's CSV files into a sandbox, as CRM records and usage events.

    Example: colonnade portfolio load ravenstack --mapping mapping.yaml --as-of 2024-12-31 --url http://127.0.0.1:9101
    """
    with tempfile.TemporaryDirectory() as work:
        converted = Path(work) / "portfolio"
        convert(folder, mapping, f"{as_of:%Y-%m-%d}", converted)
        loaded = _load_into(url, converted)
        if usage_file is not None:
            run_portfolio("usage", str(converted), str(usage_file.absolute()))
    data = {"loaded": loaded, "usage": None if usage_file is None else str(usage_file)}
    answer(data, as_json, lambda out: out.print(f"Loaded {json.dumps(loaded)}."))


def _load_into(url: str, portfolio_folder: Path) -> dict[str, int]:
    """Have the sandbox load a folder. Raises Unusable where none answers at ``url``."""
    try:
        return Control(url).load(portfolio_folder)
    except RequestException as error:
        raise Unusable(
            f"--url: no sandbox answers at {url} ({type(error).__name__}); "
            "start one with `colonnade sandbox`, or correct the address"
        ) from error


def convert(folder: Path, mapping: Path, as_of: str, target: Path) -> None:
    """Turn foreign CSV files into a portfolio folder. Raises ClickException with the converter's words."""
    run_portfolio(
        "convert", str(folder.absolute()), "--mapping", str(mapping.absolute()), str(target), "--as-of", as_of
    )


def run_portfolio(*arguments: str) -> str:
    """Run the sandbox's portfolio command; return its answer. Raises ClickException with its own words."""
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "sandbox.portfolio", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Unusable(done.stderr.strip().removeprefix("Error: "))
    return done.stdout
