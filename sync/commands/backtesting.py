"""``colonnade backtest``: whether a scorecard or model has earned being used, by a file or the mirror."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console

from mappings.backtest import BacktestEntry
from mappings.load import load_charter
from mappings.naming import VENDORS
from mappings.problems import CharterError, suggest
from success.backtest.baselines import Roles
from success.backtest.run import Options
from sync.backtest_csv import Naming
from sync.backtest_gate import judged
from sync.backtest_model import of_model
from sync.backtest_past import of_scorecard
from sync.backtesting import FileSplit, of_file
from sync.commands.output import Unusable, answer, json_option, table
from sync.commands.showing import only_installation
from sync.config import read_settings
from sync.runtime import open_runtime
from sync.workspace import open_workspace

DAY = click.DateTime(formats=["%Y-%m-%d"])
FILE_NEEDS = ("label", "time", "group", "train_to", "test_from", "embargo")
OF_FILES = (*FILE_NEEDS, "test_to", "arr", "segment", "tenure", "usage", "seats", "score")


@click.command()
@click.argument("name", required=False)
@click.option("--facts", type=click.Path(path_type=Path, dir_okay=False), help="A CSV file of facts.")
@click.option("--charter", type=click.Path(path_type=Path, dir_okay=False), help="Whose settings count.")
@click.option("--label", help="The column with the outcome, 0 or 1.")
@click.option("--time", help="The column with the time: whole numbers, months or dates.")
@click.option("--group", help="The column with the account.")
@click.option("--train-to", help="The last time of training.")
@click.option("--test-from", help="The first time of the test.")
@click.option("--test-to", help="The last time of the test; the embargo before the last row by default.")
@click.option("--embargo", type=click.IntRange(min=0), help="The horizon of the label, in steps of time.")
@click.option("--arr", help="The column with the amounts to weigh by.")
@click.option("--segment", help="The column with the segment.")
@click.option("--tenure", help="The column with the account's age.")
@click.option("--usage", help="The column with recent use.")
@click.option("--seats", help="The column with the seats to share use by.")
@click.option("--score", help="The column with the score in use, to be beaten.")
@click.option("--keep", multiple=True, metavar="COLUMN", help="Use a column although it looks like a leak.")
@click.option("--accounts-per-csm", type=click.IntRange(min=1), help="How many accounts one CSM has.")
@click.option("--bootstrap", type=click.IntRange(min=20), help="How many resamples of accounts are drawn.")
@click.option("--seed", type=int, help="What the resamples are drawn with.")
@click.option("--installation", help="Whose past; needed where more than one is connected.")
@click.option("--horizon", type=click.IntRange(28, 366), help="Within how many days a churn counts.")
@click.option("--since", type=DAY, help="The first day of the past to look at.")
@json_option
def backtest(name: str | None, facts: Path | None, charter: Path | None, as_json: bool, **given: Any) -> None:
    """Judge a scorecard or model on a past it did not learn from, and say whether it may be activated.

    With --facts a model is fitted on a file's rows up to --train-to and judged from --test-from on.
    With NAME, a scorecard or trained model of the charter is judged on the mirror's own past, and the report
    is kept; a model is refitted on the earlier part.

    Example: colonnade backtest --facts facts.csv --charter charter.yaml --label churned --time month
    --group account --train-to 29 --test-from 31 --embargo 1 --json
    """
    if (facts is None) == (name is None):
        raise Unusable("name either a scorecard or model of the charter, or a file with --facts")
    told = _of_mirror(name, charter, given) if facts is None else _of_file(facts, charter, given)
    answer(told, as_json, lambda out: show(out, told))


def _of_file(facts: Path, charter: Path | None, given: dict[str, Any]) -> dict[str, Any]:
    missing = [f"--{one.replace('_', '-')}" for one in FILE_NEEDS if given[one] is None]
    if missing:
        raise Unusable(f"a file needs {', '.join(missing)} as well; see `colonnade backtest --help`")
    settings = BacktestEntry() if charter is None else settings_of(charter)
    naming = Naming(given["label"], given["time"], given["group"])
    split = FileSplit(given["train_to"], given["test_from"], given["embargo"], given["test_to"])
    return of_file(facts, naming, split, options_of(settings, given))


def _of_mirror(name: str | None, file: Path | None, given: dict[str, Any]) -> dict[str, Any]:
    """Return the answer for a scorecard or model of the charter in force, or of a file that is to come."""
    of_files = [f"--{one.replace('_', '-')}" for one in OF_FILES if given[one] is not None]
    if of_files:
        raise Unusable(f"{', '.join(of_files)} speak of a file; name it with --facts")
    runtime = open_runtime(read_settings())
    ws = open_workspace(runtime, given["installation"] or only_installation(runtime))
    charter = ws.charter if file is None else load_charter(file, ws.vendor)
    entries, trained = judged(charter), {one.key: one for one in charter.models}
    options = options_of(charter.backtest, given)
    since = given["since"].date() if given["since"] else None
    if name in trained and name not in entries:
        if given["horizon"]:
            raise Unusable(f"the model {name} has a horizon of its own; leave --horizon out")
        return of_model(ws, trained[name], options, since)
    if name not in entries:
        known = [*entries, *trained]
        raise Unusable(f"there is no scorecard or model {name!r} in the charter. {suggest(str(name), known)}")
    horizon = given["horizon"] or charter.backtest.horizon_days
    return of_scorecard(ws, charter, str(name), options, horizon, since)


def settings_of(path: Path) -> BacktestEntry:
    """Return how a charter file has scores judged, whichever CRM it speaks of."""
    found: CharterError | None = None
    for vendor in VENDORS:
        try:
            return load_charter(path, vendor).backtest
        except CharterError as error:
            found = found or error
    raise found or CharterError(())


def options_of(settings: BacktestEntry, given: dict[str, Any]) -> Options:
    """Return how the backtest is made: by the command line, else by the charter."""
    roles = Roles(*(given[one] for one in ("tenure", "usage", "seats", "score", "arr", "segment")))
    return Options(
        resamples=given["bootstrap"] or settings.resamples,
        seed=settings.seed if given["seed"] is None else given["seed"],
        accounts_per_csm=given["accounts_per_csm"] or settings.accounts_per_csm,
        named=roles,
        kept=frozenset(given["keep"]),
    )


def show(out: Console, told: dict[str, Any]) -> None:
    """Print a report for a person."""
    verdict = "It may be activated." if told["activate"] else "It must not be activated."
    out.print(verdict, style="bold")
    for reason in told["reasons"]:
        out.print(f"- {reason}", markup=False)
    out.print(table("Training and test", ("part", "rows", "events", "accounts", "from", "to"), _parts(told)))
    out.print(table("Over the test", ("figure", "value"), _figures(told)))
    rows = [(one["column"], one["why"]) for one in told["leaks"]]
    if rows:
        out.print(table("Left out because they know the outcome", ("column", "why"), rows))
    for note in told["notes"]:
        out.print(f"Note: {note}", markup=False)


def _parts(told: dict[str, Any]) -> list[tuple[object, ...]]:
    names = ("rows", "events", "accounts", "first", "last")
    return [(part, *(told[part][one] for one in names)) for part in ("train", "test")]


def _figures(told: dict[str, Any]) -> list[tuple[str, str]]:
    area = "none"
    if told["auc"] is not None:
        area = f"{told['auc']:.4f} ({told['auc_low']:.4f} to {told['auc_high']:.4f})"
    rows = [("AUC with its interval over accounts", area)]
    rows += [(f"AUC of {name}", f"{value:.4f}") for name, value in told["baselines"].items()]
    names = (
        ("average precision", "average_precision"),
        ("lift in the top tenth", "lift_at_10"),
        ("events in the top tenth", "capture_at_10"),
        ("Brier", "brier"),
        ("Brier of the base rate", "brier_base_rate"),
        ("log-loss", "log_loss"),
        ("log-loss of the base rate", "log_loss_base_rate"),
        ("calibration slope", "calibration_slope"),
        ("calibration intercept", "calibration_intercept"),
        ("lead time", "lead_time"),
        ("false alarms per CSM and month", "false_alarms_per_csm_month"),
    )
    return rows + [(words, f"{told[key]:.4f}") for words, key in names if told[key] is not None]
