"""Which band stands for each account of a portfolio: the steps of ``success.bands.stands`` over columns.

Positions are those of ``HealthColumns.band_keys``, and one past them for *unknown*. Neighbours: ``health``
gives the scores, ``criteria`` holds what waits.
"""

from __future__ import annotations

import numpy as np

from success.columns.criteria import NOWHERE, HeldColumns, held
from success.columns.frame import Integers, Yes
from success.columns.health import HealthColumns


def raw_bands(found: HealthColumns) -> Integers:
    """Return the band each score falls into, unknown as the position past the last."""
    return np.where(found.bands == NOWHERE, len(found.band_keys), found.bands)


def stands(before: HeldColumns, found: HealthColumns, day: int, overridden: Yes) -> HeldColumns:
    """Return the bands that stand after the grid day with ordinal ``day``.

    ``overridden`` are accounts whose override changes the score that day, or ends then and would change it.
    """
    unknown, raw = len(found.band_keys), raw_bands(found)
    of_band = (before.value != NOWHERE) & (before.value != unknown)
    worse = (raw < before.value) & _critical(found)
    at_once = ~of_band | (raw == unknown) | worse | overridden
    asked = np.where(at_once, raw, _asked(before, found, raw))
    return held(before, asked, day, found.card.hold_days, at_once)


def _critical(found: HealthColumns) -> Yes:
    """Return the accounts of whom a critical fact holds."""
    critical = np.zeros(len(found.frame), dtype=np.bool_)
    for cap, truth in zip(found.card.caps, found.caps, strict=True):
        if cap.critical:
            critical |= truth.yes
    for row, result in found.alone.items():
        critical[row] = any(one.holds and one.cap.critical for one in result.caps)
    return critical


def _asked(before: HeldColumns, found: HealthColumns, raw: Integers) -> Integers:
    """Return the band each score asks for: the one held until it is beyond its border by the margin.

    Read only where a band is held and the score is known.
    """
    last, margin = len(found.band_keys) - 1, found.card.margin
    floors = np.array(sorted(band.floor for band in found.card.bands), dtype=np.int64)
    here = np.clip(before.value, 0, last)
    better = raw > here
    above = found.points >= floors[np.minimum(here + 1, last)] + margin
    beyond = np.where(better, above, found.points < floors[here] - margin)
    waiting = before.waiting
    same_way = (waiting != NOWHERE) & (waiting <= last) & ((waiting > here) == better)
    nearest = np.where(better, np.minimum(waiting, raw), np.maximum(waiting, raw))
    asked = np.where(same_way, nearest, raw)
    return np.where(raw == here, raw, np.where(beyond, asked, here))
