"""Health of a whole portfolio by columns: the integers of ``success.health.score``, every one.

``score_columns`` takes the measures of all accounts as a ``Frame`` and gives points, bands, coverage, shares
and contributions as arrays; ``HealthColumns.result`` turns one account's into the ``HealthResult`` of the
twin, to explain it. What columns do not cover is scored by the twin: every account where the scorecard has a
part they do not know or weights without room in 64 bits, one account where its own value has none, and whom
the caller names. Neighbours: ``curves`` and ``expressions`` do the work, ``familiar`` knows the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from success.columns.arithmetic import Truth
from success.columns.curves import ROOM, Curve, fitting, points_on, scaled, shared_out
from success.columns.expressions import truth_or_rows
from success.columns.familiar import unfamiliar
from success.columns.frame import NO_DAY, Frame, Integers, Measured, Yes
from success.columns.weighing import carried_weights, largest_whole, nominal_weights
from success.health import (
    CAPS_GROUP,
    NEUTRAL_POINTS,
    UNKNOWN_BAND,
    CapOutcome,
    Contribution,
    HealthResult,
    Standing,
)
from success.measures import MeasureValue
from success.rules import Cap, MeasureRule, OnMissing, Scorecard
from success.shares import THOUSAND
from success.weighing import nominal, shares

NOWHERE: Final = -1
"""In place of a position where there is none: no band, no binding cap."""
STANDINGS: Final = tuple(Standing)
_MISSING: Final = {
    OnMissing.REDISTRIBUTE: Standing.REDISTRIBUTED,
    OnMissing.NEUTRAL: Standing.NEUTRAL,
    OnMissing.WORST: Standing.WORST,
    OnMissing.BLOCK: Standing.BLOCKING,
}
Codes: TypeAlias = NDArray[np.int8]
Twin: TypeAlias = Callable[[int], HealthResult]
"""Scores the account of a row by itself, as ``success.health.score`` does."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What each measure is in each score: a row per measure of the scorecard, a column per account.

    ``standing`` is a position in ``STANDINGS``. ``own`` are the measure's own points where ``has_points``;
    ``points`` are what it adds, ``share`` its thousandths after redistribution.
    """

    standing: Codes
    own: Integers
    has_points: Yes
    stale: Yes
    share: Integers
    points: Integers


@dataclass(frozen=True, slots=True)
class HealthColumns:
    """The health of every account of a frame on a day; points, shares and coverage in thousandths.

    ``points`` hold where ``known``. ``bands`` are positions in ``band_keys``, ``binding`` the position of the
    cap that lowered the score, each ``NOWHERE`` for none. ``alone`` holds the results of the twin by row:
    there ``parts``, ``caps`` and ``binding`` do not hold.
    """

    frame: Frame
    card: Scorecard
    as_of: date
    points: Integers
    known: Yes
    bands: Integers
    band_keys: tuple[str, ...]
    coverage: Integers
    declared: tuple[int, ...]
    parts: Parts
    caps: tuple[Truth, ...]
    binding: Integers
    alone: Mapping[int, HealthResult]

    def band(self, row: int) -> str:
        """Return the key of an account's band."""
        at = int(self.bands[row])
        return UNKNOWN_BAND if at == NOWHERE else self.band_keys[at]

    def result(self, row: int) -> HealthResult:
        """Return one account's health as the twin gives it."""
        if row in self.alone:
            return self.alone[row]
        known = bool(self.known[row])
        binding = int(self.binding[row])
        parts = tuple(self._part(place, row) for place in range(len(self.card.measures)))
        if binding != NOWHERE:
            cap = self.card.caps[binding]
            parts = (*parts, _cap_part(cap, cap.points - sum(part.points for part in parts), self.as_of))
        points, band = int(self.points[row]) if known else None, self.band(row)
        return HealthResult(
            self.frame.accounts[row], self.card.name, self.as_of, points, band, int(self.coverage[row]),
            parts, tuple(self._outcome(place, row) for place in range(len(self.card.caps))), points, band,
        )  # fmt: skip

    def _part(self, place: int, row: int) -> Contribution:
        rule, parts = self.card.measures[place], self.parts
        own = int(parts.own[place, row]) if parts.has_points[place, row] else None
        return Contribution(
            rule.measure, rule.title, rule.group, STANDINGS[parts.standing[place, row]],
            int(parts.points[place, row]), int(parts.share[place, row]), self.declared[place], own,
            self.frame.measures[rule.measure].value(row), bool(parts.stale[place, row]),
        )  # fmt: skip

    def _outcome(self, place: int, row: int) -> CapOutcome:
        truth = self.caps[place]
        holds = True if truth.yes[row] else False if truth.no[row] else None
        return CapOutcome(self.card.caps[place], holds, place == int(self.binding[row]))


