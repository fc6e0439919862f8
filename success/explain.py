"""Health in the words a CSM reads: one sentence per contribution, adding up to the score.

Points are shown in tenths. The score is cut (never rounded up into the next band), and the
tenths of the contributions are shared out so that what is read adds up exactly.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from success.health import Contribution, HealthResult, Standing
from success.measures import MEASURES, MeasureValue, Unit
from success.shares import half_up, largest_remainder

TENTH = 100


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
        _sentence(part, points, result) for part, points in zip(result.contributions, shown, strict=True)
    ]
    return "\n".join(lines)


def _headline(result: HealthResult) -> str:
    known = f"{tenths(result.coverage)} % of what we weigh is known"
    if result.points is None:
        return f"Health is unknown: {known}."
    return f"Health is {shown_points(result.points)} ({result.band}); {known}."


def _sentence(part: Contribution, points: Decimal, result: HealthResult) -> str:
    if part.standing is Standing.CAP:
        return f"{part.reason}: limited to {shown_points(part.measure_points or 0)}, takes {-points} points."
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
    }.get(part.standing, "is watched, not counted")


def shown_value(name: str, value: MeasureValue) -> str:
    """Return a measure's value with its unit, or ``unknown``."""
    if value.value is None:
        return "unknown"
    unit = MEASURES[name].unit
    number = Fraction(value.value)
    if unit is Unit.SHARE:
        return f"{half_up(number * 100)} %"
    if unit is Unit.DAYS:
        shown = number if number.denominator == 1 else tenths(half_up(number * 10))
        return f"{shown} day" if number == 1 else f"{shown} days"
    if unit is Unit.MONEY:
        return f"{half_up(number):,}"
    return str(number) if unit is Unit.COUNT else str(tenths(half_up(number * 10)))
