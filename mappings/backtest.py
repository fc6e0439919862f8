"""The charter's ``backtest``: how scores are judged on the past, and which must have passed.

Neighbours: ``charter`` holds it, ``sync`` runs backtests by it and asks for reports at an apply.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from mappings.problems import suggest
from mappings.scalars import Finding, Key, Model


class BacktestEntry(Model):
    """How scores are judged (domain C.6)."""

    required: tuple[Key, ...] = Field(
        default=(), description="Scorecards that come into force only with a passing report."
    )
    horizon_days: Annotated[int, Field(ge=28, le=366)] = Field(
        default=90, description="A churn counts that comes within so many days; also the embargo."
    )
    accounts_per_csm: Annotated[int, Field(ge=1)] = Field(
        default=50, description="For false alarms per CSM and month."
    )
    resamples: Annotated[int, Field(ge=20, le=10_000)] = 1000
    seed: Annotated[int, Field(ge=0)] = 0


def unknown_required(entry: BacktestEntry, keys: Iterable[str]) -> list[Finding]:
    """Return a finding for every required name that no scorecard or model of the charter has."""
    known = list(keys)
    return [
        Finding(("required", place), f"there is no scorecard or model {name!r}", suggest(name, known))
        for place, name in enumerate(entry.required)
        if name not in known
    ]