def _cap_part(cap: Cap, points: int, as_of: date) -> Contribution:
    return Contribution(
        cap.key, cap.reason, CAPS_GROUP, Standing.CAP, points, 0, 0, cap.points, MeasureValue(True, as_of),
        reason=cap.reason,
    )  # fmt: skip


def uncovered(card: Scorecard, *, eventful_known: bool = False) -> str | None:
    """Return why columns cannot score by a scorecard at all, None where they can.

    Events they do not follow: whose account has any must be known, so that the twin scores it.
    A cap outside the expressions' subset is no reason: only it is evaluated account by account.
    """
    weights = [rule.weight for rule in card.measures] + [group.weight for group in card.groups]
    if min(weights, default=0) < 0:
        return "a negative weight"
    if card.events and not eventful_known:
        return "events, and nobody said whose"
    points = [abs(corner.points) for rule in card.measures for corner in rule.curve]
    largest = 2 * max(largest_whole(card), sum(nominal_weights(card))) * max([NEUTRAL_POINTS, *points])
    if largest > ROOM or any(scaled(rule.curve) is None for rule in card.measures):
        return "weights or a curve without room in 64 bits"
    return unfamiliar(card)


def score_columns(
    frame: Frame,
    card: Scorecard,
    as_of: date,
    twin: Twin,
    alone: Yes | None = None,
    eventful: Yes | None = None,
) -> HealthColumns:
    """Return the health of all accounts of a frame on a day.

    ``alone`` are accounts the twin has to score for reasons the caller knows: all with an override.
    ``eventful`` are those with an event the scorecard counts, None where nobody looked. Raises KeyError
    for a measure that the frame does not hold, ``ExpressionError`` like ``success.health.score``.
    """
    if uncovered(card, eventful_known=eventful is not None) is not None:
        stub = Scorecard(card.key, card.version, (), card.bands)
        found, rows = _scored(frame, stub, as_of), np.ones(len(frame), dtype=np.bool_)
    else:
        found, rows = _scored(frame, card, as_of), _without_room(frame, card)
    for others in (alone, eventful):
        rows = rows if others is None else rows | others
    return _settled(found, {int(row): twin(int(row)) for row in np.flatnonzero(rows)})


def _without_room(frame: Frame, card: Scorecard) -> Yes:
    """Return the accounts with a value too large for the whole numbers of its curve."""
    rows = np.zeros(len(frame), dtype=np.bool_)
    for rule in card.measures:
        column = frame.measures[rule.measure]
        rows |= column.known & ~fitting(_curve(rule), column)
    return rows


def _settled(found: HealthColumns, results: Mapping[int, HealthResult]) -> HealthColumns:
    """Return the columns with what the twin found in place of theirs."""
    if not results:
        return found
    rows = np.array(list(results))
    places = {key: place for place, key in enumerate(found.band_keys)}
    known, points = found.known.copy(), found.points.copy()
    bands, coverage = found.bands.copy(), found.coverage.copy()
    known[rows] = [one.points is not None for one in results.values()]
    points[rows] = [one.points or 0 for one in results.values()]
    bands[rows] = [places.get(one.band, NOWHERE) for one in results.values()]
    coverage[rows] = [one.coverage for one in results.values()]
    return replace(found, known=known, points=points, bands=bands, coverage=coverage, alone=results)


