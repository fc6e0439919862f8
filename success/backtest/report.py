"""The report of a backtest: everything domain C.6 d asks, and whether it is enough to activate.

Pure values; ``sync`` stores and prints them. Neighbours: ``run`` fills it in, ``gate`` decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from success.backtest.alarms import Alarms
from success.backtest.calibration import Calibration
from success.backtest.leaks import Leak
from success.backtest.ranking import Interval


@dataclass(frozen=True, slots=True)
class PartCounts:
    """What one part of the past held: rows, labelled rows, accounts, and accounts with a labelled row."""

    rows: int
    events: int
    accounts: int
    accounts_with_events: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline over the test, and how far the model's AUC is above it over the same resamples."""

    auc: float
    auc_low: float | None
    auc_high: float | None
    lead: float
    lead_low: float | None
    lead_high: float | None


@dataclass(frozen=True, slots=True)
class SegmentArea:
    """The ranking within one segment; ``auc`` None where it has no event, or nothing else."""

    rows: int
    events: int
    auc: float | None


@dataclass(frozen=True, slots=True)
class Weighted:
    """The same measures with every row counted by its ARR."""

    auc: float | None
    lift_at_10: float | None
    capture_at_10: float | None


@dataclass(frozen=True, slots=True)
class FittedTerm:
    """A number of the model and its weight: log-odds per standard deviation of training."""

    name: str
    weight: float


@dataclass(frozen=True, slots=True)
class Fit:
    """How a model was fitted; ``strength`` is the inverse of the penalty, small is strong.

    ``permuted_auc`` are areas of refits on shuffled labels, which lie about 0.5.
    """

    terms: tuple[FittedTerm, ...]
    strength: float
    events_per_parameter: float
    shrunk: bool
    permuted_auc: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """How a score did over the test."""

    auc: Interval | None = None
    average_precision: float | None = None
    lift_at_10: float | None = None
    capture_at_10: float | None = None
    calibration: Calibration | None = None
    alarms: Alarms | None = None
    segments: Mapping[str, SegmentArea] = field(default_factory=dict)
    weighted: Weighted | None = None
    new_accounts_auc: float | None = None
    baselines: Mapping[str, Baseline] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """One backtest. ``reasons`` say why it may be activated or not; ``notes`` what else to know.

    ``blocked`` are columns left out as leaks, ``ignored`` those that are no features.
    """

    activate: bool
    reasons: tuple[str, ...]
    measured: Measured
    train: PartCounts
    test: PartCounts
    blocked: tuple[Leak, ...] = ()
    ignored: tuple[str, ...] = ()
    fit: Fit | None = None
    notes: tuple[str, ...] = ()
