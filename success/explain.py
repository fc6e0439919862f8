"""Health in the words a CSM reads: one sentence per contribution, adding up to the score.

Points are shown in tenths. The score is cut (never rounded up into the next band), and the
tenths of the contributions are shared out so that what is read adds up exactly. Neighbours:
``wording`` has the sentences in every language, ``explain_change`` tells how a score changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from success.health import Contribution, HealthResult, Standing
from success.human_inputs import Override
from success.measures import MEASURES, MeasureValue, Unit
from success.overriding import ends_on
from success.shares import half_up, largest_remainder
from success.wording.words import ENGLISH, Words

TENTH = 100
TOLD_FOR = timedelta(days=30)
_INSTEAD = {
    Standing.REDISTRIBUTED: "part.redistributed",
    Standing.NEUTRAL: "part.neutral",
    Standing.WORST: "part.worst",
    Standing.BLOCKING: "part.blocking",
    Standing.SHADOW: "part.shadow",
}


def shown_points(points: int) -> Decimal:
    """Return thousandths of points as points with one decimal, cut."""
    return tenths(points // TENTH)


def tenths(count: int) -> Decimal:
    """Return a number of tenths as a decimal with one place."""
    return Decimal(count).scaleb(-1)


def in_tenths(points: Sequence[int], total: Decimal) -> tuple[Decimal, ...]:
    """Return thousandths of points as tenths that add up to ``total``, less than a tenth from theirs."""
    exact = [Fraction(part, TENTH) for part in points]
    return tuple(tenths(count) for count in largest_remainder(exact, int(total.scaleb(1))))


def shown_contributions(result: HealthResult) -> tuple[Decimal, ...]:
    """Return the contributions in points with one decimal; they add up to ``shown_points``."""
    parts = [part.points for part in result.contributions]
    return in_tenths(parts, shown_points(sum(parts)))


def explain(result: HealthResult, words: Words = ENGLISH) -> str:
    """Return the explanation of a score: a first line with the sum, then one line per contribution."""
    lines = [_headline(result, words)]
    shown = shown_contributions(result)
    lines += [
        _sentence(part, points, result, words)
        for part, points in zip(result.contributions, shown, strict=True)
        if points or part.standing is not Standing.EVENT
    ]
    if result.override is not None:
        lines.append(_override_sentence(result, result.override, words))
    return "\n".join(lines)


def _headline(result: HealthResult, words: Words) -> str:
    known = tenths(result.coverage)
    if result.points is None:
        return words("health.unknown", known=known)
    said = words("health.known", points=shown_points(result.points), band=result.band, known=known)
    return said if result.band == result.raw_band else f"{said} {words('health.held', band=result.raw_band)}"


def _sentence(part: Contribution, points: Decimal, result: HealthResult, words: Words) -> str:
    if part.standing is Standing.CAP:
        limit = shown_points(part.measure_points or 0)
        return words("part.cap", reason=part.reason, limit=limit, points=-points)
    if part.standing is Standing.EVENT:
        return _of_events(part, points, words)
    if part.standing is Standing.OVERRIDE:
        way = "takes" if points < 0 else "adds"
        return words(f"part.override_{way}", author=_author(result.override, words), points=abs(points))
    if part.standing is Standing.COUNTED:
        return _counted(part, points, result, words)
    value = shown_value(part.key, part.value, words)
    if part.stale and part.value.observed_on is not None:
        value = words("value.stale", day=part.value.observed_on)
    measure = f"{title_of(part, words)} ({value})"
    if part.standing is Standing.SHADOW and part.measure_points is not None:
        return words("part.shadow_known", measure=measure, points=shown_points(part.measure_points))
    return words(_INSTEAD[part.standing], measure=measure, points=points)


def _of_events(part: Contribution, points: Decimal, words: Words) -> str:
    times = words.counted("event.times", int(part.value.value or 0))
    way, last = "takes" if points < 0 else "adds", part.value.observed_on
    return words(f"part.event_{way}", reason=part.reason, times=times, points=abs(points), day=last or "")


def _counted(part: Contribution, points: Decimal, result: HealthResult, words: Words) -> str:
    measure = f"{title_of(part, words)} ({shown_value(part.key, part.value, words)})"
    if result.points is None:
        return words("part.not_enough", measure=measure)
    phrase = "part.counted" if part.share == part.declared_share else "part.lent"
    share, own = tenths(part.share), tenths(part.declared_share)
    return words(phrase, measure=measure, points=points, share=share, own=own)


def _author(override: Override | None, words: Words) -> str:
    return override.author if override is not None and override.author else words("override.somebody")


def _override_sentence(result: HealthResult, override: Override, words: Words) -> str:
    """Tell who overrides what until when and why, with the computed score beside it."""
    computed = result.computed_points
    said = words(
        f"override.{override.kind.value}",
        author=_author(override, words),
        points=shown_points(override.points),
        day=ends_on(override),
        reason=override.reason,
        computed=words("value.unknown") if computed is None else shown_points(computed),
    )
    return f"{said[0].upper()}{said[1:]}"


def override_ended(override: Override | None, as_of: date, words: Words = ENGLISH) -> str | None:
    """Return the sentence that tells, for 30 days, that an override has ended; None where there is none."""
    if override is None or not timedelta(0) <= as_of - ends_on(override) < TOLD_FOR:
        return None
    points = shown_points(override.points)
    return words("override.ended", author=_author(override, words), points=points, day=ends_on(override))


class Titled(Protocol):
    """What carries a measure's name and title, or a cap's."""

    @property
    def key(self) -> str:
        """Return the name."""

    @property
    def title(self) -> str:
        """Return the title as the charter or the catalogue has it."""


def title_of(part: Titled, words: Words) -> str:
    """Return a title: the charter's own, else the measure's in the language."""
    known = MEASURES.get(part.key)
    if known is None or part.title != known.title:
        return part.title
    return words.measure(part.key, part.title)


def _days(number: Fraction) -> int | Decimal:
    """Return days whole, or with one decimal where they are not."""
    return int(number) if number.denominator == 1 else tenths(half_up(number * 10))


def shown_value(name: str, value: MeasureValue, words: Words = ENGLISH) -> str:
    """Return a measure's value with its unit, or ``unknown``."""
    if value.value is None:
        return words("value.unknown")
    unit = MEASURES[name].unit
    number = Fraction(value.value)
    if unit is Unit.SHARE:
        return words("value.share", percent=half_up(number * 100))
    if unit is Unit.DAYS:
        return words.counted("value.days", _days(number))
    if unit is Unit.FLAG:
        return words("value.yes" if value.value else "value.no")
    if unit is Unit.MONEY:
        return words.grouped(half_up(number))
    if unit is Unit.COUNT:
        return words.shown(int(number))
    return words.shown(tenths(half_up(number * 10)))
