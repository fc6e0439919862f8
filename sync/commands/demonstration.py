"""``colonnade demo`` and ``colonnade serve``: the whole loop on both sandboxes; or the product alone."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import click
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from sync.commands.installing import DEFAULT_CHARTER
from sync.commands.output import Unusable, answer, json_option, progress
from sync.commands.running import serve_product, stoppable, wait_for_stop
from sync.commands.sandboxes import convert, run_portfolio
from sync.config import read_settings
from sync.demo.children import ROOT
from sync.demo.loop import Options, running
from sync.demo.report import DemoReport, show
from sync.demo.story import run, tell

DEFAULT_AS_OF = "2026-06-30"
ANY_FOLDER = click.Path(path_type=Path, file_okay=False)
ANY_FILE = click.Path(path_type=Path, dir_okay=False)
DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command()
@click.option(
    "--portfolio", "source", type=ANY_FOLDER, help="CSV files or a portfolio folder; made up when left out."
)
@click.option(
    "--mapping", type=ANY_FILE, help="What the CSV columns mean; found beside the charter by default."
)
@click.option("--charter", "charter_file", type=ANY_FILE, help="The charter to use.")
@click.option(
    "--as-of", type=DAY, default=DEFAULT_AS_OF, show_default=True, help="The day it is at the start."
)
@click.option(
    "--accounts",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="How many accounts to make up.",
)
@click.option("--seed", default=7, show_default=True, help="The same seed makes the same portfolio.")
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="How many fast workers."
)
@click.option("--home", type=ANY_FOLDER, help="Where state and logs go; a new folder by default.")
@json_option
def demo(
    source: Path | None,
    mapping: Path | None,
    charter_file: Path | None,
    as_of: datetime,
    accounts: int,
    seed: int,
    workers: int,
    home: Path | None,
    as_json: bool,
) -> None:
    """Run the whole loop on both sandboxes and print what happened.

    Example: colonnade demo --accounts 200 --json
    """
    with stoppable():
        folder = fresh_home(home)
        options = _prepare(folder, source, mapping, charter_file, as_of.date(), accounts, seed, workers)
        with _bars() as bars:
            report = run(options, bars)
        answer(report, as_json, lambda out: show(out, report))


@click.command()
@click.option("--demo", "with_demo", is_flag=True, help="Run the demo first and leave everything running.")
@click.option(
    "--accounts",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="How many accounts the demo makes up.",
)
@json_option
def serve(with_demo: bool, accounts: int, as_json: bool) -> None:
    """Run web, workers and scheduler here until stopped; with --demo, after the demo, on its data.

    Example: colonnade serve --demo
    """
    with stoppable():
        if with_demo:
            _serve_demo(accounts, as_json)
        else:
            serve_product(as_json)


def _serve_demo(accounts: int, as_json: bool) -> None:
    day = datetime.strptime(DEFAULT_AS_OF, "%Y-%m-%d").replace(tzinfo=UTC).date()
    options = _prepare(fresh_home(None), None, None, None, day, accounts, 7, 1)
    with _bars() as bars, running(options, bars) as loop:
        report: DemoReport = tell(loop)
        answer(report, as_json, lambda out: show(out, report))
        wait_for_stop(f"{loop.web}/console")


def fresh_home(home: Path | None) -> Path:
    """Return an empty folder for a run: the one named, or a new one. Nothing is ever removed for it."""
    if home is None:
        base = read_settings().home / "demo"
        base.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="run-", dir=base))
    target = home.absolute()
    if target.exists() and any(target.iterdir()):
        raise Unusable(f"{target} is not empty, and nothing is ever removed for a run; name another --home")
    target.mkdir(parents=True, exist_ok=True)
    return target


def _prepare(
    home: Path,
    source: Path | None,
    mapping: Path | None,
    charter: Path | None,
    as_of: date,
    accounts: int,
    seed: int,
    workers: int,
) -> Options:
    """Make or convert the portfolio, and its usage as messages."""
    folder = home / "portfolio"
    if source is None:
        run_portfolio(
            "generate",
            str(folder),
            "--accounts",
            str(accounts),
            "--seed",
            str(seed),
            "--as-of",
            as_of.isoformat(),
        )
    elif (source / "portfolio.json").exists():
        shutil.copytree(source, folder)
    else:
        mapping = mapping or _fitting_mapping(source)
        charter = charter or mapping.with_name("charter.yaml")
        convert(source, mapping, as_of.isoformat(), folder)
    run_portfolio("usage", str(folder), str(folder / "usage.segment.jsonl"))
    return Options(home, folder, charter or DEFAULT_CHARTER, as_of, workers)


def _fitting_mapping(source: Path) -> Path:
    """Return the mapping this checkout has for the folder: that of the test data of the same name."""
    candidate = ROOT / "tests" / source.resolve().name / "portfolio_mapping.yaml"
    if not candidate.exists():
        raise Unusable(
            f"{source} has no portfolio.json, and no mapping of its columns is known; name one with --mapping"
        )
    return candidate


def _bars() -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=progress
    )
