"""Backtests for people: a file or the mirror's past in, one answer with figures and reasons out.

Neighbours: ``backtest_csv`` reads files, ``backtest_past`` and ``backtest_model`` the mirror,
``success.backtest`` judges, ``commands/backtesting.py`` prints, ``backtest_gate`` asks for what passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from success.backtest.report import Measured, PartCounts, Report
from success.backtest.run import Options, backtest
from success.backtest.split import TimeSplit
from sync.backtest_csv import MONTHS, Naming, read_facts, time_of
from sync.backtest_terms import note_of
from sync.state import backtests
from sync.state.backtests import Subject
from sync.state.engine import writing
from sync.workspace import Workspace

FEWEST_MONTHS = 6


@dataclass(frozen=True, slots=True)
class FileSplit:
    """The split as it was asked for, in the form of the file's times."""

    train_to: str
    test_from: str
    embargo: int
    test_to: str | None = None


def of_file(path: Path, naming: Naming, asked: FileSplit, options: Options) -> dict[str, Any]:
    """Return the answer for a file of facts. Raises ValueError and OSError with what to do."""
    facts = read_facts(path, naming)
    split = TimeSplit(
        time_of(asked.train_to, facts.form, "--train-to"),
        time_of(asked.test_from, facts.form, "--test-from"),
        asked.embargo,
        None if asked.test_to is None else time_of(asked.test_to, facts.form, "--test-to"),
    )
    report = backtest(facts.table, split, options)
    told = answer_of(report, facts.form)
    told["unlabelled_rows"] = facts.unlabelled
    told["split"] = {"embargo": asked.embargo, "unit": "days" if facts.table.days else "months"}
    return told


def answer_of(report: Report, form: str) -> dict[str, Any]:
    """Return the report as it is printed and stored: names and plain values."""
    return {
        "activate": report.activate,
        "reasons": list(report.reasons),
        "notes": list(report.notes),
        "blocked_columns": [one.column for one in report.blocked],
        "leaks": [{"column": one.column, "check": one.check, "why": one.why} for one in report.blocked],
        "ignored_columns": list(report.ignored),
        "train": _part(report.train, form),
        "test": _part(report.test, form),
        "fit": None if report.fit is None else asdict(report.fit),
        **_measured(report.measured),
    }


def kept_answer(
    ws: Workspace, subject: Subject, report: Report, more: Mapping[str, object]
) -> dict[str, Any]:
    """Keep the report of a backtest over the mirror for the gate; return its answer, with ``more`` to it."""
    told = answer_of(report, "date")
    told |= {"subject": subject.name, "subject_hash": subject.content_hash, **more}
    note = note_of(told.get("departures"))
    if note is not None:
        told["notes"] = [*told["notes"], note]
    with writing(ws.runtime.engine) as conn:
        backtests.keep(conn, ws.id, subject, ws.now(), report.activate, told)
    return told


def _measured(found: Measured) -> dict[str, Any]:
    area, held = found.auc, found.calibration
    return {
        "auc": None if area is None else area.value,
        "auc_low": None if area is None else area.low,
        "auc_high": None if area is None else area.high,
        "auc_new_accounts": found.new_accounts_auc,
        "average_precision": found.average_precision,
        "lift_at_10": found.lift_at_10,
        "capture_at_10": found.capture_at_10,
        "brier": None if held is None else held.brier,
        "brier_base_rate": None if held is None else held.brier_base,
        "log_loss": None if held is None else held.log_loss,
        "log_loss_base_rate": None if held is None else held.log_loss_base,
        "calibration_slope": None if held is None else held.slope,
        "calibration_intercept": None if held is None else held.intercept,
        "reliability": [] if held is None else [asdict(one) for one in held.deciles],
        "alarms": None if found.alarms is None else asdict(found.alarms),
        "lead_time": None if found.alarms is None else found.alarms.lead_time,
        "false_alarms_per_csm_month": None
        if found.alarms is None
        else found.alarms.false_alarms_per_csm_month,
        "auc_by_segment": {name: asdict(one) for name, one in found.segments.items()},
        "arr_weighted": None if found.weighted is None else asdict(found.weighted),
        "baselines": {name: one.auc for name, one in found.baselines.items()},
        "baseline_details": {name: asdict(one) for name, one in found.baselines.items()},
    }


def _part(part: PartCounts, form: str) -> dict[str, Any]:
    return {
        "rows": part.rows,
        "events": part.events,
        "accounts": part.accounts,
        "accounts_with_events": part.accounts_with_events,
        "first": written(part.first, form),
        "last": written(part.last, form),
    }


def written(time: int, form: str) -> str | int:
    """Return a time in the form the file writes its times in."""
    if form == "date":
        return date.fromordinal(time).isoformat()
    if form == "month":
        year, month = divmod(time - 1, MONTHS)
        return f"{year:04d}-{month + 1:02d}"
    return time


def in_two(days: list[date], horizon: int) -> TimeSplit:
    """Return the past divided in two, so that what is left out between does not shorten one part alone.

    ``days`` are those of the rows, in order. Raises ValueError where they are too few.
    """
    if len(days) < FEWEST_MONTHS:
        raise ValueError(
            f"{len(days)} months of the past have known outcomes, at least {FEWEST_MONTHS} are needed; "
            "read what the CRM kept with `colonnade sync history`, or wait"
        )
    between = len([day for day in days if (day - days[0]).days <= horizon]) - 1
    place = max(0, (len(days) - between) // 2 - 1)
    train_to = days[place].toordinal()
    last = days[-1].toordinal()
    return TimeSplit(train_to, train_to + horizon + 1, horizon, last)
