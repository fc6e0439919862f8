"""One account of ``colonnade bench health`` by the rules for one account, to hold the columns to.

Nothing here uses columns but to read what was given. Neighbour: ``health`` compares a sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from success.bands import stands
from success.columns.criteria import NOWHERE, HeldColumns
from success.columns.frame import Frame
from success.expressions import evaluate
from success.facts import Account, AccountFacts
from success.health import HealthResult, score
from success.holding import Change, Held, step
from success.measures import MeasureValue
from sync.bench.health_facts import Portfolio
from sync.bench.health_rules import (
    BAND_KEYS,
    SCORECARD,
    SEGMENT_HOLD_DAYS,
    SEGMENT_KEYS,
    SEGMENTS,
    STAGE_HOLD_DAYS,
    STAGE_KEYS,
    STAGES,
    Criterion,
)


def health_of(frame: Frame, row: int, day: date) -> HealthResult:
    """Return an account's health."""
    return score(_facts(frame, row, day), SCORECARD, frame.book(row), day)


def _facts(frame: Frame, row: int, day: date) -> AccountFacts:
    name = frame.accounts[row]
    return AccountFacts(Account(name, name, day), name)


def segment_of(frame: Frame, before: HeldColumns, row: int, day: date) -> Held:
    """Return an account's segment after a day: the first that holds, and who cannot be told stays."""
    stood = held_of(before, SEGMENT_KEYS, row)
    current = None if stood is None else stood.value
    asked = current
    for criterion in SEGMENTS:
        inside = _kept(criterion, current, frame.book(row))
        if inside is not False:
            asked = criterion.key if inside else current
            break
    return step(stood, asked or SEGMENTS[-1].key, day, SEGMENT_HOLD_DAYS)


def stage_of(frame: Frame, before: HeldColumns, row: int, day: date) -> Held:
    """Return an account's stage after a day: the furthest that holds."""
    stood = held_of(before, STAGE_KEYS, row)
    current = None if stood is None else stood.value
    asked = STAGES[0].key
    for criterion in STAGES:
        inside = _kept(criterion, current, frame.book(row))
        if inside or (inside is None and criterion.key == current):
            asked = criterion.key
    return step(stood, asked, day, STAGE_HOLD_DAYS)


def band_of(found: Portfolio, health: HealthResult, row: int, day: date) -> Held:
    """Return the band that stands of an account after a day."""
    return stands(held_of(found.bands, BAND_KEYS, row), health, SCORECARD, day)


def held_of(columns: HeldColumns, keys: Sequence[str], row: int) -> Held | None:
    """Return what stands for an account and what waits, without what stood before it."""
    value, waiting = int(columns.value[row]), int(columns.waiting[row])
    if value == NOWHERE:
        return None
    waits = None if waiting == NOWHERE else Change(_day(columns.waiting_since[row]), keys[waiting])
    return Held((Change(_day(columns.since[row]), keys[value]),), waits)


def _day(ordinal: int) -> date:
    return date.fromordinal(int(ordinal))


def _kept(criterion: Criterion, current: str | None, book: Mapping[str, MeasureValue]) -> bool | None:
    entered = True if criterion.when is None else evaluate(criterion.when, book)
    if entered or criterion.key != current or criterion.leave_when is None:
        return entered
    return entered if evaluate(criterion.leave_when, book) else True
