"""Health in the words a CSM reads: one sentence per contribution, adding up to the score.

Points are shown in tenths. The score is cut (never rounded up into the next band), and the
tenths of the contributions are shared out so that what is read adds up exactly.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from success.health import Contribution, HealthResult, Standing
from success.human_inputs import Override, OverrideKind
from success.measures import MEASURES, MeasureValue, Unit
from success.overriding import ends_on
from success.shares import half_up, largest_remainder

TENTH = 100
TOLD_FOR = timedelta(days=30)


def shown_points(points: int) -> Decimal:
    """Return thousandths of points as points with one decimal, cut."""
    return tenths(points // TENTH)


def tenths(count: int) -> Decimal:
    """Return a number of tenths as a decimal with one place."""
    return Decimal(count).scaleb(-1)


def shown_contributions(result: HealthResult) -> tuple[Decimal, ...]:
    """Return the contributions in points with one decimal; they add up to ``shown_points``."""
    exact = [Fraction(part.points, TENTH) for part in result.contributions]
    total = sum(part.points for part in result.contributions) // TENTH
    return tuple(tenths(count) for count in largest_remainder(exact, total))


def explain(result: HealthResult) -> str:
    """Return the explanation of a score: a first line with the sum, then one line per contribution."""
    lines = [_headline(result)]
    shown = shown_contributions(result)
    lines += [
        _sentence(part, points, result)
        for part, points in zip(result.contributions, shown, strict=True)
        if points or part.standing is not Standing.EVENT
    ]
    if result.override is not None:
        lines.append(_override_sentence(result, result.override))
    return "\n".join(lines)


def _headline(result: HealthResult) -> str:
    known = f"{tenths(result.coverage)} % of what we weigh is known"
    if result.points is None:
        return f"Health is unknown: {known}."
    held = "" if result.band == result.raw_band else f" By its points alone it would be {result.raw_band}."
    return f"Health is {shown_points(result.points)} ({result.band}); {known}.{held}"


def _sentence(part: Contribution, points: Decimal, result: HealthResult) -> str:
    if part.standing is Standing.CAP:
        return f"{part.reason}: limited to {shown_points(part.measure_points or 0)}, takes {-points} points."
    if part.standing is Standing.EVENT:
        return f"{part.reason} ({_events(part)}) {_moved(points)}, less with each day."
    if part.standing is Standing.OVERRIDE:
        return f"What {_author(result.override)} says {_moved(points)}."
    known = f"{part.title} ({shown_value(part.key, part.value)})"
    if part.standing is Standing.COUNTED and result.points is None:
        return f"{known} is known, but not enough else is."
    if part.standing is Standing.COUNTED:
        return f"{known} adds {points} points at a weight of {tenths(part.share)} %{_lent(part)}."
    if part.stale:
        known = f"{part.title} (last seen on {part.value.observed_on}, too long ago)"
    return f"{known} {_instead(part, points)}."


def _lent(part: Contribution) -> str:
    if part.share == part.declared_share:
        return ""
    return f" ({tenths(part.declared_share)} % of its own, the rest from measures that are unknown)"


def _instead(part: Contribution, points: Decimal) -> str:
    return {
        Standing.REDISTRIBUTED: "adds nothing; its weight goes to the others",
        Standing.NEUTRAL: f"adds {points} points, a neutral value in its place",
        Standing.WORST: f"adds {points} points, the worst value in its place",
        Standing.BLOCKING: "is needed for any score",
    }.get(part.standing, f"is watched, not counted{_would_have(part)}")


def _would_have(part: Contribution) -> str:
    if part.measure_points is None:
        return ""
    return f"; by itself it would have {shown_points(part.measure_points)} of 100 points"


def _events(part: Contribution) -> str:
    count = part.value.value
    times = "once" if count == 1 else f"{count} times"
    return f"{times}, last on {part.value.observed_on}"


def _moved(points: Decimal) -> str:
    return f"takes {-points} points" if points < 0 else f"adds {points} points"


def _author(override: Override | None) -> str:
    return override.author if override is not None and override.author else "somebody"


_OVERRIDES = {
    OverrideKind.VALUE: "set health to",
    OverrideKind.CAP: "holds health at or below",
    OverrideKind.FLOOR: "holds health at or above",
}


def _override_sentence(result: HealthResult, override: Override) -> str:
    """Tell who overrides what until when and why, with the computed score beside it."""
    computed = "unknown" if result.computed_points is None else str(shown_points(result.computed_points))
    does = f"{_author(override)} {_OVERRIDES[override.kind]} {shown_points(override.points)}"
    ends = f"until {ends_on(override)} ({override.reason})"
    return f"{does[0].upper()}{does[1:]} {ends}; the computed score is {computed}."


def override_ended(override: Override | None, as_of: date) -> str | None:
    """Return the sentence that tells, for 30 days, that an override has ended; None where there is none."""
    if override is None or not timedelta(0) <= as_of - ends_on(override) < TOLD_FOR:
        return None
    said = f"The override of health by {_author(override)} ({shown_points(override.points)} points)"
    return f"{said} ended on {ends_on(override)}; health is the computed score again."


def shown_value(name: str, value: MeasureValue) -> str:
    """Return a measure's value with its unit, or ``unknown``."""
    if value.value is None:
        return "unknown"
    unit = MEASURES[name].unit
    number = Fraction(value.value)
    if unit is Unit.SHARE:
        return f"{half_up(number * 100)} %"
    if unit is Unit.DAYS:
        return f"{number} day" if number == 1 else f"{number} days"
    if unit is Unit.FLAG:
        return "yes" if value.value else "no"
    if unit is Unit.MONEY:
        return f"{half_up(number):,}"
    return str(number) if unit is Unit.COUNT else str(tenths(half_up(number * 10)))