def _scored(frame: Frame, card: Scorecard, as_of: date) -> HealthColumns:
    weighty = zip(card.measures, nominal_weights(card), strict=True)
    read = [_read(rule, weight, frame.measures[rule.measure], as_of) for rule, weight in weighty]
    standing: Codes = _stacked([one.standing for one in read], frame, np.int8)
    own: Integers = _stacked([one.own for one in read], frame, np.int64)
    has_points: Yes = _stacked([one.has_points for one in read], frame, np.bool_)
    stale: Yes = _stacked([one.stale for one in read], frame, np.bool_)
    coverage, unknown = _coverage(card, standing)
    weights = carried_weights(card, has_points)
    weights[:, unknown] = 0
    present = weights.sum(axis=0)
    whole = np.where(present > 0, present, 1)
    parts = Parts(
        standing, own, has_points, stale,
        shared_out(weights * THOUSAND, whole), shared_out(weights * own, whole),
    )  # fmt: skip
    base = parts.points.sum(axis=0)
    caps = tuple(truth_or_rows(cap.when, frame) for cap in card.caps)
    binding = _binding(card, caps, base, unknown)
    limits = np.array([*(cap.points for cap in card.caps), 0], dtype=np.int64)
    points = np.where(binding == NOWHERE, base, limits[binding])
    bands = sorted(card.bands, key=lambda band: band.floor)
    reached = np.searchsorted(np.array([band.floor for band in bands]), points, side="right") - 1
    return HealthColumns(
        frame, card, as_of, points, ~unknown, np.where(unknown, NOWHERE, reached),
        tuple(band.key for band in bands), coverage, shares(nominal(card)), parts, caps, binding, {},
    )  # fmt: skip


def _stacked(columns: Sequence[NDArray[Any]], frame: Frame, kind: type[np.generic]) -> NDArray[Any]:
    """Return columns as rows of one array, also where there is none."""
    return np.array(columns, dtype=kind).reshape(len(columns), len(frame))


@dataclass(frozen=True, slots=True)
class _Reading:
    """One measure of every account as its rule reads it, before any weight; see ``Parts``."""

    standing: Codes
    own: Integers
    has_points: Yes
    stale: Yes


def _read(rule: MeasureRule, weight: int, column: Measured, as_of: date) -> _Reading:
    """Return a measure's own points, or how it is missing."""
    stale = _stale(column, rule.max_age_days, as_of)
    fresh = column.known & ~stale
    missing = Standing.SHADOW if weight == 0 else _MISSING[rule.on_missing]
    present = Standing.SHADOW if weight == 0 else Standing.COUNTED
    standing = np.where(fresh, np.int8(STANDINGS.index(present)), np.int8(STANDINGS.index(missing)))
    stands_in = {Standing.NEUTRAL: NEUTRAL_POINTS, Standing.WORST: min(one.points for one in rule.curve)}
    with np.errstate(all="ignore"):  # values that are not fresh or have no room are not read
        own = np.where(fresh, points_on(_curve(rule), column), stands_in.get(missing, 0))
    return _Reading(standing, own, fresh | (missing in stands_in), stale)


def _curve(rule: MeasureRule) -> Curve:
    curve = scaled(rule.curve)
    if curve is None:
        raise ValueError(f"columns do not cover the curve of {rule.measure}")
    return curve


def _stale(column: Measured, max_age_days: int | None, as_of: date) -> Yes:
    """Return what ``success.health.is_stale`` says of each value."""
    if max_age_days is None:
        return np.zeros(len(column.known), dtype=np.bool_)
    old = column.observed < as_of.toordinal() - max_age_days
    stale: Yes = column.known & ((column.observed == NO_DAY) | old)
    return stale


def _coverage(card: Scorecard, standing: Codes) -> tuple[Integers, Yes]:
    """Return the share of weight behind fresh values, and whose score is unknown."""
    weights = np.array(nominal_weights(card), dtype=np.int64).reshape(-1, 1)
    counted = weights * (standing == STANDINGS.index(Standing.COUNTED))
    coverage = counted.sum(axis=0) * THOUSAND // (int(weights.sum()) or 1)
    blocked = (standing == STANDINGS.index(Standing.BLOCKING)).any(axis=0)
    return coverage, blocked | (coverage == 0) | (coverage < card.coverage_floor)


def _binding(card: Scorecard, caps: tuple[Truth, ...], base: Integers, unknown: Yes) -> Integers:
    """Return the position of the lowest cap below each score that holds, of equal ones the first by key."""
    binding = np.full(len(base), NOWHERE, dtype=np.int64)
    lowest_first = sorted(range(len(caps)), key=lambda at: (card.caps[at].points, card.caps[at].key))
    for at in reversed(lowest_first):
        binding[caps[at].yes & (card.caps[at].points < base) & ~unknown] = at
    return binding
