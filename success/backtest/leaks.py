"""Columns that know the outcome: what tells them from columns that merely warn (domain C.6 f).

Each check looks at one signal beside the label. A warning grows towards an event and is often wrong;
a leak is nearly always right, or right only from the event on. Neighbours: ``signals`` makes what is
examined, ``foresight`` looks further ahead than the label, ``report`` leaves out what is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from success.backtest.ranking import auc, auc_of_flags, auc_within
from success.backtest.signals import Signal
from success.backtest.table import FactsTable, Mask

TOO_GOOD = 0.9
"""A single column that ranks this well is not believed (domain C.6 f)."""
FEWEST_EVENTS = 10
FEWEST_FLAGGED = 8
SURE, LIFT_OF_SURE, SUREST = 0.5, 10, 0.9
TWIN = 0.7
AHEAD = (0, 1, 2, 3)
STRONG, STRONG_HITS, STRONG_RATIO = 0.25, 0.4, 10.0
CLIFF = 0.65
PROFILE_ROWS = 5
FEWEST_AREAS = 2


@dataclass(frozen=True, slots=True)
class Leak:
    """A column that is left out, by which check it was found, and why, in a sentence."""

    column: str
    check: str
    why: str


Check = Callable[[FactsTable, Signal, Mask, Mask], Leak | None]


def examine(table: FactsTable, signal: Signal, train: Mask, test: Mask) -> Iterator[Leak]:
    """Yield what is wrong with a signal, the plainest first."""
    for check in CHECKS:
        found = check(table, signal, train, test)
        if found is not None:
            yield found


def _area(signal: Signal, positive: Mask, rows: Mask) -> float | None:
    rows = rows & signal.known
    if positive[rows].sum() < FEWEST_EVENTS:
        return None
    if signal.flag:
        return auc_of_flags(positive[rows], signal.values[rows] == 1)
    return auc(positive[rows], signal.values[rows])


def either_way(area: float | None) -> float:
    """Return an area with its direction forgotten; 0.5 where there is none."""
    return 0.5 if area is None else max(area, 1 - area)


def _single(table: FactsTable, signal: Signal, train: Mask, test: Mask) -> Leak | None:
    positive = table.labels == 1
    for part, rows in (("training", train), ("the test", test)):
        area = either_way(_area(signal, positive, rows))
        if area > TOO_GOOD:
            why = f"{signal.how} alone ranks {part} with an AUC of {area:.3f}"
            return Leak(signal.column, "single_feature", why)
    return None


def _within(table: FactsTable, signal: Signal, train: Mask, test: Mask) -> Leak | None:
    """Compare accounts of one age, and of one time: a total of a lifetime hides behind either."""
    rows = (train | test) & signal.known
    positive = table.labels[rows] == 1
    if signal.flag or positive.sum() < FEWEST_EVENTS:
        return None
    for strata, words in ((table.elapsed, "the same age"), (table.times, "the same time")):
        area = either_way(auc_within(strata[rows], positive, signal.values[rows]))
        if area > TOO_GOOD:
            why = f"among accounts of {words}, {signal.how} alone ranks with an AUC of {area:.3f}"
            return Leak(signal.column, "lifetime_aggregate", why)
    return None


def _certain(table: FactsTable, signal: Signal, train: Mask, test: Mask) -> Leak | None:
    """Find a yes that is nearly always followed by the event, however rare."""
    for part, within in (("training", train), ("the test", test)):
        rows = within & signal.known
        flagged, positive = signal.values[rows] == 1, table.labels[rows] == 1
        hits = int((flagged & positive).sum())
        if not signal.flag or hits < FEWEST_FLAGGED:
            continue
        base, sure = positive.mean(), hits / flagged.sum()
        if sure >= min(SUREST, max(SURE, LIFT_OF_SURE * base)):
            often = f"in {sure:.0%} of cases in {part}, any row in {base:.1%}"
            why = f"{signal.how} is followed by the event {often}"
            return Leak(signal.column, "near_certain", why)
    return None


def _twin(table: FactsTable, signal: Signal, train: Mask, test: Mask) -> Leak | None:
    """Find the label itself or its opposite, also that of a later row of the account."""
    if not signal.flag:
        return None
    labels = table.labels.astype(float)
    for ahead in AHEAD:
        moved = table.lagged(labels, -ahead)
        rows = (train | test) & signal.known & ~np.isnan(moved)
        for flags in (signal.values[rows] == 1, signal.values[rows] == 0):
            both = int((flags & (moved[rows] == 1)).sum())
            either = int(flags.sum() + (moved[rows] == 1).sum())
            if both >= FEWEST_EVENTS and 2 * both / either >= TWIN:
                place = "the label" if not ahead else f"the label {rows_of(ahead)} later"
                return Leak(signal.column, "target_twin", f"{signal.how} is nearly {place}")
    return None


def profile(table: FactsTable, signal: Signal, rows: Mask) -> list[float]:
    """Return how well a signal tells events 0, 1, 2 … rows before they come from quiet rows.

    Quiet is an account that has no event in the rows looked at or just after. A list that is cut
    short has too few events.
    """
    before, known = table.rows_to_event, rows & signal.known
    quiet = known & (before > PROFILE_ROWS)
    areas: list[float] = []
    for distance in range(PROFILE_ROWS):
        chosen = quiet | (known & (before == distance))
        area = _area(signal, before == distance, chosen)
        if area is None:
            break
        areas.append(area)
    return areas


def _abrupt(table: FactsTable, signal: Signal, train: Mask, test: Mask) -> Leak | None:
    """Find what is strong at the event and was nothing a row before: it is written when one leaves."""
    areas = profile(table, signal, train | test)
    if len(areas) < FEWEST_AREAS:
        return None
    strength = abs(areas[0] - 0.5)
    falls = [abs(near - far) for near, far in pairwise(areas)]
    if max(falls) < CLIFF * strength:
        return None
    if strength < STRONG and not _often_right(table, signal, train | test):
        return None
    at = falls.index(max(falls))
    why = (
        f"{signal.how} tells events with an AUC of {either_way(areas[at]):.3f} {_before(at)}, "
        f"and with {either_way(areas[at + 1]):.3f} one row earlier"
    )
    return Leak(signal.column, "at_the_event", why)


def _often_right(table: FactsTable, signal: Signal, rows: Mask) -> bool:
    if not signal.flag:
        return False
    rows = rows & signal.known
    return strong_flag(signal.values[rows] == 1, table.labels[rows] == 1, STRONG_RATIO)


def rows_of(count: int) -> str:
    """Return a number of rows in words."""
    return "1 row" if count == 1 else f"{count} rows"


def _before(count: int) -> str:
    return f"{rows_of(count)} before they come" if count else "as they come"


def strong_flag(flags: Mask, positive: Mask, ratio: float) -> bool:
    """Say whether a yes meets many of the events and hardly anything else; half a row is added to each."""
    hits, false = float((flags & positive).sum()), float((flags & ~positive).sum())
    hit_rate = (hits + 0.5) / (positive.sum() + 1)
    false_rate = (false + 0.5) / ((~positive).sum() + 1)
    return hits >= FEWEST_EVENTS and hit_rate >= STRONG_HITS and hit_rate >= ratio * false_rate


CHECKS: tuple[Check, ...] = (_twin, _single, _certain, _within, _abrupt)
