"""A person's own score over the computed one: in force for so long, and never instead of it (domain C.5).

``health`` applies it last, so that it is a contribution like any other and ends by itself.
"""

from __future__ import annotations

from datetime import date, timedelta

from success.human_inputs import OVERRIDE_DAYS, Override, OverrideKind


def ends_on(override: Override) -> date:
    """Return the first day an override is no longer in force: at the latest 90 days after it was made."""
    return min(override.until, override.made_on + timedelta(days=OVERRIDE_DAYS))


def in_force(override: Override | None, as_of: date) -> Override | None:
    """Return the override if it is in force on a day, ``[made_on, ends_on)``, else None."""
    if override is None or not override.made_on <= as_of < ends_on(override):
        return None
    return override


def overridden(override: Override, computed: int | None) -> int | None:
    """Return the points an override makes of the computed ones, both in thousandths.

    A value stands for the computed score, known or not: a person may know what the measures do not.
    A cap or a floor limits a score, so an unknown one stays unknown. A floor also lifts a score that a
    hard fact holds down.
    """
    if override.kind is OverrideKind.VALUE:
        return override.points
    if computed is None:
        return None
    limit = min if override.kind is OverrideKind.CAP else max
    return limit(computed, override.points)
