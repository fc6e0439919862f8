"""Whether columns know every part of a scorecard: one they do not know is never passed over.

The rules grow; a field added to them has a default that leaves scores as they were. Where a scorecard gives
such a field another value before columns follow it, the twin scores. Neighbour: ``health``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, Final

from success.rules import Band, Cap, CurvePoint, GroupRule, MeasureRule, Scorecard

# Margin, hold and critical caps say which band stands, segments and stages whose scorecard it is: no part
# of a score. The time zone is that of events.
_FAMILIAR: Final[Mapping[type, frozenset[str]]] = {
    Scorecard: frozenset({
        "key", "version", "measures", "bands", "caps", "coverage_floor", "groups", "events", "margin",
        "hold_days", "segments", "stages", "time_zone",
    }),
    GroupRule: frozenset({"key", "title", "weight"}),
    MeasureRule: frozenset({"measure", "title", "group", "weight", "curve", "max_age_days", "on_missing"}),
    Cap: frozenset({"key", "when", "points", "reason", "critical"}),
    Band: frozenset({"key", "title", "floor"}),
    CurvePoint: frozenset({"raw", "points"}),
}  # fmt: skip


def unfamiliar(card: Scorecard) -> str | None:
    """Return the first part of a scorecard that columns do not know, None where they know all."""
    corners = [corner for rule in card.measures for corner in rule.curve]
    parts: list[Any] = [card, *card.measures, *card.groups, *card.bands, *card.caps, *corners]
    for part in parts:
        familiar = _FAMILIAR.get(type(part), frozenset())
        for one in fields(part):
            if one.name not in familiar and getattr(part, one.name) != _default(one):
                return f"{one.name} of {type(part).__name__}"
    return None


def _default(one: Field[Any]) -> Any:
    return one.default_factory() if one.default_factory is not MISSING else one.default
